"""Delay above light and fibre: grants, queues and bursts from one site, lasers from another, checked on two more."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.optimize import minimize
from scipy.stats import rankdata

from skyhaul.network import DelayModel, packet_extra_s, slot_extra_s, slot_starts

from .logit import Floats
from .rtt import PROBES, Site, read_sites
from .served import LOWEST_ALTITUDE_KM

FITTED, LASER_SITE = "victoria-canada", "ulukhaktok-canada"
FRAME_MS = 1e3 / 750.0
GRANTS = (3, 4, 6, 8)
QUANTILES = np.array([0.002, 0.01, 0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95, 0.98, 0.99])
WEIGHTS = np.array([2.0, 2.0, 3.0, 2.0, 3.0, 4.0, 3.0, 2.0, 2.0, 0.5, 0.25])
SAME_SLOT = 3000.0  # weight of the squared misfit of the rank correlation, against squared ms
KEYS = np.arange(4)  # terminals drawn at once, to steady the simulated quantiles


def steps_ms(site: Site) -> Floats:
    """Steps between neighbouring probes: most pairs are of one traceroute, whose probes are sent at once."""
    return np.asarray(np.diff(site.measured_ms))


def peak(steps: Floats, frames: int) -> tuple[int, int]:
    """Steps near a multiple of the frame (later by up to 0.25 ms of sending), and in a window beside it as wide."""
    at = frames * FRAME_MS
    near = np.count_nonzero((steps > at - 0.25) & (steps < at + 0.05))
    beside = np.count_nonzero((steps > at - 0.65) & (steps < at - 0.35))
    return int(near), int(beside)


def grant_share(site: Site) -> tuple[float, ...]:
    """Share of each grant interval, from the peaks less what lies beside them."""
    net = np.array([max(0, near - beside) for near, beside in (peak(steps_ms(site), n) for n in GRANTS)], dtype=float)
    return tuple(np.round(net / net.sum(), 2).tolist())


def rank_correlation(first: Floats, second: Floats) -> float:
    """Spearman's."""
    return float(np.corrcoef(rankdata(first), rankdata(second))[0, 1])


def memory(site: Site, traceroutes: int) -> float:
    """Rank correlation of round-trip times so many traceroutes apart."""
    lag = traceroutes * PROBES
    return rank_correlation(site.measured_ms[lag:], site.measured_ms[:-lag])


def simulate_ms(model: DelayModel, site: Site, seed: int, offset_s: int = 0) -> Floats:
    """(T, 4) round-trip times over the site's paths, probes sent so many seconds into each slot."""
    time = slot_starts(site.slot) + np.timedelta64(offset_s, "s")
    slot = slot_extra_s(model, seed, site.slot, KEYS, site.laser_hops[:, None])
    packet = packet_extra_s(model, seed, time, KEYS)
    extra = slot.up_s + slot.down_s + packet.up_s + packet.down_s + model.fixed_s
    return np.asarray(site.path_ms[:, None] + extra * 1e3)


def fit_bent_pipe(site: Site, share: tuple[float, ...], correlation: float) -> DelayModel:
    """Queue and burst parameters that give the site's quantiles, and its memory within a slot."""
    wanted = np.quantile(site.measured_ms, QUANTILES)

    def model_of(x: Floats) -> DelayModel:
        slot_s, queue_s, burst_s = np.exp(x[:3]) * 1e-3
        queue_share, burst_share = 1.0 / (1.0 + np.exp(-x[3:]))
        return DelayModel(
            grant_share=tuple(np.array(share) / sum(share)),
            slot_queue_s=slot_s,
            queue_share=queue_share,
            queue_s=queue_s,
            burst_share=burst_share,
            burst_s=burst_s,
        )

    def loss(x: Floats) -> float:
        model = model_of(x)
        early, late = (simulate_ms(model, site, 0, offset_s) for offset_s in (3, 7))
        misfit = np.quantile(early, QUANTILES) - wanted
        same = rank_correlation(early.ravel(), late.ravel()) - correlation
        return float(np.sum(WEIGHTS * misfit**2) + SAME_SLOT * same**2)

    start = np.array([1.5, 1.8, 3.3, 1.2, -3.3])
    found = minimize(loss, start, method="Nelder-Mead", options={"maxiter": 800, "xatol": 0.01, "fatol": 0.05})
    return model_of(found.x)


def fit_lasers(site: Site, model: DelayModel) -> float:
    """Seconds per laser link that bring 5th percentile and median nearest to the site's."""
    wanted = np.quantile(site.measured_ms, (0.05, 0.50))
    trials = np.arange(0.0, 8.01, 0.25) * 1e-3
    misfits = [
        np.sum((np.quantile(simulate_ms(replace(model, laser_hop_s=s), site, 0, 3), (0.05, 0.5)) - wanted) ** 2)
        for s in trials
    ]
    return float(trials[int(np.argmin(misfits))])


def section(data: Path) -> str:
    """The page's part on the delay."""
    sites = read_sites(data)
    site = sites[FITTED]
    packaged = DelayModel()
    share = grant_share(site)
    same_slot = memory(site, 1)
    fitted = fit_bent_pipe(site, share, same_slot)
    laser = fit_lasers(sites[LASER_SITE], replace(fitted, laser_hop_s=0.0))
    lines = [
        "## Delay above light and fibre",
        "",
        "Data: `rtt_sites_2024`, about 2,300 traceroutes of three probes at each of four sites, to the gateway of the "
        "point of presence (PoP). Paths: Skyhaul's own, a day from 2024-07-16 at one instant a slot, `observed` "
        f"strategy, satellites above {LOWEST_ALTITUDE_KM:.0f} km, gateways and PoPs of 2023-10-10; fibre 1.3 great "
        "circles at an index of 1.468.",
        "",
        "### What the probes show",
        "",
        "The three probes of a traceroute are sent at once. Where one comes back later than the one before, it is "
        "often by a multiple of the 1.333 ms frame: it missed an uplink grant and left in a later one. Counts "
        "of such steps within 0.3 ms of a multiple, and in a window as wide beside it:",
        "",
        "| frames later | " + " | ".join(sites) + " |",
        "|---:|" + "---:|" * len(sites),
    ]
    for frames in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12):
        counts = [peak(steps_ms(one), frames) for one in sites.values()]
        lines.append(f"| {frames} | " + " | ".join(f"{near} ({beside})" for near, beside in counts) + " |")
    lags = (1, 2, 3, 5, 10, 20, 50)
    lines += [
        "",
        "Grants come 3, 4, 6 or 8 frames apart. Rank correlation of round-trip times some traceroutes apart (one takes "
        "a few seconds, so that a slot holds several):",
        "",
        "| traceroutes apart | " + " | ".join(str(lag) for lag in lags) + " |",
        "|---|" + "---:|" * len(lags),
    ]
    for one in sites.values():
        lines.append(f"| {one.name} | " + " | ".join(f"{memory(one, lag):.2f}" for lag in lags) + " |")
    lines += [
        "",
        "So over bent pipes less than half of the spread stays from one traceroute to the next, and most of that is "
        "gone after a few: the larger part is each packet's own. At the laser site the route stays, for about ten "
        "traceroutes.",
        "",
        "### Fit",
        "",
        f"Round trip = 2 × (light + fibre) + fixed + slot + packet. The fixed part, {packaged.fixed_s * 1e3:.1f} ms, "
        f"is measured at ten sites and not fitted here. All else is fitted at {FITTED} alone, the one bent-pipe site "
        "whose PoP is stated without doubt: eleven quantiles from 0.2 to 99 %, and the correlation from one "
        f"traceroute to the next ({same_slot:.2f}) as that within a slot. The part per laser link is then fitted at "
        f"{LASER_SITE}, to its 5th percentile and median.",
        "",
        "| parameter | fitted | in the package |",
        "|---|---:|---:|",
        f"| `grant_share` of 3, 4, 6, 8 frames | {', '.join(f'{s:.2f}' for s in share)} | "
        f"{', '.join(f'{s:.2f}' for s in packaged.grant_share)} |",
    ]
    for name, scale, unit in (
        ("slot_queue_s", 1e3, " ms"),
        ("queue_share", 1e2, " %"),
        ("queue_s", 1e3, " ms"),
        ("burst_share", 1e2, " %"),
        ("burst_s", 1e3, " ms"),
    ):
        values = (getattr(fitted, name) * scale, getattr(packaged, name) * scale)
        lines.append(f"| `{name}` | " + " | ".join(f"{value:.1f}{unit}" for value in values) + " |")
    lines.append(f"| `laser_hop_s` | {laser * 1e3:.2f} ms | {packaged.laser_hop_s * 1e3:.2f} ms |")
    lines += ["", *_result(sites, packaged)]
    return "\n".join(lines)


def _result(sites: dict[str, Site], model: DelayModel) -> list[str]:
    lines = [
        "### Result",
        "",
        "With the package's parameters, ms; measured / simulated. Minimum of as many samples as were measured.",
        "",
        "| site | use | minimum | 5 % | 25 % | 50 % | 75 % | 95 % | 99 % | 95 % / 50 % | paths alone: 5, 50, 95 % |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    uses = {FITTED: "fitted", LASER_SITE: "lasers fitted"}
    steps = []
    for one in sites.values():
        drawn = simulate_ms(model, one, 1, 3)
        ours, theirs = drawn.ravel(), one.measured_ms
        least = np.array([part.min() for part in np.array_split(ours, max(1, round(len(ours) / len(theirs))))]).mean()
        at = (0.05, 0.25, 0.50, 0.75, 0.95, 0.99)
        pairs = zip(np.quantile(theirs, at), np.quantile(ours, at), strict=True)
        ratios = [np.quantile(x, 0.95) / np.median(x) for x in (theirs, ours)]
        paths = ", ".join(f"{value:.1f}" for value in np.quantile(one.path_ms, (0.05, 0.5, 0.95)))
        cells = [f"{theirs.min():.1f} / {least:.1f}", *(f"{a:.1f} / {b:.1f}" for a, b in pairs)]
        lines.append(
            f"| {one.name} | {uses.get(one.name, 'held out')} | {' | '.join(cells)} | "
            f"{ratios[0]:.2f} / {ratios[1]:.2f} | {paths} |"
        )
        following = np.diff(one.slot) == 1
        step = np.abs(np.diff(drawn, axis=0)[following])
        steps.append(f"{one.name} {np.median(step):.1f} and {np.quantile(step, 0.9):.1f} ms")
    lines += [
        "",
        "Simulated step between single packets of neighbouring slots, median and 90 %: " + "; ".join(steps) + ".",
    ]
    return lines
