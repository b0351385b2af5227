"""All rules over one case, and the one code that comes of them."""

from __future__ import annotations

from typing import NamedTuple

from skyhaul.control._codes import Code
from skyhaul.control._rule_names import Rule
from skyhaul.control.decision._case import Case, Circumstances
from skyhaul.control.decision._reasons import Effect, Reason
from skyhaul.control.decision._units import Standing
from skyhaul.control.decision._world import Face, View
from skyhaul.control.decision.rules import RULES, lift


class Answer(NamedTuple):
    """What the rules say of one terminal at one face: all reasons in order of precedence.

    refused_by   the first rule that refuses, or None: permitted
    rate_bps     the lowest limit, or None
    """

    face: Face
    reasons: tuple[Reason, ...]
    refused_by: Rule | None
    rate_bps: float | None

    @property
    def permitted(self) -> bool:
        """Whether no rule refuses."""
        return self.refused_by is None

    @property
    def code(self) -> Code:
        """What the terminal shows."""
        return Code.OKAY if self.refused_by is None else self.refused_by.code


def judge(view: View, standing: Standing, face: Face, circumstances: Circumstances) -> Answer:
    """Every rule's reasons; served when none of them refuses.

    Refusal is the default: each thing that service needs (a registered unit, an active account, a position, a licence,
    a type approval, a listing) has a rule that refuses without it.
    """
    case = Case(view, standing, face, circumstances)
    reasons: list[Reason] = []
    for rule in RULES:
        reasons.extend(rule(case))
    reasons = lift(case, reasons)
    refused_by = None
    rate_bps = None
    for reason in reasons:
        if reason.effect is Effect.FORBID:
            if refused_by is None and not reason.lifted_by and isinstance(reason.rule, Rule):
                refused_by = reason.rule
        elif reason.rate_bps is not None and (rate_bps is None or reason.rate_bps < rate_bps):
            rate_bps = reason.rate_bps
    return Answer(face, tuple(reasons), refused_by, rate_bps)


PRECEDENCE: dict[Rule, int] = {rule: place for place, rule in enumerate(Rule)}


def strictness(answer: Answer) -> tuple[int, float]:
    """Sorts answers from the strictest: refusals in order of precedence, then the lower rates."""
    place = len(PRECEDENCE) if answer.refused_by is None else PRECEDENCE[answer.refused_by]
    return place, float("inf") if answer.rate_bps is None else answer.rate_bps
