"""From options to a scenario, and to a system that answers for it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from skyhaul.scenario import Scenario
    from skyhaul.system import System


def scenario_with(
    source: str,
    *,
    start: datetime | None = None,
    duration: timedelta | None = None,
    step: timedelta | None = None,
    elements: Path | None = None,
    ground: Sequence[Path] | None = None,
    seed: int | None = None,
    strategy: str | None = None,
    skip_bad: bool = False,
    registry: str | None = None,
) -> Scenario:
    """A scenario file or preset with the fields that options change."""
    from skyhaul.scenario import changed_scenario, load_scenario

    scenario = load_scenario(source)
    given = {
        "time.start": start,
        "time.duration": duration,
        "time.step": step,
        "seed": seed,
        "scheduler.strategy": None if strategy is None else str(strategy),
        "constellation.skip_bad": skip_bad or None,
        "control.facts": registry,
    }
    changes: dict[str, object] = {field: value for field, value in given.items() if value is not None}
    if elements is not None:
        changes |= {"constellation.preset": None, "constellation.walker": (), "constellation.elements": elements}
        if start is None:
            # The scenario's own start belongs to the scenario's own elements.
            changes["time.start"] = None
    if ground:
        changes |= {"ground.preset": None, "ground.files": tuple(ground)}
    return changed_scenario(scenario, changes) if changes else scenario


def system_at(
    source: str, time: datetime | None, elements: Path | None, ground: Sequence[Path] | None, skip_bad: bool
) -> tuple[System, np.datetime64]:
    """A system, and the instant to ask it about: the one given, or the scenario's start."""
    from skyhaul.scenario import as_numpy
    from skyhaul.system import System

    system = System.from_scenario(scenario_with(source, elements=elements, ground=ground, skip_bad=skip_bad))
    return system, system.default_start() if time is None else as_numpy(time, system.default_start())
