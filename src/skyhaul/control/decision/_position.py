"""Where a terminal is said to be, how surely, and by whom."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from skyhaul.control._instants import SECOND
from skyhaul.control._rule_names import Rule
from skyhaul.control.facts import Settings
from skyhaul.errors import ControlError
from skyhaul.types import Bytes, Floats, Times


class Evidence(StrEnum):
    """What stands behind a position."""

    VERIFIED = "verified"  # measured by the network from its own signals
    CLAIMED = "claimed"  # the terminal's own word
    CONTRADICTED = "contradicted"  # its key was seen in two places at once, or the measurements refute the claim


@dataclass(frozen=True, slots=True)
class Position:
    """A place (geodetic, deg, longitude within ±180°) with its 95 % ellipse: half axes in metres, and the azimuth of
    the long one clockwise from north. measured_at None: just now.

    Raises ControlError, without saying the place, for coordinates off the Earth and for an ellipse that is none.
    """

    latitude_deg: float
    longitude_deg: float
    semi_major_m: float = 0.0
    semi_minor_m: float = 0.0
    azimuth_deg: float = 0.0
    measured_at: np.datetime64 | None = None
    evidence: Evidence = Evidence.VERIFIED

    def __post_init__(self) -> None:
        if not abs(self.latitude_deg) <= 90.0 or not abs(self.longitude_deg) <= 180.0:
            raise ControlError(
                "no place on Earth", where="position", mend="latitude within ±90°, longitude within ±180°"
            )
        if not 0.0 <= self.semi_minor_m <= self.semi_major_m < math.inf or not math.isfinite(self.azimuth_deg):
            raise ControlError(
                f"no ellipse: half axes {self.semi_major_m} and {self.semi_minor_m} m",
                where="position",
                mend="0 ≤ minor ≤ major, azimuth finite",
            )


EVIDENCE: tuple[Evidence, ...] = tuple(Evidence)


@dataclass(frozen=True, slots=True)
class Positions:
    """K positions as columns; NaN latitude: not known.

    latitude_deg … azimuth_deg   (K,) as in `Position`
    measured_at                  (K,) datetime64[ns], or None: all just now
    evidence                     (K,) index into EVIDENCE
    """

    latitude_deg: Floats
    longitude_deg: Floats
    semi_major_m: Floats
    semi_minor_m: Floats
    azimuth_deg: Floats
    measured_at: Times | None
    evidence: Bytes

    def __len__(self) -> int:
        return len(self.latitude_deg)

    @classmethod
    def at(
        cls,
        latitude_deg: npt.ArrayLike,
        longitude_deg: npt.ArrayLike,
        *,
        semi_major_m: npt.ArrayLike = 0.0,
        semi_minor_m: npt.ArrayLike | None = None,
        azimuth_deg: npt.ArrayLike = 0.0,
        measured_at: Times | None = None,
        evidence: npt.ArrayLike = 0,
    ) -> Positions:
        """Positions from columns or single values that broadcast to (K,); circles when there is no short half axis.

        Raises ControlError, with the row but not the place, for coordinates off the Earth and for ellipses that are
        none.
        """
        latitude = np.atleast_1d(np.asarray(latitude_deg, dtype=np.float64))
        shape = latitude.shape

        def column(values: npt.ArrayLike, kind: type[np.generic] = np.float64) -> Any:
            return np.ascontiguousarray(np.broadcast_to(np.asarray(values, dtype=kind), shape))

        longitude, major = column(longitude_deg), column(semi_major_m)
        minor = major if semi_minor_m is None else column(semi_minor_m)
        positions = cls(latitude, longitude, major, minor, column(azimuth_deg), measured_at, column(evidence, np.int8))
        known = ~np.isnan(latitude)
        place = (np.abs(latitude) <= 90.0) & (np.abs(longitude) <= 180.0)
        ellipse = (minor >= 0.0) & (minor <= major) & np.isfinite(major) & np.isfinite(positions.azimuth_deg)
        bad = np.flatnonzero(known & ~(place & ellipse))
        if len(bad):
            raise ControlError(
                "no place on Earth" if not place[bad[0]] else "no ellipse",
                where=f"position {bad[0]}",
                mend="latitude within ±90°, longitude within ±180°, 0 ≤ minor ≤ major",
            )
        return positions

    def __getitem__(self, k: int) -> Position | None:
        """One row; None where the position is not known."""
        if np.isnan(self.latitude_deg[k]):
            return None
        return Position(
            float(self.latitude_deg[k]),
            float(self.longitude_deg[k]),
            float(self.semi_major_m[k]),
            float(self.semi_minor_m[k]),
            float(self.azimuth_deg[k]),
            None if self.measured_at is None else self.measured_at[k],
            EVIDENCE[self.evidence[k]],
        )


FAULTS = (
    Rule.POSITION_UNKNOWN,
    Rule.POSITION_CONTRADICTED,
    Rule.POSITION_UNVERIFIED,
    Rule.POSITION_STALE,
    Rule.POSITION_UNCERTAIN,
)


def position_faults(positions: Positions, time: int, settings: Settings) -> Bytes:
    """(K,) `position_fault` of every row at an instant (ns), as an index into FAULTS, or -1."""
    fault = np.full(len(positions), -1, dtype=np.int8)
    fault[positions.semi_major_m > settings.max_semi_major_m] = 4
    if positions.measured_at is not None:
        age = time - positions.measured_at.astype("datetime64[ns]").astype(np.int64)
        fault[(age < 0) | (age >= settings.max_position_age_s * SECOND)] = 3
    if not settings.accept_claimed:
        fault[positions.evidence == EVIDENCE.index(Evidence.CLAIMED)] = 2
    fault[positions.evidence == EVIDENCE.index(Evidence.CONTRADICTED)] = 1
    fault[np.isnan(positions.latitude_deg)] = 0
    return fault


def position_fault(
    known: bool, evidence: Evidence, age_ns: int, semi_major_m: float, settings: Settings
) -> Rule | None:
    """The position rule that makes a position count for nothing, the first of the five; None: it counts."""
    if not known:
        return Rule.POSITION_UNKNOWN
    if evidence is Evidence.CONTRADICTED:
        return Rule.POSITION_CONTRADICTED
    if evidence is Evidence.CLAIMED and not settings.accept_claimed:
        return Rule.POSITION_UNVERIFIED
    if not 0 <= age_ns < settings.max_position_age_s * SECOND:
        return Rule.POSITION_STALE
    if semi_major_m > settings.max_semi_major_m:
        return Rule.POSITION_UNCERTAIN
    return None
