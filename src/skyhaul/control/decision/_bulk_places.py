"""Faces of many places: by tile class where no border is in the tile, by exact polygons where one is."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import shapely

from skyhaul.control.decision._bulk_kernels import number_keys
from skyhaul.control.decision._position import Positions
from skyhaul.control.decision._terrain import Terrain
from skyhaul.control.decision._world import Face, View
from skyhaul.control.polygons._near import INSIDE_SHAPE, UNSURE, border_sides
from skyhaul.types import Bools, Ints, Ints32


def find_faces(
    terrain: Terrain, view: View, positions: Positions, class_: Ints32, workers: int
) -> tuple[list[Face], Ints32]:
    """The distinct faces of K places and (K,) the index of each place's; places of class -1 have none, index -1."""
    numbers: dict[tuple[int, ...], int] = {}
    number = np.empty(len(class_), dtype=np.int32)
    distinct = number_keys(class_.astype(np.int64), number)
    found = [terrain.of_class(view, class_) for class_ in distinct.tolist()]
    # The last entry is for places without a class.
    face_of = np.full(len(found) + 1, -1, dtype=np.int32)
    for n, (patches, border) in enumerate(found):
        if not border:
            face_of[n] = numbers.setdefault(patches, len(numbers))
    face = face_of[number]
    rows = np.flatnonzero((face < 0) & (number >= 0))
    if len(rows):
        offset, shape, hit = _tested(
            terrain, view, positions, rows, number[rows], [border for _, border in found], workers
        )
        state = _alike(number[rows], offset, hit)
        # One row stands for all that are alike: NumPy keeps the last of equal indices, here the first row.
        first = np.zeros(state.max() + 1, dtype=np.int64)
        first[state[::-1]] = np.arange(len(rows))[::-1]
        face_of_state = np.empty(len(first), dtype=np.int32)
        for n, row in enumerate(first.tolist()):
            pairs = slice(offset[row], offset[row + 1])
            holding = shape[pairs][hit[pairs]].tolist()
            patches = (*found[number[rows[row]]][0], *terrain.patches_of(view, holding))
            face_of_state[n] = numbers.setdefault(tuple(sorted(patches)), len(numbers))
        face[rows] = face_of_state[state]
    return [view.face(patches) for patches in numbers], face


def _tested(
    terrain: Terrain,
    view: View,
    positions: Positions,
    rows: Ints,
    number: Ints32,
    borders: list[tuple[int, ...]],
    workers: int,
) -> tuple[Ints, Ints32, Bools]:
    """Every place of `rows` with every shape whose border is in its tile: pairs offset[i] to offset[i + 1] belong to
    row i, with the shape of each and whether it holds the place."""
    ground, there = terrain.ground, terrain.there(view)
    counts = np.array([len(border) for border in borders])[number]
    offset = np.concatenate([[0], np.cumsum(counts)])
    shape = np.empty(offset[-1], dtype=np.int32)
    held = np.empty(offset[-1], dtype=np.int8)

    def run(part: slice) -> None:
        border_sides(
            positions.latitude_deg,
            positions.longitude_deg,
            rows[part],
            offset[part],
            *ground.tables[2:],
            ground.pair_inside,
            there,
            shape,
            held,
        )

    share(run, len(rows), workers)
    unsure = np.flatnonzero(held == UNSURE)
    owner = np.searchsorted(offset, unsure, side="right") - 1
    for pair, row in zip(unsure.tolist(), rows[owner].tolist(), strict=True):
        held[pair] = shapely.intersects_xy(
            ground.shapes[shape[pair]], positions.longitude_deg[row], positions.latitude_deg[row]
        )
    return offset, shape, held == INSIDE_SHAPE


def share(work: Callable[[slice], None], count: int, workers: int) -> None:
    """Do `work` on `count` rows in as many parts as there are workers, side by side."""
    edges = np.linspace(0, count, workers + 1).astype(int).tolist()
    parts = [slice(a, b) for a, b in pairwise(edges)]
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(work, parts))


def _alike(number: Ints32, offset: Ints, hit: Bools) -> Ints32:
    """(M,) equal for rows of one class that are held by the same of its shapes."""
    state = number.copy()
    counts = np.diff(offset)
    for place in range(counts.max()):
        more = counts > place
        key = state.astype(np.int64) * 3
        key[more] += 1 + hit[offset[:-1][more] + place]
        number_keys(key, state)
    return state
