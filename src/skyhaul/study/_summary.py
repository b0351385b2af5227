"""What a run came to, terminal by terminal, counted while it runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from skyhaul.network import Reason
from skyhaul.study._variables import AnyArray, Block

# Bins of 0.2 % from 0.1 ms to 20 s: a percentile is exact to 0.1 %, and a terminal takes 24 kB however long the run.
_LOWEST_MS = 0.1
_RATIO = 1.002
_BINS = int(np.log(20_000.0 / _LOWEST_MS) / np.log(_RATIO)) + 1


@dataclass(frozen=True, slots=True)
class TerminalSummary:
    """One terminal's run.

    served                       share of the instants with a path, 0…1
    rtt_ms                       5th, 50th and 95th percentile of the round-trip time, None when never served
    handovers                    slots that began with another satellite than the slot before
    laser_share                  share of the served instants with a path over lasers
    outage_s                     seconds without a path by cause
    """

    name: str
    served: float
    rtt_ms: tuple[float, float, float] | None
    handovers: int
    laser_share: float
    outage_s: dict[str, float]


class Summary:
    """Counts blocks as they come."""

    def __init__(self, names: Sequence[str], step_s: float) -> None:
        count = len(names)
        self._names = tuple(names)
        self._step_s = step_s
        self._instants = 0
        self._rtt = np.zeros((count, _BINS), dtype=np.int64)
        self._causes = np.zeros((count, max(Reason) + 1), dtype=np.int64)
        self._over_lasers = np.zeros(count, dtype=np.int64)
        self._handovers = np.zeros(count, dtype=np.int64)
        self._satellite: AnyArray | None = None

    def add(self, block: Block) -> None:
        """Count one slot; slots come in the order of time."""
        instants = len(block.time)
        self._instants += instants
        rtt = block.samples["rtt"]
        terminal = np.broadcast_to(np.arange(rtt.shape[1]), rtt.shape)
        good = np.isfinite(rtt)
        place = np.log(np.maximum(rtt[good], _LOWEST_MS) / _LOWEST_MS) / np.log(_RATIO)
        np.add.at(self._rtt, (terminal[good], np.minimum(place.astype(np.int64), _BINS - 1)), 1)
        cause, with_path = block.slots["outage_cause"], good.sum(axis=0)
        self._causes[np.arange(rtt.shape[1]), cause] += np.where(cause == Reason.SERVED, with_path, instants)
        # A path that a slot starts with ends in it only for want of a grant.
        self._causes[:, Reason.NO_GRANT] += np.where(cause == Reason.SERVED, instants - with_path, 0)
        self._over_lasers += with_path * (block.slots["laser_hops"] > 0)
        satellite = block.slots["serving_satellite"]
        if self._satellite is not None:
            self._handovers += (satellite != self._satellite) & (satellite >= 0) & (self._satellite >= 0)
        self._satellite = satellite

    def terminals(self) -> list[TerminalSummary]:
        """Every terminal, in the order of the run."""
        return [self._terminal(k) for k in range(len(self._names))]

    def _terminal(self, k: int) -> TerminalSummary:
        served = int(self._causes[k, Reason.SERVED])
        causes = {
            reason.name.lower(): float(self._causes[k, reason]) * self._step_s
            for reason in Reason
            if reason != Reason.SERVED and self._causes[k, reason]
        }
        return TerminalSummary(
            name=self._names[k],
            served=served / max(1, self._instants),
            rtt_ms=self._percentiles(k),
            handovers=int(self._handovers[k]),
            laser_share=float(self._over_lasers[k]) / max(1, served),
            outage_s=causes,
        )

    def _percentiles(self, k: int) -> tuple[float, float, float] | None:
        counts = np.cumsum(self._rtt[k])
        if counts[-1] == 0:
            return None
        places = np.searchsorted(counts, np.array([0.05, 0.5, 0.95]) * counts[-1])
        low, middle, high = (float(value) for value in _LOWEST_MS * _RATIO ** (places + 0.5))
        return low, middle, high
