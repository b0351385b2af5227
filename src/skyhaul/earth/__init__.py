"""Places on the Earth: geodesy, H3 cells, coastlines, the Sun."""

from skyhaul.earth._cells import BEAM_CELL_RESOLUTION, cell_boundary, cell_centres, cells_of
from skyhaul.earth._geodesy import (
    ECCENTRICITY_SQUARED,
    FLATTENING,
    MEAN_RADIUS_M,
    SEMI_MAJOR_AXIS_M,
    SEMI_MINOR_AXIS_M,
    ecef_to_geodetic,
    geodetic_to_ecef,
    great_circle_m,
    local_axes,
)
from skyhaul.earth._outlines import land_outlines
from skyhaul.earth._sites import Sites
from skyhaul.earth._sun import sun_direction, sunlit

__all__ = [
    "BEAM_CELL_RESOLUTION",
    "ECCENTRICITY_SQUARED",
    "FLATTENING",
    "MEAN_RADIUS_M",
    "SEMI_MAJOR_AXIS_M",
    "SEMI_MINOR_AXIS_M",
    "Sites",
    "cell_boundary",
    "cell_centres",
    "cells_of",
    "ecef_to_geodetic",
    "geodetic_to_ecef",
    "great_circle_m",
    "land_outlines",
    "local_axes",
    "sun_direction",
    "sunlit",
]
