"""What a document of somebody else adds to the facts on record."""

from __future__ import annotations

from dataclasses import replace

from skyhaul.control.custody import standing_events
from skyhaul.control.epcis._read import EpcisReport
from skyhaul.control.facts import CustodyEvent, Fact, Facts, Withdrawal


def to_record(report: EpcisReport, facts: Facts, author: str) -> list[tuple[int, Fact]]:
    """The facts of a document that are to be recorded, each with the number of its event.

    That is what stands in the document: when others learnt or corrected something is no part of this record, whose
    times are its own. A correction or an error of an event on record corrects or withdraws that one; of any other it is
    noted in the report. Facts on record already, and equal, are left out and noted. `author` records them all; another
    author whom the document names is named in the source.
    """
    number = dict(zip((fact.id for fact in report.facts), report.numbers, strict=True))
    end = max((fact.recorded_at for fact in report.facts), default=None)
    if end is None:
        return []
    found: list[tuple[int, Fact]] = []
    on_record = {event.id: event for event in facts.of_kind(CustodyEvent)}
    standing = standing_events(Facts(report.facts), end)
    for event in sorted(standing, key=lambda event: (event.recorded_at, event.id)):
        fact = _as_said_by(event, author)
        assert isinstance(fact, CustodyEvent)
        if fact.subject and fact.subject not in on_record:
            report.note("corrects an event that is not on record, and is taken for itself", f"event {number[fact.id]}")
            fact = replace(fact, subject="")
        if fact.id in on_record and _same(on_record[fact.id], fact):
            report.note("is on record already", f"event {number[fact.id]}")
            continue
        found.append((number[fact.id], fact))
    for fact in report.facts:
        if isinstance(fact, Withdrawal):
            if fact.subject in on_record:
                found.append((number[fact.id], _as_said_by(fact, author)))
            else:
                report.note("is declared in error, and not on record", f"event {number[fact.id]}")
    return sorted(found, key=lambda pair: pair[0])


def _as_said_by(fact: Fact, author: str) -> Fact:
    if fact.author == author:
        return fact
    return replace(fact, author=author, source=f"{fact.source} (by {fact.author})")


def _same(one: CustodyEvent, other: CustodyEvent) -> bool:
    """Whether two facts say the same of the same event, whoever recorded them and when."""
    fields = ("valid_from", "step", "item", "giver", "receiver", "lot", "manner")
    return all(getattr(one, name) == getattr(other, name) for name in fields)
