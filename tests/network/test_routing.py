from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.csgraph import dijkstra

from skyhaul.network import (
    TO_TARGET,
    UNREACHABLE,
    LinkGraph,
    Links,
    Routes,
    Targets,
    grid_links,
    shortest_paths,
    station_paths,
    usable_links,
)
from skyhaul.network._buckets import bucket_paths
from skyhaul.network._sweeps import sweep_paths
from skyhaul.orbits import Constellation, parse_walker, walker_elements
from skyhaul.types import Floats

EPOCH = np.datetime64("2026-06-13T12:00:00", "ns")


def targets_of(entries: list[list[tuple[int, float]]]) -> Targets:
    """Targets from lists of (satellite, last leg)."""
    flat = [entry for target in entries for entry in target]
    return Targets(
        np.cumsum([0, *(len(target) for target in entries)]),
        np.array([satellite for satellite, _ in flat], dtype=np.int32),
        np.array([cost for _, cost in flat], dtype=np.float64),
    )


def oracle(graph: LinkGraph, targets: Targets) -> Floats:
    """Costs by scipy's Dijkstra: every target is one more node, with edges into its satellites."""
    count, targets_count = len(graph), len(targets)
    here, slot = np.nonzero((graph.neighbour >= 0) & np.isfinite(graph.cost))
    target = np.repeat(np.arange(targets_count), np.diff(targets.offset)) + count
    ends = np.concatenate([here, target]), np.concatenate([graph.neighbour[here, slot], targets.satellite])
    costs = np.concatenate([graph.cost[here, slot], targets.cost])
    # Of parallel edges the cheapest; scipy would add them up.
    order = np.lexsort((costs, ends[1], ends[0]))
    row, column, costs = ends[0][order], ends[1][order], costs[order]
    keep = np.concatenate([[True], (np.diff(row) != 0) | (np.diff(column) != 0)])[: len(row)]
    keep &= np.isfinite(costs)
    shape = (count + targets_count, count + targets_count)
    edges: Any = sparse.csr_matrix((costs[keep], (row[keep], column[keep])), shape=shape)
    found: Floats = dijkstra(edges, indices=np.arange(count, count + targets_count))[:, :count]
    return found


def assert_right(graph: LinkGraph, targets: Targets, routes: Routes) -> None:
    """Costs are the oracle's, and every path leads to its target at its cost."""
    np.testing.assert_allclose(routes.cost, oracle(graph, targets), rtol=1e-9, atol=0.0)
    assert np.array_equal(routes.next_hop == UNREACHABLE, np.isinf(routes.cost))
    for target in range(len(targets)):
        for satellite in range(len(graph)):
            path = routes.path(target, satellite)
            if not len(path):
                assert routes.cost[target, satellite] == np.inf
                continue
            cost = targets.cost[routes.last_leg(target, int(path[-1]))]
            for near, far in zip(path[-2::-1], path[:0:-1], strict=True):
                cost = cost + graph.cost[near, graph.neighbour[near] == far].min()
            assert cost == routes.cost[target, satellite]


@st.composite
def graphs(draw: st.DrawFn) -> tuple[LinkGraph, Targets]:
    """Graphs of up to 30 satellites, with ties, dear and free links, parts without a way, satellites without links."""
    count = draw(st.integers(1, 30))
    most = draw(st.sampled_from([1, 2, 4, 4, 7]))
    costs = draw(
        st.sampled_from(
            [
                st.floats(1.0, 5e6),
                st.integers(1, 3).map(float),
                st.sampled_from([0.0, 1.0, 2.0]),
                st.sampled_from([1e-300, 1e-9, 1.0, 1e9]),
                st.sampled_from([5e-324, 1e-320]),
            ]
        )
    )
    satellites = st.integers(0, count - 1)
    degree = np.zeros(count, dtype=np.int64)
    pairs = []
    for first, second in draw(st.lists(st.tuples(satellites, satellites), max_size=2 * count)):
        if first != second and degree[first] < most and degree[second] < most:
            degree[[first, second]] += 1
            pairs.append((first, second))
    links = Links.of(pairs)
    link_costs = np.array(draw(st.lists(costs, min_size=len(links), max_size=len(links))), dtype=np.float64)
    failed = draw(st.lists(st.booleans(), min_size=len(links), max_size=len(links)))
    up = ~np.array(failed, dtype=np.bool_) if draw(st.booleans()) else np.ones(len(links), dtype=np.bool_)
    legs = st.one_of(costs, st.just(np.inf)) if draw(st.booleans()) else costs
    entries = draw(st.lists(st.lists(st.tuples(satellites, legs), max_size=6), max_size=40))
    return LinkGraph.of(links.select(up), link_costs[up], count), targets_of(entries)


@settings(max_examples=150, deadline=None)
@given(graphs())
def test_any_graph_is_solved_exactly(case: tuple[LinkGraph, Targets]) -> None:
    graph, targets = case
    routes = shortest_paths(graph, targets)
    assert routes.cost.shape == routes.next_hop.shape == (len(targets), len(graph))
    assert_right(graph, targets, routes)


@settings(max_examples=100, deadline=None)
@given(graphs())
def test_sweeps_and_buckets_find_the_same_routes_to_the_last_bit(case: tuple[LinkGraph, Targets]) -> None:
    graph, targets = case
    legs = targets.offset, targets.satellite, targets.cost
    swept = sweep_paths(graph.neighbour, graph.cost, *legs, 1_000)
    cost, next_hop = bucket_paths(graph.neighbour, graph.cost, *legs)
    if swept is None:  # a link too cheap to add to a path: sweeps leave such graphs to buckets
        assert graph.cost.min() < 1e-6
        return
    assert np.array_equal(swept[0], cost)
    assert np.array_equal(swept[1], next_hop)


def walker_graph(code: str, failed: float = 0.0) -> tuple[LinkGraph, Floats]:
    elements = walker_elements(parse_walker(code), EPOCH)
    position = Constellation(elements).at(EPOCH, velocity=False).position_m
    links, length_m = usable_links(grid_links(elements), position)
    up = np.random.default_rng(7).random(len(links)) >= failed
    return LinkGraph.of(links.select(up), length_m[up], len(elements)), position


def stations(count: int, position: Floats, max_range_m: float = 1.1e6) -> Targets:
    place = np.random.default_rng(5).uniform(-1.0, 1.0, (count, 2))
    latitude, longitude = np.radians(57.0 * place[:, 0]), np.pi * place[:, 1]
    ring = np.cos(latitude)
    site = 6_371_000.0 * np.stack([ring * np.cos(longitude), ring * np.sin(longitude), np.sin(latitude)], axis=1)
    return Targets.within(site, position, max_range_m)


@pytest.mark.parametrize("failed", [0.0, 0.1, 0.3])
@pytest.mark.parametrize("count", [1, 8, 19, 20, 32, 100])
def test_a_walker_grid_is_solved_as_scipy_solves_it(failed: float, count: int) -> None:
    graph, position = walker_graph("D:550:53.0:1584/72/17", failed)
    targets = stations(count, position)
    routes = shortest_paths(graph, targets)
    np.testing.assert_allclose(routes.cost, oracle(graph, targets), rtol=1e-12)
    again = shortest_paths(graph, targets)
    assert np.array_equal(routes.next_hop, again.next_hop)


def test_more_costs_than_the_cache_holds_are_worked_out_aside() -> None:
    graph, position = walker_graph("D:550:53.0:1584/72/17")
    many = shortest_paths(graph, stations(200, position))
    few = shortest_paths(graph, stations(100, position))
    assert np.array_equal(many.cost[:90], few.cost[:90])


def test_satellites_linked_to_their_nearest_are_solved_as_scipy_solves_them() -> None:
    position = Constellation(walker_elements(parse_walker("D:550:53.0:1584/72/17"), EPOCH)).at(EPOCH).position_m
    distance = np.linalg.norm(position[:, :, None] - position[:, None, :], axis=0)
    near = np.argsort(distance, axis=1)[:, 1:8]
    links = Links.of(np.stack([np.repeat(np.arange(1584), 7), near.ravel()], axis=1))
    graph = LinkGraph.of(links, distance[links.first, links.second], 1584)
    assert graph.neighbour.shape[1] > 8
    targets = stations(20, position)
    routes = shortest_paths(graph, targets)
    np.testing.assert_allclose(routes.cost, oracle(graph, targets), rtol=1e-12)
    cost, next_hop = bucket_paths(graph.neighbour, graph.cost, targets.offset, targets.satellite, targets.cost)
    assert np.array_equal(routes.cost, cost)
    assert np.array_equal(routes.next_hop, next_hop)


def test_numbers_in_any_order_lead_to_the_same_costs() -> None:
    graph, position = walker_graph("D:550:53.0:1584/72/17")
    targets = stations(40, position)
    new = np.random.default_rng(1).permutation(len(graph)).astype(np.int32)
    here, slot = np.nonzero(graph.neighbour >= 0)
    once = here < graph.neighbour[here, slot]
    pairs = np.stack([new[here[once]], new[graph.neighbour[here, slot][once]]], axis=1)
    links = Links.of(pairs)
    length = dict(zip(map(tuple, np.sort(pairs, axis=1).tolist()), graph.cost[here, slot][once].tolist(), strict=True))
    costs = np.array([length[pair] for pair in zip(links.first.tolist(), links.second.tolist(), strict=True)])
    renumbered = LinkGraph.of(links, costs, len(graph))
    moved = Targets(targets.offset, new[targets.satellite], targets.cost)
    assert np.array_equal(shortest_paths(renumbered, moved).cost[:, new], shortest_paths(graph, targets).cost)


def test_a_chain_in_any_order_is_followed_to_its_end() -> None:
    order = np.random.default_rng(2).permutation(3_000)
    links = Links.of(np.stack([order[:-1], order[1:]], axis=1))
    graph = LinkGraph.of(links, np.ones(len(links)), 3_000)
    ends = targets_of([[(int(order[0]), 0.0)], [(int(order[-1]), 0.0)], [(int(order[1500]), 0.0)]] * 3)
    assert sweep_paths(graph.neighbour, graph.cost, ends.offset, ends.satellite, ends.cost, 3) is None
    cost = shortest_paths(graph, ends).cost
    assert np.array_equal(cost[0, order], np.arange(3_000.0))
    assert np.array_equal(cost[7, order], np.arange(3_000.0)[::-1])


def test_of_equal_hops_the_target_comes_first_then_the_lowest_number() -> None:
    #  1 ─ 3 ─ 0 ─ target, 2 as good as 1, and 4 sees the target at the cost of the way over 0
    links = Links.of([(1, 3), (2, 3), (0, 1), (0, 2), (0, 4)])
    graph = LinkGraph.of(links, np.ones(len(links)), 5)
    for copies in (1, 40):
        routes = shortest_paths(graph, targets_of([[(0, 5.0), (4, 6.0)]] * copies))
        assert routes.next_hop[copies - 1].tolist() == [TO_TARGET, 0, 0, 1, TO_TARGET]
        assert routes.path(copies - 1, 3).tolist() == [3, 1, 0]


def test_free_links_lead_nowhere_in_circles() -> None:
    links = Links.of([(0, 1), (1, 2), (0, 2), (2, 3)])
    graph = LinkGraph.of(links, np.zeros(4), 4)
    routes = shortest_paths(graph, targets_of([[(3, 1.0)]] * 9))
    assert routes.cost.tolist() == [[1.0] * 4] * 9
    assert [int(routes.path(8, satellite)[-1]) for satellite in range(4)] == [3] * 4


def test_a_satellite_apart_is_unreachable() -> None:
    graph = LinkGraph.of(Links.of([(0, 1)]), np.array([2.0]), 3)
    for copies in (1, 19):
        routes = shortest_paths(graph, targets_of([[(1, 3.0)]] * copies + [[]]))
        assert routes.next_hop[0].tolist() == [1, TO_TARGET, UNREACHABLE]
        assert routes.cost[0].tolist() == [5.0, 3.0, np.inf]
        assert routes.path(0, 2).tolist() == []
        assert (routes.next_hop[copies] == UNREACHABLE).all()


def test_the_cheapest_of_several_last_legs_is_found_again() -> None:
    graph = LinkGraph.of(Links.of([]), np.zeros(0), 2)
    targets = Targets(
        np.array([0, 3]),
        np.array([1, 0, 1], dtype=np.int32),
        np.array([7.0, 1.0, 6.0]),
        np.array([4, 5, 9], dtype=np.int32),
    )
    routes = shortest_paths(graph, targets)
    assert routes.cost.tolist() == [[1.0, 6.0]]
    assert targets.via is not None
    assert targets.via[routes.last_leg(0, 1)] == 9
    with pytest.raises(ValueError, match="satellite 0 does not reach"):
        shortest_paths(graph, targets_of([[(1, 1.0)]])).last_leg(0, 0)


def test_stations_enter_by_the_satellite_that_makes_the_way_shortest() -> None:
    graph, position = walker_graph("D:550:53.0:1584/72/17")
    ground = stations(12, position)
    routes = shortest_paths(graph, ground)
    paths = station_paths(routes, ground)
    for station in range(12):
        mine = slice(ground.offset[station], ground.offset[station + 1])
        through = ground.cost[mine, None] + routes.cost.T[ground.satellite[mine]]
        assert np.array_equal(paths.cost[station], through.min(axis=0))
        assert np.array_equal(paths.satellite[station], ground.satellite[mine][through.argmin(axis=0)])
    off_diagonal = ~np.eye(12, dtype=np.bool_)
    np.testing.assert_allclose(paths.cost[off_diagonal], paths.cost.T[off_diagonal], rtol=1e-12)


def test_a_station_that_sees_nothing_has_no_way() -> None:
    graph = LinkGraph.of(Links.of([(0, 1)]), np.array([1.0]), 2)
    paths = station_paths(shortest_paths(graph, targets_of([[(0, 1.0)]])), targets_of([[], [(1, 2.0)]]))
    assert paths.cost.tolist() == [[np.inf], [4.0]]
    assert paths.satellite.tolist() == [[-1], [1]]


def test_satellites_within_range_are_those_that_distances_say() -> None:
    random = np.random.default_rng(3)
    position, site = random.normal(size=(3, 500)), random.normal(size=(7, 3))
    found = Targets.within(site, position, 1.0)
    distance = np.linalg.norm(position.T[None] - site[:, None], axis=2)
    assert np.array_equal(np.diff(found.offset), (distance <= 1.0).sum(axis=1))
    assert np.array_equal(found.satellite, np.nonzero(distance <= 1.0)[1])
    np.testing.assert_allclose(found.cost, distance[distance <= 1.0], rtol=1e-14)
    everything = Targets.within(site, position, np.inf)
    assert np.array_equal(everything.offset, np.arange(0, 3_501, 500))


@pytest.mark.parametrize(
    ("offset", "satellite", "cost", "message"),
    [
        ([0, 1], [5], [1.0], "beyond the 2"),
        ([0, 1], [-1], [1.0], "beyond the 2"),
        ([0, 1], [0], [-1.0], "negative"),
        ([0, 1], [0], [np.nan], "not a number"),
        ([0, 2], [0], [1.0], "offsets"),
        ([0, 1], [0], [1.0, 2.0], "offsets"),
        ([], [], [], "offsets"),
    ],
)
def test_targets_that_cannot_be_are_refused(
    offset: list[int], satellite: list[int], cost: list[float], message: str
) -> None:
    graph = LinkGraph.of(Links.of([(0, 1)]), np.ones(1), 2)
    targets = Targets(np.array(offset, dtype=np.int64), np.array(satellite, dtype=np.int32), np.array(cost))
    with pytest.raises(ValueError, match=message):
        shortest_paths(graph, targets)


@pytest.mark.parametrize(
    ("cost", "satellites", "message"), [([1.0, 2.0], 2, "2 costs"), ([1.0], 1, "beyond the 1"), ([-1.0], 2, "negative")]
)
def test_graphs_that_cannot_be_are_refused(cost: list[float], satellites: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LinkGraph.of(Links.of([(0, 1)]), np.array(cost), satellites)


_ON_ANY_PROCESSOR = """
import sys
import numpy as np
from skyhaul.network._sweeps import sweep_paths
case = np.load(sys.argv[1])
cost, hop = sweep_paths(*(case[name] for name in ("neighbour", "cost", "offset", "satellite", "leg")), 60)
assert np.array_equal(cost, case["costs"])
assert np.array_equal(hop, case["hops"])
"""


def test_sweeps_do_not_need_wide_registers(tmp_path: Path) -> None:
    graph, position = walker_graph("D:550:53.0:1584/72/17")
    targets = stations(45, position)
    swept = sweep_paths(graph.neighbour, graph.cost, targets.offset, targets.satellite, targets.cost, 60)
    assert swept is not None
    case = tmp_path / "case.npz"
    np.savez(
        case,
        neighbour=graph.neighbour,
        cost=graph.cost,
        offset=targets.offset,
        satellite=targets.satellite,
        leg=targets.cost,
        costs=swept[0],
        hops=swept[1],
    )
    plain = os.environ | {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": "", "NUMBA_CACHE_DIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", _ON_ANY_PROCESSOR, str(case)], env=plain, check=True, timeout=120)
