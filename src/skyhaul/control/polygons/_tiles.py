"""Which tiles of the map a polygon's border touches, and which lie wholly inside."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from skyhaul._kernel import kernel
from skyhaul.control.polygons._map import COLUMNS, ROWS, TILES_PER_DEGREE
from skyhaul.types import Floats, Ints32

# A border this near to a tile (in tiles: 0.7 mm) touches it. Rounding of a crossing is some 1e-12 tiles.
_NEAR = 1e-7


@dataclass(frozen=True, slots=True)
class Footprint:
    """A polygon on the map of tiles.

    border             (B,) tiles that the border touches, ascending
    run_begin/run_end  (R,) runs [begin, end) of tiles wholly inside, each within a row
    edge               (E, 4) edges of the border: longitude, latitude of one end, of the other
    pair_tile/edge     (P,) every tile with every edge that touches it
    """

    border: Ints32
    run_begin: Ints32
    run_end: Ints32
    edge: Floats
    pair_tile: Ints32
    pair_edge: Ints32


def footprint(shape: BaseGeometry) -> Footprint:
    """The tiles of a polygon or multipolygon in the plane of longitude and latitude within ±180° and ±90°."""
    edge = _edges(shape)
    pair_tile, pair_edge = touched_tiles(edge)
    border = np.unique(pair_tile)
    # Between two border tiles of a row no border passes: one point says whether the gap is inside.
    row = border // COLUMNS
    gap = np.flatnonzero((row[1:] == row[:-1]) & (np.diff(border) > 1))
    begin, end = border[gap] + 1, border[gap + 1]
    longitude = (begin % COLUMNS + 0.5) / TILES_PER_DEGREE - 180.0
    latitude = (begin // COLUMNS + 0.5) / TILES_PER_DEGREE - 90.0
    shapely.prepare(shape)
    inside = shapely.contains_xy(shape, longitude, latitude)
    return Footprint(border, begin[inside].astype(np.int32), end[inside].astype(np.int32), edge, pair_tile, pair_edge)


def _edges(shape: BaseGeometry) -> Floats:
    """(E, 4) both ends of every edge of every ring."""
    rings = shapely.get_rings(shapely.get_parts(shape))
    place, ring = shapely.get_coordinates(rings, return_index=True)
    same = ring[1:] == ring[:-1]
    edges: Floats = np.hstack([place[:-1][same], place[1:][same]])
    return edges


@kernel()
def touched_tiles(edge: Floats) -> tuple[Ints32, Ints32]:
    """Every pair of a tile and an edge (E, 4) that touches it: (P,) tiles and (P,) edges."""
    tile = np.empty(0, dtype=np.int32)
    index = np.empty(0, dtype=np.int32)
    for fill in (False, True):
        count = 0
        for e in range(edge.shape[0]):
            x0 = (edge[e, 0] + 180.0) * TILES_PER_DEGREE
            y0 = (edge[e, 1] + 90.0) * TILES_PER_DEGREE
            x1 = (edge[e, 2] + 180.0) * TILES_PER_DEGREE
            y1 = (edge[e, 3] + 90.0) * TILES_PER_DEGREE
            if y0 > y1:
                x0, y0, x1, y1 = x1, y1, x0, y0
            bottom = max(int(np.floor(y0 - _NEAR)), 0)
            top = min(int(np.floor(y1 + _NEAR)), ROWS - 1)
            for row in range(bottom, top + 1):
                # The part of the edge in this row. Widening the row by _NEAR covers the rounding of the division,
                # however flat the edge.
                xa, xb = x0, x1
                if y0 < row - _NEAR:
                    xa = x0 + (x1 - x0) * ((row - _NEAR - y0) / (y1 - y0))
                if y1 > row + 1 + _NEAR:
                    xb = x0 + (x1 - x0) * ((row + 1 + _NEAR - y0) / (y1 - y0))
                left = max(int(np.floor(min(xa, xb) - _NEAR)), 0)
                right = min(int(np.floor(max(xa, xb) + _NEAR)), COLUMNS - 1)
                for column in range(left, right + 1):
                    if fill:
                        tile[count] = row * COLUMNS + column
                        index[count] = e
                    count += 1
        if not fill:
            tile = np.empty(count, dtype=np.int32)
            index = np.empty(count, dtype=np.int32)
    return tile, index


@kernel()
def paint(grid: Ints32, begin: Ints32, end: Ints32, relabel: Ints32, first: int) -> int:
    """Give every tile of the runs [begin, end) the class that follows its present one; new classes count from `first`.

    relabel (classes,) is -1 on entry and holds each class's follower on return; the number of classes is returned.
    """
    count = first
    for run in range(len(begin)):
        for tile in range(begin[run], end[run]):
            old = grid[tile]
            if relabel[old] < 0:
                relabel[old] = count
                count += 1
            grid[tile] = relabel[old]
    return count
