"""The paths by which units came to a party, with what is not known in between."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from skyhaul.control._instants import instant_text
from skyhaul.control.custody._record import CustodyRecord, Reach
from skyhaul.control.custody._trace import Trace
from skyhaul.control.facts import CustodyEvent, Manner, Step


@dataclass(frozen=True, slots=True)
class Way:
    """How one unit came to a party, or what is known of it short of that.

    unit
    when       when it was first with one of the parties, first sent to one, or first not accounted for
    hands      the hands up to then in order, `?` where a gap is
    unknown    what is not known on the way, in order, each with its instant
    manners    how it changed hands on the way, as far as it is recorded, in order
    """

    unit: str
    when: np.datetime64
    hands: tuple[str, ...]
    unknown: tuple[str, ...]
    manners: tuple[Manner, ...]

    def __str__(self) -> str:
        by = f" (by {', '.join(self.manners)})" if self.manners else ""
        lines = [f"{self.unit}  {instant_text(self.when)}  {' → '.join(self.hands)}{by}"]
        lines += [f"    ? {text}" for text in self.unknown]
        return "\n".join(lines)

    def document(self) -> dict[str, object]:
        """The way in JSON's own types."""
        return {
            "unit": self.unit,
            "when": instant_text(self.when),
            "hands": list(self.hands),
            "unknown": list(self.unknown),
            "manners": [str(manner) for manner in self.manners],
        }


def reach_of(record: CustodyRecord, parties: Sequence[str]) -> Reach:
    """`record.reaches` of those of the parties that events name; where none is, no unit was with any, and all that is
    not accounted for stays unknown."""
    return record.reaches(*(party for party in parties if party in frozenset(record.parties)))


def ways(
    record: CustodyRecord,
    units: Iterable[tuple[str, np.datetime64]],
    parties: frozenset[str],
    events: Iterable[CustodyEvent] = (),
) -> Iterator[Way]:
    """The way of each unit up to the first of these parties; up to its end where it never was with one.

    units    with the instant that `Reach` gives for each
    events   the facts of the record, for how units changed hands
    """
    manner = {event.id: event.manner for event in events if event.manner}
    for unit, when in units:
        yield _way(record.trace(unit), when, parties, manner)


def _way(trace: Trace, when: np.datetime64, parties: frozenset[str], manner: dict[str, Manner]) -> Way:
    hands: list[str] = []
    unknown: list[str] = []
    manners: list[Manner] = []
    arrived, sent = False, None
    for passage in trace.passages:
        if passage.gap_before:
            unknown.append(f"before {instant_text(passage.time)}: {passage.gap_before}")
        # What was sent by a sale and received by it was sold once.
        told = passage.step is Step.RECEIVING and not passage.gap_before and sent is manner.get(passage.event)
        if passage.event in manner and not told:
            manners.append(manner[passage.event])
        sent = manner.get(passage.event) if passage.step is Step.SHIPPING else None
        names = ["?"] if passage.gap_before else []
        names += [name for name in (passage.giver, passage.holder) if name]
        for name in names:
            if not hands or hands[-1] != name:
                hands.append(name)
            if name in parties:
                arrived = True
                break
        if arrived:
            break
    if not arrived and trace.under_way_to is not None:
        hands.append("?")
        last = trace.passages[-1].time
        unknown.append(f"from {instant_text(last)}: on its way to {trace.under_way_to}, and no receipt is recorded")
    return Way(trace.unit, when, tuple(hands), tuple(unknown), tuple(manners))
