"""The process that plans: chunks of tables, seconds ahead of when they are needed, for as long as somebody listens."""

from __future__ import annotations

import contextlib
import os
import pickle
import select
import signal
import socket
import time
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Protocol

from skyhaul.errors import SkyhaulError, SkyhaulWarning
from skyhaul.live._messages import receive, send
from skyhaul.live._spec import ScenarioSpec, Spec

if TYPE_CHECKING:
    from skyhaul.live._path_tables import Rows, Span

AHEAD_NS = 20_000_000_000
"""How long before its start a chunk is planned, where the clock does not forbid it."""
_SLOT_NS = 15_000_000_000  # by the clock the next slot is planned when a slot starts
_NICENESS = 10  # below the engine, which may share the core


@dataclass(frozen=True, slots=True)
class Chunk:
    """The links of all directions from `start_ns` to `stop_ns` after time 0; rows and spans count from `start_ns`."""

    start_ns: int
    stop_ns: int
    rows: tuple[Rows, ...]
    spans: tuple[tuple[Span, ...], ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """What does not change during a run: see `TableSource`; `bounds` has (rate, delay, rows) of each direction."""

    terminals: tuple[str, ...]
    bounds: tuple[tuple[float, int, int], ...]
    pops: tuple[str, ...] = ()
    homes: tuple[str, ...] = ()
    backbone_ns: tuple[tuple[int, ...], ...] = ()
    about: str = ""


class Plans(Protocol):
    """What is planned, one chunk after another, without an end."""

    def chunks(self) -> Iterator[Chunk]: ...

    def facts(self) -> Facts:
        """Asked for after the first chunks."""


def main(descriptor: int) -> None:
    """Serve the source at the other end of a socket: the body of the process."""
    for number in (signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    channel = socket.socket(fileno=descriptor)
    order = receive(channel)
    if order is None:
        return
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        try:
            _serve(channel, pickle.loads(order[1]))
        except SkyhaulError as error:
            kind = type(error).__name__
            send(channel, {"error": {"kind": kind, "what": error.what, "where": error.where, "mend": error.mend}})
        except (BrokenPipeError, ConnectionResetError):
            raise
        except Exception as error:
            what = f"what plans the link has failed: {type(error).__name__}: {error}"
            send(channel, {"error": {"kind": "SkyhaulError", "what": what, "where": "", "mend": ""}})
    os._exit(0)  # the interpreter would take a quarter of a second to take itself apart


def _serve(channel: socket.socket, spec: Spec) -> None:
    live = isinstance(spec, ScenarioSpec) and spec.live
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", SkyhaulWarning)
        zero_ns, zero_utc_ns = time.monotonic_ns(), time.time_ns()
        plans = _plans(spec, zero_utc_ns)
        chunks = plans.chunks()
        ahead = _SLOT_NS if live else AHEAD_NS
        now = time.monotonic_ns() - zero_ns if live else 0
        chunk = next(chunks)
        while chunk.start_ns - ahead <= now:
            _send_chunk(channel, chunk)
            chunk = next(chunks)
        facts: dict[str, Any] = asdict(plans.facts())
        notes = [str(warning.message) for warning in caught]
    send(channel, {"ready": facts, "notes": notes, "zero_ns": zero_ns if live else None})
    os.nice(_NICENESS)
    if not live:
        order = receive(channel)
        if order is None:
            return
        zero_ns = int(order[0]["start"])
    while True:
        wait_ns = zero_ns + chunk.start_ns - ahead - time.monotonic_ns()
        if wait_ns > 0:
            # Nothing is said any more but the end of the connection.
            readable, _, _ = select.select([channel], [], [], wait_ns * 1e-9)
            if readable and receive(channel) is None:
                return
            continue
        _send_chunk(channel, chunk)
        chunk = next(chunks)


def _plans(spec: Spec, now_utc_ns: int) -> Plans:
    if isinstance(spec, ScenarioSpec):
        from skyhaul.live._scenario_plans import ScenarioPlans

        return ScenarioPlans(spec, now_utc_ns)
    from skyhaul.live._trace_plans import TracePlans

    return TracePlans(spec)


def _send_chunk(channel: socket.socket, chunk: Chunk) -> None:
    header = {
        "chunk": [chunk.start_ns, chunk.stop_ns],
        "rows": [part.size for part in chunk.rows],
        "spans": [[list(_words(span)) for span in spans] for spans in chunk.spans],
    }
    send(channel, header, b"".join(part.tobytes() for part in chunk.rows))


def _words(span: Span) -> tuple[object, ...]:
    return (span.time_ns, span.code, span.cause, span.satellite, span.gateway, span.pop, span.laser_hops)
