"""What a link asked of its packets and what they got: histograms kept while it runs, and the summary at its end."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from skyhaul.emulation._engine import Engine
from skyhaul.emulation._plan import DirectionReport, Fates
from skyhaul.emulation._settings import Cause
from skyhaul.types import Floats, Ints

# From 1 µs to 1000 s in steps of 0.2 %.
_EDGES_NS = np.geomspace(1e3, 1e12, 10_372)
_MIDDLES_NS = np.concatenate([_EDGES_NS[:1], np.sqrt(_EDGES_NS[1:] * _EDGES_NS[:-1]), _EDGES_NS[-1:]])


_DRAIN_S = 0.05  # the log holds more than a second of the fastest link


class DelayHistogram:
    """How long packets took, to 0.1 %."""

    BINS = _EDGES_NS.size + 1

    def __init__(self, counts: Ints | None = None) -> None:
        self._counts: Ints = np.zeros(self.BINS, np.int64) if counts is None else counts

    @staticmethod
    def bin_of(delays_ns: Ints) -> Ints:
        """In which bin each delay is counted."""
        return np.searchsorted(_EDGES_NS, delays_ns)

    def add(self, delays_ns: Ints) -> None:
        self._counts += np.bincount(self.bin_of(delays_ns), minlength=self._counts.size)

    def quantile_ms(self, share: float) -> float | None:
        """What `share` of the packets did not exceed, in ms; none when there were no packets."""
        total = int(self._counts.sum())
        if total == 0:
            return None
        bin_ = int(np.searchsorted(np.cumsum(self._counts), max(1.0, share * total)))
        return round(float(_MIDDLES_NS[bin_]) / 1e6, 4)


class DirectionMeasure:
    """The delays of one direction: what the link asked for, what the packets got, and how much was waiting."""

    def __init__(
        self,
        asked: DelayHistogram | None = None,
        given: DelayHistogram | None = None,
        waited: DelayHistogram | None = None,
    ) -> None:
        self.asked, self.given = asked or DelayHistogram(), given or DelayHistogram()
        self.waited = waited or DelayHistogram()

    def add(self, fates: Fates) -> None:
        """Count the packets that were delivered among `fates`, an array of `FATE` of this direction."""
        delivered = fates[fates["cause"] == Cause.DELIVERED]
        arrival = delivered["arrival"]
        self.asked.add(delivered["release"] - arrival)
        self.given.add(delivered["written"] - arrival)
        self.waited.add(delivered["departure"] - arrival)

    def summary(self, report: DirectionReport, seconds: float) -> dict[str, Any]:
        """One direction of the summary, as JSON has it. Packets are what was on the wire: segments."""
        delivered = report.wire_bytes[Cause.DELIVERED]
        return {
            "packets": report.offered,
            "delivered": report.segments[Cause.DELIVERED],
            "delivered_bytes": delivered,
            "mean_rate_mbit": round(delivered * 8e-6 / seconds, 3) if seconds > 0 else 0.0,
            "dropped": {cause.name.lower(): report.segments[cause] for cause in Cause if cause is not Cause.DELIVERED},
            "refused_by_receiver": report.write_errors,
            "delay_asked_ms": {"p50": self.asked.quantile_ms(0.5), "p99": self.asked.quantile_ms(0.99)},
            "delay_given_ms": {"p50": self.given.quantile_ms(0.5), "p99": self.given.quantile_ms(0.99)},
            "waiting_ms": {"p50": self.waited.quantile_ms(0.5), "p99": self.waited.quantile_ms(0.99)},
            "late_us": {
                "p50": report.lateness_quantile_us(0.5),
                "p99": report.lateness_quantile_us(0.99),
                "max": round(report.late_max_ns / 1e3, 1),
            },
        }


class Watch:
    """Takes the fates from an engine while it runs, in a thread of its own: counts them in `measures`, gives them to
    `keep`."""

    def __init__(
        self, engine: Engine, measures: Sequence[DirectionMeasure], keep: Callable[[Fates], None] | None = None
    ) -> None:
        self._engine, self._measures, self._keep = engine, measures, keep
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="skyhaul-watch", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Count what is left, and end."""
        self._stopping.set()
        self._thread.join()
        self._take()

    def _run(self) -> None:
        while not self._stopping.wait(_DRAIN_S):
            self._take()

    def _take(self) -> None:
        fates = self._engine.take_fates()
        for direction, measure in enumerate(self._measures):
            measure.add(fates[fates["direction"] == direction])
        if self._keep is not None:
            self._keep(fates)


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far two samples are from coming from one distribution (Kolmogorov and Smirnov's two-sample test).

    statistic   largest distance of their empirical distributions, 0 to 1
    p_value     chance of one as large where both have one distribution, from Kolmogorov's limit with Stephens'
                correction for finite samples (Stephens, "Use of the Kolmogorov–Smirnov, Cramér–von Mises and related
                statistics without extensive tables", J. R. Stat. Soc. B 32, 1970); the samples' values are taken as
                independent of each other
    sizes       of the two samples
    """

    statistic: float
    p_value: float
    sizes: tuple[int, int]


def agreement(one: Floats, other: Floats) -> Agreement | None:
    """Compare two samples; None where one is empty."""
    if not one.size or not other.size:
        return None
    first, second = np.sort(one), np.sort(other)
    both = np.concatenate([first, second])
    below = [np.searchsorted(sample, both, side="right") / sample.size for sample in (first, second)]
    distance = float(np.abs(below[0] - below[1]).max())
    root = math.sqrt(first.size * second.size / (first.size + second.size))
    scaled = (root + 0.12 + 0.11 / root) * distance
    terms = np.arange(1, 101)
    tail = 2.0 * float(((-1.0) ** (terms - 1) * np.exp(-2.0 * (terms * scaled) ** 2)).sum()) if scaled > 0.2 else 1.0
    return Agreement(distance, min(1.0, max(0.0, tail)), (first.size, second.size))
