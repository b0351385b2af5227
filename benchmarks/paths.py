"""Shortest paths and next hops from every satellite to every station, against general graph libraries."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import rustworkx
import scipy.sparse as sparse
from scipy.sparse.csgraph import dijkstra

from benchmarks._timing import Goal, Result, in_turns, rows_of
from benchmarks.visibility import sites_of
from skyhaul.network import LinkGraph, Links, Targets, grid_links, shortest_paths
from skyhaul.orbits import Constellation, Walker, parse_walker, walker_elements
from skyhaul.radio import SiteIndex
from skyhaul.types import Floats

# Starlink's first shell as Kassing et al., IMC 2020, and others since draw it: every second plane half a place ahead.
_HYPATIA = Walker("delta", 550.0, 53.0, 1584, 72, stagger=0.5)
_EPOCH = np.datetime64("2026-01-01T00:00:12", "ns")


def stations(position: Floats, count: int) -> Targets:
    """Stations that use every satellite above 25°."""
    seen = SiteIndex(sites_of(count), 25.0).visible(position)
    return Targets(seen.offset, seen.satellite, seen.slant_range_m.astype(np.float64))


def scipy_graph(graph: LinkGraph, targets: Targets) -> Any:
    """The same graph with a node for each station, whose edges lead into the satellites."""
    n, m = len(graph.neighbour), len(targets.offset) - 1
    row, column = np.nonzero(graph.neighbour >= 0)
    station = np.repeat(np.arange(m), np.diff(targets.offset)) + n
    return sparse.csr_matrix(
        (
            np.concatenate((graph.cost[row, column], targets.cost)),
            (np.concatenate((row, station)), np.concatenate((graph.neighbour[row, column], targets.satellite))),
        ),
        shape=(n + m, n + m),
    )


def random_links(position: Floats, extra: int) -> Links:
    """An arbitrary graph: each satellite linked to its three to eight nearest, in no order."""
    from scipy.spatial import cKDTree

    random = np.random.default_rng(2)
    tree = cKDTree(position.T)
    near = np.asarray(tree.query(position.T, k=3 + extra)[1])[:, 1:]
    keep = random.random(near.shape) < 0.7
    keep[:, :2] = True
    first, other = np.nonzero(keep)
    pairs = np.unique(np.sort(np.stack((first, near[first, other])), axis=0), axis=1)
    return Links(pairs[0].astype(np.int32), pairs[1].astype(np.int32))


def graph_of(links: Links, position: Floats) -> LinkGraph:
    length = np.linalg.norm(position[:, links.first] - position[:, links.second], axis=0)
    return LinkGraph.of(links, length, position.shape[1])


def _compare(work: str, graph: LinkGraph, targets: Targets, rounds: int, libraries: bool) -> tuple[Any, float]:
    n, m = len(graph.neighbour), len(targets.offset) - 1
    general = scipy_graph(graph, targets)
    sources = np.arange(n, n + m)
    reference = dijkstra(general, indices=sources)[:, :n]
    own = shortest_paths(graph, targets).cost
    reached = np.isfinite(reference)
    assert np.array_equal(reached, np.isfinite(own))
    error = float(np.max(np.abs(own[reached] - reference[reached]) / reference[reached]))
    assert error < 1e-12, f"not exact: {error}"
    ways: dict[str, Any] = {
        "Skyhaul, costs and next hops": lambda: shortest_paths(graph, targets),
        "scipy dijkstra, costs and predecessors": lambda: dijkstra(general, indices=sources, return_predecessors=True),
    }
    if libraries:
        edges = sparse.coo_matrix(general)
        listed = list(zip(edges.row.tolist(), edges.col.tolist(), edges.data.tolist(), strict=True))
        rust = rustworkx.PyDiGraph()
        rust.add_nodes_from(range(n + m))
        rust.add_edges_from(listed)
        ways["rustworkx, costs only"] = lambda: [
            rustworkx.digraph_dijkstra_shortest_path_lengths(rust, int(s), float) for s in sources
        ]
        python = nx.DiGraph()
        python.add_weighted_edges_from(listed)
        ways["networkx, costs only"] = lambda: [nx.single_source_dijkstra_path_length(python, int(s)) for s in sources]
    timings = in_turns(ways, rounds)
    ratio = timings["scipy dijkstra, costs and predecessors"].median_s / next(iter(timings.values())).median_s
    return rows_of(work, timings, {"Skyhaul, costs and next hops": f"largest relative error {error:.0e}"}), ratio


def run(data: Path) -> Result:
    del data
    rows: list[Any] = []
    ratios = {}
    for shell, count, rounds in ((_HYPATIA, 100, 31), (parse_walker("D:550:53.0:10000/100/17")[0], 1_000, 3)):
        elements = walker_elements([shell], _EPOCH)
        position = Constellation(elements).at(_EPOCH, velocity=False).position_m
        targets = stations(position, count)
        grid, arbitrary = grid_links(elements), random_links(position, 6)
        for kind, links in (("+Grid", grid), ("arbitrary graph", arbitrary)):
            graph = graph_of(links, position)
            work = f"{len(elements):,} x {count:,}, {kind}"
            lines, ratio = _compare(work, graph, targets, rounds, libraries=count == 100)
            rows += lines
            ratios[kind, count] = ratio
    return Result(
        "Paths: cost and next hop from every satellite to every station",
        "1,584: Starlink's first shell as the Hypatia paper draws it; 10,000: a Walker shell of 100 planes at 550 km; "
        "stations use all satellites above 25°; libraries' graphs built beforehand; one thread",
        tuple(rows),
        (
            Goal("1,584 x 100 on +Grid against scipy, times as fast", ratios["+Grid", 100], 15.0, at_least=True),
            Goal(
                "1,584 x 100 on an arbitrary graph against scipy, times as fast",
                ratios["arbitrary graph", 100],
                3.0,
                at_least=True,
            ),
        ),
    )
