"""Service over laser links, for cells whose satellites see no gateway that has an antenna free."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from skyhaul.network._assign import soonest_feeders
from skyhaul.network._failures import Outages
from skyhaul.network._feeders import Feeders
from skyhaul.network._ground import Ground
from skyhaul.network._lasers import Links, usable_links
from skyhaul.network._plan import NONE, Rules
from skyhaul.network._reasons import Reason
from skyhaul.network._routing import LinkGraph, Routes, Targets, shortest_paths
from skyhaul.network._slot_state import SlotState
from skyhaul.radio import LIGHT_M_S
from skyhaul.types import Bytes, Floats, Ints, Ints32

_NO_ANTENNA = int(Reason.NO_ANTENNA)
_NO_BEAM = int(Reason.NO_BEAM)
_NOT_CHOSEN = int(Reason.NOT_CHOSEN)
_SERVED = int(Reason.SERVED)


@dataclass(frozen=True)
class LaserMesh:
    """The laser links of a slot, as they stand at its start.

    links         links that would stand, before range, line of sight and failures
    position_m    (3, N)
    """

    links: Links
    position_m: Floats
    max_range_m: float
    clearance_m: float
    outages: Outages

    @cached_property
    def graph(self) -> LinkGraph:
        """The usable links, with one-way delays in seconds as costs; worked out when first asked for."""
        links, length_m = usable_links(
            self.links,
            self.position_m,
            max_range_m=self.max_range_m,
            clearance_m=self.clearance_m,
            outages=self.outages,
        )
        return LinkGraph.of(links, length_m / LIGHT_M_S, self.position_m.shape[1])


def assign_laser_paths(
    order: Ints,
    cell_pop: Ints,
    offset: Ints,
    satellite: Ints32,
    reason: Bytes,
    feeders: Feeders,
    ground: Ground,
    mesh: LaserMesh,
    rules: Rules,
    state: SlotState,
) -> None:
    """Serve the cells of `order` over lasers: their best satellite with a beam and a route to their PoP.

    Routes are shortest in delay over lasers, downlink and fibre. When a gateway runs out of antennas the routes of the
    cells still without service are worked out again around it; each round serves a cell or is the last.
    """
    pending = list(order)
    while pending:
        pops = np.unique(cell_pop[pending])
        targets, via = _targets(pops, feeders, ground, state)
        routes = shortest_paths(mesh.graph, targets)
        put_off: list[int] = []
        for cell in pending:
            target = int(np.searchsorted(pops, cell_pop[cell]))
            if not _serve(int(cell), target, offset, satellite, reason, routes, via, ground, rules, state):
                put_off.append(cell)
        if len(put_off) == len(pending):
            return
        pending = put_off


def _serve(
    cell: int,
    target: int,
    offset: Ints,
    satellite: Ints32,
    reason: Bytes,
    routes: Routes,
    via: Ints32,
    ground: Ground,
    rules: Rules,
    state: SlotState,
) -> bool:
    """Give the cell its first candidate with a beam and a route; False if there is none in this round."""
    mine = slice(offset[cell], offset[cell + 1])
    own_satellite, own_reason = satellite[mine], reason[mine]
    reached = np.isfinite(routes.cost[target, own_satellite])
    order = np.flatnonzero(reached)
    if rules.strategy == "balanced":
        order = order[np.argsort(state.beams_used[own_satellite[order]], kind="stable")]
    for i in order.tolist():
        first = int(own_satellite[i])
        if state.beams_used[first] >= rules.beams_per_satellite:
            own_reason[i] = _NO_BEAM
            continue
        path = routes.path(target, first)
        last = int(path[-1])
        gateway = int(via[target, last])
        if state.satellite_gateway[last] != gateway:
            if state.satellite_gateway[last] != NONE or state.antennas_used[gateway] >= ground.antennas[gateway]:
                own_reason[i] = _NO_ANTENNA  # taken by an earlier cell of this round
                continue
            state.satellite_gateway[last] = gateway
            state.antennas_used[gateway] += 1
        state.satellite[cell] = first
        state.exit_satellite[cell] = last
        state.gateway[cell] = gateway
        state.beam[cell] = state.beams_used[first]
        state.beams_used[first] += 1
        state.routes[cell] = np.asarray(path, dtype=np.int32)
        own_reason[reached & (own_reason != _NO_BEAM)] = _NOT_CHOSEN
        own_reason[i] = _SERVED
        return True
    return False


def _targets(pops: Ints, feeders: Feeders, ground: Ground, state: SlotState) -> tuple[Targets, Ints32]:
    """The last legs to each PoP: satellite → gateway → fibre, the soonest of each satellite; and its gateway (P, N)."""
    cost, via = soonest_feeders(
        pops,
        feeders.offset,
        feeders.gateway,
        feeders.delay_s,
        ground.fibre_s,
        ground.antennas,
        state.antennas_used,
        state.satellite_gateway,
    )
    row, satellite = np.nonzero(via != NONE)
    offset = np.searchsorted(row, np.arange(len(pops) + 1)).astype(np.int64)
    return Targets(offset, satellite.astype(np.int32), cost[row, satellite]), via
