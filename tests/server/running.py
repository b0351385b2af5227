"""A server that really runs: its own thread and loop, a socket on loopback, an operation that stands still."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from skyhaul.operation import Operation
from skyhaul.scenario import load_scenario
from skyhaul.server import Desk, Tokens, create_app
from skyhaul.server._demo import demo_keys, demo_registry
from skyhaul.server._run import bind, serve, url_of

START = np.datetime64("2026-11-25T12:00:12", "ns")
HOLDER = "Ada"


@dataclass
class Running:
    """A server, and a token for everybody."""

    url: str
    desk: Desk
    app: Any
    tokens: dict[str, str] = field(default_factory=dict)

    def client(self, person: str = "") -> httpx.Client:
        """Who asks as a person, or as nobody."""
        headers = {"Authorization": f"Bearer {self.tokens[person]}"} if person else {}
        return httpx.Client(base_url=f"{self.url}/api/v1", headers=headers, timeout=30.0, trust_env=False)

    def get(self, path: str, person: str = "", **query: Any) -> httpx.Response:
        """Ask once."""
        with self.client(person) as client:
            return client.get(path, params={key.rstrip("_"): value for key, value in query.items()})

    def send(self, method: str, path: str, person: str = "", document: Any = None) -> httpx.Response:
        """Change something once."""
        with self.client(person) as client:
            return client.request(method, path, json=document)


@contextmanager
def serving(desk: Desk, tokens: Tokens, **more: Any) -> Iterator[tuple[str, Any]]:
    """A server over a desk: its address and application."""
    listening = bind("127.0.0.1", 0)
    app = create_app(desk, tokens, **more)
    ready = threading.Event()
    failed: list[BaseException] = []
    held: dict[str, Any] = {}

    async def run() -> None:
        held["stop"] = stop = asyncio.Event()
        held["loop"] = asyncio.get_running_loop()
        await serve(app, listening, ready=ready.set, stop=stop.wait())

    def work() -> None:
        try:
            asyncio.run(run())
        except BaseException as error:
            failed.append(error)
        finally:
            ready.set()

    thread = threading.Thread(target=work, name="test-server")
    thread.start()
    assert ready.wait(60)
    try:
        if not failed:
            yield url_of(listening), app
    finally:
        if not failed:
            held["loop"].call_soon_threadsafe(held["stop"].set)
        thread.join(30)
        listening.close()
        assert not thread.is_alive()
        if failed:
            raise failed[0]


@contextmanager
def live(folder: Path, *, client_signs: bool = False, **more: Any) -> Iterator[Running]:
    """The world of `skyhaul up`, standing still.

    client_signs   the server holds nobody's keys
    """
    scenario = load_scenario("live")
    assert scenario.control is not None
    with demo_registry(folder / "registry", scenario.control.known_facts()) as registry:
        keys = demo_keys(folder / "registry")
        operation = Operation.open(scenario, folder=folder, registry=registry, start=START, paused=True)
        with operation:
            tokens = Tokens()
            given = {person: tokens.lend(person, key) for person, key in keys.items()}
            given[HOLDER] = tokens.lend(HOLDER)
            desk = Desk(operation, {} if client_signs else keys)
            with serving(desk, tokens, **more) as (url, app):
                yield Running(url, desk, app, given)
