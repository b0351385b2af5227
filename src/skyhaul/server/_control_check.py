"""A place, asked about: what is on record of the ground there, and whether a terminal may be served on it."""

from __future__ import annotations

import threading
import weakref
from typing import Annotated, Any

import h3.api.basic_int as h3
import numpy as np
import shapely
from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from skyhaul.control._instants import instant_text
from skyhaul.control.decision import Compiled, Decision, Position, compile_facts, decide, explain, next_change
from skyhaul.control.facts import Area, Facts, Layer, Licence, Target
from skyhaul.control.registry import OrderState, held, order_standings
from skyhaul.earth import BEAM_CELL_RESOLUTION
from skyhaul.errors import InputError
from skyhaul.server._control_facts import conditions_of
from skyhaul.server._control_orders import order_words
from skyhaul.server._control_territory import AsKnown, When, instants
from skyhaul.server._desk import Desk, Here
from skyhaul.server._terminal_routes import plain_decision

router = APIRouter()

_lock = threading.Lock()
_compiled: weakref.WeakKeyDictionary[Facts, tuple[int, Compiled]] = weakref.WeakKeyDictionary()


class GroundOut(BaseModel):
    """Something on record of the ground at a place."""

    layer: str
    words: str = Field(description="Such as “Northland Office licenses Northland”.")
    name: str
    holder: str
    source: str
    fact: str
    valid_from: str
    valid_to: str | None
    recorded_at: str


class ChangeOut(BaseModel):
    """What the decision changes to by itself, and when."""

    time: str
    outcome: str
    code: int
    code_name: str


class CheckOut(BaseModel):
    """What is on record of a place, and the decision on a terminal there."""

    time: str
    known_at: str
    cell: str
    ground: list[GroundOut]
    position: str = Field(description="Where the terminal is taken to be, without the place itself.")
    decision: dict[str, Any] | None = Field(description="Null without a terminal.")
    explanation: str
    next_change: ChangeOut | None = Field(description="Null: nothing on record changes it by itself.")


@router.get("/check", response_model=CheckOut, summary="May it be served here?")
def check(
    desk: Here,
    terminal: Annotated[str, Query(max_length=200, description="Its name, or its id in the registry.")] = "",
    latitude_deg: Annotated[float | None, Query(ge=-90, le=90)] = None,
    longitude_deg: Annotated[float | None, Query(ge=-180, le=180)] = None,
    time: When = None,
    as_known: AsKnown = "",
) -> CheckOut:
    """The ground at a place, as claimed, controlled, licensed, zoned and under orders; with a terminal the decision on
    it there, with every reason. A terminal without a place is asked about where it is now: its ground is then not told.
    """
    at, known_at = instants(desk, time, as_known)
    facts = desk.facts
    if (latitude_deg is None) != (longitude_deg is None):
        raise InputError("half a place", where="latitude_deg, longitude_deg", mend="give both, or neither")
    if latitude_deg is None and not terminal:
        raise InputError("which place, or which terminal?", where="terminal", mend="give one of them, or both")
    position: Position | None = None
    ground: list[GroundOut] = []
    whence = "at the place given, as if the network had measured it there"
    if latitude_deg is not None and longitude_deg is not None:
        position = Position(latitude_deg, longitude_deg)
        ground = _ground(facts, latitude_deg, longitude_deg, at, known_at)
    unit, here = _unit(desk, terminal)
    if position is None:
        position, whence = here, "where it is now, as measured" if here is not None else "not known"
    decision: Decision | None = None
    change: Decision | None = None
    if terminal:
        compiled = _compiled_at(facts, known_at)
        decision = decide(compiled, unit, position, at, speed_m_s=0.0)
        change = next_change(compiled, unit, position, at, speed_m_s=0.0)
    cell = (
        ""
        if latitude_deg is None or longitude_deg is None
        else f"{h3.latlng_to_cell(latitude_deg, longitude_deg, BEAM_CELL_RESOLUTION):x}"
    )
    return CheckOut(
        time=instant_text(at),
        known_at=instant_text(known_at),
        cell=decision.cell if decision is not None else cell,
        ground=ground,
        position=whence if terminal else "",
        decision=None if decision is None else plain_decision(decision),
        explanation="" if decision is None else explain(decision),
        next_change=None
        if change is None
        else ChangeOut(
            time=instant_text(change.time),
            outcome=str(change.outcome),
            code=int(change.code),
            code_name=change.code.name,
        ),
    )


def _ground(
    facts: Facts, latitude: float, longitude: float, at: np.datetime64, known_at: np.datetime64
) -> list[GroundOut]:
    """Areas that cover a place, licences that are for them, and orders in force over them or the cell."""
    point = shapely.Point(longitude, latitude)
    there = [area for area in held(facts, Area, at, known_at) if shapely.covers(area.shape, point)]
    order_of = {layer: i for i, layer in enumerate(Layer)}
    there.sort(key=lambda area: (order_of[area.layer], area.name, area.id))
    verbs = {Layer.CLAIM: "claims", Layer.CONTROL: "is in control of", Layer.LICENCE: "licenses"}
    found = []
    for area in there:
        verb = verbs.get(area.layer)
        found.append(_said(area, str(area.layer), f"{area.holder} {verb} {area.name}" if verb else f"in {area.ref}"))
    licensed = {(area.holder, area.name) for area in there if area.layer is Layer.LICENCE}
    for licence in held(facts, Licence, at, known_at):
        if (licence.authority, licence.territory) in licensed:
            conditions = conditions_of(licence)
            said = f"{licence.authority} permits {', '.join(licence.service_classes)} in {licence.territory}"
            found.append(_said(licence, "permission", f"{said}; {conditions}" if conditions else said))
    refs = {str(area.ref) for area in there}
    cell = f"{h3.latlng_to_cell(latitude, longitude, BEAM_CELL_RESOLUTION):x}"
    for standing in order_standings(facts, at, known_at):
        order = standing.order
        over = order.on if order.target in (Target.AREA, Target.CELL) else order.within
        if standing.state is OrderState.IN_FORCE and (over in refs or over == cell):
            found.append(_said(order, "order", f"{order.authority} orders: {order_words(order, names=False)}"))
    return found


def _said(fact: Any, layer: str, words: str) -> GroundOut:
    return GroundOut(
        layer=layer,
        words=words,
        name=getattr(fact, "name", "") or getattr(fact, "territory", "") or getattr(fact, "on", ""),
        holder=getattr(fact, "holder", "") or getattr(fact, "authority", ""),
        source=fact.source,
        fact=fact.id,
        valid_from=instant_text(fact.valid_from),
        valid_to=None if fact.valid_to is None else instant_text(fact.valid_to),
        recorded_at=instant_text(fact.recorded_at),
    )


def _unit(desk: Desk, name: str) -> tuple[str, Position | None]:
    """The registry's id of a terminal by its name, and where it is now; what runs nowhere is taken for such an id."""
    snapshot = desk.snapshot()
    row = snapshot.roster.row.get(name)
    if row is None:
        row = next((i for i, table in enumerate(snapshot.roster.tables) if table.unit == name), None)
    if row is None:
        return name, None
    table, plan = snapshot.roster.tables[row], snapshot.current
    if plan is not None and row < len(plan.roster):
        return table.unit or table.name, plan.places.positions[row]
    return table.unit or table.name, Position(table.latitude_deg, table.longitude_deg)


def _compiled_at(facts: Facts, known_at: np.datetime64) -> Compiled:
    """Facts made ready for decisions; the last ones are kept, and extended by what came since."""
    with _lock:
        kept = _compiled.get(facts)
        if kept is not None and kept[0] == len(facts) and kept[1].known_at == known_at:
            return kept[1]
        earlier = kept[1] if kept is not None and kept[1].known_at <= known_at else None
        compiled = compile_facts(facts, known_at, earlier)
        _compiled[facts] = len(facts), compiled
        return compiled
