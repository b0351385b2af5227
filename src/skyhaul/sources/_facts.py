"""Facts of service control from files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from shapely.geometry.base import BaseGeometry

from skyhaul.control.facts import Fact, fact_from_document
from skyhaul.control.polygons import Outline, read_geojson
from skyhaul.errors import ControlError

_MEND = 'give a list of facts, or {"facts": [ … ]}'


def read_facts(path: str | Path, *, recorded_at: str | np.datetime64 | None = None) -> list[Fact]:
    """The facts of a file, or of every `*.json` and `*.jsonl` below a folder, in the order of the files' names.

    A `.json` file holds a list of facts or an object with such a list under `facts`; a `.jsonl` file one fact a line
    (empty lines are passed over). Their fields are those of `fact_from_document`; `recorded_at` is for facts that do
    not say it. A `shape` is a GeoJSON Polygon or MultiPolygon, or text `areas.geojson#NAME`: the feature whose `id`,
    or whose property `name`, is NAME in that file, which is looked for beside the one that names it.

    Raises ControlError, naming file, item and mend, for what cannot be read, is no JSON or no fact, for polygons that
    bound no area, and for features that are missing or there twice.
    """
    path = Path(path)
    files = _files(path)
    shapes = _Shapes()
    facts: list[Fact] = []
    for file in files:
        for where, document in _documents(file):
            if isinstance(document, Mapping) and "shape" in document:
                document = {**document, "shape": shapes.of(document["shape"], file, where)}
            facts.append(fact_from_document(document, where, recorded_at=recorded_at))
    return facts


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    try:
        found = sorted(file for file in path.rglob("*") if file.suffix in (".json", ".jsonl") and file.is_file())
    except OSError as error:
        raise ControlError(f"cannot read: {error.strerror}", where=str(path), mend="check the folder") from None
    if not found:
        raise ControlError("the folder holds no facts", where=str(path), mend="put *.json or *.jsonl files into it")
    return found


def _documents(file: Path) -> Iterator[tuple[str, Any]]:
    """Every document of a file with its place in it."""
    text = _text(file)
    if file.suffix == ".jsonl":
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip():
                yield f"{file}:{number}", _parsed(line, f"{file}:{number}")
        return
    root = _parsed(text, str(file))
    if isinstance(root, dict):
        extra = sorted(set(root) - {"facts"})
        if extra or "facts" not in root:
            raise ControlError(f"holds “{extra[0][:40]}”" if extra else "holds no facts", where=str(file), mend=_MEND)
        root = root["facts"]
    if not isinstance(root, list):
        raise ControlError("is no list of facts", where=str(file), mend=_MEND)
    for number, document in enumerate(root, 1):
        yield f"{file}, fact {number}", document


def _text(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ControlError(f"cannot read: {error.strerror}", where=str(file), mend="check the path") from None
    except UnicodeDecodeError as error:
        what = f"is not text: byte {error.start} is not UTF-8"
        raise ControlError(what, where=str(file), mend="facts are JSON in UTF-8") from None


def _parsed(text: str, where: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_constant)
    except RecursionError:
        raise ControlError("is nested too deep", where=where, mend=_MEND) from None
    except json.JSONDecodeError as error:
        place = where if error.lineno == 1 and ":" in where.rpartition("/")[2] else f"{where}:{error.lineno}"
        raise ControlError(f"no JSON: {error.msg}, column {error.colno}", where=place, mend=_MEND) from None
    except ValueError as error:  # a number of more digits than Python reads
        raise ControlError(f"no JSON: {str(error).partition(';')[0]}", where=where, mend=_MEND) from None


def _no_constant(name: str) -> NoReturn:
    raise json.JSONDecodeError(f"{name} is no number in JSON", "", 0)


class _Shapes:
    """Shapes of facts, each polygon file read once."""

    def __init__(self) -> None:
        self._read: dict[Path, dict[str, list[Outline]]] = {}

    def of(self, value: Any, file: Path, where: str) -> BaseGeometry | Any:
        """The shape that a fact of `file` gives; what is no polygon at all is left to `fact_from_document`."""
        if isinstance(value, str):
            return self._named(value, file, where)
        if isinstance(value, dict) and value.get("type") in ("Polygon", "MultiPolygon"):
            (outline,) = read_geojson(json.dumps(value), f"{where}, shape")
            return outline.shape
        return value

    def _named(self, text: str, file: Path, where: str) -> BaseGeometry:
        name, mark, feature = text.partition("#")
        if not name or not mark or not feature:
            mend = "write areas.geojson#NAME, or the polygon itself"
            raise ControlError(f"“{text[:60]}” names no feature", where=f"{where}, shape", mend=mend)
        path = file.parent / name
        if path not in self._read:
            try:
                data = path.read_bytes()
            except OSError as error:
                what = f"cannot read {name}: {error.strerror}"
                raise ControlError(what, where=f"{where}, shape", mend="the file lies beside the facts") from None
            self._read[path] = _by_name(read_geojson(data, str(path)))
        outlines = self._read[path].get(feature, [])
        if len(outlines) != 1:
            what = (
                f"{len(outlines)} features of {name} are named “{feature}”"
                if outlines
                else f"{name} has no feature “{feature}”"
            )
            names = ", ".join(sorted(self._read[path])[:12])
            raise ControlError(what, where=f"{where}, shape", mend=f"there are {names}" if names else "name one")
        return outlines[0].shape


def _by_name(outlines: tuple[Outline, ...]) -> dict[str, list[Outline]]:
    found: dict[str, list[Outline]] = {}
    for outline in outlines:
        names = (outline.properties.get("id"), outline.properties.get("name"))
        for name in dict.fromkeys(name for name in names if name):
            found.setdefault(name, []).append(outline)
    return found
