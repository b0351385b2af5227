"""Walker constellations: the patterns that shells are licensed and drawn as."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from skyhaul.errors import ElementsError
from skyhaul.orbits._elements import Elements
from skyhaul.orbits._gravity import mean_motion_at

_NUMBER = r"(\d+(?:\.\d+)?)"
_COUNTS = r"(\d{1,9})/(\d{1,9})/(\d{1,9})"
# Letters in any case, as in every ABNF grammar (RFC 5234, 2.3).
_CODE = re.compile(rf"([DS]):{_NUMBER}:{_NUMBER}:{_COUNTS}(?::{_NUMBER})?", re.ASCII | re.IGNORECASE)
_CLASSIC = re.compile(rf"{_NUMBER}:{_COUNTS}@{_NUMBER}", re.ASCII)
_MEND = 'write D:550:53.0:1584/72/39 (or S: for a star), or 53:1584/72/39@550 with the altitude in km behind "@"'
# The largest constellation that anyone has applied for: SpaceX's orbital data centres, FCC DA 26-113, 2026-02-04.
_MOST_SATELLITES = 1_000_000
# Up to the geostationary ring and a little above.
_ALTITUDES_KM = (100.0, 36_000.0)

# Not 0, which makes the argument of perigee undefined: the value of Kassing et al., IMC 2020, and of others since.
ECCENTRICITY = 1e-7


@dataclass(frozen=True, slots=True)
class Walker:
    """One shell: `satellites` on circular orbits in `planes` planes, evenly spread.

    pattern              "delta": nodes over 360°; "star": over 180°, with a seam
    altitude_km          above the WGS-72 equatorial radius, as a mean altitude (see `altitude_km`): 100 to 36,000
    phasing              Walker's F: from plane to plane satellites are 360° x F / satellites further on
    mean_anomaly_deg     of the first satellite of the first plane
    stagger              part of the in-plane spacing by which every second plane is shifted, besides the phasing
    mean_motion_rev_day  in place of the altitude, where a source gives that
    name                 label in satellites' names
    """

    pattern: str
    altitude_km: float
    inclination_deg: float
    satellites: int
    planes: int
    phasing: int = 0
    mean_anomaly_deg: float = 0.0
    stagger: float = 0.0
    mean_motion_rev_day: float | None = None
    name: str = ""

    def __post_init__(self) -> None:
        if self.pattern not in ("delta", "star"):
            raise ElementsError(f"pattern {self.pattern!r} of a shell", mend='take "delta" or "star"')
        if self.planes < 1 or self.satellites < 1 or self.satellites % self.planes:
            raise ElementsError(
                f"{self.satellites} satellites cannot be spread over {self.planes} planes evenly",
                mend="make the number of satellites a multiple of the number of planes",
            )
        if self.satellites > _MOST_SATELLITES:
            raise ElementsError(f"{self.satellites} satellites in a shell", mend=f"take up to {_MOST_SATELLITES}")
        if not 0 <= self.phasing < self.planes:
            raise ElementsError(f"phasing {self.phasing} of {self.planes} planes", mend="take 0 to planes - 1")
        if not 0.0 <= self.inclination_deg <= 180.0:
            raise ElementsError(f"inclination {self.inclination_deg}°", mend="take 0 to 180")
        if not 0.0 <= self.mean_anomaly_deg <= 360.0:
            raise ElementsError(f"mean anomaly {self.mean_anomaly_deg}°", mend="take 0 to 360")
        if self.mean_motion_rev_day is not None and not 0.0 < self.mean_motion_rev_day < 20.0:
            raise ElementsError(f"mean motion {self.mean_motion_rev_day} rev/day", mend="take above 0 and below 20")
        lowest, highest = _ALTITUDES_KM
        if not lowest <= self.altitude_km <= highest:
            raise ElementsError(f"altitude {self.altitude_km} km", mend=f"take {lowest:g} to {highest:g} km")

    @property
    def code(self) -> str:
        """The shell in the notation of draft-piraux-space-constellation-code, which knows no stagger."""
        tail = f":{_plain(self.mean_anomaly_deg)}" if self.mean_anomaly_deg else ""
        counts = f"{self.satellites}/{self.planes}/{self.phasing}"
        letter = self.pattern[0].upper()
        return f"{letter}:{_plain(self.altitude_km)}:{_plain(self.inclination_deg)}:{counts}{tail}"


def parse_walker(text: str) -> tuple[Walker, ...]:
    """Shells from a constellation code, several joined by "+".

    The notation of draft-piraux-space-constellation-code-01: `D:550:53.0:1584/72/39`, that is pattern (D or S),
    altitude in km, inclination in degrees, satellites/planes/phasing and, optionally, the mean anomaly of the first
    satellite; or Walker's own with an altitude, `53:1584/72/39@550`. `ElementsError` for anything else.
    """
    shells = []
    for part in map(str.strip, text.split("+")):
        if match := _CODE.fullmatch(part):
            pattern, altitude, inclination, satellites, planes, phasing, anomaly = match.groups()
        elif match := _CLASSIC.fullmatch(part):
            inclination, satellites, planes, phasing, altitude = match.groups()
            pattern, anomaly = "D", None
        else:
            raise ElementsError(f"{part!r} is not a Walker shell", mend=_MEND)
        shells.append(
            Walker(
                "delta" if pattern in "Dd" else "star",
                float(altitude),
                float(inclination),
                int(satellites),
                int(planes),
                int(phasing),
                float(anomaly or 0.0),
            )
        )
    return tuple(shells)


def walker_elements(shells: Sequence[Walker], epoch: np.datetime64) -> Elements:
    """Elements of all shells at an epoch: no drag, argument of perigee 0, first ascending node at the equinox.

    Satellites are numbered from 1, plane by plane, and named shell-plane-index: `s1-p07-n03`. `ElementsError` where
    there is no shell.
    """
    if not shells:
        raise ElementsError("a constellation of no shells", mend=_MEND)
    return Elements.concatenate(
        [_shell(shell, k, 1 + sum(s.satellites for s in shells[:k]), epoch) for k, shell in enumerate(shells)]
    )


def _shell(shell: Walker, number: int, first: int, epoch: np.datetime64) -> Elements:
    count, planes = shell.satellites, shell.planes
    in_plane = count // planes
    plane, index = np.divmod(np.arange(count, dtype=np.int64), in_plane)
    spread = 360.0 if shell.pattern == "delta" else 180.0
    spacing = 360.0 / in_plane
    anomaly = index * spacing + plane * 360.0 * shell.phasing / count + (plane % 2) * shell.stagger * spacing
    motion = shell.mean_motion_rev_day
    if motion is None:
        motion = mean_motion_at(shell.altitude_km, shell.inclination_deg, ECCENTRICITY)
    label = shell.name or f"s{number + 1}"
    zero = np.zeros(count)
    return Elements(
        name=tuple(f"{label}-p{p:02d}-n{i:02d}" for p, i in zip(plane.tolist(), index.tolist(), strict=True)),
        catalog_number=first + np.arange(count, dtype=np.int64),
        international_designator=("",) * count,
        epoch=np.full(count, epoch, dtype="datetime64[ns]"),
        mean_motion_rev_day=np.full(count, motion),
        eccentricity=np.full(count, ECCENTRICITY),
        inclination_deg=np.full(count, shell.inclination_deg),
        raan_deg=plane * (spread / planes),
        argument_of_perigee_deg=zero,
        mean_anomaly_deg=np.mod(anomaly + shell.mean_anomaly_deg, 360.0),
        bstar_per_er=zero,
        mean_motion_dot_rev_day2=zero,
        mean_motion_ddot_rev_day3=zero,
        shell=np.full(count, number, dtype=np.int64),
        plane=plane,
        index_in_plane=index,
    )


def _plain(number: float) -> str:
    """All digits of a number and no exponent, for a grammar that has none."""
    return np.format_float_positional(number, trim="-")
