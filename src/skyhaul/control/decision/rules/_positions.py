"""Rules about the position: without one that counts no place can be judged."""

from __future__ import annotations

from collections.abc import Iterable

from skyhaul.control._rule_names import Rule
from skyhaul.control.decision._case import Case
from skyhaul.control.decision._reasons import Reason, forbid


def position_counts(case: Case) -> Iterable[Reason]:
    """`position.unknown`, `.contradicted`, `.unverified`, `.stale`, `.uncertain`: a position must be there, not be
    refuted, be verified by the network unless the policy takes the terminal's word, have been measured shortly before,
    and have an ellipse small enough to judge."""
    rule = case.circumstances.position_fault
    if rule is None:
        return ()
    settings = case.view.settings
    words = {
        Rule.POSITION_UNKNOWN: "there is no position",
        Rule.POSITION_CONTRADICTED: "the position is contradicted: the key was seen elsewhere, or ranging refutes it",
        Rule.POSITION_UNVERIFIED: "the position is the unit's own claim, not verified by the network",
        Rule.POSITION_STALE: f"the position was not measured in the last {settings.max_position_age_s:g} s",
        Rule.POSITION_UNCERTAIN: f"the 95 % ellipse is larger than {settings.max_semi_major_m / 1000:g} km",
    }
    policy = (case.view.policy,) if case.view.policy else ()
    return (forbid(rule, words[rule], *policy, authority=case.operator),)
