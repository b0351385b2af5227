"""Delay above light and fibre: named draws, the stated distributions, no order, no state."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyhaul.network import DelayModel, packet_extra_s, slot_extra_s

START = np.datetime64("2024-07-17T18:00:12", "ns")
SECOND = np.timedelta64(1, "s")
MODEL = DelayModel()


def test_the_fixed_part_is_the_measured_one() -> None:
    assert MODEL.fixed_s == pytest.approx(8.6e-3)
    assert MODEL.fixed_up_s + MODEL.fixed_down_s == pytest.approx(MODEL.fixed_s)


def test_shapes_and_signs() -> None:
    key = np.arange(4)
    packet = packet_extra_s(MODEL, 0, START + np.arange(7) * SECOND, key)
    assert packet.up_s.shape == packet.down_s.shape == (7, 4)
    for slot, shape in ((114_000_000, (4,)), (np.arange(3) + 114_000_000, (3, 4))):
        extra = slot_extra_s(MODEL, 0, slot, key, np.arange(4))
        assert extra.up_s.shape == extra.down_s.shape == shape
        assert np.all(extra.up_s > 0)
    assert np.all(packet.up_s > 0)
    assert np.all((packet.down_s > 0) & (packet.down_s < MODEL.frame_s))


@given(st.integers(0, 2**63 - 1), st.permutations(list(range(8))), st.permutations(list(range(5))))
def test_a_draw_does_not_depend_on_what_else_is_asked(seed: int, times: list[int], keys: list[int]) -> None:
    time, key = START + np.array([0, 1, 14, 15, 16, 3600, 86400, 1]) * SECOND, np.array([0, 1, 7, 2**40, -3])
    hops = np.array([0, 1, 5, 2, -1])
    packet = packet_extra_s(MODEL, seed, time, key)
    mixed = packet_extra_s(MODEL, seed, time[times], key[keys])
    np.testing.assert_array_equal(mixed.up_s, packet.up_s[times][:, keys])
    np.testing.assert_array_equal(mixed.down_s, packet.down_s[times][:, keys])
    slots = np.array([114_000_000, 114_000_003])
    slot = slot_extra_s(MODEL, seed, slots, key, hops)
    alone = slot_extra_s(MODEL, seed, 114_000_003, key[keys], hops[keys])
    np.testing.assert_array_equal(alone.up_s, slot.up_s[1, keys])
    np.testing.assert_array_equal(alone.down_s, slot.down_s[1, keys])


def test_lasers_add_delay_both_ways_and_a_longer_path_never_less() -> None:
    key = np.arange(1000)
    extra = [slot_extra_s(MODEL, 0, 114_000_000, key, hops) for hops in (-1, 0, 1, 4)]
    assert np.all(extra[0].down_s == 0.0)
    np.testing.assert_array_equal(extra[0].up_s, extra[1].up_s)
    assert np.all(extra[3].down_s > extra[2].down_s)
    np.testing.assert_allclose(extra[3].up_s - extra[1].up_s, extra[3].down_s)
    assert extra[3].down_s.mean() == pytest.approx(4 * MODEL.laser_hop_s, abs=5 * MODEL.laser_hop_s * np.sqrt(4 / 1000))


def test_means_are_the_stated_ones() -> None:
    count = 100_000
    time, key = START + np.arange(count // 10) * 15 * SECOND, np.arange(10)
    packet = packet_extra_s(MODEL, 1, time, key)
    interval = np.array(MODEL.grant_frames) * MODEL.frame_s
    grant = np.dot(interval, MODEL.grant_share)
    mean = grant / 2 + MODEL.queue_share * MODEL.queue_s + MODEL.burst_share * MODEL.burst_s
    assert packet.up_s.mean() == pytest.approx(mean, abs=5 * packet.up_s.std() / np.sqrt(count))
    assert packet.down_s.mean() == pytest.approx(MODEL.frame_s / 2, abs=5 * MODEL.frame_s / np.sqrt(12 * count))
    slot = slot_extra_s(MODEL, 1, 114_000_000 + np.arange(count // 10), key)
    assert slot.up_s.mean() == pytest.approx(MODEL.slot_queue_s, abs=5 * MODEL.slot_queue_s / np.sqrt(count))


def test_grants_of_a_slot_come_at_one_interval() -> None:
    model = DelayModel(queue_s=0.0, burst_s=0.0)
    key = np.arange(40)
    wait = packet_extra_s(model, 2, START + np.arange(3000) * np.timedelta64(5, "ms"), key).up_s
    longest = wait.max(axis=0) / model.frame_s  # 3000 waits within one slot come close to the interval
    nearest = np.array(model.grant_frames)[np.argmin(np.abs(longest[:, None] - model.grant_frames), axis=1)]
    assert np.all(longest <= nearest)
    assert np.all(longest > nearest - 0.05)
    assert set(nearest) == set(model.grant_frames)


def test_without_queueing_nothing_is_added() -> None:
    still = MODEL.without_queueing()
    key = np.arange(3)
    packet = packet_extra_s(still, 0, START + np.arange(50) * SECOND, key)
    slot = slot_extra_s(still, 0, 114_000_000, key, 5)
    assert not np.any([*packet, *packet_extra_s(still, 1, START + np.arange(50) * SECOND, key)])
    assert not np.any([*slot])
    assert still.fixed_s == MODEL.fixed_s


def test_shares_must_belong_to_intervals() -> None:
    with pytest.raises(ValueError, match="grant_share"):
        DelayModel(grant_frames=(3, 4), grant_share=(0.3, 0.3, 0.4))
    with pytest.raises(ValueError, match="grant_share"):
        DelayModel(grant_frames=(3, 4), grant_share=(0.3, 0.3))
