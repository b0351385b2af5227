"""Why each satellite above a place could serve it, or could not."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from skyhaul.control.decision import Code
from skyhaul.control.grants import REFUSALS
from skyhaul.earth import Sites, cells_of
from skyhaul.network import Plan, Reason, Terminals, find_name, slot_start
from skyhaul.radio import GsoArc, look_angles
from skyhaul.system._engine import Engine
from skyhaul.system._world import World, terminal_keys
from skyhaul.types import Bytes, Floats, Ints, Ints32


@dataclass(frozen=True, slots=True)
class Explanation:
    """The S satellites above a place's horizon in one slot, highest first, and what became of each.

    slot_start                                 UTC
    satellite                                  (S,) index into the constellation
    name, catalog_number                       of each
    azimuth_deg, elevation_deg, slant_range_m  (S,) in the middle of the slot
    gso_separation_deg                         (S,) from the geostationary arc, in the middle of the slot
    reason                                     (S,) `Reason` codes; `Reason.SERVED` for the chosen one
    outcome                                    of the place itself
    gateway, pop                               names on the chosen path, empty without one
    laser_hops                                 laser links on the chosen path, -1 without one
    refusal                                    why there is no grant, in words for people; empty with one
    code, rule                                 disablement code, and the rule that refuses, empty where none does
    """

    latitude_deg: float
    longitude_deg: float
    slot_start: np.datetime64
    satellite: Ints32
    name: tuple[str, ...]
    catalog_number: Ints
    azimuth_deg: Floats
    elevation_deg: Floats
    slant_range_m: Floats
    gso_separation_deg: Floats
    reason: Bytes
    outcome: Reason
    gateway: str
    pop: str
    laser_hops: int
    refusal: str
    code: Code
    rule: str

    def __len__(self) -> int:
        return len(self.name)

    @property
    def chosen(self) -> int | None:
        """The row of the serving satellite, if any."""
        rows = np.flatnonzero(self.reason == Reason.SERVED)
        return int(rows[0]) if len(rows) else None


def with_visitor(world: World, latitude_deg: float, longitude_deg: float, height_m: float = 0.0) -> Terminals:
    """The world's terminals and, as the last one, a terminal at a place of the caller's."""
    own = world.terminals
    name = (*own.sites.name, f"{latitude_deg:g},{longitude_deg:g}")
    sites = Sites.at(
        np.append(own.sites.latitude_deg, latitude_deg),
        np.append(own.sites.longitude_deg, longitude_deg),
        np.append(own.sites.height_m, height_m),
        name,
    )
    visitor = Sites.at([latitude_deg], [longitude_deg], height_m)
    return replace(
        own,
        sites=sites,
        cell=np.append(own.cell, cells_of(visitor.latitude_deg, visitor.longitude_deg)),
        pop=np.append(own.pop, world.ground.nearest_pop(visitor)),
        pinned=np.append(own.pinned, False),
        mask_deg=np.append(own.mask_deg, world.scenario.scheduler.terminal_mask_deg),
        obstruction=(*own.obstruction, None),
        key=np.append(own.key, terminal_keys(name[-1:])),
    )


def explain(
    world: World, latitude_deg: float, longitude_deg: float, time: np.datetime64, *, terminal: str | None = None
) -> Explanation:
    """Every satellite above the horizon of a place in the slot that holds `time`, and why it does or does not serve.

    A terminal at the place is planned together with the world's own terminals. It needs no grant, unless `terminal`
    names one of those: then it is served there only if that one may be. Raises NotFoundError for an unknown name.
    """
    unit = "" if terminal is None else world.units[find_name(terminal, world.terminals.sites.name, "terminal")]
    engine = Engine(world, world.default_start(), with_visitor(world, latitude_deg, longitude_deg), (unit,))
    plan = engine.plan_at(time)
    visitor = len(engine.terminals) - 1
    leases = engine.leases(plan.slot)
    rule = int(leases.rule[visitor])
    start, end = slot_start(plan.slot), slot_start(plan.slot + 1)
    middle = world.position_m(start + (end - start) // 2)
    place = Sites.at([latitude_deg], [longitude_deg])
    look = look_angles(place, middle)
    up = np.flatnonzero(np.nan_to_num(look.elevation_deg[0], nan=-90.0) > 0.0)
    up = up[np.lexsort((up, -look.elevation_deg[0, up]))]
    separation = GsoArc(place).separation_deg(np.zeros(len(up), dtype=np.int64), middle, up)
    elements = world.elements
    cell = plan.terminal_cell[visitor]
    served = plan.served(visitor)
    return Explanation(
        latitude_deg=latitude_deg,
        longitude_deg=longitude_deg,
        slot_start=start,
        satellite=up.astype(np.int32),
        name=tuple(elements.name[i] for i in up),
        catalog_number=elements.catalog_number[up],
        azimuth_deg=look.azimuth_deg[0, up],
        elevation_deg=look.elevation_deg[0, up],
        slant_range_m=look.slant_range_m[0, up],
        gso_separation_deg=separation,
        reason=_reasons(plan, visitor, up),
        outcome=Reason(int(plan.reason[visitor])),
        gateway=world.ground.gateways.name[plan.gateway[cell]] if served else "",
        pop=world.ground.pops.name[plan.pop[visitor]] if served else "",
        laser_hops=int(plan.laser_hops()[cell]) if served else -1,
        refusal=leases.refusal(visitor),
        code=Code(int(leases.code[visitor])),
        rule=REFUSALS[rule] if rule >= 0 else "",
    )


def _reasons(plan: Plan, terminal: int, satellite: Ints) -> Bytes:
    """The plan's reason for each satellite; those it never looked at were below the mask."""
    mine = plan.seen_terminal == terminal
    known = dict(zip(plan.seen_satellite[mine].tolist(), plan.seen_reason[mine].tolist(), strict=True))
    return np.array([known.get(int(i), int(Reason.ELEVATION)) for i in satellite], dtype=np.int8)
