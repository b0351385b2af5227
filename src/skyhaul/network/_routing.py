"""Shortest paths over laser links, from every satellite to every target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from skyhaul.network._hops import TO_TARGET, UNREACHABLE
from skyhaul.types import Floats, Ints, Ints32

if TYPE_CHECKING:
    from skyhaul.network._lasers import Links

# Below this many targets buckets, which take them one by one, are about as fast as sweeps over eight at once.
_SWEEP_TARGETS = 8

# Sweeps settle in 9 to 13 on +Grid, in 13 to 30 on real constellations and on satellites linked to their nearest, in
# whatever order they are numbered. Where this many do not, buckets take over.
_MOST_SWEEPS = 60


@dataclass(frozen=True, slots=True)
class LinkGraph:
    """An undirected graph of N satellites, each with room for D links.

    neighbour  (N, D) int32: the satellites at the other ends in rising order, −1 where there is no link
    cost       (N, D) of the link, the same from both ends, 0 or more; ∞ where there is no link. Metres or seconds
    """

    neighbour: Ints32
    cost: Floats

    @classmethod
    def of(cls, links: Links, cost: Floats, satellites: int) -> LinkGraph:
        """The graph of `links` with their costs (L,); neighbours stand in rising order."""
        from skyhaul.network._link_kernels import neighbour_rows

        if len(cost) != len(links):
            raise ValueError(f"{len(cost)} costs for {len(links)} links")
        if len(links) and max(links.first.max(), links.second.max()) >= satellites:
            raise ValueError(f"a link ends at a satellite beyond the {satellites} there are")
        if len(cost) and np.min(cost) < 0.0:
            raise ValueError("the cost of a link is negative")
        return cls(*neighbour_rows(links.first, links.second, np.ascontiguousarray(cost, dtype=np.float64), satellites))

    def __len__(self) -> int:
        return len(self.neighbour)


@dataclass(frozen=True, slots=True)
class Targets:
    """M places that paths lead to, and the satellites that reach them: target m has entries offset[m] to offset[m+1].

    offset     (M+1,) from 0 to V
    satellite  (V,) that can send down to the target
    cost       (V,) of the last leg, 0 or more, in the unit of the graph; ∞ if it cannot be used
    via        (V,) what the last leg goes through, a gateway say, or None
    """

    offset: Ints
    satellite: Ints32
    cost: Floats
    via: Ints32 | None = None

    def __len__(self) -> int:
        return len(self.offset) - 1

    @classmethod
    def within(cls, site_position_m: Floats, position_m: Floats, max_range_m: float) -> Targets:
        """Sites (K, 3) as targets of all satellites (3, N) within a slant range, their cost the range in metres."""
        from skyhaul.network._link_kernels import satellites_in_range

        sites = np.ascontiguousarray(site_position_m, dtype=np.float64)
        return cls(*satellites_in_range(sites, np.ascontiguousarray(position_m), float(max_range_m)))


@dataclass(frozen=True, slots=True)
class Routes:
    """Least costs and next hops from all N satellites to M targets.

    cost      (M, N) in the unit of the graph; ∞ where there is no way
    next_hop  (M, N) int32: the next satellite, `TO_TARGET` (−2) to send down here, `UNREACHABLE` (−1)

    Of several hops that are equally good: the target itself, else the neighbour that comes first in the graph's row.
    """

    cost: Floats
    next_hop: Ints32
    targets: Targets

    def path(self, target: int, satellite: int) -> Ints:
        """The satellites from `satellite` to the last one before the target, both among them; empty if unreachable."""
        hops = []
        here = satellite
        while self.next_hop[target, here] != UNREACHABLE:
            hops.append(here)
            if self.next_hop[target, here] == TO_TARGET:
                break
            here = int(self.next_hop[target, here])
        return np.array(hops, dtype=np.int64)

    def last_leg(self, target: int, satellite: int) -> int:
        """The entry of `targets` by which a satellite whose next hop is `TO_TARGET` sends down: the first, cheapest."""
        start, end = self.targets.offset[target], self.targets.offset[target + 1]
        mine = start + np.flatnonzero(self.targets.satellite[start:end] == satellite)
        if not len(mine):
            raise ValueError(f"satellite {satellite} does not reach target {target} itself")
        return int(mine[np.argmin(self.targets.cost[mine])])


@dataclass(frozen=True, slots=True)
class StationPaths:
    """The best ways from K stations to M targets.

    cost       (K, M) ∞ where there is none
    satellite  (K, M) int32: the satellite a station enters by, −1 where there is none
    """

    cost: Floats
    satellite: Ints32


def shortest_paths(graph: LinkGraph, targets: Targets) -> Routes:
    """Least costs and next hops from every satellite of `graph` to every target.

    Exact: the least sum of links and last leg, added from the target outwards in double precision. Several targets go
    through vectorised sweeps; few, and graphs with links that cost next to nothing, through buckets. Both give the same
    routes to the last bit.
    """
    from skyhaul.network._buckets import bucket_paths

    offset, satellite, last_leg = _checked(targets, len(graph))
    if len(targets) >= _SWEEP_TARGETS:
        from skyhaul.network._sweeps import sweep_paths

        swept = sweep_paths(graph.neighbour, graph.cost, offset, satellite, last_leg, _MOST_SWEEPS)
        if swept:
            return Routes(*swept, targets)
    return Routes(*bucket_paths(graph.neighbour, graph.cost, offset, satellite, last_leg), targets)


def station_paths(routes: Routes, stations: Targets) -> StationPaths:
    """The best ways from stations to the routes' targets; `stations` lists the satellites each reaches, and the cost.

    Pass the same `Targets` that the routes lead to for all pairs of stations, both ways.
    """
    from skyhaul.network._link_kernels import best_entries

    offset, satellite, first_leg = _checked(stations, routes.cost.shape[1])
    return StationPaths(*best_entries(offset, satellite, first_leg, routes.cost.T))


def _checked(targets: Targets, satellites: int) -> tuple[Ints, Ints32, Floats]:
    offset = np.ascontiguousarray(targets.offset, dtype=np.int64)
    satellite = np.ascontiguousarray(targets.satellite, dtype=np.int32)
    cost = np.ascontiguousarray(targets.cost, dtype=np.float64)
    if not len(offset) or offset[0] != 0 or offset[-1] != len(satellite) or len(cost) != len(satellite):
        raise ValueError("offsets go from 0 to the number of satellites, each with a cost")
    if len(satellite) and (satellite.min() < 0 or satellite.max() >= satellites):
        raise ValueError(f"a last leg names a satellite beyond the {satellites} there are")
    if np.isnan(cost).any() or (len(cost) and cost.min() < 0.0):
        raise ValueError("the cost of a last leg is negative or not a number")
    return offset, satellite, cost
