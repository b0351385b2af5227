"""How orders of permission lift reasons that refuse: emergency permissions and exemptions."""

from __future__ import annotations

from skyhaul.control._rule_names import LIFTED_BY_ALLOW, SUSPENSIONS, Note, Rule
from skyhaul.control.decision._case import Case
from skyhaul.control.decision._reasons import Effect, Reason, permit
from skyhaul.control.facts import Action, Order


def allow_lifts(case: Case, order: Order, reason: Reason) -> bool:
    """`order.allow`: an emergency permission stands in for the licence, type approval or listing that its own
    authority, or one after it, asks for; it lifts a suspension only of an authority that is stated to come after its
    own, for a prohibition beats a permission of the same rank."""
    if reason.rule in SUSPENSIONS:
        return order.authority != reason.authority and case.precedes(order.authority, reason.authority)
    return reason.rule in LIFTED_BY_ALLOW and case.precedes(order.authority, reason.authority)


def exempt_lifts(case: Case, order: Order, reason: Reason) -> bool:
    """`order.exempt`: an exemption lifts the rules it names, where they are its own authority's or of one after it."""
    return reason.rule in order.exempts and case.precedes(order.authority, reason.authority)


def lift(case: Case, reasons: list[Reason]) -> list[Reason]:
    """The reasons with those marked that an order lifts, and the orders that did so after them."""
    allows = case.ordered(Action.ALLOW)
    exempts = case.ordered(Action.EXEMPT)
    if not allows and not exempts:
        return reasons
    used: dict[str, Reason] = {}
    marked = []
    for reason in reasons:
        if reason.effect is Effect.FORBID and isinstance(reason.rule, Rule):
            for timed, lifts, name in (
                *((timed, allow_lifts, Note.ORDER_ALLOW) for timed in allows),
                *((timed, exempt_lifts, Note.ORDER_EXEMPT) for timed in exempts),
            ):
                order = timed.order
                if lifts(case, order, reason):
                    reason = reason._replace(lifted_by=order.id)
                    does = "permits" if name is Note.ORDER_ALLOW else "exempts"
                    text = f"{order.authority} {does} {order.target} {order.on}: {order.reason} ({order.legal_basis})"
                    used.setdefault(order.id, permit(name, text, *timed.facts, authority=order.authority))
                    break
        marked.append(reason)
    return [*marked, *(used[order_id] for order_id in sorted(used))]
