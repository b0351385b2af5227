"""Small systems in operation, with a wall clock that tests set."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skyhaul.operation import Operation
from skyhaul.scenario import Scenario

SECOND = 1_000_000_000
START = "2024-02-17T12:00:12Z"
BEGIN = int(np.datetime64(START[:-1], "ns").astype(np.int64))
SLOT_S = 15


class Wall:
    """A wall clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now_ns = 5 * SECOND

    def __call__(self) -> int:
        return self.now_ns

    def move(self, seconds: float) -> None:
        self.now_ns += round(seconds * SECOND)


def scenario(**changes: Any) -> Scenario:
    """Two towns under one shell."""
    tables: dict[str, Any] = {
        "name": "test",
        "time": {"start": START},
        "constellation": {"walker": ["D:550:53.0:1584/72/39"]},
        "terminals": [
            {"name": "louvain", "latitude_deg": 50.67, "longitude_deg": 4.61},
            {"name": "lincoln", "latitude_deg": 40.81, "longitude_deg": -96.7},
        ],
    }
    return Scenario.model_validate(tables | changes)


def eventually(holds: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait for other threads to come to something."""
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, "it did not come to pass"
        time.sleep(0.005)


Opener = Callable[..., Operation]


@pytest.fixture
def running() -> Iterator[Opener]:
    """Opens and starts operations, paused unless a test says otherwise, and stops them."""
    opened: list[Operation] = []

    def open_(of: Scenario | None = None, **options: Any) -> Operation:
        operation = Operation.open(of or scenario(), **({"paused": True} | options))
        opened.append(operation)
        operation.start()
        return operation

    yield open_
    for operation in opened:
        operation.stop()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "operation"
