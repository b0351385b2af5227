"""Random numbers that are functions of their names: no state, so no order of evaluation can change them.

A draw is named by a seed, a stream (what it is for) and two 64-bit numbers (which cell and satellite, which terminal
and instant). Philox4x32-10 turns the name into bits: Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy
as 1, 2, 3", SC 2011.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from skyhaul.types import Floats

Words: TypeAlias = npt.NDArray[np.uint64]

# Philox4x32: multipliers, and the steps of the key from round to round (Salmon et al. 2011, table 2 and section 3.3).
_M0 = np.uint64(0xD2511F53)
_M1 = np.uint64(0xCD9E8D57)
_W0 = np.uint64(0x9E3779B9)
_W1 = np.uint64(0xBB67AE85)
_ROUNDS = 10
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)

# Arrays are worked on in blocks that stay in the second-level cache.
_BLOCK = 8192


class Stream(IntEnum):
    """What a draw is for. Numbers are never reused: they are part of every result."""

    CHOICE = 1
    SLOT_DELAY = 2
    PACKET_DELAY = 3
    LASER_DELAY = 4
    LINK_DELAY = 5


def philox4x32(c0: Any, c1: Any, c2: Any, c3: Any, k0: Any, k1: Any) -> tuple[Any, Any, Any, Any]:
    """Four random 32-bit words from a counter of four and a key of two.

    All are uint64 that hold 32-bit values, arrays or scalars. It compiles as it stands, for use inside kernels.
    """
    for _ in range(_ROUNDS):
        first, second = _M0 * c0, _M1 * c2
        c0, c1, c2, c3 = (second >> _HALF) ^ c1 ^ k0, second & _LOW, (first >> _HALF) ^ c3 ^ k1, first & _LOW
        k0, k1 = (k0 + _W0) & _LOW, (k1 + _W1) & _LOW
    return c0, c1, c2, c3


def stream_key(seed: int, stream: int) -> tuple[np.uint64, np.uint64]:
    """The key of a seed's stream: output number `stream` (from 0) of SplitMix64 started at `seed`.

    SplitMix64: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014; constants of
    Vigna's splitmix64.c. Seeds are taken modulo 2^64.
    """
    mask = 0xFFFFFFFFFFFFFFFF
    z = (seed + (stream + 1) * 0x9E3779B97F4A7C15) & mask
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
    z ^= z >> 31
    return np.uint64(z & 0xFFFFFFFF), np.uint64(z >> 32)


def uniform_pair(seed: int, stream: int, first: npt.ArrayLike, second: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Two independent uniform numbers in (0, 1), neither end included, for each name (`first`, `second`).

    `first` and `second` are integers of 64 bits, signed or not, of shapes that broadcast; so are the results.
    They are odd multiples of 2^-53.
    """
    shape, blocks = _words(seed, stream, first, second)
    u, v = np.empty(shape), np.empty(shape)
    flat_u, flat_v = u.reshape(-1), v.reshape(-1)
    for part, w in blocks:
        flat_u[part] = (((w[0] << _HALF | w[1]) >> np.uint64(12)) + 0.5) * 2.0**-52
        flat_v[part] = (((w[2] << _HALF | w[3]) >> np.uint64(12)) + 0.5) * 2.0**-52
    return u, v


def uniform_four(
    seed: int, stream: int, first: npt.ArrayLike, second: npt.ArrayLike
) -> tuple[Floats, Floats, Floats, Floats]:
    """Four coarser uniform numbers in (0, 1) for each name, at the cost of `uniform_pair`: odd multiples of 2^-33."""
    shape, blocks = _words(seed, stream, first, second)
    four = (np.empty(shape), np.empty(shape), np.empty(shape), np.empty(shape))
    flat = [array.reshape(-1) for array in four]
    for part, w in blocks:
        for array, word in zip(flat, w, strict=True):
            array[part] = (word + 0.5) * 2.0**-32
    return four


def gumbel(uniform: Floats) -> Floats:
    """Standard Gumbel numbers from uniform ones: the largest of utilities with this noise is a logit choice."""
    return np.asarray(-np.log(-np.log(uniform)))


def exponential(uniform: Floats) -> Floats:
    """Exponential numbers of mean 1 from uniform ones."""
    return np.asarray(-np.log(uniform))


def normal(first: Floats, second: Floats) -> Floats:
    """Standard normal numbers, one from two uniform ones (Box and Muller 1958)."""
    return np.asarray(np.sqrt(-2.0 * np.log(first)) * np.cos(2.0 * np.pi * second))


def _words(
    seed: int, stream: int, first: npt.ArrayLike, second: npt.ArrayLike
) -> tuple[tuple[int, ...], Iterator[tuple[slice, tuple[Words, Words, Words, Words]]]]:
    """The shape of the draws with these names, and their bits block by block."""
    a, b = np.broadcast_arrays(_bits(first), _bits(second))
    return a.shape, _blocks(*stream_key(seed, stream), a.reshape(-1), b.reshape(-1))


def _blocks(
    k0: np.uint64, k1: np.uint64, first: Words, second: Words
) -> Iterator[tuple[slice, tuple[Words, Words, Words, Words]]]:
    for start in range(0, len(first), _BLOCK):
        part = slice(start, start + _BLOCK)
        a, b = first[part], second[part]
        yield part, philox4x32(a & _LOW, a >> _HALF, b & _LOW, b >> _HALF, k0, k1)


def _bits(values: npt.ArrayLike) -> Words:
    array = np.asarray(values)
    if array.dtype.kind not in "iu":
        raise TypeError(f"names of random numbers are integers, not {array.dtype}")
    return array.astype(np.uint64)
