"""Which satellite serves, against the record of a Belgian dish."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
from calibration.choice import LEAST, MEANING, MOST, Figures, dish_system, figures, plan
from calibration.served import SLOT, read_candidates

from accuracy._check import Check, Section

PLANS = 16


def run(data: Path, plans: int = PLANS) -> Section:
    candidates, record = read_candidates(data)
    drawn = [plan(data, record, seed) for seed in range(plans)]
    of_plans = [figures(candidates, serving) for serving in drawn]
    truth = figures(candidates, record.serving)
    checks = []
    for field in fields(Figures):
        mean = float(np.mean([getattr(one, field.name) for one in of_plans]))
        least, most = float(getattr(LEAST, field.name)), float(getattr(MOST, field.name))
        # Ranges in whole numbers were rounded to them, so half of one belongs to them on either side.
        slack = 0.5 if least.is_integer() and most.is_integer() else 0.0
        here = f"{least:g} … {most:g} over three sites, {getattr(truth, field.name):.3g} here"
        checks.append(Check(MEANING[field.name], mean, least - slack, most + slack, "", here))
    match = 100.0 * float(np.mean([np.mean(serving == record.serving) for serving in drawn]))
    choices = np.bincount(candidates.slot[candidates.usable() & candidates.listed], minlength=len(record.serving))
    random = 100.0 * float(np.mean(1.0 / np.maximum(choices, 1)))
    checks.append(Check("slots in which the true satellite is named, %", match, 2 * random, 100.0, "", "twice random"))
    checks.append(Check("changes of satellite inside a slot", float(_inside(data)), 0.0, 0.0, "", "none in the record"))
    return Section(
        "Which satellite serves: two hours of a Belgian dish",
        f"The scheduler's `observed` plans of the {len(record.serving)} slots of 2024-07-17 for which the serving "
        f"satellite is known, the mean of {plans} seeds; gateways of 2023-10-10. The figures count candidates as the "
        "record lists them, above 20° in the dish's field of view; a random choice among those meets the truth in "
        f"{random:.1f} % of slots. The choice model is fitted to these data ([calibration](calibration.md)); the "
        "ranges are those over three sites, two of which are not among them, and are published in whole numbers "
        "where they are whole.",
        tuple(checks),
    )


def _inside(data: Path) -> int:
    """Changes of the serving satellite between two seconds of one slot, in a quarter of an hour."""
    system = dish_system(data, seed=0)
    start = np.datetime64("2024-07-17T18:07:12", "ns")
    runs = list(system.run(start, 60 * SLOT, np.timedelta64(1, "s")))
    seconds = np.concatenate([np.repeat(run.paths.satellite[0], len(run.paths.time)) for run in runs])
    times = np.concatenate([run.paths.time for run in runs])
    changed = times[1:][np.diff(seconds) != 0]
    return int(np.count_nonzero((changed - start).astype(np.int64) % 15_000_000_000))
