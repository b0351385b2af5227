"""Orders of authorities: who instructs what, over what, why, from when to when."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import h3.api.basic_int as h3

from skyhaul.control._rule_names import EXEMPTIBLE, Rule
from skyhaul.control.facts._areas import AreaRef
from skyhaul.control.facts._fact import Fact

ED25519_SIGNATURE_BYTES = 64  # RFC 8032, section 5.1.6


class Action(StrEnum):
    """What an order does."""

    SUSPEND = "suspend"  # no service
    ACTIVATE = "activate"  # the service is switched on where a licence waits for that
    ALLOW = "allow"  # emergency permission in place of licence, type approval or listing
    SPEED_CAP = "speed cap"  # no service above a speed
    EXEMPT = "exempt"  # named rules do not apply
    LIMIT = "limit"  # service at a lower rate


class Target(StrEnum):
    """What an order is over."""

    AREA = "area"
    CELL = "cell"
    UNIT = "unit"
    ACCOUNT = "account"
    MODEL = "model"
    PARTY = "party"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order(Fact):
    """An authority's instruction. It is never corrected or withdrawn, only ended by an `OrderEnd`.

    target, on          what it is over: LAYER/NAME of an area, an H3 cell in hex, a terminal, account, model or party
    within              LAYER/NAME of the area it is limited to, or empty
    reason, legal_basis   why, and by what right
    approvals_needed    distinct people, none of them its author, who must approve before it counts
    speed_cap_m_s       for a speed cap
    rate_bps            for a limit
    exempts             for an exemption, the names of the rules
    signature           Ed25519 signature of the author, or empty: see `skyhaul.control.registry.signed_bytes`
    """

    authority: str
    action: Action
    target: Target
    on: str
    within: str = ""
    reason: str
    legal_basis: str
    approvals_needed: int = 0
    speed_cap_m_s: float | None = None
    rate_bps: float | None = None
    exempts: tuple[Rule, ...] = ()
    signature: bytes = field(default=b"", repr=False)

    def __post_init__(self) -> None:
        Fact.__post_init__(self)
        if self.subject:
            self.refuse("an order cannot be corrected", "end it and give another")
        for name in ("authority", "on", "reason", "legal_basis"):
            if not getattr(self, name).strip():
                self.refuse(f"an order without {name}", f"say its {name}")
        if self.target is Target.AREA:
            AreaRef.parse(self.on, self.where)
        if self.target is Target.CELL and not _is_cell(self.on):
            self.refuse(f"“{self.on}” is no H3 cell", "write its 15 hexadecimal digits")
        if self.within:
            AreaRef.parse(self.within, self.where)
        _check_signing(self, self.approvals_needed)
        self._check_action()

    def _check_action(self) -> None:
        for action, name, value in (
            (Action.SPEED_CAP, "speed_cap_m_s", self.speed_cap_m_s),
            (Action.LIMIT, "rate_bps", self.rate_bps),
        ):
            if (self.action is action) != (value is not None):
                self.refuse(f"a “{self.action}” order with {name} {value}", f"{name} goes with “{action}”")
            if value is not None and not 0 <= value < float("inf"):
                self.refuse(f"{name} is {value}", "zero or more")
        if (self.action is Action.EXEMPT) != bool(self.exempts):
            self.refuse(f"a “{self.action}” order that exempts from {len(self.exempts)} rules", "name rules to exempt")
        for rule in self.exempts:
            if rule not in EXEMPTIBLE:
                self.refuse(f"nobody is exempt from {rule}", f"choose of {', '.join(sorted(EXEMPTIBLE))}")


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEnd(Fact):
    """The end of an order from valid_from on, by its own authority or one that comes before it; signed as an order."""

    order: str
    authority: str
    reason: str
    approvals_needed: int = 0
    signature: bytes = field(default=b"", repr=False)

    def __post_init__(self) -> None:
        Fact.__post_init__(self)
        if self.subject or self.valid_to is not None:
            self.refuse("the end of an order is final", "give a new order instead of an interval or a correction")
        for name in ("order", "authority", "reason"):
            if not getattr(self, name):
                self.refuse(f"an end without {name}", f"say its {name}")
        _check_signing(self, self.approvals_needed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval(Fact):
    """One person's approval of an order or of an order's end, from valid_from on; signed as an order."""

    order: str
    approver: str
    signature: bytes = field(default=b"", repr=False)

    def __post_init__(self) -> None:
        Fact.__post_init__(self)
        if not self.order or not self.approver:
            self.refuse("an approval without order or approver", "say both")
        _check_signing(self)


def _check_signing(fact: Order | OrderEnd | Approval, approvals_needed: int = 0) -> None:
    if approvals_needed < 0:
        fact.refuse("fewer than no approvals", "zero or more")
    if fact.signature and len(fact.signature) != ED25519_SIGNATURE_BYTES:
        fact.refuse(f"a signature of {len(fact.signature)} bytes", "an Ed25519 signature has 64")


def _is_cell(text: str) -> bool:
    try:
        return bool(h3.is_valid_cell(int(text, 16)))
    except ValueError:
        return False
