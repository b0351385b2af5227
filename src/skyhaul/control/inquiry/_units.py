"""Units seen in an area: when, in which cells, served or refused, and in whose hands as recorded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import h3.api.basic_int as h3
import numpy as np

from skyhaul.control._instants import instant_text, nanoseconds
from skyhaul.control.custody import CustodyRecord, Trace
from skyhaul.control.decision import Compiled
from skyhaul.control.facts import CustodyEvent
from skyhaul.control.inquiry._sightings import Sightings
from skyhaul.earth import BEAM_CELL_RESOLUTION
from skyhaul.errors import NotFoundError
from skyhaul.types import Ints, Times


@dataclass(frozen=True, slots=True)
class Hands:
    """A unit's custody up to an instant.

    way      every hand in order with how the unit came to it, `?` where nobody accounts for it
    holder   who has it then, or empty: nobody recorded
    unknown  what is not known on the way
    events   whether custody names the unit at all
    """

    way: str
    holder: str
    unknown: tuple[str, ...]
    events: bool


class Recorded(NamedTuple):
    """A decision on record: when it took effect, the code it gave, and the number of its entry in the log."""

    time: np.datetime64
    code: int
    entry: int


@dataclass(frozen=True, slots=True)
class UnitUse:
    """What the records have of one unit in the area and time.

    first, last      start of the first and last slot in which it was served there, or None: never
    served_slots     in how many slots it was served
    unreached_slots  in how many it had a grant and no satellite
    refused          slots in which it was refused, by code and rule
    cells            the H3 cells in which it was seen, in hex
    registered       holders that the registry had for it meanwhile
    accounts         accounts it was on, each with the party whose it is
    hands            its custody up to the last sighting
    decisions        those on record about it for the time asked about
    """

    unit: str
    first: np.datetime64 | None
    last: np.datetime64 | None
    served_slots: int
    unreached_slots: int
    refused: dict[tuple[int, str], int]
    cells: tuple[str, ...]
    registered: tuple[str, ...]
    accounts: tuple[str, ...]
    hands: Hands
    decisions: tuple[Recorded, ...] = ()

    def document(self) -> dict[str, object]:
        """In JSON's own types."""
        return {
            "unit": self.unit,
            "first_served": None if self.first is None else instant_text(self.first),
            "last_served": None if self.last is None else instant_text(self.last),
            "served_slots": self.served_slots,
            "unreached_slots": self.unreached_slots,
            "refused": [{"code": c, "rule": r, "slots": n} for (c, r), n in sorted(self.refused.items())],
            "cells": list(self.cells),
            "registered_holders": list(self.registered),
            "accounts": list(self.accounts),
            "custody": self.hands.way,
            "custody_holder": self.hands.holder,
            "custody_unknown": list(self.hands.unknown),
            "decisions": [{"time": instant_text(d.time), "code": d.code, "entry": d.entry} for d in self.decisions],
        }


def uses(
    sightings: Sightings, rows: Ints, compiled: Compiled, record: CustodyRecord, events: dict[str, CustodyEvent]
) -> list[UnitUse]:
    """What is recorded of each unit of these sightings, by the unit's name."""
    by_unit = rows[np.argsort(sightings.unit[rows], kind="stable")]  # within a unit still in order of time
    first = np.unique(sightings.unit[by_unit], return_index=True)[1]
    groups = np.split(by_unit, first[1:]) if len(first) else []
    found = [_use(sightings, own, compiled, record, events) for own in groups]
    return sorted(found, key=lambda use: use.unit)


def hands_at(record: CustodyRecord, unit: str, time: np.datetime64, events: dict[str, CustodyEvent]) -> Hands:
    """The custody of a unit up to an instant."""
    try:
        trace = record.trace(unit)
    except NotFoundError:
        return Hands("?", "", ("custody does not name it",), False)
    way: list[str] = []
    unknown: list[str] = []
    holder = ""
    for passage in trace.passages:
        if passage.time > time:
            break
        if passage.gap_before:
            unknown.append(f"before {instant_text(passage.time)}: {passage.gap_before}")
            way.append("?")
        if passage.giver and (not way or _name(way[-1]) != passage.giver):
            way.append(passage.giver)
        manner = str(events[passage.event].manner) if passage.event in events else ""
        if passage.holder and (not way or _name(way[-1]) != passage.holder):
            way.append(f"{passage.holder} ({manner})" if manner else passage.holder)
        holder = passage.holder
    open_end = _open_end(trace, time)
    if open_end:
        way.append("?")
        unknown.append(open_end)
        holder = ""
    return Hands(" → ".join(way) or "?", holder, tuple(unknown), True)


def _use(
    sightings: Sightings,
    rows: Ints,
    compiled: Compiled,
    record: CustodyRecord,
    events: dict[str, CustodyEvent],
) -> UnitUse:
    """What is recorded of one unit, whose sightings these are."""
    unit = sightings.units[sightings.unit[rows[0]]]
    served = rows[sightings.served[rows]]
    refused = rows[~sightings.granted[rows]]
    reasons = Counter(
        (int(sightings.code[k]), sightings.rules[sightings.rule[k]] if sightings.rule[k] >= 0 else "")
        for k in refused.tolist()
    )
    times = sightings.time[rows]
    standings = [compiled.units.work_out(unit, nanoseconds(time)) for time in _bounds(compiled, unit, times)]
    return UnitUse(
        unit=unit,
        first=sightings.time[served[0]] if len(served) else None,
        last=sightings.time[served[-1]] if len(served) else None,
        served_slots=len(served),
        unreached_slots=int(np.count_nonzero(sightings.granted[rows] & ~sightings.served[rows])),
        refused=dict(reasons),
        cells=_cells(sightings, rows),
        registered=_distinct(s.terminal.holder for s in standings if s.terminal is not None),
        accounts=_distinct(f"{s.account.account} of {s.account.party}" for s in standings if s.account is not None),
        hands=hands_at(record, unit, times[-1], events),
    )


def _bounds(compiled: Compiled, unit: str, times: Times) -> list[np.datetime64]:
    """An instant in every period in which the unit's standing stays as it is."""
    found: list[np.datetime64] = []
    at = 0
    while at < len(times):
        found.append(times[at])
        until = compiled.units.work_out(unit, nanoseconds(times[at])).end
        at = int(np.searchsorted(times, np.datetime64(until, "ns")))
    return found


def _cells(sightings: Sightings, rows: Ints) -> tuple[str, ...]:
    places = set(zip(sightings.latitude_deg[rows].tolist(), sightings.longitude_deg[rows].tolist(), strict=True))
    return tuple(sorted({f"{h3.latlng_to_cell(*place, BEAM_CELL_RESOLUTION):x}" for place in places}))


def _open_end(trace: Trace, time: np.datetime64) -> str:
    """What is not known after the last event, where the unit is under way then."""
    last = trace.passages[-1] if trace.passages else None
    if last is None or trace.under_way_to is None or last.time > time:
        return ""
    return f"from {instant_text(last.time)}: on its way to {trace.under_way_to}, and no receipt is recorded"


def _name(step: str) -> str:
    return step.partition(" (")[0]


def _distinct(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in names if name))
