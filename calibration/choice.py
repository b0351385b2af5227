"""Which satellite is given: the logit model, fitted, cross-validated and run as a plan."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from skyhaul.network import ChoiceModel, is_large
from skyhaul.scenario import Scenario
from skyhaul.sources import read_elements
from skyhaul.system import System

from .logit import Bools, Fit, Floats, Ints, fit, probabilities, renumber
from .served import (
    BAR_DEG,
    LATITUDE_DEG,
    LONGITUDE_DEG,
    LOWEST_ALTITUDE_KM,
    MASK_DEG,
    SLOT,
    Candidates,
    Record,
    read_candidates,
)

GSO_FREE_DEG = 60.0  # from the profile in the page: the likelihood is flat from 50° to 70°
PLANS = 16


@dataclass(frozen=True, slots=True)
class Figures:
    """What is said of a sequence of serving satellites, against the candidates the data list (20° and above)."""

    highest_percent: float
    five_highest_percent: float
    median_rank: float
    elevation_above_deg: float
    same_next_percent: float
    under_18_percent: float
    candidates_under_18_percent: float


# The range of each figure over three sites, as published with the measurements of 2024-07-17.
LEAST = Figures(5, 33, 5, 12.7, 15, 0.4, 3)
MOST = Figures(14, 56, 8, 25.5, 41, 3.3, 10)
MEANING = {
    "highest_percent": "the highest satellite is chosen, % of slots",
    "five_highest_percent": "one of the five highest, %",
    "median_rank": "median rank by elevation",
    "elevation_above_deg": "median elevation chosen minus median available, °",
    "same_next_percent": "the same satellite in the next slot, %",
    "under_18_percent": "chosen under 18° from the geostationary arc, %",
    "candidates_under_18_percent": "candidates under 18°, %",
}


def figures(candidates: Candidates, serving: Ints) -> Figures:
    """The seven figures; `serving` (S,) is the satellite of each slot."""
    seen = np.flatnonzero(candidates.listed)
    elevation, slot = candidates.listed_elevation_deg[seen], candidates.slot[seen]
    order = np.lexsort((-elevation, slot))
    starts = np.flatnonzero(np.r_[True, np.diff(slot[order]) > 0])
    rank = np.empty(len(seen), dtype=np.int64)
    rank[order] = np.arange(len(seen)) - np.repeat(starts, np.diff(np.r_[starts, len(seen)])) + 1
    chosen = candidates.satellite[seen] == serving[slot]
    gso = candidates.gso_start_deg[seen]
    return Figures(
        100 * float(np.mean(rank[chosen] == 1)),
        100 * float(np.mean(rank[chosen] <= 5)),
        float(np.median(rank[chosen])),
        float(np.median(elevation[chosen]) - np.median(elevation)),
        100 * float(np.mean(serving[1:] == serving[:-1])),
        100 * float(np.mean(gso[chosen] < 18)),
        100 * float(np.mean(gso < 18)),
    )


def features(candidates: Candidates, extra: str = "") -> Floats:
    """(V, F) what the utility is linear in: zenith angle squared and cubed, arc, held, generation, and one more."""
    zenith = (90.0 - candidates.elevation_deg) / 90.0
    columns = [
        zenith**2,
        zenith**3,
        np.minimum(candidates.gso_deg / GSO_FREE_DEG, 1.0) ** 2,
        candidates.held,
        is_large(candidates.catalog_number),
    ]
    north = np.cos(np.radians(candidates.azimuth_deg)) * np.cos(np.radians(candidates.elevation_deg))
    more = {
        "north (cosine of azimuth and elevation)": north,
        "rising or sinking": (candidates.end_deg - candidates.start_deg) / 10.0,
        "slant range, logarithm": np.log(candidates.slant_range_m / 1e6),
        "under 18° from the arc": candidates.gso_deg < 18.0,
        "zenith angle, linear": zenith,
        "catalogue number, per 1000": (candidates.catalog_number - 50_000) / 1000.0,
    }
    if extra:
        columns.append(more[extra])
    return np.column_stack(columns).astype(np.float64)


EXTRAS = (
    "north (cosine of azimuth and elevation)",
    "rising or sinking",
    "slant range, logarithm",
    "under 18° from the arc",
    "zenith angle, linear",
    "catalogue number, per 1000",
)


def model_of(fitted: Fit) -> ChoiceModel:
    """The package's parameters from the linear coefficients."""
    square, cube, gso, held, large = fitted.coefficient
    best = -2.0 * square / (3.0 * cube)
    return ChoiceModel(90.0 * (1.0 - best), square * best**2 / 3.0, gso, GSO_FREE_DEG, held, large)


def model_errors(fitted: Fit) -> dict[str, float]:
    """Standard errors of the package's parameters, by the delta method."""
    square, cube = fitted.coefficient[:2]
    best_of = np.array([60.0 / cube, -60.0 * square / cube**2])
    weight_of = np.array([12.0 * square**2 / (27.0 * cube**2), -8.0 * square**3 / (27.0 * cube**3)])
    covariance = fitted.covariance[:2, :2]
    return {
        "best_elevation_deg": float(np.sqrt(best_of @ covariance @ best_of)),
        "best_weight": float(np.sqrt(weight_of @ covariance @ weight_of)),
        "gso_weight": float(fitted.error[2]),
        "held_weight": float(fitted.error[3]),
        "large_weight": float(fitted.error[4]),
    }


def dish_system(data: Path, seed: int) -> System:
    """The dish in the network of that day."""
    elements = data / "tle" / "starlink_2024-07-16.tle.gz"
    scenario = Scenario.model_validate(
        {
            "name": "a dish in Belgium",
            "seed": seed,
            "constellation": {"elements": elements, "minimum_altitude_km": LOWEST_ALTITUDE_KM},
            "ground": {"files": [data / "ground_segment" / "gateways_pops_backbone_2023-10-10.csv"]},
            "terminals": [{"name": "dish", "latitude_deg": LATITUDE_DEG, "longitude_deg": LONGITUDE_DEG, "pop": "FRA"}],
        }
    )
    return System.from_scenario(scenario)


def plan(data: Path, record: Record, seed: int) -> Ints:
    """(S,) what Skyhaul's scheduler gives the dish in the same slots; satellites as numbered in the element set."""
    system = dish_system(data, seed)
    elements = read_elements(data / "tle" / "starlink_2024-07-16.tle.gz").elements
    number = {int(n): i for i, n in enumerate(elements.catalog_number)}
    given = system.world.elements.catalog_number
    runs = system.run(record.start[0], len(record.start) * SLOT, SLOT)
    return np.array([number[int(given[run.plan.satellite[0]])] for run in runs])


@dataclass(frozen=True, slots=True)
class Score:
    """How well held-out slots are predicted: per slot, the log-likelihood gained over a random choice, and the chance
    that the model gives to what served."""

    gain: float
    chance: float


def halves(candidates: Candidates, which: Bools) -> tuple[list[Fit], Score]:
    """Fits on each half of the time, and their score on the other half."""
    x, slot, chosen = features(candidates)[which], candidates.slot[which], candidates.served[which]
    middle = np.median(np.unique(slot))
    fits: list[Fit] = []
    gain, chance = [], []
    for early in (True, False):
        own = (slot < middle) == early
        fitted = fit(x[own], renumber(slot[own]), chosen[own])
        fits.append(fitted)
        at = renumber(slot[~own])
        held_out = probabilities(x[~own], at, fitted.coefficient)[chosen[~own]]
        chance.append(held_out)
        gain.append(np.log(held_out) + np.log(np.bincount(at)))
    return fits, Score(float(np.concatenate(gain).mean()), float(np.concatenate(chance).mean()))


def section(data: Path) -> str:
    """The page's part on the choice."""
    candidates, record = read_candidates(data)
    slots = len(record.start)
    which = candidates.usable()
    with_choice = np.isin(candidates.slot, candidates.slot[which & candidates.served])
    which = which & with_choice
    x, slot, chosen = features(candidates)[which], renumber(candidates.slot[which]), candidates.served[which]
    fitted = fit(x, slot, chosen)
    choices = int(chosen.sum())
    size = np.bincount(slot)
    null = -float(np.log(size).sum())
    both, score = halves(candidates, which)

    def near(separation_deg: float) -> int:
        return int(np.count_nonzero(candidates.served & (candidates.gso_deg < separation_deg)))

    lines = [
        "## Which satellite is given",
        "",
        f"Data: `serving_satellite_2024-07-17`, {slots} slots of 15 s at one dish in Belgium, {record.start[0]!s:.19} "
        f"to {record.start[-1]!s:.19} UTC, and the elements of the day before. The serving satellite is inferred there "
        "from the dish's own map of obstructions; the operator does not tell it.",
        "",
        f"- The serving satellite changes {record.inside} times inside a slot: every change is at :12, :27, :42 or "
        ":57.",
        f"- {near(18.0)} slots were served from under 18° at the least, {near(BAR_DEG)} of them from under "
        f"{BAR_DEG:.0f}° and none from under 8°: the plan bars satellites under {BAR_DEG:.0f}°, two thirds of the "
        "separation that it is told.",
        f"- Candidates for the fit: all satellites above {LOWEST_ALTITUDE_KM:.0f} km of altitude, above "
        f"{MASK_DEG:.0f}° at both ends of the slot, and {BAR_DEG:.0f}° or more from the geostationary arc in all of "
        f"it: {len(slot) / choices:.1f} on average. {choices} slots have a choice. A random one would meet the truth "
        f"in {100 * float((1 / size).mean()):.1f} % of them.",
        "- Candidates for the seven figures below: those the data list, above 20° at the start of the slot and inside "
        "the dish's field of view, a cone that leans to the north-west. The ranges over three sites come from such "
        "lists.",
        "",
        "### Model",
        "",
        "Conditional logit: the chance of a satellite is proportional to exp(utility). With s the zenith angle as a "
        "share of that of the best elevation,",
        "",
        "    utility = best_weight s² (3 − 2 s) + gso_weight min(separation / 60°, 1)² + held_weight [held]",
        "              + large_weight [second generation].",
        "",
        "Five numbers, fitted by maximum likelihood:",
        "",
        "| parameter | fitted | standard error | first half | second half | in the package |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    errors = model_errors(fitted)
    whole, first, second, packaged = model_of(fitted), model_of(both[0]), model_of(both[1]), ChoiceModel()
    for name, error in errors.items():
        values = [getattr(model, name) for model in (whole, first, second, packaged)]
        lines.append(
            f"| `{name}` | {values[0]:.2f} | {error:.2f} | " + " | ".join(f"{v:.2f}" for v in values[1:]) + " |"
        )
    gain = (fitted.log_likelihood - null) / choices
    lines += [
        "",
        f"Per slot the model gains {gain:.2f} in log-likelihood over a random choice on the slots it was fitted to. "
        f"Fitted to one half of the time it gains {score.gain:.2f} on the other half, and gives the satellite that "
        f"served there a chance of {100 * score.chance:.1f} %.",
        "",
        "A sixth number would add, in log-likelihood (1.9 is 5 % significance, before choosing among several):",
        "",
        "| sixth feature | gain | coefficient |",
        "|---|---:|---:|",
    ]
    for extra in EXTRAS:
        wider = fit(features(candidates, extra)[which], slot, chosen)
        coefficient = f"{wider.coefficient[-1]:.2f} ± {wider.error[-1]:.2f}"
        lines.append(f"| {extra} | {wider.log_likelihood - fitted.log_likelihood:.1f} | {coefficient} |")
    lines += ["", *_plans(data, candidates, record)]
    return "\n".join(lines)


def _plans(data: Path, candidates: Candidates, record: Record) -> list[str]:
    serving = record.serving
    slots = len(serving)
    plans = [plan(data, record, seed) for seed in range(PLANS)]
    drawn = [figures(candidates, one) for one in plans]
    truth = figures(candidates, serving)
    match = np.array([100 * np.mean(one == serving) for one in plans])
    usable = np.bincount(candidates.slot[candidates.usable()], minlength=slots)
    listed = np.bincount(candidates.slot[candidates.usable() & candidates.listed], minlength=slots)
    lines = [
        "### Run as a plan",
        "",
        f"{PLANS} plans of the same {slots} slots by Skyhaul's scheduler, with different seeds, gateways and PoPs of "
        "2023-10-10 and no obstruction mask.",
        "",
        "| figure | measured here | plans: mean | least | most | three sites |",
        "|---|---:|---:|---:|---:|---|",
    ]
    for field in fields(Figures):
        values = np.array([getattr(one, field.name) for one in drawn])
        least, most = getattr(LEAST, field.name), getattr(MOST, field.name)
        decimals = 0 if float(least).is_integer() else 1  # ranges are printed so, and the measured figures rounded
        held = "" if least <= round(float(values.mean()), decimals) <= most else " **outside**"
        lines.append(
            f"| {MEANING[field.name]} | {getattr(truth, field.name):.1f} | {values.mean():.1f} | {values.min():.1f} | "
            f"{values.max():.1f} | {least:g} … {most:g}{held} |"
        )
    lines += [
        "",
        f"The plans name the satellite that served in {match.mean():.1f} % of slots ({match.min():.1f} to "
        f"{match.max():.1f}); a random choice would in {100 * float((1 / usable).mean()):.1f} % among all candidates, "
        f"{100 * float((1 / np.maximum(listed, 1)).mean()):.1f} % among those in the dish's field of view.",
    ]
    return lines
