"""Server-sent events: what happens, as it happens, resumed where a reader stopped."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from starlette.responses import StreamingResponse

from skyhaul.errors import InputError
from skyhaul.operation import Event, Events
from skyhaul.server._desk import Here, Who
from skyhaul.server._people import Caller
from skyhaul.server._plain import iso_ns
from skyhaul.server._problems import RefusedError

router = APIRouter(tags=["live"])

HEARTBEAT_S = 15.0
"""Proxies close what is silent for a minute; HTML's own advice is a comment every 15 s (section 9.2.7)."""
READERS_MOST = 500
_AT_ONCE = 500  # events a write; a reader that is far behind gets them in parts
_WAIT_S = 1.0

KINDS = ("slot", "handover", "terminal", "order", "decision", "failure", "late", "time", "store")


class Bell:
    """Tells the event loop that something happened: one thread waits for all readers."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self._news = asyncio.Condition()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.readers = 0

    def start(self) -> None:
        """Begin to listen, in the running loop."""
        loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._listen, args=(loop,), name="skyhaul-server-events", daemon=True)
        self._thread.start()

    async def stop(self) -> None:
        """Wake every reader for the last time."""
        self._stop.set()
        async with self._news:
            self._news.notify_all()

    @property
    def stopped(self) -> bool:
        """Whether there will be no more news."""
        return self._stop.is_set()

    async def wait(self, number: int, timeout_s: float) -> None:
        """Until there is an event after a number, or the time is over."""
        async with self._news:
            if self._events.last == number and not self._stop.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._news.wait(), timeout_s)

    def _listen(self, loop: asyncio.AbstractEventLoop) -> None:
        heard = self._events.last
        while not self._stop.is_set():
            self._events.wait(heard, _WAIT_S)
            if self._events.last != heard:
                heard = self._events.last
                with contextlib.suppress(RuntimeError):  # the loop is closed
                    asyncio.run_coroutine_threadsafe(self._ring(), loop)

    async def _ring(self) -> None:
        async with self._news:
            self._news.notify_all()


@router.get(
    "/events",
    summary="What happens",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}, "description": "Events until the reader leaves."}},
)
async def events(
    request: Request,
    desk: Here,
    caller: Who,
    last_event_id: Annotated[str | None, Header(max_length=80, description="Resume after this event.")] = None,
    types: Annotated[str, Query(max_length=200, description="Kinds, separated by commas; without it all.")] = "",
) -> StreamingResponse:
    """Events as they come: slot, handover, terminal, order, decision, failure, late, time, store.

    Each has an id; a reader that sends the last one as `Last-Event-ID` gets what it missed, up to 10,000 events. A
    `gap` event says that some are lost. Without it the stream begins with what comes next.
    """
    wanted = frozenset(part.strip() for part in types.split(",") if part.strip()) or frozenset(KINDS)
    unknown = sorted(wanted - set(KINDS))
    if unknown:
        raise InputError(f"no event is a {unknown[0]}", where="types", mend=f"of {', '.join(KINDS)}")
    bell: Bell = request.app.state.bell
    if bell.readers >= READERS_MOST:
        raise RefusedError(503, f"{READERS_MOST} others read events", mend="come back later")
    run: str = request.app.state.run
    source = desk.operation.events
    number, lost = _resumed(last_event_id, run, source)
    return StreamingResponse(
        _stream(bell, source, run, number, lost, wanted, caller),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


def _resumed(last: str | None, run: str, source: Events) -> tuple[int, bool]:
    """The number after which to go on, and whether events before it are lost."""
    if not last:
        return source.last, False
    of, _, text = last.partition("-")
    if of != run or not (text.isascii() and text.isdigit()) or len(text) > 15:
        return 0, True  # of an earlier process: all that this one has
    number = min(int(text), source.last)
    kept = source.since(number, 1)
    return number, bool(kept) and kept[0].number != number + 1


async def _stream(
    bell: Bell, source: Events, run: str, number: int, lost: bool, wanted: frozenset[str], caller: Caller
) -> AsyncIterator[bytes]:
    bell.readers += 1
    try:
        yield b"retry: 2000\n\n"
        if lost:
            yield _written("gap", f"{run}-{number}", {"words": "some events are lost"})
        while not bell.stopped:
            found = source.since(number, _AT_ONCE) if source.last != number else []
            if found:
                if found[0].number > number + 1 and number:
                    yield _written("gap", f"{run}-{number}", {"words": "some events are lost"})
                number = found[-1].number
                text = b"".join(_of(event, run) for event in found if event.kind in wanted)
                if text:
                    yield text
                continue
            await bell.wait(number, HEARTBEAT_S)
            if source.last == number and not bell.stopped:
                yield b": still here\n\n"
    finally:
        bell.readers -= 1


def _of(event: Event, run: str) -> bytes:
    return _written(event.kind, f"{run}-{event.number}", {"time": iso_ns(event.time_ns), **event.detail})


def _written(kind: str, id: str, data: object) -> bytes:
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return f"id: {id}\nevent: {kind}\ndata: {text}\n\n".encode()
