"""One reason of a decision: the rule, what it does, the words for people, and the facts it rests on."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from skyhaul.control._rule_names import Note, Rule
from skyhaul.control.facts import Fact


class Effect(StrEnum):
    """What a reason does."""

    FORBID = "forbids"
    PERMIT = "permits"
    LIMIT = "limits"
    NOTE = "notes"


class Reason(NamedTuple):
    """Why, by which rule, and on which facts.

    authority   whose rule it is
    lifted_by   id of the order that lifts it, or empty; a lifted reason is kept and forbids nothing
    rate_bps    for a limit, the highest rate
    """

    rule: Rule | Note
    effect: Effect
    text: str
    facts: tuple[Fact, ...]
    authority: str = ""
    lifted_by: str = ""
    rate_bps: float | None = None

    @property
    def refuses(self) -> bool:
        """Whether it forbids and is not lifted."""
        return self.effect is Effect.FORBID and not self.lifted_by


def forbid(rule: Rule, text: str, *facts: Fact, authority: str = "") -> Reason:
    """A reason that refuses."""
    return Reason(rule, Effect.FORBID, text, facts, authority)


def permit(note: Note, text: str, *facts: Fact, authority: str = "") -> Reason:
    """A reason that grants what a rule asks for."""
    return Reason(note, Effect.PERMIT, text, facts, authority)


def note(name: Note, text: str, *facts: Fact, authority: str = "") -> Reason:
    """A circumstance that neither permits nor refuses."""
    return Reason(name, Effect.NOTE, text, facts, authority)
