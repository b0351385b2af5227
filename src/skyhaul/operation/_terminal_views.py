"""A terminal, for whoever asks about it: how it is served, by what, why so, and what comes next."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from skyhaul.control.decision import Code
from skyhaul.control.grants import CODES, REFUSALS
from skyhaul.earth import Sites, ecef_to_geodetic
from skyhaul.errors import NotFoundError
from skyhaul.network import LIGHT_M_S, Reason, SatelliteNames, slot_start
from skyhaul.operation._slot import SLOT_NS, Draft, SlotPlan
from skyhaul.operation._snapshot import Snapshot
from skyhaul.radio import look_angles
from skyhaul.system import World
from skyhaul.types import Floats

TRACK_POINTS = 4  # instants of a candidate's way across the sky in a slot, first and last included


class State(StrEnum):
    """What a terminal is to its holder."""

    SERVED = "served"
    REFUSED = "refused"  # it may not be served
    NO_PATH = "no_path"  # it may, and nothing can
    WAITING = "waiting"  # no plan has reached it


@dataclass(frozen=True, slots=True)
class TerminalView:
    """A terminal at an instant; NaN, -1 and empty where it has no path.

    unit              its id in the registry
    cell              H3 index
    code, rule        what it shows, and the rule of service control that refuses; empty where none does
    words             its state for people
    satellite         index into the constellation; `satellite_number` in the catalogue
    rate_down_bps, rate_up_bps   what it could receive and send: capacity, not traffic
    lease_ends_ns     when the permission to be served ends if nothing renews it; None: it does not, or there is none
    """

    name: str
    unit: str
    model: str
    cell: int
    latitude_deg: float
    longitude_deg: float
    height_m: float
    moving: bool
    speed_m_s: float
    state: State
    reason: Reason | None
    code: Code
    rule: str
    words: str
    satellite: int = -1
    satellite_number: int = -1
    satellite_name: str = ""
    gateway: str = ""
    pop: str = ""
    laser_hops: int = -1
    rtt_s: float = math.nan
    loss: float = 1.0
    rate_down_bps: float = math.nan
    rate_up_bps: float = math.nan
    azimuth_deg: float = math.nan
    elevation_deg: float = math.nan
    candidates: int = 0
    lease_ends_ns: int | None = None


def terminal_views(snapshot: Snapshot, rows: Iterable[int]) -> Iterator[TerminalView]:
    """The terminals of rows of the snapshot's roster."""
    plan, states, roster, world = snapshot.current, snapshot.states, snapshot.roster, snapshot.world
    for row in rows:
        table = roster.tables[row]
        unit = table.unit or table.name
        if plan is None or states is None:
            own = world.terminals
            yield TerminalView(
                table.name,
                unit,
                table.model,
                int(own.cell[row]),
                float(own.sites.latitude_deg[row]),
                float(own.sites.longitude_deg[row]),
                float(own.sites.height_m[row]),
                bool(table.track),
                0.0,
                State.WAITING,
                None,
                Code.UNKNOWN_STATE,
                "",
                "no plan in time",
            )
            continue
        places, leases = plan.places, plan.leases
        sites = places.terminals.sites
        cause = Reason(int(states.cause[row]))
        # A lease that ended inside the slot shows the code of what ended it.
        ended = cause == Reason.NO_GRANT and bool(leases.granted[row])
        rule = int(leases.rule[row])
        code = Code(int(CODES[rule] if ended else leases.code[row]))
        refused = cause == Reason.NO_GRANT
        lease_end = leases.ends[row]
        satellite = int(states.satellite[row])
        yield TerminalView(
            name=table.name,
            unit=unit,
            model=table.model,
            cell=int(leases.cell[row]),
            latitude_deg=float(sites.latitude_deg[row]),
            longitude_deg=float(sites.longitude_deg[row]),
            height_m=float(sites.height_m[row]),
            moving=bool(table.track),
            speed_m_s=float(places.speed_m_s[row]),
            state=State.SERVED if cause == Reason.SERVED else State.REFUSED if refused else State.NO_PATH,
            reason=cause,
            code=code,
            rule=REFUSALS[rule] if refused and rule >= 0 else "",
            words=(leases.refusal(row) or "the lease has ended") if refused else cause.words,
            satellite=satellite,
            satellite_number=int(world.elements.catalog_number[satellite]) if satellite >= 0 else -1,
            satellite_name=world.elements.name[satellite] if satellite >= 0 else "",
            gateway=world.ground.gateways.name[states.gateway[row]] if satellite >= 0 else "",
            pop=world.ground.pops.name[states.pop[row]] if satellite >= 0 else "",
            laser_hops=int(states.laser_hops[row]),
            rtt_s=float(states.rtt_s[row]),
            loss=float(states.loss[row]),
            rate_down_bps=float(states.rate_down_bps[row]),
            rate_up_bps=float(states.rate_up_bps[row]),
            azimuth_deg=float(states.azimuth_deg[row]),
            elevation_deg=float(states.elevation_deg[row]),
            candidates=int(plan.plan.candidates[row]),
            lease_ends_ns=None if np.isnat(lease_end) else int(lease_end.astype(np.int64)),
        )


@dataclass(frozen=True, slots=True)
class Serving:
    """Who serves a terminal in a slot; empty and -1 where nobody does, for a reason."""

    slot: int
    start_ns: int
    reason: Reason
    satellite_number: int = -1
    satellite_name: str = ""
    gateway: str = ""
    pop: str = ""


@dataclass(frozen=True, slots=True)
class NextHandover:
    """The next change of a terminal's satellite, or of whether it is served at all.

    at_ns        when: the start of the slot `after.slot`; None where nothing changes in the slots that are planned
    sure         whether it is decided; else it comes so if nothing changes until then
    known_until_ns   the end of what is planned
    """

    terminal: str
    at_ns: int | None
    before: Serving | None
    after: Serving | None
    sure: bool
    known_until_ns: int


def ahead(snapshot: Snapshot) -> list[SlotPlan | Draft]:
    """The plan of the running slot and those of the slots after it, without a gap."""
    found: list[SlotPlan | Draft] = [] if snapshot.current is None else [snapshot.current]
    if found and snapshot.following is not None:
        found.append(snapshot.following)
        for draft in snapshot.view.drafts:
            if draft.slot == found[-1].slot + 1:
                found.append(draft)
    return found


def next_handover(snapshot: Snapshot, terminal: str) -> NextHandover:
    """See `NextHandover`. Raises NotFoundError."""
    snapshot.roster.find(terminal)
    plans = ahead(snapshot)
    before: Serving | None = None
    for plan in plans:
        now = _serving(snapshot, plan, terminal)
        if now is None:  # it is no more, or not yet
            continue
        if before is not None and (now.satellite_number, now.reason) != (before.satellite_number, before.reason):
            return NextHandover(
                terminal, now.start_ns, before, now, isinstance(plan, SlotPlan), _end_ns(plans[-1].slot)
            )
        before = now
    return NextHandover(terminal, None, before, None, False, _end_ns(plans[-1].slot) if plans else snapshot.time_ns)


def _serving(snapshot: Snapshot, planned: SlotPlan | Draft, terminal: str) -> Serving | None:
    roster = planned.roster if isinstance(planned, SlotPlan) else snapshot.view.roster
    world = planned.world if isinstance(planned, SlotPlan) else snapshot.view.world
    row = roster.row.get(terminal)
    if row is None:
        return None
    plan = planned.plan
    start_ns, reason = _end_ns(plan.slot) - SLOT_NS, Reason(int(plan.reason[row]))
    if reason != Reason.SERVED:
        return Serving(plan.slot, start_ns, reason)
    cell = int(plan.terminal_cell[row])
    satellite = int(plan.satellite[cell])
    return Serving(
        plan.slot,
        start_ns,
        reason,
        int(world.elements.catalog_number[satellite]),
        world.elements.name[satellite],
        world.ground.gateways.name[plan.gateway[cell]],
        world.ground.pops.name[plan.pop[row]],
    )


def _end_ns(slot: int) -> int:
    return int(slot_start(slot + 1).astype(np.int64))


@dataclass(frozen=True, slots=True)
class Candidate:
    """A satellite above a terminal in a slot, and what became of it.

    azimuth_deg, elevation_deg, slant_range_m   in the middle of the slot
    track    (azimuth, elevation), deg, at even steps from the slot's start to its end
    """

    satellite: int
    satellite_number: int
    satellite_name: str
    azimuth_deg: float
    elevation_deg: float
    slant_range_m: float
    reason: Reason
    chosen: bool
    track: tuple[tuple[float, float], ...]

    @property
    def words(self) -> str:
        return "serves" if self.chosen else self.reason.words


def candidates(snapshot: Snapshot, terminal: str, slot: int | None = None) -> list[Candidate]:
    """The satellites above a terminal's horizon in a slot, the running one or one that is planned, highest first.

    Raises NotFoundError for a terminal that is not there and a slot that is not planned.
    """
    planned = _planned(snapshot, slot)
    roster = planned.roster if isinstance(planned, SlotPlan) else snapshot.view.roster
    world = planned.world if isinstance(planned, SlotPlan) else snapshot.view.world
    row = roster.find(terminal)
    plan = planned.plan
    begin = slot_start(plan.slot)
    sites = planned.places.terminals.sites if isinstance(planned, SlotPlan) else world.terminals.sites
    here = _one(sites, row)
    middle = world.position_m(begin + np.timedelta64(SLOT_NS // 2, "ns"))
    look = look_angles(here, middle)
    up = np.flatnonzero(np.nan_to_num(look.elevation_deg[0], nan=-90.0) > 0.0)
    up = up[np.lexsort((up, -look.elevation_deg[0, up]))]
    mine = plan.seen_terminal == row
    known = dict(zip(plan.seen_satellite[mine].tolist(), plan.seen_reason[mine].tolist(), strict=True))
    serving = int(plan.satellite[plan.terminal_cell[row]]) if plan.served(row) else -1
    refused = int(plan.reason[row]) == Reason.NO_GRANT
    ways = _tracks(world, here, begin, up)
    found = []
    for k, satellite in enumerate(up.tolist()):
        reason = Reason(known.get(satellite, int(Reason.ELEVATION)))
        if refused and reason == Reason.SERVED:
            reason = Reason.NO_GRANT
        chosen = satellite == serving
        if reason == Reason.SERVED and not chosen:
            reason = Reason.NOT_CHOSEN
        found.append(
            Candidate(
                satellite,
                int(world.elements.catalog_number[satellite]),
                world.elements.name[satellite],
                float(look.azimuth_deg[0, satellite]),
                float(look.elevation_deg[0, satellite]),
                float(look.slant_range_m[0, satellite]),
                reason,
                chosen,
                tuple((float(azimuth), float(elevation)) for azimuth, elevation in ways[:, k]),
            )
        )
    return found


def _tracks(world: World, here: Sites, begin: np.datetime64, satellite: np.ndarray) -> Floats:
    """(T, S, 2) azimuth and elevation of satellites at even steps of a slot."""
    times = begin + np.arange(TRACK_POINTS) * np.timedelta64(SLOT_NS // (TRACK_POINTS - 1), "ns")
    if not len(satellite):
        return np.empty((TRACK_POINTS, 0, 2))
    position = world.constellation.at(times, satellites=satellite, velocity=False).position_m
    looks = [look_angles(here, at) for at in position]
    return np.stack([np.stack([look.azimuth_deg[0], look.elevation_deg[0]], axis=-1) for look in looks])


@dataclass(frozen=True, slots=True)
class WhySatellite:
    """Why a satellite serves a terminal in a slot, or does not."""

    terminal: str
    slot: int
    satellite_number: int
    satellite_name: str
    reason: Reason
    chosen: bool
    elevation_deg: float
    words: str


def why_satellite(snapshot: Snapshot, terminal: str, satellite: str, slot: int | None = None) -> WhySatellite:
    """Why a satellite, by name or catalogue number, does or does not serve a terminal. Raises NotFoundError."""
    planned = _planned(snapshot, slot)
    world = planned.world if isinstance(planned, SlotPlan) else snapshot.view.world
    index = SatelliteNames(world.elements).find(satellite)
    number, name = int(world.elements.catalog_number[index]), world.elements.name[index]
    listed = candidates(snapshot, terminal, slot)
    for candidate in listed:
        if candidate.satellite == index:
            chosen = next((other for other in listed if other.chosen), None)
            words = f"{name}: {candidate.words}"
            if chosen is not None and not candidate.chosen:
                words += f"; {chosen.satellite_name} serves, at {chosen.elevation_deg:.0f}° of elevation"
            return WhySatellite(
                terminal,
                planned.slot,
                number,
                name,
                candidate.reason,
                candidate.chosen,
                candidate.elevation_deg,
                f"{words} ({name} at {candidate.elevation_deg:.0f}°)",
            )
    below = f"{name}: below the horizon in the middle of the slot"
    return WhySatellite(terminal, planned.slot, number, name, Reason.ELEVATION, False, math.nan, below)


def _planned(snapshot: Snapshot, slot: int | None) -> SlotPlan | Draft:
    wanted = snapshot.slot if slot is None else slot
    kept = snapshot.view.plans.get(wanted)
    found = kept or next((draft for draft in snapshot.view.drafts if draft.slot == wanted), None)
    if found is None:
        there = sorted([*snapshot.view.plans, *(draft.slot for draft in snapshot.view.drafts)])
        mend = f"there are plans of {there[0]} to {there[-1]}" if there else "wait for the first plan"
        raise NotFoundError(f"no plan of slot {wanted}", where="slot", mend=mend)
    return found


@dataclass(frozen=True, slots=True)
class PathHop:
    """A station of a path, and the leg that led to it; the first has none.

    medium    radio, laser, fibre; empty at the first
    delay_s   one-way delay of that leg by light and fibre
    """

    kind: str
    name: str
    latitude_deg: float
    longitude_deg: float
    altitude_m: float
    medium: str = ""
    delay_s: float = 0.0


@dataclass(frozen=True, slots=True)
class PathView:
    """A terminal's path at an instant: terminal, satellites, gateway, PoP; no hops where it has none.

    access_network_s   what frames, grants and queues of the access network add up and down together
    """

    terminal: str
    time_ns: int
    hops: tuple[PathHop, ...]
    rtt_s: float
    access_network_s: float
    words: str


def path_of(snapshot: Snapshot, terminal: str) -> PathView:
    """The path of a terminal now. Raises NotFoundError."""
    row = snapshot.roster.find(terminal)
    plan, states = snapshot.current, snapshot.states
    view = next(terminal_views(snapshot, [row]))
    if plan is None or states is None or view.state is not State.SERVED:
        return PathView(terminal, snapshot.time_ns, (), math.nan, math.nan, view.words)
    world = plan.world
    chain = plan.plan.route_of_cell(int(plan.plan.terminal_cell[row]))
    time = np.datetime64(states.time_ns, "ns")
    position = world.constellation.at(time, satellites=chain, velocity=False).position_m
    hops = [PathHop("terminal", view.name, view.latitude_deg, view.longitude_deg, view.height_m)]
    before = None
    for k, satellite in enumerate(chain.tolist()):
        latitude, longitude, height = ecef_to_geodetic(position[:, k])
        delay = states.access_s[row] if before is None else np.linalg.norm(position[:, k] - before) / LIGHT_M_S
        hops.append(
            PathHop(
                "satellite",
                world.elements.name[satellite],
                float(latitude),
                float(longitude),
                float(height),
                "radio" if before is None else "laser",
                float(delay),
            )
        )
        before = position[:, k]
    gateways, pops = world.ground.gateways, world.ground.pops
    for kind, sites, k, medium, delay in (
        ("gateway", gateways, int(states.gateway[row]), "radio", states.feeder_s[row]),
        ("pop", pops, int(states.pop[row]), "fibre", states.fibre_s[row]),
    ):
        hops.append(
            PathHop(
                kind,
                sites.name[k],
                float(sites.latitude_deg[k]),
                float(sites.longitude_deg[k]),
                float(sites.height_m[k]),
                medium,
                float(delay),
            )
        )
    way = sum(hop.delay_s for hop in hops)
    rtt = float(states.rtt_s[row])
    return PathView(terminal, states.time_ns, tuple(hops), rtt, rtt - 2.0 * way, view.words)


def _one(sites: Sites, row: int) -> Sites:
    return Sites.at(
        sites.latitude_deg[row : row + 1],
        sites.longitude_deg[row : row + 1],
        sites.height_m[row : row + 1],
        sites.name[row : row + 1],
    )
