"""Lists of places: CSV files, and the presets that ship with Skyhaul."""

from __future__ import annotations

import csv
import difflib
from pathlib import Path
from typing import Any

from skyhaul.errors import NotFoundError, ScenarioError

PRESETS = Path(__file__).parents[1] / "presets" / "places"
_LATITUDE = ("latitude_deg", "latitude", "lat")
_LONGITUDE = ("longitude_deg", "longitude", "lon", "lng")


def place_presets() -> tuple[str, ...]:
    """Names of the lists of places that ship with Skyhaul."""
    return tuple(sorted(path.stem for path in PRESETS.glob("*.csv")))


def read_places(name: str, folder: Path = Path()) -> list[dict[str, Any]]:
    """The places of a preset or of a CSV file, each as the fields of a terminal: name, latitude_deg, longitude_deg
    and, where given, height_m, model and pop.

    The CSV's header names the columns `name`, `lat` (or `latitude`, `latitude_deg`), `lon` (or `longitude`,
    `longitude_deg`), and optionally `height_m`, `model` and `pop`. Raises NotFoundError and ScenarioError.
    """
    path = PRESETS / f"{name}.csv" if name in place_presets() else Path(folder, name).expanduser()
    if not path.is_file():
        near = difflib.get_close_matches(name, place_presets(), n=1)
        known = f"did you mean {near[0]}?" if near else f"presets: {', '.join(place_presets())}"
        raise NotFoundError(f"expected a CSV file or a preset, got {name!r}", where="places", mend=known)
    try:
        with path.open(newline="", encoding="utf-8-sig") as lines:
            reader = csv.DictReader(lines, strict=True)
            columns = {(column or "").strip().lower(): column for column in reader.fieldnames or ()}
            wanted = {
                "name": _column(path, columns, ("name",)),
                "latitude_deg": _column(path, columns, _LATITUDE),
                "longitude_deg": _column(path, columns, _LONGITUDE),
            }
            optional: dict[str, str] = {
                field: columns[field] for field in ("height_m", "model", "pop") if field in columns
            }
            places = [_place(f"{path}:{reader.line_num}", row, wanted, optional) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ScenarioError(f"cannot be read as CSV: {error}", where=str(path)) from error
    if not places:
        raise ScenarioError("expected at least one place, got none", where=str(path))
    return places


def with_places(data: dict[str, Any], folder: Path) -> dict[str, Any]:
    """A scenario's raw fields with the places of its lists added to its terminals."""
    lists = data.get("places", ())
    terminals = data.get("terminals", ())
    if not isinstance(lists, list | tuple) or not all(isinstance(name, str) for name in lists):
        return data
    if not isinstance(terminals, list | tuple) or not lists:
        return data
    added = [place for name in lists for place in read_places(name, folder)]
    return data | {"places": (), "terminals": [*terminals, *added]}


def _column(path: Path, columns: dict[str, Any], names: tuple[str, ...]) -> str:
    for name in names:
        if name in columns:
            return str(columns[name])
    got = ", ".join(sorted(filter(None, columns))) or "an empty file"
    raise ScenarioError(f"expected a column {' or '.join(names)}, got {got}", where=f"{path}:1")


def _place(where: str, row: dict[str, Any], wanted: dict[str, str], optional: dict[str, str]) -> dict[str, Any]:
    place: dict[str, Any] = {}
    for field, column in (wanted | optional).items():
        text = (row.get(column) or "").strip()
        if not text and field in wanted:
            raise ScenarioError("expected a value, got none", where=f"{where}: {column}")
        if not text:
            continue
        try:
            place[field] = float(text) if field.endswith(("_deg", "_m")) else text
        except ValueError:
            raise ScenarioError(f"expected a number, got {text!r}", where=f"{where}: {column}") from None
        bounds = {"latitude_deg": (-90.0, 90.0), "longitude_deg": (-180.0, 360.0)}.get(field)
        if bounds and not bounds[0] <= place[field] <= bounds[1]:
            raise ScenarioError(f"expected {bounds[0]:g} to {bounds[1]:g}, got {text}", where=f"{where}: {column}")
    return place
