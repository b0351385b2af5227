"""Slots as bytes: columns of small integers, compressed."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, fields

import numpy as np

from skyhaul.types import Ints

_LEVEL = 6


@dataclass(frozen=True, slots=True)
class SlotColumns:
    """One slot of K terminals: numbers that stay with the names, by which they are ordered here in any order.

    satellite       (K,) catalogue number, -1 without
    gateway, pop    (K,) -1 without
    reason, rule    (K,) `Reason`, and index into REFUSALS or -1
    cell            (K,) H3 index
    cut, cut_ms     rows whose lease ends inside the slot, and when, in ms after its start
    """

    number: Ints
    satellite: Ints
    gateway: Ints
    pop: Ints
    reason: Ints
    rule: Ints
    cell: Ints
    cut: Ints
    cut_ms: Ints

    def row_of(self, number: int) -> int | None:
        found = np.flatnonzero(self.number == number)
        return int(found[0]) if len(found) else None


_WIDTHS = {
    "number": "<i4",
    "satellite": "<i4",
    "gateway": "<i2",
    "pop": "<i2",
    "reason": "<i1",
    "rule": "<i1",
    "cell": "<i8",
    "cut": "<i4",
    "cut_ms": "<i4",
}


def packed_slot(columns: SlotColumns) -> bytes:
    """The bytes of a slot."""
    body = b"".join(getattr(columns, name).astype(width).tobytes() for name, width in _WIDTHS.items())
    return struct.pack("<II", len(columns.number), len(columns.cut)) + zlib.compress(body, _LEVEL)


def unpacked_slot(data: bytes) -> SlotColumns:
    """The slot that `packed_slot` made bytes of."""
    count, cuts = struct.unpack_from("<II", data)
    body = zlib.decompress(data[8:])
    at, found = 0, {}
    for entry in fields(SlotColumns):
        width = np.dtype(_WIDTHS[entry.name])
        rows = cuts if entry.name.startswith("cut") else count
        found[entry.name] = np.frombuffer(body, width, rows, at).astype(np.int64)
        at += rows * width.itemsize
    return SlotColumns(**found)
