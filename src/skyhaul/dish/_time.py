"""The three clocks of a dish: UTC since 1970, GPS time since 1980, and the minute of the day."""

from __future__ import annotations

SECOND_NS = 1_000_000_000
_GPS_EPOCH_S = 315_964_800  # 1980-01-06T00:00:00Z (IS-GPS-200, section 3.3.4)
_LEAP_SECONDS = 18  # GPS is ahead of UTC by it since 2017-01-01 (IERS Bulletin C), before the first satellites


def gps_ns(utc_ns: int) -> int:
    """GPS time, nanoseconds since 1980-01-06, of a UTC instant in nanoseconds since 1970."""
    return utc_ns - (_GPS_EPOCH_S - _LEAP_SECONDS) * SECOND_NS


def minute_of_day(utc_ns: int) -> int:
    """Minutes after midnight UTC, 0 to 1439."""
    return utc_ns // (60 * SECOND_NS) % 1440
