"""How often somebody may ask: a token bucket for each address or person."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

_KEPT = 10_000  # callers that are remembered; the one that asked longest ago is forgotten first


class Buckets:
    """A bucket of requests for each caller: it fills with `rate` a second up to `burst`, and each request takes one."""

    def __init__(self, rate: float, burst: float, now: Callable[[], float] = time.monotonic) -> None:
        self.rate, self.burst = rate, burst
        self._now = now
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, caller: str) -> float:
        """Take one request; 0, or how long to wait for it."""
        now = self._now()
        left, at = self._left.pop(caller, (self.burst, now))
        left = min(self.burst, left + (now - at) * self.rate)
        wait = 0.0
        if left >= 1.0:
            left -= 1.0
        else:
            wait = (1.0 - left) / self.rate
        self._left[caller] = left, now
        while len(self._left) > _KEPT:
            self._left.popitem(last=False)
        return wait
