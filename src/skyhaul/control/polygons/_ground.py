"""All polygons together: which hold a place, quickly where no border is near and exactly where one is."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from skyhaul.control.polygons._map import COLUMNS, MARK_EAST, MARK_NORTH, ROWS, TILES_PER_DEGREE
from skyhaul.control.polygons._tiles import Footprint, footprint, paint
from skyhaul.types import Bools, Bytes, Floats, Ints, Ints32

_INSIDE, _BORDER = 0, 1


class Ground:
    """Distinct shapes on the map of tiles.

    A tile's class says which shapes hold it wholly and which have their border in it. Built once for all shapes of all
    times: which of them count at an instant is asked later.

    shapes       (S,) polygons, prepared; the index of a shape is its place here
    grid         (ROWS * COLUMNS,) class of each tile; class 0 has no shape at all
    mixed        (classes,) whether a class has a border in it
    border_tile  (B,) tiles with a border, ascending; pairs of tile border_tile[i] are offset[i] to offset[i + 1]
    pair_shape   (P,) shape of each pair
    pair_edge    (P, 4) its edge
    tables       the six above, as kernels take them
    pair_inside  (P,) whether the tile's mark (`MARK`, a point in every tile) is inside the shape; 2: on its border
    """

    def __init__(self, shapes: Sequence[BaseGeometry], previous: Ground | None = None) -> None:
        known = previous._footprints if previous is not None else {}
        self._footprints: dict[bytes, Footprint] = {}
        self.shapes: list[BaseGeometry] = []
        for shape in shapes:
            shapely.prepare(shape)
            key = shape_key(shape)
            self._footprints[key] = known.get(key) or footprint(shape)
            self.shapes.append(shape)
        footprints = list(self._footprints.values())
        self.grid: Ints32 = np.zeros(ROWS * COLUMNS, dtype=np.int32)
        self._parent, self._shape, self._status, self.mixed = self._paint(footprints)
        self._sets: dict[int, tuple[tuple[int, ...], tuple[int, ...]]] = {0: ((), ())}
        self.border_tile, self.offset, self.pair_shape, self.pair_edge = _pairs(footprints)
        self.pair_inside = self._inside()
        self.tables = (self.grid, self.mixed, self.border_tile, self.offset, self.pair_shape, self.pair_edge)
        self._boundaries: dict[int, BaseGeometry] = {}
        self._tree: shapely.STRtree | None = None

    @property
    def classes(self) -> int:
        """How many classes there are; tiles of some may all have moved on to others."""
        return len(self._parent)

    def sets(self, class_: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Shapes that hold a tile of this class wholly, and shapes with a border in it; ascending."""
        found = self._sets.get(class_)
        if found is None:
            chain = []
            at = class_
            while at:
                chain.append((int(self._shape[at]), int(self._status[at])))
                at = int(self._parent[at])
            found = (
                tuple(sorted(s for s, status in chain if status == _INSIDE)),
                tuple(sorted(s for s, status in chain if status == _BORDER)),
            )
            self._sets[class_] = found
        return found

    def _inside(self) -> Bytes:
        tile = np.repeat(self.border_tile, np.diff(self.offset)).astype(np.int64)
        inside = np.empty(len(tile), dtype=np.int8)
        order = np.argsort(self.pair_shape, kind="stable")
        for part in np.split(order, np.flatnonzero(np.diff(self.pair_shape[order])) + 1):
            if len(part):
                longitude = (tile[part] % COLUMNS + MARK_EAST) / TILES_PER_DEGREE - 180.0
                latitude = (tile[part] // COLUMNS + MARK_NORTH) / TILES_PER_DEGREE - 90.0
                shape = self.shapes[self.pair_shape[part[0]]]
                within = shapely.contains_xy(shape, longitude, latitude)
                inside[part] = np.where(within, 1, np.where(shapely.intersects_xy(shape, longitude, latitude), 2, 0))
        return inside

    def boundary(self, shape: int) -> BaseGeometry:
        """The rings of a shape as lines."""
        found = self._boundaries.get(shape)
        if found is None:
            found = self._boundaries[shape] = self.shapes[shape].boundary
        return found

    def near(self, place: BaseGeometry) -> list[int]:
        """Shapes whose bounding box meets that of `place`, ascending."""
        if self._tree is None:
            self._tree = shapely.STRtree(self.shapes)
        return sorted(self._tree.query(place).tolist())

    def _paint(self, footprints: Sequence[Footprint]) -> tuple[Ints, Ints, Ints, Bools]:
        parents, owners, statuses = [np.zeros(1, np.int64)], [np.full(1, -1)], [np.full(1, -1)]
        mixed = np.zeros(1, dtype=np.bool_)
        count = 1
        for shape, print_ in enumerate(footprints):
            before = count
            runs = ((_INSIDE, print_.run_begin, print_.run_end), (_BORDER, print_.border, print_.border + np.int32(1)))
            for status, begin, end in runs:
                relabel = np.full(before, -1, dtype=np.int32)
                total = paint(self.grid, begin, end, relabel, count)
                old = np.flatnonzero(relabel >= 0)
                old = old[np.argsort(relabel[old])]
                mixed = np.concatenate([mixed, mixed[old] | (status == _BORDER)])
                parents.append(old)
                owners.append(np.full(total - count, shape))
                statuses.append(np.full(total - count, status))
                count = total
        return np.concatenate(parents), np.concatenate(owners), np.concatenate(statuses), mixed


def shape_key(shape: BaseGeometry) -> bytes:
    """The same for shapes with the same coordinates in the same order."""
    return hashlib.sha256(shapely.to_wkb(shape)).digest()


def _pairs(footprints: Sequence[Footprint]) -> tuple[Ints32, Ints, Ints32, Floats]:
    if not footprints:
        return np.zeros(0, np.int32), np.zeros(1, np.int64), np.zeros(0, np.int32), np.zeros((0, 4))
    tile = np.concatenate([p.pair_tile for p in footprints])
    shape = np.repeat(np.arange(len(footprints), dtype=np.int32), [len(p.pair_tile) for p in footprints])
    edge = np.concatenate([p.edge[p.pair_edge] for p in footprints])
    order = np.argsort(tile, kind="stable")
    border, first = np.unique(tile[order], return_index=True)
    return border, np.append(first, len(tile)), shape[order], edge[order]
