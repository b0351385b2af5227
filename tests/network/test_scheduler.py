"""What every plan keeps, whatever the strategy, and what each strategy is for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from skyhaul.earth import Sites
from skyhaul.network import STRATEGIES, Failure, Plan, Reason, Rules, Terminals, slot_start
from skyhaul.orbits import Constellation
from skyhaul.radio import ObstructionMask, gso_separation_deg, look_angles
from tests.network import worlds
from tests.network.worlds import SLOT, World

PARTS = np.linspace(0.0, 1.0, 7)


def rules(strategy: str = "highest", **changes: object) -> Rules:
    return Rules(**{"strategy": strategy, "lasers": "never"} | changes)  # type: ignore[arg-type]


def instants(slot: int) -> np.ndarray:
    return slot_start(slot) + (PARTS * 15e9).astype("timedelta64[ns]")


def serving(plan: Plan) -> np.ndarray:
    """The satellite of each served terminal, -1 elsewhere."""
    return np.where(plan.reason == Reason.SERVED, plan.satellite[plan.terminal_cell], -1)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_serving_satellite_stays_above_the_mask_for_the_whole_slot(strategy: str) -> None:
    world = World(worlds.terminals(60), rules=rules(strategy))
    satellite = serving(world.plan())
    served = np.flatnonzero(satellite >= 0)
    assert len(served) > 50
    for time in instants(SLOT):
        sky = world.constellation.at(time, velocity=False)
        elevation = look_angles(world.terminals.sites, sky.position_m).elevation_deg
        assert elevation[served, satellite[served]].min() >= 25.0


@pytest.mark.parametrize("strategy", ["highest", "sticky", "balanced"])
def test_a_serving_satellite_stays_clear_of_the_geostationary_arc(strategy: str) -> None:
    world = World(worlds.terminals(60), rules=rules(strategy))
    satellite = serving(world.plan())
    served = np.flatnonzero(satellite >= 0)
    for time in instants(SLOT):
        position = world.constellation.at(time, velocity=False).position_m
        separation = gso_separation_deg(world.terminals.sites, served, position, satellite[served])
        # Inside the slot the plan tests five instants: 4 s apart a satellite moves less than 4° against the arc.
        assert separation.min() >= 17.5


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_beams_antennas_and_one_gateway_for_each_satellite(strategy: str) -> None:
    world = World(worlds.terminals(400), worlds.ground(antennas=2), rules(strategy, beams_per_satellite=5))
    plan = world.plan()
    served = plan.satellite >= 0
    assert 0.0 < served.mean() < 1.0, "the world must be crowded for this test to mean anything"
    satellite, beam, gateway = plan.satellite[served], plan.beam[served], plan.gateway[served]
    assert len(np.unique(plan.cell)) == len(plan.cell)
    assert len({*zip(satellite.tolist(), beam.tolist(), strict=True)}) == len(satellite)
    assert beam.max() < 5
    feeders = {*zip(satellite.tolist(), gateway.tolist(), strict=True)}
    assert len(feeders) == len(np.unique(satellite)), "a satellite talks to one gateway in a slot"
    assert np.bincount([g for _, g in feeders]).max() <= 2


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_gateways_see_the_satellites_they_feed_for_the_whole_slot(strategy: str) -> None:
    world = World(worlds.terminals(60), rules=rules(strategy))
    plan = world.plan()
    served = plan.satellite >= 0
    for time in instants(SLOT):
        position = world.constellation.at(time, velocity=False).position_m
        elevation = look_angles(world.ground.gateways, position).elevation_deg
        assert elevation[plan.gateway[served], plan.exit_satellite[served]].min() >= 25.0


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_no_cell_goes_without_service_while_a_satellite_it_could_use_has_a_beam_and_an_antenna(strategy: str) -> None:
    world = World(worlds.terminals(400), worlds.ground(antennas=2), rules(strategy, beams_per_satellite=5))
    plan = world.plan()
    served = plan.satellite >= 0
    beams = np.bincount(plan.satellite[served], minlength=1584)
    gateway_of = dict(zip(plan.satellite[served].tolist(), plan.gateway[served].tolist(), strict=True))
    antennas = np.bincount([*gateway_of.values()], minlength=len(worlds.GATEWAYS))
    skies = [world.constellation.at(time, velocity=False).position_m for time in instants(SLOT)]
    users = np.array([look_angles(world.terminals.sites, sky).elevation_deg for sky in skies]).min(axis=0)
    feeds = np.array([look_angles(world.ground.gateways, sky).elevation_deg for sky in skies]).min(axis=0)
    without = np.flatnonzero(plan.reason != Reason.SERVED)
    assert len(without) > 20, "the world must be crowded for this test to mean anything"
    checked = 0
    for terminal in without:
        up = np.flatnonzero(users[terminal] >= 25.01)
        own = np.full(len(up), terminal)
        gso = np.min([gso_separation_deg(world.terminals.sites, own, sky, up) for sky in skies], axis=0)
        for satellite in up[gso >= 18.01]:
            in_view = np.flatnonzero(feeds[:, satellite] >= 25.01)
            if satellite in gateway_of:
                assert beams[satellite] == 5 or gateway_of[satellite] not in in_view
            else:
                assert (antennas[in_view] == 2).all()
            checked += 1
    assert checked > 20


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_order_of_terminals_changes_nothing_not_even_in_shared_cells(strategy: str) -> None:
    alone = worlds.terminals(60)
    where = np.repeat(np.arange(60), 2)  # two in each cell, of different PoPs
    sites = Sites.at(alone.sites.latitude_deg[where], alone.sites.longitude_deg[where])
    pop = np.arange(120, dtype=np.int64) % 2
    key = np.random.default_rng(4).permutation(120).astype(np.int64)
    crowded = {"ground": worlds.ground(antennas=2), "rules": rules(strategy, beams_per_satellite=3)}
    world = World(Terminals.at(sites, pop, key=key), **crowded)  # type: ignore[arg-type]
    plan = world.plan(SLOT + 1, world.plan())

    shuffle = np.random.default_rng(3).permutation(120)
    moved = Sites.at(sites.latitude_deg[shuffle], sites.longitude_deg[shuffle])
    other = World(Terminals.at(moved, pop[shuffle], key=key[shuffle]), **crowded)  # type: ignore[arg-type]
    shuffled = other.plan(SLOT + 1, other.plan())
    assert np.array_equal(serving(plan)[shuffle], serving(shuffled))
    assert np.array_equal(plan.reason[shuffle], shuffled.reason)
    assert np.array_equal(plan.gateway[plan.terminal_cell][shuffle], shuffled.gateway[shuffled.terminal_cell])


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_order_of_satellites_changes_nothing(strategy: str) -> None:
    world = World(worlds.terminals(80), worlds.ground(antennas=2), rules(strategy, beams_per_satellite=3))
    shuffle = np.random.default_rng(6).permutation(1584)
    other = replace(world, constellation=Constellation(world.constellation.elements.select(shuffle)))
    plan, shuffled = (of.plan(SLOT + 1, of.plan()) for of in (world, other))
    served = plan.satellite >= 0
    assert np.array_equal(served, shuffled.satellite >= 0)
    assert np.array_equal(plan.satellite[served], shuffle[shuffled.satellite[served]])
    assert np.array_equal(plan.gateway, shuffled.gateway)


@pytest.mark.parametrize("latitude", [0.0, 25.0, 50.0])
def test_observed_keeps_twelve_degrees_from_the_geostationary_arc_everywhere(latitude: float) -> None:
    sites = Sites.at(np.full(40, latitude), np.linspace(-170.0, 170.0, 40))
    world = World(Terminals.at(sites, np.zeros(40, dtype=np.int64)), rules=rules("observed", lasers="always"))
    satellite = serving(world.plan())
    served = np.flatnonzero(satellite >= 0)
    assert len(served) > 20
    for time in instants(SLOT):
        position = world.constellation.at(time, velocity=False).position_m
        assert gso_separation_deg(sites, served, position, satellite[served]).min() >= 11.5


def test_a_plan_made_twice_is_the_same_to_the_byte() -> None:
    world = World(worlds.terminals(80), rules=rules("observed"))
    one, two = world.plan(), world.plan()
    for name in Plan.__slots__:
        first, second = getattr(one, name), getattr(two, name)
        assert first == second if isinstance(first, int) else first.tobytes() == second.tobytes()


def test_another_seed_draws_other_satellites() -> None:
    world = World(worlds.terminals(80), rules=rules("observed"))
    assert (serving(world.plan()) != serving(replace(world, seed=8).plan())).mean() > 0.5


def test_highest_takes_the_highest_that_could_serve() -> None:
    world = World(worlds.terminals(1), rules=rules("highest"))
    plan = world.plan()
    could = plan.seen_satellite[np.isin(plan.seen_reason, (Reason.SERVED, Reason.NOT_CHOSEN))]
    middle = world.constellation.at(slot_start(SLOT) + np.timedelta64(7_500, "ms"), velocity=False)
    elevation = look_angles(world.terminals.sites, middle.position_m).elevation_deg[0]
    assert plan.satellite[0] == could[np.argmax(elevation[could])]
    assert plan.candidates[0] == len(could)


def test_sticky_holds_a_satellite_until_it_cannot_serve_any_more() -> None:
    world = World(worlds.terminals(30), rules=rules("sticky"))
    plan = world.plan()
    for slot in range(SLOT + 1, SLOT + 12):
        after = world.plan(slot, plan)
        for terminal in range(30):
            before, now = serving(plan)[terminal], serving(after)[terminal]
            if before >= 0 and before != now:
                mine = (after.seen_terminal == terminal) & (after.seen_satellite == before)
                assert after.seen_reason[mine].tolist() != [int(Reason.NOT_CHOSEN)]
        plan = after


def test_balanced_spreads_cells_over_satellites() -> None:
    cells = {}
    for strategy in ("highest", "balanced"):
        plan = World(worlds.terminals(400), worlds.ground(32), rules(strategy)).plan()
        cells[strategy] = int(np.bincount(plan.satellite[plan.satellite >= 0]).max())
    assert cells["balanced"] < cells["highest"] / 2


def test_without_a_grant_there_is_no_beam_and_the_terminal_says_so() -> None:
    world = World(worlds.terminals(20), rules=rules())
    granted = np.arange(20) % 2 == 0
    plan = world.plan(granted=granted)
    assert (plan.reason[~granted] == Reason.NO_GRANT).all()
    assert (plan.satellite[plan.terminal_cell[~granted]] == -1).all()
    assert (plan.reason[granted] == Reason.SERVED).sum() > 5
    assert (plan.seen_reason[~granted[plan.seen_terminal]] != Reason.NOT_CHOSEN).all()


def test_two_terminals_in_a_cell_share_a_satellite_and_the_grant_is_each_ones_own() -> None:
    sites = Sites.at([50.000, 50.001], [10.000, 10.001])
    two = Terminals.at(sites, np.zeros(2, dtype=np.int64))
    assert two.cell[0] == two.cell[1]
    world = World(two, rules=rules())
    both = world.plan()
    assert both.reason.tolist() == [Reason.SERVED, Reason.SERVED]
    assert len(both.cell) == 1
    one = world.plan(granted=np.array([False, True]))
    assert one.reason.tolist() == [Reason.NO_GRANT, Reason.SERVED]


def test_a_failed_satellite_serves_nobody() -> None:
    world = World(worlds.terminals(10), rules=rules())
    first = int(world.plan().satellite.max())
    assert first >= 0
    name = world.constellation.elements.name[first]
    start = slot_start(SLOT)
    world.failures = (Failure("satellite", name, start, None),)
    plan = world.plan()
    assert first not in plan.satellite
    assert Reason.SATELLITE_OUT in plan.seen_reason[plan.seen_satellite == first]


def test_failed_gateways_leave_no_bent_pipe() -> None:
    world = World(worlds.terminals(10), rules=rules(gso_separation_deg=0.0))
    start = slot_start(SLOT)
    world.failures = tuple(Failure("gateway", name, start, None) for name in worlds.GATEWAYS)
    assert (world.plan().reason == Reason.NO_GATEWAY).all()


def test_a_terminal_of_a_failed_pop_moves_to_the_nearest_other_unless_pinned() -> None:
    sites = Sites.at([50.1, 48.0], [8.7, 11.0])
    pinned = np.array([False, True])
    world = World(Terminals.at(sites, np.zeros(2, dtype=np.int64), pinned=pinned), rules=rules())
    world.failures = (Failure("pop", "Frankfurt", slot_start(SLOT), None),)
    plan = world.plan()
    assert plan.reason.tolist() == [Reason.SERVED, Reason.POP_OUT]
    assert world.ground.pops.name[plan.pop[0]] == "Madrid"


def test_a_terminal_walled_in_to_the_south_is_served_from_the_north() -> None:
    sites = Sites.at([48.0] * 1, [11.0])
    wall = ObstructionMask(np.array([0.0, 89.0, 90.0, 270.0, 271.0]), np.array([0.0, 0.0, 89.0, 89.0, 0.0]))
    world = World(Terminals.at(sites, np.zeros(1, dtype=np.int64), obstruction=[wall]), rules=rules())
    azimuths = []
    for slot in range(SLOT, SLOT + 10):
        plan = world.plan(slot)
        middle = world.constellation.at(slot_start(slot) + np.timedelta64(7_500, "ms"), velocity=False)
        look = look_angles(sites, middle.position_m)
        assert Reason.OBSTRUCTED in plan.seen_reason
        if plan.satellite[0] >= 0:
            azimuths.append(look.azimuth_deg[0, plan.satellite[0]])
    assert len(azimuths) >= 5
    assert all(a < 90.0 or a > 270.0 for a in azimuths)


def test_far_from_every_gateway_lasers_carry_the_traffic() -> None:
    sites = Sites.at([-35.0], [-20.0])  # the South Atlantic
    ocean = Terminals.at(sites, np.zeros(1, dtype=np.int64))
    assert World(ocean, rules=rules(lasers="never")).plan().reason[0] == Reason.NO_GATEWAY
    world = World(ocean, rules=rules(lasers="when-needed"))
    plan = world.plan()
    assert plan.reason[0] == Reason.SERVED
    route = plan.route_of_cell(0)
    assert route[0] == plan.satellite[0]
    assert route[-1] == plan.exit_satellite[0]
    assert plan.laser_hops()[0] == len(route) - 1 > 3


def test_lasers_only_where_needed_leave_bent_pipes_alone() -> None:
    world = World(worlds.terminals(40), rules=rules(lasers="when-needed"))
    never = replace(world, rules=rules(lasers="never")).plan()
    plan = world.plan()
    had = never.satellite >= 0
    assert np.array_equal(plan.satellite[had], never.satellite[had])
    assert (plan.laser_hops()[had] == 0).all()


def test_balanced_spreads_cells_over_lasers_too() -> None:
    random = np.random.default_rng(5)
    sites = Sites.at(random.uniform(-36.0, -34.0, 30), random.uniform(-21.0, -19.0, 30))
    ocean = Terminals.at(sites, np.zeros(30, dtype=np.int64))
    most = {}
    for strategy in ("highest", "balanced"):
        plan = World(ocean, rules=rules(strategy, lasers="when-needed")).plan()
        most[strategy] = int(np.bincount(plan.satellite[plan.satellite >= 0]).max())
    assert most["balanced"] < most["highest"] / 2


def test_antennas_bound_laser_paths_too() -> None:
    random = np.random.default_rng(5)
    sites = Sites.at(random.uniform(-45.0, -25.0, 30), random.uniform(-30.0, -10.0, 30))
    ocean = Terminals.at(sites, np.zeros(30, dtype=np.int64))
    world = World(ocean, worlds.ground(antennas=1), rules(lasers="when-needed"))
    plan = world.plan()
    served = plan.satellite >= 0
    feeders = {*zip(plan.exit_satellite[served].tolist(), plan.gateway[served].tolist(), strict=True)}
    assert np.bincount([g for _, g in feeders]).max() <= 1
    assert served.all(), "cells may share a satellite's antenna"
