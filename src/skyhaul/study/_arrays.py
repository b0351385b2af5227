"""A dataset as named arrays over (time, terminal) and (slot, terminal), written chunk by chunk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from skyhaul.study._layout import (
    Constant,
    Layout,
    Snapshot,
    clock_attributes,
    constants,
    sample_columns,
    sample_rows,
    slot_columns,
    slot_rows,
    snapshot_constants,
)
from skyhaul.study._variables import SAMPLES, SLOTS, AnyArray, Block

_PLACE = {"coordinates": "latitude longitude height"}
_CLOCKS = {"time": "instant, UTC", "slot": "start of the 15-s slot, UTC"}


class ArrayStore(Protocol):
    """A file format that keeps named arrays and can lengthen them along their first dimension."""

    def constant(self, constant: Constant) -> None:
        """Write a whole array, or a single value."""

    def array(
        self, name: str, dimensions: tuple[str, ...], dtype: str, chunks: tuple[int, ...], attributes: Mapping[str, Any]
    ) -> None:
        """Make an array that is still empty along its first dimension."""

    def extend(self, start: int, columns: Mapping[str, AnyArray]) -> None:
        """Write rows from `start` on, past the end of each array."""

    def finish(self) -> None:
        """Close, complete."""

    def abort(self) -> None:
        """Close; what was written is thrown away."""


class ArraySink:
    """Writes slots into an array store."""

    def __init__(self, store: ArrayStore, layout: Layout) -> None:
        self._store = store
        self._rows = {"time": sample_rows(layout), "slot": slot_rows(layout)}
        self._slots = 0
        for constant in constants(layout):
            store.constant(constant)
        for axis, long_name in _CLOCKS.items():
            store.array(axis, (axis,), "i8", (layout.rows(axis),), clock_attributes(long_name))
        about = {"long_name": "index of the slot that holds the instant", "instance_dimension": "slot"}
        store.array("slot_index", ("time",), "i4", (layout.rows("time"),), about)
        for axis, variables in (("time", SAMPLES), ("slot", SLOTS)):
            chunks = (layout.rows(axis), layout.terminals_per_chunk(axis))
            for variable in variables:
                store.array(variable.name, (axis, "terminal"), variable.dtype, chunks, variable.attributes() | _PLACE)

    def append(self, block: Block) -> None:
        """Take one slot."""
        self._extend("time", self._rows["time"].add(sample_columns(block, self._slots)))
        self._extend("slot", self._rows["slot"].add(slot_columns(block)))
        self._slots += 1

    def close(self, snapshot: Snapshot | None) -> None:
        """Write what is left, and the snapshot."""
        for axis, rows in self._rows.items():
            self._extend(axis, rows.rest())
        for constant in snapshot_constants(snapshot) if snapshot is not None else ():
            self._store.constant(constant)
        self._store.finish()

    def abort(self) -> None:
        """Throw away what was written."""
        self._store.abort()

    def _extend(self, axis: str, chunks: list[dict[str, AnyArray]]) -> None:
        rows = self._rows[axis]
        for chunk in chunks:
            self._store.extend(rows.written, chunk)
            rows.written += len(chunk[axis])
