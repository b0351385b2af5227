"""Where the Sun is, and which satellites it lights."""

from __future__ import annotations

import numpy as np

from skyhaul.earth._geodesy import SEMI_MAJOR_AXIS_M
from skyhaul.types import Bools, Floats, Times

_J2000 = np.datetime64("2000-01-01T12:00:00", "ns")
_DAY = np.timedelta64(86_400_000_000_000, "ns")


def sun_direction(time: Times | np.datetime64) -> Floats:
    """Earth-fixed unit vector (…, 3) from the Earth's centre to the Sun at UTC times (…).

    Good to 0.01° from 1950 to 2050, plus 0.004° for each second between UTC and UT1.
    Sources: The Astronomical Almanac, section C, "Low precision formulas for the Sun"; sidereal time from Meeus,
    "Astronomical Algorithms", 2nd ed., equation 12.4 without its terms in T² and T³ (below 0.0002° in those years).
    """
    days = np.asarray((np.asarray(time) - _J2000) / _DAY, dtype=np.float64)
    mean_longitude_deg = 280.460 + 0.9856474 * days
    anomaly = np.radians(357.528 + 0.9856003 * days)
    longitude = np.radians(mean_longitude_deg + 1.915 * np.sin(anomaly) + 0.020 * np.sin(2.0 * anomaly))
    obliquity = np.radians(23.439 - 0.0000004 * days)
    sidereal = np.radians(280.46061837 + 360.98564736629 * days)

    x = np.cos(longitude)
    y = np.cos(obliquity) * np.sin(longitude)
    z = np.sin(obliquity) * np.sin(longitude)
    return np.stack(
        [x * np.cos(sidereal) + y * np.sin(sidereal), y * np.cos(sidereal) - x * np.sin(sidereal), z], axis=-1
    )


def sunlit(position_m: Floats, time: Times | np.datetime64) -> Bools:
    """Whether the Sun shines on satellites at Earth-fixed positions (…, 3, N) at UTC times (…): (…, N).

    The Earth's shadow is a cylinder of the equatorial radius (Vallado, "Fundamentals of Astrodynamics and
    Applications", 4th ed., chapter 5): no refraction and no penumbra, although the Sun's half-width of 0.27° is 4 s
    of a low orbit. False where the position is not a number.
    """
    sun = sun_direction(time)
    along = np.einsum("...an,...a->...n", position_m, sun)
    radius_squared = np.einsum("...an,...an->...n", position_m, position_m)
    clear_of_shadow = radius_squared - along * along > SEMI_MAJOR_AXIS_M**2
    lit: Bools = (along > 0.0) | clear_of_shadow
    return lit
