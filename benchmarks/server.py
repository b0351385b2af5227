"""`skyhaul up` while fifty watch its sky, asked for one answer after another; uvicorn alone beside it."""

from __future__ import annotations

import asyncio
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from websockets.asyncio.client import connect

from benchmarks._timing import Goal, Result, Row

WATCHERS = 50
SECONDS = 15.0
_REQUESTS = 40  # of each path, one after the other
_PATHS = {
    "the system's state": "/api/v1/system",
    "21 terminals": "/api/v1/terminals?limit=100",
    "a terminal's path": "/api/v1/terminals/tokyo/path",
    "a decision with every reason": "/api/v1/terminals/mill/decision",
    "satellites above a terminal": "/api/v1/terminals/tokyo/candidates",
    "1000 satellites": "/api/v1/satellites?limit=1000",
    "metrics": "/metrics",
}
_BARE = """
import sys, uvicorn

async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": b"x" * 600})

print(f"http://127.0.0.1:{sys.argv[1]}", flush=True)
uvicorn.run(app, port=int(sys.argv[1]), log_level="error", lifespan="off")
"""


def run(data: Path) -> Result:
    del data
    rows: list[Row] = []
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder, _bare() as bare:
        began = time.perf_counter()
        with _up(folder) as url:
            cold = time.perf_counter() - began
        began = time.perf_counter()
        with _up(folder) as url:
            warm = time.perf_counter() - began
            gaps, bytes_s, asked = asyncio.run(_watched(url, bare))
    rows.append(Row("a first start, ms", "skyhaul up", 1e3 * cold, None, "makes its registry"))
    rows.append(Row("a start, ms", "skyhaul up", 1e3 * warm, None))
    for work, (own, other) in asked.items():
        rows.append(Row(f"{work}, median, ms", "skyhaul up", statistics.median(own), None, f"p99 {_p99(own):.1f}"))
        rows.append(
            Row(
                f"{work}, median, ms",
                "uvicorn alone, 600 bytes",
                statistics.median(other),
                statistics.median(other) / statistics.median(own),
                f"p99 {_p99(other):.1f}",
            )
        )
    rows.append(Row("from keyframe to keyframe, p99, ms", f"{WATCHERS} watchers", _p99(gaps), None))
    rows.append(Row("sent to all watchers, MB a second", f"{WATCHERS} watchers", bytes_s / 1e6, None))
    everything = [taken for own, _ in asked.values() for taken in own]
    return Result(
        "A server that is watched",
        f"`skyhaul up` with 4,408 satellites and 21 terminals, {WATCHERS} watching the sky for {SECONDS:g} s and more, "
        f"each path asked {_REQUESTS} times, one request after the other, in turns with uvicorn alone. Who asks and "
        f"who watches runs on the same cores; the load was {load:.1f} when this began",
        tuple(rows),
        (
            Goal("a start with warm caches, s", warm, 10.0, False),
            Goal(f"99 % of all answers while {WATCHERS} watch, ms", _p99(everything), 200.0, False),
        ),
        units="",
    )


async def _watched(url: str, bare: str) -> tuple[list[float], float, dict[str, tuple[list[float], list[float]]]]:
    """Gaps between keyframes in ms, bytes a second, and by work the ms of our answers and of the other's."""
    stop = asyncio.Event()
    gaps: list[float] = []
    received = 0

    async def watch() -> None:
        nonlocal received
        address = f"{url.replace('http', 'ws', 1)}/api/v1/sky"
        async with connect(address, compression=None, proxy=None, max_size=None) as socket:
            last = None
            while not stop.is_set():
                frame = await asyncio.wait_for(socket.recv(), 30)
                received += len(frame)
                now = time.perf_counter()
                if last is not None:
                    gaps.append(1e3 * (now - last))
                last = now

    watching = [asyncio.create_task(watch()) for _ in range(WATCHERS)]
    await asyncio.sleep(2.0)
    began, before = time.perf_counter(), received
    asked: dict[str, tuple[list[float], list[float]]] = {}
    async with httpx.AsyncClient(trust_env=False, timeout=30.0) as client:
        for work, path in _PATHS.items():
            own: list[float] = []
            other: list[float] = []
            for _ in range(_REQUESTS):
                for address, taken in ((url + path, own), (bare, other)):
                    at = time.perf_counter()
                    (await client.get(address)).raise_for_status()
                    taken.append(1e3 * (time.perf_counter() - at))
                await asyncio.sleep(0.01)  # below the server's rate limit
            asked[work] = own, other
    await asyncio.sleep(max(0.0, SECONDS - (time.perf_counter() - began)))
    speed = (received - before) / (time.perf_counter() - began)
    stop.set()
    await asyncio.gather(*watching)
    return gaps, speed, asked


@contextmanager
def _up(folder: str) -> Iterator[str]:
    command = [sys.executable, "-m", "skyhaul", "up", "--folder", folder, "--port", "0", "--no-dishes"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = ""
        for line in process.stdout:
            said += line
            if line.startswith("Ctrl-C"):
                break
        found = re.search(r"http://\S+", said)
        assert found, "it did not start"
        try:
            yield found[0]
        finally:
            process.terminate()


@contextmanager
def _bare() -> Iterator[str]:
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with subprocess.Popen([sys.executable, "-c", _BARE, str(port)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        time.sleep(1.0)
        try:
            yield url
        finally:
            process.terminate()


def _p99(values: list[float]) -> float:
    return sorted(values)[int(0.99 * (len(values) - 1))]
