"""The compiled state machine decides as the plain one, packet by packet."""

from __future__ import annotations

import math

import numpy as np
import pytest

from skyhaul.emulation import Codel, DirectionSettings, GilbertElliott, LinkTable, Shape
from skyhaul.emulation._chance import uniform
from skyhaul.emulation._compiled_direction import uniform as compiled_uniform
from skyhaul.emulation._settings import UNBOUNDED
from tests.emulation.recorded import run, run_compiled


def scenario(seed: int) -> tuple[DirectionSettings, LinkTable, list[tuple[int, Shape]]]:
    """Rules, a table and arrivals that touch every branch sooner or later."""
    rng = np.random.default_rng(seed)
    rows = int(rng.integers(1, 8))
    times = np.sort(rng.integers(1, 2_000_000_000, rows))
    times[0] = 0
    rate = rng.choice([0, 1e6, 2e7, 1e8, math.inf, 333_333.3], rows)
    rate[0] = 1e7
    outage = rng.random(rows) < 0.25
    outage[0] = False
    period = int(rng.choice([0, int(times[-1]) + int(rng.integers(1, 10**9))]))
    table = LinkTable(times, rng.integers(0, 50_000_000, rows), rate, rng.choice([0, 0.01, 0.3], rows), outage, period)
    rules = DirectionSettings(
        queue_bytes=int(rng.choice([0, 3000, 20_000, 200_000, UNBOUNDED])),
        codel=Codel() if rng.random() < 0.5 else None,
        bursts=GilbertElliott(5, 0.9) if rng.random() < 0.4 else None,
        hold_outage=bool(rng.random() < 0.5),
        reorder=bool(rng.random() < 0.5),
        seed=int(rng.integers(0, 1 << 63)) * 2 + 1,
        burst_ns=int(rng.choice([0, 250_000, 1_000_000])),
    )
    offers = []
    for time in np.sort(rng.integers(0, 4_000_000_000, 1500)).tolist():
        segments, size = int(rng.choice([1, 1, 1, 2, 10, 45, 100])), int(rng.integers(40, 1500))
        last = int(rng.integers(40, size + 1)) if segments > 1 else size
        offers.append((time, Shape(segments, size, last)))
    return rules, table, offers


@pytest.mark.parametrize("seed", range(25))
def test_every_decision_is_the_same(seed: int) -> None:
    rules, table, offers = scenario(seed)
    assert run_compiled(rules, table, offers) == run(rules, table, offers)


def test_draws_are_the_same() -> None:
    for seed in (0, 1, 2**63 + 5, 2**64 - 1):
        for draw in (0, 1, 12345, 2**40):
            assert compiled_uniform(np.uint64(seed), draw) == uniform(seed, draw)
