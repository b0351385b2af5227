"""Facts as rows of a table: columns of text out, and from text or JSON back to the same fact."""

from __future__ import annotations

import hmac
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np
from shapely.geometry.base import BaseGeometry

from skyhaul.control._instants import instant_text
from skyhaul.control.facts import Fact, canonical_json, fact_document, fact_from_document, fact_kinds
from skyhaul.errors import ControlError

F = TypeVar("F", bound=Fact)

_LIST = ";"  # between the items of a list in one cell

# In documents the field `kind` of these has another name.
_RENAMED = {"Listing": "holder_kind", "Withdrawal": "of_kind"}


@dataclass(frozen=True, slots=True)
class Given:
    """What a row need not say, because it is said for all.

    author       who records them
    source       the document they come from
    valid_from   from when on they hold
    secret       keys the ids made of content, so that nobody else can guess at content from an id
    """

    author: str
    source: str
    valid_from: np.datetime64
    secret: bytes


def columns_of(kind: type[Fact]) -> tuple[str, ...]:
    """The columns of a table of facts of a kind: its fields, those of parts with a dot (`plan.home`); without the time
    of recording, which is the registry's own, and without shapes."""
    return tuple(_columns(kind))


def row_of_fact(fact: Fact) -> dict[str, str]:
    """A fact as text by column; lists with semicolons, what is empty left out."""
    return {name: text for name, value in _flat(fact_document(fact), type(fact)) if (text := _text(value))}


def fact_of_row(kind: type[F], values: Mapping[str, Any], given: Given, *, typed: bool) -> F:
    """The fact that a row describes, to be recorded: `recorded_at` is not taken from it.

    `typed` rows have JSON's types, parts as objects or with dots. Ids that are left out are made of the content, so
    that the same row twice is the same fact. Raises ControlError naming item and field.
    """
    document: dict[str, Any] = {}
    item = _item(kind, values)
    for name, value in values.items():
        if name in ("recorded_at", "kind") and not (name == "kind" and value != kind.__name__):
            continue
        column = _columns(kind).get(name)
        if column is None and not (typed and name in _tops(kind)):
            if name == "kind":
                raise ControlError(f"a {value} among {kind.__name__}s", where=f"{item}, kind", mend="one kind a file")
            known = ", ".join(_columns(kind))
            raise ControlError("there is no such column", where=f"{item}, {_short(name)}", mend=f"there are {known}")
        if column is not None and isinstance(value, str):
            value = column(value, f"{item}, {name}")
        _put(document, name.split("."), value)
    document |= {"kind": kind.__name__}
    document.setdefault("author", given.author)
    document.setdefault("source", given.source)
    document.setdefault("valid_from", instant_text(given.valid_from))
    document.setdefault("id", _id(kind, document, given.secret))
    fact = fact_from_document(document, recorded_at=given.valid_from)
    assert isinstance(fact, kind)
    return fact


def _id(kind: type[Fact], document: Mapping[str, Any], secret: bytes) -> str:
    digest = hmac.new(secret, canonical_json(document).encode(), "sha256").hexdigest()[:16]
    name = str(document.get(_NAMES.get(kind.__name__, ""), "")) if kind.__name__ not in _PRIVATE else ""
    return "-".join(part for part in (kind.__name__.lower(), "-".join(name.split()), digest) if part)


# The field that names what a fact is about.
_NAMES: dict[str, str] = {
    "Party": "party",
    "Account": "account",
    "Terminal": "terminal",
    "Licence": "territory",
    "TypeApproval": "model",
    "AllowList": "name",
    "Listing": "terminal",
    "Application": "terminal",
    "Area": "name",
    "CustodyEvent": "item",
    "Appointment": "person",
}

# Ids stand in the open in the log; the names of these do not.
_PRIVATE = ("Party", "Appointment")


def _item(kind: type[Fact], values: Mapping[str, Any]) -> str:
    name = values.get("id") or values.get(_NAMES.get(kind.__name__, "")) or ""
    return f"{kind.__name__} {_short(name)}".strip()


def _tops(kind: type[Fact]) -> frozenset[str]:
    return frozenset(name.partition(".")[0] for name in _columns(kind)) | {"shape"}


def _columns(kind: type[Fact]) -> dict[str, Callable[[str, str], Any]]:
    """Each column with what makes a JSON value of its text."""
    return _columns_of(kind.__name__)


@cache
def _columns_of(kind: str) -> dict[str, Callable[[str, str], Any]]:
    found: dict[str, Callable[[str, str], Any]] = {}
    renamed = _RENAMED.get(kind)
    for name, hint in _leaves(fact_kinds()[kind]):
        if name != "recorded_at":
            found[renamed if renamed and name == "kind" else name] = _reader(hint)
    return found


def _leaves(kind: type) -> list[tuple[str, Any]]:
    hints = get_type_hints(kind)
    names = [f.name for f in fields(kind)] if is_dataclass(kind) else list(kind.__annotations__)
    found: list[tuple[str, Any]] = []
    for name in names:
        hint = _bare(hints[name])
        if isinstance(hint, type) and issubclass(hint, BaseGeometry):
            continue
        if is_dataclass(hint) or hasattr(hint, "_fields"):
            found += [(f"{name}.{inner}", of) for inner, of in _leaves(hint)]
        else:
            found.append((name, hint))
    return found


def _bare(hint: Any) -> Any:
    """A type without its None."""
    if get_origin(hint) in (Union, types.UnionType):
        (hint,) = (argument for argument in get_args(hint) if argument is not type(None))
    return hint


def _reader(hint: Any) -> Callable[[str, str], Any]:
    if get_origin(hint) is tuple:
        return lambda text, where: [item.strip() for item in text.split(_LIST) if item.strip()]
    if hint is bool:
        return _flag
    if hint is int:
        return _whole
    if hint is float:
        return _number
    if isinstance(hint, type) and issubclass(hint, Enum) and not issubclass(hint, str):
        return _whole
    return lambda text, where: text


def _flag(text: str, where: str) -> bool:
    found = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}.get(text.lower())
    if found is None:
        raise ControlError(f"“{_short(text)}” is neither true nor false", where=where, mend="write true or false")
    return found


def _whole(text: str, where: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ControlError(f"“{_short(text)}” is no whole number", where=where, mend="digits alone") from None


def _number(text: str, where: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ControlError(f"“{_short(text)}” is no number", where=where, mend="such as 12.5") from None


def _flat(value: Mapping[str, Any], kind: type[Fact]) -> list[tuple[str, Any]]:
    """The values of a document by column, in the order of columns."""
    found = []
    for name in _columns(kind):
        at: Any = value
        for part in name.split("."):
            at = _inner(at, part)
        found.append((name, at))
    return found


def _inner(value: Any, part: str) -> Any:
    if isinstance(value, list):  # a place, [latitude, longitude]
        return value[0 if part == "latitude_deg" else 1]
    return value.get(part) if isinstance(value, Mapping) else None


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return _LIST.join(map(str, value))
    return repr(value) if isinstance(value, float) else str(value)


def _put(document: dict[str, Any], path: list[str], value: Any) -> None:
    for part in path[:-1]:
        inner = document.setdefault(part, {})
        document = inner if isinstance(inner, dict) else {}
    document[path[-1]] = value


def _short(text: object) -> str:
    text = " ".join(str(text).split())
    return text if len(text) <= 60 else f"{text[:57]}…"
