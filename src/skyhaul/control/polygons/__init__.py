"""Polygons: files in and out, the plane they are drawn in, and which of many hold a place."""

from skyhaul.control.polygons._geojson import read_geojson, write_geojson
from skyhaul.control.polygons._kml import read_kml
from skyhaul.control.polygons._outlines import Outline, areas_of
from skyhaul.control.polygons._rings import planar_polygon

__all__ = ["Outline", "areas_of", "planar_polygon", "read_geojson", "read_kml", "write_geojson"]
