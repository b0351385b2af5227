"""Running the server: a socket, an event loop, dishes beside it, and an end that loses nothing."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import json
import os
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI

from skyhaul.errors import InputError
from skyhaul.server._app import end_streams

RUNTIME = "server.json"
_GRACE_S = 3  # for answers that are under way when the server is told to stop
_BACKLOG = 512


def bind(host: str, port: int) -> socket.socket:
    """A socket that listens there; port 0: any that is free. Raises InputError where that cannot be."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Said to be TCP, so that asyncio turns off the waiting for more to send: answers came 40 ms late with it.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        where = f"{host}:{port}"
        if error.errno == errno.EADDRINUSE:
            raise InputError(
                "something listens there already", where=where, mend="another --port, or 0 for any"
            ) from None
        if error.errno in (errno.EACCES, errno.EPERM):
            raise InputError("not allowed to listen there", where=where, mend="a --port above 1023") from None
        raise InputError(f"cannot listen there: {error.strerror}", where=where, mend="another --host") from None
    except (OverflowError, UnicodeError):
        listening.close()
        raise InputError("no address to listen at", where=f"{host}:{port}", mend="like 127.0.0.1 and 8000") from None
    return listening


def url_of(listening: socket.socket) -> str:
    """The address of a server that listens on a socket, as a browser takes it."""
    host, port = listening.getsockname()[:2]
    if host in ("0.0.0.0", "::"):
        host = "localhost"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the loop's own business here."""
        yield


async def serve(
    app: FastAPI,
    listening: socket.socket,
    *,
    ready: Callable[[], None],
    beside: Callable[[], contextlib.AbstractAsyncContextManager[Any]] = contextlib.nullcontext,
    stop: Awaitable[object] | None = None,
) -> int:
    """Serve until told to stop; the signal that told, or 0.

    ready    called once requests are answered
    beside   what runs in the same loop meanwhile, such as dishes
    stop     ends it too
    """
    loop = asyncio.get_running_loop()
    told: asyncio.Future[int] = loop.create_future()
    handled = []
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):  # outside the main thread
            loop.add_signal_handler(number, _tell, told, number)
            handled.append(number)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="on",
        ws="websockets-sansio",
        ws_max_size=4096,  # who watches the sky has nothing to say
        ws_per_message_deflate=False,  # keyframes are noise to a compressor
        timeout_graceful_shutdown=_GRACE_S,
        timeout_keep_alive=30,
        h11_max_incomplete_event_size=64 * 1024,
    )
    server = _Server(config)
    try:
        async with beside():
            running = asyncio.create_task(server.serve(sockets=[listening]))
            ends: asyncio.Future[object] = loop.create_future() if stop is None else asyncio.ensure_future(stop)
            while not server.started and not running.done():
                await asyncio.sleep(0.01)
            if server.started:
                # What is loaded by now stays: looking through it again and again would hold up answers.
                gc.freeze()
                ready()
            await asyncio.wait((told, running, ends), return_when=asyncio.FIRST_COMPLETED)
            if not running.done():
                await end_streams(app)
                server.should_exit = True
            await running
    finally:
        for number in handled:
            loop.remove_signal_handler(number)
    return told.result() if told.done() else 0


def _tell(told: asyncio.Future[int], number: int) -> None:
    if not told.done():
        told.set_result(number)


@contextlib.contextmanager
def announced(folder: Path | None, url: str) -> Iterator[None]:
    """While it lasts, the folder says where the server answers."""
    if folder is None:
        yield
        return
    path = folder / RUNTIME
    partial = path.with_suffix(".part")
    partial.write_text(json.dumps({"url": url, "pid": os.getpid()}), encoding="utf-8")
    partial.replace(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
