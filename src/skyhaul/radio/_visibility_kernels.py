"""The kernels of `SiteIndex`: satellites into boxes of the sky, boxes into one list a ground cell, lists against sites.

The lists hold every satellite that some site of the cell may see. The last kernel tests them in 32 bits, 16 at a time,
and decides in 64 bits what 32 bits cannot, so that the pairs found are those of a plain test in 64 bits.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from skyhaul._kernel import SAFE_MATH, kernel
from skyhaul.types import Floats, Ints, Ints32

Singles = npt.NDArray[np.float32]
Words = npt.NDArray[np.uint64]

# Boxes of about 3° over the sphere; half or twice as many differ by less than a twentieth. Latitude and longitude are
# cut by a stand-in that runs with the angle and needs no trigonometry: y / (|x| + |y|).
BANDS = 64
COLUMNS = 128
BOXES = BANDS * COLUMNS

# Satellites of different height are sorted apart, so that a few high ones do not make every cell search half the sky.
# Between the levels: 800 km, 2,000 km (where low orbit ends, IADC-02-01 section 3.3.2), 12,000 km above 6,371 km.
LEVELS = 4
_LEVEL_RADII_M = (7_171e3, 8_371e3, 18_371e3)

# One step of the vector unit; lists are padded to it with a point below the horizon.
LANES = 16
_BELOW_M = -1e7

# Satellites of one box are tested together, this many at a time.
BLOCK = 8

# Widen every search against rounding: of angles in 64 bits, of cosines in 32 bits.
_SLACK_RAD = 1e-9
_SLACK = np.float32(1e-6)

# Position of the only bit set in a word: Leiserson, Prokop and Randall, "Using de Bruijn sequences to index a 1 in a
# computer word", MIT, 1998.
_DE_BRUIJN = np.uint64(0x03F79D71B4CB0A89)
_BIT = np.zeros(64, dtype=np.int64)
for _position in range(64):
    _BIT[((0x03F79D71B4CB0A89 << _position) & 0xFFFFFFFFFFFFFFFF) >> 58] = _position
_SIX = np.uint64(6)
_ONE = np.uint64(1)
_NONE = np.uint64(0)
_TOP = np.uint64(58)
_LOW_BITS = np.uint64(63)


@kernel(fastmath=SAFE_MATH, inline="always")
def _column_of(x: float, y: float) -> int:
    """Column of a direction in the equator's plane, from west to east starting at 180°."""
    turn = y / (abs(x) + abs(y) + 1e-300)
    if x < 0.0:
        turn = 2.0 - turn if y >= 0.0 else -2.0 - turn
    return int((turn + 2.0) * (COLUMNS / 4))


@kernel(fastmath=SAFE_MATH, inline="always")
def _band_of(level: float, z: float) -> int:
    """Band of a direction `z` up and `level` out, from south to north."""
    return min(int((z / (level + abs(z)) + 1.0) * (BANDS / 2)), BANDS - 1)


@kernel(fastmath=SAFE_MATH)
def sort_into_boxes(position: Floats, start: Ints32, satellite: Ints32, place: Singles, highest: Floats) -> None:
    """Counting sort of satellites (3, N) by level and box; ascending within a box; without those not a number.

    start      (LEVELS · BOXES + 1,) out: first place of each box
    satellite  (N + BLOCK,) out: satellite at each place
    place      (4, N + BLOCK) out: its unit vector and 1 / distance; past the last one a point that is never inside
    highest    (LEVELS,) out: greatest distance in the level, 0 when it is empty
    """
    count = position.shape[1]
    box = np.empty(count, dtype=np.int32)
    start[:] = 0
    highest[:] = 0.0
    for i in range(count):
        x, y, z = position[0, i], position[1, i], position[2, i]
        radius = math.sqrt(x * x + y * y + z * z)
        if not (radius > 0.0 and radius < np.inf):
            box[i] = -1
            continue
        level = 0
        for edge in _LEVEL_RADII_M:
            level += radius >= edge
        highest[level] = max(highest[level], radius)
        column = min(_column_of(x, y), COLUMNS - 1)
        box[i] = level * BOXES + _band_of(math.sqrt(x * x + y * y), z) * COLUMNS + column
        start[box[i] + 1] += 1
    for k in range(LEVELS * BOXES):
        start[k + 1] += start[k]
    free = start.copy()
    for i in range(count):
        if box[i] >= 0:
            p = free[box[i]]
            free[box[i]] += 1
            x, y, z = position[0, i], position[1, i], position[2, i]
            inverse = 1.0 / math.sqrt(x * x + y * y + z * z)
            satellite[p] = i
            place[0, p] = x * inverse
            place[1, p] = y * inverse
            place[2, p] = z * inverse
            place[3, p] = inverse
    for p in range(start[LEVELS * BOXES], count + BLOCK):
        satellite[p] = 0
        place[:, p] = 0.0
        place[0, p] = np.nan


@kernel(fastmath=SAFE_MATH)
def _mark(
    level: int,
    cell: int,
    reach: float,
    lift: np.float32,
    cos_tilt: np.float32,
    sin_tilt: np.float32,
    centre: Floats,
    latitude: float,
    longitude: float,
    start: Ints32,
    satellite: Ints32,
    place: Singles,
    marks: Words,
    inside: Singles,
) -> None:
    """Mark the satellites of one level that some site of the cell may see; `reach` bounds their distance on the ground.

    A satellite at distance r stands at elevation e of a site at R when its angle ψ at the Earth's centre has
    cos(ψ + e) = (R / r) cos e. `lift` is R cos e, and the tilt is e less the width of the cell.
    """
    south, north = latitude - reach, latitude + reach
    first_band = 0 if south <= -0.5 * math.pi else _band_of(math.cos(south), math.sin(south))
    last_band = BANDS - 1 if north >= 0.5 * math.pi else _band_of(math.cos(north), math.sin(north))
    first_column, last_column = 0, COLUMNS - 1
    if abs(latitude) + reach < 0.5 * math.pi - _SLACK_RAD:
        # Widest half-angle in longitude of a cap of that radius.
        half = math.asin(min(1.0, math.sin(reach) / math.cos(latitude))) + _SLACK_RAD
        if half < 0.5 * math.pi:
            west, east = longitude - half, longitude + half
            first_column = _column_of(math.cos(west), math.sin(west)) % COLUMNS
            last_column = _column_of(math.cos(east), math.sin(east)) % COLUMNS
    one = np.float32(1.0)
    ux, uy, uz = np.float32(centre[cell, 0]), np.float32(centre[cell, 1]), np.float32(centre[cell, 2])
    runs = 1 if first_column <= last_column else 2
    for band in range(first_band, last_band + 1):
        row = level * BOXES + band * COLUMNS
        for run in range(runs):
            # Across the date line a band is searched in two runs.
            from_column = first_column if run == 0 else 0
            to_column = last_column if run == runs - 1 else COLUMNS - 1
            # In whole blocks: what is tested past the end of a run lies in another box, and is right to be marked if it
            # passes.
            for block in range(start[row + from_column], start[row + to_column + 1], BLOCK):
                for lane in range(BLOCK):
                    p = block + lane
                    ratio = min(lift * place[3, p], one)
                    bound = ratio * cos_tilt + np.sqrt(one - ratio * ratio) * sin_tilt
                    inside[lane] = place[0, p] * ux + place[1, p] * uy + place[2, p] * uz - bound + _SLACK
                for lane in range(BLOCK):
                    i = np.uint64(satellite[block + lane])
                    bit = _ONE if inside[lane] >= 0.0 else _NONE
                    marks[i >> _SIX] |= bit << (i & _LOW_BITS)


@kernel(fastmath=SAFE_MATH)
def list_candidates(
    centre: Floats,
    latitude: Floats,
    longitude: Floats,
    reference: Floats,
    radius: Floats,
    mask: Floats,
    tilt: Floats,
    position: Floats,
    start: Ints32,
    satellite: Ints32,
    place: Singles,
    highest: Floats,
    first: Ints,
    count: Ints32,
    lists: Singles,
) -> int:
    """One list a cell of the satellites that its sites may see, ascending; returns the room that all lists need.

    When that is more than the room there is, the lists are of no use: call again with more.

    first, count  (C,) out: where each list starts, how many satellites it holds
    lists         (M,) out: a list is four runs, each padded to full lanes: x, y and z less the cell's reference in m,
                  and the satellites' indices, 32 bits taken as they are. In one piece, because sites in any order
                  find it in no cache, and then one long read costs less than four short ones.
    """
    indices = lists.view(np.int32)
    found = np.empty(position.shape[1], dtype=np.int32)
    words = (position.shape[1] + 63) // 64
    marks = np.zeros(words, dtype=np.uint64)
    inside = np.empty(BLOCK, dtype=np.float32)
    end = 0
    for cell in range(centre.shape[0]):
        lift = radius[cell] * math.cos(mask[cell])
        for level in range(LEVELS):
            if highest[level] > 0.0:
                reach = math.acos(min(lift / highest[level], 1.0)) - tilt[cell] + _SLACK_RAD
                if reach >= 0.0:
                    _mark(
                        level,
                        cell,
                        min(reach, math.pi),
                        np.float32(lift),
                        np.float32(math.cos(tilt[cell])),
                        np.float32(math.sin(tilt[cell])),
                        centre,
                        latitude[cell],
                        longitude[cell],
                        start,
                        satellite,
                        place,
                        marks,
                        inside,
                    )
        held = 0
        for w in range(words):
            word = marks[w]
            marks[w] = 0
            while word != 0:
                lowest = word & (~word + _ONE)
                word ^= lowest
                found[held] = w * 64 + _BIT[(lowest * _DE_BRUIJN) >> _TOP]
                held += 1
        padded = (held + LANES - 1) // LANES * LANES
        first[cell] = end
        count[cell] = held
        if end + 4 * padded <= lists.shape[0]:
            for axis in range(3):
                run = end + axis * padded
                origin = reference[cell, axis]
                for j in range(held):
                    lists[run + j] = position[axis, found[j]] - origin
                for j in range(held, padded):
                    lists[run + j] = _BELOW_M * centre[cell, axis]
            indices[end + 3 * padded : end + 3 * padded + held] = found[:held]
        end += 4 * padded
    return end


@kernel(fastmath=SAFE_MATH)
def test_sites(
    cell: Ints32,
    near: Singles,
    up: Singles,
    sin_mask: Floats,
    site_position: Floats,
    site_up: Floats,
    first: Ints,
    count: Ints32,
    lists: Singles,
    position: Floats,
    longest: int,
    offset: Ints,
    satellite: Ints32,
    slant_range: Singles,
) -> None:
    """The satellites of its cell's list that each site sees, in the order of sites.

    near, up  (K, 3) sites less the reference of their cell, m; unit vectors
    sin_mask  (K,)
    longest   the most candidates of any cell, padded
    offset    (K + 1,) out: the pairs of site k are at offset[k] up to offset[k + 1]
    """
    indices = lists.view(np.int32)
    square = np.empty(longest, dtype=np.float32)
    height = np.empty(longest, dtype=np.float32)
    seen = np.empty(longest, dtype=np.int32)
    seen_square = np.empty(longest, dtype=np.float32)
    end = 0
    for k in range(cell.shape[0]):
        offset[k] = end
        held = count[cell[k]]
        padded = (held + LANES - 1) // LANES * LANES
        low = first[cell[k]]
        x, y, z = (
            lists[low : low + padded],
            lists[low + padded : low + 2 * padded],
            lists[low + 2 * padded : low + 3 * padded],
        )
        candidate = indices[low + 3 * padded : low + 4 * padded]
        gx, gy, gz = near[k, 0], near[k, 1], near[k, 2]
        ux, uy, uz = up[k, 0], up[k, 1], up[k, 2]
        sine = sin_mask[k]
        sine_squared = np.float32(sine * sine)
        # What rounding to 32 bits can move `above` by, as a part of the squared distance: some 12 units in the last
        # place of the distance enter the rise, 17 the square; taken four times.
        unsure = np.float32(4e-6 * (sine + sine * sine) + 1e-10)
        doubts = 0
        for j in range(padded):
            dx, dy, dz = x[j] - gx, y[j] - gy, z[j] - gz
            rise = dx * ux + dy * uy + dz * uz
            distance_squared = dx * dx + dy * dy + dz * dz
            above = rise * abs(rise) - sine_squared * distance_squared
            square[j] = distance_squared
            height[j] = above
            doubts += abs(above) <= unsure * distance_squared
        if doubts > 0:
            for j in range(held):
                if abs(height[j]) <= unsure * square[j]:
                    i = candidate[j]
                    px = position[0, i] - site_position[k, 0]
                    py = position[1, i] - site_position[k, 1]
                    pz = position[2, i] - site_position[k, 2]
                    exact_rise = px * site_up[k, 0] + py * site_up[k, 1] + pz * site_up[k, 2]
                    height[j] = 1.0 if exact_rise >= sine * math.sqrt(px * px + py * py + pz * pz) else -1.0
        # Written always, kept when seen: cheaper than a branch that goes either way.
        kept = 0
        for j in range(held):
            seen[kept] = candidate[j]
            seen_square[kept] = square[j]
            kept += 1 if height[j] >= 0.0 else 0
        for j in range(kept):
            satellite[end + j] = seen[j]
            slant_range[end + j] = math.sqrt(seen_square[j])
        end += kept
    offset[cell.shape[0]] = end
