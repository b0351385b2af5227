"""Recorded arrivals through a direction, plain or compiled, and what became of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from skyhaul.emulation import Direction, DirectionSettings, Fate, LinkTable, Shape
from skyhaul.emulation._plan import DirectionPlan

MS = 1_000_000
END = 1 << 50
Arrival: TypeAlias = tuple[int, Shape]


def run(settings: DirectionSettings, table: LinkTable, arrivals: Sequence[Arrival], until: int = END) -> list[Fate]:
    """The fates by the plain state machine, in order of arrival."""
    fates: list[Fate] = []
    direction = Direction(settings, table, fates.append)
    for time, shape in arrivals:
        _take(direction, time, fates)
        direction.offer(time, shape)
    _take(direction, until, fates)
    return sorted(fates, key=lambda fate: fate.serial)


def run_compiled(
    settings: DirectionSettings, table: LinkTable, arrivals: Sequence[Arrival], until: int = END
) -> list[Fate]:
    """The same by the compiled one."""
    from skyhaul.emulation._compiled_direction import run_arrivals
    from skyhaul.emulation._memory import Memory
    from skyhaul.emulation._settings import Cause

    memory = Memory([DirectionPlan(settings, table, packet_bytes=0, pieces=1 << 16)], log_room=1 << 18)
    times, sizes, last, segments = (
        np.array(column, np.int64)
        for column in zip(*((t, s.segment_bytes, s.last_bytes, s.segments) for t, s in arrivals), strict=True)
    )
    run_arrivals(
        memory.states[0],
        memory.rows,
        memory.pieces,
        memory.lanes,
        memory.log,
        memory.control,
        times,
        sizes,
        last,
        segments,
        until,
    )
    found = [
        Fate(
            serial=fate["serial"].item(),
            segments=fate["segments"].item(),
            wire_bytes=fate["wire_bytes"].item(),
            arrival_ns=fate["arrival"].item(),
            departure_ns=fate["departure"].item(),
            release_ns=fate["release"].item(),
            cause=Cause(fate["cause"]),
            lost=fate["lost"].item(),
        )
        for fate in memory.take_fates()
    ]
    return sorted(found, key=lambda fate: fate.serial)


def constant(rate_bps: float, delay_ns: int = 0, loss: float = 0.0) -> LinkTable:
    return LinkTable.constant(delay_ns, rate_bps, loss)


def steps(*rows: tuple[int, float], delay_ns: int = 0, out: Sequence[int] = ()) -> LinkTable:
    """A table of (time, rate); the rows numbered in `out` are outages."""
    n = len(rows)
    outage = np.zeros(n, bool)
    outage[list(out)] = True
    return LinkTable(
        np.array([time for time, _ in rows], np.int64),
        np.full(n, delay_ns, np.int64),
        np.array([rate for _, rate in rows], float),
        np.zeros(n),
        outage,
    )


def _take(direction: Direction, time: int, fates: list[Fate]) -> None:
    direction.advance(time)
    while (piece := direction.due(time)) is not None:
        fates.append(piece.fate)
