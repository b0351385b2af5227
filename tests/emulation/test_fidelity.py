"""What real links did against what they were told: the benchmark's measures in short, and that they find what is wrong.

That drop-tail and CoDel do to every packet what the plain state machine does is in test_codel and test_engine.
"""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import pytest
from benchmarks._pauses import touched
from benchmarks._playout import frames_of, freezes, shown_s
from benchmarks.fidelity import _errors_us, drain, flood, judge_losses, plan_trace, probe, queues, windows

from skyhaul.emulation import LinkTable
from skyhaul.live import Trace
from tests.emulation.recorded import MS, constant

S = 1_000_000_000
real = pytest.mark.usefixtures("namespaces", "root")
NONE = np.zeros((0, 2), np.int64)


@pytest.fixture(scope="module")
def root() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can open sockets in the networks of a world")


def hastened(trace: Trace, times: int) -> Trace:
    """The same handovers, nearer to each other."""

    def sooner(table: LinkTable) -> LinkTable:
        return replace(table, time_ns=table.time_ns // times, period_ns=table.period_ns // times)

    return replace(trace, up=sooner(trace.up), down=sooner(trace.down))


@real
def test_across_handovers_of_a_plan_nothing_is_early_overtaken_or_lost() -> None:
    trace = hastened(plan_trace(60.0), 6)  # five starts of slots in ten seconds
    steps = np.abs(np.diff(trace.up.delay_ns))[np.diff(trace.up.time_ns) == 0]
    assert np.count_nonzero(steps > MS) >= 3
    errors, numbers = probe(trace, 9.0)
    assert errors.min() >= -10.0
    assert numbers.tolist() == list(range(9000))


@real
@pytest.mark.parametrize("mbit", [1.0, 100.0])
def test_a_second_carries_the_rate(mbit: float) -> None:
    came = flood(["--rate", f"{mbit}mbit", "--queue", "1s"], mbit * 1.5e6, 3.0, 1472)
    rates, _ = windows(came.times_ns[came.times_ns > came.times_ns[0] + S // 2], 1500, NONE)
    assert rates.size > 50
    # Half of the seconds: one that begins or ends where the machine paused is off by that.
    assert np.median(np.abs(rates / (mbit * 1e6) - 1)) < 0.005


@real
@pytest.mark.parametrize("burst", [1.0, 5.0])
def test_losses_are_of_segments_as_many_and_as_long_as_was_said(burst: float) -> None:
    options = ["--loss-up", "0.02", "--seed", "9", *(["--burst", str(burst)] if burst > 1 else [])]
    came = flood(options, 100e6, 3.0, 972)
    assert came.burst >= 20  # sent in super-packets
    lost = np.ones(came.sent, bool)
    lost[came.numbers] = False
    off, _, length_off = judge_losses(lost, 0.02, burst)
    assert off < 4
    assert length_off < 4
    if burst == 1:
        whole = lost[: lost.size // came.burst * came.burst].reshape(-1, came.burst).all(axis=1)
        assert not whole.any()


@real
def test_a_backlog_drains_at_the_new_rate() -> None:
    # The best of three: where the machine pauses at the end, that is no fault of the link's.
    off = []
    for _ in range(3):
        took, ideal = drain()
        off.append(abs(took / ideal - 1))
        if off[-1] < 0.01:
            return
    pytest.fail(f"off by {off}")


def test_queues_do_what_the_plain_loop_does() -> None:
    differ, looked = queues(1500)
    assert differ == 0
    assert looked > 5000


def test_losses_of_super_packets_or_of_another_share_are_found() -> None:
    rng = np.random.default_rng(5)
    right = rng.random(200_000) < 0.01
    assert max(judge_losses(right, 0.01, 1.0)[::2]) < 4
    assert judge_losses(rng.random(200_000) < 0.0125, 0.01, 1.0)[0] > 4
    whole = np.repeat(rng.random(5000) < 0.01, 40)
    assert judge_losses(whole, 0.01, 1.0)[2] > 4
    assert judge_losses(right, 0.01, 5.0)[2] > 4


def test_a_rate_that_is_off_is_found_and_pauses_are_left_out() -> None:
    times = np.arange(3000) * MS
    exact, out = windows(times, 1250, NONE)
    assert exact == pytest.approx(np.full(exact.size, 1e7))
    assert out == 0
    late = np.where((times >= 500 * MS) & (times < 550 * MS), 550 * MS, times)
    assert np.abs(windows(late, 1250, NONE)[0] / 1e7 - 1).max() > 0.04
    pause = np.array([[500 * MS, 550 * MS]], np.int64)
    kept, out = windows(late, 1250, pause)
    assert kept == pytest.approx(np.full(kept.size, 1e7))
    assert 0.02 < out < 0.1


def test_spans_that_meet_a_pause() -> None:
    pauses = np.array([[10, 20], [15, 40], [60, 70]], np.int64)
    begin, end = np.array([0, 0, 21, 41, 69, 71]), np.array([9, 10, 22, 59, 99, 90])
    assert touched(pauses, begin, end).tolist() == [False, True, True, False, True, False]
    assert not touched(NONE, begin, end).any()


def test_what_comes_before_its_time_is_found() -> None:
    table = LinkTable(
        np.array([0, 100, 100, 200]) * MS,
        np.array([20, 20, 5, 5]) * MS,
        np.full(4, np.inf),
        np.zeros(4),
        np.zeros(4, bool),
    )
    sent = np.array([10, 10, 99, 99]) * MS
    # Sent just before the delay falls, and entering the link just after: its new delay holds.
    came = np.array([30, 29, 105, 104]) * MS
    assert _errors_us(table, sent, came).tolist() == [0.0, -1000.0, 0.0, -1000.0]
    assert _errors_us(constant(1e9, MS), np.array([5]), np.array([MS + 2005])).tolist() == [2.0]


def test_a_video_freezes_where_frames_are_late_and_not_where_they_are_early() -> None:
    captured = np.arange(300) * S // 30
    came = captured + 30 * MS
    came[150:160] = np.maximum(came[150:160], captured[150] + 400 * MS)
    columns = [np.arange(300), np.zeros(300), np.ones(300), captured, came]
    frames = frames_of([column.astype(np.int64).tolist() for column in columns], 300)
    assert frames.captured_s.size == frames.sent
    shown = shown_s(frames)
    found, gaps = freezes(shown)
    assert found.tolist() == [149]
    assert gaps[149] == pytest.approx(1 / 30 + 0.37)
    # The buffer keeps what it has grown to for two seconds.
    assert shown[160] - frames.captured_s[160] == pytest.approx(0.4)
    assert shown[250] - frames.captured_s[250] == pytest.approx(0.03)


def test_a_frame_without_all_its_datagrams_is_not_shown() -> None:
    columns = [[0, 0, 1, 2, 2], [0, 1, 0, 1, 0], [2, 2, 2, 2, 2], [0, 0, 5, 9, 9], [3, 4, 7, 12, 11]]
    frames = frames_of(columns, 3)
    assert frames.captured_s == pytest.approx([0.0, 9e-9])
    assert frames.complete_s == pytest.approx([4e-9, 12e-9])
