"""What is in a set of elements: shells, epochs, age and problems."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from skyhaul.orbits._ageing import ExpectedError, expected_error_km
from skyhaul.orbits._elements import Elements
from skyhaul.orbits._gravity import altitude_km
from skyhaul.orbits._parse import Parsed
from skyhaul.types import Floats, Ints

_DAY_NS = 86_400_000_000_000
# Inclinations of one shell lie within some hundredths of a degree and altitudes within some kilometres, those of
# neighbouring shells apart by more: a wider gap starts a new one.
_INCLINATION_GAP_DEG = 0.35
_ALTITUDE_GAP_KM = 4.0
_FEWEST = 5


@dataclass(frozen=True, slots=True)
class Shell:
    """Satellites of like inclination and altitude: their number, medians and range of altitudes."""

    satellites: int
    inclination_deg: float
    altitude_km: float
    lowest_km: float
    highest_km: float


@dataclass(frozen=True, slots=True)
class ElementsReport:
    """What `inspect_elements` found.

    shells      greatest first; `scattered` counts satellites in none, such as those being raised
    age_*_days  from the epochs to `time`: the median is negative for a time before them, the others are sizes
    problems    how many sets have a problem of each kind
    """

    source: str
    format: str
    sha256: str
    satellites: int
    shells: tuple[Shell, ...]
    scattered: int
    first_epoch: str
    median_epoch: str
    last_epoch: str
    time: str
    age_median_days: float
    age_p90_days: float
    age_max_days: float
    expected_error_km: ExpectedError
    problems: dict[str, int]
    messages: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The report as plain data."""
        return asdict(self) | {"expected_error_km": self.expected_error_km._asdict()}


def find_shells(elements: Elements) -> tuple[Ints, tuple[Shell, ...]]:
    """The shell of each satellite (N,), -1 for none, and the shells, greatest first.

    Satellites are parted where sorted inclinations leave a gap, each group where sorted altitudes do, and groups of
    fewer than five are none. Satellites on their way up or down between two shells widen the range of one, which is why
    a shell's altitude is a median.
    """
    height = altitude_km(elements.mean_motion_rev_day, elements.eccentricity, elements.inclination_deg)
    members = np.flatnonzero(np.isfinite(height))
    groups = [
        part
        for group in _split(members, elements.inclination_deg, _INCLINATION_GAP_DEG)
        for part in _split(group, height, _ALTITUDE_GAP_KM)
        if len(part) >= _FEWEST
    ]
    groups.sort(key=lambda part: (-len(part), int(part.min())))
    shell = np.full(len(elements), -1, dtype=np.int64)
    shells = []
    for number, part in enumerate(groups):
        shell[part] = number
        shells.append(
            Shell(
                len(part),
                round(float(np.median(elements.inclination_deg[part])), 2),
                round(float(np.median(height[part])), 1),
                round(float(height[part].min()), 1),
                round(float(height[part].max()), 1),
            )
        )
    return shell, tuple(shells)


def inspect_elements(parsed: Parsed, time: np.datetime64) -> ElementsReport:
    """Shells, epoch spread, age at `time` with the position error to expect, and problems."""
    elements = parsed.elements
    shell, shells = find_shells(elements)
    epochs = np.sort(elements.epoch)
    age = (time - elements.epoch).astype(np.int64) / _DAY_NS
    size = np.abs(age)
    return ElementsReport(
        source=parsed.source,
        format=parsed.format,
        sha256=parsed.sha256,
        satellites=len(elements),
        shells=shells,
        scattered=int(np.count_nonzero(shell < 0)),
        first_epoch=_utc(epochs[0]),
        median_epoch=_utc(epochs[len(epochs) // 2]),
        last_epoch=_utc(epochs[-1]),
        time=_utc(time),
        age_median_days=round(float(np.median(age)), 3),
        age_p90_days=round(float(np.percentile(size, 90.0)), 3),
        age_max_days=round(float(size.max()), 3),
        expected_error_km=expected_error_km(float(np.median(size))),
        problems=parsed.counts(),
        messages=tuple(f"{problem.where}: {problem.text}" for problem in parsed.problems),
    )


def _split(members: Ints, value: Floats, gap: float) -> list[Ints]:
    """Members parted where their sorted values leave a gap."""
    order = members[np.argsort(value[members], kind="stable")]
    edges = np.flatnonzero(np.diff(value[order]) > gap) + 1
    return [np.asarray(part, dtype=np.int64) for part in np.split(order, edges)]


def _utc(time: np.datetime64) -> str:
    return f"{np.datetime_as_string(time.astype('datetime64[s]'))}Z"
