"""H3 cells, the hexagons that beams and demand are counted in."""

from __future__ import annotations

import h3.api.basic_int as h3
import numpy as np
import numpy.typing as npt

from skyhaul.errors import InputError
from skyhaul.types import CellIds, Floats

# The cell of a beam: resolution 5, 253 km² on average (H3 documentation, "Tables of Cell Statistics Across
# Resolutions").
BEAM_CELL_RESOLUTION = 5


def cells_of(
    latitude_deg: npt.ArrayLike, longitude_deg: npt.ArrayLike, resolution: int = BEAM_CELL_RESOLUTION
) -> CellIds:
    """H3 cell (…) uint64 of each place; coordinates broadcast together to (…).

    Raises InputError for a latitude beyond ±90° or a coordinate that is not finite, which H3 itself would fold into
    some other place. One call into H3 a place: about 3 million places a second.
    """
    latitude, longitude = np.broadcast_arrays(
        np.asarray(latitude_deg, dtype=np.float64), np.asarray(longitude_deg, dtype=np.float64)
    )
    good = np.isfinite(longitude) & (np.abs(latitude) <= 90.0)
    if not good.all():
        at = np.flatnonzero(~good.ravel())[0]
        raise InputError(
            f"no place on Earth: latitude {latitude.flat[at]}, longitude {longitude.flat[at]}",
            where=f"place {at}",
            mend="latitude within ±90°, both finite",
        )
    cells = map(h3.latlng_to_cell, latitude.ravel().tolist(), longitude.ravel().tolist(), (resolution,) * latitude.size)
    return np.fromiter(cells, dtype=np.uint64, count=latitude.size).reshape(latitude.shape)


def cell_centres(cells: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Latitude and longitude (deg), each (…), of the centres of cells (…) uint64.

    Raises InputError for a number that is no H3 cell.
    """
    ids = np.asarray(cells, dtype=np.uint64)
    centres = np.array([_centre(cell) for cell in ids.ravel().tolist()], dtype=np.float64).reshape(*ids.shape, 2)
    return centres[..., 0], centres[..., 1]


def cell_boundary(cell: int | np.uint64) -> tuple[Floats, Floats]:
    """Latitude and longitude (deg), each (B,), of the corners of one cell, anticlockwise; the first is not repeated.

    B is 6 for a hexagon, 5 for a pentagon, more where a cell crosses an edge of H3's icosahedron. Longitudes of a cell
    on the date line jump by 360°. Raises InputError for a number that is no H3 cell.
    """
    _check(int(cell))
    corners = np.array(h3.cell_to_boundary(int(cell)), dtype=np.float64)
    return corners[:, 0], corners[:, 1]


def _centre(cell: int) -> tuple[float, float]:
    _check(cell)
    latitude, longitude = h3.cell_to_latlng(cell)
    return latitude, longitude


def _check(cell: int) -> None:
    if not h3.is_valid_cell(cell):
        raise InputError(f"{cell} is no H3 cell", mend="cells come from cells_of")
