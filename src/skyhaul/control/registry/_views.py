"""What is on record, asked at a time and as known at a time."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar, cast

import numpy as np

from skyhaul.control._instants import FOREVER, nanoseconds
from skyhaul.control.decision._orders import TimedOrder, resolve_orders
from skyhaul.control.facts import (
    Approval,
    Fact,
    Facts,
    Order,
    OrderEnd,
    Piece,
    Precedence,
    Versions,
    Withdrawal,
)
from skyhaul.errors import NotFoundError

F = TypeVar("F", bound=Fact)


def versions(facts: Facts, kind: type[F], known_at: np.datetime64) -> Versions[F]:
    """The facts of a kind as known at an instant, each cut to the time it speaks for."""
    withdrawn = (w for w in facts.known(Withdrawal, known_at) if w.kind == kind.__name__)
    return Versions(facts.known(kind, known_at), withdrawn)


def held(facts: Facts, kind: type[F], at: np.datetime64, known_at: np.datetime64) -> list[F]:
    """What holds of a kind at an instant, as known at another, by key."""
    time = nanoseconds(at)
    return [piece.fact for piece in versions(facts, kind, known_at).all() if piece.begin <= time < piece.end]


def history(facts: Facts, kind: type[F], key: str, known_at: np.datetime64) -> list[Piece[F]]:
    """What is said of one kind and key through all of valid time, as known at an instant.

    Raises NotFoundError where nothing was ever said of it by then.
    """
    said = [fact for fact in facts.about(kind, key) if fact.recorded_at <= known_at]
    if not any(not isinstance(fact, Withdrawal) for fact in said):
        raise NotFoundError(f"there is no {kind.__name__} “{key}”", mend="`list` names all that there are")
    return Versions(cast("list[F]", said)).of(key)


class OrderState(StrEnum):
    """Where an order stands at an instant."""

    TO_COME = "to come"  # given, and begins later
    PENDING = "pending"  # waits for approvals
    IN_FORCE = "in force"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class OrderStanding:
    """An order at an instant.

    timed      the order and when it counts, with the approvals and the end that this rests on
    approved   by whom, those that count first
    ends       every end that was given, whether it counts or not
    """

    timed: TimedOrder
    state: OrderState
    approved: tuple[Approval, ...]
    ends: tuple[OrderEnd, ...]

    @property
    def order(self) -> Order:
        """The order itself."""
        return self.timed.order

    @property
    def words(self) -> str:
        """Such as `pending approval 1 of 2`."""
        if self.state is OrderState.PENDING:
            return f"pending approval {len(self.approved)} of {self.order.approvals_needed}"
        return str(self.state)


def order_standings(facts: Facts, at: np.datetime64, known_at: np.datetime64) -> list[OrderStanding]:
    """Every order known, by id, with where it stands at an instant."""
    time = nanoseconds(at)
    ends, approvals = facts.known(OrderEnd, known_at), facts.known(Approval, known_at)
    timed = resolve_orders(facts.known(Order, known_at), ends, approvals, versions(facts, Precedence, known_at).all())
    return [_standing(order, ends, approvals, time) for order in timed]


def _standing(timed: TimedOrder, ends: list[OrderEnd], approvals: list[Approval], time: int) -> OrderStanding:
    order = timed.order
    first: dict[str, Approval] = {}
    for approval in sorted(approvals, key=lambda approval: (approval.valid_from, approval.id)):
        counts = approval.order == order.id and approval.approver != order.author
        if counts and nanoseconds(approval.valid_from) <= time:
            first.setdefault(approval.approver, approval)
    if time >= timed.end or (timed.end <= timed.begin and timed.begin != FOREVER):
        state = OrderState.ENDED
    elif time < timed.asked:
        state = OrderState.TO_COME
    else:
        state = OrderState.IN_FORCE if timed.in_force(time) else OrderState.PENDING
    return OrderStanding(
        timed,
        state,
        tuple(first.values()),
        tuple(end for end in ends if end.order == order.id),
    )
