"""A scenario followed slot by slot: plans of all its terminals, tables of those asked for.

Every terminal of the scenario is planned, whoever is asked for: terminals of one cell share a beam, cells share
satellites and satellites antennas, so a plan of some of them is another plan. It costs little beside the positions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from skyhaul.control.grants import REFUSALS
from skyhaul.errors import InputError, SkyhaulError
from skyhaul.live._path_tables import SLOT_NS, SlotLink, sample_times, slot_link
from skyhaul.live._planner import Chunk, Facts
from skyhaul.live._spec import ScenarioSpec
from skyhaul.network import Paths, Plan, Reason, find_name, slot_number, slot_start
from skyhaul.orbits import EARTH_RADIUS_KM
from skyhaul.radio import LinkBudget
from skyhaul.scenario import Scenario, as_numpy, changed_scenario, load_scenario
from skyhaul.scenario._facts import read_control_facts
from skyhaul.system import Engine, System
from skyhaul.system._engine import check_times
from skyhaul.types import Times

_CHECKED = np.timedelta64(1, "h")  # a run has no end: the elements' age is judged over its first hour
# Waits beyond propagation and the slot's own part: in the calibrated model one packet in 10^5 waits longer.
_WAIT_NS = 250_000_000
# A window spans some 9 s; frames down leave two rows each, grants up a third of that at most.
_ROWS_UP, _ROWS_DOWN = 1 << 13, 1 << 14


class ScenarioPlans:
    """The slots of a scenario from an instant on, without an end. Raises the errors of what the scenario names."""

    def __init__(self, spec: ScenarioSpec, now_utc_ns: int) -> None:
        if not 0.01 <= spec.speed <= 100.0 or (spec.live and spec.speed != 1.0):
            what = f"a speed of {spec.speed:g}" + (" by the clock" if spec.live else "")
            raise InputError(what, where="--speed", mend="0.01 to 100; 1 where the clock is followed")
        scenario = spec.scenario if isinstance(spec.scenario, Scenario) else load_scenario(spec.scenario)
        if spec.changes:
            scenario = changed_scenario(scenario, spec.changes)
        self.system = System.from_scenario(scenario)
        self.world = self.system.world
        known = self.world.terminals.sites.name
        self._rows = [find_name(name, known, "terminal") for name in spec.terminals] or list(range(len(known)))
        doubled = {known[row] for row in self._rows if self._rows.count(row) > 1}
        if doubled:
            raise InputError(f"the terminal {min(doubled)} is named twice", mend="name each once")
        start = self.system.default_start()
        if spec.live:
            start = np.datetime64(now_utc_ns, "ns")
        elif spec.start is not None:
            start = as_numpy(spec.start, start)
        check_times(self.world, start, _CHECKED)
        self.start, self.speed = start, spec.speed
        self.engine = Engine(self.world, start)
        self._follows_facts = spec.live and self.world.facts is not None
        self._unread = 0
        self._first: list[SlotLink] = []

    def chunks(self) -> Iterator[Chunk]:
        """One chunk a slot, from the one that holds the start."""
        slot = int(slot_number(self.start))
        plan = self.engine.plan_at(self.start)
        while True:
            yield self._chunk(plan)
            slot += 1
            if self._follows_facts:
                self._read_facts()
            plan = self.engine.plan(slot, plan)

    def facts(self) -> Facts:
        world = self.world
        names = tuple(world.terminals.sites.name[row] for row in self._rows)
        backbone = np.rint(world.ground.backbone_s * 1e9).astype(np.int64)
        return Facts(
            terminals=names,
            bounds=tuple(bound for terminal in range(len(names)) for bound in self._bounds(terminal)),
            pops=tuple(world.ground.pops.name),
            homes=tuple(world.ground.pops.name[world.terminals.pop[row]] for row in self._rows),
            backbone_ns=tuple(tuple(int(delay) for delay in line) for line in backbone),
            about=f"{world.scenario.name} from {np.datetime_as_string(self.start, 's')}Z, {world.elements_name}",
        )

    def links(self, plan: Plan) -> list[SlotLink]:
        """The links of the terminals asked for in the plan's slot."""
        world, slot = self.world, plan.slot
        paths = self.engine.paths(plan, sample_times(slot))

        def refine(times: Times) -> Paths:
            return self.engine.paths(plan, times)

        def names(satellite: int, gateway: int, pop: int) -> tuple[str, str, str]:
            ground = world.ground
            return world.elements.name[satellite], ground.gateways.name[gateway], ground.pops.name[pop]

        keys, seed = self.engine.terminals.key, world.scenario.seed
        rules = self.engine.leases(slot).rule
        return [
            _with_rule(
                slot_link(paths, row, int(keys[row]), world.delay, seed, slot, names, refine, self.speed),
                int(rules[row]),
            )
            for row in self._rows
        ]

    def _read_facts(self) -> None:
        """Take up what has been recorded since. Where that cannot be read twice running, planning ends, and with what
        is planned the packets: within two slots, as after an order."""
        control, known = self.world.scenario.control, self.world.facts
        if control is None or known is None:
            return
        try:
            known.add(*(fact for fact in read_control_facts(control.facts) if not known.with_id(fact.id)))
        except SkyhaulError:
            self._unread += 1
            if self._unread > 1:
                raise
        else:
            self._unread = 0

    def _chunk(self, plan: Plan) -> Chunk:
        links = self.links(plan)
        if not self._first:
            self._first = links
        start_ns = int((slot_start(plan.slot) - self.start).astype("timedelta64[ns]").astype(np.int64))
        return Chunk(
            int(start_ns / self.speed),
            int((start_ns + SLOT_NS) / self.speed),
            tuple(rows for link in links for rows in (link.up, link.down)),
            tuple(link.spans for link in links),
        )

    def _bounds(self, terminal: int) -> tuple[tuple[float, int, int], ...]:
        """The rate of a satellite overhead, shared by the scenario's terminals in the cell, and room for the delay."""
        world, row, link = self.world, self._rows[terminal], self._first[terminal]
        sharers = int(np.count_nonzero(world.terminals.cell == world.terminals.cell[row]))
        overhead_m = max(1.0, float(world.axis_m.min()) - 1e3 * EARTH_RADIUS_KM)
        budget = LinkBudget()
        return tuple(
            (float(best) / sharers, int(rows["delay"].max(initial=0)) + _WAIT_NS, room)
            for best, rows, room in (
                (budget.up_bps(overhead_m), link.up, _ROWS_UP),
                (budget.down_bps(overhead_m), link.down, _ROWS_DOWN),
            )
        )


def _with_rule(link: SlotLink, rule: int) -> SlotLink:
    """The link, with the rule that refuses it beside its reason."""
    if rule < 0:
        return link
    refused = Reason.NO_GRANT.name.lower()
    spans = tuple(
        replace(span, cause=f"{span.cause}: {REFUSALS[rule]}") if span.code == refused else span for span in link.spans
    )
    return replace(link, spans=spans)
