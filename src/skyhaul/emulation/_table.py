"""What one direction of a link offers over time: delay, rate, loss and outage as rows of a table."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from skyhaul.errors import InputError
from skyhaul.types import Bools, Floats, Ints

ROW = np.dtype([("time", np.int64), ("delay", np.int64), ("rate", np.float64), ("loss", np.float64), ("out", np.int64)])
"""One row as the engine reads it: time and delay in ns, rate in bit/s, loss as a share, outage as 0 or 1."""

_LARGEST_NS = 1 << 60


@dataclass(frozen=True, slots=True)
class LinkTable:
    """The R states of one direction of a link.

    time_ns    (R,) when each state begins, never falling; before the first, the first holds
    delay_ns   (R,) one-way delay, linear from a state to the next; two rows at one time make a step (a handover)
    rate_bps   (R,) bits per second until the next state; `inf` is no limit, 0 stands still
    loss       (R,) mean share of segments lost on the way until the next state
    outage     (R,) nothing passes until the next state
    period_ns  the table repeats after this time, or holds its last row (0)
    """

    time_ns: Ints
    delay_ns: Ints
    rate_bps: Floats
    loss: Floats
    outage: Bools
    period_ns: int = 0

    def __post_init__(self) -> None:
        shape = self.time_ns.shape
        columns = (self.delay_ns, self.rate_bps, self.loss, self.outage)
        if len(shape) != 1 or shape[0] == 0 or any(column.shape != shape for column in columns):
            raise InputError("a link table needs columns of one length, at least one row")
        self._refuse(np.diff(self.time_ns, prepend=self.time_ns[0]) < 0, "its time lies before the row above")
        self._refuse(np.abs(self.time_ns) > _LARGEST_NS, "its time does not fit")
        self._refuse((self.delay_ns < 0) | (self.delay_ns > _LARGEST_NS), "its delay is negative or does not fit")
        slow = (self.rate_bps > 0) & (self.rate_bps < 1)
        self._refuse(~(self.rate_bps >= 0) | slow, "its rate is neither 0 nor at least 1 bit/s")
        self._refuse(~((self.loss >= 0) & (self.loss <= 1)), "its loss does not lie between 0 and 1")
        if self.period_ns:
            span = int(self.time_ns[-1] - self.time_ns[0])
            if self.period_ns < 0 or self.period_ns < span:
                raise InputError(f"a link table of {span} ns cannot repeat every {self.period_ns} ns")
            lasts = np.diff(self.time_ns, append=self.time_ns[0] + self.period_ns)
            if not ((lasts > 0) & (self.rate_bps > 0) & ~self.outage).any():
                raise InputError("a link table repeats, and never lets anything pass", mend="give some row a rate")

    def _refuse(self, bad: Bools, why: str) -> None:
        if bad.any():
            raise InputError(why, where=f"link table, row {int(np.argmax(bad)) + 1}")

    @classmethod
    def constant(cls, delay_ns: int = 0, rate_bps: float = math.inf, loss: float = 0.0) -> LinkTable:
        """A link that never changes."""
        return cls(
            np.zeros(1, np.int64),
            np.array([delay_ns], np.int64),
            np.array([rate_bps], np.float64),
            np.array([loss], np.float64),
            np.zeros(1, np.bool_),
        )

    @property
    def peak_rate_bps(self) -> float:
        """The highest rate of any row."""
        return float(self.rate_bps.max())

    def shifted(self, by_ns: int) -> LinkTable:
        """The same states, later by `by_ns`."""
        return replace(self, time_ns=self.time_ns + by_ns)

    def rows(self) -> np.ndarray[tuple[int], np.dtype[np.void]]:
        """The table as one array of `ROW`."""
        rows = np.empty(self.time_ns.size, ROW)
        rows["time"], rows["delay"], rows["rate"] = self.time_ns, self.delay_ns, self.rate_bps
        rows["loss"], rows["out"] = self.loss, self.outage
        return rows

    def window(self, start_ns: int, stop_ns: int) -> LinkTable:
        """The rows needed from `start_ns` to `stop_ns`: the one in force at the start to the first past the end.

        A table that repeats is unrolled; the window itself holds its last row.
        """
        time, pick = self.time_ns, np.arange(self.time_ns.size)
        if self.period_ns:
            first = (start_ns - int(time[0])) // self.period_ns
            last = (stop_ns - int(time[0])) // self.period_ns + 1
            turns = np.arange(first - 1, last + 1, dtype=np.int64)
            time = (turns[:, None] * self.period_ns + time).ravel()
            pick = np.tile(pick, turns.size)
        low = max(0, int(np.searchsorted(time, start_ns, side="right")) - 1)
        high = min(time.size, int(np.searchsorted(time, stop_ns, side="right")) + 1)
        low, high = (low, high) if low < high else (time.size - 1, time.size)
        pick = pick[low:high]
        return LinkTable(
            time[low:high].copy(), self.delay_ns[pick], self.rate_bps[pick], self.loss[pick], self.outage[pick]
        )

    def delay_at(self, times_ns: Ints) -> Floats:
        """One-way delay in ns at the given times, shape of `times_ns`."""
        times = np.asarray(times_ns, np.int64)
        if times.size == 0:
            return np.zeros(times.shape)
        part = self.window(int(times.min()), int(times.max())) if self.period_ns else self
        row = np.clip(np.searchsorted(part.time_ns, times, side="right") - 1, 0, None)
        after = np.minimum(row + 1, part.time_ns.size - 1)
        span = part.time_ns[after] - part.time_ns[row]
        share = np.clip((times - part.time_ns[row]) / np.where(span == 0, 1, span), 0.0, None)
        return np.asarray(part.delay_ns[row] + share * (part.delay_ns[after] - part.delay_ns[row]))
