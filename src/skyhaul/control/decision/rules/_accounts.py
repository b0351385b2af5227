"""Rules about the account and its plan."""

from __future__ import annotations

from collections.abc import Iterable

from skyhaul.control._rule_names import Note, Rule
from skyhaul.control.decision._case import Case
from skyhaul.control.decision._reasons import Reason, forbid, permit
from skyhaul.control.facts import ANYWHERE, AccountState, PlanKind

_REFUSED = {
    AccountState.CLOSED: (Rule.ACCOUNT_CLOSED, "is closed"),
    AccountState.DISABLED: (Rule.ACCOUNT_DISABLED, "is disabled"),
    AccountState.SANDBOX: (Rule.ACCOUNT_SANDBOX, "is over its data: nothing but the operator's own pages"),
}


def account_state(case: Case) -> Iterable[Reason]:
    """`account.none`, `account.closed`, `account.disabled`, `account.sandbox`: service needs an active account."""
    account = case.account
    if account is None:
        facts = (case.terminal,) if case.terminal else ()
        return (forbid(Rule.ACCOUNT_NONE, "the unit has no account", *facts, authority=case.operator),)
    if account.state is AccountState.ACTIVE:
        text = f"account {account.account} is active, plan {account.plan.kind}"
        return (permit(Note.ACCOUNT_ACTIVE, text, account, authority=case.operator),)
    rule, words = _REFUSED[account.state]
    return (forbid(rule, f"account {account.account} {words}", account, authority=case.operator),)


def plan_ocean(case: Case) -> Iterable[Reason]:
    """`plan.ocean`: on the open sea only plans for the sea or for aircraft are served."""
    plan, oceans = case.plan, case.face.oceans
    if not oceans or plan is None or plan.ocean or plan.aviation or case.account is None:
        return ()
    text = f"{oceans[0].name} is open sea, and the plan is not for it"
    return (forbid(Rule.PLAN_OCEAN, text, case.account, *oceans, authority=case.operator),)


def plan_roaming(case: Case) -> Iterable[Reason]:
    """`plan.roaming`: away from its home a plan is served only where it roams to, at sea where it is for the sea; a
    fixed plan does not roam. Where several authorities govern, all their territories must be home or roamed to."""
    plan, account = case.plan, case.account
    if plan is None or account is None or (case.face.oceans and (plan.ocean or plan.aviation)):
        return ()
    roams_to = () if plan.kind is PlanKind.FIXED else plan.roams_to
    if ANYWHERE in roams_to:
        return ()
    away = [area for area in case.face.governing if area.name != plan.home and area.name not in roams_to]
    if not away:
        return ()
    names = ", ".join(sorted({area.name for area in away}))
    text = f"the plan of {plan.home} is not for {names}"
    return (forbid(Rule.PLAN_ROAMING, text, account, *away, authority=case.operator),)


def plan_distance(case: Case) -> Iterable[Reason]:
    """`plan.distance`: a fixed plan is served only near its service address."""
    plan, account = case.plan, case.account
    if plan is None or account is None or plan.max_distance_m is None or not case.circumstances.too_far:
        return ()
    text = f"farther than {plan.max_distance_m / 1000:g} km from the service address"
    return (forbid(Rule.PLAN_DISTANCE, text, account, authority=case.operator),)
