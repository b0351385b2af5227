"""A source of tables that a process of its own plans: what the carrier of packets asks (`TableSource`)."""

from __future__ import annotations

import contextlib
import os
import pickle
import select
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import skyhaul
from skyhaul import errors
from skyhaul.errors import SkyhaulError
from skyhaul.live._messages import receive, send
from skyhaul.live._spec import ScenarioSpec, Spec, TraceSpec
from skyhaul.live._tables import Bounds, PathState, Publish

if TYPE_CHECKING:
    from skyhaul.emulation import LinkTable
    from skyhaul.scenario import Scenario

BEHIND_NS = 1_000_000_000
"""How far back a window reaches: a queue may still be served from there."""
REACH_NS = 8_000_000_000
"""How far ahead a window reaches, where that much is planned."""
REFRESH_NS = 2_000_000_000
_CLOSE_TIMEOUT_S = 2.0

# What `python -P` needs to find this package where it is not installed; last, so that it hides nothing.
_BODY = "import sys; sys.path.append({root!r}); from skyhaul.live._planner import main; main({descriptor})"


def scenario_source(
    scenario: str | Path | Scenario,
    terminals: tuple[str, ...] = (),
    *,
    start: datetime | None = None,
    speed: float = 1.0,
    live: bool = False,
    changes: dict[str, object] | None = None,
) -> PlannedSource:
    """Follow a scenario: from its start or another UTC instant, at a speed, or by the clock (`live`).

    scenario   a file, a preset's name, or a `Scenario`; `changes` as `changed_scenario` takes them
    terminals  whose links are wanted, in this order; none: all

    Errors of the scenario, an unknown terminal among them, are raised by `ready`.
    """
    return PlannedSource(ScenarioSpec(scenario, changes or {}, tuple(terminals), start, speed, live))


def trace_source(
    path: str | Path,
    *,
    names: tuple[str, ...] = ("trace",),
    terminal: str | None = None,
    delay_ns: int = 0,
    down: str | Path | None = None,
) -> PlannedSource:
    """Replay a trace, again and again, on one link for each of `names`; see `read_trace` for what it may be.

    terminal  which of a dataset's terminals
    delay_ns  one-way delay of a trace that has none (mahimahi)
    down      the file of the other direction, where each has its own (mahimahi)

    Errors of the trace are raised by `ready`.
    """
    return PlannedSource(TraceSpec(Path(path), terminal, tuple(names), delay_ns, Path(down) if down else None))


@dataclass(frozen=True, slots=True)
class _Chunk:
    start_ns: int
    stop_ns: int
    rows: tuple[bytes, ...]
    spans: list[list[list[Any]]]


class PlannedSource:
    """The tables that a planning process sends. All but `follow` and `stop` may be called from any thread."""

    def __init__(self, spec: Spec) -> None:
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        root = str(Path(skyhaul.__file__).parents[1])
        # One core for what plans, the other for what carries packets.
        environment = {"SKYHAUL_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", **os.environ}
        with theirs:
            # A session of its own: the terminal's signals are for the program behind the link.
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", _BODY.format(root=root, descriptor=theirs.fileno())],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env=environment,
                start_new_session=True,
            )
        with contextlib.suppress(BrokenPipeError):
            send(self._channel, {}, pickle.dumps(spec))
        self._opener = os.getpid()
        self._lock = threading.RLock()
        self._chunks: deque[_Chunk] = deque()
        self._facts: dict[str, Any] | None = None
        self._zero_ns: int | None = None
        self._clock_zero_ns: int | None = None
        self._failure: SkyhaulError | None = None
        self._planned = self._late = 0
        self._late_max_ns = 0
        self._least_ahead_ns: int | None = None
        self._stopping, self._stop_word = os.pipe()
        self._thread: threading.Thread | None = None
        self.notes: tuple[str, ...] = ()

    def ready(self) -> None:
        while self._facts is None:
            self._hear()
            if self._failure is not None:
                raise self._failure

    @property
    def about(self) -> str:
        """What is followed, in words."""
        return str(self._known["about"])

    @property
    def terminals(self) -> tuple[str, ...]:
        return tuple(self._known["terminals"])

    @property
    def pops(self) -> tuple[str, ...]:
        return tuple(self._known["pops"])

    def home(self, terminal: int) -> str:
        homes = self._known["homes"]
        return str(homes[terminal]) if homes else ""

    def backbone_ns(self, one: str, other: str) -> int:
        pops = self.pops
        return int(self._known["backbone_ns"][pops.index(one)][pops.index(other)])

    def bounds(self, direction: int) -> Bounds:
        return Bounds(*self._known["bounds"][direction])

    def start(self, now_ns: int) -> None:
        self.ready()
        if self._clock_zero_ns is not None:
            self._zero_ns = self._clock_zero_ns
            return
        self._zero_ns = now_ns
        with contextlib.suppress(BrokenPipeError):
            send(self._channel, {"start": now_ns})

    def window(self, direction: int, now_ns: int) -> LinkTable:
        import numpy as np

        from skyhaul.emulation._table import ROW, LinkTable

        zero = self._zero
        with self._lock:
            low, high = now_ns - zero - BEHIND_NS, now_ns - zero + REACH_NS
            chunks = [chunk for chunk in self._chunks if chunk.stop_ns > low and chunk.start_ns <= high]
            parts = [np.frombuffer(chunk.rows[direction], ROW) for chunk in chunks]
        for k, chunk in enumerate(chunks):
            begins = parts[k]["time"]
            first = max(0, int(np.searchsorted(begins, low - chunk.start_ns, side="right")) - 1)
            last = int(np.searchsorted(begins, high - chunk.start_ns, side="right")) + 1
            parts[k] = parts[k][first:last].copy()
            parts[k]["time"] += chunk.start_ns + zero
        end = np.zeros(1, ROW)
        end["time"], end["out"] = (chunks[-1].stop_ns if chunks else low) + zero, 1
        rows = np.concatenate([*parts, end])
        time_ns = rows["time"]
        first = max(0, int(np.searchsorted(time_ns, low + zero, side="right")) - 1)
        last = min(rows.size, int(np.searchsorted(time_ns, high + zero, side="right")) + 1)
        rows = rows[first : max(last, first + 1)]
        time_ns, delay_ns, rate, loss = (np.ascontiguousarray(rows[name]) for name in ("time", "delay", "rate", "loss"))
        return LinkTable(time_ns, delay_ns, rate, loss, rows["out"] != 0)

    def state(self, terminal: int, now_ns: int) -> PathState:
        import numpy as np

        at = now_ns - self._zero
        with self._lock:
            chunk = next((chunk for chunk in self._chunks if chunk.start_ns <= at < chunk.stop_ns), None)
            failure = self._failure
        nan = float("nan")
        if chunk is None:
            cause = f"nothing is planned: {failure.what}" if failure else "nothing is planned"
            return PathState(False, cause, "no_plan", "", "", "", -1, nan, 0.0, 0.0, 1.0, 1.0, now_ns)
        spans = chunk.spans[terminal]
        row = max(0, sum(chunk.start_ns + span[0] <= at for span in spans) - 1)
        _, code, cause, satellite, gateway, pop, hops = spans[row]
        # A trace's chunks are no slots: where it has none in sight, nobody knows the next one.
        ends = chunk.stop_ns if self.pops else at
        until = self._zero + (chunk.start_ns + spans[row + 1][0] if row + 1 < len(spans) else ends)
        if code != "served":
            return PathState(False, cause, code, "", "", "", -1, nan, 0.0, 0.0, 1.0, 1.0, until)
        up, down = (self.window(2 * terminal + way, now_ns) for way in (0, 1))
        instant = np.array([now_ns])
        rtt_ns = float(up.delay_at(instant)[0] + down.delay_at(instant)[0])
        row_up, row_down = (
            max(0, int(np.searchsorted(table.time_ns, now_ns, side="right")) - 1) for table in (up, down)
        )
        return PathState(
            True,
            "",
            code,
            satellite,
            gateway,
            pop,
            hops,
            rtt_ns * 1e-9,
            float(up.rate_bps[row_up]),
            float(down.rate_bps[row_down]),
            float(up.loss[row_up]),
            float(down.loss[row_down]),
            until,
        )

    def follow(self, publish: Publish) -> None:
        self._thread = threading.Thread(target=self._run, args=(publish,), name="skyhaul-follow", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        if self._thread is not None:
            os.write(self._stop_word, b"s")
            self._thread.join()
            self._thread = None

    def summary(self) -> dict[str, Any]:
        ahead = self._least_ahead_ns
        return {
            "about": self.about,
            "planned": self._planned,
            "late": self._late,
            "late_max_ms": round(self._late_max_ns / 1e6, 3),
            "least_ahead_s": None if ahead is None else round(ahead / 1e9, 3),
            "failure": self._failure.what if self._failure else None,
        }

    def close(self) -> None:
        self.stop()
        self._channel.close()
        os.close(self._stopping)
        os.close(self._stop_word)
        if os.getpid() == self._opener:
            try:
                self._process.wait(_CLOSE_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def __enter__(self) -> PlannedSource:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def _known(self) -> dict[str, Any]:
        if self._facts is None:
            raise RuntimeError("a source of tables is asked before it is ready")
        return self._facts

    @property
    def _zero(self) -> int:
        if self._zero_ns is None:
            raise RuntimeError("a source of tables is asked before it has started")
        return self._zero_ns

    def _run(self, publish: Publish) -> None:
        poll = select.poll()
        poll.register(self._stopping, select.POLLIN)
        poll.register(self._channel, select.POLLIN)
        due = time.monotonic_ns() + REFRESH_NS
        while True:
            events = dict(poll.poll(max(0.0, (due - time.monotonic_ns()) / 1e6)))
            if self._stopping in events:
                return
            if self._channel.fileno() in events:
                # What is published now reaches further than what was planned before, unless there was enough.
                short = self._planned_until() < time.monotonic_ns() + REACH_NS
                self._hear()
                if self._failure is not None:
                    poll.unregister(self._channel)
                elif short:
                    due = time.monotonic_ns()
            if time.monotonic_ns() >= due:
                self._publish(publish)
                due = time.monotonic_ns() + REFRESH_NS

    def _publish(self, publish: Publish) -> None:
        for direction in range(2 * len(self.terminals)):
            publish(direction, self.window(direction, time.monotonic_ns()))

    def _planned_until(self) -> int:
        with self._lock:
            return self._zero + (self._chunks[-1].stop_ns if self._chunks else 0)

    def _hear(self) -> None:
        """Take one message."""
        message = receive(self._channel)
        if message is None:
            self._failure = SkyhaulError("what plans the link has ended")
            return
        header, body = message
        if "chunk" in header:
            self._keep(header, body)
        elif "ready" in header:
            self._facts = header["ready"]
            self.notes = tuple(header["notes"])
            self._clock_zero_ns = header["zero_ns"]
        elif "error" in header:
            told = header["error"]
            kind = getattr(errors, told["kind"], SkyhaulError)
            self._failure = kind(told["what"], where=told["where"], mend=told["mend"])

    def _keep(self, header: dict[str, Any], body: bytes) -> None:
        rows, offset = [], 0
        for count in header["rows"]:
            size = count * _ROW_BYTES
            rows.append(body[offset : offset + size])
            offset += size
        start, stop = header["chunk"]
        with self._lock:
            self._planned += 1
            self._chunks.append(_Chunk(start, stop, tuple(rows), header["spans"]))
            if self._zero_ns is None:
                return
            now = time.monotonic_ns()
            ahead = self._zero_ns + start - now
            self._late += ahead < 0
            self._late_max_ns = max(self._late_max_ns, -ahead)
            self._least_ahead_ns = ahead if self._least_ahead_ns is None else min(ahead, self._least_ahead_ns)
            while self._chunks and self._chunks[0].stop_ns + self._zero_ns < now - 2 * BEHIND_NS:
                self._chunks.popleft()


_ROW_BYTES = 40  # of `skyhaul.emulation._table.ROW`, which needs NumPy
