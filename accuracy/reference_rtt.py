"""Round-trip times of the Hypatia paper's constellations, recomputed and held against an independent program's series.

The settings are those of Kassing et al., "Exploring the 'Internet from space' with Hypatia", IMC 2020, as the README
of the series gives them.
"""

from __future__ import annotations

import csv
import gzip
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from accuracy._check import Section, within
from skyhaul.earth import Sites
from skyhaul.network import LinkGraph, Targets, grid_links, shortest_paths, station_paths, usable_links
from skyhaul.orbits import Constellation, Walker, walker_elements
from skyhaul.types import Floats

EPOCH = np.datetime64("2000-01-01T00:00:00", "ns")
LIGHT_M_S = 299_792_458.0  # exact: definition of the metre


@dataclass(frozen=True, slots=True)
class Setting:
    """A shell, and the radius of the cone on the ground within which a satellite serves."""

    shell: Walker
    cone_radius_km: float

    @property
    def max_range_m(self) -> float:
        return math.hypot(self.cone_radius_km, self.shell.altitude_km) * 1e3


def _shell(altitude_km: float, inclination: float, planes: int, in_plane: int, revolutions_day: float) -> Walker:
    return Walker(
        "delta",
        altitude_km,
        inclination,
        planes * in_plane,
        planes,
        stagger=0.5,
        mean_motion_rev_day=revolutions_day,
    )


SETTINGS = {
    "kuiper_k1": Setting(_shell(630.0, 51.9, 34, 34, 14.80), 630.0 / math.tan(math.radians(30.0))),
    "starlink_s1": Setting(_shell(550.0, 53.0, 72, 22, 15.19), 940.7),
    "telesat_t1": Setting(_shell(1015.0, 98.98, 27, 13, 13.66), 1015.0 / math.tan(math.radians(10.0))),
}

CITIES = {
    "Manila": (14.6042, 120.9822),
    "Dalian": (38.913811, 121.602322),
    "Istanbul": (41.040852, 28.986179),
    "Nairobi": (-1.283253, 36.817245),
    "New York": (40.717042, -74.003663),
    "London": (51.507322, -0.127647),
}


@dataclass(frozen=True, slots=True)
class Comparison:
    """A pair's series and ours over the same seconds; outages are seconds without a path."""

    constellation: str
    pair: tuple[str, str]
    reference_ms: Floats
    ours_ms: Floats

    def minimum_ms(self) -> tuple[float, float]:
        """The reference's, ours."""
        return float(np.nanmin(self.reference_ms)), float(np.nanmin(self.ours_ms))

    def maximum_ms(self) -> tuple[float, float]:
        """The reference's, ours."""
        return float(np.nanmax(self.reference_ms)), float(np.nanmax(self.ours_ms))

    def outage_s(self) -> tuple[int, int]:
        """The reference's, ours."""
        return int(np.isnan(self.reference_ms).sum()), int(np.isnan(self.ours_ms).sum())


def rtt_series_ms(setting: Setting, pairs: list[tuple[str, str]], seconds: Floats) -> Floats:
    """Shortest round-trip times (pairs, T) in ms, not a number where there is no path; stations do not relay."""
    elements = walker_elements([setting.shell], EPOCH)
    constellation, links = Constellation(elements), grid_links(elements)
    names = sorted({name for pair in pairs for name in pair})
    latitude, longitude = zip(*(CITIES[_spaced(name)] for name in names), strict=True)
    sites = Sites.at(latitude, longitude, name=names)
    first, second = (np.array([names.index(pair[end]) for pair in pairs]) for end in (0, 1))
    series = np.full((len(pairs), len(seconds)), np.nan)
    for step, second_s in enumerate(seconds):
        time = EPOCH + np.timedelta64(round(second_s * 1e9), "ns")
        position = constellation.at(time, velocity=False).position_m
        usable, length_m = usable_links(links, position, max_range_m=np.inf)
        stations = Targets.within(sites.position_m, position, setting.max_range_m)
        routes = shortest_paths(LinkGraph.of(usable, length_m, len(elements)), stations)
        cost_m = station_paths(routes, stations).cost[first, second]
        series[:, step] = np.where(np.isfinite(cost_m), 2.0 * cost_m / LIGHT_M_S * 1e3, np.nan)
    return series


def compare(folder: Path) -> list[Comparison]:
    """All pairs of the series in `folder`, second by second."""
    with gzip.open(folder / "reference_rtt.csv.gz", "rt", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    series: dict[tuple[str, tuple[str, str]], dict[float, float]] = {}
    for row in rows:
        key = row["constellation"], (row["from"], row["to"])
        series.setdefault(key, {})[float(row["t_s"])] = float(row["rtt_ms"] or "nan")
    found = []
    for (constellation, pair), reference in series.items():
        seconds = np.array(sorted(reference))
        ours = rtt_series_ms(SETTINGS[constellation], [pair], seconds)[0]
        found.append(Comparison(constellation, pair, np.array([reference[second] for second in seconds]), ours))
    return found


def _spaced(name: str) -> str:
    """`NewYork`, as the series writes it, as `New York`."""
    return "".join(f" {letter}" if letter.isupper() and place else letter for place, letter in enumerate(name))


def run(data: Path) -> Section:
    checks = []
    for comparison in compare(data / "reference_rtt"):
        name = f"{comparison.constellation}, {' to '.join(comparison.pair)}"
        for what, (reference, ours) in (("minimum", comparison.minimum_ms()), ("maximum", comparison.maximum_ms())):
            checks.append(within(f"{name}: {what}", ours, reference, 0.5, "ms"))
        reference_s, ours_s = comparison.outage_s()
        checks.append(within(f"{name}: seconds without a path", ours_s, reference_s, 1.0, "s"))
    return Section(
        "Shortest paths over lasers: the Hypatia paper's constellations",
        "Shortest round trips over +Grid lasers, stations not relaying, 200 s at 1 s, as in Kassing et al., IMC 2020. "
        "Reference: series computed by an independent program.",
        tuple(checks),
    )
