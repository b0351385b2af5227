from __future__ import annotations

import math

import numpy as np
import pytest

from skyhaul.emulation import Cause, DirectionSettings, GilbertElliott, LinkTable, Shape
from skyhaul.emulation._chance import uniform
from skyhaul.errors import InputError
from skyhaul.types import Bools
from tests.emulation.recorded import END, constant, run

SEGMENTS = 24_000


def lost(settings: DirectionSettings, loss: float, segments: int = 1, table: LinkTable | None = None) -> Bools:
    """Which of the segments are lost, sent as packets of `segments`."""
    offers = [(i, Shape(segments, 1000, 1000)) for i in range(SEGMENTS // segments)]
    fates = run(settings, table or constant(math.inf, 0, loss), offers, END)
    return np.array([fate.lost >> bit & 1 for fate in fates for bit in range(fate.segments)], bool)


def test_draws_are_those_of_splitmix64() -> None:
    # The first outputs of Vigna's splitmix64.c from the state 1234567, as the Rosetta Code task lists them.
    outputs = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821]
    assert [uniform(1234567, draw) for draw in range(5)] == [(output >> 11) * 2.0**-53 for output in outputs]


@pytest.mark.parametrize("loss", [0.001, 0.01, 0.3])
@pytest.mark.parametrize("segments", [1, 44])
def test_loss_is_of_segments_one_by_one(loss: float, segments: int) -> None:
    gone = lost(DirectionSettings(seed=5), loss, segments)
    error = math.sqrt(loss * (1 - loss) / gone.size)
    assert abs(gone.mean() - loss) < 4 * error
    # Independent: a loss after a loss is as frequent as any.
    again = gone[1:][gone[:-1]]
    assert abs(again.mean() - loss) < 4 * math.sqrt(loss * (1 - loss) / max(1, again.size)) + 1e-9


def test_super_packets_lose_the_same_segments_as_single_ones() -> None:
    single = lost(DirectionSettings(seed=9), 0.05, 1)
    # Pieces hold 64 segments at most, however long the packet is.
    assert (lost(DirectionSettings(seed=9), 0.05, 40) == single).all()
    assert (lost(DirectionSettings(seed=9), 0.05, 100) == single).all()


@pytest.mark.parametrize(("mean_burst", "bad", "good"), [(5.0, 1.0, 0.0), (20.0, 0.5, 0.01)])
def test_bursts_have_the_mean_and_the_length_they_were_given(mean_burst: float, bad: float, good: float) -> None:
    loss = 0.05
    rules = DirectionSettings(bursts=GilbertElliott(mean_burst, bad, good), seed=21)
    gone = lost(rules, loss)
    # The variance of the mean of a chain with this memory is about (1 + 2 * burst) times that of independent losses.
    error = math.sqrt(loss * (1 - loss) * (1 + 2 * mean_burst) / gone.size)
    assert abs(gone.mean() - loss) < 4 * error
    if bad == 1.0:
        ends = np.flatnonzero(np.diff(np.concatenate([[0], gone.astype(int), [0]])))
        bursts = ends[1::2] - ends[::2]
        assert bursts.mean() == pytest.approx(mean_burst, rel=4 * mean_burst / mean_burst / math.sqrt(bursts.size))


def test_the_same_seed_loses_the_same_segments_and_another_does_not() -> None:
    assert (lost(DirectionSettings(seed=1), 0.1) == lost(DirectionSettings(seed=1), 0.1)).all()
    assert (lost(DirectionSettings(seed=1), 0.1) != lost(DirectionSettings(seed=2), 0.1)).any()


def test_loss_changes_with_the_table() -> None:
    half = SEGMENTS // 2
    table = LinkTable(
        np.array([0, half]), np.zeros(2, np.int64), np.full(2, math.inf), np.array([0.0, 0.5]), np.zeros(2, bool)
    )
    gone = lost(DirectionSettings(), 0, table=table)
    assert not gone[:half].any()
    assert gone[half:].mean() == pytest.approx(0.5, abs=0.02)


def test_what_is_lost_has_used_the_link() -> None:
    fates = run(DirectionSettings(), constant(1e6, 0, 1.0), [(0, Shape.single(1250))] * 3)
    assert [fate.cause for fate in fates] == [Cause.LOSS] * 3
    assert [fate.departure_ns for fate in fates] == [10_000_000, 20_000_000, 30_000_000]


@pytest.mark.parametrize(("mean_burst", "bad", "good"), [(0.5, 1, 0), (math.nan, 1, 0), (5, 0.1, 0.2), (5, 1.1, 0)])
def test_burst_processes_that_make_no_sense_are_refused(mean_burst: float, bad: float, good: float) -> None:
    with pytest.raises(InputError):
        GilbertElliott(mean_burst, bad, good)
