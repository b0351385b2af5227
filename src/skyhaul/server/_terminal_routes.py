"""Terminals: how each is served, by what, why so, what was and what comes next."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path as FilePath
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Path, Query, Response

from skyhaul.control.decision import explain
from skyhaul.dish import Frame
from skyhaul.dish._map import MAX_THETA_DEG
from skyhaul.errors import InputError, NotFoundError
from skyhaul.network import Reason, slot_start
from skyhaul.operation import SLOT_NS, Serving, Session, Snapshot, State, TerminalView, moving_from, terminal_views
from skyhaul.orbits import Elements
from skyhaul.scenario._tracks import parse_track
from skyhaul.server._custody import custody_of
from skyhaul.server._desk import Desk, Here, Operator, Who
from skyhaul.server._pages import LIMIT, Cursor, Limit, Page, page_of
from skyhaul.server._people import Caller
from skyhaul.server._places import coarse, disclose, from_cell, may_see
from skyhaul.server._plain import instant, instant_ns, iso, iso_ns, number
from skyhaul.server._private import HIDDEN, reads_names
from skyhaul.server._terminal_models import (
    CandidateOut,
    CandidatesOut,
    CustodyOut,
    DecisionOut,
    HandoverOut,
    HistoryOut,
    LegOut,
    LinkOut,
    MoveIn,
    NextHandoverOut,
    ObstructionOut,
    PathOut,
    ServingOut,
    SessionOut,
    TerminalIn,
    TerminalOut,
    WhyOut,
)

router = APIRouter(tags=["terminals"])

Id = Annotated[str, Path(max_length=200, description="The terminal's name.")]
When = Annotated[str | None, Query(max_length=40, description="Instant, ISO 8601 in UTC.")]
_DAY_NS = 86_400_000_000_000
_SPAN_NS = 31 * _DAY_NS  # of sessions that are read at once
_STATES = {State.SERVED: "served", State.REFUSED: "refused", State.NO_PATH: "no_path", State.WAITING: "off"}


@router.get("/terminals", response_model=Page[TerminalOut], summary="Terminals")
def terminals(
    desk: Here,
    caller: Who,
    q: Annotated[str, Query(max_length=100, description="Part of the name or unit.")] = "",
    state: Annotated[str, Query(pattern="^(served|refused|no_path|off|)$")] = "",
    limit: Limit = LIMIT,
    cursor: Cursor = None,
) -> Page[TerminalOut]:
    """Terminals in the order in which they came, each with how it is served and why not."""
    snapshot = desk.snapshot()
    rows: Sequence[int] = np.argsort(snapshot.roster.number, kind="stable").tolist()
    if state:
        here = _state_rows(snapshot, state)
        rows = [row for row in rows if row in here]
    if q:
        text = q.lower()
        tables = snapshot.roster.tables
        rows = [row for row in rows if text in tables[row].name.lower() or text in (tables[row].unit or "").lower()]
    part, more = page_of(rows, cursor, limit)
    return Page(items=[terminal_out(desk, caller, view) for view in terminal_views(snapshot, part)], next=more)


def _state_rows(snapshot: Snapshot, state: str) -> set[int]:
    states = snapshot.states
    if states is None:
        return set(range(len(snapshot.roster))) if state == "off" else set()
    served, refused = states.cause == Reason.SERVED, states.cause == Reason.NO_GRANT
    found = {"served": served, "refused": refused, "no_path": ~(served | refused)}.get(state)
    return set() if found is None else set(np.flatnonzero(found).tolist())


@router.post("/terminals", response_model=TerminalOut, status_code=201, summary="Add a terminal")
def add(desk: Here, caller: Operator, terminal: TerminalIn) -> TerminalOut:
    """Add a terminal; it is served from the next slot that can be planned with it. What is answered lasts."""
    name = desk.operation.add_terminal(terminal.model_dump(exclude_none=True))
    return _shown_after_change(desk, caller, name)


@router.get("/terminals/{id}", response_model=TerminalOut, summary="A terminal")
def terminal(
    desk: Here,
    caller: Who,
    id: Id,
    exact: Annotated[bool, Query(description="Where it is, and not the middle of its cell.")] = False,
    reason: Annotated[str, Query(max_length=1000, description="Why an authority asks for it; goes on record.")] = "",
) -> TerminalOut:
    """A terminal now. Its exact place is shown to its operator and holder; to an authority in its own territories, for
    a reason, which goes on record."""
    view = desk.operation.terminal(id)
    if exact:
        disclose(desk, caller, view, reason)
    return terminal_out(desk, caller, view, exact=exact)


@router.patch("/terminals/{id}", response_model=TerminalOut, summary="Move a terminal")
def move(desk: Here, caller: Operator, id: Id, change: MoveIn) -> TerminalOut:
    """Move a terminal to a place, or let it go along a track."""
    operation = desk.operation
    if change.track is not None:
        track: Any = change.track
        if isinstance(track, str):
            track = parse_track(track.encode(), FilePath("track"))
        operation.move_terminal(id, track=track)
    elif change.way is not None:
        if change.speed_m_s is None:
            raise InputError("a way without a speed", where="speed_m_s", mend="say how fast")
        view = operation.terminal(id)
        here = (view.latitude_deg, view.longitude_deg)
        for latitude, longitude in change.way:
            _check_place(latitude, longitude)
        operation.move_terminal(id, track=moving_from(here, change.way, change.speed_m_s, desk.now))
    else:
        operation.move_terminal(id, change.latitude_deg, change.longitude_deg, change.height_m)
    return _shown_after_change(desk, caller, id)


@router.delete("/terminals/{id}", status_code=204, response_class=Response, summary="Take a terminal away")
def remove(desk: Here, _: Operator, id: Id) -> Response:
    """Take a terminal away; what is on record of it stays."""
    desk.operation.remove_terminal(id)
    return Response(status_code=204)


@router.get("/terminals/{id}/history", response_model=HistoryOut, summary="Its last 15 minutes")
def history(desk: Here, id: Id, seconds: Annotated[int, Query(ge=1, le=900)] = 900) -> HistoryOut:
    """Round-trip time, loss, rates and satellite, second by second."""
    columns = desk.operation.history(id, seconds)
    names = _names(desk.snapshot().world.elements)
    numbers = columns.satellite.tolist()
    first = int(columns.time_ns[0]) if len(columns.time_ns) else 0
    last = int(columns.time_ns[-1]) if len(columns.time_ns) else -1
    begin = first - (first - 12_000_000_000) % SLOT_NS
    return HistoryOut(
        time=[iso_ns(t) for t in columns.time_ns.tolist()],
        rtt_ms=_rounded(columns.rtt_ms, 1),
        loss=[round(float(loss), 4) for loss in columns.loss],
        rate_down_bps=_rounded(columns.rate_down_bps, 0),
        rate_up_bps=_rounded(columns.rate_up_bps, 0),
        satellite=[names.get(k) if k >= 0 else None for k in numbers],
        satellite_number=[k if k >= 0 else None for k in numbers],
        slot_starts=[iso_ns(t) for t in range(begin, last + 1, SLOT_NS)],
    )


def _rounded(values: Any, digits: int) -> list[float | None]:
    good = np.isfinite(values)
    return [round(float(v), digits) if g else None for v, g in zip(values.tolist(), good.tolist(), strict=True)]


@router.get("/terminals/{id}/next-handover", response_model=NextHandoverOut, summary="Its next handover")
def coming_handover(desk: Here, id: Id) -> NextHandoverOut:
    """When its satellite changes next, and from which to which, as far as slots are planned ahead."""
    found = desk.operation.next_handover(id)
    until = iso_ns(found.known_until_ns)
    if found.at_ns is None or found.after is None:
        words = f"no change up to {until}"
    else:
        words = f"{_who(found.before)} → {_who(found.after)}"
    return NextHandoverOut(
        terminal=id,
        time=None if found.at_ns is None else iso_ns(found.at_ns),
        sure=found.sure,
        known_until=until,
        before=_serving(found.before),
        after=_serving(found.after),
        words=words,
    )


def _who(serving: Serving | None) -> str:
    if serving is None:
        return "nobody"
    return serving.satellite_name or serving.reason.words


def _serving(serving: Serving | None) -> ServingOut | None:
    if serving is None:
        return None
    return ServingOut(
        slot=serving.slot,
        start=iso_ns(serving.start_ns),
        reason=serving.reason.name,
        words=serving.reason.words,
        satellite_name=serving.satellite_name or None,
        satellite_number=serving.satellite_number if serving.satellite_number >= 0 else None,
        gateway=serving.gateway or None,
        pop=serving.pop or None,
    )


@router.get("/terminals/{id}/handovers", response_model=Page[HandoverOut], summary="Its handovers")
def handovers(
    desk: Here,
    id: Id,
    from_: Annotated[str | None, Query(alias="from", max_length=40, description="First instant; 15 min ago.")] = None,
    to: Annotated[str | None, Query(max_length=40, description="Last instant; now.")] = None,
    limit: Limit = LIMIT,
    cursor: Cursor = None,
) -> Page[HandoverOut]:
    """The changes of its satellite, or of whether it is served, in a time; the latest first."""
    start, end = _span(desk, from_, to, 900 * 1_000_000_000)
    sessions = _sessions(desk, id, start - SLOT_NS, end + 1)
    names = _names(desk.snapshot().world.elements)
    changes = [
        (one, other)
        for one, other in pairwise(sessions)
        if not one.before_gap and start <= other.start_ns <= end and _key(one) != _key(other)
    ]
    part, more = page_of(changes[::-1], cursor, limit)
    items = []
    for one, other in part:
        before, after = _was(one, names), _was(other, names)
        what = f"{before.satellite_name or before.words} → {after.satellite_name or after.words}"
        items.append(HandoverOut(time=iso_ns(other.start_ns), before=before, after=after, words=what))
    return Page(items=items, next=more)


def _key(session: Session) -> tuple[int, Reason]:
    return session.satellite, session.reason


def _was(session: Session, names: dict[int, str]) -> ServingOut:
    slot = int((session.start_ns - 12_000_000_000) // SLOT_NS)
    return ServingOut(
        slot=slot,
        start=iso_ns(session.start_ns),
        reason=session.reason.name,
        words=_session_words(session),
        satellite_name=(names.get(session.satellite) or str(session.satellite)) if session.satellite >= 0 else None,
        satellite_number=session.satellite if session.satellite >= 0 else None,
        gateway=session.gateway or None,
        pop=session.pop or None,
    )


def _session_words(session: Session) -> str:
    if session.rule:
        return f"{session.reason.words}: {session.rule}"
    return session.reason.words


@router.get("/terminals/{id}/candidates", response_model=CandidatesOut, summary="The satellites above it")
def above(desk: Here, caller: Who, id: Id, slot: Annotated[int | None, Query(ge=0, le=2**53)] = None) -> CandidatesOut:
    """Every satellite above its horizon in a slot, and why it does or does not serve it."""
    snapshot = desk.snapshot()
    view = desk.operation.terminal(id)
    listed = desk.operation.candidates(id, slot)
    number_of_slot = snapshot.slot if slot is None else slot
    seen = may_see(desk, caller, view)
    if not seen:
        listed = from_cell(snapshot, view.cell, number_of_slot, listed)
    table = snapshot.roster.tables[snapshot.roster.find(id)]
    mask = table.minimum_elevation_deg
    return CandidatesOut(
        terminal=view.name,
        slot=number_of_slot,
        start=iso(slot_start(number_of_slot)),
        seen_from="exact" if seen else "cell",
        min_elevation_deg=snapshot.world.scenario.scheduler.terminal_mask_deg if mask is None else mask,
        obstruction=[(float(azimuth), float(elevation)) for azimuth, elevation in table.obstruction],
        items=[
            CandidateOut(
                number=c.satellite_number,
                index=c.satellite,
                name=c.satellite_name,
                azimuth_deg=round(c.azimuth_deg, 2),
                elevation_deg=round(c.elevation_deg, 2),
                slant_range_km=round(c.slant_range_m / 1e3, 1),
                reason=c.reason.name,
                words=c.words,
                chosen=c.chosen,
                track=[(round(azimuth, 2), round(elevation, 2)) for azimuth, elevation in c.track],
            )
            for c in listed
        ],
    )


@router.get("/terminals/{id}/path", response_model=PathOut, summary="Its path")
def path(desk: Here, caller: Who, id: Id) -> PathOut:
    """Its path now, station by station: dish, satellites, gateway, point of presence."""
    found = desk.operation.path(id)
    view = desk.operation.terminal(id)
    seen = may_see(desk, caller, view)
    digits = 4 if seen else 1
    hops = []
    for k, hop in enumerate(found.hops):
        latitude, longitude, height = hop.latitude_deg, hop.longitude_deg, hop.altitude_m
        if k == 0 and not seen:
            middle = coarse(view)
            latitude, longitude, height = middle.latitude_deg, middle.longitude_deg, 0.0
        hops.append(
            LegOut(
                kind=hop.kind,
                name=hop.name,
                latitude_deg=round(latitude, 5),
                longitude_deg=round(longitude, 5),
                altitude_km=round(height / 1e3, 3),
                medium=hop.medium,
                delay_ms=round(1e3 * hop.delay_s, digits if k == 1 else 4),
            )
        )
    return PathOut(
        terminal=view.name,
        time=iso_ns(found.time_ns),
        words=found.words,
        rtt_ms=number(1e3 * found.rtt_s, digits),
        access_network_ms=number(1e3 * found.access_network_s, digits),
        delay_ms=round(sum(hop.delay_ms for hop in hops), 3) if hops else None,
        items=hops,
        legs=[
            LinkOut(medium=to.medium, from_name=one.name, to_name=to.name, delay_ms=to.delay_ms)
            for one, to in pairwise(hops)
        ],
    )


@router.get("/terminals/{id}/decision", response_model=DecisionOut, summary="May it be served?")
def decision(desk: Here, caller: Who, id: Id, time: When = None, as_known: When = None) -> DecisionOut:
    """The decision with every reason: now, or at another instant, and as it was known at another.

    The words of reasons can name people: who may not read of them gets rules, codes and facts without words."""
    operation = desk.operation
    view = operation.terminal(id)
    if operation.facts is None:
        return DecisionOut(
            words="this system runs without service control: everybody is served",
            decision=None,
            explanation="",
            position="",
        )
    found = operation.decision(
        id,
        None if time is None else instant(time, "time"),
        None if as_known is None else instant(as_known, "as_known"),
    )
    document, text = plain_decision(found), explain(found)
    if not reads_names(desk, caller) and not may_see(desk, caller, view):
        text = HIDDEN
        for reason in document["reasons"]:
            reason["text"] = HIDDEN
            for fact in reason["facts"]:
                fact |= {"author": HIDDEN, "source": HIDDEN}
    return DecisionOut(words="", decision=document, explanation=text, position="where it is now, as measured")


def plain_decision(found: Any) -> dict[str, Any]:
    """A decision in JSON's own types, as its canonical text has it."""
    import json

    document: dict[str, Any] = json.loads(found.to_json())
    return document


@router.get("/terminals/{id}/custody", response_model=CustodyOut, summary="Who had the unit")
def custody(desk: Here, caller: Who, id: Id) -> CustodyOut:
    """The unit's way through all hands, with every gap in the record."""
    return custody_of(desk, caller, desk.operation.terminal(id).unit)


@router.get("/terminals/{id}/sessions", response_model=Page[SessionOut], summary="Its sessions")
def terminal_sessions(
    desk: Here,
    id: Id,
    from_: Annotated[str | None, Query(alias="from", max_length=40, description="First instant; a day ago.")] = None,
    to: Annotated[str | None, Query(max_length=40, description="Last instant; now.")] = None,
    limit: Limit = LIMIT,
    cursor: Cursor = None,
) -> Page[SessionOut]:
    """Its stays in one state, the latest first; of a terminal that is no more too."""
    return sessions_page(desk, id, from_, to, limit, cursor)


def sessions_page(
    desk: Desk, id: str, from_: str | None, to: str | None, limit: int, cursor: str | None
) -> Page[SessionOut]:
    """The sessions of a terminal, the latest first."""
    start, end = _span(desk, from_, to, _DAY_NS)
    found = _sessions(desk, id, start, end)
    if not found:
        desk.snapshot().roster.find(id)  # raises for one that never was
    names = _names(desk.snapshot().world.elements)
    part, more = page_of(found[::-1], cursor, limit)
    return Page(items=[_session(session, names) for session in part], next=more)


def _sessions(desk: Desk, id: str, start: int, end: int) -> list[Session]:
    return desk.operation.sessions(id, start, end)


def _session(session: Session, names: dict[int, str]) -> SessionOut:
    served, refused = session.reason == Reason.SERVED, session.reason == Reason.NO_GRANT
    return SessionOut(
        terminal=session.terminal,
        cell=f"{session.cell:x}",
        start=iso_ns(session.start_ns),
        end=iso_ns(session.end_ns),
        duration_s=round(session.duration_s, 3),
        state="served" if served else "refused" if refused else "no_path",
        reason=session.reason.name,
        rule=session.rule,
        words=_session_words(session),
        satellite=names.get(session.satellite) if session.satellite >= 0 else None,
        satellite_number=session.satellite if session.satellite >= 0 else None,
        gateway=session.gateway or None,
        pop=session.pop or None,
        received_bytes=session.received_bytes,
        sent_bytes=session.sent_bytes,
        goes_on=session.goes_on,
        before_gap=session.before_gap,
    )


def _span(desk: Desk, from_: str | None, to: str | None, back_ns: int) -> tuple[int, int]:
    end = desk.operation.clock.now_ns() if to is None else instant_ns(to, "to")
    start = end - back_ns if from_ is None else instant_ns(from_, "from")
    if end < start:
        raise InputError("a time that ends before it begins", where="to", mend="give `from` before `to`")
    if end - start > _SPAN_NS:
        raise InputError("a time of more than 31 days", where="from", mend="ask for one part after the other")
    return start, end


@router.get("/terminals/{id}/obstruction-map", response_model=ObstructionOut, summary="What its dish has seen")
def obstruction_map(desk: Here, caller: Who, id: Id) -> ObstructionOut:
    """The picture that its dish paints along the satellites that serve it."""
    view = desk.operation.terminal(id)
    dish = desk.dishes.get(view.name)
    if dish is None:
        raise NotFoundError(f"{view.name} has no dish here", mend="start `skyhaul up` without --no-dishes")
    picture = dish.map
    rows, columns = picture.pixels.shape
    return ObstructionOut(
        terminal=view.name,
        frame="earth" if picture.frame is Frame.EARTH else "ut",
        rows=rows,
        columns=columns,
        max_theta_deg=MAX_THETA_DEG,
        pixels=[float(pixel) for pixel in picture.pixels.ravel()],
        fraction_obstructed=number(picture.fraction_obstructed, 4),
    )


@router.get("/explain/satellite", response_model=WhyOut, summary="Why this satellite?")
def explain_satellite(
    desk: Here,
    caller: Who,
    terminal: Annotated[str, Query(max_length=200)],
    satellite: Annotated[str, Query(max_length=100, description="Name or catalogue number.")],
    slot: Annotated[int | None, Query(ge=0, le=2**53)] = None,
) -> WhyOut:
    """Why a satellite serves a terminal in a slot, or does not."""
    why = desk.operation.why_satellite(terminal, satellite, slot)
    seen = may_see(desk, caller, desk.operation.terminal(terminal))
    return WhyOut(
        terminal=why.terminal,
        slot=why.slot,
        satellite=why.satellite_name,
        satellite_number=why.satellite_number,
        reason=why.reason.name,
        chosen=why.chosen,
        elevation_deg=number(why.elevation_deg, 2 if seen else 0),
        words=why.words,
    )


def terminal_out(desk: Desk, caller: Caller, view: TerminalView, exact: bool = False) -> TerminalOut:
    """A terminal for a caller; `exact` where it was found that they may see its place."""
    seen = exact or may_see(desk, caller, view)
    shown = view if seen else coarse(view)
    return TerminalOut(
        id=view.name,
        name=view.name,
        unit=view.unit,
        model=view.model,
        cell=f"{view.cell:x}",
        latitude_deg=round(shown.latitude_deg, 6),
        longitude_deg=round(shown.longitude_deg, 6),
        position_precision="exact" if seen else "cell",
        moving=view.moving,
        speed_m_s=number(view.speed_m_s, 2),
        state=_STATES[view.state],
        reason=None if view.reason is None else view.reason.name,
        code=int(view.code),
        code_name=view.code.name,
        rule=view.rule,
        words=view.words,
        satellite=view.satellite_name or None,
        satellite_number=view.satellite_number if view.satellite_number >= 0 else None,
        gateway=view.gateway or None,
        pop=view.pop or None,
        laser_hops=view.laser_hops if view.laser_hops >= 0 else None,
        rtt_ms=number(1e3 * view.rtt_s, 2 if seen else 1),
        loss=round(view.loss, 5),
        rate_down_bps=number(view.rate_down_bps, 0),
        rate_up_bps=number(view.rate_up_bps, 0),
        azimuth_deg=number(shown.azimuth_deg, 2),
        elevation_deg=number(shown.elevation_deg, 2),
        candidates=view.candidates,
        lease_ends=None if view.lease_ends_ns is None else iso_ns(view.lease_ends_ns),
    )


def _shown_after_change(desk: Desk, caller: Caller, name: str) -> TerminalOut:
    """A terminal as it waits for the next plan: the running one does not know it, or knows it where it was."""
    snapshot = desk.snapshot()
    row = snapshot.roster.row.get(name)
    if row is None:
        row = snapshot.view.roster.find(name)
        waiting = Snapshot(_without_plans(snapshot), snapshot.time_ns, snapshot.speed, snapshot.paused)
        return terminal_out(desk, caller, next(terminal_views(waiting, [row])))
    return terminal_out(desk, caller, next(terminal_views(snapshot, [row])))


def _without_plans(snapshot: Snapshot) -> Any:
    from dataclasses import replace

    return replace(snapshot.view, plans={}, drafts=())


class _Same:
    """Elements as a key: equal when they are the same object."""

    def __init__(self, elements: Elements) -> None:
        self.elements = elements

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.elements is self.elements

    def __hash__(self) -> int:
        return id(self.elements)


@lru_cache(maxsize=2)
def _names_of(same: _Same) -> dict[int, str]:
    found = same.elements
    return dict(zip(found.catalog_number.tolist(), found.name, strict=True))


def _names(elements: Elements) -> dict[int, str]:
    return _names_of(_Same(elements))


def _check_place(latitude: float, longitude: float) -> None:
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise InputError(f"{latitude}, {longitude} is no place", where="way", mend="latitude, longitude in degrees")
