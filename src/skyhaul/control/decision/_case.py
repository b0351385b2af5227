"""One question as the rules see it: a terminal's standing, a place's face, and the circumstances."""

from __future__ import annotations

from typing import NamedTuple

from skyhaul.control._rule_names import Rule
from skyhaul.control.decision._orders import TimedOrder
from skyhaul.control.decision._units import Standing
from skyhaul.control.decision._world import Face, View, within
from skyhaul.control.facts import (
    Account,
    Action,
    Area,
    Licence,
    Plan,
    ServiceClass,
    Target,
    Terminal,
)


class Circumstances(NamedTuple):
    """What the rules look at besides facts.

    position_fault   the rule that makes the position count for nothing, or None
    too_far          farther from the service address than a fixed plan allows
    speed_m_s        None: not known
    stale            the facts are older than the policy allows
    """

    position_fault: Rule | None = None
    too_far: bool = False
    speed_m_s: float | None = None
    stale: bool = False


class Licensing(NamedTuple):
    """What one governing authority's licences say of a case.

    licence   the licence that covers it; else the one that comes nearest, or None when there is none
    failed    the rules that keep the licence from covering it; empty when it does
    """

    area: Area
    licence: Licence | None
    failed: tuple[Rule, ...]


class Case:
    """What a rule may look at; orders are those in force over this terminal at this place."""

    __slots__ = (
        "account",
        "circumstances",
        "face",
        "licensing",
        "model",
        "operator",
        "orders",
        "pending",
        "plan",
        "service_class",
        "silent",
        "standing",
        "terminal",
        "view",
    )

    def __init__(self, view: View, standing: Standing, face: Face, circumstances: Circumstances) -> None:
        self.view = view
        self.standing = standing
        self.face = face
        self.circumstances = circumstances
        self.operator: str = view.settings.operator
        self.terminal: Terminal | None = standing.terminal
        self.account: Account | None = standing.account
        self.model: str = standing.terminal.model if standing.terminal else ""
        self.plan: Plan | None = standing.account.plan if standing.account else None
        self.service_class = self._class()
        self.licensing: tuple[Licensing, ...] | None = None
        own = [*standing.orders]
        pending = [*standing.pending]
        for target, names in ((Target.MODEL, (self.model,)), (Target.PARTY, standing.parties)):
            if target in view.targets:
                for name in names:
                    own += view.orders_over(target, name)
                    pending += view.pending_over(target, name)
        self.orders: list[TimedOrder] = [*face.orders]
        self.silent: list[TimedOrder] = [*face.silent]
        self.pending: list[TimedOrder] = [*face.pending, *pending]
        for timed in own:
            if within(timed.order, face.refs):
                counts = timed.order.authority in face.authorities
                (self.orders if counts else self.silent).append(timed)

    def ordered(self, action: Action) -> list[TimedOrder]:
        """Orders of one action that count here."""
        return [timed for timed in self.orders if timed.order.action is action]

    def precedes(self, first: str, second: str) -> bool:
        """Whether the first authority is the second, or has been stated to come before it."""
        return first == second or (first, second) in self.view.precedes

    def _class(self) -> ServiceClass | None:
        """The class of service asked for: an ocean plan at sea is maritime."""
        if self.plan is None:
            return None
        if self.face.oceans and self.plan.ocean and not self.plan.aviation:
            return ServiceClass.MARITIME
        return self.plan.service_class
