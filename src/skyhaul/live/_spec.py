"""What a source of tables is made from, as it goes to the process that plans; without NumPy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from skyhaul.scenario import Scenario


@dataclass(frozen=True, slots=True)
class ScenarioSpec:
    """A scenario to follow.

    scenario   a file, a preset's name, or the scenario itself
    changes    fields to change in it, as `skyhaul.scenario.changed_scenario` takes them
    terminals  whose links are wanted; none: all
    start      the UTC instant that time 0 stands for; without it the scenario's start
    speed      scenario seconds a second; delays and rates are not scaled
    live       time 0 is now, by the clock: a slot starts when it starts
    """

    scenario: str | Path | Scenario
    changes: Mapping[str, object] = field(default_factory=dict)
    terminals: tuple[str, ...] = ()
    start: datetime | None = None
    speed: float = 1.0
    live: bool = False


@dataclass(frozen=True, slots=True)
class TraceSpec:
    """A recorded trace to replay, again and again; one link for each of `names`.

    path      a file that `skyhaul.live.read_trace` reads
    terminal  which of a dataset's terminals; not needed where there is one
    names     what the links are called
    delay_ns  one-way delay of a trace that has none (mahimahi)
    down      the file of the other direction, where each has its own (mahimahi)
    """

    path: Path
    terminal: str | None = None
    names: tuple[str, ...] = ("trace",)
    delay_ns: int = 0
    down: Path | None = None


Spec: TypeAlias = ScenarioSpec | TraceSpec
