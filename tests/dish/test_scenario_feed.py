"""Dishes of a real scenario: what they show is what the plans and paths say."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skyhaul.control.decision import Code
from skyhaul.dish import (
    STEP_NS,
    Cause,
    Dish,
    Mobility,
    ScenarioFeed,
    answer,
    message,
    scenario_hardware,
)
from skyhaul.errors import NotFoundError, TimeRangeError
from skyhaul.network import Reason
from skyhaul.scenario import Scenario, load_scenario
from skyhaul.system import Engine, SlotRun, System
from tests.dish.tapes import SECOND, START

ROOT = Path(__file__).parents[2]
BEGIN = np.datetime64(START, "ns")
SPAN_S = 120
WALL = [[0.0, 85.0], [90.0, 85.0], [180.0, 85.0], [270.0, 85.0]]


class Clock:
    """A clock that a test sets; seconds."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> int:
        return round(self.now_s * SECOND)


@pytest.fixture(scope="module")
def system() -> System:
    """A town that is served, one behind walls, and one without a grant in its second half minute."""
    return System.from_scenario(
        Scenario.model_validate(
            {
                "name": "dishes",
                "time": {"start": "2024-02-17T12:00:12Z"},
                "constellation": {"walker": ["D:550:53.0:1584/72/39"]},
                "terminals": [
                    {"name": "louvain", "latitude_deg": 50.67, "longitude_deg": 4.61, "model": "flat"},
                    {"name": "walled", "latitude_deg": 48.2, "longitude_deg": 16.37, "obstruction": WALL},
                    {"name": "refused", "latitude_deg": 40.81, "longitude_deg": -96.7},
                ],
                "withheld": [{"terminal": "refused", "start": "+35s", "end": "+65s"}],
            }
        )
    )


@pytest.fixture(scope="module")
def runs(system: System) -> list[SlotRun]:
    """The same time, run in a batch."""
    return list(system.run(BEGIN, np.timedelta64(SPAN_S, "s"), np.timedelta64(STEP_NS, "ns")))


@pytest.fixture(scope="module")
def lived(system: System) -> Iterator[dict[str, Dish]]:
    """The dishes of all terminals after two minutes, followed slot by slot."""
    clock, hardware = Clock(), scenario_hardware(system.world.scenario)
    dishes = {name: Dish(name, kind, ready=True, serves_context=True) for name, kind in hardware.items()}
    with ScenarioFeed(system, BEGIN, clock=clock) as feed:
        for second in range(SPAN_S):
            clock.now_s = float(second)
            _wait_for_plan(feed)
            for dish in dishes.values():
                dish.follow(feed)
        assert feed.late == 0
        yield dishes


def _wait_for_plan(feed: ScenarioFeed) -> None:
    """The clock jumps: give the planning its time."""
    end = time.monotonic() + 10.0
    while feed.state("louvain", feed.now_ns() + 14 * SECOND).cause is None and time.monotonic() < end:
        time.sleep(0.005)


def ask(dish: Dish, request: str) -> Any:
    return answer(dish, message("Request")(**{request: {}}))


def column(runs: list[SlotRun], name: str, terminal: int) -> np.ndarray:
    return np.concatenate([getattr(run.paths, name)[:, terminal] for run in runs])


def test_latencies_are_those_of_the_paths(lived: dict[str, Dish], runs: list[SlotRun]) -> None:
    history = ask(lived["louvain"], "get_history").dish_get_history
    rtt_ms = 1e3 * column(runs, "rtt_s", 0)
    assert history.current == SPAN_S - 1
    shown = np.array(history.pop_ping_latency_ms[1 : history.current])
    looks = np.stack([rtt_ms[3 : 2 * history.current + 1 : 2], rtt_ms[4 : 2 * history.current + 1 : 2]]).mean(axis=0)
    assert shown == pytest.approx(looks, rel=1e-5)
    assert set(history.pop_ping_drop_rate[: history.current]) == {0.0}


def test_the_map_is_painted_along_the_serving_satellites(lived: dict[str, Dish], runs: list[SlotRun]) -> None:
    answered = ask(lived["louvain"], "dish_get_obstruction_map").dish_get_obstruction_map
    pixels = np.array(answered.snr).reshape(answered.num_rows, answered.num_cols)
    azimuth = np.radians(column(runs, "azimuth_deg", 0)[: 2 * SPAN_S - 1])
    r = (90.0 - column(runs, "elevation_deg", 0)[: 2 * SPAN_S - 1]) * 62 / 80
    expected = np.full((123, 123), -1.0)
    rows = np.clip(np.rint(123 - (62 + r * np.cos(azimuth))), 0, 122).astype(int)
    columns = np.clip(np.rint(62 + r * np.sin(azimuth)), 0, 122).astype(int)
    expected[rows, columns] = 1.0
    assert np.array_equal(pixels, expected)
    # As observers do: the pixels that are new since the slot started make a way without gaps.
    satellites = {int(run.paths.satellite[0]) for run in runs}
    assert len(satellites) > 1
    steps = np.maximum(np.abs(np.diff(rows)), np.abs(np.diff(columns)))
    assert np.median(steps) <= 1
    assert (steps > 2).sum() <= len(runs) - 1


def test_the_map_tells_which_way_the_satellite_is_now(lived: dict[str, Dish], runs: list[SlotRun]) -> None:
    state = lived["louvain"].state
    assert state is not None
    assert state.sight is not None
    at = SPAN_S * 2 - 2
    assert state.sight.azimuth_deg == column(runs, "azimuth_deg", 0)[at]
    assert state.sight.elevation_deg == column(runs, "elevation_deg", 0)[at]


def test_a_dish_behind_walls_sees_nothing_and_knows_where(lived: dict[str, Dish], runs: list[SlotRun]) -> None:
    assert all(run.plan.reason[1] == Reason.OBSTRUCTED for run in runs)
    dish = lived["walled"]
    status = ask(dish, "get_status").dish_get_status
    assert status.outage.cause == Cause.OBSTRUCTED
    assert status.obstruction_stats.currently_obstructed
    assert status.obstruction_stats.fraction_obstructed == 1.0
    assert status.obstruction_stats.time_obstructed == 1.0
    assert status.disablement_code == Code.OKAY
    pixels = np.array(ask(dish, "dish_get_obstruction_map").dish_get_obstruction_map.snr)
    assert set(pixels) == {-1.0, 0.0}
    assert (pixels == 0.0).sum() == status.obstruction_stats.patches_valid > 10


def test_a_grant_that_ends_takes_the_path_and_shows_the_code(lived: dict[str, Dish]) -> None:
    dish = lived["refused"]
    outages = [(o.cause, (o.start_ns - START) / SECOND, (o.end_ns - START) / SECOND) for o in dish.outages]
    # Withheld from 35 s to 65 s; service ends at once and starts again with the next slot.
    assert outages == [(Cause.NO_SCHEDULE, 35.0, 75.0)]
    assert ask(dish, "get_status").dish_get_status.disablement_code == Code.OKAY
    drops = np.array(ask(dish, "get_history").dish_get_history.pop_ping_drop_rate[:SPAN_S])
    assert drops[36:74].min() == 1.0
    assert drops[:34].max() == drops[75:].max() == 0.0


def test_the_context_names_what_serves(lived: dict[str, Dish], runs: list[SlotRun], system: System) -> None:
    context = ask(lived["louvain"], "dish_get_context").dish_get_context
    paths = runs[-1].paths
    assert context.initial_satellite_id == system.world.elements.catalog_number[paths.satellite[0]]
    assert (context.initial_gateway_id, context.pop_rack_id) == (paths.gateway[0], paths.pop[0])
    assert context.seconds_to_slot_end == 1.0


def test_the_code_is_shown_while_it_holds(system: System) -> None:
    clock = Clock()
    with ScenarioFeed(system, BEGIN + np.timedelta64(40, "s"), clock=clock) as feed:
        # Spans in a scenario count from the start of the run: it begins 40 s later.
        assert feed.state("refused", feed.now_ns()).code == Code.OKAY
        clock.now_s = 20.0
        _wait_for_plan(feed)
        clock.now_s = 36.0
        _wait_for_plan(feed)
        state = feed.state("refused", feed.now_ns())
        assert (state.cause, state.code) == (Reason.NO_GRANT, Code.ACCOUNT_DISABLED)


def test_the_decisions_of_a_whole_world_are_shown() -> None:
    system = System.from_scenario(load_scenario(str(ROOT / "scenarios" / "contested-territory" / "scenario.toml")))
    begin = system.default_start()
    (run,) = system.run(begin, np.timedelta64(1, "s"), np.timedelta64(STEP_NS, "ns"))
    shown = {}
    with ScenarioFeed(system, clock=Clock()) as feed:
        for name, hardware in scenario_hardware(system.world.scenario).items():
            dish = Dish(name, hardware, ready=True)
            dish.follow(feed)
            shown[name] = ask(dish, "get_status").dish_get_status
    decided = dict(zip(system.world.terminals.sites.name, run.leases.code.tolist(), strict=True))
    assert {name: status.disablement_code for name, status in shown.items()} == decided
    assert len(set(decided.values())) > 2
    for name, status in shown.items():
        # Without a grant no beam, and the dish says so.
        assert (decided[name] == Code.OKAY) or status.outage.cause == Cause.NO_SCHEDULE, name


def test_names_that_nobody_has_are_refused(system: System) -> None:
    with ScenarioFeed(system, BEGIN, clock=Clock()) as feed, pytest.raises(NotFoundError, match="louvain"):
        feed.state("louvainn", feed.now_ns())


def test_a_late_plan_is_counted_and_dishes_wait_without_a_schedule(system: System) -> None:
    clock = Clock()
    with ScenarioFeed(system, BEGIN, clock=clock) as feed:
        dish = Dish("louvain", scenario_hardware(system.world.scenario)["louvain"], ready=True)

        def cause_at(seconds: float) -> Cause | None:
            clock.now_s = seconds
            dish.follow(feed)
            return dish.cause

        assert cause_at(0.0) is None
        assert cause_at(100.0) == Cause.NO_SCHEDULE  # six slots at once
        _wait_for_plan(feed)
        assert feed.late >= 5
        assert cause_at(101.0) is None


def test_planning_that_fails_is_told_to_who_asks(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    with ScenarioFeed(system, BEGIN, clock=clock) as feed:
        _wait_for_plan(feed)

        def fail(*_: object) -> None:
            raise TimeRangeError("no satellite has a position")

        monkeypatch.setattr(Engine, "plan", fail)
        clock.now_s = 16.0

        def ask_on() -> None:
            for _ in range(1000):
                feed.now_ns()
                time.sleep(0.01)

        with pytest.raises(TimeRangeError, match="no satellite"):
            ask_on()


def test_the_scenarios_time_runs_at_its_own_speed(system: System) -> None:
    clock = Clock()
    with ScenarioFeed(system, BEGIN, clock=clock, speed=20.0) as feed:
        clock.now_s = 1.0
        assert feed.now_ns() == START + 20 * SECOND


def test_a_dish_is_what_its_terminal_is(system: System) -> None:
    hardware = scenario_hardware(system.world.scenario)
    assert hardware["louvain"].hardware_version == "flat"
    assert hardware["walled"].hardware_version == "skyhaul"
    assert hardware["louvain"].mobility == Mobility.STATIONARY
    ids = {kind.id for kind in hardware.values()}
    assert len(ids) == 3
