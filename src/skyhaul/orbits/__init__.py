"""Mean elements to Earth-fixed positions."""

from skyhaul.orbits._ageing import ExpectedError, expected_error_km
from skyhaul.orbits._constellation import Constellation
from skyhaul.orbits._elements import Elements
from skyhaul.orbits._frames import EARTH_ROTATION_RAD_S, gmst_rad
from skyhaul.orbits._gravity import EARTH_RADIUS_KM, altitude_km
from skyhaul.orbits._inspect import ElementsReport, Shell, find_shells, inspect_elements
from skyhaul.orbits._parse import LARGEST_ELEMENTS_BYTES, Parsed, parse_elements
from skyhaul.orbits._rows import Problem
from skyhaul.orbits._sky import Sky
from skyhaul.orbits._walker import Walker, parse_walker, walker_elements

__all__ = [
    "EARTH_RADIUS_KM",
    "EARTH_ROTATION_RAD_S",
    "LARGEST_ELEMENTS_BYTES",
    "Constellation",
    "Elements",
    "ElementsReport",
    "ExpectedError",
    "Parsed",
    "Problem",
    "Shell",
    "Sky",
    "Walker",
    "altitude_km",
    "expected_error_km",
    "find_shells",
    "gmst_rad",
    "inspect_elements",
    "parse_elements",
    "parse_walker",
    "walker_elements",
]
