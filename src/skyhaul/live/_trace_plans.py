"""A trace replayed: its tables unrolled a chunk at a time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from skyhaul.emulation import LinkTable
from skyhaul.live._path_tables import Rows, Span
from skyhaul.live._planner import Chunk, Facts
from skyhaul.live._spec import TraceSpec
from skyhaul.live._trace_files import read_trace
from skyhaul.live._traces import Trace

CHUNK_NS = 15_000_000_000
_WINDOW_NS = 10_000_000_000  # a little more than a window of `PlannedSource` spans
_BOUNDARY_ROWS = 8  # what chunks add where they meet, and a window at its ends


class TracePlans:
    """The links of a trace, the same for every name, from time 0 on. Raises the errors of `read_trace`."""

    def __init__(self, spec: TraceSpec) -> None:
        self._names = spec.names
        self._trace = read_trace(spec.path, terminal=spec.terminal, delay_ns=spec.delay_ns, down=spec.down)

    def chunks(self) -> Iterator[Chunk]:
        start = 0
        while True:
            stop = start + CHUNK_NS
            rows = tuple(chunk_rows(table, start, stop) for table in (self._trace.up, self._trace.down))
            spans = spans_between(self._trace, start, stop)
            yield Chunk(start, stop, rows * len(self._names), (spans,) * len(self._names))
            start = stop

    def facts(self) -> Facts:
        trace = self._trace
        sides = [
            (table.peak_rate_bps, int(table.delay_ns.max()), densest(table, _WINDOW_NS) + _BOUNDARY_ROWS)
            for table in (trace.up, trace.down)
        ]
        about = f"trace {trace.name}" + (f" ({trace.about})" if trace.about else "")
        return Facts(self._names, tuple(sides * len(self._names)), about=about)


def chunk_rows(table: LinkTable, start_ns: int, stop_ns: int) -> Rows:
    """The states of a repeating table from `start_ns` to `stop_ns`, in ns from the start, so that chunks join."""
    rows = table.window(start_ns, stop_ns).rows()
    time = rows["time"]
    inside = rows[(time > start_ns) & (time < stop_ns - 1)]
    edges = np.array([start_ns, stop_ns - 1], np.int64)
    ends = rows[np.maximum(np.searchsorted(time, edges, side="right") - 1, 0)].copy()
    ends["time"], ends["delay"] = edges, np.rint(table.delay_at(edges))
    joined = np.concatenate([ends[:1], inside, ends[1:]])
    joined["time"] -= start_ns
    return joined


def spans_between(trace: Trace, start_ns: int, stop_ns: int) -> tuple[Span, ...]:
    """How the trace is served from `start_ns` to `stop_ns`, in ns from the start."""
    length = trace.length_ns
    found: list[Span] = []
    for turn in range(start_ns // length - 1, stop_ns // length + 1):
        for span in trace.spans:
            time = span.time_ns + turn * length
            if time < stop_ns:
                moved = Span(max(0, time - start_ns), *_words(span))
                # The last one before the start is the one in force there.
                found = [moved] if time <= start_ns else [*found, moved]
    return tuple(found)


def densest(table: LinkTable, span_ns: int) -> int:
    """The most rows that any stretch of `span_ns` of a repeating table holds."""
    count, turns = table.time_ns.size, -(-span_ns // table.period_ns)
    time = np.concatenate([table.time_ns + turn * table.period_ns for turn in range(turns + 1)])
    reach = np.searchsorted(time, table.time_ns + span_ns, side="right")
    return int((reach - np.arange(count)).max())


def _words(span: Span) -> tuple[str, str, str, str, str, int]:
    return span.code, span.cause, span.satellite, span.gateway, span.pop, span.laser_hops
