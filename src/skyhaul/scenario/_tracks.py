"""Tracks of terminals that move: waypoints in a scenario, or GPX and GeoJSON files."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from skyhaul.errors import ScenarioError
from skyhaul.scenario._values import Moment, parse_moment

_NOW = re.compile(r"\+\s*0+(?:\.0*)?\s*(?:ms|us|[dhms])?")
_MEND = "a GPX track with times, or a GeoJSON LineString whose property coordTimes has a time for each point"


def parse_waypoint_time(value: object) -> Moment:
    """An instant, or `"+10m"` after the run's start; `"+0s"` is the start itself. Raises ValueError."""
    if isinstance(value, str) and _NOW.fullmatch(value.strip()):
        return timedelta(0)
    if isinstance(value, timedelta) and not value:
        return value
    return parse_moment(value)


def read_track(path: Path) -> list[list[Any]]:
    """The waypoints of a file: time as it is written there, latitude and longitude (deg) and, where given, height (m).

    GPX (1.0 or 1.1): the points of its tracks, or of its routes if there are none, in order; `ele` is taken as the
    height above the ellipsoid. GeoJSON: one LineString, with a time for each point in the property `coordTimes` or
    `times`. Raises ScenarioError naming file and point.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ScenarioError(f"cannot be read: {error.strerror}", where=str(path), mend=_MEND) from None
    return parse_track(data, path)


def parse_track(data: bytes, path: Path) -> list[list[Any]]:
    """As `read_track`, of what a file holds; `path` names it in errors."""
    points = _gpx(data, path) if data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") else _geojson(data, path)
    if not points:
        raise ScenarioError("expected a track, found no points", where=str(path), mend=_MEND)
    return points


def _gpx(data: bytes, path: Path) -> list[list[Any]]:
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise ScenarioError("declares document types or entities", where=str(path), mend="GPX needs neither")
    try:
        root = ET.fromstring(data)
    except ET.ParseError as error:
        what = f"no GPX: {error.msg.partition(':')[0]}"
        raise ScenarioError(what, where=f"{path}:{error.position[0]}", mend="give well-formed XML") from None
    points = list(root.iterfind(".//{*}trkpt")) or list(root.iterfind(".//{*}rtept"))
    found: list[list[Any]] = []
    for number, point in enumerate(points, 1):
        where = f"{path}: point {number}"
        time, height = point.findtext("{*}time"), point.findtext("{*}ele")
        if not time:
            raise ScenarioError("expected a time, found none", where=where, mend="tracks need a time for each point")
        try:
            place: list[Any] = [float(point.attrib["lat"]), float(point.attrib["lon"])]
            place += [float(height)] if height else []
        except (KeyError, ValueError):
            raise ScenarioError("expected numbers lat and lon", where=where, mend=_MEND) from None
        found.append([time.strip(), *place])
    return found


def _geojson(data: bytes, path: Path) -> list[list[Any]]:
    try:
        root = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise ScenarioError("is neither GPX nor GeoJSON", where=str(path), mend=_MEND) from None
    features: Any = root.get("features", [root]) if isinstance(root, dict) else []
    features = [f for f in features if isinstance(f, dict)] if isinstance(features, list) else []
    lines = [f for f in features if isinstance(f.get("geometry"), dict) and f["geometry"].get("type") == "LineString"]
    if len(lines) != 1:
        raise ScenarioError(f"expected one LineString, found {len(lines)}", where=str(path), mend=_MEND)
    properties = lines[0].get("properties")
    inner = properties.get("coordinateProperties") if isinstance(properties, dict) else None
    tables = [table for table in (properties, inner) if isinstance(table, dict)]
    listed = (table.get(name) for table in tables for name in ("coordTimes", "times"))
    times: list[Any] = next((times for times in listed if isinstance(times, list)), [])
    points = lines[0]["geometry"].get("coordinates")
    if not isinstance(points, list) or len(points) != len(times):
        count = len(points) if isinstance(points, list) else 0
        raise ScenarioError(f"expected a time for each of {count} points, found {len(times)}", where=str(path))
    found = []
    for number, (time, point) in enumerate(zip(times, points, strict=True), 1):
        good = isinstance(point, list) and len(point) in (2, 3)
        if not good or not all(isinstance(x, int | float) and not isinstance(x, bool) for x in point):
            raise ScenarioError("expected [longitude, latitude]", where=f"{path}: point {number}", mend=_MEND)
        found.append([time, float(point[1]), float(point[0]), *map(float, point[2:])])
    return found
