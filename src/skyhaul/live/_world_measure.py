"""What a world asked of its packets and what they got: all directions counted at once while it runs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from skyhaul.emulation._engine import Engine
from skyhaul.emulation._measure import DelayHistogram, DirectionMeasure
from skyhaul.emulation._plan import DirectionReport, Fates
from skyhaul.emulation._settings import Cause

_DRAIN_S = 0.2  # the log holds two seconds of what one engine thread can carry


class WorldMeasure:
    """The delays of many directions: asked for, given, and spent waiting."""

    def __init__(self, directions: int) -> None:
        self._counts = np.zeros((3, directions, DelayHistogram.BINS), np.int32)

    def add(self, fates: Fates) -> None:
        """Count the packets that were delivered among `fates`."""
        delivered = fates[fates["cause"] == Cause.DELIVERED]
        direction, arrival = delivered["direction"], delivered["arrival"]
        for kind, name in enumerate(("release", "written", "departure")):
            np.add.at(self._counts[kind], (direction, DelayHistogram.bin_of(delivered[name] - arrival)), 1)

    def of(self, direction: int) -> DirectionMeasure:
        """One direction's."""
        return DirectionMeasure(*(DelayHistogram(counts[direction].astype(np.int64)) for counts in self._counts))


class WorldWatch:
    """Takes the fates from an engine while it runs, in a thread of its own, and gives them to `takers`."""

    def __init__(self, engine: Engine, *takers: Callable[[Fates], None]) -> None:
        self._engine, self._takers = engine, takers
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="skyhaul-watch", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Give away what is left, and end."""
        self._stopping.set()
        self._thread.join()
        self._take()

    def _run(self) -> None:
        while not self._stopping.wait(_DRAIN_S):
            self._take()

    def _take(self) -> None:
        fates = self._engine.take_fates()
        if fates.size:
            for take in self._takers:
                take(fates)


def lateness(reports: list[DirectionReport]) -> dict[str, Any]:
    """How late packets were written, all directions together, in µs: the emulator's own error of delay."""
    counts = np.sum([report.lateness_us for report in reports], axis=0)
    total = int(counts.sum())
    if total == 0:
        return {"p50": None, "p99": None, "max": None}
    steps = np.cumsum(counts)
    late = max(report.late_max_ns for report in reports) / 1e3
    return {
        **{f"p{share}": float(np.searchsorted(steps, share * total / 100) + 1) for share in (50, 99)},
        "max": round(late, 1),
    }
