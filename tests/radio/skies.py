"""Sites and satellites for the tests of this room, and the plain answers they are held against."""

from __future__ import annotations

import numpy as np

from skyhaul.earth import Sites, geodetic_to_ecef
from skyhaul.types import Floats


def random_sites(rng: np.random.Generator, count: int, *, height_m: float = 3000.0) -> Sites:
    """Places all over the Earth, some at the poles and on the date line."""
    latitude = np.degrees(np.arcsin(rng.uniform(-1.0, 1.0, count)))
    longitude = rng.uniform(-180.0, 180.0, count)
    special = rng.integers(0, 8, count)
    latitude[special == 0] = np.copysign(90.0, latitude[special == 0])
    longitude[special == 1] = np.copysign(180.0, longitude[special == 1])
    return Sites.at(latitude, longitude, rng.uniform(-400.0, height_m, count))


def random_satellites(rng: np.random.Generator, count: int, low_m: float = 3e5, high_m: float = 3.6e7) -> Floats:
    """Positions (3, N), heights spread evenly in their logarithm, with the odd one in error."""
    height = np.exp(rng.uniform(np.log(low_m), np.log(high_m), count))
    latitude = np.degrees(np.arcsin(rng.uniform(-1.0, 1.0, count)))
    position = np.ascontiguousarray(geodetic_to_ecef(latitude, rng.uniform(-180.0, 180.0, count), height).T)
    position[:, rng.integers(0, 20, count) == 0] = np.nan
    return position


def elevation_deg(sites: Sites, position: Floats) -> Floats:
    """Elevation (K, N) from the angle between the local vertical and the way to the satellite."""
    away = position.T[None, :, :] - sites.position_m[:, None, :]
    away /= np.linalg.norm(away, axis=-1, keepdims=True)
    rise = np.einsum("ksa,ka->ks", away, sites.up)
    level = np.linalg.norm(away - rise[..., None] * sites.up[:, None, :], axis=-1)
    elevation: Floats = np.degrees(np.arctan2(rise, level))
    return elevation
