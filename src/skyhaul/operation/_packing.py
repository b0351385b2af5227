"""Slots as bytes: one by one as they come, and by the hour, packed.

Ten thousand terminals have 57.6 million slots a day, and three in four bring another satellite: as rows of a table they
would take gigabytes. A slot is a row of compressed columns; an hour is packed in blocks of neighbours. What one of them
is served by has mostly served it or another one lately, so a satellite is written as how lately it came up first.
"""

from __future__ import annotations

import lzma
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from skyhaul.types import Ints

HOUR = 240
"""Slots that are packed together."""
NEIGHBOURS = 64
"""Terminals of a block: with 32 and 128 it takes 2 % more (10,000 terminals all over the world)."""
_LEVEL = 6
_FILTERS = ({"id": lzma.FILTER_LZMA2, "preset": 6, "dict_size": 1 << 18, "lc": 0, "lp": 0, "pb": 0},)
_ABSENT = -2  # the reason of a terminal that is not there

Columns = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class SlotColumns:
    """One slot of K terminals, in any order.

    number          (K,) of the terminals: it stays with a name
    satellite       (K,) catalogue number, -1 without
    gateway, pop    (K,) -1 without
    reason, rule    (K,) `Reason`, and index into REFUSALS or -1
    cell            (K,) H3 index
    cut, cut_ms     rows whose lease ends inside the slot, and when, in ms after its start
    """

    number: Columns
    satellite: Columns
    gateway: Columns
    pop: Columns
    reason: Columns
    rule: Columns
    cell: Columns
    cut: Columns
    cut_ms: Columns

    def row_of(self, number: int) -> int | None:
        """The row of a terminal; None where it is not there."""
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
_OF_A_TERMINAL = ("satellite", "gateway", "pop", "reason", "rule", "cell")


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
        found[entry.name] = np.frombuffer(body, width, rows, at)
        at += rows * width.itemsize
    return SlotColumns(**found)


def packed_hour(first: int, slots: Sequence[tuple[int, SlotColumns]]) -> tuple[Ints, list[bytes]]:
    """Blocks of an hour that starts with the slot `first`: the numbers of all terminals, `NEIGHBOURS` a block, and the
    bytes of each block."""
    numbers = np.unique(np.concatenate([columns.number for _, columns in slots]))
    shape = HOUR, len(numbers)
    table = {name: np.zeros(shape, dtype=_WIDTHS[name]) for name in _OF_A_TERMINAL}
    table["reason"][:] = _ABSENT
    cuts: list[tuple[int, int, int]] = []
    for slot, columns in slots:
        rows = np.searchsorted(numbers, columns.number)
        for name in _OF_A_TERMINAL:
            table[name][slot - first, rows] = getattr(columns, name)
        cuts += zip([slot - first] * len(columns.cut), rows[columns.cut].tolist(), columns.cut_ms.tolist(), strict=True)
    # H3 indices in order are near each other on the ground.
    order = np.lexsort((numbers, table["cell"].max(axis=0)))
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    cut = np.array(cuts, dtype=np.int64).reshape(-1, 3)
    cut[:, 1] = place[cut[:, 1]]
    blocks = []
    for low in range(0, len(order), NEIGHBOURS):
        rows = order[low : low + NEIGHBOURS]
        own = cut[(cut[:, 1] >= low) & (cut[:, 1] < low + NEIGHBOURS)] - np.array([0, low, 0])
        blocks.append(_packed_block({name: table[name][:, rows] for name in _OF_A_TERMINAL}, numbers[rows], own))
    return numbers[order].astype(np.int64), blocks


def unpacked_block(first: int, data: bytes) -> Iterator[tuple[int, SlotColumns]]:
    """The slots of a block's terminals; slots without any are left out."""
    pieces = _pieces(lzma.decompress(data, format=lzma.FORMAT_RAW, filters=_FILTERS))
    numbers, cut = next(pieces), next(pieces)
    shape = HOUR, len(numbers)
    table = {"satellite": _from_recency(next(pieces), next(pieces), next(pieces), shape)}
    for name in _OF_A_TERMINAL[1:]:
        table[name] = _held(next(pieces), next(pieces).T)
    for slot in range(HOUR):
        there = np.flatnonzero(table["reason"][slot] != _ABSENT)
        if len(there):
            own = cut[cut[:, 0] == slot]
            own = own[np.isin(own[:, 1], there)]
            columns = {name: table[name][slot, there] for name in _OF_A_TERMINAL}
            yield (
                first + slot,
                SlotColumns(numbers[there], **columns, cut=np.searchsorted(there, own[:, 1]), cut_ms=own[:, 2]),
            )


def joined(parts: Sequence[SlotColumns]) -> SlotColumns:
    """One slot from parts of its terminals."""
    before = np.cumsum([0, *(len(part.number) for part in parts)])
    columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in _WIDTHS if name != "cut"}
    cut = np.concatenate([part.cut + before[k] for k, part in enumerate(parts)])
    return SlotColumns(**columns, cut=cut)


def _packed_block(table: dict[str, Columns], numbers: Columns, cut: Columns) -> bytes:
    pieces = [numbers, cut.astype("<i4"), *_by_recency(table["satellite"])]
    for name in _OF_A_TERMINAL[1:]:
        pieces += _indexed(table[name])
    return lzma.compress(_joined(pieces), format=lzma.FORMAT_RAW, filters=_FILTERS)


def _by_recency(values: Columns) -> tuple[Columns, Columns, Columns]:
    """Values (S, P) as those that there are, in the order in which they come up first, slot by slot, and a code for
    each terminal and slot: 0 for the next of them, 1 for the same as in the slot before, else 2 for the one that came
    up last, 3 for the one before it, and so on; codes from 255 on stand in a list of their own."""
    known, first, index = np.unique(values.ravel(), return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty(len(known), dtype=np.int64)
    rank[order] = np.arange(len(known))
    came = rank[index]
    newest = np.concatenate(([-1], np.maximum.accumulate(came)[:-1]))
    code: Ints = np.where(came > newest, 0, newest - came + 2).reshape(values.shape)
    code[1:][values[1:] == values[:-1]] = 1
    flat = code.ravel()
    return known[order], np.minimum(flat, 255).astype("<u1"), flat[flat >= 255].astype("<u4")


def _from_recency(known: Columns, code: Columns, far: Columns, shape: tuple[int, int]) -> Columns:
    """The values (S, P) that `_by_recency` made codes of."""
    codes = code.astype(np.int64)
    codes[code == 255] = far
    newest = np.cumsum(codes == 0) - 1
    came = np.where(codes == 0, newest, newest - codes + 2).reshape(shape)
    same = codes.reshape(shape) == 1
    rows = np.arange(shape[0])[:, None]
    last = np.maximum.accumulate(np.where(same, 0, rows), axis=0)
    return np.asarray(known[np.take_along_axis(came, last, axis=0)])


def _indexed(values: Columns) -> tuple[Columns, Columns]:
    """The values (S, P) that there are, ascending, and (P, S), terminal by terminal, which each slot has: from 1 on, or
    0 for the same as in the slot before."""
    known, index = np.unique(values, return_inverse=True)
    index = index.reshape(values.shape) + 1
    index[1:][values[1:] == values[:-1]] = 0
    return known, np.ascontiguousarray(index.T.astype("<u1" if len(known) < 255 else "<u2"))


def _held(known: Columns, index: Columns) -> Columns:
    """The values (S, P) that `_indexed` made numbers of."""
    rows = np.arange(len(index))[:, None]
    last = np.maximum.accumulate(np.where(index > 0, rows, 0), axis=0)
    return np.asarray(known[np.take_along_axis(index, last, axis=0).astype(np.int64) - 1])


def _joined(pieces: Sequence[Columns]) -> bytes:
    out = []
    for piece in pieces:
        rows, columns = piece.shape if piece.ndim == 2 else (len(piece), 0)
        out.append(struct.pack("<2sII", piece.dtype.str[1:].encode(), rows, columns))
        # Bytes of one weight lie together: the high ones are nearly all the same.
        out.append(piece.reshape(-1).view(np.uint8).reshape(-1, piece.dtype.itemsize).T.tobytes())
    return b"".join(out)


def _pieces(data: bytes) -> Iterator[Columns]:
    at = 0
    while at < len(data):
        kind, rows, columns = struct.unpack_from("<2sII", data, at)
        at += 10
        width = np.dtype(f"<{kind.decode()}")
        count = rows * max(1, columns) if columns else rows
        raw = np.frombuffer(data, np.uint8, count * width.itemsize, at).reshape(width.itemsize, count)
        at += count * width.itemsize
        piece = np.ascontiguousarray(raw.T).reshape(-1).view(width)
        yield piece.reshape(rows, columns) if columns else piece
