"""Dishes of a system in operation: what they show is what its snapshots say."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np

from skyhaul.control.decision import Code
from skyhaul.dish import DishState, Hardware, Mobility, Place, Sight, hardware_id
from skyhaul.dish._state import UNNAMED_MODEL
from skyhaul.network import Reason, slot_number
from skyhaul.operation._operation import Operation
from skyhaul.operation._slot import PathStates, SlotPlan
from skyhaul.operation._terminal_views import candidates
from skyhaul.scenario import TerminalTable

_KEPT = 4  # instants whose states of all terminals are kept: dishes ask for the same ones, twice a second


class OperationFeed:
    """A `DishFeed` over an operation."""

    def __init__(self, operation: Operation) -> None:
        self._operation = operation
        self._states: OrderedDict[tuple[int, int], PathStates] = OrderedDict()
        self._hidden: dict[tuple[int, str], Sight | None] = {}

    def now_ns(self) -> int:
        return self._operation.clock.now_ns()

    def state(self, terminal: str, time_ns: int) -> DishState:
        """See `DishFeed`. Raises NotFoundError for a terminal that is not there."""
        snapshot = self._operation.now()
        plan = snapshot.view.plans.get(int(slot_number(np.datetime64(time_ns, "ns"))))
        row = None if plan is None else plan.roster.row.get(terminal)
        if plan is None or row is None:
            snapshot.view.roster.find(terminal)
            return DishState(time_ns, None, Code.UNKNOWN_STATE)
        states = self._states_at(plan, time_ns)
        leases, sites = plan.leases, plan.places.terminals.sites
        cause = Reason(int(states.cause[row]))
        ended = bool(leases.granted[row]) and cause == Reason.NO_GRANT
        common: dict[str, Any] = {
            "time_ns": time_ns,
            "cause": cause,
            "code": Code(int((leases.final_code if ended else leases.code)[row])),
            "capped": bool(np.isfinite(leases.rate_bps[row])),
            "slot_end_ns": plan.end_ns,
            "cell": int(leases.cell[row]),
            "place": Place(
                float(sites.latitude_deg[row]),
                float(sites.longitude_deg[row]),
                float(sites.height_m[row]),
                horizontal_speed_m_s=float(plan.places.speed_m_s[row]),
            ),
        }
        if cause != Reason.SERVED:
            hidden = self._hidden_sight(plan, terminal) if cause == Reason.OBSTRUCTED else None
            return DishState(**common, sight=hidden)
        pop = int(states.pop[row])
        return DishState(
            **common,
            rtt_s=float(states.delay_up_s[row] + states.delay_down_s[row]),
            loss=float(states.loss[row]),
            satellite=int(plan.world.elements.catalog_number[states.satellite[row]]),
            gateway=int(states.gateway[row]),
            pop=pop,
            pop_name=plan.world.ground.pops.name[pop],
            sight=Sight(float(states.azimuth_deg[row]), float(states.elevation_deg[row])),
        )

    def _states_at(self, plan: SlotPlan, time_ns: int) -> PathStates:
        key = id(plan), time_ns
        found = self._states.get(key)
        if found is None:
            found = self._states[key] = plan.paths.at(time_ns)
            while len(self._states) > _KEPT:
                self._states.popitem(last=False)
        return found

    def _hidden_sight(self, plan: SlotPlan, terminal: str) -> Sight | None:
        """The highest satellite that is hidden from a terminal in a slot, in the middle of it."""
        key = plan.slot, terminal
        if key not in self._hidden:
            self._hidden = {old: sight for old, sight in self._hidden.items() if old[0] >= plan.slot - 1}
            listed = candidates(self._operation.now(), terminal, plan.slot)
            behind = next((one for one in listed if one.reason == Reason.OBSTRUCTED), None)
            sight = None if behind is None else Sight(behind.azimuth_deg, behind.elevation_deg, clear=False)
            self._hidden[key] = sight
        return self._hidden[key]


def hardware_of(table: TerminalTable) -> Hardware:
    """The dish of a terminal: the model it names, flat, and mobile where it moves."""
    return Hardware(
        id=hardware_id(table.name),
        hardware_version=table.model or UNNAMED_MODEL,
        mobility=Mobility.MOBILE if table.track else Mobility.STATIONARY,
    )
