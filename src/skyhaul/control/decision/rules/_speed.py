"""Rules about speed: the caps of orders, licences and plans."""

from __future__ import annotations

from collections.abc import Iterable

from skyhaul.control._rule_names import Rule
from skyhaul.control.decision._case import Case
from skyhaul.control.decision._reasons import Reason, forbid
from skyhaul.control.decision.rules._licences import licensing
from skyhaul.control.facts import Action, Fact


def speed_cap(case: Case) -> Iterable[Reason]:
    """`speed.unknown`, `speed.cap`: where an order, the licence or the plan caps the speed, it is known and not higher.
    Each cap is judged by itself, so that an exemption from one does not lift another."""
    return [
        reason
        for cap, authority, whose, facts in _caps(case)
        if (reason := _judged(case.circumstances.speed_m_s, cap, authority, whose, facts)) is not None
    ]


def _caps(case: Case) -> list[tuple[float, str, str, tuple[Fact, ...]]]:
    caps: list[tuple[float, str, str, tuple[Fact, ...]]] = []
    for timed in case.orders:
        order = timed.order
        if order.action is Action.SPEED_CAP and order.speed_cap_m_s is not None:
            caps.append((order.speed_cap_m_s, order.authority, f"{order.authority} ({order.reason})", timed.facts))
    for area, licence, failed in licensing(case):
        if licence is not None and not failed and licence.max_speed_m_s is not None:
            caps.append((licence.max_speed_m_s, area.holder, f"the licence of {area.holder}", (licence,)))
    if case.plan is not None and case.plan.max_speed_m_s is not None and case.account is not None:
        caps.append((case.plan.max_speed_m_s, case.operator, "the plan", (case.account,)))
    return caps


def _judged(
    speed_m_s: float | None, cap_m_s: float, authority: str, whose: str, facts: tuple[Fact, ...]
) -> Reason | None:
    limit = f"the {cap_m_s * 3.6:.6g} km/h of {whose}"
    if speed_m_s is None:
        return forbid(Rule.SPEED_UNKNOWN, f"the speed is not known, against {limit}", *facts, authority=authority)
    if speed_m_s > cap_m_s:
        return forbid(Rule.SPEED_CAP, f"faster than {limit}", *facts, authority=authority)
    return None
