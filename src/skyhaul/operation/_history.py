"""The last quarter of an hour of every terminal, second by second, in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from skyhaul.operation._slot import PathStates
from skyhaul.types import Ints

SECONDS = 900
_SECOND_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class HistoryColumns:
    """S seconds of one terminal, oldest first.

    time_ns         (S,) UTC since 1970: whole seconds; what nobody lived through (a gap) is not there
    rtt_ms          (S,) NaN without a path
    loss            (S,) 0…1
    rate_down_bps, rate_up_bps   (S,)
    satellite       (S,) catalogue number, -1 without
    """

    time_ns: Ints
    rtt_ms: npt.NDArray[np.float32]
    loss: npt.NDArray[np.float32]
    rate_down_bps: npt.NDArray[np.float32]
    rate_up_bps: npt.NDArray[np.float32]
    satellite: npt.NDArray[np.int32]


class History:
    """Rings of 900 s for all terminals, by their number: 17 bytes a second and terminal, 153 MB for 10,000."""

    def __init__(self) -> None:
        self._time: Ints = np.full(SECONDS, -1, dtype=np.int64)
        self._room = 0
        self._columns: dict[str, npt.NDArray[Any]] = {}

    def add(self, states: PathStates, number: Ints, catalog_number: Ints) -> None:
        """Keep the states of a second; `number` (K,) of the terminals."""
        self._make_room(int(number.max(initial=-1)) + 1)
        at = (states.time_ns // _SECOND_NS) % SECONDS
        self._time[at] = -1  # who reads meanwhile passes over it
        carried = states.satellite >= 0
        satellite = np.where(carried, catalog_number[np.maximum(states.satellite, 0)], -1)
        for name, values in (
            ("rtt", 1e3 * states.rtt_s),
            ("loss", np.round(200.0 * states.loss)),
            ("down", states.rate_down_bps),
            ("up", states.rate_up_bps),
            ("satellite", satellite),
        ):
            column = self._columns[name]
            column[at] = _EMPTY[name]
            column[at, number] = values
        self._time[at] = states.time_ns // _SECOND_NS * _SECOND_NS

    def of(self, number: int, now_ns: int, seconds: int = SECONDS) -> HistoryColumns:
        """The last seconds of a terminal up to now."""
        time = self._time.copy()
        kept = np.flatnonzero((time >= 0) & (time > now_ns - seconds * _SECOND_NS) & (time <= now_ns))
        if number >= self._room:
            kept = kept[:0]
        kept = kept[np.argsort(time[kept])]
        taken = {name: column[kept, number] for name, column in self._columns.items() if number < self._room}
        there = taken["loss"] != _EMPTY["loss"] if taken else np.zeros(0, dtype=np.bool_)
        kept = kept[there]
        taken = {name: values[there] for name, values in taken.items()} or {
            name: np.empty(0, dtype=dtype) for name, dtype in _TYPES.items()
        }
        return HistoryColumns(
            time[kept],
            taken["rtt"],
            taken["loss"].astype(np.float32) / 200.0,
            taken["down"],
            taken["up"],
            taken["satellite"],
        )

    def forget(self) -> None:
        """Start anew, as after a jump in time."""
        self._time[:] = -1

    def _make_room(self, count: int) -> None:
        if count <= self._room:
            return
        room = max(count, self._room + self._room // 4)
        grown = {name: np.full((SECONDS, room), _EMPTY[name], dtype=dtype) for name, dtype in _TYPES.items()}
        for name, column in self._columns.items():
            grown[name][:, : self._room] = column
        self._columns, self._room = grown, room


_TYPES: dict[str, Any] = {
    "rtt": np.float32,
    "loss": np.uint8,  # in half per cent; 255: the terminal was not there
    "down": np.float32,
    "up": np.float32,
    "satellite": np.int32,
}
_EMPTY: dict[str, Any] = {"rtt": np.nan, "loss": 255, "down": np.nan, "up": np.nan, "satellite": -1}
