"""Timing several ways of doing the same work in turns, so that a busy machine slows all of them alike."""

from __future__ import annotations

import gc
import os
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Timing:
    """Wall seconds of one way: median over the rounds, and the least."""

    median_s: float
    least_s: float


def in_turns(ways: Mapping[str, Callable[[], object]], rounds: int, warm_up: int = 1) -> dict[str, Timing]:
    """Run every way twice a round and time the second, so that none pays for what another left in the caches.

    Wall time counts, so the machine should have nothing else to do.
    """
    for _ in range(warm_up):
        for way in ways.values():
            way()
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            for name, way in ways.items():
                way()
                start = time.perf_counter_ns()
                way()
                seconds[name].append((time.perf_counter_ns() - start) / 1e9)
    finally:
        gc.enable()
    return {name: Timing(statistics.median(values), min(values)) for name, values in seconds.items()}


def on_one_core(way: Callable[[], object]) -> Callable[[], object]:
    """The same work kept to the calling thread."""

    def run() -> object:
        os.environ["SKYHAUL_THREADS"] = "1"
        try:
            return way()
        finally:
            del os.environ["SKYHAUL_THREADS"]

    return run


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the page: what was done by whom, what it took, and how the first way compares."""

    work: str
    way: str
    value: float  # milliseconds, unless the benchmark's rows name their own units
    ratio: float | None  # to Skyhaul's own way; None for that itself
    note: str = ""


@dataclass(frozen=True, slots=True)
class Goal:
    """What the project promises, and what this run gave."""

    text: str
    value: float
    bound: float
    at_least: bool

    @property
    def met(self) -> bool:
        return self.value >= self.bound if self.at_least else self.value <= self.bound


@dataclass(frozen=True, slots=True)
class Result:
    """One benchmark: a heading, its rows and its goals.

    units     heads the column of values; empty where each row's work names its own
    pictures  (name, what draws it to a path) of pictures for the pages
    """

    title: str
    setting: str
    rows: tuple[Row, ...]
    goals: tuple[Goal, ...]
    units: str = "ms"
    pictures: tuple[tuple[str, Callable[[Path], None]], ...] = ()


def rows_of(work: str, timings: Mapping[str, Timing], notes: Mapping[str, str] | None = None) -> tuple[Row, ...]:
    """Rows from timings whose first entry is Skyhaul's own way."""
    own = next(iter(timings.values())).median_s
    rows = []
    for k, (name, timing) in enumerate(timings.items()):
        ratio = timing.median_s / own if k else None
        rows.append(Row(work, name, timing.median_s * 1e3, ratio, (notes or {}).get(name, "")))
    return tuple(rows)
