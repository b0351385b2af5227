"""What of all recorded custody stands, and which parties belong to one."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from skyhaul.control._instants import utc
from skyhaul.control.facts import CustodyEvent, Facts, Party, Withdrawal
from skyhaul.errors import NotFoundError


def standing_events(facts: Facts, known_at: str | np.datetime64) -> list[CustodyEvent]:
    """The custody events as known at a time: of each the version recorded last, less those withdrawn.

    An event is an instant, so a correction takes the place of what it corrects altogether, and a withdrawal of its
    instant takes it away; one recorded before the event's last version does not.
    """
    known = utc(known_at, "known_at")
    events = facts.known(CustodyEvent, known)
    withdrawals = [w for w in facts.known(Withdrawal, known) if w.kind == CustodyEvent.__name__]
    in_question = {event.subject for event in events if event.subject} | {w.subject for w in withdrawals}
    if not in_question:
        return events
    last: dict[str, CustodyEvent] = {}
    for event in events:
        if event.key not in in_question:
            continue
        other = last.get(event.key)
        if other is None or (event.recorded_at, event.id) > (other.recorded_at, other.id):
            last[event.key] = event
    for withdrawal in withdrawals:
        taken = last.get(withdrawal.subject)
        if taken is not None and taken.recorded_at <= withdrawal.recorded_at:
            begins = withdrawal.valid_from <= taken.valid_from
            ends = withdrawal.valid_to is not None and withdrawal.valid_to <= taken.valid_from
            if begins and not ends:
                del last[taken.key]
    return [event for event in events if event.key not in in_question or last.get(event.key) is event]


def party_and_below(facts: Facts, party: str, known_at: str | np.datetime64) -> tuple[str, ...]:
    """A party and all that were ever recorded to belong to it, directly or through others, as known at a time; sorted
    after the party itself. A circle of parties ends where it closes."""
    below: dict[str, set[str]] = {}
    for fact in _standing_parties(facts, utc(known_at, "known_at")):
        if fact.parent:
            below.setdefault(fact.parent, set()).add(fact.party)
    found: set[str] = {party}
    ahead = [party]
    while ahead:
        for name in below.get(ahead.pop(), ()):
            if name not in found:
                found.add(name)
                ahead.append(name)
    return (party, *sorted(found - {party}))


def known_parties(facts: Facts, events: Iterable[CustodyEvent], known_at: str | np.datetime64) -> frozenset[str]:
    """Every party that the registry or an event names."""
    named = {name for event in events for name in (event.giver, event.receiver) if name}
    registered = {p for fact in facts.known(Party, utc(known_at, "known_at")) for p in (fact.party, fact.parent) if p}
    return frozenset(named | registered)


def check_party(name: str, known: frozenset[str]) -> None:
    """Raise NotFoundError, with near names, for a party that nothing names."""
    if name in known:
        return
    import difflib

    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    mend = f"did you mean {', '.join(near)}?" if near else f"{len(known)} are recorded"
    raise NotFoundError(f"nothing names a party “{name}”", mend=mend)


def _standing_parties(facts: Facts, known: np.datetime64) -> list[Party]:
    """Party facts less those withdrawn from their very beginning: what once held, held."""
    withdrawn = [w for w in facts.known(Withdrawal, known) if w.kind == Party.__name__]
    return [
        fact
        for fact in facts.known(Party, known)
        if not any(
            w.subject == fact.key
            and w.recorded_at >= fact.recorded_at
            and w.valid_from <= fact.valid_from
            and (w.valid_to is None or (fact.valid_to is not None and fact.valid_to <= w.valid_to))
            for w in withdrawn
        )
    ]
