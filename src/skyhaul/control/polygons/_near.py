"""Whether any border comes near a place: the tests that one decision and a million make alike."""

from __future__ import annotations

import math

import numpy as np

from skyhaul._kernel import kernel
from skyhaul.control.polygons._ellipse import OUTSIDE, SMALLEST_RADIUS_M
from skyhaul.control.polygons._map import COLUMNS, MARK_EAST, MARK_NORTH, TILES_PER_DEGREE
from skyhaul.earth import MEAN_RADIUS_M
from skyhaul.types import Bools, Bytes, Floats, Ints, Ints32

# A coordinate whose tile cannot be told, or whose images on the map are several: 180°, the poles, ellipses over them.
OFF_THE_MAP = -2
NEAR_BORDER = -1


@kernel()
def clear_class(
    latitude_deg: float,
    longitude_deg: float,
    semi_major_m: float,
    grid: Ints32,
    mixed: Bools,
    border_tile: Ints32,
    offset: Ints,
    pair_shape: Ints32,
    pair_edge: Floats,
    there: Bools,
) -> int:
    """The class of the tile of a place, if no border of a shape that is there comes within its ellipse; else
    NEAR_BORDER or OFF_THE_MAP. A place without size is never near a border, even on one.

    grid, mixed (classes,)   tile classes, and which of them have a border in them
    border_tile … pair_edge  tiles with the borders in them, as `Ground` keeps them
    there (S,)               shapes that count
    """
    reach = math.degrees(semi_major_m * OUTSIDE / SMALLEST_RADIUS_M)
    south, north = latitude_deg - reach, latitude_deg + reach
    if not (south > -90.0 and north < 90.0):
        return OFF_THE_MAP
    # An ellipse reaches farthest in longitude at its highest latitude.
    along = reach / math.cos(math.radians(max(-south, north)))
    west, east = longitude_deg - along, longitude_deg + along
    if not (west > -180.0 and east < 180.0):
        return OFF_THE_MAP
    if semi_major_m > 0.0:
        left, right = int((west + 180.0) * TILES_PER_DEGREE), int((east + 180.0) * TILES_PER_DEGREE)
        bottom, top = int((south + 90.0) * TILES_PER_DEGREE), int((north + 90.0) * TILES_PER_DEGREE)
        for row in range(bottom, top + 1):
            for column in range(left, right + 1):
                tile = row * COLUMNS + column
                if mixed[grid[tile]]:
                    at = np.searchsorted(border_tile, tile)
                    for pair in range(offset[at], offset[at + 1]):
                        if there[pair_shape[pair]] and _meets(pair_edge[pair], west, south, east, north):
                            return NEAR_BORDER
    row = int((latitude_deg + 90.0) * TILES_PER_DEGREE)
    column = int((longitude_deg + 180.0) * TILES_PER_DEGREE)
    return int(grid[row * COLUMNS + column])


@kernel()
def _meets(edge: Floats, west: float, south: float, east: float, north: float) -> bool:
    """Whether an edge meets a box: by the box's axes, then by the edge's own line."""
    x0, y0, x1, y1 = edge[0], edge[1], edge[2], edge[3]
    if max(x0, x1) < west or min(x0, x1) > east or max(y0, y1) < south or min(y0, y1) > north:
        return False
    dx, dy = x1 - x0, y1 - y0
    a = dx * (south - y0) - dy * (west - x0)
    b = dx * (south - y0) - dy * (east - x0)
    c = dx * (north - y0) - dy * (west - x0)
    d = dx * (north - y0) - dy * (east - x0)
    return not ((a > 0 and b > 0 and c > 0 and d > 0) or (a < 0 and b < 0 and c < 0 and d < 0))


# Shewchuk, "Adaptive Precision Floating-Point Arithmetic and Fast Robust Geometric Predicates", Discrete &
# Computational Geometry 18 (1997), ccwerrboundA = (3 + 16 ε) ε with ε = 2^-53, rounded up: a determinant below it has
# no sure sign.
_UNSURE = 3.4e-16

OUTSIDE_SHAPE, INSIDE_SHAPE, UNSURE = 0, 1, 2


@kernel()
def border_sides(
    latitude_deg: Floats,
    longitude_deg: Floats,
    rows: Ints,
    first: Ints,
    border_tile: Ints32,
    offset: Ints,
    pair_shape: Ints32,
    pair_edge: Floats,
    pair_inside: Bytes,
    there: Bools,
    shape: Ints32,
    held: Bytes,
) -> None:
    """For places of `rows` in tiles with borders, and from first[i] on for each shape that is there and has its border
    in the tile, ascending: fill in the shape, and whether it holds the place, or UNSURE: on the border or too near to
    it for these sums.

    From the tile's mark, whose side is known, a path goes along the parallel and then the meridian to the place, and
    changes side at every edge it crosses; all edges it can meet are in the tile.
    """
    for i in range(len(rows)):
        y, x = latitude_deg[rows[i]], longitude_deg[rows[i]]
        row, column = int((y + 90.0) * TILES_PER_DEGREE), int((x + 180.0) * TILES_PER_DEGREE)
        mark_x = (column + MARK_EAST) / TILES_PER_DEGREE - 180.0
        mark_y = (row + MARK_NORTH) / TILES_PER_DEGREE - 90.0
        at = np.searchsorted(border_tile, row * COLUMNS + column)
        out = first[i]
        pair = offset[at]
        while pair < offset[at + 1]:
            s = pair_shape[pair]
            side = np.int64(pair_inside[pair])
            sure = side != UNSURE
            while pair < offset[at + 1] and pair_shape[pair] == s:
                if there[s] and sure:
                    along = _crossed(pair_edge[pair], mark_x, mark_y, x, mark_y)
                    up = _crossed(pair_edge[pair], x, mark_y, x, y)
                    sure = along != UNSURE and up != UNSURE
                    side ^= along ^ up
                pair += 1
            if there[s]:
                shape[out] = s
                held[out] = side if sure else UNSURE
                out += 1


@kernel()
def _crossed(edge: Floats, xa: float, ya: float, xb: float, yb: float) -> int:
    """Whether an edge crosses the way from a to b: 0 or 1, or UNSURE where either end is too near the other's line."""
    x0, y0, x1, y1 = edge[0], edge[1], edge[2], edge[3]
    if max(x0, x1) < min(xa, xb) or min(x0, x1) > max(xa, xb) or max(y0, y1) < min(ya, yb) or min(y0, y1) > max(ya, yb):
        return 0
    a, b = _side(x0, y0, x1, y1, xa, ya), _side(x0, y0, x1, y1, xb, yb)
    c, d = _side(xa, ya, xb, yb, x0, y0), _side(xa, ya, xb, yb, x1, y1)
    if a * b > 0 or c * d > 0:
        return 0
    return 1 if a * b < 0 and c * d < 0 else UNSURE


@kernel()
def _side(x0: float, y0: float, x1: float, y1: float, x: float, y: float) -> int:
    """On which side of the line from 0 to 1 a point lies: -1 or 1, or 0 where rounding could turn it over."""
    left, right = (x1 - x0) * (y - y0), (y1 - y0) * (x - x0)
    if abs(left - right) <= _UNSURE * (abs(left) + abs(right)):
        return 0
    return 1 if left > right else -1


@kernel()
def distance_m(latitude_a_deg: float, longitude_a_deg: float, latitude_b_deg: float, longitude_b_deg: float) -> float:
    """Great-circle distance on the mean sphere: `skyhaul.earth.great_circle_m` for one pair."""
    latitude_a, latitude_b = math.radians(latitude_a_deg), math.radians(latitude_b_deg)
    half = math.sin((latitude_b - latitude_a) / 2.0) ** 2
    half += (
        math.cos(latitude_a)
        * math.cos(latitude_b)
        * math.sin((math.radians(longitude_b_deg) - math.radians(longitude_a_deg)) / 2.0) ** 2
    )
    return 2.0 * MEAN_RADIUS_M * math.asin(math.sqrt(min(half, 1.0)))


NEAR, FAR, PERHAPS_FAR = 0, 1, 2


@kernel()
def farness(
    latitude_deg: float,
    longitude_deg: float,
    semi_major_m: float,
    address_latitude_deg: float,
    address_longitude_deg: float,
    max_distance_m: float,
) -> int:
    """Whether a place is NEAR an address, FAR, or by its ellipse PERHAPS_FAR; NEAR where the distance is NaN: any."""
    if math.isnan(max_distance_m):
        return NEAR
    distance = distance_m(latitude_deg, longitude_deg, address_latitude_deg, address_longitude_deg)
    reach = semi_major_m * OUTSIDE
    if distance - reach > max_distance_m:
        return FAR
    return PERHAPS_FAR if distance + reach > max_distance_m else NEAR
