"""The gravity model that elements are made for, and the orbit's size that follows from a mean motion.

Elements are fitted with the WGS-72 constants of SGP4, so they must be read with those: Vallado, Crawford, Hujsak,
Kelso, "Revisiting Spacetrack Report #3", AIAA 2006-6753, section II and appendix (function getgravconst).
"""

from __future__ import annotations

import numpy as np

from skyhaul.types import Floats

MU_KM3_S2 = 398600.8
EARTH_RADIUS_KM = 6378.135
J2 = 0.001082616
J3 = -0.00000253881
J4 = -0.00000165597
# Square root of the gravitational parameter in earth radii and minutes.
XKE = 60.0 / np.sqrt(EARTH_RADIUS_KM**3 / MU_KM3_S2).item()

MINUTES_PER_DAY = 1440.0
# An orbit of 225 min or more is "deep space": the Moon and the Sun must be modelled (Spacetrack Report #3, section 1).
DEEP_SPACE_PERIOD_MIN = 225.0


def radians_per_minute(mean_motion_rev_day: Floats) -> Floats:
    return mean_motion_rev_day / (MINUTES_PER_DAY / (2.0 * np.pi))


def unkozai(mean_motion_rad_min: Floats, eccentricity: Floats, inclination_rad: Floats) -> Floats:
    """Brouwer's mean motion, rad/min, from the Kozai mean motion that element sets carry (AIAA 2006-6753, initl)."""
    one_minus_e2 = 1.0 - eccentricity * eccentricity
    cosine = np.cos(inclination_rad)
    d1 = 0.75 * J2 * (3.0 * cosine * cosine - 1.0) / (np.sqrt(one_minus_e2) * one_minus_e2)
    axis = (XKE / mean_motion_rad_min) ** (2.0 / 3.0)
    delta = d1 / (axis * axis)
    axis = axis * (1.0 - delta * delta - delta * (1.0 / 3.0 + 134.0 * delta * delta / 81.0))
    return np.asarray(mean_motion_rad_min / (1.0 + d1 / (axis * axis)))


def altitude_km(mean_motion_rev_day: Floats, eccentricity: Floats, inclination_deg: Floats) -> Floats:
    """Mean altitude: Brouwer's semi-major axis less the WGS-72 equatorial radius of 6378.135 km, (N,) km.

    NaN where the theory breaks down: orbits that would pass near the Earth's centre.
    """
    with np.errstate(all="ignore"):
        mean_motion = unkozai(radians_per_minute(mean_motion_rev_day), eccentricity, np.radians(inclination_deg))
        return np.asarray((XKE / mean_motion) ** (2.0 / 3.0) * EARTH_RADIUS_KM - EARTH_RADIUS_KM)


def mean_motion_at(altitude: float, inclination_deg: float, eccentricity: float) -> float:
    """Kozai mean motion, rev/day, of an orbit whose `altitude_km` is `altitude`: the inverse of that function."""
    brouwer = XKE / ((altitude + EARTH_RADIUS_KM) / EARTH_RADIUS_KM) ** 1.5
    inclination = np.array([np.radians(inclination_deg)])
    kozai = np.array([brouwer])
    # The correction is about J2, so each round gains three digits.
    for _ in range(8):
        kozai = kozai * brouwer / unkozai(kozai, np.array([eccentricity]), inclination)
    return float(kozai[0]) * MINUTES_PER_DAY / (2.0 * np.pi)
