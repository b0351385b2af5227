"""Polygons as GeoJSON (RFC 7946), in and out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NoReturn

import numpy as np
import shapely
from shapely.geometry.polygon import orient

from skyhaul.control._instants import instant_text
from skyhaul.control.facts import Area
from skyhaul.control.polygons._outlines import Outline
from skyhaul.control.polygons._rings import planar_polygon
from skyhaul.errors import ControlError
from skyhaul.types import Floats


def read_geojson(data: bytes | str, source: str, *, short_way: bool = False) -> tuple[Outline, ...]:
    """The polygons of a FeatureCollection, Feature, Polygon, MultiPolygon or collection of them.

    Heights are dropped. `short_way`: see `planar_polygon`. Raises ControlError, with the path to the item, for text
    that is no JSON, other geometry, and rings that bound no polygon.
    """
    try:
        root = json.loads(data, parse_constant=_no_constant)
        outlines = tuple(_features(root, source, "", short_way))
    except RecursionError:
        raise ControlError("nested too deep to be GeoJSON", where=source, mend="give a FeatureCollection") from None
    except UnicodeDecodeError:
        raise ControlError("is not text", where=source, mend="GeoJSON is UTF-8") from None
    except json.JSONDecodeError as error:
        raise ControlError(f"no JSON: {error.msg}", where=f"{source}:{error.lineno}", mend="give GeoJSON") from None
    except ValueError as error:
        what = str(error).partition(";")[0]
        raise ControlError(f"no JSON: {what}", where=source, mend="give GeoJSON") from None
    if not outlines:
        raise ControlError("holds no polygon", where=source, mend="give Polygon or MultiPolygon features")
    return outlines


def write_geojson(areas: Iterable[Area]) -> str:
    """Areas as a FeatureCollection that `read_geojson` and `areas_of` read back, with source and valid time each."""
    features = []
    for area in areas:
        properties = {
            "id": area.id,
            "layer": str(area.layer),
            "name": area.name,
            "holder": area.holder,
            "source": area.source,
            "valid_from": instant_text(area.valid_from),
        }
        if area.valid_to is not None:
            properties["valid_to"] = instant_text(area.valid_to)
        # RFC 7946, 3.1.6: outlines anticlockwise, holes clockwise.
        parts = [orient(part) for part in shapely.get_parts(area.shape)]
        geometry = json.loads(shapely.to_geojson(parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts)))
        features.append({"type": "Feature", "properties": properties, "geometry": geometry})
    return json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False)


def _no_constant(name: str) -> NoReturn:
    raise json.JSONDecodeError(f"{name} is no number in JSON", "", 0)


def _features(item: Any, source: str, path: str, short_way: bool) -> Iterator[Outline]:
    where = f"{source}: {path}" if path else source
    kind = item.get("type") if isinstance(item, dict) else None
    if kind == "FeatureCollection":
        for i, feature in enumerate(_list(item, "features", where)):
            yield from _features(feature, source, f"features[{i}]", short_way)
    elif kind == "Feature":
        given = item.get("properties") or {}
        if not isinstance(given, dict):
            raise ControlError("properties are no object", where=where, mend="give names and values")
        properties = {str(k): str(v) for k, v in given.items() if isinstance(v, str | int | float)}
        if "id" in item and "id" not in properties:
            properties["id"] = str(item["id"])
        for outline in _features(item.get("geometry"), source, f"{path}.geometry".lstrip("."), short_way):
            yield Outline(outline.shape, properties, outline.where)
    elif kind == "GeometryCollection":
        for i, geometry in enumerate(_list(item, "geometries", where)):
            yield from _features(geometry, source, f"{path}.geometries[{i}]".lstrip("."), short_way)
    elif kind == "Polygon":
        yield Outline(_polygon(_list(item, "coordinates", where), where, short_way), {}, where)
    elif kind == "MultiPolygon":
        parts = [
            _polygon(part, f"{where}.coordinates[{i}]", short_way)
            for i, part in enumerate(_list(item, "coordinates", where))
        ]
        yield Outline(_together(parts, where), {}, where)
    else:
        found = f"“{kind}”" if kind else "something without a type"
        raise ControlError(f"{found} where a polygon should be", where=where, mend="give Polygon or MultiPolygon")


def _together(parts: Sequence[Any], where: str) -> Any:
    polygons = [polygon for part in parts for polygon in shapely.get_parts(part)]
    if not polygons:
        raise ControlError("no polygon", where=where, mend="give at least one")
    shape = shapely.MultiPolygon(polygons)
    # Parts that overlap or share an edge are one area; union_all makes of them what the standard asks for.
    return shape if shape.is_valid else shapely.union_all(polygons)


def _polygon(rings: Any, where: str, short_way: bool) -> Any:
    if not isinstance(rings, list) or not rings:
        raise ControlError("a polygon without rings", where=where, mend="give lists of positions")
    return planar_polygon(
        [_positions(ring, f"{where}, ring {i}") for i, ring in enumerate(rings)], where, short_way=short_way
    )


def _positions(ring: Any, where: str) -> Floats:
    if not isinstance(ring, list):
        raise ControlError("a ring that is no list", where=where, mend="give positions")
    for i, position in enumerate(ring):
        good = isinstance(position, list) and len(position) >= 2
        if not good or any(isinstance(v, bool) or not isinstance(v, int | float) for v in position):
            raise ControlError(f"no position: {str(position)[:40]}", where=f"{where}, position {i}", mend="[lon, lat]")
    try:
        return np.array([position[:2] for position in ring], dtype=np.float64).reshape(-1, 2)
    except OverflowError:
        raise ControlError("a number too large", where=where, mend="degrees within ±180") from None


def _list(item: dict[str, Any], name: str, where: str) -> list[Any]:
    value = item.get(name)
    if not isinstance(value, list):
        raise ControlError(f"{name} is no list", where=where, mend=f"give {name}")
    return value
