"""What the links of a source were to be during a run, kept for its report.

record = RunRecord(source, terminal)
record.begin(origin_ns)
source.follow(record.beside(engine.publish))
…
write_run_report(folder, record, summary)        # after `PacketFile.close`
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from skyhaul.emulation import LinkTable
from skyhaul.emulation._report import DIRECTIONS, Configured, write_report
from skyhaul.live._tables import Publish, TableSource
from skyhaul.types import Bools, Floats, Ints

_EVERY_NS = 50_000_000
_ASK_NS = 1_000_000_000  # how often a source without slots is asked
_PRIME_NS = 7_919_000  # moves each instant within its 50 ms, so that no period of frames or grants is met in step


class RunRecord:
    """Keeps delay, rate and outage of a terminal's two directions every 50 ms, from the windows that are published."""

    def __init__(self, source: TableSource, terminal: int = 0) -> None:
        self._source, self._terminal = source, terminal
        self._origin_ns = 0
        self._kept: tuple[list[_Part], list[_Part]] = ([], [])
        self._until = [0, 0]
        self._carriers: list[tuple[float, str]] = []
        self._carried_until_ns = 0

    def begin(self, origin_ns: int) -> None:
        """The run starts now: times count from here, and the windows in force now are kept."""
        self._origin_ns = origin_ns
        self._until = [origin_ns, origin_ns]
        self._carried_until_ns = origin_ns
        for way in range(2):
            self._keep(way, self._source.window(2 * self._terminal + way, origin_ns))

    def beside(self, publish: Publish) -> Publish:
        """Takes windows as `publish` does, and gives them to it."""

        def taking(direction: int, table: LinkTable) -> None:
            publish(direction, table)
            if direction // 2 == self._terminal:
                self._keep(direction % 2, table)

        return taking

    def configured(self, stop_ns: int | None = None) -> dict[str, Configured]:
        """What was to be, until `stop_ns` (CLOCK_MONOTONIC; without it, now)."""
        stop = time.monotonic_ns() if stop_ns is None else stop_ns
        found = {}
        for way, name in enumerate(DIRECTIONS):
            parts = self._kept[way]
            if not parts:
                continue
            times, delay, rate, out = (np.concatenate(columns) for columns in zip(*parts, strict=True))
            seen = times <= stop
            found[name] = Configured(
                (times[seen] - self._origin_ns) * 1e-9,
                delay[seen] * 1e-6,
                rate[seen],
                out[seen],
                tuple((at, words) for at, words in self._carriers if at <= (stop - self._origin_ns) * 1e-9),
            )
        return found

    def _keep(self, way: int, table: LinkTable) -> None:
        # Beyond what is planned a window is an outage, which the next one may take back until its time has come.
        end = max(int(table.time_ns[-1]) - 1, time.monotonic_ns())
        start = self._until[way]
        first = -(-(start - self._origin_ns) // _EVERY_NS)
        grid = np.arange(first, (end - self._origin_ns) // _EVERY_NS, dtype=np.int64)
        times = self._origin_ns + grid * _EVERY_NS + grid * _PRIME_NS % _EVERY_NS
        if not times.size:
            return
        self._until[way] = self._origin_ns + (int(grid[-1]) + 1) * _EVERY_NS
        row = np.clip(np.searchsorted(table.time_ns, times, side="right") - 1, 0, None)
        self._kept[way].append((times, table.delay_at(times), table.rate_bps[row], table.outage[row]))
        if way == 0:
            self._ask(int(times[-1]))

    def _ask(self, until_ns: int) -> None:
        """Who carries the traffic, slot by slot."""
        while self._carried_until_ns < until_ns:
            state = self._source.state(self._terminal, self._carried_until_ns)
            words = (state.satellite or "served") if state.served else state.cause
            if not self._carriers or self._carriers[-1][1] != words:
                self._carriers.append(((self._carried_until_ns - self._origin_ns) * 1e-9, words))
            later = self._carried_until_ns + _ASK_NS
            self._carried_until_ns = state.until_ns if state.until_ns > self._carried_until_ns else later


_Part: TypeAlias = tuple[Ints, Floats, Floats, Bools]


def write_run_report(folder: Path, record: RunRecord, summary: dict[str, Any], stop_ns: int | None = None) -> None:
    """Write the report of a run into the folder that holds its `packets.parquet`: `summary.json`, `report.json`,
    `up.png`, `down.png`, `fidelity.png`. `summary` has `up` and `down` as `DirectionMeasure.summary` makes them."""
    write_report(folder, summary, record.configured(stop_ns))
