"""Values as JSON has them: instants in ISO 8601 ending in Z, and null for a number that is none."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from skyhaul.errors import InputError


def number(value: Any, digits: int | None = None) -> float | None:
    """A finite number, rounded if asked; None for NaN and infinity."""
    found = float(value)
    if not math.isfinite(found):
        return None
    return found if digits is None else round(found, digits)


def iso_ns(time_ns: int) -> str:
    """UTC nanoseconds since 1970 as `2024-02-17T12:00:12Z`, to the microsecond."""
    return iso(np.datetime64(time_ns, "ns"))


def iso(time: np.datetime64) -> str:
    """As `iso_ns`, of an instant."""
    text = str(time.astype("datetime64[us]"))
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text}Z"


def instant(text: str, where: str) -> np.datetime64:
    """The instant that a caller names. Raises InputError."""
    from skyhaul.control.facts import utc

    try:
        found: np.datetime64 = utc(text)
    except InputError as error:
        raise InputError(error.what, where=where, mend=error.mend) from None
    return found


def instant_ns(text: str, where: str) -> int:
    """As `instant`, in nanoseconds since 1970."""
    return int(instant(text, where).astype("datetime64[ns]").astype(np.int64))
