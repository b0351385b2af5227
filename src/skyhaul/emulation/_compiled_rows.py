"""A direction's place in its link table, compiled: which row is in force, and the delay between two."""

from __future__ import annotations

import math
from typing import Any

from skyhaul._kernel import kernel
from skyhaul.emulation._direction import NEVER

_NEVER = NEVER


@kernel()
def use_newest_table(s: Any, rows: Any) -> None:
    """Go over to the table that Python has published last."""
    published = s.published
    if published == s.seen:
        return
    slot = published & 1
    s.rows, s.period = s.counts[slot], s.periods[slot]
    s.row, s.turn = 0, 0
    s.seen = published
    if s.stalled:
        s.free = max(s.free, rows[s.row_base + slot * s.row_room].time)
        s.stalled = 0


@kernel()
def next_time(s: Any, rows: Any, base: int) -> Any:
    if s.row + 1 < s.rows:
        return rows[base + s.row + 1].time + s.turn
    return rows[base].time + s.turn + s.period if s.period else _NEVER


@kernel()
def find_row(s: Any, rows: Any, base: int, time: int) -> Any:
    """Move to the row in force at a time, never backwards; returns when that row ends."""
    if s.period:
        ahead = time - rows[base].time - s.turn
        if ahead >= s.period:
            s.row = 0
            s.turn += ahead // s.period * s.period
    while True:
        end = next_time(s, rows, base)
        if end > time:
            return end
        s.row += 1
        if s.row == s.rows:
            s.row = 0
            s.turn += s.period


@kernel()
def delay_at(s: Any, rows: Any, base: int, time: int) -> Any:
    end = find_row(s, rows, base, time)
    begin, delay = rows[base + s.row].time + s.turn, rows[base + s.row].delay
    if end == _NEVER or time <= begin:
        return delay
    after = rows[base + s.row + 1].delay if s.row + 1 < s.rows else rows[base].delay
    return delay + math.floor(float(after - delay) * float(time - begin) / float(end - begin))
