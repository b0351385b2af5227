"""All satellites above the mask of every site."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from skyhaul.earth import Sites
from skyhaul.errors import InputError
from skyhaul.radio._ground_cells import group
from skyhaul.types import Floats, Ints, Ints32


@dataclass(frozen=True, slots=True)
class Visibility:
    """The V pairs of a site and a satellite at or above the site's mask, site by site.

    offset         (K + 1,) the satellites of site k are `satellite[offset[k]:offset[k + 1]]`
    satellite      (V,) satellite indices, ascending within a site
    slant_range_m  (V,) straight-line distance, good to 1 part in a million
    """

    offset: Ints
    satellite: Ints32
    slant_range_m: npt.NDArray[np.float32]

    def __len__(self) -> int:
        """V, the number of pairs."""
        return len(self.satellite)

    @property
    def count(self) -> Ints:
        """How many satellites each site sees, (K,)."""
        return np.diff(self.offset)

    def of(self, site: int) -> Ints32:
        """The satellites that one site sees."""
        return self.satellite[self.offset[site] : self.offset[site + 1]]

    def pairs(self) -> tuple[Ints, Ints32]:
        """Site and satellite of every pair, each (V,), as `look_angles_of_pairs` takes them."""
        return np.repeat(np.arange(len(self.offset) - 1), self.count), self.satellite


class SiteIndex:
    """K fixed sites, prepared once, that find their satellites at any instant.

    A pair is visible when the satellite's elevation above the geodetic horizon of the site, without refraction, is at
    least the site's mask: the test of a plain loop in 64 bits. Satellites may have any height from 100 km up.

    sites     the places; one index a set of places, for moving ones build another
    mask_deg  0 to 90, one for all or (K,) each its own

    Raises InputError for a mask out of range. Threads may share an index.
    """

    def __init__(self, sites: Sites, mask_deg: float | Floats) -> None:
        mask = np.array(np.broadcast_to(np.asarray(mask_deg, dtype=np.float64), (len(sites),)))
        wrong = np.flatnonzero(~((mask >= 0.0) & (mask <= 90.0)))
        if wrong.size:
            raise InputError(
                f"elevation mask of {mask[wrong[0]]}°", where=f"site {sites.name[wrong[0]]}", mend="0 to 90 degrees"
            )
        self.sites = sites
        self.mask_deg = mask
        self._sin_mask = np.sin(np.radians(mask))
        self._cells = group(sites, np.radians(mask))
        near = sites.position_m - self._cells.reference_m[self._cells.cell]
        self._near = near.astype(np.float32)
        self._up = sites.up.astype(np.float32)
        self._sites_in = np.bincount(self._cells.cell, minlength=len(self._cells))
        self._spare_lists: list[npt.NDArray[np.float32]] = []

    def visible(self, position_m: Floats, *, into: Visibility | None = None) -> Visibility:
        """All visible pairs of the sites with satellites at Earth-fixed positions (3, N).

        A satellite whose position is not a number is never visible. `into` is an earlier result that is no longer
        needed: its memory is used again, which saves a quarter of the time when there are millions of pairs.
        """
        from skyhaul.radio import _visibility_kernels as kernels  # compiles, so only when a search is made

        position = np.ascontiguousarray(position_m, dtype=np.float64)
        if position.ndim != 2 or position.shape[0] != 3:
            raise ValueError(f"positions must be (3, N), not {position.shape}")
        satellites = position.shape[1]
        cells = self._cells
        start = np.empty(kernels.LEVELS * kernels.BOXES + 1, dtype=np.int32)
        sorted_satellite = np.empty(satellites + kernels.BLOCK, dtype=np.int32)
        place = np.empty((4, satellites + kernels.BLOCK), dtype=np.float32)
        highest = np.empty(kernels.LEVELS)
        kernels.sort_into_boxes(position, start, sorted_satellite, place, highest)

        first = np.empty(len(cells), dtype=np.int64)
        count = np.empty(len(cells), dtype=np.int32)
        # Lists are kept for the next search; taking one from the spare ones is safe between threads.
        lists = self._spare_lists.pop() if self._spare_lists else np.empty(0, dtype=np.float32)
        while True:
            needed = kernels.list_candidates(
                cells.centre,
                cells.latitude,
                cells.longitude,
                cells.reference_m,
                cells.radius_m,
                cells.mask_rad,
                cells.tilt_rad,
                position,
                start,
                sorted_satellite,
                place,
                highest,
                first,
                count,
                lists,
            )
            if needed <= len(lists):
                break
            lists = np.empty(needed + needed // 8, dtype=np.float32)

        most = int(self._sites_in @ count)
        offset = np.empty(len(self.sites) + 1, dtype=np.int64)
        satellite = _room(most, np.dtype(np.int32), None if into is None else into.satellite)
        slant_range_m = _room(most, np.dtype(np.float32), None if into is None else into.slant_range_m)
        kernels.test_sites(
            cells.cell,
            self._near,
            self._up,
            self._sin_mask,
            self.sites.position_m,
            self.sites.up,
            first,
            count,
            lists,
            position,
            int(count.max(initial=0)) + kernels.LANES,
            offset,
            satellite,
            slant_range_m,
        )
        self._spare_lists.append(lists)
        found = int(offset[-1])
        return Visibility(offset, satellite[:found], slant_range_m[:found])


def _room(size: int, kind: np.dtype[Any], earlier: npt.NDArray[Any] | None) -> npt.NDArray[Any]:
    """An array of at least that size: the whole of which `earlier` shows the first part, where that is enough."""
    whole = None if earlier is None else earlier if earlier.base is None else earlier.base
    return whole if isinstance(whole, np.ndarray) and len(whole) >= size else np.empty(size, dtype=kind)
