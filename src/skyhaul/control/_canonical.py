"""One text for one value: JSON with sorted keys and no spaces, so that equal answers are equal bytes."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from skyhaul.control._instants import instant_text


def canonical_json(value: object) -> str:
    """JSON of a fact, decision or plain value: keys sorted, no spaces, UTF-8 not escaped, instants as ISO 8601 ending
    in Z, bytes in hex, shapes as GeoJSON, a fact with the name of its kind. Raises ValueError for NaN and infinity."""
    return json.dumps(plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


_PLAIN = frozenset({str, int, float, bool, type(None)})


@cache
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


def plain(value: object) -> Any:
    """A value as JSON's own types."""
    if type(value) in _PLAIN:
        return value
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, np.datetime64):
        return instant_text(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, BaseGeometry):
        return json.loads(shapely.to_geojson(value))
    if is_dataclass(value) and not isinstance(value, type):
        return {"kind": type(value).__name__} | {name: plain(getattr(value, name)) for name in _names(type(value))}
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    return value
