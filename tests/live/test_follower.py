"""Sources of tables: what plans is another process, ahead of what is needed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from skyhaul.emulation import LinkTable
from skyhaul.errors import InputError, NotFoundError, SkyhaulError
from skyhaul.live import (
    PlannedSource,
    ScenarioSpec,
    scenario_source,
    trace_of_scenario,
    trace_source,
    write_trace,
)
from skyhaul.live._scenario_plans import ScenarioPlans
from skyhaul.live._source import BEHIND_NS, REACH_NS
from skyhaul.scenario import load_scenario

START = datetime(2024, 2, 17, 12, 0, 12, tzinfo=UTC)
S = 1_000_000_000


@pytest.fixture(scope="module")
def running() -> Iterator[PlannedSource]:
    """Two terminals of the world, for a look at the tables as time goes by."""
    with scenario_source("world", ("quito", "kyiv"), start=START) as source:
        source.ready()
        source.start(time.monotonic_ns())
        yield source


def wait_for(what: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it does not come"
        time.sleep(0.02)


def test_windows_reach_from_a_second_before_to_eight_after(running: PlannedSource) -> None:
    now = time.monotonic_ns()
    for direction in range(4):
        window = running.window(direction, now)
        assert window.time_ns[-1] >= now + REACH_NS
        assert window.time_ns[0] <= now
        assert window.time_ns.size <= running.bounds(direction).rows
        assert window.peak_rate_bps <= running.bounds(direction).rate_bps
        assert not window.outage.any()
    assert running.terminals == ("quito", "kyiv")
    assert {running.home(0), running.home(1)} <= set(running.pops)
    one, other = running.home(0), running.home(1)
    assert running.backbone_ns(one, other) == running.backbone_ns(other, one) > 10_000_000
    assert running.backbone_ns(one, one) == 0


def test_windows_are_what_the_same_scenario_plans_here(running: PlannedSource) -> None:
    plans = ScenarioPlans(ScenarioSpec("world", terminals=("quito", "kyiv"), start=START), 0)
    chunks = plans.chunks()
    here = [next(chunks) for _ in range(4)]
    now = time.monotonic_ns()
    zero = running._zero
    times = now + np.arange(0, 7 * S, 1_234_567)
    for direction in range(4):
        window = running.window(direction, now)
        row = np.searchsorted(window.time_ns, times, side="right") - 1
        compared = 0
        for chunk in here:
            own = chunk.rows[direction]
            table = LinkTable(
                own["time"].copy(), own["delay"].copy(), own["rate"].copy(), own["loss"].copy(), own["out"] != 0
            )
            inside = (times - zero >= chunk.start_ns) & (times - zero < chunk.stop_ns - 1)
            since = times[inside] - zero - chunk.start_ns
            assert np.array_equal(window.delay_at(times[inside]), table.delay_at(since))
            assert np.array_equal(
                window.rate_bps[row[inside]], own["rate"][np.searchsorted(own["time"], since, side="right") - 1]
            )
            compared += int(inside.sum())
        assert compared >= times.size - 8


def test_the_state_says_who_carries_a_terminal(running: PlannedSource) -> None:
    plans = ScenarioPlans(ScenarioSpec("world", terminals=("quito",), start=START), 0)
    (span,) = plans.links(plans.engine.plan_at(plans.start))[0].spans
    state = running.state(0, running._zero + S)
    assert (state.satellite, state.gateway, state.pop) == (span.satellite, span.gateway, span.pop)
    assert state.served
    assert state.until_ns == running._zero + 15 * S
    assert 0.015 < state.rtt_s < 0.5
    up, down = (running.window(way, running._zero + S).delay_at(np.array([running._zero + S]))[0] for way in (0, 1))
    assert state.rtt_s == pytest.approx((up + down) * 1e-9)


def test_a_follower_at_a_high_speed_stays_ahead_and_publishes_without_a_gap() -> None:
    # Slots of a second and a half: the run needs four beyond those that are planned before it starts.
    published: dict[int, list[tuple[int, LinkTable]]] = {0: [], 1: []}
    with scenario_source("world", ("kyiv",), start=START, speed=10.0) as source:
        begun = time.monotonic_ns()
        source.start(begun)
        source.follow(lambda direction, table: published[direction].append((time.monotonic_ns(), table)))
        time.sleep(6.5)
        source.stop()
        summary = source.summary()
    assert summary["late"] == 0
    assert summary["least_ahead_s"] > 10.0
    assert summary["planned"] >= (6.5 + 15.0) / 1.5
    for windows in published.values():
        assert len(windows) >= 3
        for (at, window), (after, _) in pairwise(windows):
            assert window.time_ns[0] <= at - BEHIND_NS or window.time_ns[0] <= begun
            assert window.time_ns[-1] >= after + 5 * S, "less than 5 s ahead when the next window came"
            assert not window.outage.any()


def test_by_the_clock_a_slot_starts_when_it_starts() -> None:
    with scenario_source("world", ("kyiv",), live=True, changes={"constellation.preset": "starlink-gen1"}) as source:
        source.start(0)
        now, utc = time.monotonic_ns(), time.time_ns()
        state = source.state(0, now)
        ends_utc = utc + state.until_ns - now
        # Slots start at :12, :27, :42 and :57 of every minute.
        assert (ends_utc - 12 * S + 5_000_000) % (15 * S) < 10_000_000
        assert state.until_ns - now <= 15 * S


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_without_its_planner_a_link_ends_where_its_plan_ends() -> None:
    with scenario_source("world", ("kyiv",), start=START, speed=10.0) as source:
        source.start(time.monotonic_ns())
        kept: list[LinkTable] = []
        source.follow(lambda direction, table: kept.append(table) if direction == 0 else None)
        os.kill(source._process.pid, signal.SIGKILL)
        wait_for(lambda: source.summary()["failure"] is not None)
        end = source._planned_until()
        source.stop()
        assert source.summary()["failure"] == "what plans the link has ended"
        window = source.window(0, end - S)
        assert window.outage[-1]
        assert window.time_ns[-1] == end
        state = source.state(0, end + S)
        assert not state.served
        assert state.code == "no_plan"
        late = source.window(0, end + 60 * S)
        assert late.outage.all()


def test_closing_leaves_no_process() -> None:
    source = scenario_source("world", ("kyiv",))
    source.ready()
    process = source._process
    before = time.monotonic()
    source.close()
    assert time.monotonic() - before < 2.0
    assert process.returncode is not None


def test_a_planner_ends_when_nobody_listens_any_more() -> None:
    body = (
        "import os, sys; from skyhaul.live import scenario_source\n"
        "source = scenario_source('world', ('kyiv',)); source.ready()\n"
        "print(source._process.pid, 'numpy' in sys.modules, flush=True); os._exit(0)"
    )
    ran = subprocess.run([sys.executable, "-c", body], capture_output=True, text=True, timeout=60, check=True)
    pid, numpy_loaded = ran.stdout.split()
    # What makes user namespaces opens its source first: NumPy's threads would be in its way.
    assert numpy_loaded == "False"
    wait_for(lambda: not Path(f"/proc/{pid}").exists() or _is_zombie(pid))


def _is_zombie(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.mark.parametrize(
    ("arguments", "kind", "what"),
    [
        ({"scenario": "world", "terminals": ("kiev",)}, NotFoundError, "kyiv"),
        ({"scenario": "no-such-scenario"}, NotFoundError, "no scenario file or preset"),
        ({"scenario": "world", "terminals": ("kyiv", "kyiv")}, InputError, "named twice"),
        ({"scenario": "world", "speed": 1000.0}, InputError, "a speed of 1000"),
        ({"scenario": "world", "live": True, "speed": 2.0}, InputError, "by the clock"),
    ],
)
def test_what_is_wrong_with_a_scenario_is_said_in_one_line(
    arguments: dict[str, object], kind: type[SkyhaulError], what: str
) -> None:
    with scenario_source(**arguments) as source, pytest.raises(kind, match=what):  # type: ignore[arg-type]
        source.ready()


def test_a_trace_that_is_not_there_is_said_in_one_line(tmp_path: Path) -> None:
    with trace_source(tmp_path / "gone.csv") as source, pytest.raises(InputError, match=r"gone\.csv: no such file"):
        source.ready()


def test_a_short_trace_repeats_on_every_link(tmp_path: Path) -> None:
    path = tmp_path / "short.csv"
    path.write_text("time,rtt_ms\n0,20\n1,40\n2,60\n")
    with trace_source(path, names=("a", "b")) as source:
        source.ready()
        zero = time.monotonic_ns()
        source.start(zero)
        assert source.terminals == ("a", "b")
        times = zero + np.array([0.5, 1.5, 2.5, 3.5, 4.5]) * S
        for direction in range(4):
            delay = source.window(direction, zero).delay_at(times.astype(np.int64))
            assert delay.tolist() == [10e6, 20e6, 30e6, 10e6, 20e6]
        state = source.state(1, zero + 3 * S + S // 2)
        assert state.rtt_s == pytest.approx(0.02)
        assert state.rate_down_bps == float("inf")


def test_nothing_of_a_source_is_left_in_threads() -> None:
    assert not [thread for thread in threading.enumerate() if thread.name == "skyhaul-follow"]


def test_a_trace_with_slots_says_when_the_next_one_comes_and_one_without_says_nothing(tmp_path: Path) -> None:
    plain = tmp_path / "plain.csv"
    plain.write_text("time,rtt_ms\n0,20\n20,20\n")
    scenario = load_scenario("world")
    recorded = trace_of_scenario(
        scenario, "kyiv", START + timedelta(seconds=5), timedelta(seconds=40), timedelta(seconds=1)
    )
    write_trace(recorded, tmp_path / "slots.json")
    for path, ends in ((plain, 0), (tmp_path / "slots.json", 10 * S)):
        with trace_source(path) as source:
            zero = time.monotonic_ns()
            source.start(zero)
            assert source.state(0, zero + 2 * S).until_ns == zero + max(ends, 2 * S)
