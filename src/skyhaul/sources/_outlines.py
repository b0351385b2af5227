"""Polygons of GeoJSON and KML files one by one, so that one that is wrong does not hide the others."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from skyhaul.control.polygons import Outline, read_geojson, read_kml
from skyhaul.errors import ControlError

_MEND = "a GeoJSON or KML file of polygons, that ends in .geojson, .json or .kml"
_DATE = re.compile(r"(?<!\d)(\d{4})[-_.]?(\d{2})[-_.]?(\d{2})(?!\d)")


@dataclass(frozen=True, slots=True)
class Drawn:
    """One feature or placemark: its number in the file, counted from 1, and its outline or what is wrong with it."""

    number: int
    found: Outline | ControlError


def read_outlines(path: str | Path, *, short_way: bool = False) -> list[Drawn]:
    """Every polygon feature of a GeoJSON file, or placemark of a KML file.

    `short_way`: see `planar_polygon`. Raises ControlError, naming file and mend, for what is no such file; what is
    wrong with one polygon (which ring crosses itself where, is not closed, has latitude and longitude swapped) stands
    in its place.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ControlError(f"cannot read: {error.strerror}", where=str(path), mend="check the path") from None
    match path.suffix.lower():
        case ".kml":
            return list(_placemarks(data, path, short_way))
        case ".geojson" | ".json":
            return list(_features(data, path, short_way))
        case other:
            raise ControlError(f"a file that ends in “{other[:20]}”", where=str(path), mend=_MEND)


def date_of(path: Path) -> date | None:
    """The date in a file's name, such as control-2024-02-17.geojson; None where there is none."""
    for year, month, day in _DATE.findall(path.stem):
        try:
            return date(int(year), int(month), int(day))
        except ValueError:
            continue
    return None


def map_files(folder: str | Path) -> list[Path]:
    """The polygon files of a folder, by name. Raises ControlError where there are none."""
    folder = Path(folder)
    try:
        found = sorted(p for p in folder.iterdir() if p.suffix.lower() in (".kml", ".geojson", ".json"))
    except OSError as error:
        raise ControlError(f"cannot read: {error.strerror}", where=str(folder), mend="give a folder") from None
    if not found:
        raise ControlError("the folder holds no maps", where=str(folder), mend=_MEND)
    return found


def _features(data: bytes, path: Path, short_way: bool) -> Iterator[Drawn]:
    features = _split(data)
    if features is None:
        # Not a collection, or no JSON at all: the reader says what it is.
        for number, outline in enumerate(read_geojson(data, str(path), short_way=short_way), 1):
            yield Drawn(number, outline)
        return
    for number, feature in enumerate(features, 1):
        where = f"{path}: feature {number}"
        try:
            found = read_geojson(json.dumps(feature), where, short_way=short_way)
        except ControlError as error:
            yield Drawn(number, error)
            continue
        for outline in found:
            yield Drawn(number, replace(outline, where=where))


def _split(data: bytes) -> list[Any] | None:
    """The features of a collection; None for anything else."""
    try:
        root = json.loads(data)
    except (ValueError, RecursionError):
        return None
    features = root.get("features") if isinstance(root, dict) and root.get("type") == "FeatureCollection" else None
    return features if isinstance(features, list) and features else None


def _placemarks(data: bytes, path: Path, short_way: bool) -> Iterator[Drawn]:
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise ControlError("declares document types or entities", where=str(path), mend="KML needs neither")
    try:
        root = ET.fromstring(data)
    except ET.ParseError as error:
        what = f"no KML: {error.msg.partition(':')[0]}"
        raise ControlError(what, where=f"{path}:{error.position[0]}", mend="give well-formed XML") from None
    number = 0
    for placemark in (child for child in root.iter() if child.tag.rpartition("}")[2] == "Placemark"):
        if any(child.tag.rpartition("}")[2] == "Polygon" for child in placemark.iter()):
            number += 1
            where = f"{path}: placemark {number}"
            try:
                (outline,) = read_kml(ET.tostring(placemark), where, short_way=short_way)
            except ControlError as error:
                # The placemark is read alone, where it is number 0.
                place = error.where.replace(f"{where}: placemark 0", where)
                yield Drawn(number, ControlError(error.what, where=place, mend=error.mend))
            else:
                yield Drawn(number, replace(outline, where=where))
    if not number:
        raise ControlError("holds no polygon", where=str(path), mend="give placemarks with polygons")
