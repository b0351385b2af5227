"""Instants and spans of time as people write them."""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime, timedelta
from typing import TypeAlias

import numpy as np

Moment: TypeAlias = datetime | timedelta

_MICROSECONDS = {"d": 86_400_000_000, "h": 3_600_000_000, "m": 60_000_000, "s": 1_000_000, "ms": 1_000, "us": 1}
# Slots are counted from 1970, and integer nanoseconds end in 2262.
_FIRST = datetime(1970, 1, 2, tzinfo=UTC)
_LAST = datetime(2250, 1, 1, tzinfo=UTC)


class _OutOfRangeError(ValueError):
    pass


_NUMBER = re.compile(r"\d+(?:\.\d*)?|\.\d+")
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|us|[dhms])")
_DURATION = re.compile(rf"(?:{_PART.pattern})+")


def parse_duration(value: object) -> timedelta:
    """A span of time from `"1h30m"`, `"90s"`, `"250ms"`, or a number of seconds; exact to a microsecond.

    Raises ValueError for anything else, and for a span that is not more than zero.
    """
    span: timedelta | None = None
    try:
        if isinstance(value, timedelta):
            span = value
        elif isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            span = timedelta(seconds=value)
        elif isinstance(value, str):
            text = value.replace(" ", "")
            if _NUMBER.fullmatch(text):
                span = timedelta(seconds=float(text))
            elif _DURATION.fullmatch(text):
                parts = _PART.findall(text)
                span = timedelta(microseconds=round(sum(float(number) * _MICROSECONDS[unit] for number, unit in parts)))
    except OverflowError:
        span = None
    if span is None or span <= timedelta(0):
        raise ValueError('expected a duration like "1h", "90s", "1h30m" or a number of seconds')
    return span


def parse_time(value: object) -> datetime:
    """A UTC instant from a date-time or its ISO 8601 text; without an offset it is read as UTC.

    Raises ValueError for anything else.
    """
    try:
        if isinstance(value, str):
            value = datetime.fromisoformat(value.strip())
        if isinstance(value, date) and not isinstance(value, datetime):
            value = datetime(value.year, value.month, value.day)
        if isinstance(value, datetime):
            time = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
            if _FIRST <= time < _LAST:
                return time
            raise _OutOfRangeError
    except _OutOfRangeError:
        raise ValueError(f"expected a time from {_FIRST.year} to {_LAST.year - 1}, got {value}") from None
    except (ValueError, OverflowError):
        pass
    raise ValueError("expected a UTC date and time like 2024-02-17T12:00:12Z")


def parse_moment(value: object) -> Moment:
    """An instant, or `"+10m"`: that long after the run's start. Raises ValueError for anything else."""
    if isinstance(value, timedelta):
        return value
    if isinstance(value, str) and value.strip().startswith("+"):
        return parse_duration(value.strip()[1:])
    try:
        return parse_time(value)
    except ValueError as error:
        raise ValueError(f'{error}, or "+10m" for ten minutes after the start') from None


def moment_text(moment: Moment) -> str:
    """The text that `parse_moment` reads back."""
    if isinstance(moment, timedelta):
        return f"+{moment / timedelta(seconds=1):.15g}s"
    return moment.isoformat().replace("+00:00", "Z")


def as_numpy(moment: Moment, start: np.datetime64) -> np.datetime64:
    """The UTC instant (datetime64[ns]) of a moment of a run that starts at `start`."""
    if isinstance(moment, timedelta):
        later: np.datetime64 = start + np.timedelta64(moment // timedelta(microseconds=1), "us")
        return later
    return np.datetime64(moment.astimezone(UTC).replace(tzinfo=None).isoformat(), "ns")
