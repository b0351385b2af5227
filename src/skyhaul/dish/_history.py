"""The rings that hold a dish's last quarter of an hour, a value a second."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

Column: TypeAlias = Literal["drop_rate", "latency_ms", "down_bps", "up_bps", "power_w"]
COLUMNS: tuple[Column, ...] = get_args(Column)
SAMPLES = 900  # a dish of today; those of 2021 had 43,200
Singles: TypeAlias = npt.NDArray[np.float32]


class History:
    """Rings of `SAMPLES` seconds. The value with sequence number n is at n modulo `SAMPLES`.

    `current` counts the values written since the dish started: the newest is number current - 1. Until it reaches
    `SAMPLES`, what was not written yet is 0.
    """

    def __init__(self, current: int = 0) -> None:
        """Empty rings; with `current`, those of a dish that ran on unseen: whatever they held counts as lost."""
        self.current = 0
        self._rings = np.zeros((len(COLUMNS), SAMPLES), dtype=np.float32)
        self.lose(current)

    def add(self, drop_rate: float, latency_ms: float, down_bps: float, up_bps: float, power_w: float) -> None:
        """Write a second. No value may be NaN."""
        self._rings[:, self.current % SAMPLES] = (drop_rate, latency_ms, down_bps, up_bps, power_w)
        self.current += 1

    def lose(self, seconds: int) -> None:
        """Write seconds in which nobody measured: every ping lost, nothing sent."""
        first = max(self.current, self.current + seconds - SAMPLES)
        at = np.arange(first, self.current + seconds) % SAMPLES
        self._rings[:, at] = 0.0
        self._rings[0, at] = 1.0
        self.current += seconds

    def ring(self, column: Column) -> Singles:
        """(SAMPLES,) a whole ring, as clients get it."""
        view: Singles = self._rings[COLUMNS.index(column)].view()
        view.flags.writeable = False
        return view

    def latest(self, column: Column, seconds: int) -> Singles:
        """The newest values, oldest first: `seconds` of them, or as many as there are."""
        count = min(seconds, self.current, SAMPLES)
        return self.ring(column)[np.arange(self.current - count, self.current) % SAMPLES]
