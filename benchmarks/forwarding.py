"""One forwarding step of the Hypatia paper's set-up: positions, ranges, paths and next hops, station pairs."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import numpy as np

from benchmarks._timing import Goal, Result, in_turns, rows_of
from benchmarks.paths import graph_of, scipy_graph
from benchmarks.visibility import sites_of
from skyhaul.network import Targets, grid_links, shortest_paths, station_paths
from skyhaul.orbits import Constellation, parse_walker, walker_elements
from skyhaul.radio import SiteIndex

# Kassing et al., "Exploring the Internet from space with Hypatia", IMC 2020: Starlink's first shell, 100 cities, steps
# of 100 ms. Hypatia itself (commit 0ac531c3) took 13 to 20 s for such a step where this was measured on one core of a
# 2-core EPYC; it is not installed here.
_EPOCH = np.datetime64("2000-01-01T00:00:00", "ns")
_STEP = np.timedelta64(100, "ms")


def run(data: Path) -> Result:
    del data
    elements = walker_elements(parse_walker("D:550:53.0:1584/72/17"), _EPOCH)
    constellation = Constellation(elements)
    links = grid_links(elements)
    cities = sites_of(100)
    index = SiteIndex(cities, 25.0)
    steps = count()

    def positions() -> np.ndarray:
        return constellation.at(_EPOCH + next(steps) * _STEP, velocity=False).position_m

    still = positions()

    def seen() -> Targets:
        found = index.visible(still)
        return Targets(found.offset, found.satellite, found.slant_range_m.astype(np.float64))

    def step() -> np.ndarray:
        position = positions()
        found = index.visible(position)
        targets = Targets(found.offset, found.satellite, found.slant_range_m.astype(np.float64))
        routes = shortest_paths(graph_of(links, position), targets)
        return station_paths(routes, targets).cost

    targets, graph = seen(), graph_of(links, still)
    routes = shortest_paths(graph, targets)
    from scipy.sparse.csgraph import dijkstra

    general = scipy_graph(graph, targets)
    timings = in_turns(
        {
            "Skyhaul, the whole step": step,
            "of which positions": positions,
            "of which ranges of stations": seen,
            "of which laser links": lambda: graph_of(links, still),
            "of which paths and next hops": lambda: shortest_paths(graph, targets),
            "of which station pairs": lambda: station_paths(routes, targets),
            "scipy dijkstra on the same graph, in place of the paths": lambda: dijkstra(
                general, indices=np.arange(1584, 1684), return_predecessors=True
            ),
        },
        rounds=31,
        warm_up=3,
    )
    whole = timings["Skyhaul, the whole step"].median_s * 1e3
    return Result(
        "A forwarding step of the Hypatia paper's set-up",
        "1,584 satellites (72 x 22, 550 km), 100 stations, +Grid, one thread",
        rows_of("one step", timings),
        (Goal("one step, milliseconds", whole, 3.0, at_least=False),),
    )
