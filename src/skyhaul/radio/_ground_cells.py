"""Sites grouped into small cells, with what each cell needs to know to find its satellites."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skyhaul.earth import Sites
from skyhaul.types import Floats, Ints, Ints32

# Width of a cell in latitude, and about that in longitude. Wider cells test more satellites for each site, narrower
# ones make more lists: from 4° to 7.5° differs by less than a twentieth with 100,000 sites, 2° takes a third longer.
_CELL_DEG = 5.0


@dataclass(frozen=True, slots=True)
class GroundCells:
    """C cells that hold at least one site; every cell is as small as its own sites allow.

    cell            (K,) the cell of each site
    centre          (C, 3) unit vector to the middle of the cell's sites
    latitude, longitude  (C,) of the centre, geocentric, rad
    reference_m     (C, 3) a point of the cell; positions relative to it keep their metres in 32 bits
    radius_m        (C,) the sites' least distance from the Earth's centre
    mask_rad        (C,) the least mask of the sites, lowered by what their geodetic and geocentric horizons differ
    tilt_rad        (C,) `mask_rad` less the angle at the Earth's centre from the middle to the farthest site

    On a sphere of `radius_m` a satellite at distance r is at or above `mask_rad` of some site only if its angle ψ from
    the centre has cos(ψ + tilt) ≥ (radius / r) cos(mask).
    """

    cell: Ints32
    centre: Floats
    latitude: Floats
    longitude: Floats
    reference_m: Floats
    radius_m: Floats
    mask_rad: Floats
    tilt_rad: Floats

    def __len__(self) -> int:
        return len(self.radius_m)


def group(sites: Sites, mask_rad: Floats) -> GroundCells:
    """Cells of about 5° by 5° in the order of latitude, then longitude."""
    cell = _cell_numbers(sites)
    order = np.argsort(cell, kind="stable")
    starts = np.flatnonzero(np.diff(cell[order], prepend=-1))
    number = np.empty(len(sites), dtype=np.int32)
    number[order] = np.repeat(np.arange(len(starts), dtype=np.int32), np.diff(starts, append=len(sites)))

    distance = np.linalg.norm(sites.position_m, axis=1)
    direction = sites.position_m / distance[:, None]
    centre = np.add.reduceat(direction[order], starts)
    centre /= np.linalg.norm(centre, axis=1)[:, None]

    width = np.maximum.reduceat(_angle(direction, centre[number])[order], starts)
    radius = np.minimum.reduceat(distance[order], starts)
    geocentric_mask = np.minimum.reduceat((mask_rad - _angle(direction, sites.up))[order], starts)
    return GroundCells(
        cell=number,
        centre=centre,
        latitude=np.arcsin(np.clip(centre[:, 2], -1.0, 1.0)),
        longitude=np.arctan2(centre[:, 1], centre[:, 0]),
        reference_m=centre * radius[:, None],
        radius_m=radius,
        mask_rad=geocentric_mask,
        tilt_rad=geocentric_mask - width,
    )


def _cell_numbers(sites: Sites) -> Ints:
    bands = round(180.0 / _CELL_DEG)
    band = np.clip(((sites.latitude_deg + 90.0) / _CELL_DEG).astype(np.int64), 0, bands - 1)
    middle = np.radians((np.arange(bands) + 0.5) * _CELL_DEG - 90.0)
    columns = np.maximum(1, np.round(360.0 * np.cos(middle) / _CELL_DEG)).astype(np.int64)
    before = np.concatenate([[0], np.cumsum(columns)])
    turn = (sites.longitude_deg % 360.0) / 360.0
    column = np.minimum((turn * columns[band]).astype(np.int64), columns[band] - 1)
    number: Ints = before[band] + column
    return number


def _angle(first: Floats, second: Floats) -> Floats:
    """Angle (…) between unit vectors (…, 3), exact for small ones, where the arc cosine is not."""
    angle: Floats = 2.0 * np.arcsin(np.minimum(np.linalg.norm(first - second, axis=-1) / 2.0, 1.0))
    return angle
