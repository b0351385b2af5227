"""Tables that are written while the engine runs: seconds ahead, a window at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import numpy as np

from skyhaul.emulation._engine import Engine
from skyhaul.emulation._outages import Outages
from skyhaul.emulation._table import LinkTable

WINDOW_NS = 10_000_000_000  # how far ahead a window reaches
_REFRESH_S = 3.0
_BEHIND_NS = 2_000_000_000  # a queue may still be served from here


class Feed:
    """Keeps each direction's table ahead of time, where its link has outages by a schedule of its own.

    tables      each direction's link without outages, in ns from `origin_ns`
    schedules   the outages of all of them
    """

    def __init__(self, tables: Sequence[LinkTable], schedules: Sequence[Outages], origin_ns: int) -> None:
        self._tables, self._schedules, self._origin_ns = tables, schedules, origin_ns
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def window(self, direction: int, now_ns: int) -> LinkTable:
        """A direction's states from before `now_ns` (CLOCK_MONOTONIC) to well after; all where there are no outages."""
        if not self._schedules:
            return self._tables[direction].shifted(self._origin_ns)
        start = now_ns - self._origin_ns - _BEHIND_NS
        table = with_outages(self._tables[direction], start, start + _BEHIND_NS + WINDOW_NS, self._schedules)
        return table.shifted(self._origin_ns)

    def start(self, engine: Engine) -> None:
        """Publish a new window to every direction of `engine` every few seconds, in a thread of its own."""
        self._thread = threading.Thread(target=self._run, args=(engine,), name="skyhaul-feed", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self, engine: Engine) -> None:
        while not self._stopping.wait(_REFRESH_S):
            for direction in range(len(self._tables)):
                engine.publish(direction, self.window(direction, time.monotonic_ns()))


def with_outages(table: LinkTable, start_ns: int, stop_ns: int, schedules: Sequence[Outages]) -> LinkTable:
    """The states of `table` from `start_ns` to `stop_ns` with the outages of every schedule put in."""
    window = table.window(start_ns, stop_ns)
    spans = [span for schedule in schedules for span in schedule.between(start_ns, stop_ns)]
    if not spans:
        return window
    edges = np.array(sorted({edge for span in spans for edge in span}), np.int64)
    edges = edges[(edges > window.time_ns[0]) & ~np.isin(edges, window.time_ns)]
    row = np.searchsorted(window.time_ns, edges, side="right") - 1
    time = np.concatenate([window.time_ns, edges])
    order = np.argsort(time, kind="stable")
    time = time[order]
    outage = np.concatenate([window.outage, window.outage[row]])[order]
    for begin, end in spans:
        outage |= (time >= begin) & (time < end)
    return LinkTable(
        time,
        np.concatenate([window.delay_ns, window.delay_at(edges).astype(np.int64)])[order],
        np.concatenate([window.rate_bps, window.rate_bps[row]])[order],
        np.concatenate([window.loss, window.loss[row]])[order],
        outage,
    )
