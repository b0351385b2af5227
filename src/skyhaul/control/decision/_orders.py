"""When orders are in force: from their approvals to their end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from skyhaul.control._instants import FOREVER, nanoseconds
from skyhaul.control.decision._precedence import stated_pairs
from skyhaul.control.facts import Approval, Fact, Order, OrderEnd, Piece, Precedence, interval


class TimedOrder(NamedTuple):
    """An order and when it counts (ns): asked for from `asked`, in force from `begin` (FOREVER: never approved), over
    at `end`. Its facts are the order, and the approvals and the end that these instants rest on.
    """

    order: Order
    asked: int
    begin: int
    end: int
    facts: tuple[Fact, ...]

    def in_force(self, time: int) -> bool:
        """Whether it counts at an instant."""
        return self.begin <= time < self.end

    def pending(self, time: int) -> bool:
        """Whether it was given and still waits for approvals."""
        return self.asked <= time < self.begin and time < self.end


def resolve_orders(
    orders: Iterable[Order],
    ends: Iterable[OrderEnd],
    approvals: Iterable[Approval],
    precedences: Sequence[Piece[Precedence]],
) -> list[TimedOrder]:
    """Every order with the time it is in force, by id.

    It begins when it says, or when the last of the approvals it needs begins; approvals count once a person and never
    from its author. It ends when it says, or when the first `OrderEnd` begins that is approved as it needs and given by
    the same authority or by one that comes before it.
    """
    approvals_of: defaultdict[str, list[Approval]] = defaultdict(list)
    for approval in approvals:
        approvals_of[approval.order].append(approval)
    ends_of: defaultdict[str, list[OrderEnd]] = defaultdict(list)
    for end in ends:
        ends_of[end.order].append(end)
    return [
        _resolved(order, ends_of.get(order.id, []), approvals_of, precedences)
        for order in sorted(orders, key=lambda order: order.id)
    ]


def _resolved(
    order: Order,
    ends: list[OrderEnd],
    approvals_of: dict[str, list[Approval]],
    precedences: Sequence[Piece[Precedence]],
) -> TimedOrder:
    asked, expiry = interval(order)
    approved, signed = _approved(order, order.approvals_needed, approvals_of.get(order.id, []))
    begin, end = max(asked, approved), expiry
    facts: tuple[Fact, ...] = (order, *signed)
    candidates = []
    for given in ends:
        approved, signed = _approved(given, given.approvals_needed, approvals_of.get(given.id, []))
        at = max(nanoseconds(given.valid_from), approved)
        if given.authority == order.authority or (given.authority, order.authority) in stated_pairs(precedences, at):
            candidates.append((at, given.id, (given, *signed)))
    if candidates:
        at, _, ended_by = min(candidates, key=lambda candidate: candidate[:2])
        if at < end:
            end, facts = at, (*facts, *ended_by)
    return TimedOrder(order, asked, begin, end, facts)


def _approved(fact: Fact, needed: int, approvals: list[Approval]) -> tuple[int, tuple[Approval, ...]]:
    """The instant from which enough people have approved, and their approvals; FOREVER when they never do."""
    first: dict[str, Approval] = {}
    for approval in sorted(approvals, key=lambda a: (nanoseconds(a.valid_from), a.id)):
        if approval.approver != fact.author:
            first.setdefault(approval.approver, approval)
    counted = tuple(first.values())[:needed]
    if len(counted) < needed:
        return FOREVER, counted
    return max((nanoseconds(a.valid_from) for a in counted), default=-FOREVER), counted
