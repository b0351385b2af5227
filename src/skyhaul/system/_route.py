"""The route between two places, hop by hop."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal, TypeAlias

import numpy as np

from skyhaul.control.grants import REFUSALS
from skyhaul.earth import Sites, ecef_to_geodetic, great_circle_m
from skyhaul.errors import NotFoundError, SkyhaulError
from skyhaul.network import (
    LIGHT_M_S,
    ROUTE_FACTOR,
    Paths,
    Plan,
    Reason,
    Targets,
    cable_delay_s,
    shortest_paths,
    slot_number,
    slot_start,
)
from skyhaul.radio import SiteIndex
from skyhaul.system._engine import Engine
from skyhaul.system._explain import with_visitor
from skyhaul.system._world import World
from skyhaul.types import Floats, Ints32

Kind: TypeAlias = Literal["terminal", "satellite", "gateway", "pop"]
_Named: TypeAlias = Literal["terminal", "gateway", "pop"]
Medium: TypeAlias = Literal["radio", "laser", "fibre", "network"]

_PLACE = re.compile(r"\s*([-+]?\d+(?:\.\d*)?)\s*,\s*([-+]?\d+(?:\.\d*)?)\s*")


@dataclass(frozen=True, slots=True)
class Hop:
    """One station of a route, and the leg that led to it.

    leg_s, leg_m   one-way delay and length of that leg; the length of a `network` leg (fixed part, frame scheduling
                   and queues of the access network) is 0
    """

    kind: Kind
    name: str
    latitude_deg: float
    longitude_deg: float
    height_m: float
    medium: Medium | None
    leg_s: float
    leg_m: float


@dataclass(frozen=True, slots=True)
class Route:
    """A route at an instant, from A to B. `one_way_s` is the sum of its legs; `rtt_s` is there and back."""

    time: np.datetime64
    slot_start: np.datetime64
    a: str
    b: str
    hops: tuple[Hop, ...]
    rtt_s: float

    @property
    def one_way_s(self) -> float:
        return sum(hop.leg_s for hop in self.hops)


@dataclass(frozen=True, slots=True)
class _End:
    kind: _Named
    index: int
    name: str


class Router:
    """Finds routes in a world at an instant."""

    def __init__(self, world: World, a: str, b: str, time: np.datetime64, *, antennas: bool = False) -> None:
        self.world, self.time = world, time
        visiting = world
        ends = []
        for text in (a, b):
            end, visiting = _resolve(visiting, text, antennas)
            ends.append(end)
        self.a, self.b = ends
        if (self.a.kind, self.a.index) == (self.b.kind, self.b.index):
            raise SkyhaulError(f"{a} and {b} are the same place", mend="name two different ones")
        self.engine = Engine(world, world.default_start(), visiting.terminals)

    def through_pops(self) -> Route:
        """The route of the plan: each terminal over its satellite, gateway and PoP, PoPs joined by fibre."""
        plan = self.engine.plan_at(self.time)
        paths = self.engine.paths(plan, np.array([self.time], dtype="datetime64[ns]"))
        first, pop_a, up = self._to_pop(self.a, plan, paths, "up")
        last, pop_b, down = self._to_pop(self.b, plan, paths, "down")
        hops = list(first)
        if pop_a != pop_b:
            hops.append(self._pop_hop(pop_b, float(self.world.ground.backbone_s[pop_a, pop_b])))
        hops += _backwards(last)
        back = self._reverse_s(self.a, paths, "down") + self._reverse_s(self.b, paths, "up")
        backbone = float(self.world.ground.backbone_s[pop_a, pop_b])
        return self._route(tuple(hops), up + down + back + 2.0 * backbone)

    def through_lasers(self) -> Route:
        """The shortest route between two stations on the ground over satellites and lasers alone."""
        slot = int(slot_number(self.time))
        outages = self.engine.failures.during(slot_start(slot), slot_start(slot + 1))
        position = self.world.position_m(self.time)
        mesh = self.engine.mesh(self.time, position, outages)
        if mesh is None:
            raise SkyhaulError("the scenario's rules allow no lasers", where="lasers.use", mend='set "when-needed"')
        entry, entry_m = self._in_view(self.a, position, outages.satellite)
        exits, exit_m = self._in_view(self.b, position, outages.satellite)
        targets = Targets(np.array([0, len(exits)], dtype=np.int64), exits, exit_m / LIGHT_M_S)
        routes = shortest_paths(mesh.graph, targets)
        cost = entry_m / LIGHT_M_S + routes.cost[0, entry]
        if not len(entry) or not np.isfinite(cost).any():
            raise SkyhaulError(
                f"no chain of lasers joins {self.a.name} and {self.b.name} at {np.datetime_as_string(self.time, 's')}Z"
            )
        best = int(np.argmin(cost))
        chain = np.asarray(routes.path(0, int(entry[best])), dtype=np.int32)
        hops = [self._end_hop(self.a)]
        legs = [entry_m[best], *np.linalg.norm(np.diff(position[:, chain], axis=1), axis=0)]
        for k, satellite in enumerate(chain):
            hops.append(self._satellite_hop(int(satellite), position, "laser" if k else "radio", float(legs[k])))
        final = float(exit_m[np.flatnonzero(exits == chain[-1])[0]])
        hops.append(replace(self._end_hop(self.b), medium="radio", leg_s=final / LIGHT_M_S, leg_m=final))
        return self._route(tuple(hops), 2.0 * float(cost[best]))

    def _route(self, hops: tuple[Hop, ...], rtt_s: float) -> Route:
        start = slot_start(int(slot_number(self.time)))
        return Route(self.time, start, self.a.name, self.b.name, hops, rtt_s)

    def _to_pop(self, end: _End, plan: Plan, paths: Paths, way: Literal["up", "down"]) -> tuple[list[Hop], int, float]:
        """Hops from an end to its PoP, the PoP, and the one-way delay in the direction asked for."""
        ground = self.world.ground
        if end.kind == "pop":
            return [self._pop_hop(end.index, 0.0)], end.index, 0.0
        if end.kind == "gateway":
            pop = int(np.argmin(ground.fibre_s[end.index]))
            fibre = float(ground.fibre_s[end.index, pop])
            return [self._end_hop(end), self._pop_hop(pop, fibre)], pop, fibre
        k = end.index
        if not plan.served(k):
            why = self.engine.leases(plan.slot).refusal(k) or Reason(int(plan.reason[k])).words
            raise SkyhaulError(f"{end.name} has no path at {np.datetime_as_string(self.time, 's')}Z: {why}")
        if paths.cause_at[0, k] == Reason.NO_GRANT:
            leases = self.engine.leases(plan.slot)
            ended, rule = np.datetime_as_string(paths.ends[k], "ms"), REFUSALS[leases.rule[k]]
            raise SkyhaulError(f"{end.name} has no path: its lease ended at {ended}Z, rule {rule}")
        position = self.world.position_m(self.time)
        chain = plan.route_of_cell(int(plan.terminal_cell[k]))
        range_m = float(paths.slant_range_m[0, k])
        hops = [self._end_hop(end), self._satellite_hop(int(chain[0]), position, "radio", range_m)]
        for one, other in pairwise(chain.tolist()):
            length = float(np.linalg.norm(position[:, other] - position[:, one]))
            hops.append(self._satellite_hop(int(other), position, "laser", length))
        gateway, pop = int(paths.gateway[k]), int(paths.pop[k])
        feeder = float(paths.feeder_s[0, k])
        station = self._end_hop(_End("gateway", gateway, ground.gateways.name[gateway]))
        hops.append(replace(station, medium="radio", leg_s=feeder, leg_m=feeder * LIGHT_M_S))
        hops.append(self._pop_hop(pop, float(paths.fibre_s[0, k])))
        total = float((paths.delay_up_s if way == "up" else paths.delay_down_s)[0, k])
        extra = total - float(paths.propagation_s[0, k])
        hops.append(replace(hops[-1], medium="network", leg_s=extra, leg_m=0.0))
        return hops, pop, total

    def _reverse_s(self, end: _End, paths: Paths, way: Literal["up", "down"]) -> float:
        if end.kind == "terminal":
            return float((paths.delay_up_s if way == "up" else paths.delay_down_s)[0, end.index])
        return float(self.world.ground.fibre_s[end.index].min()) if end.kind == "gateway" else 0.0

    def _in_view(self, end: _End, position: Floats, out: np.ndarray) -> tuple[Ints32, Floats]:
        """Satellites above the end's mask and their ranges."""
        sites, row, mask = self._sites(end)
        one = Sites.at(sites.latitude_deg[row : row + 1], sites.longitude_deg[row : row + 1], sites.height_m[row])
        seen = SiteIndex(one, mask).visible(position)
        good = seen.satellite[~out[seen.satellite]]
        return good, np.linalg.norm(position[:, good] - one.position_m[0][:, None], axis=0)

    def _sites(self, end: _End) -> tuple[Sites, int, float]:
        ground = self.world.ground
        if end.kind == "terminal":
            return self.engine.terminals.sites, end.index, float(self.engine.terminals.mask_deg[end.index])
        if end.kind == "gateway":
            return ground.gateways, end.index, float(ground.mask_deg[end.index])
        raise SkyhaulError(
            f"{end.name} is a point of presence, which has no antenna", mend="name a terminal, a gateway or LAT,LON"
        )

    def _end_hop(self, end: _End) -> Hop:
        ground = self.world.ground
        sites = {"terminal": self.engine.terminals.sites, "gateway": ground.gateways, "pop": ground.pops}[end.kind]
        k = end.index
        where = float(sites.latitude_deg[k]), float(sites.longitude_deg[k]), float(sites.height_m[k])
        return Hop(end.kind, end.name, *where, None, 0.0, 0.0)

    def _pop_hop(self, pop: int, fibre_s: float) -> Hop:
        hop = self._end_hop(_End("pop", pop, self.world.ground.pops.name[pop]))
        return replace(hop, medium="fibre", leg_s=fibre_s, leg_m=fibre_s / cable_delay_s(1.0)) if fibre_s else hop

    def _satellite_hop(self, satellite: int, position: Floats, medium: Medium, length_m: float) -> Hop:
        latitude, longitude, height = ecef_to_geodetic(position[:, satellite])
        where = float(latitude), float(longitude), float(height)
        return Hop("satellite", self.world.elements.name[satellite], *where, medium, length_m / LIGHT_M_S, length_m)


def _backwards(hops: list[Hop]) -> list[Hop]:
    """The hops after the last one of `hops`, walked from there back to the first."""
    out = []
    for here, towards in zip(reversed(hops), reversed(hops[:-1]), strict=False):
        out.append(replace(towards, medium=here.medium, leg_s=here.leg_s, leg_m=here.leg_m))
    return out


def _resolve(world: World, text: str, antennas: bool) -> tuple[_End, World]:
    """What a name or LAT,LON stands for; a place becomes a terminal of its own in the world returned.

    Of a gateway and a PoP of one name the PoP is meant, or, where an end needs `antennas`, the gateway.
    """
    terminals, ground = world.terminals.sites.name, world.ground
    ends: list[tuple[_Named, tuple[str, ...]]] = [("pop", ground.pops.name), ("gateway", ground.gateways.name)]
    ends = [("terminal", terminals), *(reversed(ends) if antennas else ends)]
    for fold in (str, str.casefold):  # as it is written, then in capitals or not
        for kind, names in ends:
            found = [k for k, name in enumerate(names) if fold(name) == fold(text)]
            if found:
                return _End(kind, found[0], names[found[0]]), world
    place = _PLACE.fullmatch(text)
    if place is None:
        known = list(dict.fromkeys((*terminals, *ground.pops.name, *ground.gateways.name)))
        near = difflib.get_close_matches(text, known, n=3)
        mend = f"did you mean {', '.join(near)}?" if near else "name a terminal, a PoP, a gateway or LAT,LON"
        raise NotFoundError(f"no terminal, PoP or gateway named {text!r}", mend=mend)
    latitude, longitude = float(place[1]), float(place[2])
    if not (-90.0 <= latitude <= 90.0 and -180.0 <= longitude <= 360.0):
        raise NotFoundError(f"{text} is not on Earth", mend="give LAT,LON in degrees: -90…90, -180…180")
    added = replace(world, terminals=with_visitor(world, latitude, longitude))
    return _End("terminal", len(added.terminals) - 1, text), added


def find_route(world: World, a: str, b: str, time: np.datetime64, *, over_lasers: bool = False) -> Route:
    """The route between two ends now: names of terminals, PoPs or gateways, or "LAT,LON".

    Normally the plan's: from each terminal to its point of presence, and fibre between those. With `over_lasers` the
    shortest one in space between two antennas, without fixed part, scheduling and queues.
    """
    router = Router(world, a, b, time, antennas=over_lasers)
    return router.through_lasers() if over_lasers else router.through_pops()


def fibre_rtt_s(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Round trip over a cable of 1.3 great circles between two places, to compare with."""
    return 2.0 * float(cable_delay_s(ROUTE_FACTOR * float(great_circle_m(a[0], a[1], b[0], b[1]))))
