"""Lists of gateways, PoPs and fibre as they are written down: CSV, JSON and TOML."""

from __future__ import annotations

import csv
import io
import json
import math
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Literal

from skyhaul.errors import GroundError
from skyhaul.network import cable_delay_s
from skyhaul.sources._ground_maps import (
    antennas_in_words,
    elevation_in_words,
    gateway_in_service,
    line_in_service,
    pop_in_service,
)

Kind = Literal["gateway", "pop", "line", "other"]

_COLUMNS: dict[str, tuple[str, ...]] = {
    "name": ("name", "code", "site"),
    "city": ("city",),
    "kind": ("kind", "type"),
    "latitude": ("latitude", "lat"),
    "longitude": ("longitude", "lon", "lng", "long"),
    "antennas": ("antennas", "antenna_count"),
    "min_elevation_deg": ("min_elevation_deg", "min_elevation", "mask_deg"),
    "status": ("status",),
    "shown": ("shown",),
    "style": ("style", "styleurl"),
    "description": ("description",),
    "note": ("note", "notes"),
    "course": ("line_lonlatalt", "linestring/coordinates"),
}

_KINDS: dict[str, Kind] = {
    "gateway": "gateway",
    "ground station": "gateway",
    "pop": "pop",
    "netfac": "pop",
    "backbone": "line",
    "fibre": "line",
    "fiber": "line",
    "community_gateway": "other",
}

_PLACE_FIELDS: dict[str, tuple[str, ...]] = {
    "gateway": ("name", "latitude", "longitude", "antennas", "min_elevation_deg"),
    "pop": ("name", "latitude", "longitude"),
}
_FIBRE_FIELDS = ("from", "to", "km", "ms")


@dataclass(frozen=True, slots=True)
class Place:
    """A gateway or a PoP as a file has it; `None` where the file says nothing."""

    name: str
    kind: Literal["gateway", "pop"]
    latitude_deg: float
    longitude_deg: float
    antennas: int | None
    mask_deg: float | None
    where: str


@dataclass(frozen=True, slots=True)
class Course:
    """A backbone line drawn on a map: (latitude, longitude) in degrees, from end to end."""

    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Cable:
    """A line between two names, with its one-way delay."""

    first: str
    second: str
    delay_s: float
    where: str


@dataclass(slots=True)
class GroundList:
    """All that one file lists."""

    places: list[Place] = field(default_factory=list)
    courses: list[Course] = field(default_factory=list)
    cables: list[Cable] = field(default_factory=list)


def parse_ground(data: bytes, source: str, *, planned: bool = False) -> GroundList:
    """The places and lines in a file's bytes; `source` is its name, whose ending says the format.

    Sites that the file itself calls planned or not built are left out unless `planned`; those that it calls no gateway
    or PoP at all are left out always.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise GroundError(
            f"byte {error.start} is not UTF-8", where=source, mend="save the file as UTF-8 text"
        ) from None
    if not text.strip():
        raise GroundError("the file is empty", where=source, mend="give columns name, kind, latitude, longitude")
    ending = PurePath(source).suffix.casefold()
    if ending == ".toml":
        return _parse_toml(text, source)
    if ending == ".json":
        return _parse_rows(_json_rows(text, source), source, planned)
    if ending == ".csv":
        return _parse_rows(_csv_rows(text, source), source, planned)
    raise GroundError(f"“{ending}” is no format of a ground segment", where=source, mend="give .csv, .json or .toml")


def _csv_rows(text: str, source: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    # A comment line is blanked, not dropped: line numbers in errors stay those of the file.
    lines = ("\n" if line.startswith("#") else line for line in io.StringIO(text, newline=""))
    reader = csv.reader(lines, strict=True)
    columns: dict[str, int] = {}
    try:
        for cells in reader:
            where = f"{source}:{reader.line_num}"
            if not any(cell.strip() for cell in cells):
                continue
            if not columns:
                columns = _known_columns(cells, where)
                header = len(cells)
                continue
            if len(cells) > header:
                raise GroundError(
                    f"{len(cells)} fields under {header} columns", where=where, mend="quote commas in names"
                )
            yield where, {name: cells[i].strip() if i < len(cells) else "" for name, i in columns.items()}
    except csv.Error as error:
        raise GroundError(f"not CSV: {error}", where=f"{source}:{reader.line_num}", mend="check its quotes") from None


def _known_columns(header: list[str], where: str) -> dict[str, int]:
    names = [name.strip().casefold() for name in header]
    found = {
        column: next(names.index(alias) for alias in aliases if alias in names)
        for column, aliases in _COLUMNS.items()
        if not set(aliases).isdisjoint(names)
    }
    missing = [column for column in ("latitude", "longitude") if column not in found]
    if missing:
        raise GroundError(
            f"no column {' and no column '.join(missing)}",
            where=where,
            mend="give columns name, kind, latitude, longitude: a list without coordinates cannot be a ground segment",
        )
    return found


def _json_rows(text: str, source: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    try:
        entries = json.loads(text)
    except json.JSONDecodeError as error:
        raise GroundError(f"not JSON: {error.msg}", where=f"{source}:{error.lineno}", mend="check the file") from None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise GroundError("not a list of places", where=source, mend="give [{name, kind, latitude, longitude}, …]")
    for number, entry in enumerate(entries, start=1):
        where = f"{source}: entry {number}"
        columns = _known_columns(list(entry), where)
        values = list(entry.values())
        yield where, {name: "" if values[i] is None else str(values[i]).strip() for name, i in columns.items()}


def _parse_rows(rows: Iterable[tuple[str, Mapping[str, str]]], source: str, planned: bool) -> GroundList:
    found = GroundList()
    number = 0
    for where, row in rows:
        number += 1
        kind = _kind(row, where, source)
        if kind == "line":
            if line_in_service(row, planned):
                found.courses.append(_course(row.get("course", ""), where))
        elif (kind == "gateway" and gateway_in_service(row, planned)) or (
            kind == "pop" and pop_in_service(row, planned)
        ):
            found.places.append(_place(row, kind, number, where))
    if not number:
        raise GroundError("no rows", where=source, mend="give one gateway or PoP a row")
    return found


def _kind(row: Mapping[str, str], where: str, source: str) -> Kind:
    word = row.get("kind", "").casefold()
    if word in _KINDS:
        return _KINDS[word]
    if word:
        raise GroundError(f"kind “{word}” is unknown", where=where, mend="give gateway or pop")
    file_name = PurePath(source).stem.casefold()
    named: list[Kind] = [kind for part, kind in (("gateway", "gateway"), ("pop", "pop")) if part in file_name]  # type: ignore[misc]
    if len(named) == 1:
        return named[0]
    raise GroundError(
        "no kind",
        where=where,
        mend="give a column kind with gateway or pop, or name the file gateways….csv or pops….csv",
    )


def _place(row: Mapping[str, str], kind: Literal["gateway", "pop"], number: int, where: str) -> Place:
    code, city = row.get("name", ""), row.get("city", "")
    name = f"{city} ({code})" if city and code else city or code or f"{kind} {number}"
    antennas = row.get("antennas", "") or antennas_in_words(row)
    mask = row.get("min_elevation_deg", "") or elevation_in_words(row)
    return Place(
        name=" ".join(name.split()),
        kind=kind,
        latitude_deg=_number(row.get("latitude", ""), "latitude", -90.0, 90.0, where),
        longitude_deg=_number(row.get("longitude", ""), "longitude", -180.0, 180.0, where),
        antennas=_antennas(antennas, where) if antennas else None,
        mask_deg=_number(mask, "min_elevation_deg", 0.0, 89.0, where) if mask else None,
        where=where,
    )


def _course(text: str, where: str) -> Course:
    points = []
    for point in text.split():
        parts = point.split(",")
        if len(parts) < 2:
            raise GroundError(f"“{point}” is no point of a line", where=where, mend="give longitude,latitude[,height]")
        longitude = _number(parts[0], "longitude", -180.0, 180.0, where)
        points.append((_number(parts[1], "latitude", -90.0, 90.0, where), longitude))
    if len(points) < 2:
        raise GroundError(f"a line of {len(points)} points", where=where, mend="give two or more: lon,lat,0 lon,lat,0")
    return Course(tuple(points))


def _number(value: object, name: str, low: float, high: float, where: str) -> float:
    mend = f"give a number from {low:g} to {high:g}"
    if value == "":
        raise GroundError(f"{name} is empty", where=where, mend=mend)
    try:
        number = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else math.nan
    except ValueError:
        number = math.nan
    if not low <= number <= high:
        raise GroundError(f"{name} is “{value}”", where=where, mend=mend)
    return number


def _antennas(value: object, where: str) -> int:
    count = _number(value, "antennas", 1.0, 1000.0, where)
    if count != int(count):
        raise GroundError(f"antennas is “{value}”", where=where, mend="give a whole number")
    return int(count)


def _parse_toml(text: str, source: str) -> GroundList:
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise GroundError(f"not TOML: {error}", where=source, mend="check the file") from None
    unknown = sorted(set(document) - {"gateway", "pop", "fibre"})
    if unknown:
        raise GroundError(f"table “{unknown[0]}” is unknown", where=source, mend="give [[gateway]], [[pop]], [[fibre]]")
    found = GroundList()
    for kind in ("gateway", "pop"):
        for where, entry in _toml_tables(document, kind, _PLACE_FIELDS[kind], source):
            found.places.append(_toml_place(entry, "gateway" if kind == "gateway" else "pop", where))
    for where, entry in _toml_tables(document, "fibre", _FIBRE_FIELDS, source):
        found.cables.append(_toml_cable(entry, where))
    return found


def _toml_tables(
    document: Mapping[str, object], kind: str, fields: tuple[str, ...], source: str
) -> Iterator[tuple[str, Mapping[str, object]]]:
    tables = document.get(kind, [])
    if not isinstance(tables, list):
        raise GroundError(f"“{kind}” is one table", where=source, mend=f"write [[{kind}]], one table each")
    for number, entry in enumerate(tables, start=1):
        where = f"{source}: [[{kind}]] {number}"
        if not isinstance(entry, dict):
            raise GroundError(f"“{entry}” is no table", where=where, mend=f"write [[{kind}]], one table each")
        unknown = sorted(set(entry) - set(fields))
        if unknown:
            raise GroundError(f"field “{unknown[0]}” is unknown", where=where, mend=f"fields are {', '.join(fields)}")
        yield where, entry


def _toml_place(entry: Mapping[str, object], kind: Literal["gateway", "pop"], where: str) -> Place:
    mask = entry.get("min_elevation_deg")
    antennas = entry.get("antennas")
    return Place(
        name=_text(entry, "name", where),
        kind=kind,
        latitude_deg=_number(entry.get("latitude", ""), "latitude", -90.0, 90.0, where),
        longitude_deg=_number(entry.get("longitude", ""), "longitude", -180.0, 180.0, where),
        antennas=None if antennas is None else _antennas(antennas, where),
        mask_deg=None if mask is None else _number(mask, "min_elevation_deg", 0.0, 89.0, where),
        where=where,
    )


def _toml_cable(entry: Mapping[str, object], where: str) -> Cable:
    if ("km" in entry) == ("ms" in entry):
        raise GroundError(
            "a fibre has either km or ms", where=where, mend="give km of cable or ms one way, one of them"
        )
    if "km" in entry:
        delay_s = cable_delay_s(_number(entry["km"], "km", 0.0, 100_000.0, where) * 1e3)
    else:
        delay_s = _number(entry["ms"], "ms", 0.0, 1000.0, where) * 1e-3
    return Cable(_text(entry, "from", where), _text(entry, "to", where), delay_s, where)


def _text(entry: Mapping[str, object], name: str, where: str) -> str:
    value = entry.get(name)
    if not isinstance(value, str) or not value.strip():
        raise GroundError(f"{name} is missing or no text", where=where, mend=f'give {name} = "…"')
    return value.strip()
