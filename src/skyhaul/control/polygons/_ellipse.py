"""A position with its 95 % ellipse, as a shape on the map."""

from __future__ import annotations

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from skyhaul.control.polygons._rings import cut_at_180, planar_polygon
from skyhaul.earth import ECCENTRICITY_SQUARED, SEMI_MAJOR_AXIS_M

# The smallest radius of curvature of WGS-84, along the meridian at the equator: a box drawn with it around an ellipse
# is up to 1 % too large, and never too small.
SMALLEST_RADIUS_M = SEMI_MAJOR_AXIS_M * (1.0 - ECCENTRICITY_SQUARED)

# The ellipse lies inside a polygon of this many edges, 0.5 % too far at the corners; 0.1 % more covers what a plane map
# bends over the 10 km of the largest ellipse.
_CORNERS = 32
OUTSIDE = float(1.001 / np.cos(np.pi / _CORNERS))
_CLOSED = np.arange(_CORNERS + 1) % _CORNERS
_COSINE = np.cos(2.0 * np.pi * _CLOSED[:-1] / _CORNERS)
_SINE = np.sin(2.0 * np.pi * _CLOSED[:-1] / _CORNERS)

_NEAR_POLE = 10.0

# A thinner ellipse has no inside that polygons could be compared with: one millimetre.
_THINNEST_M = 1e-3


def ellipse_shape(
    latitude_deg: float, longitude_deg: float, semi_major_m: float, semi_minor_m: float, azimuth_deg: float
) -> BaseGeometry:
    """A polygon on the map that holds the ellipse around a place, cut at ±180°.

    The azimuth of the long axis counts clockwise from north. With no size it is all images of the place on the map:
    a point, two points where longitude is ±180°, a whole edge of the map at a pole. Nearer to a pole than ten times the
    long half axis it is the whole box around the ellipse, for there straight lines are no lines on the map.
    """
    if semi_major_m == 0.0:
        return place_shape(latitude_deg, longitude_deg)
    if 90.0 - abs(latitude_deg) < _NEAR_POLE * reach_deg(semi_major_m):
        return _polar_box(latitude_deg, longitude_deg, reach_deg(semi_major_m))
    along = max(semi_major_m, _THINNEST_M) * OUTSIDE * _COSINE
    across = max(semi_minor_m, _THINNEST_M) * OUTSIDE * _SINE
    azimuth = np.radians(azimuth_deg)
    east = along * np.sin(azimuth) + across * np.cos(azimuth)
    north = along * np.cos(azimuth) - across * np.sin(azimuth)
    # Metres to angles by the radii of curvature along the meridian and across it, then the direct problem on a sphere:
    # Snyder, "Map Projections: A Working Manual", USGS PP 1395 (1987), (4-18), (4-20), (5-5), (5-6).
    latitude0 = np.radians(latitude_deg)
    across_m = SEMI_MAJOR_AXIS_M / np.sqrt(1.0 - ECCENTRICITY_SQUARED * np.sin(latitude0) ** 2)
    along_m = across_m**3 * (1.0 - ECCENTRICITY_SQUARED) / SEMI_MAJOR_AXIS_M**2
    arc, bearing = np.hypot(east / across_m, north / along_m), np.arctan2(east / across_m, north / along_m)
    sine = np.sin(latitude0) * np.cos(arc) + np.cos(latitude0) * np.sin(arc) * np.cos(bearing)
    latitude = np.degrees(np.arcsin(np.clip(sine, -1.0, 1.0)))
    longitude = longitude_deg + np.degrees(
        np.arctan2(
            np.sin(arc) * np.sin(bearing),
            np.cos(latitude0) * np.cos(arc) - np.sin(latitude0) * np.sin(arc) * np.cos(bearing),
        )
    )
    ring = np.column_stack([longitude, latitude])[_CLOSED]
    if np.abs(longitude).max() < 180.0 and np.ptp(longitude) < 180.0:
        return shapely.Polygon(ring)
    return planar_polygon([ring], "ellipse", short_way=True)


def reach_deg(semi_major_m: float) -> float:
    """The most that an ellipse reaches from its centre in latitude."""
    return float(np.degrees(semi_major_m * OUTSIDE / SMALLEST_RADIUS_M))


def _polar_box(latitude_deg: float, longitude_deg: float, reach: float) -> BaseGeometry:
    south, north = max(latitude_deg - reach, -90.0), min(latitude_deg + reach, 90.0)
    to_pole = 90.0 - max(-south, north)
    # At its highest latitude an ellipse reaches farthest in longitude; with the pole in it, all round.
    along = reach / np.cos(np.radians(90.0 - to_pole)) if to_pole > 0.0 else 180.0
    if along >= 180.0:
        return shapely.box(-180.0, south, 180.0, north)
    return cut_at_180(shapely.box(longitude_deg - along, south, longitude_deg + along, north))


def place_shape(latitude_deg: float, longitude_deg: float) -> BaseGeometry:
    """All images of a place on the map."""
    if abs(latitude_deg) == 90.0:
        return shapely.LineString([(-180.0, latitude_deg), (180.0, latitude_deg)])
    if abs(longitude_deg) == 180.0:
        return shapely.MultiPoint([(-180.0, latitude_deg), (180.0, latitude_deg)])
    return shapely.Point(longitude_deg, latitude_deg)
