"""The engine that wires one slot after another: scenario in, plans and path states out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from skyhaul.scenario import Scenario
from skyhaul.system._engine import Engine, SlotRun, check_times
from skyhaul.system._explain import Explanation, explain
from skyhaul.system._motion import Motion, Places, Track
from skyhaul.system._route import Hop, Route, fibre_rtt_s, find_route
from skyhaul.system._world import World, load_world, with_constellation, with_terminals

__all__ = [
    "Engine",
    "Explanation",
    "Hop",
    "Motion",
    "Places",
    "Route",
    "SlotRun",
    "System",
    "Track",
    "World",
    "fibre_rtt_s",
    "load_world",
    "with_constellation",
    "with_terminals",
]


@dataclass(frozen=True, slots=True)
class System:
    """A scenario, loaded and ready to be asked."""

    world: World

    @classmethod
    def from_scenario(cls, scenario: Scenario, *, as_known: np.datetime64 | None = None) -> System:
        """Load everything a scenario names.

        as_known   decide who may be served from the facts recorded up to this instant, whatever the time of a slot;
                   without it each slot knows what was recorded up to one slot before it starts
        """
        return cls(load_world(scenario, as_known=as_known))

    def default_start(self) -> np.datetime64:
        """When a run starts if nobody says: the scenario's start, or the median epoch of the elements."""
        return self.world.default_start()

    def run(self, start: np.datetime64, duration: np.timedelta64, step: np.timedelta64) -> Iterator[SlotRun]:
        """Every slot of a run, in order. Warns when the elements' age makes positions doubtful."""
        check_times(self.world, start, duration)
        return Engine(self.world, start).run(duration, step)

    def explain(
        self, latitude_deg: float, longitude_deg: float, time: np.datetime64, *, terminal: str | None = None
    ) -> Explanation:
        """Every satellite above a place, and why it does or does not serve there: anybody, or the scenario's terminal
        of that name, which needs a grant there."""
        return explain(self.world, latitude_deg, longitude_deg, time, terminal=terminal)

    def route(self, a: str, b: str, time: np.datetime64, *, over_lasers: bool = False) -> Route:
        """The route between two ends: names, or "LAT,LON"."""
        return find_route(self.world, a, b, time, over_lasers=over_lasers)

    def provenance(self, start: np.datetime64) -> dict[str, Any]:
        """What the result of a run that starts then depends on."""
        return self.world.provenance(start)
