"""Rules about the unit itself, and about how old the facts may be."""

from __future__ import annotations

from collections.abc import Iterable

from skyhaul.control._rule_names import Note, Rule
from skyhaul.control.decision._case import Case
from skyhaul.control.decision._reasons import Reason, forbid, permit


def knowledge_stale(case: Case) -> Iterable[Reason]:
    """`knowledge.stale`: no answer is given on facts older than the policy allows."""
    if case.circumstances.stale:
        policy = (case.view.policy,) if case.view.policy else ()
        age = case.view.settings.max_knowledge_age_s
        text = f"the facts are known only up to more than {age:g} s before"
        return (forbid(Rule.KNOWLEDGE_STALE, text, *policy, authority=case.operator),)
    return ()


def unit_registered(case: Case) -> Iterable[Reason]:
    """`unit.unknown`: a unit that is not in the registry is not served."""
    if case.terminal is None:
        return (forbid(Rule.UNIT_UNKNOWN, "the unit is not in the registry", authority=case.operator),)
    return (permit(Note.UNIT_REGISTERED, f"a registered {case.model}", case.terminal, authority=case.operator),)


def unit_destroyed(case: Case) -> Iterable[Reason]:
    """`unit.destroyed`: a unit that custody records as destroyed is not served: what answers is not that unit."""
    event = case.standing.destroyed
    if event is not None:
        return (forbid(Rule.UNIT_DESTROYED, "custody records the unit as destroyed", event, authority=case.operator),)
    return ()
