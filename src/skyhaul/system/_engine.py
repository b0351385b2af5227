"""The engine: one slot after another, from positions to plan to path states."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from skyhaul.errors import SkyhaulWarning, TimeRangeError
from skyhaul.network import (
    Failures,
    LaserMesh,
    Outages,
    Paths,
    Plan,
    Scheduler,
    Terminals,
    slot_number,
    slot_start,
    trace_paths,
)
from skyhaul.orbits import expected_error_km
from skyhaul.radio import LinkBudget
from skyhaul.system._world import World
from skyhaul.types import Bools, Floats, Ints32, Times

# Slots planned before the one asked for, so that strategies which hold a satellite have one to hold: a pass above 25°
# at 550 km lasts at most 4.5 minutes, which are 18 slots.
WARM_UP_SLOTS = 18


@dataclass(frozen=True, slots=True)
class SlotRun:
    """One slot of a run: what was decided, and the path states that follow."""

    start: np.datetime64
    plan: Plan
    paths: Paths


class Engine:
    """Plans slots of a world for a set of terminals, keeping nothing but positions at the last slot's end."""

    def __init__(self, world: World, run_start: np.datetime64, terminals: Terminals | None = None) -> None:
        self.world = world
        self.run_start = run_start
        self.terminals = world.terminals if terminals is None else terminals
        self.scheduler = Scheduler(
            world.ground, self.terminals, world.rules, world.elements.catalog_number, world.scenario.seed
        )
        self.failures = Failures(world.failures(run_start), world.elements, world.ground)
        self._budget = LinkBudget()
        self._at: dict[int, Floats] = {}

    def plan(self, slot: int, previous: Plan | None) -> Plan:
        """The plan of one slot, given the one before."""
        start, end = slot_start(slot), slot_start(slot + 1)
        first, last = self._positions(slot), self._positions(slot + 1)
        outages = self.failures.during(start, end)
        return self.scheduler.plan(
            slot,
            first,
            last,
            outages,
            granted=self._granted(start, end),
            mesh=self.mesh(start, first, outages),
            previous=previous,
        )

    def plan_at(self, time: np.datetime64) -> Plan:
        """The plan of the slot that holds `time`, after as many slots before it as a satellite can be held."""
        slot = int(slot_number(time))
        return self.plan(slot, self._before(slot))

    def _before(self, slot: int) -> Plan | None:
        """The plan that a slot follows from, after as many as a satellite can be held."""
        plan: Plan | None = None
        for earlier in range(slot - WARM_UP_SLOTS, slot):
            plan = self.plan(earlier, plan)
        return plan

    def paths(self, plan: Plan, times: Times) -> Paths:
        """Path states at instants of the plan's slot."""
        world = self.world
        return trace_paths(
            plan,
            times,
            self._positions_of,
            world.ground,
            self.terminals,
            world.delay,
            self._budget,
            world.scenario.seed,
        )

    def mesh(self, start: np.datetime64, position_m: Floats, outages: Outages) -> LaserMesh | None:
        """The laser links of a slot; None where the rules want none."""
        rules = self.world.rules
        if rules.lasers == "never":
            return None
        return LaserMesh(self.world.links(start), position_m, rules.laser_range_m, rules.laser_clearance_m, outages)

    def run(self, duration: np.timedelta64, step: np.timedelta64) -> Iterator[SlotRun]:
        """Every slot of a run, with path states at run_start, run_start + step, … before run_start + duration.

        A slot between two instants has no path states, but its plan is made: the next one follows from it.
        """
        first, pace = _ns(self.run_start), int(step.astype("timedelta64[ns]").astype(np.int64))
        end = first + int(duration.astype("timedelta64[ns]").astype(np.int64))
        plan: Plan | None = self._before(int(slot_number(self.run_start)))
        for slot in range(int(slot_number(self.run_start)), int(slot_number(np.datetime64(end - 1, "ns"))) + 1):
            plan = self.plan(slot, plan)
            begins = slot_start(slot)
            before = max(0, -((first - _ns(begins)) // pace))  # instants that lie in earlier slots
            times = np.arange(first + before * pace, min(_ns(slot_start(slot + 1)), end), pace, dtype=np.int64)
            yield SlotRun(begins, plan, self.paths(plan, times.astype("datetime64[ns]")))

    def _positions(self, slot: int) -> Floats:
        if slot not in self._at:
            self._at = {known: position for known, position in self._at.items() if known >= slot - 1}
            self._at[slot] = self.world.position_m(slot_start(slot))
        return self._at[slot]

    def _positions_of(self, times: Times, satellites: Ints32) -> Floats:
        return self.world.constellation.at(times, satellites=satellites, velocity=False).position_m

    def _granted(self, start: np.datetime64, end: np.datetime64) -> Bools:
        granted = np.ones(len(self.terminals), dtype=np.bool_)
        granted[: len(self.world.terminals)] = self.world.granted(self.run_start, start, end)
        return granted


def _ns(time: np.datetime64) -> int:
    return int(time.astype("datetime64[ns]").astype(np.int64))


def check_times(world: World, start: np.datetime64, duration: np.timedelta64) -> None:
    """Warn where the elements are too old, or too young, for a run; refuse where they say nothing.

    `SkyhaulWarning` names the expected position error; `TimeRangeError` where no satellite has a position.
    """
    gone = int(np.count_nonzero(np.isnan(world.position_m(start)[0])))
    if gone == len(world.elements):
        raise TimeRangeError(
            f"no satellite has a position at {np.datetime_as_string(start, 's')}Z",
            where=world.elements_name,
            mend="take a time near the elements' epoch, or newer elements",
        )
    if gone:
        text = f"{gone} of {len(world.elements)} satellites have no position at the start: by their elements they have "
        text += "decayed or left their height"
        warnings.warn(text, SkyhaulWarning, stacklevel=2)
    if world.synthetic:
        return
    ages = np.abs(np.concatenate([world.constellation.age(start), world.constellation.age(start + duration)]))
    age = float(np.median(ages))
    error = expected_error_km(age)
    # 10 km turn a look angle from 550 km below by a degree: masks and passes are no longer those of the day.
    if error.median_km > 10.0:
        warnings.warn(
            f"the elements are {age:.1f} days from their epochs: expect position errors of {error.median_km:.0f} km "
            f"(median) and {error.p90_km:.0f} km (nine in ten); take elements of that day",
            SkyhaulWarning,
            stacklevel=2,
        )
