"""No grant, no beam; a path ends with its grant; a rate keeps to what the grant allows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from skyhaul.earth import Sites
from skyhaul.network import DelayModel, Paths, Plan, Reason, Rules, Scheduler, Terminals, slot_start, trace_paths
from skyhaul.radio import LinkBudget
from skyhaul.types import Floats, Ints32, Times
from tests.network import worlds
from tests.network.worlds import SLOT, World

NAT = np.datetime64("NaT", "ns")
RULES = Rules(strategy="highest", lasers="never")


def positions(times: Times, satellites: Ints32) -> Floats:
    return worlds.CONSTELLATION.at(times, satellites=satellites, velocity=False).position_m


def instants(step_ms: int = 1000) -> Times:
    return slot_start(SLOT) + np.arange(0, 15_000, step_ms).astype("timedelta64[ms]").astype("timedelta64[ns]")


def trace(world: World, plan: Plan, times: Times | None = None) -> Paths:
    times = instants() if times is None else times
    return trace_paths(plan, times, positions, world.ground, world.terminals, DelayModel(), LinkBudget(), world.seed)


def neighbours(count: int = 3) -> World:
    """Terminals of one cell."""
    sites = Sites.at([48.6 + 0.001 * k for k in range(count)], [7.7] * count)
    return World(Terminals.at(sites, worlds.ground().nearest_pop(sites)), rules=RULES)


def test_without_a_grant_there_is_no_beam() -> None:
    world = World(worlds.terminals(30), rules=RULES)
    granted = np.arange(30) % 2 == 0
    plan = world.plan(granted=granted)
    assert (plan.reason[~granted] == Reason.NO_GRANT).all()
    cells_with_grants = set(plan.terminal_cell[granted].tolist())
    served = set(np.flatnonzero(plan.satellite >= 0).tolist())
    assert served <= cells_with_grants
    assert len(served) > 5


def test_a_refused_terminal_takes_nothing_from_the_others_of_its_cell() -> None:
    world = neighbours()
    alone = World(replace_rows(world.terminals, [1, 2]), rules=RULES)
    shared, own = world.plan(granted=np.array([False, True, True])), alone.plan()
    assert shared.satellite.tolist() == own.satellite.tolist()
    assert shared.reason.tolist() == [Reason.NO_GRANT, Reason.SERVED, Reason.SERVED]
    rates, rates_alone = trace(world, shared).rate_down_bps, trace(alone, own).rate_down_bps
    assert np.array_equal(rates[:, 1:], rates_alone)
    assert (rates[:, 1] > 1.4 * trace(world, world.plan()).rate_down_bps[:, 1]).all()


def replace_rows(terminals: Terminals, rows: list[int]) -> Terminals:
    sites = terminals.sites
    picked = Sites.at(sites.latitude_deg[rows], sites.longitude_deg[rows], sites.height_m[rows])
    return Terminals.at(picked, terminals.pop[rows], key=terminals.key[rows])


def test_a_path_ends_with_its_grant_at_that_very_instant() -> None:
    world = neighbours(2)
    plan = world.plan()
    end = slot_start(SLOT) + np.timedelta64(7_300, "ms")
    cut = replace(plan, lease_end=np.array([end, NAT]))
    paths, whole = trace(world, cut), trace(world, plan)
    over = instants() >= end
    assert over.sum() == 7
    for name in (
        *("access_s", "laser_s", "feeder_s", "fibre_s", "delay_up_s", "delay_down_s", "rtt_s", "rate_up_bps"),
        *("rate_down_bps", "azimuth_deg", "elevation_deg", "slant_range_m"),
    ):
        column, uncut = getattr(paths, name), getattr(whole, name)
        assert np.isnan(column[over, 0]).all(), name
        assert np.array_equal(column[~over], uncut[~over]), name
        assert np.array_equal(column[:, 1], uncut[:, 1]), name
    assert paths.ends.tolist() == [end.item(), None]
    assert (paths.cause == Reason.SERVED).all()
    assert (paths.cause_at[:, 0] == np.where(over, Reason.NO_GRANT, Reason.SERVED)).all()
    assert (paths.loss[:, 0] == over).all()
    assert (paths.loss[:, 1] == 0.0).all()
    at_end = trace(world, cut, np.array([end - np.timedelta64(1, "ns"), end]))
    assert np.isnan(at_end.rtt_s[:, 0]).tolist() == [False, True]


def test_a_grant_that_ends_with_the_slot_or_later_ends_no_path() -> None:
    world = neighbours(2)
    late = np.array([slot_start(SLOT + 1), slot_start(SLOT + 2)])
    paths = trace(world, replace(world.plan(), lease_end=late))
    assert np.isnat(paths.ends).all()
    assert np.isfinite(paths.rtt_s).all()


def test_a_refused_terminal_has_no_end_of_a_path() -> None:
    world = neighbours(2)
    early = np.array([slot_start(SLOT) + np.timedelta64(5, "s")] * 2)
    plan = world.plan(granted=np.array([True, False]))
    paths = trace(world, replace(plan, lease_end=early))
    assert np.isnat(paths.ends).tolist() == [False, True]
    assert (paths.cause_at[:, 1] == Reason.NO_GRANT).all()


def test_rates_keep_to_what_the_grant_allows() -> None:
    world = neighbours(3)
    plan = replace(world.plan(), rate_cap_bps=np.array([2e6, 5e9, np.inf]))
    paths, free = trace(world, plan), trace(world, world.plan())
    assert (paths.rate_down_bps[:, 0] == 2e6).all()
    assert (paths.rate_up_bps[:, 0] == 2e6).all()
    assert np.array_equal(paths.rate_down_bps[:, 1:], free.rate_down_bps[:, 1:])
    assert np.array_equal(paths.rtt_s, free.rtt_s)


def test_a_scheduler_moved_plans_as_a_new_one_there() -> None:
    world = World(worlds.terminals(12), rules=RULES)
    there = worlds.terminals(12, seed=9)
    numbers = world.numbers
    moved = Scheduler(world.ground, world.terminals, RULES, numbers, 7).moved(there)
    new = Scheduler(world.ground, there, RULES, numbers, 7)
    start, end = (worlds.CONSTELLATION.at(slot_start(SLOT + n), velocity=False).position_m for n in (0, 1))
    one, other = (scheduler.plan(SLOT, start, end, world.outages(SLOT)) for scheduler in (moved, new))
    for column in ("cell", "satellite", "gateway", "reason", "seen_satellite"):
        assert np.array_equal(getattr(one, column), getattr(other, column))
