"""Rules about orders: suspensions forbid, limits limit, and what does not count is said."""

from __future__ import annotations

from collections.abc import Iterable

from skyhaul.control._rule_names import Note, Rule
from skyhaul.control.decision._case import Case
from skyhaul.control.decision._orders import TimedOrder
from skyhaul.control.decision._reasons import Effect, Reason, forbid, note
from skyhaul.control.facts import Action, Target

_RULES = {
    Target.UNIT: Rule.ORDER_UNIT,
    Target.ACCOUNT: Rule.ORDER_ACCOUNT,
    Target.PARTY: Rule.ORDER_PARTY,
    Target.MODEL: Rule.ORDER_MODEL,
    Target.CELL: Rule.ORDER_CELL,
    Target.AREA: Rule.ORDER_AREA,
}
_OF_UNITS = frozenset({Target.UNIT, Target.ACCOUNT, Target.PARTY, Target.MODEL})


def suspended_unit(case: Case) -> Iterable[Reason]:
    """`order.unit`, `order.account`, `order.party`, `order.model`: an order has suspended the unit, its account, its
    model, or a party that holds it or owns the account, or one they belong to."""
    return _suspensions(case, of_units=True)


def suspended_area(case: Case) -> Iterable[Reason]:
    """`order.cell`, `order.area`: an order has suspended the cell or an area that the place lies in."""
    return _suspensions(case, of_units=False)


def limited(case: Case) -> Iterable[Reason]:
    """`order.limit`: service at the lowest rate that any limit in force allows."""
    return [
        Reason(
            Note.ORDER_LIMIT,
            Effect.LIMIT,
            f"{timed.order.authority} limits {_over(timed)} to {(timed.order.rate_bps or 0) / 1e6:g} Mbit/s: "
            f"{timed.order.reason}",
            timed.facts,
            timed.order.authority,
            rate_bps=timed.order.rate_bps,
        )
        for timed in case.orders
        if timed.order.action is Action.LIMIT
    ]


def not_in_force(case: Case) -> Iterable[Reason]:
    """`order.pending`, `order.jurisdiction`: an order that waits for approvals, or whose authority does not count at
    this place, does nothing, and is cited. An authority counts where the licence layer names it; the operator and those
    the policy names count everywhere."""
    if not case.pending and not case.silent:
        return ()
    reasons = [
        note(
            Note.ORDER_PENDING,
            f"the order of {timed.order.authority} to {timed.order.action} {_over(timed)} waits for approval: "
            f"{len(timed.facts) - 1} of {timed.order.approvals_needed}",
            *timed.facts,
            authority=timed.order.authority,
        )
        for timed in case.pending
    ]
    if case.face.known:
        reasons += [
            note(
                Note.ORDER_JURISDICTION,
                f"the order of {timed.order.authority} to {timed.order.action} {_over(timed)} does not count here",
                *timed.facts,
                authority=timed.order.authority,
            )
            for timed in case.silent
        ]
    return reasons


def _suspensions(case: Case, of_units: bool) -> list[Reason]:
    return [
        forbid(
            _RULES[timed.order.target],
            f"{timed.order.authority} has suspended {_over(timed)}: {timed.order.reason} ({timed.order.legal_basis})",
            *timed.facts,
            authority=timed.order.authority,
        )
        for timed in case.orders
        if timed.order.action is Action.SUSPEND and (timed.order.target in _OF_UNITS) is of_units
    ]


def _over(timed: TimedOrder) -> str:
    return f"{timed.order.target} {timed.order.on}"
