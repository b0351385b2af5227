"""The operator's own settings, and who comes before whom."""

from __future__ import annotations

from dataclasses import dataclass

from skyhaul.control.facts._areas import AreaRef
from skyhaul.control.facts._fact import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the decision takes as given where no authority speaks.

    operator             the operator's name as an authority: plans, accounts and positions are its rules
    everywhere           authorities whose orders count at every place: the operator and whoever licenses the operator
    lease_s              longest grant; two slots of 15 s, so that a change takes effect within 30 s
    max_position_age_s   oldest position that counts; four slots, in which ranging by the network settles
    max_semi_major_m     largest 95 % ellipse; the 10 km class of network-verified positions in 3GPP TR 38.882
    accept_claimed       whether a position that the network has not verified is enough
    max_knowledge_age_s  how long after the known time an answer may still be given, or None: not checked
    many_terminals       an order that touches more terminals is serious: up to ten firms at the ten of `Quotas`, one
                         person can look at each before signing
    many_approvals       how many people must approve a serious order; one, so that two have signed it
    """

    operator: str = "operator"
    everywhere: tuple[str, ...] = ("operator",)
    lease_s: int = 30
    max_position_age_s: float = 60.0
    max_semi_major_m: float = 10_000.0
    accept_claimed: bool = False
    max_knowledge_age_s: float | None = None
    many_terminals: int = 100
    many_approvals: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy(Fact):
    """The settings in force; the last recorded speaks."""

    settings: Settings

    def __post_init__(self) -> None:
        Fact.__post_init__(self)
        settings = self.settings
        if settings.lease_s < 1 or settings.max_position_age_s <= 0 or settings.max_semi_major_m <= 0:
            self.refuse("a lease, age or ellipse of nothing", "lease of 1 s or more, age and ellipse above zero")
        if settings.many_terminals < 0 or settings.many_approvals < 0:
            self.refuse("fewer than no terminals or approvals", "zero or more of many_terminals and many_approvals")

    @property
    def key(self) -> str:
        """There is one policy."""
        return "policy"


@dataclass(frozen=True, slots=True, kw_only=True)
class BorderPolicy(Fact):
    """Where a terminal whose ellipse crosses a border may have a short probation lease.

    It counts for the refused part of the ellipse that lies inside `area` (LAYER/NAME); every refused part needs one.
    A part refused by an order gets none.
    """

    area: str
    probation_s: int = 15  # one slot

    def __post_init__(self) -> None:
        Fact.__post_init__(self)
        AreaRef.parse(self.area, self.where)
        if self.probation_s < 1:
            self.refuse("a probation of nothing", "one second or more")


@dataclass(frozen=True, slots=True, kw_only=True)
class Precedence(Fact):
    """A stated order of authorities: each comes before those after it. Two facts that contradict each other about a
    pair state nothing about it."""

    authorities: tuple[str, ...]

    def __post_init__(self) -> None:
        Fact.__post_init__(self)
        if len(self.authorities) < 2 or len(set(self.authorities)) != len(self.authorities):
            self.refuse("an order of fewer than two authorities, or one named twice", "name each once")
