"""Tables of links against the path states that they come from."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest

from skyhaul.emulation import LinkTable
from skyhaul.live import ScenarioSpec
from skyhaul.live._path_tables import SAMPLE_NS, SLOT_NS, Rows, SlotLink, link_rows, sample_times
from skyhaul.live._scenario_plans import ScenarioPlans
from skyhaul.live._source import REACH_NS
from skyhaul.network import Paths, Plan, Reason, packet_extra_s, slot_start
from skyhaul.scenario import Scenario, changed_scenario, load_scenario
from skyhaul.types import Ints

NAMES = ("kyiv", "mcmurdo", "quito", "tokyo")
START = datetime(2024, 2, 17, 12, 0, 12, tzinfo=UTC)


def plans_of(scenario: Scenario, **more: object) -> ScenarioPlans:
    return ScenarioPlans(ScenarioSpec(scenario, terminals=NAMES, start=START, **more), 0)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def world() -> Scenario:
    return load_scenario("world")


@pytest.fixture(scope="module")
def still(world: Scenario) -> Scenario:
    """The same without waits: a link's delay is the path's."""
    return changed_scenario(world, {"delay.queueing": False})


def table(rows: Rows) -> LinkTable:
    return LinkTable(
        rows["time"].copy(), rows["delay"].copy(), rows["rate"].copy(), rows["loss"].copy(), rows["out"] != 0
    )


def first_slots(plans: ScenarioPlans, count: int) -> list[tuple[Plan, list[SlotLink]]]:
    found = []
    plan = plans.engine.plan_at(plans.start)
    for _ in range(count):
        found.append((plan, plans.links(plan)))
        plan = plans.engine.plan(plan.slot + 1, plan)
    return found


def paths_at(plans: ScenarioPlans, plan: Plan, offsets_ns: Ints) -> Paths:
    return plans.engine.paths(plan, slot_start(plan.slot) + offsets_ns.astype("timedelta64[ns]"))


def columns(plans: ScenarioPlans) -> list[int]:
    known = plans.world.terminals.sites.name
    return [known.index(name) for name in NAMES]


def test_without_waits_the_delay_is_the_paths_at_its_samples_and_between(still: Scenario) -> None:
    plans = plans_of(still)
    offsets = np.arange(0, SLOT_NS, 50_000_000)
    sampled = offsets % SAMPLE_NS == 0
    for plan, links in first_slots(plans, 3):
        paths = paths_at(plans, plan, offsets)
        for k, link in zip(columns(plans), links, strict=True):
            for rows, delay_s, rate in (
                (link.up, paths.delay_up_s, paths.rate_up_bps),
                (link.down, paths.delay_down_s, paths.rate_down_bps),
            ):
                error_ns = np.abs(table(rows).delay_at(offsets) - delay_s[:, k] * 1e9)
                assert error_ns[sampled].max() <= 1.0
                # What the module says of lines between samples: 0.03 µs.
                assert error_ns.max() <= 30.0
                row = np.searchsorted(rows["time"], offsets, side="right") - 1
                assert np.array_equal(rows["rate"][row][sampled], rate[sampled, k])


def test_no_packet_is_faster_than_light_and_none_overtakes(world: Scenario) -> None:
    plans = plans_of(world)
    times = np.sort(np.random.default_rng(5).integers(0, SLOT_NS, 3000))
    for plan, links in first_slots(plans, 3):
        paths = paths_at(plans, plan, times)
        for k, link in zip(columns(plans), links, strict=True):
            for rows in (link.up, link.down):
                delay_ns = table(rows).delay_at(times)
                assert (delay_ns >= paths.propagation_s[:, k] * 1e9 - 30.0).all()
                # In order, but for what propagation shortens by while packets wait for one grant: 50 ns a ms.
                assert np.diff(times + delay_ns).min() >= -3000.0


def test_a_link_is_its_own_slots_up_to_the_end_and_the_next_ones_from_there(still: Scenario) -> None:
    plans = plans_of(still)
    (one, before), (other, after) = first_slots(plans, 2)
    end, start = np.array([SLOT_NS - 1]), np.array([0])
    moved = 0
    for number, k in enumerate(columns(plans)):
        last = paths_at(plans, one, end).delay_up_s[0, k] * 1e9
        first = paths_at(plans, other, start).delay_up_s[0, k] * 1e9
        assert table(before[number].up).delay_at(end)[0] == pytest.approx(last, abs=1.0)
        assert table(after[number].up).delay_at(start)[0] == pytest.approx(first, abs=1.0)
        moved += before[number].spans[0].satellite != after[number].spans[0].satellite
    assert moved, "no terminal changes its satellite between these slots: the step is not tested"


def test_chunks_of_a_run_meet_and_begin_with_the_slot_that_holds_the_start(world: Scenario) -> None:
    late = replace(ScenarioSpec(world, terminals=NAMES), start=START + timedelta(seconds=4, milliseconds=500))
    chunks = ScenarioPlans(late, 0).chunks()
    parts = [next(chunks) for _ in range(3)]
    assert parts[0].start_ns == -4_500_000_000
    assert all(one.stop_ns == other.start_ns for one, other in pairwise(parts))
    on_time = next(iter(plans_of(world).chunks()))
    for rows, same in zip(parts[0].rows, on_time.rows, strict=True):
        assert np.array_equal(rows, same), "what a slot's links are depends on when one began to look"


def test_at_another_speed_slots_shrink_and_waits_do_not(world: Scenario) -> None:
    chunk = next(iter(plans_of(world, speed=10.0).chunks()))
    assert chunk.stop_ns == SLOT_NS // 10
    for rows in chunk.rows[:2]:
        # Down every frame leaves two rows: 750 a second, whatever the speed.
        assert rows["time"].max() < SLOT_NS // 10
    frames = np.unique(chunk.rows[1]["time"]).size
    assert frames == pytest.approx(750 * 1.5, rel=0.05)


def test_a_grant_that_ends_inside_a_slot_ends_the_link_then(still: Scenario) -> None:
    ends = timedelta(seconds=20, milliseconds=123, microseconds=456)
    withheld = [{"terminal": "kyiv", "start": ends}]
    plans = plans_of(changed_scenario(still, {"withheld": withheld}))
    (_, links), (_, cut), (_, none) = first_slots(plans, 3)
    assert not links[0].up["out"].any()
    within = 5_123_456_000
    for rows in (cut[0].up, cut[0].down):
        assert rows["out"][np.searchsorted(rows["time"], within - 1, side="right") - 1] == 0
        assert rows["out"][rows["time"] >= within].all()
        assert rows["time"][np.argmax(rows["out"])] == within
    assert [(span.time_ns, span.code) for span in cut[0].spans] == [(0, "served"), (within, "no_grant")]
    assert none[0].up["out"].all()
    assert none[0].spans[0].cause.startswith("no grant: ")
    # Nobody else is touched.
    assert not any(link.up["out"].any() for link in (*cut[1:], *none[1:]))


def test_a_terminal_that_no_satellite_reaches_has_an_outage_with_its_reason(still: Scenario) -> None:
    plans = plans_of(
        changed_scenario(still, {"constellation.preset": None, "constellation.walker": ("D:550:53.0:1/1/0",)})
    )
    _, links = first_slots(plans, 1)[0]
    for link in links:
        assert link.up["out"].all()
        assert link.spans[0].code == Reason.NO_SATELLITE.name.lower()
        assert link.spans[0].cause == Reason.NO_SATELLITE.words


def test_delays_are_distributed_as_the_states_of_a_dataset_are(world: Scenario) -> None:
    # Kolmogorov and Smirnov on the waits: 600 instants far apart of 50 slots, against the dataset's own draws.
    from scipy.stats import ks_2samp

    plans = plans_of(world)
    rng = np.random.default_rng(7)
    found: dict[str, list[float]] = {"up": [], "down": []}
    drawn: dict[str, list[float]] = {"up": [], "down": []}
    rows = columns(plans)
    for plan, links in first_slots(plans, 50):
        times = np.sort(rng.integers(0, SLOT_NS, 3))
        paths = paths_at(plans, plan, times)
        extra = packet_extra_s(plans.world.delay, 0, paths.time, plans.world.terminals.key)
        for k, link in zip(rows, links, strict=True):
            for way, table_rows, delay_s, own in (
                ("up", link.up, paths.delay_up_s, extra.up_s),
                ("down", link.down, paths.delay_down_s, extra.down_s),
            ):
                base = delay_s[:, k] - own[:, k]
                found[way] += list(table(table_rows).delay_at(times) * 1e-9 - base)
                drawn[way] += list(own[:, k])
    for way in ("up", "down"):
        assert min(found[way]) >= -1e-6
        assert ks_2samp(found[way], drawn[way]).pvalue > 0.01


def test_windows_hold_the_rows_that_bounds_make_room_for(world: Scenario) -> None:
    plans = plans_of(world)
    chunk = next(iter(plans.chunks()))
    bounds = plans.facts().bounds
    for (rate, delay, room), rows in zip(bounds, chunk.rows, strict=True):
        span = REACH_NS + 2_000_000_000
        most = max(np.searchsorted(rows["time"], rows["time"] + span) - np.arange(rows.size))
        assert most <= room
        assert rows["rate"].max() <= rate
        assert rows["delay"].max() <= delay


@pytest.mark.parametrize("hold", [False, True])
def test_rows_hold_or_join_what_is_known(hold: bool) -> None:
    from skyhaul.live._jitter import Waits

    at = np.array([0, 100, 200], np.int64)
    none = Waits(np.zeros(0, np.int64), np.zeros(0, np.int64))
    rows = link_rows(
        at, np.array([10.0, 30.0, 0.0]), np.ones(3), np.zeros(3), np.array([False, False, True]), none, hold=hold
    )
    assert rows["delay"].tolist() == [10, 30, 0]
    assert rows["out"].tolist() == [0, 0, 1]


def test_sample_times_cover_a_slot() -> None:
    times = sample_times(100)
    assert times[0] == slot_start(100)
    assert times[-1] == slot_start(101) - np.timedelta64(1, "ns")
    assert np.diff(times).max() <= np.timedelta64(SAMPLE_NS, "ns")
