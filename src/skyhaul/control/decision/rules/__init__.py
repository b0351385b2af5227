"""The rules, one module a group, in their order of precedence: the first that refuses gives the terminal its code."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from skyhaul.control.decision._case import Case
from skyhaul.control.decision._reasons import Reason
from skyhaul.control.decision.rules._accounts import account_state, plan_distance, plan_ocean, plan_roaming
from skyhaul.control.decision.rules._allow_lists import allow_list
from skyhaul.control.decision.rules._approvals import type_approval
from skyhaul.control.decision.rules._licences import licence_covers, licence_missing, licence_territory
from skyhaul.control.decision.rules._orders import limited, not_in_force, suspended_area, suspended_unit
from skyhaul.control.decision.rules._permissions import lift
from skyhaul.control.decision.rules._positions import position_counts
from skyhaul.control.decision.rules._speed import speed_cap
from skyhaul.control.decision.rules._territory import claims_and_control
from skyhaul.control.decision.rules._units import knowledge_stale, unit_destroyed, unit_registered

RULES: tuple[Callable[[Case], Iterable[Reason]], ...] = (
    knowledge_stale,
    unit_registered,
    unit_destroyed,
    account_state,
    suspended_unit,
    position_counts,
    claims_and_control,
    licence_territory,
    licence_missing,
    licence_covers,
    type_approval,
    suspended_area,
    allow_list,
    plan_ocean,
    plan_roaming,
    plan_distance,
    speed_cap,
    limited,
    not_in_force,
)

__all__ = ["RULES", "lift"]
