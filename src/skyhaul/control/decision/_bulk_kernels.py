"""The loops over millions of terminals."""

from __future__ import annotations

import numpy as np

from skyhaul._kernel import kernel
from skyhaul.control.polygons._near import clear_class, farness
from skyhaul.types import Bools, Bytes, Floats, Ints, Ints32


@kernel()
def place_many(
    latitude_deg: Floats,
    longitude_deg: Floats,
    semi_major_m: Floats,
    usable: Bools,
    address: Floats,
    grid: Ints32,
    mixed: Bools,
    border_tile: Ints32,
    offset: Ints,
    pair_shape: Ints32,
    pair_edge: Floats,
    there: Bools,
    class_: Ints32,
    far: Bytes,
) -> None:
    """Fill in for K terminals the clear class of each place (`clear_class`) and its `farness` from address (K, 3) of
    latitude, longitude and distance; terminals whose position is not usable are left as they are."""
    for k in range(len(latitude_deg)):
        if usable[k]:
            class_[k] = clear_class(
                latitude_deg[k],
                longitude_deg[k],
                semi_major_m[k],
                grid,
                mixed,
                border_tile,
                offset,
                pair_shape,
                pair_edge,
                there,
            )
            far[k] = farness(
                latitude_deg[k], longitude_deg[k], semi_major_m[k], address[k, 0], address[k, 1], address[k, 2]
            )


# Fibonacci hashing: Knuth, "The Art of Computer Programming", vol. 3, section 6.4; 2^64 divided by the golden ratio.
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


@kernel()
def number_keys(key: Ints, number: Ints32) -> Ints:
    """Number equal keys (K,) alike, by first appearance, into number (K,); the distinct keys are returned. Keys are not
    negative, and negative ones get number -1."""
    bits = 12
    table = np.full(1 << bits, -1, dtype=np.int64)
    distinct = np.empty(1 << bits, dtype=np.int64)
    count = 0
    for k in range(len(key)):
        if key[k] < 0:
            number[k] = -1
            continue
        if 2 * count >= len(table):
            bits += 2
            table = np.full(1 << bits, -1, dtype=np.int64)
            grown = np.empty(1 << bits, dtype=np.int64)
            grown[:count] = distinct[:count]
            distinct = grown
            for i in range(count):
                table[_slot(distinct[i], table, distinct, bits)] = i
        slot = _slot(key[k], table, distinct, bits)
        if table[slot] < 0:
            table[slot] = count
            distinct[count] = key[k]
            count += 1
        number[k] = table[slot]
    return distinct[:count]


@kernel()
def _slot(key: int, table: Ints, distinct: Ints, bits: int) -> int:
    """Where a key is in the table, or may be put."""
    slot = np.int64((np.uint64(key) * _GOLDEN) >> np.uint64(64 - bits)).item()
    while table[slot] >= 0 and distinct[table[slot]] != key:
        slot = (slot + 1) & (len(table) - 1)
    return slot
