"""From TEME, the frame of SGP4, to axes that turn with the Earth."""

from __future__ import annotations

import numpy as np

from skyhaul.types import Floats, Times

# Rotation of the Earth, rad/s: Vallado, Crawford, Hujsak, Kelso, AIAA 2006-6753, appendix C (TEME to PEF).
EARTH_ROTATION_RAD_S = 7.29211514670698e-05

_J2000 = np.datetime64("2000-01-01T12:00:00", "ns")
_DAY_NS = 86_400_000_000_000
_DAYS_PER_CENTURY = 36525.0


def gmst_rad(times: Times) -> Floats:
    """Greenwich mean sidereal time of 1982, radians in [0, 2 pi), the shape of `times`.

    Aoki et al., Astronomy and Astrophysics 105, 1982, as used for TEME by AIAA 2006-6753. UTC is taken for UT1: the
    difference stays below 0.9 s, which turns the axes by less than 13.5 arcseconds (460 m at a radius of 7000 km).
    """
    nanoseconds = (np.asarray(times, dtype="datetime64[ns]") - _J2000).astype(np.int64)
    days, rest = np.divmod(nanoseconds, _DAY_NS)
    fraction = rest / _DAY_NS
    t = (days + fraction) / _DAYS_PER_CENTURY
    # The whole turns of 876600 h per century are left out exactly; the day's fraction is what remains of them.
    seconds = 67310.54841 + 86400.0 * fraction + (8640184.812866 + (0.093104 - 6.2e-6 * t) * t) * t
    turns = seconds / 86400.0
    gmst: Floats = 2.0 * np.pi * (turns - np.floor(turns))
    return gmst
