"""The map of tiles: rectangles of 1/16° in the plane that polygons are drawn in, rows from the south, columns from
180° W, a tile being row * COLUMNS + column.

In that plane "no border touches this tile" is exact; the edges of H3 cells are straight on a sphere and would need a
margin. Tile bounds are binary fractions: the tile of a coordinate has no rounding of its own.
"""

from __future__ import annotations

TILES_PER_DEGREE = 16
COLUMNS = 360 * TILES_PER_DEGREE
ROWS = 180 * TILES_PER_DEGREE

# The mark of a tile, in tiles from its south-west corner: a point from which paths to any place of the tile start. Off
# the lines that people draw borders on.
MARK_EAST = 0.41421356
MARK_NORTH = 0.61803399
