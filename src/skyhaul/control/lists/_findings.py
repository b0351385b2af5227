"""What a review reports: a fact to look at, never a verdict."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from skyhaul.control._instants import instant_text
from skyhaul.control.facts import Fact


class Matter(StrEnum):
    """What looks double, bought, or no more as it was when it was asked."""

    TERMINAL_TWICE = "terminal.twice"  # one terminal or kit number, one holder, two places
    TERMINAL_TWO_HOLDERS = "terminal.two-holders"
    ACCOUNT_SHARED = "account.shared"  # one account behind several holders
    ACCOUNT_CHANGED = "account.changed"  # the terminal is on another account now
    HOLDER_QUOTA = "holder.quota"  # more terminals on all lists together than one list allows
    HOLDER_KINDS = "holder.kinds"  # a person on one list, a firm on another
    SHARED_EVIDENCE = "shared.evidence"  # many holders hand in one document
    SHARED_ADDRESS = "shared.address"
    SHARED_CLERK = "shared.clerk"  # one person approves for very many in a short time
    OWN_APPROVAL = "approval.own"  # who asked also approved
    KIT_MISMATCH = "kit.mismatch"  # not the kit number of that terminal
    TERMINAL_UNKNOWN = "terminal.unknown"  # not in the registry
    UNIT_DESTROYED = "unit.destroyed"
    CUSTODY_NONE = "custody.none"  # no event of the unit is recorded
    CUSTODY_ELSEWHERE = "custody.elsewhere"  # the way of the unit does not lead to who asks
    CUSTODY_ABROAD = "custody.abroad"  # it went through a party established elsewhere
    CUSTODY_TAKEN = "custody.taken"  # it changed hands by capture or theft
    CUSTODY_GAP = "custody.gap"  # part of its way is not recorded


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to look at.

    entries   ids of the applications and listings it is about
    text      what was found
    facts     what it rests on
    """

    matter: Matter
    entries: tuple[str, ...]
    text: str
    facts: tuple[Fact, ...]

    def document(self) -> dict[str, object]:
        """The finding in JSON's own types."""
        return {
            "matter": str(self.matter),
            "entries": list(self.entries),
            "text": self.text,
            "facts": [
                {
                    "id": fact.id,
                    "kind": type(fact).__name__,
                    "source": fact.source,
                    "author": fact.author,
                    "valid_from": instant_text(fact.valid_from),
                    "recorded_at": instant_text(fact.recorded_at),
                }
                for fact in self.facts
            ],
        }
