"""Plans ahead: the slot that comes next, made sure when the one before it starts, and drafts of those after it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from skyhaul.control.facts import Facts
from skyhaul.control.grants import Leases
from skyhaul.errors import NotFoundError
from skyhaul.network import Failure, Failures, Plan, slot_start
from skyhaul.operation._roster import Roster
from skyhaul.operation._slot import Draft, SlotPaths, SlotPlan
from skyhaul.system import Engine, World
from skyhaul.types import Ints32

# Of many terminals the plans before the first one would take longer than a slot. Three are enough for nearly all: one
# in four satellites is held from one slot to the next under `observed`, so one in 64 for three.
_MANY, _WARM_UP_OF_MANY = 1_000, 3


class Inputs(NamedTuple):
    """What plans are made of, apart from facts; replaced as a whole when any of it changes, and then counted on."""

    generation: int
    world: World
    roster: Roster
    failures: tuple[Failure, ...]


@dataclass(slots=True)
class Planner:
    """Makes plans one after another, in whichever thread calls it; one thread at a time.

    run_start   what a scenario's times after its start are after
    now_ns      the system's time
    guard       held while facts are read
    """

    run_start: np.datetime64
    now_ns: Callable[[], int]
    guard: AbstractContextManager[Any]
    _engine: Engine | None = None
    _inputs: Inputs | None = None
    _facts: Facts | None = None
    _last: SlotPlan | None = None

    def first(self, slot: int, inputs: Inputs, facts: Facts | None, heard_ns: int | None) -> SlotPlan:
        """The plan of a slot that follows from nothing: it is planned after as many as a satellite can be held."""
        engine = self._engine_for(inputs, facts)
        engine.heard_at = None  # slots that are over were decided on what was known in them
        with self.guard:
            many = len(inputs.roster) > _MANY
            before = engine.before(slot, _WARM_UP_OF_MANY) if many else engine.before(slot)
            engine.heard_at = None if heard_ns is None else np.datetime64(heard_ns, "ns")
            leases = engine.renewed(slot)
        return self._sure(engine, inputs, slot, engine.plan(slot, before, leases), leases)

    def next(
        self,
        slot: int,
        before: SlotPlan,
        inputs: Inputs,
        facts: Facts | None,
        heard_ns: int | None,
        draft: Draft | None,
    ) -> SlotPlan:
        """The plan of a slot that follows from an earlier one, decided from what is known by now; the draft's, where
        that holds."""
        engine = self._engine_for(inputs, facts)
        engine.heard_at = None if heard_ns is None else np.datetime64(heard_ns, "ns")
        with self.guard:
            leases = engine.renewed(slot)
        outages = engine.failures.during(slot_start(slot), slot_start(slot + 1))
        if draft is not None and draft.slot == slot and draft.holds(leases, outages, inputs.generation):
            plan = replace(draft.plan, lease_end=leases.ends, rate_cap_bps=leases.rate_bps)
        else:
            plan = engine.plan(slot, _carried(before, inputs.world), leases)
        return self._sure(engine, inputs, slot, plan, leases)

    def draft(self, before: SlotPlan | Draft, inputs: Inputs, facts: Facts | None) -> Draft:
        """A plan of the slot after one that is planned: who may be served is taken to stay the same."""
        engine, slot = self._engine_for(inputs, facts), before.slot + 1
        places = engine.places(slot)
        unlimited = Leases.unlimited(slot_start(slot), slot_start(slot + 1), places.cell)
        known = before.leases
        stays = known.granted & ~known.cut if isinstance(before, SlotPlan) else known.granted
        leases = replace(unlimited, granted=stays, rate_bps=known.rate_bps)
        outages = engine.failures.during(slot_start(slot), slot_start(slot + 1))
        return Draft(slot, inputs.generation, engine.plan(slot, before.plan, leases), leases, outages)

    def _sure(self, engine: Engine, inputs: Inputs, slot: int, plan: Plan, leases: Leases) -> SlotPlan:
        outages = engine.failures.during(slot_start(slot), slot_start(slot + 1))
        return SlotPlan(
            slot=slot,
            generation=inputs.generation,
            roster=inputs.roster,
            world=inputs.world,
            plan=plan,
            leases=leases,
            places=engine.places(slot),
            outages=outages,
            paths=SlotPaths(engine, plan),
            ready_ns=self.now_ns(),
        )

    def _engine_for(self, inputs: Inputs, facts: Facts | None) -> Engine:
        if self._engine is None or inputs is not self._inputs or facts is not self._facts:
            world = inputs.world if facts is None else replace(inputs.world, facts=facts)
            engine = Engine(world, self.run_start)
            engine.failures = known_failures(inputs.failures, world)
            self._engine, self._inputs, self._facts = engine, inputs, facts
        return self._engine


def known_failures(failures: tuple[Failure, ...], world: World) -> Failures:
    """Those of the failures whose targets are there: other elements may not have a satellite any more."""
    with suppress(NotFoundError):
        return Failures(failures, world.elements, world.ground)
    kept = []
    for failure in failures:
        try:
            Failures((failure,), world.elements, world.ground)
        except NotFoundError:
            continue
        kept.append(failure)
    return Failures(kept, world.elements, world.ground)


def _carried(before: SlotPlan, world: World) -> Plan:
    """The plan before, in the numbers of the satellites that are there now."""
    old, new = before.world.elements.catalog_number, world.elements.catalog_number
    if old is new:
        return before.plan
    order = np.argsort(new, kind="stable")
    at = np.minimum(np.searchsorted(new[order], old), len(new) - 1)
    same = new[order][at] == old
    return _remapped(before.plan, np.where(same, order[at], -1).astype(np.int32))


def _remapped(plan: Plan, number: Ints32) -> Plan:
    """The plan with other numbers (N,) for its satellites; what a plan that follows looks at is remapped, no more."""
    held = plan.satellite >= 0
    satellite = np.where(held, number[np.maximum(plan.satellite, 0)], np.int32(-1)).astype(np.int32)
    return replace(plan, satellite=satellite)
