"""The decision: one answer, one code, one lease, and every reason."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from skyhaul.control._canonical import canonical_json
from skyhaul.control._codes import Alert, Code
from skyhaul.control._instants import instant_text
from skyhaul.control._rule_names import Rule
from skyhaul.control.decision._reasons import Reason
from skyhaul.control.facts import Fact

# Changes whenever the same facts and question could give another answer.
RULES_VERSION = 1


class Outcome(StrEnum):
    """What is decided."""

    PERMITTED = "permitted"
    REFUSED = "refused"
    UNDECIDED = "undecided"  # the answer differs within the 95 % ellipse


@dataclass(frozen=True, slots=True)
class Grant:
    """Permission to be served in a cell through [begins, ends): a lease that ends by itself.

    cell        H3 resolution-5 cell, in hex
    probation   a short one, given although the ellipse crosses a border
    rate_bps    the highest rate, or None
    """

    cell: str
    begins: np.datetime64
    ends: np.datetime64
    probation: bool
    rate_bps: float | None


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer to "may this terminal be served here, now?".

    known_at      the facts are those recorded up to here
    cell          H3 resolution-5 cell of the position in hex, or empty; never the position itself
    code          the one code that the terminal shows
    reasons       every reason of every part of the ellipse, the strictest part's first, in order of precedence
    grant         the lease, or None: not served
    holds_until   up to here no fact that bears on the answer begins or ends, and the position counts; None: no end
    """

    terminal: str
    time: np.datetime64
    known_at: np.datetime64
    cell: str
    outcome: Outcome
    code: Code
    reasons: tuple[Reason, ...]
    grant: Grant | None
    holds_until: np.datetime64 | None

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """The country alerts of the reasons that refuse, ascending."""
        found = {r.rule.alert for r in self.reasons if r.refuses and isinstance(r.rule, Rule)}
        return tuple(sorted(found - {Alert.NONE}))

    def to_json(self) -> str:
        """Canonical JSON: the same question to the same facts gives the same bytes."""
        return canonical_json(self.as_dict())

    def as_dict(self) -> dict[str, Any]:
        """What `to_json` writes."""
        return {
            "rules_version": RULES_VERSION,
            "terminal": self.terminal,
            "time": self.time,
            "known_at": self.known_at,
            "cell": self.cell,
            "outcome": self.outcome,
            "code": int(self.code),
            "code_name": self.code.name,
            "alerts": [int(alert) for alert in self.alerts],
            "reasons": [_reason_dict(reason) for reason in self.reasons],
            "grant": None
            if self.grant is None
            else {
                "cell": self.grant.cell,
                "begins": self.grant.begins,
                "ends": self.grant.ends,
                "probation": self.grant.probation,
                "rate_bps": self.grant.rate_bps,
            },
            "holds_until": self.holds_until,
        }


def _reason_dict(reason: Reason) -> dict[str, Any]:
    found: dict[str, Any] = {
        "rule": reason.rule,
        "effect": reason.effect,
        "text": reason.text,
        "authority": reason.authority,
        "facts": [_fact_dict(fact) for fact in reason.facts],
    }
    if isinstance(reason.rule, Rule):
        found["code"] = int(reason.rule.code)
    if reason.lifted_by:
        found["lifted_by"] = reason.lifted_by
    return found


def _fact_dict(fact: Fact) -> dict[str, Any]:
    return {
        "kind": type(fact).__name__,
        "id": fact.id,
        "source": fact.source,
        "author": fact.author,
        "valid_from": fact.valid_from,
        "valid_to": fact.valid_to,
        "recorded_at": fact.recorded_at,
    }


def explain(decision: Decision) -> str:
    """The decision for people: a line of answer, then every reason with the facts it rests on."""
    lines = [
        f"{decision.terminal} at {instant_text(decision.time)}, as known at {instant_text(decision.known_at)}, "
        + (f"cell {decision.cell}" if decision.cell else "cell unknown"),
        _headline(decision),
    ]
    for reason in decision.reasons:
        lifted = f" [lifted by {reason.lifted_by}]" if reason.lifted_by else ""
        lines.append(f"  {reason.effect:<8} {reason.rule}: {reason.text}{lifted}")
        lines += [f"           {_cited(fact)}" for fact in reason.facts]
    if decision.holds_until is not None:
        lines.append(f"  nothing that bears on this changes before {instant_text(decision.holds_until)}")
    return "\n".join(lines)


def _headline(decision: Decision) -> str:
    grant = decision.grant
    alerts = "".join(f", {alert.name.replace('_', ' ').lower()} ({alert.value})" for alert in decision.alerts)
    text = f"{decision.outcome.upper()}: code {decision.code.value} {decision.code.name}{alerts}"
    if grant is None:
        return text
    kind = "probation lease" if grant.probation else "lease"
    rate = f", at most {grant.rate_bps / 1e6:g} Mbit/s" if grant.rate_bps is not None else ""
    return f"{text}; {kind} until {instant_text(grant.ends)}{rate}"


def _cited(fact: Fact) -> str:
    end = "until further notice" if fact.valid_to is None else f"to {instant_text(fact.valid_to)}"
    return (
        f"{type(fact).__name__} {fact.id}: from {instant_text(fact.valid_from)} {end}, "
        f"recorded {instant_text(fact.recorded_at)} by {fact.author}; {fact.source}"
    )
