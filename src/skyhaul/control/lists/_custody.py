"""Allow-lists held against custody: whether the way of each unit leads to who asks, and through whose hands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import shapely

from skyhaul.control._instants import instant_text, nanoseconds
from skyhaul.control.custody import CustodyRecord, Trace, standing_events
from skyhaul.control.facts import (
    AllowList,
    Area,
    CustodyEvent,
    Fact,
    Facts,
    Layer,
    Manner,
    Party,
    Piece,
    Step,
    Versions,
    Withdrawal,
)
from skyhaul.control.lists._entries import Entry, ListRegister
from skyhaul.control.lists._findings import Finding, Matter

_TAKEN = (Manner.CAPTURE, Manner.THEFT)


def review_custody(
    facts: Facts, live: Sequence[Entry], register: ListRegister, at: np.datetime64, known: np.datetime64
) -> Iterator[Finding]:
    """Findings about the way of every listed unit up to an instant."""
    events = [event for event in standing_events(facts, known) if event.valid_from <= at]
    record = CustodyRecord.of(events)
    there = frozenset(record.items)
    by_id = {event.id: event for event in events}
    parties = _Parties(facts, at, known)
    territories = _Territories(facts, at, known)
    traces: dict[str, Trace] = {}
    for entry in live:
        unit = entry.asked.terminal
        if unit not in there:
            yield Finding(Matter.CUSTODY_NONE, (entry.id,), f"no custody of {unit} is recorded", entry.facts)
            continue
        if unit not in traces:
            traces[unit] = record.trace(unit)
        list_ = register.list_at(entry.asked.name, at)
        yield from _of_unit(entry, traces[unit], by_id, parties, territories.of(list_) if list_ else frozenset())


def _of_unit(
    entry: Entry, trace: Trace, by_id: dict[str, CustodyEvent], parties: _Parties, inside: frozenset[str]
) -> Iterator[Finding]:
    unit, holder = entry.asked.terminal, entry.asked.holder

    def finding(matter: Matter, text: str, *facts: Fact) -> Finding:
        return Finding(matter, (entry.id,), text, (*entry.facts, *facts))

    events = [by_id[passage.event] for passage in trace.passages]
    destroyed = [event for event in events if event.step is Step.DESTROYING and event.item == unit]
    if destroyed:
        text = f"{unit} was destroyed at {instant_text(destroyed[0].valid_from)}"
        yield finding(Matter.UNIT_DESTROYED, text, destroyed[0])
    elif trace.passages:
        last = trace.passages[-1].holder
        if trace.under_way_to is not None:
            text = f"{unit} is on its way to {trace.under_way_to}; {holder} is not recorded to have received it"
            yield finding(Matter.CUSTODY_ELSEWHERE, text, events[-1])
        elif not last or not parties.related(last, holder):
            text = f"{unit} was last with {last or 'nobody known'}, not with {holder}: {' → '.join(trace.parties)}"
            yield finding(Matter.CUSTODY_ELSEWHERE, text, events[-1])
    for name in dict.fromkeys(hand for hand in trace.parties if hand != "?"):
        party = parties.of(name)
        if inside and party is not None and party.territory and party.territory not in inside:
            text = f"{unit} went through {name}, established in {party.territory}: {' → '.join(trace.parties)}"
            own = [event for event in events if name in (event.giver, event.receiver)]
            yield finding(Matter.CUSTODY_ABROAD, text, party, *own)
    for event in events:
        if event.manner in _TAKEN:
            text = f"{unit} changed hands by {event.manner} at {instant_text(event.valid_from)}"
            yield finding(Matter.CUSTODY_TAKEN, text, event)
    for passage, event in zip(trace.passages, events, strict=True):
        if passage.gap_before:
            text = f"{unit}, before {instant_text(passage.time)}: {passage.gap_before}"
            yield finding(Matter.CUSTODY_GAP, text, event)


class _Parties:
    """Parties at an instant, and to whom they belong."""

    def __init__(self, facts: Facts, at: np.datetime64, known: np.datetime64) -> None:
        withdrawals = (w for w in facts.known(Withdrawal, known) if w.kind == Party.__name__)
        self._pieces: Versions[Party] = Versions(facts.known(Party, known), withdrawals)
        self._time = nanoseconds(at)
        self._found: dict[str, Party | None] = {}

    def of(self, name: str) -> Party | None:
        if name not in self._found:
            self._found[name] = _at(self._pieces.of(name), self._time)
        return self._found[name]

    def related(self, one: str, other: str) -> bool:
        """Whether one is the other, or belongs to it, or the other way round."""
        return other in self._chain(one) or one in self._chain(other)

    def _chain(self, name: str) -> set[str]:
        chain: set[str] = set()
        while name and name not in chain:
            chain.add(name)
            party = self.of(name)
            name = party.parent if party is not None else ""
        return chain


class _Territories:
    """The territories that a list's area lies in."""

    def __init__(self, facts: Facts, at: np.datetime64, known: np.datetime64) -> None:
        withdrawals = (w for w in facts.known(Withdrawal, known) if w.kind == Area.__name__)
        time = nanoseconds(at)
        pieces = Versions(facts.known(Area, known), withdrawals).all()
        self._areas = [piece.fact for piece in pieces if piece.begin <= time < piece.end]
        self._of: dict[str, frozenset[str]] = {}

    def of(self, list_: AllowList) -> frozenset[str]:
        """Names of the licence areas that the area overlaps; empty where none is recorded."""
        if list_.area not in self._of:
            shapes = [area.shape for area in self._areas if str(area.ref) == list_.area]
            shape = shapely.union_all(shapes)
            self._of[list_.area] = frozenset(
                area.name
                for area in self._areas
                if area.layer is Layer.LICENCE and not shape.is_empty and area.shape.intersection(shape).area > 0.0
            )
        return self._of[list_.area]


def _at(pieces: Sequence[Piece[Party]], time: int) -> Party | None:
    return next((piece.fact for piece in pieces if piece.begin <= time < piece.end), None)
