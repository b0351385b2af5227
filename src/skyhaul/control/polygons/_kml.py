"""Polygons as KML (OGC 12-007r2): placemarks with polygons, their names and time spans."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree as ET

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from skyhaul.control.polygons._outlines import Outline
from skyhaul.control.polygons._rings import planar_polygon
from skyhaul.errors import ControlError
from skyhaul.types import Floats


def read_kml(data: bytes | str, source: str, *, short_way: bool = False) -> tuple[Outline, ...]:
    """The polygons of all placemarks.

    `name`, `TimeSpan` (as valid_from and valid_to) and `ExtendedData` become properties. Altitudes, styles and other
    geometry are dropped. `short_way`: see `planar_polygon`. Raises ControlError naming the placemark.
    """
    text = data.encode() if isinstance(data, str) else data
    if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
        raise ControlError("declares document types or entities", where=source, mend="KML needs neither")
    try:
        root = ET.fromstring(text)
    except ET.ParseError as error:
        line = error.position[0]
        raise ControlError(
            f"no KML: {error.msg.partition(':')[0]}", where=f"{source}:{line}", mend="give well-formed XML"
        ) from None
    outlines = []
    for number, placemark in enumerate(_all(root, "Placemark")):
        name = _text(placemark, "name")
        where = f"{source}: placemark {number}" + (f" “{name}”" if name else "")
        parts = [_polygon(polygon, where, short_way) for polygon in _all(placemark, "Polygon")]
        if parts:
            outlines.append(
                Outline(shapely.union_all(parts) if len(parts) > 1 else parts[0], _properties(placemark), where)
            )
    if not outlines:
        raise ControlError("holds no polygon", where=source, mend="give placemarks with polygons")
    return tuple(outlines)


def _properties(placemark: ET.Element) -> dict[str, str]:
    found = {"name": _text(placemark, "name")}
    for data in _all(placemark, "Data"):
        found[data.get("name", "")] = _text(data, "value")
    for data in _all(placemark, "SimpleData"):
        found[data.get("name", "")] = (data.text or "").strip()
    for span in _all(placemark, "TimeSpan"):
        found |= {"valid_from": _text(span, "begin"), "valid_to": _text(span, "end")}
    return {key: value for key, value in found.items() if key and value}


def _polygon(polygon: ET.Element, where: str, short_way: bool) -> BaseGeometry:
    rings = [
        _ring(ring, f"{where}, {kind}")
        for kind in ("outerBoundaryIs", "innerBoundaryIs")
        for boundary in _all(polygon, kind)
        for ring in _all(boundary, "LinearRing")
    ]
    if not rings:
        raise ControlError("a polygon without rings", where=where, mend="give outerBoundaryIs with a LinearRing")
    return planar_polygon(rings, where, short_way=short_way)


def _ring(ring: ET.Element, where: str) -> Floats:
    positions = []
    for i, item in enumerate(_text(ring, "coordinates").split()):
        parts = item.split(",")
        try:
            positions.append((float(parts[0]), float(parts[1])))
        except (IndexError, ValueError):
            raise ControlError(
                f"no position: {item[:40]}", where=f"{where}, position {i}", mend="longitude,latitude"
            ) from None
    return np.array(positions, dtype=np.float64).reshape(-1, 2)


def _all(element: ET.Element, tag: str) -> Iterator[ET.Element]:
    """Descendants of a tag, whatever the namespace: files are written with several, and with none."""
    return (child for child in element.iter() if child.tag.rpartition("}")[2] == tag)


def _text(element: ET.Element, tag: str) -> str:
    return next(((found.text or "").strip() for found in _all(element, tag)), "")
