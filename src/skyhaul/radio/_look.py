"""Where a satellite stands in the sky of a site."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skyhaul.earth import Sites
from skyhaul.types import Floats, Ints, Ints32


@dataclass(frozen=True, slots=True)
class LookAngles:
    """Directions and distances from sites to satellites, arrays of one shape.

    azimuth_deg    from north over east, 0 to 360
    elevation_deg  above the geodetic horizon (normal to the ellipsoid), without refraction, −90 to 90
    slant_range_m  straight-line distance
    """

    azimuth_deg: Floats
    elevation_deg: Floats
    slant_range_m: Floats

    def __len__(self) -> int:
        return len(self.elevation_deg)


def look_angles(sites: Sites, position_m: Floats) -> LookAngles:
    """Look angles (K, N) from each of K sites to each of N satellites at Earth-fixed positions (3, N).

    A satellite whose position is not a number has angles that are not numbers. For a few pairs out of many satellites
    use `look_angles_of_pairs`.
    """
    components = [axis @ position_m - _own(axis, sites)[:, None] for axis in (sites.east, sites.north, sites.up)]
    return _angles(*components)


def look_angles_of_pairs(sites: Sites, site: Ints | Ints32, position_m: Floats, satellite: Ints | Ints32) -> LookAngles:
    """Look angles (V,) of V pairs: from site `site[v]` to satellite `satellite[v]` of the positions (3, N)."""
    away = position_m[:, satellite] - sites.position_m[site].T
    components = [np.einsum("va,av->v", axis[site], away) for axis in (sites.east, sites.north, sites.up)]
    return _angles(*components)


def _own(axis: Floats, sites: Sites) -> Floats:
    own: Floats = np.einsum("ka,ka->k", axis, sites.position_m)
    return own


def _angles(east: Floats, north: Floats, up: Floats) -> LookAngles:
    level = np.hypot(east, north)
    azimuth = np.degrees(np.arctan2(east, north)) % 360.0
    # A tiny negative angle is folded onto 360 itself by rounding.
    azimuth[azimuth == 360.0] = 0.0
    return LookAngles(azimuth, np.degrees(np.arctan2(up, level)), np.hypot(level, up))
