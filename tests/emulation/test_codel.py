"""CoDel against RFC 8289, written down anew from its text as a queue of packets that a server empties."""

from __future__ import annotations

import math
from collections import deque

import numpy as np
import pytest

from skyhaul.emulation import Cause, Codel, DirectionSettings, Shape
from tests.emulation.recorded import MS, constant, run

MTU = 1500


class Reference:
    """The queue of RFC 8289 section 5, with the names of that section."""

    def __init__(self, target: int, interval: int) -> None:
        self.target, self.interval = target, interval
        self.queue: deque[tuple[int, int, int]] = deque()  # number, time, size
        self.size = 0
        self.dropping = False
        self.count = self.last_count = 0
        self.first_above = self.drop_next = 0
        self.dropped: dict[int, int] = {}

    def put(self, number: int, now: int, size: int) -> None:
        self.queue.append((number, now, size))
        self.size += size

    def head(self, now: int) -> tuple[tuple[int, int, int] | None, bool]:
        if not self.queue:
            self.first_above = 0
            return None, False
        packet = self.queue.popleft()
        self.size -= packet[2]
        if now - packet[1] < self.target or self.size <= MTU:
            self.first_above = 0
            return packet, False
        if self.first_above == 0:
            self.first_above = now + self.interval
            return packet, False
        return packet, now >= self.first_above

    def law(self, time: int) -> int:
        return time + int(self.interval / math.sqrt(self.count))

    def get(self, now: int) -> tuple[int, int, int] | None:
        packet, may_drop = self.head(now)
        if self.dropping:
            if not may_drop:
                self.dropping = False
            while self.dropping and now >= self.drop_next:
                assert packet is not None
                self.dropped[packet[0]] = now
                self.count += 1
                packet, may_drop = self.head(now)
                if may_drop:
                    self.drop_next = self.law(self.drop_next)
                else:
                    self.dropping = False
        elif may_drop:
            assert packet is not None
            self.dropped[packet[0]] = now
            packet, _ = self.head(now)
            self.dropping = True
            grown = self.count - self.last_count
            self.count = grown if grown > 1 and now - self.drop_next < 16 * self.interval else 1
            self.drop_next = self.law(now)
            self.last_count = self.count
        return packet


def reference(arrivals: list[tuple[int, int]], rate: float, codel: Codel) -> dict[int, int]:
    """Which packets of (time, size) CoDel drops, and when."""
    queue = Reference(codel.target_ns, codel.interval_ns)
    free, part, coming = 0, 0.0, 0
    while coming < len(arrivals) or queue.queue:
        start = max(free, queue.queue[0][1] if queue.queue else arrivals[coming][0])
        if coming < len(arrivals) and (arrivals[coming][0] < start or not queue.queue):
            queue.put(coming, *arrivals[coming])
            coming += 1
            continue
        if start > free:
            part = 0.0
        packet = queue.get(start)
        free = start
        if packet is not None:
            need = packet[2] * 8e9 / rate + part
            free, part = start + int(need), need % 1.0
    return queue.dropped


@pytest.mark.parametrize("load", [0.9, 1.1, 1.5, 3.0])
@pytest.mark.parametrize("codel", [Codel(), Codel(2 * MS, 20 * MS)])
def test_codel_drops_what_the_rfc_drops_when_the_rfc_drops_it(load: float, codel: Codel) -> None:
    rng = np.random.default_rng(11)
    rate = 2e7
    sizes = rng.integers(200, 1501, 8000)
    # Arrivals that come and go: two seconds of load, one of half of it.
    gaps = rng.exponential(8e9 / rate / load, sizes.size) * sizes
    gaps *= np.where(np.cumsum(gaps) % 3e9 < 2e9, 1.0, 2.0)
    times = np.cumsum(gaps).astype(int).tolist()
    arrivals = list(zip(times, sizes.tolist(), strict=True))
    fates = run(DirectionSettings(codel=codel, mtu=MTU), constant(rate), [(t, Shape.single(n)) for t, n in arrivals])
    dropped = {fate.serial: fate.departure_ns for fate in fates if fate.cause is Cause.CODEL}
    assert dropped == reference(arrivals, rate, codel)
    assert dropped or load < 1


def test_a_standing_queue_comes_down_to_its_target() -> None:
    # Twice the rate for 0.2 s, then just the rate: without CoDel the queue stays for good.
    times = [i * 250_000 for i in range(800)] + [200 * MS + i * 500_000 for i in range(16_000)]
    arrivals = [(t, Shape.single(1250)) for t in times]
    plain = run(DirectionSettings(), constant(2e7), arrivals)
    short = [fate for fate in run(DirectionSettings(codel=Codel()), constant(2e7), arrivals) if not fate.cause]
    assert plain[-1].departure_ns - plain[-1].arrival_ns == pytest.approx(200 * MS, rel=0.01)
    assert short[-1].departure_ns - short[-1].arrival_ns < 6 * MS


def test_codel_drops_single_segments_of_super_packets() -> None:
    arrivals = [(i * 8 * MS, Shape(44, 1500, 1500)) for i in range(300)]  # 66 Mbit/s into 50
    fates = run(DirectionSettings(codel=Codel()), constant(5e7), arrivals)
    dropped = [fate for fate in fates if fate.cause is Cause.CODEL]
    assert {fate.segments for fate in dropped} == {1}
    assert len(dropped) > 10
    assert sum(fate.segments for fate in fates) == 300 * 44
