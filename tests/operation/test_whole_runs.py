"""A system that runs: what it shows is what a run of the scenario in a batch computes, and it changes while it runs."""

from __future__ import annotations

import threading
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skyhaul.errors import InputError, NotFoundError, ScenarioError, SkyhaulError, StoreError
from skyhaul.network import Reason, grid_links
from skyhaul.operation import AHEAD, Operation, SlotPlan, moving_from
from skyhaul.orbits import EARTH_RADIUS_KM, Constellation, Elements, altitude_km
from skyhaul.scenario import ConstellationTable
from skyhaul.system import System, World
from tests.operation.conftest import BEGIN, SECOND, SLOT_S, START, Opener, Wall, eventually, scenario


def test_states_and_plans_are_those_of_a_run_of_the_scenario(running: Opener) -> None:
    of = scenario()
    begin = np.datetime64(START[:-1], "ns")
    runs = list(System.from_scenario(of).run(begin, np.timedelta64(60, "s"), np.timedelta64(1500, "ms")))
    operation = running(of)
    for run in runs:
        for at, time in enumerate(run.paths.time):
            ahead_s = (time - operation.now().time) / np.timedelta64(1, "s")
            if ahead_s > 0.0:
                operation.set_time(step_s=float(ahead_s))
            snapshot = operation.now()
            states = snapshot.states
            assert states is not None
            assert snapshot.age_s <= 0.1
            assert np.array_equal(states.satellite, run.paths.satellite)
            assert np.array_equal(states.gateway, run.paths.gateway)
            assert np.array_equal(states.cause, run.paths.cause)
            np.testing.assert_allclose(states.rtt_s, run.paths.rtt_s[at], rtol=0, atol=3e-7)
            np.testing.assert_allclose(states.rate_down_bps, run.paths.rate_down_bps[at], rtol=3e-4)
            np.testing.assert_allclose(states.elevation_deg, run.paths.elevation_deg[at], atol=0.01)
            turn = (states.azimuth_deg - run.paths.azimuth_deg[at] + 180.0) % 360.0 - 180.0
            assert np.abs(turn * np.cos(np.radians(states.elevation_deg))).max() < 0.01
        plan = operation.now().current
        assert plan is not None
        assert np.array_equal(plan.plan.seen_reason, run.plan.seen_reason)


def test_plans_are_ready_long_before_their_slots_and_drafts_come_true(running: Opener) -> None:
    wall = Wall()
    operation = running(paused=False, wall=wall)
    eventually(lambda: len(operation.now().view.drafts) == AHEAD - 1)
    for _ in range(4):
        drafts = {draft.slot: draft.plan.satellite for draft in operation.now().view.drafts}
        next_slot = operation.now().slot + 2
        wall.move(SLOT_S)
        eventually(partial(_planned, operation, next_slot))
        made = operation.now().view.plans[next_slot]
        assert np.array_equal(made.plan.satellite, drafts[next_slot])
        assert made.ready_before_s >= 10.0
        eventually(lambda: len(operation.now().view.drafts) == AHEAD - 1)
    assert operation.now().view.late == 0


def test_a_late_plan_is_counted_and_told_and_nobody_has_a_path_meanwhile(running: Opener) -> None:
    wall = Wall()
    operation = running(paused=False, wall=wall)
    eventually(lambda: operation.now().following is not None)
    late_slot = operation.now().slot + 2
    with operation._planning:  # planning hangs
        wall.move(2 * SLOT_S)
        eventually(lambda: operation.now().view.late == 1)
        snapshot = operation.now()
        assert snapshot.slot == late_slot
        assert snapshot.current is None
        assert not snapshot.served.any()
        assert [view.words for view in operation.terminals()] == ["no plan in time"] * 2
        assert operation.events.since(0)[-1].kind == "late"
        wall.move(3)
    eventually(lambda: operation.now().current is not None)
    snapshot = operation.now()
    assert snapshot.served.all()
    assert snapshot.current is not None
    assert snapshot.current.ready_before_s == -3.0
    assert snapshot.view.late == 1


def test_a_terminal_that_is_added_is_served_within_a_slot_and_gone_when_it_is_removed(running: Opener) -> None:
    operation = running()
    operation.set_time(step_s=4.0)
    assert operation.add_terminal({"name": "vienna", "latitude_deg": 48.2, "longitude_deg": 16.37}) == "vienna"
    operation.set_time(step_s=2.0)
    assert "vienna" not in operation.now().roster.row
    eventually(lambda: _next(operation).generation == operation.now().view.generation)
    operation.set_time(step_s=9.0)
    assert operation.terminal("vienna").state == "served"
    operation.remove_terminal("vienna")
    eventually(lambda: _next(operation).generation == operation.now().view.generation)
    operation.set_time(step_s=15.0)
    with pytest.raises(NotFoundError, match="vienna"):
        operation.terminal("vienna")
    assert [session.terminal for session in operation.sessions("vienna", 0, 2**62)] == ["vienna"]


def test_a_terminal_that_moves_is_where_its_track_says(running: Opener) -> None:
    operation = running()
    now = operation.now().time
    track = moving_from((50.67, 4.61), [(51.67, 4.61)], 250.0, now)
    operation.move_terminal("louvain", track=track)
    eventually(lambda: _next(operation).generation == operation.now().view.generation)
    operation.set_time(step_s=15.0)
    view = operation.terminal("louvain")
    assert view.moving
    assert view.speed_m_s == pytest.approx(250.0, rel=2e-3)
    along_m = (view.latitude_deg - 50.67) * 111_195.0  # a degree of the mean sphere
    assert along_m == pytest.approx(250.0 * 22.5, rel=3e-3)  # in the middle of the slot
    operation.move_terminal("louvain", 10.0, 20.0)
    eventually(lambda: _next(operation).generation == operation.now().view.generation)
    operation.set_time(step_s=15.0)
    view = operation.terminal("louvain")
    assert (view.moving, view.latitude_deg, view.longitude_deg) == (False, 10.0, 20.0)


def test_a_failure_acts_from_the_next_slot_on_until_it_is_mended(running: Opener) -> None:
    operation = running()
    operation.set_time(step_s=3.0)
    states = operation.now().states
    assert states is not None
    for pop in operation.now().world.ground.pops.name:
        operation.inject_failure("pop", pop, note="all of them")
    eventually(lambda: _next(operation).generation == operation.now().view.generation)
    operation.set_time(step_s=13.0)
    assert {view.reason for view in operation.terminals()} == {Reason.POP_OUT}
    for failure in operation.now().view.failures:
        operation.end_failure(failure.number)
    eventually(lambda: _next(operation).generation == operation.now().view.generation)
    operation.set_time(step_s=15.0)
    assert operation.now().served.all()
    with pytest.raises(SkyhaulError, match="is over"):
        operation.end_failure(1)


def test_elements_are_swapped_without_a_gap_and_satellites_are_held_across_it(running: Opener) -> None:
    operation = running(scenario(scheduler={"strategy": "sticky"}))
    operation.set_time(step_s=16.0)
    before = operation.terminals()
    # The same shell as elements in another order: numbers stay with their satellites, indices do not.
    elements = operation.now().world.elements
    order = np.random.default_rng(3).permutation(len(elements))
    world = operation.now().world
    swapped = _with_elements(world, elements.select(order))
    with operation._mutex:
        operation._change(world=swapped)
    eventually(lambda: _next(operation).generation == operation.now().view.generation)
    operation.set_time(step_s=15.0)
    after = operation.terminals()
    assert operation.now().world.elements.name[0] != elements.name[0]
    assert [view.state for view in after] == ["served", "served"]
    twin = running(scenario(scheduler={"strategy": "sticky"}))
    twin.set_time(step_s=31.0)
    assert [view.satellite_number for view in after] == [view.satellite_number for view in twin.terminals()]
    assert [view.satellite_number for view in before] != [-1, -1]
    assert operation.now().view.late == 0


def test_other_elements_take_over(running: Opener) -> None:
    operation = running()
    with pytest.raises(NotFoundError, match="no such file"):
        operation.swap_elements("/nowhere/elements.tle")
    operation.swap_elements(ConstellationTable(walker=("D:570:70.0:720/36/11",)))
    eventually(lambda: _next(operation).generation == operation.now().view.generation)
    operation.set_time(step_s=16.0)
    assert len(operation.now().world.elements) == 720
    assert operation.now().view.late == 0


def test_time_is_paused_stepped_sped_up_and_set(running: Opener) -> None:
    wall = Wall()
    operation = running(wall=wall)
    wall.move(100.0)
    assert operation.now().time_ns == BEGIN
    with pytest.raises(InputError, match="step"):
        operation.set_time(step_s=0.0)
    operation.set_time(step_s=200.0)
    assert operation.now().time_ns == BEGIN + 200 * SECOND
    assert operation.now().view.late == 0
    slots = [event.detail["slot"] for event in operation.events.since(0) if event.kind == "slot"]
    assert slots == list(range(slots[0], slots[0] + 14))
    operation.set_time(speed=4.0, paused=False)
    wall.move(1.0)
    assert operation.now().time_ns == BEGIN + 204 * SECOND
    with pytest.raises(InputError, match="pause first"):
        operation.set_time(step_s=1.0)
    at = np.datetime64("2024-02-20T00:00:00", "ns")
    operation.set_time(at=at, paused=True)
    assert operation.now().time == at
    assert operation.now().served.all()
    assert len(operation.history("louvain").time_ns) <= 1


def test_history_is_every_second_as_it_was_lived(running: Opener) -> None:
    operation = running()
    operation.set_time(step_s=100.0)
    history = operation.history("louvain")
    assert np.array_equal(history.time_ns, BEGIN + np.arange(1, 101) * SECOND)
    assert np.isfinite(history.rtt_ms).all()
    assert (history.loss == 0.0).all()
    by_slot = history.satellite[SLOT_S - 1 : -1].reshape(-1, SLOT_S) if len(history.satellite) == 105 else None
    sessions = operation.sessions("louvain", 0, 2**62)
    for time_ns, satellite in zip(history.time_ns.tolist(), history.satellite.tolist(), strict=True):
        session = next(one for one in sessions if one.start_ns <= time_ns < one.end_ns)
        assert session.satellite == satellite
    assert by_slot is None
    operation.set_time(step_s=1000.0)
    assert len(operation.history("louvain").time_ns) == 900
    assert len(operation.history("louvain", 60).time_ns) == 60


def test_events_are_numbered_and_resumed(running: Opener) -> None:
    operation = running()
    operation.set_time(step_s=60.0)
    events = operation.events.since(0)
    assert [event.number for event in events] == list(range(1, len(events) + 1))
    assert {"slot", "handover"} <= {event.kind for event in events}
    assert operation.events.since(events[4].number) == events[5:]
    assert operation.events.since(10**9) == events  # of another process


def test_what_comes_next_is_what_comes(running: Opener) -> None:
    operation = running()
    eventually(lambda: len(operation.now().view.drafts) == AHEAD - 1)
    said = operation.next_handover("louvain")
    assert said.at_ns is not None
    assert said.after is not None
    operation.set_time(step_s=(said.at_ns - operation.now().time_ns) / SECOND + 1.0)
    assert operation.terminal("louvain").satellite_number == said.after.satellite_number
    listed = operation.candidates("louvain")
    assert [one.satellite_number for one in listed if one.chosen] == [said.after.satellite_number]
    elevations = [one.elevation_deg for one in listed]
    assert elevations == sorted(elevations, reverse=True)
    other = next(one for one in listed if not one.chosen and one.reason == Reason.NOT_CHOSEN)
    why = operation.why_satellite("louvain", str(other.satellite_number))
    assert "another was chosen" in why.words
    path = operation.path("louvain")
    kinds = [hop.kind for hop in path.hops]
    assert (kinds[0], kinds[-2:]) == ("terminal", ["gateway", "pop"])
    assert path.rtt_s == pytest.approx(2 * sum(hop.delay_s for hop in path.hops) + path.access_network_s)


@pytest.mark.parametrize(
    ("document", "word"),
    [
        ({"name": "x"}, "latitude_deg"),
        ({"name": "x", "latitude_deg": 99.0, "longitude_deg": 0.0}, "latitude_deg"),
        ({"name": "x", "latitude_deg": 9.0, "longitude_deg": 0.0, "colour": "red"}, "colour"),
        ({"name": "louvain", "latitude_deg": 9.0, "longitude_deg": 0.0}, "already"),
        ({"name": "x", "latitude_deg": 9.0, "longitude_deg": 0.0, "pop": "Atlantis"}, "Atlantis"),
    ],
)
def test_what_is_no_terminal_is_refused_and_changes_nothing(
    running: Opener, document: dict[str, Any], word: str
) -> None:
    operation = running()
    before = operation.now().view.generation
    with pytest.raises((ScenarioError, SkyhaulError), match=word):
        operation.add_terminal(document)
    assert operation.now().view.generation == before
    assert set(operation.now().view.roster.row) == {"louvain", "lincoln"}


def test_whoever_asks_meanwhile_sees_whole_snapshots_and_waits_for_nothing(running: Opener) -> None:
    """Readers that never rest, while time runs and terminals come and go."""
    wall = Wall()
    operation = running(paused=False, wall=wall)
    stop, seen, wrong = threading.Event(), [0, 0, 0], []

    def read(which: int) -> None:
        try:
            while not stop.is_set():
                snapshot = operation.now()
                states = snapshot.states
                if states is not None:
                    assert len(states.cause) == len(snapshot.roster) == len(snapshot.served)
                    assert 0.0 <= snapshot.age_s <= 0.1
                assert len(operation.terminals()) >= 2
                operation.next_handover("louvain")
                operation.path("lincoln")
                operation.history("louvain", 60)
                seen[which] += 1
        except Exception as error:
            wrong.append(error)

    readers = [threading.Thread(target=read, args=(which,)) for which in range(3)]
    for reader in readers:
        reader.start()
    for turn in range(20):
        operation.add_terminal({"name": f"t{turn}", "latitude_deg": 40.0 + turn, "longitude_deg": 5.0})
        if turn % 3 == 2:
            operation.remove_terminal(f"t{turn - 1}")
        wall.move(4.0)
        eventually(lambda: operation.now().current is not None or bool(wrong))
    with operation._planning:  # nobody waits for plans
        before = list(seen)
        eventually(lambda: all(now > then for now, then in zip(seen, before, strict=True)) or bool(wrong))
    stop.set()
    for reader in readers:
        reader.join()
    assert wrong == []
    assert len(operation.now().view.roster) == 2 + 20 - 6


def test_a_system_that_cannot_start_lets_go_of_its_folder(folder: Path) -> None:
    broken = scenario(constellation={"walker": ["D:550:53.0:1/1/0"]})
    operation = Operation.open(broken, folder=folder, paused=True)

    def fail(*_: object) -> None:
        raise StoreError("no", where="planner")

    operation._plan_first = fail  # type: ignore[method-assign]
    with pytest.raises(StoreError), operation:
        pass
    with Operation.open(broken, folder=folder, paused=True) as again:
        assert [view.state for view in again.terminals()] == ["no_path", "no_path"]


def _next(operation: Operation) -> SlotPlan:
    """The plan of the next slot, once there is one."""
    eventually(lambda: operation.now().following is not None)
    plan = operation.now().following
    assert plan is not None
    return plan


def _planned(operation: Operation, slot: int) -> bool:
    return slot in operation.now().view.plans


def _with_elements(world: World, elements: Elements) -> World:
    """The same world with other elements, none of them read from anywhere."""
    height = altitude_km(elements.mean_motion_rev_day, elements.eccentricity, elements.inclination_deg)
    grid = grid_links(elements)
    return replace(
        world,
        constellation=Constellation(elements),
        axis_m=1e3 * (EARTH_RADIUS_KM + height),
        links=lambda _: grid,
    )
