"""Round-trip times of four sites, and the paths that Skyhaul gives them without fixed delay and queueing."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from skyhaul.scenario import Scenario
from skyhaul.system import System

from .logit import Floats, Ints
from .served import LOWEST_ALTITUDE_KM

PROBES = 3  # of a traceroute, sent at once
START = np.datetime64("2024-07-16T12:00:12", "ns")

# PoP of each site and the way there; see the page for Lincoln's.
POPS = {
    "victoria-canada": "SEA",
    "louvain-belgium": "FRA",
    "lincoln-usa": "Kansas City",
    "ulukhaktok-canada": "SEA",
}
# Ulukhaktok is served over lasers although Alaska's gateways are in reach: its minimum is straight light to Seattle.
LASERS = {"never": ("victoria-canada", "louvain-belgium", "lincoln-usa"), "always": ("ulukhaktok-canada",)}
KANSAS_CITY = "kind,name,lat,lon\npop,Kansas City,39.100941,-94.581036\n"


@dataclass(frozen=True, slots=True)
class Site:
    """Samples and simulated paths of one site.

    measured_ms  (n,) in the order of measurement
    path_ms      (T,) light and fibre, there and back, one instant a slot
    laser_hops   (T,) laser links of those paths
    slot         (T,) slot numbers
    """

    name: str
    measured_ms: Floats
    path_ms: Floats
    laser_hops: Ints
    slot: Ints


def read_sites(data: Path, hours: float = 24.0) -> dict[str, Site]:
    """All four sites; paths over `hours` of the elements' day, lasers where a site needs them."""
    samples = pd.read_csv(data / "rtt_sites_2024" / "rtt.csv.gz")
    sites: dict[str, Site] = {}
    for lasers, names in LASERS.items():
        runs = _run(data, site_terminals(data, names), lasers, hours)
        for k, name in enumerate(names):
            own = samples.rtt_ms[samples.site == name].to_numpy()
            path, hops, slot = (column[:, k] if column.ndim == 2 else column for column in runs)
            good = np.isfinite(path)
            sites[name] = Site(name, own, path[good], hops[good].astype(np.int64), slot[good].astype(np.int64))
    return sites


def site_terminals(data: Path, names: Sequence[str]) -> list[dict[str, object]]:
    """The sites as terminals of a scenario."""
    places = pd.read_csv(data / "rtt_sites_2024" / "summary.csv").set_index("site")
    return [
        {"name": name, "latitude_deg": places.lat[name], "longitude_deg": places.lon[name], "pop": POPS[name]}
        for name in names
    ]


def _run(data: Path, terminals: list[dict[str, object]], lasers: str, hours: float) -> tuple[Floats, Floats, Floats]:
    system = site_system(data, terminals, lasers, delay={"fixed_ms": 0.0, "queueing": False})
    length = np.timedelta64(round(hours * 3600), "s")
    runs = list(system.run(START, length, np.timedelta64(15, "s")))
    path = np.concatenate([run.paths.rtt_s[:1] for run in runs]) * 1e3
    hops = np.array([run.paths.laser_hops for run in runs], dtype=np.float64)
    slot = np.array([run.plan.slot for run in runs], dtype=np.float64)
    return path, hops, slot


def site_system(data: Path, terminals: list[dict[str, object]], lasers: str, **tables: object) -> System:
    """The elements nearest to the measurements, the ground segment of that time, and some of the sites."""
    with tempfile.TemporaryDirectory() as folder:
        extra = Path(folder, "kansas-city.csv")
        extra.write_text(KANSAS_CITY, encoding="utf-8")
        scenario = Scenario.model_validate(
            {
                "name": "rtt sites",
                "constellation": {
                    "elements": data / "tle" / "starlink_2024-07-16.tle.gz",
                    "minimum_altitude_km": LOWEST_ALTITUDE_KM,
                },
                "ground": {
                    "files": [data / "ground_segment" / "gateways_pops_backbone_2023-10-10.csv", extra],
                },
                "terminals": terminals,
                "lasers": {"use": lasers},
                **tables,
            }
        )
        return System.from_scenario(scenario)
