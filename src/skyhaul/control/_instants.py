"""Instants: UTC `datetime64[ns]` at the door, integers of nanoseconds inside."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import cast

import numpy as np

from skyhaul.errors import ControlError

# The last instant that datetime64[ns] can write: 2262-04-11T23:47:16.854775807Z. As an end it reads "until further
# notice".
FOREVER = 2**63 - 1

SECOND = 1_000_000_000

_NS = np.dtype("datetime64[ns]")
_FIRST = np.datetime64("1678-01-01T00:00:00", "s")
_END = np.datetime64("2262-01-01T00:00:00", "s")


def utc(value: str | datetime | np.datetime64, where: str = "") -> np.datetime64:
    """An instant as `datetime64[ns]` from ISO 8601 text, a datetime or a datetime64; without an offset it is UTC.

    Text is exact to a nanosecond. Raises ControlError for text that is no instant, for "not a time", and beyond the
    years 1678 to 2261, which 64 bits of nanoseconds cannot write.
    """
    if isinstance(value, np.datetime64) and value.dtype == _NS and not np.isnat(value):
        return value
    fraction: np.timedelta64 = np.timedelta64(0, "ns")
    try:
        if isinstance(value, str):
            value, fraction = _parsed(value.strip())
        if isinstance(value, datetime):
            value = np.datetime64(value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value)
        coarse = value.astype("datetime64[s]")
    except (ValueError, OverflowError):
        raise ControlError(f"“{value}” is no instant", where=where, mend="write 2024-02-17T12:00:12Z") from None
    if np.isnat(coarse) or not _FIRST <= coarse < _END:
        raise ControlError(f"{value} is no instant from 1678 to 2261", where=where, mend="leave an open end out")
    instant: np.datetime64 = value if value.dtype == _NS else value.astype(_NS)
    return instant + fraction if fraction else instant


def nanoseconds(instant: np.datetime64) -> int:
    """Nanoseconds since 1970-01-01 UTC of a `datetime64[ns]`."""
    if instant.dtype != _NS:
        instant = instant.astype(_NS)
    return cast("int", instant.item())  # an integer: datetime has no nanoseconds


def instant_text(instant: np.datetime64 | int) -> str:
    """The shortest ISO 8601 text of an instant, to the second unless it has a fraction; it ends in Z."""
    text = str(np.datetime64(instant, "ns") if isinstance(instant, int) else instant.astype(_NS))
    whole, _, fraction = text.partition(".")
    fraction = fraction.rstrip("0")
    return f"{whole}.{fraction}Z" if fraction else f"{whole}Z"


def _parsed(text: str) -> tuple[datetime, np.timedelta64]:
    """Text without its fraction of a second, and that fraction."""
    whole, _, rest = text.partition(".")
    digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
    if len(digits) > 9:
        raise ValueError("finer than a nanosecond")
    return datetime.fromisoformat(whole + rest[len(digits) :]), np.timedelta64(int(digits.ljust(9, "0")), "ns")
