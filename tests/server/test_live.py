"""Events and the sky: resumed, shared by many, and nobody's slowness anybody else's."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import numpy as np
import pytest
import websockets.exceptions
from websockets.asyncio.client import connect as connect_many
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from skyhaul.operation import Events
from skyhaul.server import _sky_socket, keyframe
from skyhaul.server._events import _resumed
from tests.server.running import Running


def events_of(running: Running, wanted: int, last: str = "", **query: str) -> list[dict[str, Any]]:
    """The next events from a stream."""
    headers = {"Last-Event-ID": last} if last else {}
    found: list[dict[str, Any]] = []
    with (
        running.client() as client,
        client.stream("GET", "/events", headers=headers, params=query, timeout=20.0) as answer,
    ):
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert "content-encoding" not in answer.headers
        event: dict[str, Any] = {}
        for line in answer.iter_lines():
            name, _, value = line.partition(": ")
            if name in ("id", "event"):
                event[name] = value
            elif name == "data":
                event["data"] = json.loads(value)
                found.append(event)
                event = {}
                if len(found) == wanted:
                    return found
    return found


def later(work: Any) -> threading.Thread:
    """Do something while a reader reads."""

    def run() -> None:
        time.sleep(0.4)
        work()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_events_come_as_they_happen_and_resume_where_a_reader_stopped(changing: Running) -> None:
    def step() -> None:
        assert changing.send("POST", "/time", "Olga", {"step_s": 15.0}).status_code == 200

    doing = later(step)
    first = events_of(changing, 1, types="slot")[0]
    doing.join()
    assert first["data"]["slot"] == changing.desk.snapshot().slot
    assert {"served", "refused", "terminals", "time"} <= first["data"].keys()
    step()
    step()
    missed = events_of(changing, 2, last=first["id"], types="slot")
    assert [event["data"]["slot"] for event in missed] == [first["data"]["slot"] + 1, first["data"]["slot"] + 2]
    numbers = [int(event["id"].partition("-")[2]) for event in events_of(changing, 5, last=first["id"])]
    begun = int(first["id"].partition("-")[2])
    assert numbers == list(range(begun + 1, begun + 6))


def test_a_reader_of_an_earlier_process_is_told_of_the_gap(changing: Running) -> None:
    found = events_of(changing, 2, last="0000-7")
    assert found[0]["event"] == "gap"
    assert found[1]["id"].endswith("-1")


def test_events_that_were_forgotten_are_a_gap() -> None:
    events = Events(kept=10)
    for slot in range(100):
        events.add("slot", slot, slot=slot)
    assert _resumed("run-50", "run", events) == (50, True)
    assert _resumed("run-95", "run", events) == (95, False)
    assert _resumed("run-100", "run", events) == (100, False)
    assert _resumed(None, "run", events) == (100, False)
    assert _resumed("run-x", "run", events) == (0, True)


def test_unknown_kinds_of_events_are_said(server: Running) -> None:
    answer = server.get("/events", types="slot,weather")
    assert answer.status_code == 422
    assert "weather" in answer.json()["detail"]


def read_frame(frame: bytes) -> tuple[int, float, int, float, Any, Any, Any]:
    magic, count, at, slot, speed = struct.unpack_from("<4sIdqd", frame)
    assert magic == b"SKY1"
    assert len(frame) == 32 + count * 25
    position = np.frombuffer(frame, "<f4", 3 * count, 32).reshape(count, 3)
    velocity = np.frombuffer(frame, "<f4", 3 * count, 32 + 12 * count).reshape(count, 3)
    return count, at, slot, speed, position, velocity, np.frombuffer(frame, "u1", count, 32 + 24 * count)


def sky_url(running: Running) -> str:
    return running.url.replace("http:", "ws:") + "/api/v1/sky"


@pytest.fixture
def watching(server: Running) -> Iterator[ClientConnection]:
    with connect(sky_url(server), compression=None, proxy=None, max_size=None) as socket_:
        yield socket_


def test_a_keyframe_is_the_sky(server: Running, watching: ClientConnection) -> None:
    frame = watching.recv(timeout=10)
    assert isinstance(frame, bytes)
    count, at, slot, speed, position, velocity, state = read_frame(frame)
    snapshot = server.desk.snapshot()
    assert (count, slot, speed) == (len(snapshot.world.elements), snapshot.slot, 0.0)
    assert at == snapshot.time_ns / 1e9
    true, moving = snapshot.satellites()
    # float32 of 7000 km is good to 0.25 m.
    assert np.abs(position - true.T / 1e3).max() < 1e-3
    assert np.abs(velocity - moving.T / 1e3).max() < 1e-5
    serving = {item["index"] for item in _all(server, "/satellites") if item["serving_cells"]}
    assert set(np.flatnonzero(state == 1).tolist()) == serving


def _all(server: Running, path: str) -> Iterator[dict[str, Any]]:
    cursor: str | None = None
    while True:
        page = server.get(path, limit=1000, **({"cursor": cursor} if cursor else {})).json()
        yield from page["items"]
        cursor = page["next"]
        if cursor is None:
            return


def test_pages_of_others_see_no_sky(server: Running) -> None:
    with pytest.raises(websockets.exceptions.InvalidStatus):
        connect(sky_url(server), origin=Origin("http://evil.example"), proxy=None)


def test_fifty_watch_one_sky(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    made = 0

    def counted(snapshot: Any) -> bytes:
        nonlocal made
        made += 1
        return keyframe(snapshot)

    monkeypatch.setattr(_sky_socket, "keyframe", counted)

    async def watch() -> list[int]:
        async def one() -> int:
            async with connect_many(sky_url(server), compression=None, proxy=None, max_size=None) as socket_:
                for _ in range(3):
                    assert isinstance(await asyncio.wait_for(socket_.recv(), 15), bytes)
                return 1

        return await asyncio.gather(*(one() for _ in range(50)))

    began = time.monotonic()
    assert sum(asyncio.run(watch())) == 50
    assert made <= time.monotonic() - began + 4  # one a second, whoever watches
    deadline = time.monotonic() + 5
    while server.app.state.projector.watchers and time.monotonic() < deadline:
        time.sleep(0.05)
    assert server.app.state.projector.watchers == 0


def test_one_who_takes_nothing_is_let_go_and_harms_nobody(
    server: Running, watching: ClientConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_sky_socket, "PATIENCE_S", 1.0)
    monkeypatch.setattr(_sky_socket, "EVERY_S", 0.05)  # what the kernel keeps for it must be full first
    where = urlsplit(server.url)
    before = server.app.state.projector.let_go
    dead = socket.socket()
    dead.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    dead.connect((where.hostname, where.port))
    key = b64encode(b"0123456789abcdef").decode()
    dead.sendall(
        f"GET /api/v1/sky HTTP/1.1\r\nHost: {where.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    gaps = []
    deadline = time.monotonic() + 60
    while server.app.state.projector.let_go == before and time.monotonic() < deadline:
        began = time.monotonic()
        watching.recv(timeout=10)
        gaps.append(time.monotonic() - began)
    dead.close()
    assert server.app.state.projector.let_go == before + 1
    assert max(gaps) < 5.0


def test_metrics_count_who_watches(server: Running, watching: ClientConnection) -> None:
    watching.recv(timeout=10)
    text = httpx.get(f"{server.url}/metrics", trust_env=False).text
    assert "skyhaul_sky_watchers 1.0" in text
