"""What an operation must not forget, in one SQLite file: terminals, failures, dishes, runs, and the slots that were."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import event, exc
from sqlalchemy.pool import StaticPool

from skyhaul.errors import StoreError

FILE = "operation.db"
VERSION = 1
WAIT_S = 30

_TABLES = sa.MetaData()
META = sa.Table("meta", _TABLES, sa.Column("key", sa.Text, primary_key=True), sa.Column("value", sa.Text))
# The overlay over the scenario's terminals: added or changed ones with what they are, removed ones without.
TERMINALS = sa.Table(
    "terminals",
    _TABLES,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("document", sa.Text),
)
# Numbers stay with names for ever: terminals, gateways, PoPs.
NAMES = sa.Table(
    "names",
    _TABLES,
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.UniqueConstraint("kind", "name"),
)
FAILURES = sa.Table(
    "failures",
    _TABLES,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("target", sa.Text, nullable=False),
    sa.Column("start_ns", sa.Integer, nullable=False),
    sa.Column("end_ns", sa.Integer),
    sa.Column("note", sa.Text, nullable=False),
    sqlite_autoincrement=True,
)
DISHES = sa.Table("dishes", _TABLES, sa.Column("name", sa.Text, primary_key=True), sa.Column("document", sa.Text))
# When facts of the registry were heard, by the system's time; -1: they were there from the start.
HEARD = sa.Table(
    "heard",
    _TABLES,
    sa.Column("fact", sa.Text, primary_key=True),
    sa.Column("time_ns", sa.Integer, nullable=False),
    sqlite_with_rowid=False,
)
# Slots as they were, one by one, and packed by the hour: see `_packing`.
SLOTS = sa.Table(
    "slots", _TABLES, sa.Column("slot", sa.Integer, primary_key=True), sa.Column("columns", sa.LargeBinary)
)
# The terminals of each hour's blocks, in order.
HOURS = sa.Table(
    "hours", _TABLES, sa.Column("first", sa.Integer, primary_key=True), sa.Column("numbers", sa.LargeBinary)
)
BLOCKS = sa.Table(
    "blocks",
    _TABLES,
    sa.Column("first", sa.Integer, primary_key=True),
    sa.Column("part", sa.Integer, primary_key=True),
    sa.Column("columns", sa.LargeBinary, nullable=False),
)


class FailureRow(NamedTuple):
    """A failure as it is on record; see `Failure`. A laser's target is written "one / the other"."""

    number: int
    kind: str
    target: str
    start_ns: int
    end_ns: int | None
    note: str = ""


class OperationDatabase:
    """The file, or memory where there is no folder. What a method that writes has returned from is on the disk.

    Any thread may use it; writers wait for each other. Raises StoreError where the file cannot be used.
    """

    def __init__(self, folder: Path | None) -> None:
        self.where = "memory" if folder is None else str(folder / FILE)
        self._mutex = threading.RLock()
        try:
            if folder is None:
                self._engine = sa.create_engine(
                    "sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False}
                )
            else:
                folder.mkdir(parents=True, exist_ok=True)
                self._engine = sa.create_engine(f"sqlite:///{folder / FILE}", connect_args={"timeout": WAIT_S})
        except OSError as error:
            raise StoreError(f"cannot make the folder: {error.strerror}", where=str(folder)) from None
        event.listen(self._engine, "connect", _durable)
        self._numbers: dict[str, dict[str, int]] = {}
        try:
            with self.writing() as connection:
                _TABLES.create_all(connection)
                found = connection.execute(sa.select(META.c.value).where(META.c.key == "version")).scalar()
                if found is None:
                    connection.execute(sa.insert(META), [{"key": "version", "value": str(VERSION)}])
                elif int(found) > VERSION:
                    raise StoreError("a later version wrote it", where=self.where, mend="take that version")
        except BaseException:
            self._engine.dispose()
            raise

    def close(self) -> None:
        with self._mutex:
            self._engine.dispose()

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """A transaction that is on the disk once it is left."""
        with self._mutex, self._reported(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A transaction that changes nothing."""
        if isinstance(self._engine.pool, StaticPool):
            with self._mutex, self._reported(), self._engine.connect() as connection:
                yield connection
        else:
            with self._reported(), self._engine.connect() as connection:
                yield connection

    def meta(self, key: str) -> str | None:
        with self.reading() as connection:
            return connection.execute(sa.select(META.c.value).where(META.c.key == key)).scalar()

    def set_meta(self, **values: str) -> None:
        with self.writing() as connection:
            for key, value in values.items():
                put(connection, META, {"key": key, "value": value})

    def terminals(self) -> list[tuple[str, dict[str, Any] | None]]:
        """The overlay, in the order of additions: None for a terminal that was removed."""
        with self.reading() as connection:
            rows = connection.execute(sa.select(TERMINALS).order_by(TERMINALS.c.position)).all()
        return [(row.name, None if row.document is None else json.loads(row.document)) for row in rows]

    def put_terminals(self, changed: Mapping[str, Mapping[str, Any] | None]) -> None:
        """Keep what terminals are, or that they are no more."""
        with self.writing() as connection:
            place = connection.execute(sa.select(sa.func.max(TERMINALS.c.position))).scalar() or 0
            query = sa.select(TERMINALS.c.name, TERMINALS.c.position)
            known = {row.name: row.position for row in connection.execute(query)}
            for name, document in changed.items():
                place += 1
                text = None if document is None else json.dumps(document, separators=(",", ":"))
                position = known.get(name, place) if document is not None else place
                put(connection, TERMINALS, {"name": name, "position": position, "document": text})

    def numbers(self, kind: str, names: Sequence[str]) -> dict[str, int]:
        """The numbers of all names of a kind that ever were, these among them."""
        with self._mutex:
            known = self._numbers.get(kind)
            if known is None:
                with self.reading() as connection:
                    query = sa.select(NAMES.c.number, NAMES.c.name).where(NAMES.c.kind == kind)
                    known = {name: number for number, name in connection.execute(query)}
            new = list(dict.fromkeys(name for name in names if name not in known))
            if new:
                first = max(known.values(), default=-1) + 1
                rows = [{"kind": kind, "number": first + k, "name": name} for k, name in enumerate(new)]
                with self.writing() as connection:
                    connection.execute(sa.insert(NAMES), rows)
                known = known | {name: first + k for k, name in enumerate(new)}
            self._numbers[kind] = known
            return known

    def failures(self) -> list[FailureRow]:
        with self.reading() as connection:
            return [FailureRow(*row) for row in connection.execute(sa.select(FAILURES).order_by(FAILURES.c.number))]

    def add_failure(self, kind: str, target: str, start_ns: int, end_ns: int | None, note: str) -> int:
        """Keep a failure; its number."""
        values = {"kind": kind, "target": target, "start_ns": start_ns, "end_ns": end_ns, "note": note}
        with self.writing() as connection:
            key = connection.execute(sa.insert(FAILURES), values).inserted_primary_key
        assert key is not None
        return int(key[0])

    def end_failure(self, number: int, end_ns: int) -> None:
        with self.writing() as connection:
            connection.execute(sa.update(FAILURES).where(FAILURES.c.number == number).values(end_ns=end_ns))

    def dishes(self) -> dict[str, dict[str, Any]]:
        with self.reading() as connection:
            return {row.name: json.loads(row.document) for row in connection.execute(sa.select(DISHES))}

    def put_dishes(self, records: Mapping[str, Mapping[str, Any]]) -> None:
        with self.writing() as connection:
            for name, document in records.items():
                put(connection, DISHES, {"name": name, "document": json.dumps(document, separators=(",", ":"))})

    def heard(self) -> dict[str, int]:
        with self.reading() as connection:
            return {row.fact: row.time_ns for row in connection.execute(sa.select(HEARD))}

    def put_heard(self, times_ns: Mapping[str, int]) -> None:
        with self.writing() as connection:
            connection.execute(sa.insert(HEARD), [{"fact": id, "time_ns": at} for id, at in times_ns.items()])

    @contextmanager
    def _reported(self) -> Iterator[None]:
        try:
            yield
        except exc.SQLAlchemyError as error:
            what = str(getattr(error, "orig", None) or error).splitlines()[0]
            raise StoreError(what, where=self.where, mend="is the disk full, the file another's or damaged?") from error


def put(connection: sa.Connection, table: sa.Table, values: Mapping[str, Any]) -> None:
    """Insert a row, in place of the one with its key."""
    connection.execute(sa.insert(table).prefix_with("OR REPLACE"), [dict(values)])


def _durable(connection: Any, _: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.close()
