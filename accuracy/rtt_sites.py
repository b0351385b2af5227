"""Round-trip times from dish to point of presence, against four measured sites."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from calibration.rtt import LASERS, POPS, START, site_system, site_terminals

from accuracy._check import Check, Section, within
from skyhaul.types import Floats


def simulate(data: Path, hours: float, step_s: float, seed: int = 1) -> dict[str, Floats]:
    """RTT samples in ms of each site over the elements' day."""
    length = np.timedelta64(round(hours * 3600), "s")
    step = np.timedelta64(round(step_s * 1000), "ms")
    samples: dict[str, Floats] = {}
    for lasers, names in LASERS.items():
        system = site_system(data, site_terminals(data, names), lasers, seed=seed)
        rtt = np.concatenate([run.paths.rtt_s for run in system.run(START, length, step)]) * 1e3
        samples |= {name: rtt[np.isfinite(rtt[:, k]), k] for k, name in enumerate(names)}
    return samples


def run(data: Path, hours: float = 24.0, step_s: float = 12.5) -> Section:
    simulated = simulate(data, hours, step_s)
    with (data / "rtt_sites_2024" / "summary.csv").open(newline="", encoding="utf-8") as lines:
        measured = {row["site"]: row for row in csv.DictReader(lines)}
    checks: list[Check] = []
    for site, rtt in simulated.items():
        row = {key: float(measured[site][key]) for key in ("min", "p5", "p50", "p95")}
        p5, p50, p95 = np.percentile(rtt, (5, 50, 95))
        if site in LASERS["always"]:
            checks.append(within(f"{site}: p5", p5, row["p5"], 10.0, "ms"))
            checks.append(within(f"{site}: median", p50, row["p50"], 10.0, "ms"))
        else:
            checks.append(within(f"{site}: minimum", float(rtt.min()), row["min"], 3.0, "ms"))
            checks.append(within(f"{site}: median", p50, row["p50"], 5.0, "ms"))
        checks.append(Check(f"{site}: p95/p50", p95 / p50, 1.4, 2.4, "", f"{row['p95'] / row['p50']:.3g} measured"))
    count = len(simulated["victoria-canada"])
    return Section(
        "Dish to point of presence: round-trip time at four sites",
        f"{count:,} samples a site over {hours:g} h from 2024-07-16, as many as were measured; elements of that day, "
        f"gateways and PoPs of 2023-10-10, strategy `observed`. PoPs: "
        f"{', '.join(f'{site} {pop}' for site, pop in POPS.items())}; Lincoln's is not stated and Kansas City is "
        "inferred ([calibration](calibration.md)). Lasers only at Ulukhaktok. Fitted: the spread at Victoria, the part "
        "per laser link at Ulukhaktok; Louvain and Lincoln are held out. Reference: about 2,300 traceroutes of three "
        "probes a site, October 2024, three months after the elements: distributions are compared, not instants.",
        tuple(checks),
    )
