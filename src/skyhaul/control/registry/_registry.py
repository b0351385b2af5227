"""The registry: a store with a door."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar
from urllib.parse import quote, unquote

import numpy as np

from skyhaul.control.facts import Appointment, Fact, Facts, Order, OrderEnd, Role, Settings
from skyhaul.control.registry._bulk import Candidate, Rejected, sorted_out
from skyhaul.control.registry._door import Actor, examine
from skyhaul.control.registry._known import Index, Known
from skyhaul.control.registry._signing import PersonKey, Signed, is_signed_by, signer_of
from skyhaul.control.registry._touched import approvals_needed, touched_terminals
from skyhaul.control.registry._views import held
from skyhaul.errors import ControlError, NotFoundError, RecordError, StoreError

if TYPE_CHECKING:
    from skyhaul.control.store import Receipt, Store

F = TypeVar("F", bound=Fact)

Clock = Callable[[], np.datetime64]

DATABASE, ADDRESS, LOG, KEYS = "control.db", "store.url", "log", "keys"
_LOG_KEY, _PEOPLE, _PEM = "log.key", "people", ".pem"

_NEW_FROM = "`skyhaul registry new DIR --from PLACE` makes a registry of it"


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of many rows: the receipt of those recorded (None: nothing was), and the rows that were not."""

    receipt: Receipt | None
    rejected: tuple[Rejected, ...]

    @property
    def recorded(self) -> int:
        """How many facts were recorded."""
        return len(self.receipt.facts) if self.receipt else 0


class Registry:
    """All facts of a place, and the one way to record more: whoever hands them in is asked for role and right.

    A folder holds the database (`control.db`, or in `store.url` the address of a PostgreSQL one), the log (`log/`) and
    the keys of this machine (`keys/`). Other places are read only. Use it as a context manager, or `close` it.

    place       where it is, as errors say it
    read_only   whether nothing can be recorded
    """

    def __init__(
        self, place: str, *, store: Store | None = None, facts: Facts | None = None, clock: Clock | None = None
    ) -> None:
        from skyhaul.control.store import system_clock

        self.place = place
        self._store = store
        self._facts = facts
        self._clock = clock or system_clock
        self._index = Index()
        self._indexed: Facts | None = None

    @classmethod
    def create(
        cls,
        folder: str | Path,
        operator: str,
        url: str | None = None,
        *,
        history: Iterable[Fact] = (),
        key: PersonKey | None = None,
        origin: str = "",
        clock: Clock | None = None,
    ) -> Registry:
        """Make a registry in a new or empty folder, and its first appointment: the person who is the operator.

        url       of an empty PostgreSQL database, in place of a SQLite file in the folder
        history   facts that were recorded elsewhere, and keep their times; they are not asked who may say them
        key       the operator's; without it a new one, in the folder's `keys/people/`
        origin    name of the log, such as example.org/control

        Raises StoreError or RecordError where the folder holds something or cannot be written, ControlError for facts
        that contradict each other.
        """
        from skyhaul.control.log import SigningKey, write_key
        from skyhaul.control.store import Store, system_clock

        folder, clock = Path(folder), clock or system_clock
        own = key or PersonKey.generate()
        now = clock()
        first = Appointment(
            id=f"appointment-{os.urandom(8).hex()}",
            valid_from=now,
            recorded_at=now,
            source="the making of this registry",
            author=operator,
            person=operator,
            role=Role.OPERATOR,
            body=Settings().operator,
            public_key=own.public,
        )
        past = sorted(history, key=lambda fact: (fact.recorded_at, fact.id))
        missing = [path for path in (folder, *folder.parents) if not path.exists()]
        _make_folders(folder)
        try:
            log_key = folder / KEYS / _LOG_KEY
            write_key(log_key, SigningKey.generate(origin or f"skyhaul/{os.urandom(8).hex()}"))
            # Empty or not, the file that holds names and addresses is its owner's from the beginning.
            _write_private(folder / (DATABASE if url is None else ADDRESS), "" if url is None else f"{url}\n")
            if key is None:
                own.write(key_file(folder, operator))
            store = Store.create(url or folder / DATABASE, folder / LOG, log_key, clock=clock)
            try:
                store.append(past, by=operator, keep_times=True)
                store.append([first], by=operator)
            except BaseException:
                store.close()
                raise
        except BaseException:
            _empty(folder)
            for path in missing:
                with suppress(OSError):  # somebody else has put something there
                    path.rmdir()
            raise
        return cls(str(folder), store=store, clock=clock)

    @classmethod
    def open(cls, place: str | Path, *, read_only: bool = False, clock: Clock | None = None) -> Registry:
        """Open a registry: its folder, or the address of a PostgreSQL database, which without the folder with log and
        keys is read only. Raises NotFoundError where there is none, StoreError where it cannot be opened."""
        from skyhaul.control.store import Store, system_clock

        clock = clock or system_clock
        if "://" in str(place):
            return cls(_without_password(str(place)), store=Store.open(str(place), clock=clock), clock=clock)
        if not str(place):
            raise NotFoundError("which registry?", mend="give its folder")
        folder = Path(place)
        _check_store(folder)
        database = _address(folder) or folder / DATABASE
        key = folder / KEYS / _LOG_KEY
        if read_only or not os.access(key, os.R_OK):
            return cls(str(place), store=Store.open(database, clock=clock), clock=clock)
        return cls(str(place), store=Store.open(database, folder / LOG, key, clock=clock), clock=clock)

    @classmethod
    def of(cls, facts: Iterable[Fact], place: str, clock: Clock | None = None) -> Registry:
        """A read-only registry of facts that lie elsewhere, as in files."""
        return cls(place, facts=facts if isinstance(facts, Facts) else Facts(facts), clock=clock)

    def close(self) -> None:
        """Let go of the store."""
        if self._store is not None:
            self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def read_only(self) -> bool:
        """Whether nothing can be recorded."""
        return self._store is None or self._store.read_only

    @property
    def store(self) -> Store:
        """The store behind the door, for reading. Raises StoreError where facts lie in files."""
        if self._store is None:
            raise StoreError("holds facts in files, and no store", where=self.place, mend=_NEW_FROM)
        return self._store

    @property
    def facts(self) -> Facts:
        """Every fact on record."""
        if self._facts is not None:
            return self._facts
        return self.store.facts()

    def refresh(self) -> None:
        """Take in what other processes recorded."""
        if self._store is not None:
            self._store.refresh()

    def now(self) -> np.datetime64:
        """The time by the registry's clock."""
        return self._clock()

    def check_writable(self) -> None:
        """Raise StoreError, with the mend, where nothing can be recorded."""
        if self._store is None:
            raise StoreError("is read only", where=self.place, mend=_NEW_FROM)
        if self._store.read_only:
            raise StoreError(
                "is open for reading only", where=self.place, mend="give the registry's folder, with its log and keys"
            )

    @property
    def known_at(self) -> np.datetime64:
        """An instant at which all that is on record is known."""
        if self._facts is None:
            return max(self.now(), self.store.known_at)
        # A history in files may be one that is still to come, as in an exercise.
        return max((fact.recorded_at for fact in self._facts), default=self.now())

    def known(self, batch: Iterable[Fact] = ()) -> Known:
        """What is known now, with a batch that might be recorded."""
        facts, batch = self.facts, list(batch)
        return Known(facts, self._index_of(facts), self.now(), batch, self._cells_for(batch))

    def prepared(self, order: F) -> F:
        """An order, or the end of one, that says how many approvals the policy wants of it, if it said fewer; other
        facts as they are. To be signed afterwards."""
        known = self.known([order])
        given = known.find(Order, order.order) if isinstance(order, OrderEnd) else order
        if isinstance(order, Order | OrderEnd) and isinstance(given, Order):
            needed = approvals_needed(given, known)
            if order.approvals_needed < needed:
                return replace(order, approvals_needed=needed)
        return order

    def touched(self, order: Order) -> list[str]:
        """The terminals that an order is over, sorted."""
        return touched_terminals(order, self.known([order]))

    def verifies(self, fact: Fact) -> bool:
        """Whether a signed fact's signature is that of its author, by a key appointed to them when it was recorded, as
        known then or now; a draft is asked as if it were recorded now."""
        signer = signer_of(fact)
        if signer is None or not isinstance(fact, Signed):
            return False
        facts = self.facts
        return any(
            appointment.person == signer and is_signed_by(fact, appointment.public_key)
            for appointment in held(facts, Appointment, fact.recorded_at, self.known_at)
        )

    def examine(self, facts: Sequence[Fact], actor: Actor) -> list[ControlError | None]:
        """For each fact why it may not be recorded by the actor, or None; see `record`."""
        recorded = self.facts
        return examine(facts, actor, recorded, self._index_of(recorded), self.now(), self._cells_for(facts))

    def record(self, facts: Iterable[Fact], actor: Actor) -> Receipt:
        """Record facts, all or none, as the actor; they are on the disk and in the log once this returns.

        Checked are the actor's role and key, what their role may say of what and where, signatures (made here for the
        actor's own orders, ends and approvals that have none), approvals, and that what is spoken of is there. The
        time of recording is the registry's. Raises ControlError, naming the fact and the mend, for the first that may
        not be recorded; StoreError where nothing can be.
        """
        self.check_writable()
        batch = [actor.signed(fact) for fact in facts]
        return self._append(batch, actor, None)

    def record_rows(
        self, rows: Iterable[Candidate], actor: Actor, *, all_or_nothing: bool = False, dry_run: bool = False
    ) -> Imported:
        """Record what may be recorded of many rows, and say of each other row why not.

        all_or_nothing   record nothing where any row is rejected
        dry_run          record nothing
        """
        self.check_writable()
        signed = [(number, actor.signed(found) if isinstance(found, Fact) else found) for number, found in rows]
        recorded = self.facts
        size = len(recorded)
        kept, rejected = sorted_out(signed, lambda batch: self.examine(batch, actor))
        if not kept or dry_run or (all_or_nothing and rejected):
            return Imported(None, tuple(rejected))
        return Imported(self._append(kept, actor, (recorded, size)), tuple(rejected))

    def _append(self, batch: list[Fact], actor: Actor, examined: tuple[Facts, int] | None) -> Receipt:
        cells = self._cells_for(batch)

        def check(recorded: Facts, stamped: Sequence[Fact]) -> None:
            if stamped and (examined is None or recorded is not examined[0] or len(recorded) != examined[1]):
                now = stamped[0].recorded_at
                for error in examine(stamped, actor, recorded, self._index_of(recorded), now, cells):
                    if error is not None:
                        raise error

        return self.store.append(batch, by=actor.person, check=check)

    def _cells_for(self, batch: Sequence[Fact]) -> dict[str, str]:
        """Where terminals were last decided about, if there are orders to be counted for."""
        if self._store is None or not any(isinstance(fact, Order | OrderEnd) for fact in batch):
            return {}
        return self._store.last_cells()

    def _index_of(self, facts: Facts) -> Index:
        if self._indexed is not facts:
            self._index, self._indexed = Index(), facts
        return self._index.catch_up(facts)


def is_registry(folder: str | Path) -> bool:
    """Whether a folder is a registry's, be it one that has lost its store; or a file the store of one. What is wrong
    with such `Registry.open` says."""
    folder = Path(folder)
    return _has_store(folder) or _lacks_store(folder) or _is_store(folder)


def _has_store(folder: Path) -> bool:
    return any((folder / name).is_file() for name in (DATABASE, ADDRESS))


def _lacks_store(folder: Path) -> bool:
    return (folder / LOG).is_dir() and (folder / KEYS).is_dir() and not _has_store(folder)


def _is_store(path: Path) -> bool:
    return path.name in (DATABASE, ADDRESS) and path.is_file()


def _check_store(folder: Path) -> None:
    """Refuse a place that is no registry, or not a whole one."""
    if _is_store(folder):
        raise StoreError("is the store of a registry", where=str(folder), mend=f"give its folder: {folder.parent}")
    if _lacks_store(folder):
        mend = f"put it back from a backup, or {ADDRESS} where the facts lie in PostgreSQL"
        raise StoreError(f"the registry's store {DATABASE} is missing", where=str(folder), mend=mend)
    if not _has_store(folder):
        raise NotFoundError("there is no registry", where=str(folder), mend="`skyhaul registry new DIR` makes one")


def key_file(folder: str | Path, person: str) -> Path:
    """Where a registry's folder keeps the key of a person who works on this machine."""
    return Path(folder) / KEYS / _PEOPLE / f"{quote(person, safe=' ')}{_PEM}"


def people_with_keys(folder: str | Path) -> list[str]:
    """The people whose keys a registry's folder keeps, sorted."""
    try:
        found = [path.name for path in (Path(folder) / KEYS / _PEOPLE).iterdir()]
    except OSError:
        return []
    return sorted(unquote(name.removesuffix(_PEM)) for name in found if name.endswith(_PEM))


def _make_folders(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise RecordError("the folder is not empty", where=str(folder), mend="a registry begins in a new one")
        (folder / KEYS).mkdir(mode=0o700)
        (folder / KEYS / _PEOPLE).mkdir(mode=0o700)
    except OSError as error:
        raise RecordError(f"cannot make the folder: {error.strerror}", where=str(folder)) from None


def _empty(folder: Path) -> None:
    """Take away what was made in a folder that was empty before."""
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _address(folder: Path) -> str | None:
    with suppress(FileNotFoundError):
        return (folder / ADDRESS).read_text(encoding="utf-8").strip()
    return None


def _write_private(path: Path, text: str) -> None:
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise RecordError(f"cannot write: {error.strerror}", where=str(path)) from None


def _without_password(url: str) -> str:
    return re.sub(r"(://[^:/@]*):[^@]*@", r"\1@", url)
