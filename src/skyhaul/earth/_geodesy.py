"""WGS-84 coordinates, the local horizon and distances on the sphere."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from skyhaul.types import Floats

# NGA.STND.0036_1.0.0_WGS84 (2014), table 3.1: semi-major axis and reciprocal flattening, both exact by definition.
SEMI_MAJOR_AXIS_M = 6_378_137.0
FLATTENING = 1.0 / 298.257223563

# First and second eccentricity squared, semi-minor axis: from the two above, same standard, chapter 3.
ECCENTRICITY_SQUARED = FLATTENING * (2.0 - FLATTENING)
SECOND_ECCENTRICITY_SQUARED = ECCENTRICITY_SQUARED / (1.0 - ECCENTRICITY_SQUARED)
SEMI_MINOR_AXIS_M = SEMI_MAJOR_AXIS_M * (1.0 - FLATTENING)

# Mean radius (2a + b) / 3 of the International Union of Geodesy and Geophysics: Moritz, "Geodetic Reference System
# 1980", J. Geodesy 74 (2000), 128–133; 6,371,008.77 m on WGS-84.
MEAN_RADIUS_M = (2.0 * SEMI_MAJOR_AXIS_M + SEMI_MINOR_AXIS_M) / 3.0

# Against 500,000 places from 10 km below the ellipsoid to the geostationary height one round leaves 1.5 µm, two leave
# what rounding leaves.
_BOWRING_ROUNDS = 2


def geodetic_to_ecef(
    latitude_deg: npt.ArrayLike, longitude_deg: npt.ArrayLike, height_m: npt.ArrayLike = 0.0
) -> Floats:
    """Earth-fixed positions (…, 3) in metres of geodetic coordinates that broadcast together to (…).

    Source: NGA.STND.0036_1.0.0_WGS84 (2014), chapter 4. Not-a-number in gives not-a-number out.
    """
    latitude, longitude, height = np.broadcast_arrays(
        np.radians(np.asarray(latitude_deg, dtype=np.float64)),
        np.radians(np.asarray(longitude_deg, dtype=np.float64)),
        np.asarray(height_m, dtype=np.float64),
    )
    sine, cosine = np.sin(latitude), np.cos(latitude)
    prime_vertical = SEMI_MAJOR_AXIS_M / np.sqrt(1.0 - ECCENTRICITY_SQUARED * sine * sine)
    across = (prime_vertical + height) * cosine
    return np.stack(
        [
            across * np.cos(longitude),
            across * np.sin(longitude),
            (prime_vertical * (1.0 - ECCENTRICITY_SQUARED) + height) * sine,
        ],
        axis=-1,
    )


def ecef_to_geodetic(position_m: npt.ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Geodetic latitude (deg), longitude (deg, −180 to 180) and height (m), each (…), of Earth-fixed positions (…, 3).

    The inverse of `geodetic_to_ecef` within 20 nm from 10 km below the ellipsoid to the geostationary height; not for
    points near the Earth's centre. Pass `sky.position_m.T` for the places below satellites.
    Source: B. R. Bowring, "The accuracy of geodetic latitude and height equations", Survey Review 28 (1985), 202–206,
    iterated.
    """
    position = np.asarray(position_m, dtype=np.float64)
    if position.ndim == 0 or position.shape[-1] != 3:
        raise ValueError(f"positions must be (…, 3), not {position.shape}")
    x, y, z = position[..., 0], position[..., 1], position[..., 2]
    across = np.hypot(x, y)
    radius = np.hypot(across, z)
    # The reduced latitude as a pair (sine, cosine), so that the poles need no case of their own.
    above = z * (1.0 - FLATTENING) * (1.0 + SECOND_ECCENTRICITY_SQUARED * SEMI_MINOR_AXIS_M / radius)
    beside = across
    for _ in range(_BOWRING_ROUNDS):
        length = np.hypot(above, beside)
        sine_reduced, cosine_reduced = above / length, beside / length
        rise = z + SECOND_ECCENTRICITY_SQUARED * SEMI_MINOR_AXIS_M * sine_reduced**3
        run = across - ECCENTRICITY_SQUARED * SEMI_MAJOR_AXIS_M * cosine_reduced**3
        above, beside = (1.0 - FLATTENING) * rise, run
    length = np.hypot(rise, run)
    sine, cosine = rise / length, run / length
    height = across * cosine + z * sine - SEMI_MAJOR_AXIS_M * np.sqrt(1.0 - ECCENTRICITY_SQUARED * sine * sine)
    return np.degrees(np.arctan2(rise, run)), np.degrees(np.arctan2(y, x)), height


def local_axes(latitude_deg: npt.ArrayLike, longitude_deg: npt.ArrayLike) -> tuple[Floats, Floats, Floats]:
    """East, north and up: Earth-fixed unit vectors (…, 3) of the geodetic horizon; up is normal to the ellipsoid.

    At a pole the longitude given still says which way is east.
    """
    latitude, longitude = np.broadcast_arrays(
        np.radians(np.asarray(latitude_deg, dtype=np.float64)), np.radians(np.asarray(longitude_deg, dtype=np.float64))
    )
    sin_lat, cos_lat = np.sin(latitude), np.cos(latitude)
    sin_lon, cos_lon = np.sin(longitude), np.cos(longitude)
    east = np.stack([-sin_lon, cos_lon, np.zeros_like(sin_lon)], axis=-1)
    north = np.stack([-sin_lat * cos_lon, -sin_lat * sin_lon, cos_lat], axis=-1)
    up = np.stack([cos_lat * cos_lon, cos_lat * sin_lon, sin_lat], axis=-1)
    return east, north, up


def great_circle_m(
    latitude_a_deg: npt.ArrayLike,
    longitude_a_deg: npt.ArrayLike,
    latitude_b_deg: npt.ArrayLike,
    longitude_b_deg: npt.ArrayLike,
) -> Floats:
    """Great-circle distance in metres between places a and b, which broadcast together, on a sphere of radius
    `MEAN_RADIUS_M`; within 0.6 % of the distance on the ellipsoid.

    Haversine form (Sinnott, Sky and Telescope 68 (1984), 159), which keeps short distances exact.
    """
    latitude_a, longitude_a, latitude_b, longitude_b = (
        np.radians(np.asarray(angle, dtype=np.float64))
        for angle in (latitude_a_deg, longitude_a_deg, latitude_b_deg, longitude_b_deg)
    )
    half_chord_squared = (
        np.sin((latitude_b - latitude_a) / 2.0) ** 2
        + np.cos(latitude_a) * np.cos(latitude_b) * np.sin((longitude_b - longitude_a) / 2.0) ** 2
    )
    distance: Floats = 2.0 * MEAN_RADIUS_M * np.arcsin(np.sqrt(np.minimum(half_chord_squared, 1.0)))
    return distance
