"""Round-trip times from dish to point of presence, against four measured sites."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from accuracy._check import Check, Section, within
from skyhaul.scenario import Scenario, TerminalTable
from skyhaul.system import System
from skyhaul.types import Floats

# PoPs as the measurements' README gives them. Lincoln's is not given: the nearest of the ground segment is taken.
POPS = {"victoria-canada": "SEA", "louvain-belgium": "FRA", "ulukhaktok-canada": "SEA"}
LASER_SITES = ("ulukhaktok-canada",)


def measured(data: Path) -> dict[str, dict[str, float]]:
    """Coordinates and percentiles of each site: lat, lon, min, p5, p50, p95 …, in ms."""
    with (data / "rtt_sites_2024" / "summary.csv").open(newline="", encoding="utf-8") as lines:
        return {
            row["site"]: {key: float(value) for key, value in row.items() if key not in ("site", "pop_city")}
            for row in csv.DictReader(lines)
        }


def simulate(data: Path, hours: float, step_s: float, seed: int = 1) -> tuple[dict[str, Floats], dict[str, str]]:
    """RTT samples in ms of each site over a day from the elements nearest in time, and each site's PoP."""
    sites = measured(data)
    known = System.from_scenario(_scenario(data, sites, {}, seed)).world.ground.pops.name
    pops = {site: next(name for name in known if name.startswith(code)) for site, code in POPS.items() if site in sites}
    system = System.from_scenario(_scenario(data, sites, pops, seed))
    start = np.datetime64("2024-07-16T12:00:12", "ns")
    length = np.timedelta64(round(hours * 3600), "s")
    step = np.timedelta64(round(step_s * 1000), "ms")
    rtt = np.concatenate([run.paths.rtt_s for run in system.run(start, length, step)]) * 1e3
    names = system.world.ground.pops.name
    used = {site: names[pop] for site, pop in zip(sites, system.world.terminals.pop, strict=True)}
    return {site: rtt[np.isfinite(rtt[:, k]), k] for k, site in enumerate(sites)}, used


def _scenario(data: Path, sites: dict[str, dict[str, float]], pops: dict[str, str], seed: int) -> Scenario:
    terminals = tuple(
        TerminalTable(name=site, latitude_deg=row["lat"], longitude_deg=row["lon"], pop=pops.get(site))
        for site, row in sites.items()
    )
    return Scenario.model_validate(
        {
            "name": "rtt sites",
            "seed": seed,
            "constellation": {"elements": data / "tle" / "starlink_2024-07-16.tle.gz", "minimum_altitude_km": 500.0},
            "ground": {"files": [data / "ground_segment" / "gateways_pops_backbone_2023-10-10.csv"]},
            "terminals": terminals,
        }
    )


def run(data: Path, hours: float = 24.0, step_s: float = 5.0) -> Section:
    simulated, pops = simulate(data, hours, step_s)
    checks: list[Check] = []
    for site, row in measured(data).items():
        rtt = simulated[site]
        p5, p50, p95 = np.percentile(rtt, (5, 50, 95))
        if site in LASER_SITES:
            checks.append(within(f"{site}: p5", p5, row["p5"], 10.0, "ms"))
            checks.append(within(f"{site}: median", p50, row["p50"], 10.0, "ms"))
        else:
            checks.append(within(f"{site}: minimum", float(rtt.min()), row["min"], 3.0, "ms"))
            checks.append(within(f"{site}: median", p50, row["p50"], 5.0, "ms"))
        ratio = row["p95"] / row["p50"]
        checks.append(Check(f"{site}: p95/p50", p95 / p50, 1.4, 2.4, "", f"{ratio:.3g} measured"))
    return Section(
        "Dish to point of presence: round-trip time at four sites",
        f"{hours:g} h from 2024-07-16 at {step_s:g} s, elements of that day, gateways and PoPs of 2023-10-10, strategy "
        f"`observed`; PoPs: {', '.join(f'{site} {pop}' for site, pop in pops.items())}. Reference: about 2,300 "
        "traceroutes a site, October 2024 (three months after the elements: the comparison is of distributions).",
        tuple(checks),
    )
