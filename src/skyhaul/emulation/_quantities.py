"""Durations, rates, sizes and shares as people write them on a command line: 25ms, 100mbit, 64kB, 1%."""

from __future__ import annotations

import math
import re

from skyhaul.errors import InputError

_NUMBER = re.compile(r"\s*([0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?)\s*([A-Za-zµ%/]*)\s*")

_DURATION_NS = {"ns": 1, "us": 10**3, "µs": 10**3, "ms": 10**6, "s": 10**9, "min": 60 * 10**9, "h": 3600 * 10**9}
# The words of tc(8), section "PARAMETERS": decimal prefixes, bits with "bit" and bytes with "bps".
_RATE_BPS = {
    **{f"{prefix}bit": factor for prefix, factor in (("", 1), ("k", 10**3), ("m", 10**6), ("g", 10**9))},
    **{f"{prefix}bit/s": factor for prefix, factor in (("", 1), ("k", 10**3), ("m", 10**6), ("g", 10**9))},
    **{f"{prefix}bps": 8 * factor for prefix, factor in (("", 1), ("k", 10**3), ("m", 10**6), ("g", 10**9))},
}
_SIZE_BYTES = {"b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 2**10, "mib": 2**20, "gib": 2**30}
_LONGEST_NS = 10**18  # 31 years: sums of two still fit 64 bits


def duration_ns(text: str, where: str = "") -> int:
    """Nanoseconds of a duration such as `25ms`, `1.5s` or `0`; the unit is needed, except for 0."""
    value, unit = _split(text, where, "a duration such as 25ms")
    if not unit and value == 0:
        return 0
    factor = _DURATION_NS.get(unit)
    if factor is None:
        raise InputError(f"'{text}' has no unit of time", where=where, mend="write ns, us, ms, s, min or h: 25ms")
    if value * factor > _LONGEST_NS:
        raise InputError(f"'{text}' is too long", where=where, mend="at most 31 years")
    return round(value * factor)


def rate_bps(text: str, where: str = "") -> float:
    """Bits per second of a rate such as `100mbit`, `1.5gbit` or `unlimited`; the unit is needed."""
    if text.strip().lower() == "unlimited":
        return math.inf
    value, unit = _split(text, where, "a rate such as 100mbit")
    factor = _RATE_BPS.get(unit.lower())
    if factor is None:
        raise InputError(f"'{text}' has no unit of rate", where=where, mend="write kbit, mbit or gbit: 100mbit")
    return value * factor


def size_bytes(text: str, where: str = "") -> int:
    """Bytes of a size such as `64kB`, `1MiB` or `9000B`; the unit is needed."""
    value, unit = _split(text, where, "a size such as 64kB")
    factor = _SIZE_BYTES.get(unit.lower())
    if factor is None:
        raise InputError(f"'{text}' has no unit of size", where=where, mend="write B, kB, MB, KiB or MiB: 64kB")
    return round(value * factor)


def share(text: str, where: str = "") -> float:
    """A share between 0 and 1 of `1%` or `0.01`."""
    value, unit = _split(text, where, "a share such as 1% or 0.01")
    if unit not in ("", "%"):
        raise InputError(f"'{text}' is not a share", where=where, mend="write 1% or 0.01")
    value = value / 100 if unit else value
    if value > 1:
        raise InputError(f"'{text}' is more than everything", where=where, mend="a share lies between 0% and 100%")
    return value


def queue_limit(text: str, where: str = "") -> tuple[int, int]:
    """A queue's limit as (nanoseconds, bytes), one of them 0: a duration such as `50ms`, or a size such as `64kB`."""
    _, unit = _split(text, where, "a duration such as 50ms or a size such as 64kB")
    if unit in _DURATION_NS:
        return duration_ns(text, where), 0
    if unit.lower() in _SIZE_BYTES:
        return 0, size_bytes(text, where)
    raise InputError(f"'{text}' is neither a duration nor a size", where=where, mend="write 50ms or 64kB")


def _split(text: str, where: str, expected: str) -> tuple[float, str]:
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise InputError(f"'{text}' is not {expected}", where=where, mend=f"write {expected}")
    value = float(match[1])
    if not math.isfinite(value):
        raise InputError(f"'{text}' is not {expected}", where=where, mend="write a finite number")
    return value, match[2]
