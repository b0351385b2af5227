"""The waits of packets as a process in time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp, kstest

from skyhaul.live._jitter import slot_waits
from skyhaul.network import DelayModel, packet_extra_s, slot_start

S = 1_000_000_000
SLOT_NS = 15 * S
MODEL = DelayModel()


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**63), st.integers(10**8, 2 * 10**8), st.integers(0, 2**56), st.integers(10**7, SLOT_NS))
def test_waits_keep_the_order_and_cover_the_span(seed: int, slot: int, key: int, span: int) -> None:
    for waits in slot_waits(MODEL, seed, slot, key, span):
        assert waits.since_ns[0] == 0
        assert (np.diff(waits.since_ns) > 0).all()
        assert (np.diff(waits.leave_ns) > 0).all()
        # Nobody leaves before the last of its group has come.
        assert (waits.leave_ns[:-1] >= waits.since_ns[1:] - 1).all()
        assert waits.leave_ns[-1] >= span - 1


def test_a_shorter_look_sees_the_same_waits() -> None:
    long, short = (slot_waits(MODEL, 3, 113_800_000, 77, span) for span in (SLOT_NS, SLOT_NS // 3))
    times = np.arange(0, SLOT_NS // 3, 999_983)
    for one, other in zip(long, short, strict=True):
        assert np.array_equal(one.wait_ns(times), other.wait_ns(times))


def test_seed_slot_and_terminal_each_change_the_waits() -> None:
    times = np.arange(0, SLOT_NS, 9_999_991)
    known = [
        slot_waits(MODEL, *which, SLOT_NS)[0].wait_ns(times) for which in ((1, 5, 9), (2, 5, 9), (1, 6, 9), (1, 5, 8))
    ]
    assert all(not np.array_equal(known[0], other) for other in known[1:])
    assert np.array_equal(known[0], slot_waits(MODEL, 1, 5, 9, SLOT_NS)[0].wait_ns(times))


@pytest.mark.parametrize("way", [0, 1])
def test_a_packet_finds_the_distribution_that_the_model_draws_from(way: int) -> None:
    # Two instants of each of 700 slots: what is a second apart is independent.
    rng = np.random.default_rng(11)
    found, drawn = [], []
    for slot in range(113_000_000, 113_000_700):
        times = rng.integers(0, SLOT_NS, 2)
        found += list(slot_waits(MODEL, 8, slot, 4711, SLOT_NS)[way].wait_ns(times) * 1e-9)
        utc = slot_start(slot) + times.astype("timedelta64[ns]")
        drawn += list(packet_extra_s(MODEL, 8, utc, np.array([4711]))[way][:, 0])
    result = ks_2samp(found, drawn)
    assert result.pvalue > 0.01, result
    assert np.mean(found) == pytest.approx(np.mean(drawn), rel=0.12)


def test_packets_between_two_grants_leave_together() -> None:
    up, _ = slot_waits(MODEL, 8, 113_000_001, 4711, SLOT_NS)
    leaves = np.unique(np.diff(up.leave_ns))
    # Grants are 3, 4, 6 or 8 frames of 1/750 s apart; a queue skips some.
    frame_ns = 1e9 / 750
    shortest = leaves.min() / frame_ns
    assert min(abs(shortest / frames - 1.0) for frames in MODEL.grant_frames) < 1e-3


def test_answers_to_what_left_at_grants_find_the_same_distribution_as_others() -> None:
    # Grants are whole frames apart: frames down at one phase to them would make the answers of a slot wait alike.
    found = []
    for slot in range(113_000_000, 113_000_020):
        up, down = slot_waits(MODEL, 8, slot, 4711, SLOT_NS)
        sent = np.arange(0, SLOT_NS - S, S // 5)
        answered = sent + up.wait_ns(sent) + 21_345_678
        found.append(down.wait_ns(answered[answered < SLOT_NS]) * 750e-9)
    assert all(kstest(waits, "uniform").pvalue > 1e-4 for waits in found)
    assert kstest(np.concatenate(found), "uniform").statistic < 0.04


@pytest.mark.parametrize("every_ms", [20, 200, 1000])
def test_probes_in_step_with_frames_find_the_same_distribution_as_others(every_ms: int) -> None:
    # These are whole numbers of frames: grants in step with them would make the probes of a slot wait alike.
    alone = replace(MODEL, queue_s=0.0, burst_s=0.0)
    found = []
    for slot in range(113_000_000, 113_000_040):
        up, _ = slot_waits(alone, 8, slot, 4711, SLOT_NS)
        sent = np.arange(0, SLOT_NS, every_ms * 1_000_000)
        found.append(up.wait_ns(sent) / np.diff(up.leave_ns).min())
    if every_ms < 1000:
        assert all(kstest(waits, "uniform").statistic < 0.15 for waits in found)
    assert kstest(np.concatenate(found), "uniform").statistic < 0.05


def test_a_model_without_queueing_has_no_waits() -> None:
    for waits in slot_waits(MODEL.without_queueing(), 1, 2, 3, SLOT_NS):
        assert waits.wait_ns(np.array([0, 5])).tolist() == [0, 0]
