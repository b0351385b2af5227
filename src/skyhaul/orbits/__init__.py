"""Mean elements to Earth-fixed positions."""

from skyhaul.orbits._constellation import Constellation
from skyhaul.orbits._elements import Elements
from skyhaul.orbits._frames import EARTH_ROTATION_RAD_S, gmst_rad
from skyhaul.orbits._gravity import altitude_km
from skyhaul.orbits._sky import Sky

__all__ = [
    "EARTH_ROTATION_RAD_S",
    "Constellation",
    "Elements",
    "Sky",
    "altitude_km",
    "gmst_rad",
]
