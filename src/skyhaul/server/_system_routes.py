"""The system as a whole: state, time, plans."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from skyhaul import __version__
from skyhaul.errors import NotFoundError
from skyhaul.network import Reason, slot_start
from skyhaul.operation import SLOT_NS, SlotPlan, Snapshot
from skyhaul.operation import Draft as DraftPlan
from skyhaul.orbits import Elements
from skyhaul.server._desk import Desk, Here, Operator, Who
from skyhaul.server._people import Caller
from skyhaul.server._plain import instant, iso_ns, number

router = APIRouter(tags=["system"])


class SlotOut(BaseModel):
    """A slot of 15 s."""

    number: int
    start: str
    end: str


class PlanState(BaseModel):
    """Whether plans come in time."""

    ready_before_s: float | None = Field(description="How long before its slot the plan of the running slot was ready.")
    following_ready: bool = Field(description="Whether the next slot's plan is there.")
    late_count: int = Field(description="Slots that began without a plan since the start.")
    drafts: int = Field(description="Slots after the next that are drafted ahead.")


class TerminalCounts(BaseModel):
    """Terminals by state."""

    total: int
    served: int
    refused: int = Field(description="That may not be served.")
    out_of_service: int = Field(description="That may be served, and have no path.")


class ElementsOut(BaseModel):
    """The orbital elements in use."""

    name: str
    age_days: float | None = Field(description="Median age; null for generated ones, which have none.")
    sha256: str
    count: int


class Knowledge(BaseModel):
    """How much is known of the registry."""

    known_at: str
    age_s: float
    trouble: str = Field(description="Why the registry does not answer; empty when it does.")


class SystemOut(BaseModel):
    """The state of the system."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "version": __version__,
                    "scenario": "live",
                    "time": "2026-11-25T18:00:13.2Z",
                    "speed": 1.0,
                    "paused": False,
                    "slot": {"number": 118700880, "start": "2026-11-25T18:00:12Z", "end": "2026-11-25T18:00:27Z"},
                    "plan": {"ready_before_s": 14.2, "following_ready": True, "late_count": 0, "drafts": 7},
                    "satellites": 1584,
                    "terminals": {"total": 19, "served": 15, "refused": 4, "out_of_service": 0},
                    "elements": {"name": "starlink-gen1", "age_days": None, "sha256": "7a…", "count": 1584},
                    "knowledge": {"known_at": "2026-11-25T18:00:12.1Z", "age_s": 1.1, "trouble": ""},
                    "path_state_age_ms": 40.0,
                    "point_of_view": "",
                    "person": "",
                    "roles": [],
                    "bodies": [],
                    "signing": "demo",
                }
            ]
        }
    )

    version: str
    scenario: str
    time: str = Field(description="The system's time, UTC.")
    speed: float = Field(description="System seconds a second while it runs.")
    paused: bool
    slot: SlotOut
    plan: PlanState
    satellites: int
    terminals: TerminalCounts
    elements: ElementsOut
    knowledge: Knowledge | None = Field(description="Null without a registry.")
    path_state_age_ms: float | None = Field(description="How old the path states are that answers show.")
    point_of_view: str = Field(description="Whose borders pictures show: nobody's, until a reader chooses.")
    person: str = Field(description="Who asks, by the token.")
    roles: list[str] = Field(description="Of who asks.")
    bodies: list[str] = Field(description="Authorities that who asks acts for.")
    signing: str = Field(
        description="Who signs orders: “client”, with a key that the server never sees; “demo”, the server, with keys "
        "that a demonstration made for people who do not exist; “none”, nothing can be recorded."
    )


class TimeIn(BaseModel):
    """A change of the system's time; what is left out stays."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"speed": 20.0, "paused": False}]})

    speed: float | None = Field(None, ge=0.01, le=1000.0)
    paused: bool | None = None
    step_s: float | None = Field(None, gt=0.0, le=3600.0, description="While paused: go on by so much.")
    at: str | None = Field(None, max_length=40, description="Jump to this instant.")


class TimeOut(BaseModel):
    """The system's time."""

    time: str
    speed: float
    paused: bool
    slot: SlotOut


class PlanOut(BaseModel):
    """What a slot's plan decides, in numbers."""

    slot: SlotOut
    sure: bool = Field(description="Whether it is decided; else it comes so if nothing changes.")
    ready_before_s: float | None
    terminals: int
    by_reason: dict[str, int] = Field(description="Terminals by what became of them.")
    cells: int
    cells_served: int
    satellites_serving: int
    gateways_in_use: int
    laser_hops: dict[str, int] = Field(description="Served cells by laser hops.")


@router.get("/system", response_model=SystemOut, summary="The state of the system")
def system(desk: Here, caller: Who) -> SystemOut:
    """What runs, since when plans are there, how many terminals are served, and who asks."""
    return system_of(desk, caller)


def system_of(desk: Desk, caller: Caller) -> SystemOut:
    """The state of the system, for whoever asks."""
    snapshot = desk.snapshot()
    world, plan = snapshot.world, snapshot.current
    heard, age = snapshot.view.heard_ns, snapshot.knowledge_age_s
    return SystemOut(
        version=__version__,
        scenario=world.scenario.name,
        time=iso_ns(snapshot.time_ns),
        speed=snapshot.speed,
        paused=snapshot.paused,
        slot=slot_out(snapshot.slot),
        plan=PlanState(
            ready_before_s=None if plan is None else number(plan.ready_before_s, 3),
            following_ready=snapshot.following is not None,
            late_count=snapshot.view.late,
            drafts=len(snapshot.view.drafts),
        ),
        satellites=len(world.elements),
        terminals=counts_of(snapshot),
        elements=ElementsOut(
            name=world.elements_name,
            age_days=None if world.synthetic else _age_days(world.elements, snapshot.time),
            sha256=world.elements_sha256,
            count=len(world.elements),
        ),
        knowledge=None
        if heard is None or age is None
        else Knowledge(known_at=iso_ns(heard), age_s=round(age, 3), trouble=snapshot.view.trouble),
        path_state_age_ms=number(1e3 * snapshot.age_s, 1),
        point_of_view="",
        person=caller.person,
        roles=list(caller.roles),
        bodies=list(caller.bodies),
        signing=_signing(desk),
    )


def counts_of(snapshot: Snapshot) -> TerminalCounts:
    """Terminals by state."""
    total = len(snapshot.roster)
    states = snapshot.states
    if states is None:
        return TerminalCounts(total=total, served=0, refused=0, out_of_service=total)
    served = int(np.count_nonzero(states.cause == Reason.SERVED))
    refused = int(np.count_nonzero(states.cause == Reason.NO_GRANT))
    return TerminalCounts(total=total, served=served, refused=refused, out_of_service=total - served - refused)


@router.get("/time", response_model=TimeOut, summary="The system's time")
def time_now(desk: Here) -> TimeOut:
    """The system's time, and how fast it runs."""
    return _time(desk.snapshot())


@router.post("/time", response_model=TimeOut, summary="Change the system's time")
def change_time(desk: Here, _: Operator, change: TimeIn) -> TimeOut:
    """Run faster or slower, pause, step, or jump. A jump is a gap: nothing is known of the time between."""
    at = None if change.at is None else instant(change.at, "at")
    return _time(desk.operation.set_time(speed=change.speed, paused=change.paused, step_s=change.step_s, at=at))


def _time(snapshot: Snapshot) -> TimeOut:
    return TimeOut(
        time=iso_ns(snapshot.time_ns), speed=snapshot.speed, paused=snapshot.paused, slot=slot_out(snapshot.slot)
    )


@router.get("/plans/{slot}", response_model=PlanOut, summary="A slot's plan")
def plan(desk: Here, slot: Annotated[int, Path(ge=0, le=2**53)]) -> PlanOut:
    """What the plan of a slot decides, or drafts: of the running one, a few before it and those planned ahead."""
    snapshot = desk.snapshot()
    found: SlotPlan | DraftPlan | None = snapshot.view.plans.get(slot)
    if found is None:
        found = next((draft for draft in snapshot.view.drafts if draft.slot == slot), None)
    if found is None:
        there = sorted([*snapshot.view.plans, *(draft.slot for draft in snapshot.view.drafts)])
        mend = f"there are plans of {there[0]} to {there[-1]}" if there else "wait for the first plan"
        raise NotFoundError(f"no plan of slot {slot}", where="slot", mend=mend)
    own = found.plan
    reasons, counts = np.unique(own.reason, return_counts=True)
    held = own.satellite >= 0
    hops, of_hops = np.unique(own.laser_hops()[held], return_counts=True)
    return PlanOut(
        slot=slot_out(slot),
        sure=isinstance(found, SlotPlan),
        ready_before_s=number(found.ready_before_s, 3) if isinstance(found, SlotPlan) else None,
        terminals=len(own.reason),
        by_reason={Reason(int(r)).name: int(n) for r, n in zip(reasons, counts, strict=True)},
        cells=len(own.cell),
        cells_served=int(np.count_nonzero(held)),
        satellites_serving=len(np.unique(own.satellite[held])),
        gateways_in_use=len(np.unique(own.gateway[held])),
        laser_hops={str(int(h)): int(n) for h, n in zip(hops, of_hops, strict=True)},
    )


def slot_out(slot: int) -> SlotOut:
    """A slot with its instants."""
    start = int(slot_start(slot).astype(np.int64))
    return SlotOut(number=slot, start=iso_ns(start), end=iso_ns(start + SLOT_NS))


def _signing(desk: Desk) -> str:
    registry = desk.operation.registry
    if registry is None or registry.read_only:
        return "none"
    return "demo" if desk.keys else "client"


def _age_days(elements: Elements, time: np.datetime64) -> float | None:
    age: Any = (time - _median_epoch(elements.epoch.tobytes())) / np.timedelta64(1, "s")
    return number(float(age) / 86400.0, 3)


@lru_cache(maxsize=4)
def _median_epoch(epochs: bytes) -> np.datetime64:
    return np.datetime64(int(np.median(np.frombuffer(epochs, dtype=np.int64))), "ns")
