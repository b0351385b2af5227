"""What the registry knows when something is to be recorded: the facts there, and those handed in together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import NoReturn, TypeVar, cast

import numpy as np

from skyhaul.control._instants import FOREVER, nanoseconds
from skyhaul.control.facts import (
    Appointment,
    Area,
    AreaRef,
    CustodyEvent,
    Fact,
    Facts,
    Layer,
    Party,
    Piece,
    Policy,
    Precedence,
    Settings,
    Step,
    Terminal,
    Versions,
    Withdrawal,
)
from skyhaul.control.lists import ListRegister
from skyhaul.errors import ControlError

F = TypeVar("F", bound=Fact)

Pair = tuple[str, str]


class Index:
    """What a collection of facts cannot be asked by key; it grows with the collection."""

    def __init__(self) -> None:
        self.appointments: defaultdict[str, dict[str, None]] = defaultdict(dict)  # person → keys
        self.areas: dict[str, None] = {}
        self.precedences: dict[str, None] = {}
        self.units_of_keys: defaultdict[bytes, dict[str, None]] = defaultdict(dict)
        self.models: dict[str, None] = {}
        self.items: dict[str, None] = {}  # units and lots that custody has made or split
        self.events: defaultdict[str, list[CustodyEvent]] = defaultdict(list)  # item → events
        self._seen: dict[type[Fact], int] = {}

    def catch_up(self, facts: Facts) -> Index:
        """Take in what was added to the collection since."""
        for kind in (Appointment, Area, Precedence, Terminal, CustodyEvent):
            found = facts.of_kind(kind)
            self.add(found[self._seen.get(kind, 0) :])
            self._seen[kind] = len(found)
        return self

    def add(self, facts: Iterable[Fact]) -> None:
        """Take in facts."""
        for fact in facts:
            if isinstance(fact, Appointment):
                self.appointments[fact.person][fact.key] = None
            elif isinstance(fact, Area):
                self.areas[fact.key] = None
            elif isinstance(fact, Precedence):
                self.precedences[fact.key] = None
            elif isinstance(fact, Terminal):
                self.units_of_keys[fact.public_key][fact.terminal] = None
                self.models[fact.model] = None
            elif isinstance(fact, CustodyEvent):
                self.events[fact.item].append(fact)
                if fact.step in (Step.COMMISSIONING, Step.SPLIT):
                    self.items[fact.item] = None


class Known:
    """The facts of a collection and of a batch, as they would be if the batch were recorded at `now`.

    cells   the cell (hex) in which each terminal was last decided about, where that is known
    """

    def __init__(
        self,
        facts: Facts,
        index: Index,
        now: np.datetime64,
        batch: Iterable[Fact] = (),
        cells: Mapping[str, str] | None = None,
    ) -> None:
        self.now = now
        self.now_ns = nanoseconds(now)
        self.cells = cells or {}
        self.facts = facts
        self._index = index
        self.batch = list(batch)
        self._batch_of: defaultdict[Pair, list[Fact]] = defaultdict(list)
        for fact in self.batch:
            kind = fact.kind if isinstance(fact, Withdrawal) else type(fact).__name__
            self._batch_of[kind, fact.key].append(fact)
        self._batch_index = Index()
        self._batch_index.add(self.batch)
        self._grounds: dict[int, list[Area]] = {}
        self._appointed: dict[str, list[Appointment]] = {}
        self._lists: ListRegister | None = None

    def pieces(self, kind: type[F], key: str) -> list[Piece[F]]:
        """What is said of one kind and key over time, the batch last."""
        versions = self.facts.about(kind, key)
        more = self._batch_of.get((kind.__name__, key))
        if more:
            versions = [*versions, *cast("list[F | Withdrawal]", more)]
        return Versions(cast("list[F]", versions)).of(key) if versions else []

    def at(self, kind: type[F], key: str, time: int) -> F | None:
        """What is said of it at an instant (ns)."""
        return next((p.fact for p in self.pieces(kind, key) if p.begin <= time < p.end), None)

    def ever(self, kind: type[F], key: str) -> bool:
        """Whether anything is said of it at any time."""
        return bool(self.pieces(kind, key))

    def before(self, kind: type[F], key: str) -> list[F]:
        """What the collection alone says of it: its versions without withdrawals."""
        return [fact for fact in self.facts.about(kind, key) if not isinstance(fact, Withdrawal)]

    def is_said(self, kind: type[F], key: str, besides: Fact) -> bool:
        """Whether anything but a given fact and withdrawals is on record, or in the batch, of a kind and key."""
        found = (*self.facts.about(kind, key), *self._batch_of.get((kind.__name__, key), ()))
        return any(fact.id != besides.id and not isinstance(fact, Withdrawal) for fact in found)

    def find(self, kind: type[F], id: str) -> F | None:
        """A fact by its id, of a kind whose key is the id."""
        found = [*self.facts.about(kind, id), *self._batch_of.get((kind.__name__, id), ())]
        return next((cast("F", fact) for fact in found if fact.id == id), None)

    def appointments(self, person: str) -> list[Appointment]:
        """The appointments that a person holds now; those of the batch give no rights to the batch."""
        found = self._appointed.get(person)
        if found is None:
            keys = self._index.appointments.get(person, ())
            held = (self._recorded(Appointment, key) for key in keys)
            found = self._appointed[person] = [appointment for appointment in held if appointment is not None]
        return found

    def _recorded(self, kind: type[F], key: str) -> F | None:
        """What the collection alone says of one kind and key now."""
        pieces = Versions(cast("list[F]", self.facts.about(kind, key))).of(key)
        return next((p.fact for p in pieces if p.begin <= self.now_ns < p.end), None)

    def settings(self, time: int) -> Settings:
        """Of the policy in force, or the defaults."""
        policy = self.at(Policy, "policy", time)
        return policy.settings if policy else Settings()

    def precedences(self) -> list[Piece[Precedence]]:
        """Every statement of who comes before whom, over time."""
        keys = dict.fromkeys((*self._index.precedences, *self._batch_index.precedences))
        return [piece for key in keys for piece in self.pieces(Precedence, key)]

    def areas(self, time: int) -> list[Area]:
        """Every area that is there at an instant (ns)."""
        found = self._grounds.get(time)
        if found is None:
            keys = dict.fromkeys((*self._index.areas, *self._batch_index.areas))
            held = (self.at(Area, key, time) for key in keys)
            found = self._grounds[time] = [area for area in held if area is not None]
        return found

    def named(self, ref: AreaRef, time: int) -> list[Area]:
        """The areas that one name stands for at an instant (ns)."""
        return [area for area in self.areas(time) if area.ref == ref]

    def area_names(self, layer: Layer) -> list[str]:
        """The names of a layer at any time, sorted."""
        return sorted({area.name for area in self.every(Area) if area.layer is layer})

    def licenses(self, authority: str) -> bool:
        """Whether the licence layer names an authority anywhere at any time."""
        return any(area.layer is Layer.LICENCE and area.holder == authority for area in self.every(Area))

    def area_pieces(self, ref: AreaRef) -> Iterator[Piece[Area]]:
        """Everything said of the areas of one name, over time."""
        keys = {area.key for area in self.every(Area) if area.ref == ref}
        for key in sorted(keys):
            yield from (piece for piece in self.pieces(Area, key) if piece.fact.ref == ref)

    def units_with_key(self, public_key: bytes) -> Iterator[str]:
        """Terminals that any fact gives this key."""
        for index in (self._index, self._batch_index):
            yield from index.units_of_keys.get(public_key, ())

    def has_model(self, model: str) -> bool:
        """Whether any terminal is of this model."""
        return model in self._index.models or model in self._batch_index.models

    def has_item(self, item: str) -> bool:
        """Whether a unit or lot is registered, or custody has made it or split it from a lot."""
        return item in self._index.items or item in self._batch_index.items or self.ever(Terminal, item)

    def events_of(self, item: str) -> list[CustodyEvent]:
        """The custody events of a unit or lot, by time."""
        found = [event for index in (self._index, self._batch_index) for event in index.events.get(item, ())]
        return sorted(found, key=lambda event: (event.valid_from, event.id))

    def terminals(self, time: int) -> list[Terminal]:
        """Every terminal registered at an instant (ns)."""
        names = dict.fromkeys(terminal.terminal for terminal in self.every(Terminal))
        held = (self.at(Terminal, name, time) for name in names)
        return [terminal for terminal in held if terminal is not None]

    def parent(self, party: str, time: int) -> str:
        """The party that a party belongs to at an instant (ns), or empty."""
        fact = self.at(Party, party, time)
        return fact.parent if fact else ""

    def family(self, party: str, time: int) -> Iterator[str]:
        """A party and those it belongs to; one that comes round to itself ends there."""
        seen: set[str] = set()
        while party and party not in seen:
            seen.add(party)
            yield party
            party = self.parent(party, time)

    def lists(self) -> ListRegister:
        """Allow-lists with all that was applied for and listed, the batch included."""
        if self._lists is None:
            self._lists = ListRegister(self.facts, np.datetime64(FOREVER, "ns"), self.batch)
        return self._lists

    def every(self, kind: type[F]) -> Iterator[F]:
        """Every fact of a kind, the batch last."""
        yield from self.facts.of_kind(kind)
        yield from (fact for fact in self.batch if isinstance(fact, kind))


def overlapping(pieces: Iterable[Piece[F]], begin: int, end: int) -> Iterator[tuple[int, int, F]]:
    """The parts of pieces within [begin, end)."""
    for piece in pieces:
        if piece.begin < end and begin < piece.end:
            yield max(piece.begin, begin), min(piece.end, end), piece.fact


def deny(fact: Fact, field: str, what: str, mend: str) -> NoReturn:
    """Raise ControlError for one field of a fact."""
    raise ControlError(what, where=f"{fact.where}, {field}", mend=mend)
