"""Facts as JSON documents: what files, stores and signatures are made of."""

from __future__ import annotations

import difflib
import json
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, NamedTuple, Union, cast, get_args, get_origin, get_type_hints

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from skyhaul.control import facts as _facts
from skyhaul.control._canonical import plain
from skyhaul.control._instants import utc
from skyhaul.control.facts._fact import Fact
from skyhaul.errors import ControlError

# In a document `kind` is the kind of fact; these two kinds have a field of that name too.
_RENAMED = {"Listing": "holder_kind", "Withdrawal": "of_kind"}

_GEOJSON_MEND = 'a GeoJSON Polygon or MultiPolygon, such as {"type": "Polygon", "coordinates": [[[10, 48], …]]}'


def fact_document(fact: Fact) -> dict[str, Any]:
    """A fact in JSON's own types: `kind` and every field by name.

    Instants are ISO 8601 ending in Z, bytes hex, shapes GeoJSON geometries, places [latitude, longitude]. The fields
    named `kind` of a Listing and a Withdrawal are written `holder_kind` and `of_kind`. `fact_from_document` gives the
    same fact back.
    """
    document = cast("dict[str, Any]", plain(fact))
    kind = type(fact).__name__
    if kind in _RENAMED:
        document[_RENAMED[kind]] = document["kind"]
        document["kind"] = kind
    return document


def fact_from_document(
    document: Mapping[str, Any], where: str = "", *, recorded_at: str | np.datetime64 | None = None
) -> Fact:
    """The fact that a document describes.

    Fields that have a default may be left out, and so may `recorded_at` where the caller gives it. `where` names the
    document in errors. Raises ControlError, naming the item and the mend, for an unknown kind or field, a missing
    field, a value of another type, and whatever the fact itself refuses.
    """
    if not isinstance(document, Mapping):
        raise ControlError(
            f"no fact but {_shown(document)}", where=where, mend='an object such as {"kind": "Party", …}'
        )
    kind = _kind_of(document, where)
    name = document.get("id")
    item = f"{where}: {kind.__name__}" if where else kind.__name__
    if isinstance(name, str) and name:
        item = f"{item} {name}"
    given = dict(document)
    del given["kind"]
    renamed = _RENAMED.get(kind.__name__)
    if renamed and renamed in given:
        given["kind"] = given.pop(renamed)
    if recorded_at is not None:
        given.setdefault("recorded_at", recorded_at)
    try:
        return cast("Fact", _built(kind, given, item, renamed))
    except ControlError as error:
        if not where or error.where.startswith(where):
            raise
        raise ControlError(error.what, where=f"{where}: {error.where}", mend=error.mend) from None


@cache
def fact_kinds() -> dict[str, type[Fact]]:
    """Every kind of fact by name."""
    found = (getattr(_facts, name) for name in _facts.__all__)
    return {kind.__name__: kind for kind in found if isinstance(kind, type) and issubclass(kind, Fact) and kind != Fact}


def _kind_of(document: Mapping[str, Any], where: str) -> type[Fact]:
    name = document.get("kind")
    kinds = fact_kinds()
    if isinstance(name, str) and name in kinds:
        return kinds[name]
    what = "a fact without a kind" if name is None else f"no kind of fact is named {_shown(name)}"
    raise ControlError(what, where=where, mend=_near(name, sorted(kinds)))


class _Field(NamedTuple):
    read: Callable[[Any, str], Any]
    required: bool


@cache
def _fields_of(kind: type) -> dict[str, _Field]:
    hints = get_type_hints(kind)
    return {
        field.name: _Field(
            _reader(hints[field.name]), field.default is MISSING and field.default_factory is MISSING and field.init
        )
        for field in fields(kind)
    }


@cache
def _required(kind: type) -> frozenset[str]:
    return frozenset(name for name, field in _fields_of(kind).items() if field.required)


def _built(kind: type, given: Mapping[str, Any], item: str, renamed: str | None = None) -> Any:
    known = _fields_of(kind)
    values: dict[str, Any] = {}
    for name, value in given.items():
        field = known.get(name)
        if field is None:
            names = [renamed if n == "kind" and renamed else n for n in known]
            raise ControlError(f"no field is named {_shown(name)}", where=item, mend=_near(name, names))
        try:
            values[name] = field.read(value, "")
        except ControlError as error:  # the place is put together here: nobody waits for that of a million good fields
            place = f"{item}, {renamed if name == 'kind' and renamed else name}{error.where}"
            raise ControlError(error.what, where=place, mend=error.mend) from None
    if not values.keys() >= _required(kind):
        missing = [name for name, field in known.items() if field.required and name not in values]
        lacking = ", ".join(renamed if name == "kind" and renamed else name for name in missing)
        raise ControlError(f"has no {lacking}", where=item, mend="add what is missing")
    return kind(**values)


def _reader(hint: Any) -> Callable[[Any, str], Any]:
    """What reads a value of a type."""
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        (inner,) = (argument for argument in get_args(hint) if argument is not type(None))
        read = _reader(inner)
        return lambda value, where: None if value is None else read(value, where)
    if origin is tuple:
        return _Items(_reader(get_args(hint)[0]))
    if hint in _READERS:
        return _READERS[hint]
    if issubclass(hint, Enum):
        return _Choice(hint)
    if issubclass(hint, BaseGeometry):
        return _shape
    if isinstance(hint, type) and is_dataclass(hint):
        return _Part(hint)
    return _Row(hint)


def _text(value: Any, where: str) -> str:
    if type(value) is str:
        return value
    raise ControlError(f"{_shown(value)} is no text", where=where, mend="write it in quotes")


def _flag(value: Any, where: str) -> bool:
    if type(value) is bool:
        return value
    raise ControlError(f"{_shown(value)} is neither true nor false", where=where, mend="write true or false")


def _whole(value: Any, where: str) -> int:
    if type(value) is int:
        return value
    raise ControlError(f"{_shown(value)} is no whole number", where=where, mend="write digits alone")


def _number(value: Any, where: str) -> float:
    if type(value) in (int, float):
        try:
            return float(value)
        except OverflowError:
            pass
    raise ControlError(f"{_shown(value)} is no number", where=where, mend="write a number without quotes")


def _bytes(value: Any, where: str) -> bytes:
    if isinstance(value, bytes):
        return value
    try:
        return bytes.fromhex(value)
    except (ValueError, TypeError):
        raise ControlError(f"{_shown(value)} is no hexadecimal text", where=where, mend="two digits a byte") from None


def _instant(value: Any, where: str) -> np.datetime64:
    if isinstance(value, str | np.datetime64):
        return utc(value, where)
    raise ControlError(f"{_shown(value)} is no instant", where=where, mend='write "2024-02-17T12:00:12Z"')


def _shape(value: Any, where: str) -> BaseGeometry:
    """The geometry as it stands: rings in the plane of longitude and latitude, not cut or mended."""
    if isinstance(value, BaseGeometry):
        return value
    if not isinstance(value, Mapping) or value.get("type") not in ("Polygon", "MultiPolygon"):
        raise ControlError(f"{_shown(value)} is no shape", where=where, mend=_GEOJSON_MEND)
    try:
        shape = shapely.force_2d(shapely.from_geojson(json.dumps(value, allow_nan=False)))
    except (shapely.GEOSException, ValueError, TypeError, RecursionError):
        raise ControlError("its coordinates are no rings", where=where, mend=_GEOJSON_MEND) from None
    if not shapely.is_valid(shape):
        fault, _, place = shapely.is_valid_reason(shape).partition("[")
        near = f" near longitude, latitude {', '.join(place.rstrip(']').split())}" if place else ""
        mend = "draw rings that touch at most in single points"
        raise ControlError(f"{fault.strip().lower()}{near}", where=where, mend=mend)
    return cast("BaseGeometry", shape)


_READERS: dict[Any, Callable[[Any, str], Any]] = {
    str: _text,
    bool: _flag,
    int: _whole,
    float: _number,
    bytes: _bytes,
    np.datetime64: _instant,
}


@dataclass(frozen=True, slots=True)
class _Items:
    read: Callable[[Any, str], Any]

    def __call__(self, value: Any, where: str) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple):
            raise ControlError(f"{_shown(value)} is no list", where=where, mend="write [ … ]")
        return tuple(self.read(item, f"{where}[{i}]") for i, item in enumerate(value))


@dataclass(frozen=True, slots=True)
class _Choice:
    of: type[Enum]

    def __call__(self, value: Any, where: str) -> Enum:
        try:
            return self.of(value)
        except ValueError:
            choices = [str(choice.value) for choice in self.of]
            raise ControlError(f"{_shown(value)} is no choice", where=where, mend=_near(value, choices)) from None


@dataclass(frozen=True, slots=True)
class _Part:
    """A plan, quotas or settings; `kind` may name the type, as canonical JSON does."""

    of: type

    def __call__(self, value: Any, where: str) -> Any:
        if not isinstance(value, Mapping):
            raise ControlError(f"{_shown(value)} is no object", where=where, mend="write { … }")
        given = dict(value)
        if "kind" not in _fields_of(self.of) and given.get("kind") == self.of.__name__:
            del given["kind"]
        return _built(self.of, given, where)


@dataclass(frozen=True, slots=True)
class _Row:
    """A named tuple of numbers, written as a list or by name."""

    of: Any

    def __call__(self, value: Any, where: str) -> Any:
        names: tuple[str, ...] = self.of._fields
        if isinstance(value, Mapping) and set(value) == set(names):
            value = [value[name] for name in names]
        if not isinstance(value, list | tuple) or len(value) != len(names):
            raise ControlError(f"{_shown(value)} is no place", where=where, mend=f"write [{', '.join(names)}]")
        return self.of(*(_number(item, f"{where}, {name}") for item, name in zip(value, names, strict=True)))


def _shown(value: Any) -> str:
    """The beginning of a value, for one line."""
    text = f"“{value}”" if isinstance(value, str) else str(value)
    text = " ".join(text.split())
    return text if len(text) <= 60 else f"{text[:57]}…"


def _near(wanted: Any, names: list[str]) -> str:
    near = difflib.get_close_matches(wanted[:60], names, n=1, cutoff=0.7) if isinstance(wanted, str) else []
    return f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}"
