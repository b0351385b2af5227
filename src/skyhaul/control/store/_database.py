"""One database, SQLite or PostgreSQL: transactions that are durable, one writer at a time, and errors in one line."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event, exc

from skyhaul.control.store._schema import HEAD, migrate, revision_of
from skyhaul.errors import StoreError

WAIT_S = 30  # how long a writer waits for another
CONNECT_S = 10  # how long PostgreSQL may take to answer

# Names, with the schema the tables are in, the store's advisory lock in a PostgreSQL database: "SKYH" in ASCII.
_LOCK = 0x534B5948

# PostgreSQL, "SQLSTATE codes": what is worth other words than the server's.
_DISK_FULL = "53100"
_LOCK_TIMEOUT = "55P03"
_READ_ONLY = ("25006", "42501")

# Beyond this many rows PostgreSQL takes them by COPY, which spares a round trip each.
_COPY_FROM = 200


class Database:
    """A SQLite file, made if it is not there, or a PostgreSQL database by its URL.

    A transaction that has returned is on the disk: SQLite in WAL mode with synchronous=FULL, PostgreSQL with
    synchronous_commit. `read_only` changes nothing and makes nothing.
    """

    def __init__(self, place: str | Path, *, read_only: bool = False) -> None:
        self.read_only = read_only
        text = str(place)
        if "://" in text:
            self._engine = self._postgresql(text)
        else:
            self._engine = self._sqlite(Path(text))
        self.postgresql = self._engine.dialect.name == "postgresql"

    def close(self) -> None:
        """Let go of every connection."""
        self._engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A transaction that sees one state of the database throughout."""
        with self._reported(), self._engine.connect() as connection, connection.begin():
            connection.exec_driver_sql(
                "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY" if self.postgresql else "BEGIN"
            )
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """A transaction that no other writer runs beside, in any process; whatever is raised inside undoes it."""
        if self.read_only:
            raise StoreError("is open for reading only", where=self.where)
        with self._reported(), self._engine.connect() as connection, connection.begin():
            self._take_turn(connection)
            yield connection

    def barrier(self) -> None:
        """Wait until every transaction of another writer that runs now has ended."""
        if self.read_only and not self.postgresql:
            return
        with self._reported(), self._engine.connect() as connection, connection.begin() as transaction:
            self._take_turn(connection, shared=True)
            transaction.rollback()

    def prepare(self, create: Callable[[sa.Connection], None] | None = None) -> None:
        """Bring the tables to the present schema; with `create` make them where there are none, and let it fill them in
        the same transaction.

        Raises StoreError where there is no store, or with `create` one already, and where a later Skyhaul wrote it.
        """
        revision: str | None = None
        if create or not self.read_only:
            with self.writing() as connection:
                revision = self._revision(connection)
                if create and revision is not None:
                    raise StoreError("there is a store already", where=self.where, mend="open it, or name another")
                if revision != HEAD and (create or revision is not None):
                    migrate(connection)
                    revision = HEAD
                if create:
                    create(connection)
        else:
            with self.reading() as connection:
                revision = self._revision(connection)
        if revision is None:
            raise StoreError("holds no store", where=self.where, mend="make one with `skyhaul registry new`")
        if revision != HEAD:
            mend = "open it once for writing, which brings it up to date"
            raise StoreError(f"is of an earlier schema ({revision}; now {HEAD})", where=self.where, mend=mend)

    def insert(self, connection: sa.Connection, table: sa.Table, rows: Sequence[tuple[Any, ...]]) -> None:
        """Add rows, each with a value for every column of the table in order."""
        if not rows:
            return
        names = [column.name for column in table.columns]
        driver = connection.connection.cursor()
        try:
            if self.postgresql and len(rows) > _COPY_FROM:
                with driver.copy(f"COPY {table.name} ({', '.join(names)}) FROM STDIN") as copy:
                    for row in rows:
                        copy.write_row(row)
            else:
                mark = "%s" if self.postgresql else "?"
                driver.executemany(
                    f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({', '.join([mark] * len(names))})", rows
                )
        except self._engine.dialect.loaded_dbapi.Error as error:
            raise exc.DBAPIError(None, None, error) from error
        finally:
            driver.close()

    def scrub(self) -> None:
        """Let nothing that was erased stay in SQLite's log of changes."""
        if not self.postgresql:
            with self._reported(), self._engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    @contextmanager
    def _reported(self) -> Iterator[None]:
        try:
            yield
        except exc.SQLAlchemyError as error:
            raise self._error(error) from None
        except UnicodeDecodeError:  # what SQLite says of a file with wrong bytes in a name
            raise StoreError("is damaged: text that is not UTF-8", where=self.where, mend="put back a copy") from None

    def _error(self, error: exc.SQLAlchemyError) -> StoreError:
        cause = getattr(error, "orig", None) or error
        first = str(cause).strip().splitlines()
        what = (first[0] if first else type(cause).__name__).removesuffix(".")
        code = getattr(cause, "sqlstate", None)
        name = getattr(cause, "sqlite_errorname", "")
        if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
            what, mend = f"is damaged, or no store: {what}", "put back a copy"
        elif name.startswith("SQLITE_FULL") or code == _DISK_FULL:
            what, mend = "the disk is full: nothing was recorded", "make room and do it again"
        elif name.startswith("SQLITE_IOERR"):
            what, mend = f"the disk refuses: {what}", "check the disk; nothing was recorded"
        elif name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")) or code == _LOCK_TIMEOUT:
            what, mend = f"another process has been writing for {WAIT_S} s", "wait for it, or end it"
        elif name.startswith(("SQLITE_READONLY", "SQLITE_PERM")) or code in _READ_ONLY:
            what, mend = f"may not be written: {what}", "check the rights of file and folder"
        elif name.startswith("SQLITE_CANTOPEN"):
            what, mend = "cannot be opened", "check that the folder is there and may be written"
        elif self.postgresql and (code is None or code.startswith(("08", "57P"))):
            what, mend = f"cannot be reached: {what}", "check the address, and that the server runs"
        else:
            mend = "nothing was recorded"
        return StoreError(what, where=self.where, mend=mend)

    def _revision(self, connection: sa.Connection) -> str | None:
        try:
            return revision_of(connection)
        except StoreError as error:
            raise StoreError(error.what, where=self.where, mend=error.mend) from None

    def _take_turn(self, connection: sa.Connection, *, shared: bool = False) -> None:
        if self.postgresql:
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{WAIT_S}s'")
            lock = f"pg_advisory_xact_lock{'_shared' * shared}"
            connection.exec_driver_sql(f"SELECT {lock}({_LOCK}, hashtext(current_schema()))")
        else:
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    def _sqlite(self, path: Path) -> sa.Engine:
        self.where = str(path)
        if self.read_only and not path.exists():
            raise StoreError("no such file", where=self.where, mend="check the path")
        uri = f"{path.absolute().as_uri()}?mode={'ro' if self.read_only else 'rwc'}"

        def connect() -> sqlite3.Connection:
            connection = sqlite3.connect(
                uri, uri=True, timeout=WAIT_S, isolation_level=None, check_same_thread=False, cached_statements=32
            )
            if not self.read_only:
                connection.execute("PRAGMA journal_mode = WAL")
                # FULL: the log of changes reaches the disk at every commit (SQLite, "PRAGMA synchronous").
                connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            return connection

        return sa.create_engine("sqlite://", creator=connect, poolclass=sa.QueuePool)

    def _postgresql(self, text: str) -> sa.Engine:
        self.where = "the store"
        try:
            url = sa.make_url(text)
        except exc.ArgumentError:
            raise StoreError("is no address of a database", where=text[:60], mend=_URL) from None
        self.where = url.render_as_string(hide_password=True)
        if url.get_backend_name() not in ("postgresql", "postgres"):
            raise StoreError(f"{url.get_backend_name()} is no database of a store", where=self.where, mend=_URL)
        if not url.database:
            raise StoreError("names no database", where=self.where, mend=_URL)
        engine = sa.create_engine(
            url.set(drivername="postgresql+psycopg"),
            pool_pre_ping=True,
            connect_args={
                "connect_timeout": CONNECT_S,
                "application_name": "skyhaul",
                "keepalives_idle": CONNECT_S,
                "keepalives_interval": 2,
                "keepalives_count": 3,
                "tcp_user_timeout": CONNECT_S * 1000,  # milliseconds; a server that is cut off is noticed
            },
        )

        @event.listens_for(engine, "connect")
        def durable(connection: Any, _: Any) -> None:
            connection.autocommit = True
            connection.execute("SET synchronous_commit = on")
            connection.execute("SET timezone = 'UTC'")
            connection.autocommit = False

        return engine


_URL = "postgresql://USER@HOST/DATABASE, or the path of a SQLite file"
