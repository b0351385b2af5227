"""The store: facts and decisions on disk, each an entry of the tamper-evident log."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import numpy as np
import sqlalchemy as sa

from skyhaul.control._instants import instant_text, nanoseconds, utc
from skyhaul.control.decision import Decision
from skyhaul.control.facts import Fact, Facts
from skyhaul.control.log import Log, Opening, Verification, VerifierKey, read_key
from skyhaul.control.store._database import Database
from skyhaul.control.store._decisions import (
    DecisionRecord,
    State,
    decision_leaf,
    decision_row,
    last_cells,
    read_decisions,
    states_since,
)
from skyhaul.control.store._erasure import erase, erase_party, opening
from skyhaul.control.store._outbox import Outbox, count_of
from skyhaul.control.store._rows import Rows, read_leaves, stamped
from skyhaul.control.store._schema import DECISIONS, FACTS, LEAVES, OPENINGS, STORE
from skyhaul.control.store._verify import verify_tables
from skyhaul.errors import ControlError, NotFoundError, StoreError

Clock = Callable[[], np.datetime64]

_MANY = 10_000  # facts; with fewer the collector hardly shows


def system_clock() -> np.datetime64:
    """Now, UTC, as the machine has it."""
    return np.datetime64(time.time_ns(), "ns")


class Receipt(NamedTuple):
    """What was recorded: on the disk, in the database and in the log.

    leaves        numbers of its entries in the log, in the order given
    recorded_at   when: the stamp of the last of them; of an empty batch, that of the entry before
    facts         the facts as they were recorded
    """

    leaves: range
    recorded_at: np.datetime64
    facts: tuple[Fact, ...] = ()


class Store:
    """Facts and decisions in a SQLite file or a PostgreSQL database, and the log of them.

    Nothing is overwritten. What a method that records has returned from lasts whatever happens to the process or the
    machine; what it has not returned from is there whole, or not at all. Several processes may use a store at once,
    and threads one Store. `Store.create` once, `Store.open` afterwards, as a context manager or with `close`.

    clock   gives the time of recording; entries are stamped strictly later one after another even when it goes back
    """

    def __init__(self, database: Database, outbox: Outbox | None, log_key: str, clock: Clock) -> None:
        self._database = database
        self._outbox = outbox
        self._clock = clock
        self._mutex = threading.RLock()
        self.log_key = log_key
        self._facts = Facts()
        self._size = 0  # entries taken in
        self._last_at = 0  # stamp (ns) of the last of them
        self._erased = False  # whether values among them were erased, so that all must be read again
        self._states: dict[str, State] = {}
        self._states_from = 0
        self._loaded = False
        self._claimed = 0  # the latest instant (ns) up to which the facts have been said to be known

    @classmethod
    def create(cls, database: str | Path, log: str | Path, key: str | Path, *, clock: Clock = system_clock) -> Store:
        """Make an empty store in a new SQLite file or an empty PostgreSQL database (by URL), with its log.

        `log` is a new or empty folder, `key` the file of the log's signing key (`write_key`), whose name is the log's
        origin. Raises StoreError where the database holds something or cannot be reached, RecordError where the log
        cannot begin.
        """
        tables = Database(database)
        try:
            row = (1, str(read_key(key).verifier), nanoseconds(clock()))
            tables.prepare(lambda connection: tables.insert(connection, STORE, [row]))
        finally:
            tables.close()
        if not (Path(log) / "checkpoint").exists():
            Log.create(log, key).close()
        return cls.open(database, log, key, clock=clock)

    @classmethod
    def open(
        cls,
        database: str | Path,
        log: str | Path | None = None,
        key: str | Path | None = None,
        *,
        clock: Clock = system_clock,
    ) -> Store:
        """Open a store; one of an earlier schema is brought up to date, and the log catches up with the tables.

        Without `log` and `key` it is read only, and nothing is changed. Raises StoreError where there is no store, it
        cannot be reached, or a later Skyhaul wrote it; TamperError where log and tables are not those of each other.
        """
        tables = Database(database, read_only=log is None or key is None)
        try:
            tables.prepare()
            with tables.reading() as connection:
                log_key = connection.execute(sa.select(STORE.c.log_key)).scalar()
            if log_key is None:
                raise StoreError("does not say whose log it has", where=tables.where, mend="put back a copy")
            outbox = None
            if log is not None and key is not None:
                if not (Path(log) / "checkpoint").exists() and str(read_key(key).verifier) == log_key:
                    with tables.reading() as connection:
                        if count_of(connection) == 0:  # its making was cut off before the log began
                            Log.create(log, key).close()
                outbox = Outbox.open(tables, Path(log), Path(key), log_key)
            return cls(tables, outbox, log_key, clock)
        except BaseException:
            tables.close()
            raise

    def close(self) -> None:
        """Let go of database and log."""
        with self._mutex:
            if self._outbox:
                self._outbox.close()
            self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def where(self) -> str:
        """The file, or the address without its password."""
        return self._database.where

    @property
    def read_only(self) -> bool:
        """Whether nothing can be recorded with this Store."""
        return self._outbox is None

    def facts(self) -> Facts:
        """Every fact that this Store has seen, always the same collection, which grows.

        `refresh` brings what other processes have recorded; what this one records is there at once. After an erasure
        it is another collection. Only the first call, and the first after an erasure, waits for the database.
        """
        # Without the lock where that can be: whoever asks must not wait for a refresh that waits for the server.
        if not self._loaded or self._erased:
            self.refresh()
        return self._facts

    @property
    def known_at(self) -> np.datetime64:
        """The instant up to which `facts` is all that was recorded: never again will one be recorded before it."""
        if not self._loaded:
            self.refresh()
        return np.datetime64(self._claimed, "ns")

    def age_s(self) -> float:
        """How old that knowledge is by the clock, in seconds."""
        return (nanoseconds(self._clock()) - nanoseconds(self.known_at)) / 1e9

    def refresh(self) -> bool:
        """Take in what was recorded since, by whomever; whether there was something. Cheap where there was nothing.

        Raises StoreError where the store cannot be reached: `facts` and `known_at` then stay what they were. A SQLite
        store that is open for reading only does not wait for a fact that is just being recorded, whose stamp can then
        be a moment earlier than `known_at`.
        """
        with self._mutex:
            # A writer that has read its clock before this is waited for, and one that reads it later stamps later.
            now = nanoseconds(self._clock()) - 1
            self._database.barrier()
            with self._database.reading() as connection:
                changed = self._catch_up(connection)
            self._claimed = max(self._claimed, now, self._last_at)
            self._loaded = True
            return changed

    def append(
        self,
        facts: Iterable[Fact],
        *,
        by: str,
        keep_times: bool = False,
        check: Callable[[Facts, Sequence[Fact]], None] | None = None,
    ) -> Receipt:
        """Record facts, all or none; they are on the disk and in the log once this returns.

        Each is stamped with the time of recording in place of its own; with `keep_times` it keeps its own, which must
        be past (for facts that another system recorded: the entry in the log says when it came here). `by` records
        them. `check` is called with all that is recorded so far and the stamped facts while nobody else can record,
        and may refuse them by raising. Raises ControlError for facts that contradict what is recorded (see
        `Facts.add`), StoreError and RecordError where they could not be recorded.
        """
        batch = list(facts)

        def build(_: sa.Connection, rows: Rows, first: int, at: int) -> Sequence[Fact]:
            kept = [self._timed(fact, at + i, at, keep_times) for i, fact in enumerate(batch)]
            if check:
                check(self._facts, kept)
            self._facts.check(*kept)
            for i, fact in enumerate(kept):
                rows.add_fact(first + i, at + i, fact, by)
            return kept

        with _uncollected(len(batch)):
            return self._record(by, build)

    def append_decisions(self, decisions: Iterable[Decision], *, by: str) -> Receipt:
        """Record, in the order given, those decisions that change the state of their terminal: outcome, code or rate.

        What is compared with is the decision about the terminal that was recorded last. Raises as `append` does.
        """
        batch = list(decisions)

        def build(connection: sa.Connection, rows: Rows, first: int, at: int) -> Sequence[Fact]:
            self._states |= states_since(connection, self._states_from)
            self._states_from = first
            states = dict(self._states)
            for decision in batch:
                state = State.of(decision)
                if states.get(decision.terminal) != state:
                    states[decision.terminal] = state
                    offset = len(rows.leaves)
                    rows.add_leaf(first + offset, at + offset, "decision", decision_leaf(decision, at + offset, by))
                    rows.decisions.append(decision_row(first + offset, decision))
            return ()

        return self._record(by, build)

    def decisions(
        self, terminal: str, begin: str | np.datetime64 | None = None, end: str | np.datetime64 | None = None
    ) -> list[DecisionRecord]:
        """The recorded decisions about a terminal for times in [begin, end), by time; None: no end."""
        bounds = (None if bound is None else nanoseconds(utc(bound)) for bound in (begin, end))
        with self._database.reading() as connection:
            return read_decisions(connection, terminal, *bounds)

    def decision_at(self, terminal: str, time: str | np.datetime64) -> DecisionRecord:
        """The recorded decision that put a terminal in the state it had at an instant; NotFoundError where none is."""
        until = nanoseconds(utc(time)) + 1
        with self._database.reading() as connection:
            found = read_decisions(connection, terminal, None, until, last=True)
        if not found:
            raise NotFoundError(f"no decision about {terminal} up to {instant_text(until - 1)}", where=self.where)
        return found[0]

    def last_cells(self) -> dict[str, str]:
        """The cell (hex) in which each terminal was last decided about, where that is on record."""
        with self._database.reading() as connection:
            return last_cells(connection)

    def leaf_of(self, fact: str) -> int:
        """The number of the entry of a fact, by its id; NotFoundError where there is none."""
        with self._database.reading() as connection:
            number = connection.execute(sa.select(FACTS.c.leaf).where(FACTS.c.id == fact)).scalar()
        if number is None:
            raise NotFoundError(f"there is no fact {fact}", where=self.where, mend="give its id")
        return int(number)

    def body(self, leaf: int) -> bytes:
        """The bytes of an entry, as the log has them; NotFoundError where there is none."""
        with self._database.reading() as connection:
            body: str | None = connection.execute(sa.select(LEAVES.c.body).where(LEAVES.c.number == leaf)).scalar()
        if body is None:
            raise NotFoundError(f"there is no entry {leaf}", where=self.where)
        return body.encode()

    def bodies(self, first: int = 0) -> Iterator[bytes]:
        """The bytes of every entry from a number on."""
        with self._database.reading() as connection:
            query = sa.select(LEAVES.c.body).where(LEAVES.c.number >= first).order_by(LEAVES.c.number)
            for (body,) in connection.execution_options(yield_per=5_000, stream_results=True).execute(query):
                yield body.encode()

    def openings(self, leaf: int) -> dict[str, Opening | str]:
        """What opens the commitments of an entry, by field; of an erased value the JSON that stands in for it."""
        with self._database.reading() as connection:
            query = sa.select(OPENINGS.c.field).where(OPENINGS.c.leaf == leaf).order_by(OPENINGS.c.field)
            return {field: opening(connection, leaf, field) for (field,) in connection.execute(query).all()}

    def erase(self, fields: Iterable[tuple[int, str]], *, by: str, reason: str) -> Receipt:
        """Forget private values for good: fields of entries, each by number and path.

        Value and salt are overwritten: nobody can say any more, or find out by guessing, what was committed to. The
        entry stays, and the fact reads with a stand-in: `erased-…` for text, null for a decision's document, and for a
        service address the South Pole. The erasure is an entry itself, which says by whom and why, and not what.
        Copies made before (backups, archives of PostgreSQL's log) keep it. Raises NotFoundError for a field that is
        not there or erased already.
        """
        chosen = list(fields)

        def build(connection: sa.Connection, rows: Rows, first: int, at: int) -> Sequence[Fact]:
            erase(connection, rows, chosen, first, at, by, reason)
            return ()

        return self._record(by, build)

    def erase_party(self, name: str, *, by: str, reason: str) -> Receipt:
        """Forget a party: its name wherever it stands in a private field, and what those facts say of it in private.

        One stand-in takes the name's place everywhere, so that what units went through its hands stays told. Public
        fields and other people's ids are not touched. NotFoundError where the name is nowhere.
        """

        def build(connection: sa.Connection, rows: Rows, first: int, at: int) -> Sequence[Fact]:
            if not erase_party(connection, rows, name, first, at, by, reason):
                raise NotFoundError("nothing private names that party", where=self.where)
            return ()

        return self._record(by, build)

    def _record(self, by: str, build: Callable[[sa.Connection, Rows, int, int], Sequence[Fact]]) -> Receipt:
        """Record what `build` adds to the rows, given the number and the stamp of the first entry; the facts that it
        returns are among them."""
        if not by.strip():
            raise ControlError("recorded by nobody", where=self.where, mend="say who records it")
        with self._mutex:
            if self._outbox is None:
                raise StoreError("is open for reading only", where=self.where, mend="open it with its log and key")
            rows = Rows()
            with self._database.writing() as connection:
                self._catch_up(connection)
                first, at = self._size, max(nanoseconds(self._clock()), self._last_at + 1, self._claimed + 1)
                facts = build(connection, rows, first, at)
                for table, added in (
                    (LEAVES, rows.leaves),
                    (FACTS, rows.facts),
                    (OPENINGS, rows.openings),
                    (DECISIONS, rows.decisions),
                ):
                    self._database.insert(connection, table, added)
            if rows.leaves:
                self._facts.add(*facts)
                self._size, self._last_at = first + len(rows.leaves), at + len(rows.leaves) - 1
                self._erased |= rows.leaves[-1][2] == "erasure"
            self._claimed, self._loaded = max(self._claimed, self._last_at), True
            if self._erased:
                self._database.scrub()
            self._outbox.publish([row[3] for row in rows.leaves], first)
            return Receipt(range(first, self._size), np.datetime64(self._last_at, "ns"), tuple(facts))

    def _timed(self, fact: Fact, stamp: int, now: int, keep: bool) -> Fact:
        if not keep:
            return stamped(fact, stamp)
        if nanoseconds(fact.recorded_at) > now:
            fact.refuse(f"was recorded in the future: it is {instant_text(now)}", "give the past, or no time")
        return fact

    def _catch_up(self, connection: sa.Connection) -> bool:
        """Take in the entries that are new, or all of them anew where values were erased."""
        count = count_of(connection)
        if count < self._size:
            raise StoreError("was put back to an older state", where=self.where, mend="put back its newest copy")
        if count == self._size and not self._erased:
            return False
        with _uncollected(count - self._size):
            new = list(read_leaves(connection, 0 if self._erased else self._size, self.where))
            again = self._erased
            if not again and any(leaf.record == "erasure" for leaf in new):
                new, again = list(read_leaves(connection, 0, self.where)), True
            facts = Facts() if again else self._facts
            try:
                facts.add(*(leaf.fact for leaf in new if leaf.fact is not None))
            except ControlError as error:
                what = f"its facts contradict each other: {error}"
                raise StoreError(what, where=self.where, mend="`skyhaul audit verify` says what is wrong") from None
        self._facts, self._erased = facts, False
        self._size, self._last_at = new[-1].number + 1, new[-1].at
        return True


@contextmanager
def _uncollected(count: int) -> Iterator[None]:
    """Spare the garbage collector the search among many facts, of which none is garbage."""
    if count < _MANY or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def verify_store(
    store: Store,
    log: str | Path,
    key: VerifierKey,
    *,
    witnesses: Sequence[VerifierKey] = (),
    quorum: int | None = None,
    earlier: Sequence[bytes] = (),
) -> Verification:
    """Read a whole store and its whole log, and say what is not as it was signed.

    What `verify_log` says of the log with the store's entries, and besides: every value of every row of the tables is
    held against its entry, every private value against its commitment, every shape against its hash. A value whose
    salt is gone needs an erasure that says so. Raises RecordError where the log's folder cannot be read at all.
    """
    return verify_tables(
        store._database, Path(log), key, store.log_key, witnesses=witnesses, quorum=quorum, earlier=earlier
    )
