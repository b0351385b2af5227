"""The engine: one slot after another, from positions to plan to path states."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from skyhaul.control.decision import Decision
from skyhaul.control.grants import KNOWN_BEFORE, LIVE_KNOWLEDGE_AGE_S, Grants, Leases, changes
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
from skyhaul.system._motion import Motion, Places, tracks_of
from skyhaul.system._world import World
from skyhaul.types import Floats, Ints32, Times

T = TypeVar("T")

# Slots planned before the one asked for, so that strategies which hold a satellite have one to hold: a pass above 25°
# at 550 km lasts at most 4.5 minutes, which are 18 slots.
WARM_UP_SLOTS = 18


@dataclass(frozen=True, slots=True)
class SlotRun:
    """One slot of a run: what was decided, and the path states that follow.

    places      where the terminals are in it
    leases      who may be served in it, and why not
    changes     decisions that changed a terminal's state, with all reasons; of the first slot, those on all terminals
    """

    start: np.datetime64
    plan: Plan
    paths: Paths
    places: Places
    leases: Leases
    changes: tuple[Decision, ...]


class Engine:
    """Plans slots of a world for a set of terminals.

    Apart from what speeds up the next slot (positions, places and leases of the last ones) it keeps nothing: slots may
    be asked for in any order, and give the same.

    terminals   the world's own and, behind them, visitors
    visiting    ids in the registry of the visitors; one without is served without a grant
    heard_at    for a network that runs: the instant up to which `world.facts` are known to be complete, to be set
                whenever the store of facts has answered. Leases end LIVE_KNOWLEDGE_AGE_S after it (or the policy's
                `max_knowledge_age_s`), refused by `knowledge.stale` from then on, until it has answered again. A plan
                made more than 15 s ahead of its slot is cut too: it cannot know what is recorded in time. None, in a
                simulation: all facts are there.
    """

    def __init__(
        self,
        world: World,
        run_start: np.datetime64,
        terminals: Terminals | None = None,
        visiting: Sequence[str] = (),
    ) -> None:
        self.world = world
        self.run_start = run_start
        self.terminals = world.terminals if terminals is None else terminals
        control = world.scenario.control
        self.motion = Motion(
            self.terminals,
            world.ground,
            tracks_of(world.scenario.terminals, run_start),
            0.0 if control is None else control.position_uncertainty_m,
        )
        units = [*world.units, *visiting]
        units += [""] * (len(self.terminals) - len(units))
        self._grants = None if world.facts is None else Grants(world.facts, units)
        self._withheld = world.withheld(run_start)
        self.heard_at: np.datetime64 | None = None
        self.scheduler = Scheduler(
            world.ground, self.terminals, world.rules, world.elements.catalog_number, world.scenario.seed
        )
        self.failures = Failures(world.failures(run_start), world.elements, world.ground)
        self._budget = LinkBudget()
        self._at: dict[int, Floats] = {}
        self._places: dict[int, Places] = {}
        self._leases: dict[int, Leases] = {}

    def plan(self, slot: int, previous: Plan | None, leases: Leases | None = None) -> Plan:
        """The plan of one slot, given the one before; with other leases than its own where they are given."""
        start, end = slot_start(slot), slot_start(slot + 1)
        first, last = self._positions(slot), self._positions(slot + 1)
        outages = self.failures.during(start, end)
        leases = self.leases(slot) if leases is None else leases
        scheduler = self.scheduler.moved(self.places(slot).terminals) if self.motion.moves else self.scheduler
        return scheduler.plan(
            slot,
            first,
            last,
            outages,
            granted=leases.granted,
            lease_end=leases.ends,
            rate_cap_bps=leases.rate_bps,
            mesh=self.mesh(start, first, outages),
            previous=previous,
        )

    def plan_at(self, time: np.datetime64) -> Plan:
        """The plan of the slot that holds `time`, after as many slots before it as a satellite can be held."""
        slot = int(slot_number(time))
        return self.plan(slot, self.before(slot))

    def before(self, slot: int, after: int = WARM_UP_SLOTS) -> Plan | None:
        """The plan that a slot follows from, after as many as a satellite can be held, or fewer."""
        plan: Plan | None = None
        for earlier in range(slot - after, slot):
            plan = self.plan(earlier, plan)
        return plan

    def places(self, slot: int) -> Places:
        """Where the terminals are in a slot."""
        return _kept(self._places, slot, lambda: self.motion.during(slot_start(slot), slot_start(slot + 1)))

    def leases(self, slot: int) -> Leases:
        """Who may be served in a slot."""
        return _kept(self._leases, slot, lambda: self._decided(slot))

    def renewed(self, slot: int) -> Leases:
        """Who may be served in a slot, decided anew: facts and `heard_at` may have changed since it was last asked."""
        self._leases.pop(slot, None)
        return self.leases(slot)

    def paths(self, plan: Plan, times: Times) -> Paths:
        """Path states at instants of the plan's slot; where a lease ends inside it they end, see `Paths`."""
        world = self.world
        return trace_paths(
            plan,
            times,
            self._positions_of,
            world.ground,
            self.places(plan.slot).terminals,
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
        plan: Plan | None = self.before(int(slot_number(self.run_start)))
        leases_before: Leases | None = None
        for slot in range(int(slot_number(self.run_start)), int(slot_number(np.datetime64(end - 1, "ns"))) + 1):
            plan = self.plan(slot, plan)
            begins = slot_start(slot)
            before = max(0, -((first - _ns(begins)) // pace))  # instants that lie in earlier slots
            times = np.arange(first + before * pace, min(_ns(slot_start(slot + 1)), end), pace, dtype=np.int64)
            leases = self.leases(slot)
            paths = self.paths(plan, times.astype("datetime64[ns]"))
            yield SlotRun(begins, plan, paths, self.places(slot), leases, changes(leases_before, leases))
            leases_before = leases

    def _positions(self, slot: int) -> Floats:
        return _kept(self._at, slot, lambda: self.world.position_m(slot_start(slot)))

    def _positions_of(self, times: Times, satellites: Ints32) -> Floats:
        return self.world.constellation.at(times, satellites=satellites, velocity=False).position_m

    def _decided(self, slot: int) -> Leases:
        start, end, places = slot_start(slot), slot_start(slot + 1), self.places(slot)
        if self._grants is None:
            leases = Leases.unlimited(start, end, places.cell)
        else:
            known_at = start - KNOWN_BEFORE if self.world.as_known is None else self.world.as_known
            stale_after_s = None
            if self.heard_at is not None:
                known_at, stale_after_s = min(known_at, self.heard_at), LIVE_KNOWLEDGE_AGE_S
            leases = self._grants.leases(
                start,
                end,
                places.positions,
                places.speed_m_s,
                places.cell,
                known_at,
                stale_after_s=stale_after_s,
            )
        for terminal, begins, ends in self._withheld:
            leases = leases.withheld(terminal, begins, ends)
        return leases


def _kept(known: dict[int, T], slot: int, make: Callable[[], T]) -> T:
    """What is known of a slot, or made now; what is known of slots far from it is dropped."""
    if slot not in known:
        for old in [number for number in known if abs(number - slot) > 1]:
            del known[old]
        known[slot] = make()
    return known[slot]


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
