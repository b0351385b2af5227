"""The sky over a WebSocket: every satellite's place once a second, written once for all who watch.

A keyframe is little-endian: "SKY1", N (u32), time (f64, seconds since 1970, UTC), slot (i64), speed (f64; 0 while
paused), then N positions (3 f32, km, Earth-fixed), N velocities (3 f32, km/s, Earth-fixed), N states (u8: 0 idle,
1 serving, 2 out of service). Who is behind gets the newest one next, and misses those between; who takes none for
`PATIENCE_S` is let go.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import struct

import numpy as np
from fastapi import APIRouter, WebSocket
from starlette.websockets import WebSocketDisconnect

from skyhaul.operation import Snapshot, satellite_columns
from skyhaul.server._desk import Desk

router = APIRouter()

MAGIC = b"SKY1"
EVERY_S = 1.0
PATIENCE_S = 10.0
WATCHERS_MOST = 500

_log = logging.getLogger("skyhaul.server")


def keyframe(snapshot: Snapshot) -> bytes:
    """The sky at an instant, as it is sent; NaN for a satellite that is not there."""
    position, velocity = snapshot.satellites()
    states = satellite_columns(snapshot).state
    speed = 0.0 if snapshot.paused else snapshot.speed
    head = MAGIC + struct.pack("<Idqd", len(states), snapshot.time_ns / 1e9, snapshot.slot, speed)
    return b"".join(
        (
            head,
            np.ascontiguousarray((position / 1e3).T, dtype="<f4").tobytes(),
            np.ascontiguousarray((velocity / 1e3).T, dtype="<f4").tobytes(),
            states.astype(np.uint8).tobytes(),
        )
    )


class Projector:
    """Writes a keyframe a second while anybody watches, and tells all watchers of it."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._fresh = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None
        self._watched = asyncio.Event()
        self.frame = b""
        self.number = 0
        self.watchers = 0
        self.let_go = 0  # watchers that took nothing

    def start(self) -> None:
        """Begin, in the running loop."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """End, and let every watcher go."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        async with self._fresh:
            self._fresh.notify_all()

    def running(self) -> bool:
        """Whether there will be more."""
        return self._task is not None

    async def next(self, number: int) -> int:
        """The number of the newest keyframe, once there is one after `number`."""
        async with self._fresh:
            while self.number == number and self.running():
                await self._fresh.wait()
        return self.number

    def arrive(self) -> None:
        """Somebody watches."""
        self.watchers += 1
        self._watched.set()

    def leave(self) -> None:
        """Somebody watches no more."""
        self.watchers -= 1
        if not self.watchers:
            self._watched.clear()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._watched.wait()
            began = loop.time()
            try:
                frame = await asyncio.to_thread(lambda: keyframe(self._desk.snapshot()))
            except Exception:  # one picture that cannot be made must not end all that come after it
                _log.exception("no keyframe of the sky")
            else:
                async with self._fresh:
                    self.frame, self.number = frame, self.number + 1
                    self._fresh.notify_all()
            await asyncio.sleep(max(0.05, EVERY_S - (loop.time() - began)))


@router.websocket("/sky")
async def sky(socket: WebSocket) -> None:
    """Keyframes of the sky until the watcher leaves."""
    projector: Projector = socket.app.state.projector
    if projector.watchers >= WATCHERS_MOST:
        await socket.close(1013, f"{WATCHERS_MOST} others watch")
        return
    offered = [protocol for protocol in socket.scope.get("subprotocols", []) if protocol == "sky1"]
    await socket.accept(subprotocol=offered[0] if offered else None)
    projector.arrive()
    listening = asyncio.create_task(_until_gone(socket))
    try:
        number = 0
        while projector.running():
            coming = asyncio.create_task(projector.next(number))
            done, _ = await asyncio.wait((coming, listening), return_when=asyncio.FIRST_COMPLETED)
            if listening in done:
                coming.cancel()
                return
            number = coming.result()
            if not projector.running():
                break
            await asyncio.wait_for(socket.send_bytes(projector.frame), PATIENCE_S)
        await socket.close(1001, "the server stops")
    except TimeoutError:
        projector.let_go += 1
        with contextlib.suppress(Exception):  # it may be gone altogether
            await asyncio.wait_for(socket.close(1008, "takes nothing"), 0.1)
    except (WebSocketDisconnect, RuntimeError):
        pass  # it left while it was sent something
    finally:
        listening.cancel()
        projector.leave()


async def _until_gone(socket: WebSocket) -> None:
    """Take what a watcher says, which is of no matter, until it leaves."""
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):
        while True:
            message = await socket.receive()
            if message["type"] == "websocket.disconnect":
                return
