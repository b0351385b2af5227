from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from skyhaul.control.facts import utc
from skyhaul.control.log import SigningKey, Verification, VerifierKey, write_key
from skyhaul.control.store import Store, verify_store
from tests.control.store.postgresql import Server, find_server

ENGINES = ("sqlite", "postgresql")


@dataclass
class HandClock:
    """A clock that is set by hand; every look at it is a microsecond later."""

    now: np.datetime64 = field(default_factory=lambda: utc("2024-03-01"))

    def __call__(self) -> np.datetime64:
        self.now += np.timedelta64(1, "us")
        return self.now


@dataclass
class Place:
    """Where a store is, and how it is opened."""

    folder: Path
    database: str
    clock: HandClock = field(default_factory=HandClock)

    @property
    def log(self) -> Path:
        return self.folder / "log"

    @property
    def key(self) -> Path:
        return self.folder / "log.key"

    def create(self) -> Store:
        return Store.create(self.database, self.log, self.key, clock=self.clock)

    def open(self, clock: Callable[[], np.datetime64] | None = None) -> Store:
        return Store.open(self.database, self.log, self.key, clock=clock or self.clock)

    def read(self) -> Store:
        return Store.open(self.database, clock=self.clock)

    def verify(self) -> Verification:
        with self.read() as store:
            return verify_store(store, self.log, VerifierKey.parse(store.log_key))


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    programs = find_server()
    if programs is None:
        pytest.skip("no PostgreSQL server is installed (on Debian: apt-get install postgresql)")
    server = Server(programs)
    yield server
    server.remove()


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def new_place(tmp_path: Path, request: pytest.FixtureRequest) -> Callable[[str], Place]:
    """Makes a place for a store with nothing in it yet but a key, on the engine named."""

    def make(engine: str) -> Place:
        folder = tmp_path / f"place{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        write_key(folder / "log.key", SigningKey.generate("record.example.org/log"))
        if engine == "sqlite":
            return Place(folder, str(folder / "control.db"))
        server: Server = request.getfixturevalue("server")
        return Place(folder, server.database())

    return make


@pytest.fixture
def place(engine: str, new_place: Callable[[str], Place]) -> Place:
    return new_place(engine)


@pytest.fixture
def store(place: Place) -> Iterator[Store]:
    with place.create() as store:
        yield store
