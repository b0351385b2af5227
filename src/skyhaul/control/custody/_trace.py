"""The way of one unit through all hands, and what is not known of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skyhaul.control._instants import instant_text
from skyhaul.control.facts import Step

_GAPS = (
    "",
    "how it came to be there is not recorded",
    "it left a party that is not recorded to have had it",
    "from whom it came is not recorded",
    "it was sent to another",
    "it was sent on its way, and no receipt is recorded",
    "it is recorded to have been made before",
    "it is recorded to have been split before",
    "it is recorded to have been destroyed before",
    "its lots are recorded to be parts of each other",
)


def gap_words(gap: int) -> str:
    """What is not known just before an event, in words; empty where everything is."""
    return _GAPS[gap]


@dataclass(frozen=True, slots=True)
class Passage:
    """One event on the way.

    item         the unit itself, or the lot it was part of
    holder       who has it afterwards, or empty: nobody known
    gap_before   what is not known between the passage before and this one, or empty
    """

    event: str
    time: np.datetime64
    step: Step
    item: str
    giver: str
    receiver: str
    holder: str
    gap_before: str


@dataclass(frozen=True, slots=True)
class Trace:
    """All passages of one unit in order.

    under_way_to   whom it was last sent to without a receipt, or None: it is at rest
    """

    unit: str
    passages: tuple[Passage, ...]
    under_way_to: str | None

    @property
    def parties(self) -> tuple[str, ...]:
        """The hands it went through, in order; `?` where a gap is."""
        found: list[str] = []
        for passage in self.passages:
            names = ["?"] if passage.gap_before else []
            names += [name for name in (passage.giver, passage.holder) if name]
            for name in names:
                if not found or found[-1] != name:
                    found.append(name)
        if self.under_way_to is not None:
            found.append("?")
        return tuple(found)

    def path_to(self, party: str) -> tuple[str, ...] | None:
        """The hands up to a party; None where it never was."""
        hands = self.parties
        return hands[: hands.index(party) + 1] if party in hands else None

    def __str__(self) -> str:
        lines = [f"{self.unit}: {' → '.join(self.parties)}"]
        for p in self.passages:
            if p.gap_before:
                lines.append(f"  ? {p.gap_before}")
            parties = " → ".join(name for name in (p.giver, p.receiver) if name)
            where = "" if p.item == self.unit else f" (lot {p.item})"
            lines.append(f"  {instant_text(p.time)} {p.step}{where} {parties}".rstrip())
        if self.under_way_to is not None:
            lines.append(f"  ? on its way to {self.under_way_to}, and no receipt is recorded")
        return "\n".join(lines)
