"""The inquiry itself: records in, a report with its gaps out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from shapely.geometry.base import BaseGeometry

from skyhaul.control._instants import instant_text, nanoseconds, utc
from skyhaul.control.custody import CustodyRecord, standing_events
from skyhaul.control.decision import Compiled, compile_facts
from skyhaul.control.decision._world import Patch
from skyhaul.control.facts import Facts, Order, Statement, Terminal
from skyhaul.control.inquiry._ground import Bearing, bearings, control_gaps, order_text, patches_there
from skyhaul.control.inquiry._report import Gap, Inquiry
from skyhaul.control.inquiry._sightings import Sightings
from skyhaul.control.inquiry._units import Recorded, UnitUse, uses
from skyhaul.control.polygons._cells import touched_cells
from skyhaul.errors import ControlError

# Statements about an area so many times as large as the one asked about, such as a country for a village, are left out.
_BROAD = 4.0

# What no record of this kind can ever show.
_ALWAYS = (
    Gap("who had a unit in their hands: custody and registry name parties, not people"),
    Gap("units that were there and never connected"),
    Gap("a unit elsewhere behind a relay dish that stands here: ranging finds the dish"),
    Gap("what a unit was used for: traffic is not recorded"),
)


def inquire(
    facts: Facts,
    area: BaseGeometry,
    begin: str | np.datetime64,
    end: str | np.datetime64,
    *,
    name: str = "the area",
    known_at: str | np.datetime64 | None = None,
    sightings: Sequence[Sightings] = (),
    decisions: Callable[[str], Sequence[Recorded]] | None = None,
) -> Inquiry:
    """What the records show of an area through [begin, end), as known at a time, and what they cannot show.

    area        polygon or multipolygon in the plane of longitude and latitude, its border included
    known_at    facts recorded later are left out; without it the last instant at which any fact was recorded
    sightings   where units were seen; without any, nothing can be said of use
    decisions   those on record about a unit for times in [begin, end), in order; None: no record of decisions

    Raises ControlError where `end` is not after `begin`.
    """
    begin, end = utc(begin, "from"), utc(end, "to")
    if end <= begin:
        raise ControlError(f"{instant_text(end)} is not after {instant_text(begin)}", where="to", mend="swap them")
    known = utc(known_at, "known_at") if known_at is not None else max((f.recorded_at for f in facts), default=end)
    compiled = compile_facts(facts, known)
    first, last = nanoseconds(begin), nanoseconds(end)
    there = patches_there(compiled, area, first, last)
    events = {event.id: event for event in standing_events(facts, known)}
    record = CustodyRecord.of(events.values())
    seen = Sightings.joined(sightings)
    units = [
        replace(unit, decisions=tuple(decisions(unit.unit)) if decisions else ())
        for unit in uses(seen, seen.within(area, begin, end), compiled, record, events)
    ]
    bearing = [*bearings(compiled, there, first, last), *_unit_orders(compiled, units, first, last)]
    statements = _statements(facts.known(Statement, known), there, area, units)
    gaps = [
        *_unwatched(seen, begin, end),
        *_ground_gaps(there, area, first, last),
        *_custody_gaps(facts, known, record, units, end),
        *_record_gaps(bearing, units),
        *_disputes(statements),
        *_ALWAYS,
    ]
    return Inquiry(
        area=name,
        begin=begin,
        end=end,
        known_at=known,
        cells=tuple(f"{int(cell):x}" for cell in touched_cells(area)),
        sources=tuple(source.source for source in sightings),
        bearings=tuple(bearing),
        units=tuple(units),
        statements=tuple(statements),
        gaps=tuple(gaps),
    )


def _unit_orders(compiled: Compiled, units: Sequence[UnitUse], begin: int, end: int) -> list[Bearing]:
    """Orders over the units that were seen, or over their accounts."""
    found: dict[str, Bearing] = {}
    for unit in units:
        for timed in compiled.units.orders:
            names = {unit.unit, *(account.partition(" of ")[0] for account in unit.accounts)}
            if timed.order.on in names and timed.begin < end and timed.end > begin:
                late = nanoseconds(timed.order.recorded_at) >= end
                found[timed.order.id] = Bearing(
                    order_text(timed), max(timed.begin, begin), min(timed.end, end), timed.order, late
                )
    return [found[name] for name in sorted(found)]


def _statements(
    known: Sequence[Statement], there: Sequence[Patch], area: BaseGeometry, units: Sequence[UnitUse]
) -> list[Statement]:
    """Statements about the areas there, the units seen and their holders, and those that these answer or dispute or are
    answered or disputed by, in order of time."""
    subjects = {patch.ref for patch in there if patch.shape.area <= _BROAD * area.area}
    for unit in units:
        subjects |= {unit.unit, unit.hands.holder, *unit.registered}
    subjects.discard("")
    by_id = {statement.id: statement for statement in known}
    meets: dict[str, set[str]] = {id_: set() for id_ in by_id}
    for statement in known:
        for other in {*statement.answers, *statement.disputes} & set(by_id):
            meets[statement.id].add(other)
            meets[other].add(statement.id)
    chosen: set[str] = set()
    ahead = [statement.id for statement in known if subjects & set(statement.about)]
    while ahead:
        id_ = ahead.pop()
        if id_ not in chosen:
            chosen.add(id_)
            ahead += meets[id_]
    return sorted(
        (by_id[id_] for id_ in chosen), key=lambda statement: (nanoseconds(statement.valid_from), statement.id)
    )


def _unwatched(sightings: Sightings, begin: np.datetime64, end: np.datetime64) -> list[Gap]:
    """Times of which no sightings were kept."""
    holes: list[str] = []
    at = begin
    for from_, to in sorted((utc(from_), utc(to)) for from_, to in sightings.covers):
        if from_ > at:
            holes.append(f"{instant_text(at)} to {instant_text(min(from_, end))}")
        at = max(at, to)
        if at >= end:
            break
    if at < end:
        holes.append(f"{instant_text(at)} to {instant_text(end)}")
    return [Gap("who was served in times of which no sightings are given", tuple(holes))] if holes else []


def _ground_gaps(there: Sequence[Patch], area: BaseGeometry, begin: int, end: int) -> list[Gap]:
    unknown, disputed = [], []
    for coverage in control_gaps(list(there), area, begin, end):
        span = f"{instant_text(coverage.begin)} to {instant_text(coverage.end)}"
        if coverage.unknown_share:
            unknown.append(f"{span} for {100 * coverage.unknown_share:.3g} % of the area")
        if coverage.disputed_share:
            disputed.append(f"{span} for {100 * coverage.disputed_share:.3g} % of the area")
    gaps = [Gap("who was in control, where no record says it", tuple(unknown))] if unknown else []
    return gaps + ([Gap("who was in control, where records name several", tuple(disputed))] if disputed else [])


def _custody_gaps(
    facts: Facts,
    known: np.datetime64,
    record: CustodyRecord,
    units: Sequence[UnitUse],
    end: np.datetime64,
) -> list[Gap]:
    seen, held = {unit.unit for unit in units}, set(record.items)
    registered = sorted({terminal.terminal for terminal in facts.known(Terminal, known)})
    holes = record.reaches().unknown  # of no party in particular: every unit with a time nobody accounts for
    at_large = [name for name in registered if name not in seen and (name not in held or holes.get(name, end) < end)]
    lots = [item for item, is_lot in zip(record.items, record.is_lot.tolist(), strict=True) if is_lot]
    strangers = sorted(held - set(registered) - set(lots))
    found = [
        ("where units seen here were, at times nobody accounts for", [u.unit for u in units if u.hands.unknown]),
        ("whether units that nobody accounts for were here without connecting", at_large),
        (
            "which is right, where registry and custody name different holders",
            [
                f"{u.unit}: {', '.join(u.registered) or 'nobody'} by registry, {u.hands.holder or 'nobody'} by custody"
                for u in units
                if u.hands.events and u.hands.holder not in u.registered
            ],
        ),
        ("where a unit seen here is not in the registry", sorted(seen - set(registered))),
        ("whether lots hold units that were never recorded one by one", lots),
        ("units that custody names and the registry does not", strangers),
    ]
    return [Gap(text, tuple(items)) for text, items in found if items]


def _record_gaps(bearing: Sequence[Bearing], units: Sequence[UnitUse]) -> list[Gap]:
    late = tuple(b.fact.id for b in bearing if b.late)
    unsigned = tuple(b.fact.id for b in bearing if isinstance(b.fact, Order) and not b.fact.signature)
    undecided = tuple(unit.unit for unit in units if not unit.decisions)
    found = (
        ("what was known at the time: recorded only afterwards", late),
        ("that an order is its authority's: without signature", unsigned),
        ("that units seen here were served or refused as decided: no decision on record", undecided),
    )
    return [Gap(text, items) for text, items in found if items]


def _disputes(statements: Sequence[Statement]) -> list[Gap]:
    ids = {statement.id for statement in statements}
    pairs = tuple(f"{s.id} and {other}" for s in statements for other in s.disputes if other in ids)
    return [Gap("which statement is right, of those that dispute each other", pairs)] if pairs else []
