"""Path states: legs add up, follow the satellites, and stop where the plan says so."""

from __future__ import annotations

import numpy as np

from skyhaul.earth import Sites
from skyhaul.network import (
    LIGHT_M_S,
    DelayModel,
    Failure,
    Paths,
    Plan,
    Reason,
    Rules,
    Terminals,
    slot_start,
    trace_paths,
)
from skyhaul.radio import LinkBudget
from skyhaul.types import Floats, Ints32, Times
from tests.network import worlds
from tests.network.worlds import SLOT, World


def instants(slot: int, step_ms: int = 1000) -> Times:
    return slot_start(slot) + np.arange(0, 15_000, step_ms).astype("timedelta64[ms]").astype("timedelta64[ns]")


def positions(times: Times, satellites: Ints32) -> Floats:
    return worlds.CONSTELLATION.at(times, satellites=satellites, velocity=False).position_m


def trace(world: World, plan: Plan, times: Times, delay: DelayModel | None = None) -> Paths:
    return trace_paths(
        plan, times, positions, world.ground, world.terminals, delay or DelayModel(), LinkBudget(), world.seed
    )


def test_the_legs_of_a_bent_pipe_are_the_distances_between_its_stations() -> None:
    world = World(worlds.terminals(20), rules=Rules(strategy="highest", lasers="never"))
    plan = world.plan()
    times = instants(SLOT)
    paths = trace(world, plan, times)
    for terminal in np.flatnonzero(plan.reason == Reason.SERVED):
        cell = plan.terminal_cell[terminal]
        where = positions(times, plan.satellite[cell : cell + 1])[:, :, 0]
        up = np.linalg.norm(where - world.terminals.sites.position_m[terminal], axis=1)
        down = np.linalg.norm(where - world.ground.gateways.position_m[plan.gateway[cell]], axis=1)
        fibre = world.ground.fibre_s[plan.gateway[cell], plan.pop[terminal]]
        assert np.allclose(paths.slant_range_m[:, terminal], up, atol=1e-3)
        assert np.allclose(paths.propagation_s[:, terminal], (up + down) / LIGHT_M_S + fibre, rtol=1e-12)
        assert (paths.laser_s[:, terminal] == 0.0).all()


def test_a_laser_path_is_as_long_as_its_links() -> None:
    sites = Sites.at([-35.0], [-20.0])
    world = World(Terminals.at(sites, np.zeros(1, dtype=np.int64)), rules=Rules(strategy="highest"))
    plan = world.plan()
    times = instants(SLOT)
    paths = trace(world, plan, times)
    route = plan.route_of_cell(0)
    where = positions(times, route)
    links = np.linalg.norm(np.diff(where, axis=2), axis=1).sum(axis=1)
    assert np.allclose(paths.laser_s[:, 0], links / LIGHT_M_S, rtol=1e-12)
    assert paths.laser_hops[0] == len(route) - 1
    assert paths.rtt_s[:, 0].min() > 0.06


def test_without_queueing_delay_is_geometry_fibre_and_the_fixed_part() -> None:
    world = World(worlds.terminals(10), rules=Rules(strategy="highest"))
    plan = world.plan()
    still = DelayModel().without_queueing()
    paths = trace(world, plan, instants(SLOT), still)
    served = plan.reason == Reason.SERVED
    extra = (paths.rtt_s - 2.0 * paths.propagation_s)[:, served]
    assert np.allclose(extra, still.fixed_s, atol=1e-12)
    # A satellite's range changes by less than 7.6 km in a second, so no delay jumps inside a slot.
    assert np.abs(np.diff(paths.rtt_s[:, served], axis=0)).max() < 2.0 * 2.0 * 7_600.0 / LIGHT_M_S


def test_delay_never_falls_below_geometry_fibre_and_the_fixed_part() -> None:
    world = World(worlds.terminals(30), rules=Rules(strategy="observed"))
    plan = world.plan()
    paths = trace(world, plan, instants(SLOT, 20))
    served = plan.reason == Reason.SERVED
    assert served.any()
    least = 2.0 * paths.propagation_s + DelayModel().fixed_s
    assert ((paths.rtt_s - least)[:, served] >= -1e-12).all()
    assert np.allclose(paths.rtt_s, paths.delay_up_s + paths.delay_down_s, equal_nan=True)


def test_a_terminal_without_a_path_has_no_delay_and_loses_everything() -> None:
    world = World(worlds.terminals(4), rules=Rules(strategy="highest", lasers="never", gso_separation_deg=0.0))
    start = slot_start(SLOT)
    world.failures = tuple(Failure("gateway", name, start, None) for name in worlds.GATEWAYS)
    paths = trace(world, world.plan(), instants(SLOT))
    assert np.isnan(paths.rtt_s).all()
    assert (paths.loss == 1.0).all()
    assert (paths.satellite == -1).all()
    assert (paths.cause == Reason.NO_GATEWAY).all()


def test_terminals_of_a_cell_share_its_beam() -> None:
    sites = Sites.at([50.0, 50.001, 46.0], [10.0, 10.001, 5.0])
    world = World(Terminals.at(sites, np.zeros(3, dtype=np.int64)), rules=Rules(strategy="highest"))
    paths = trace(world, world.plan(), instants(SLOT))
    whole = LinkBudget().down_bps(paths.slant_range_m)
    assert np.allclose(paths.rate_down_bps[:, :2], whole[:, :2] / 2.0)
    assert np.allclose(paths.rate_down_bps[:, 2], whole[:, 2])


def test_an_instant_asked_alone_gives_the_same_state() -> None:
    world = World(worlds.terminals(8), rules=Rules(strategy="observed"))
    plan = world.plan()
    times = instants(SLOT)
    whole, one = trace(world, plan, times), trace(world, plan, times[7:8])
    assert np.array_equal(whole.rtt_s[7:8], one.rtt_s, equal_nan=True)
