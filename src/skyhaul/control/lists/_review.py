"""Looking over allow-lists: what is double, what looks bought, what no longer holds. Pure, and complete: every entry
that is open or on a list is held against every other, the registry and custody."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from skyhaul.control._instants import nanoseconds, utc
from skyhaul.control.facts import Fact, Facts, Listing, Terminal, Versions, Withdrawal
from skyhaul.control.lists._custody import review_custody
from skyhaul.control.lists._entries import Entry, ListRegister, State
from skyhaul.control.lists._findings import Finding, Matter
from skyhaul.control.lists._grants import quota_used


@dataclass(frozen=True, slots=True)
class ReviewLimits:
    """From where on what many have in common is reported. The numbers are this project's own: no authority has
    published any.

    window_s          how close in time applications count as one wave: a week
    holders           distinct holders with one document or address
    clerk_window_s    how close the work of one clerk counts together: an hour
    clerk_holders     distinct holders that one clerk approves in that time
    """

    window_s: float = 7 * 86_400.0
    holders: int = 3
    clerk_window_s: float = 3_600.0
    clerk_holders: int = 30


def review(
    facts: Facts,
    at: str | np.datetime64,
    known_at: str | np.datetime64,
    *,
    name: str = "",
    limits: ReviewLimits | None = None,
) -> tuple[Finding, ...]:
    """Everything about one list, or all, that somebody should look at, as it stood at an instant and was known at
    another; by matter, then by entry.

    A finding about several entries is reported when any of them is on the list that was asked for. Raises NotFoundError
    for a list that is not recorded.
    """
    instant, known = utc(at, "time"), utc(known_at, "known_at")
    limits = limits or ReviewLimits()
    register = ListRegister(facts, known)
    chosen = {entry.id for entry in register.entries(instant, name)}
    entries = register.entries(instant)
    live = [entry for entry in entries if entry.live]
    found = [
        *_twice(live),
        *_shared_accounts(live),
        *_quotas(register, live, instant),
        *_waves(entries, limits),
        *_own_approvals(entries),
        *_registry(facts, live, instant, known),
        *review_custody(facts, live, register, instant, known),
    ]
    order = list(Matter)
    return tuple(
        sorted(
            (finding for finding in found if not chosen.isdisjoint(finding.entries)),
            key=lambda finding: (order.index(finding.matter), finding.entries, finding.text),
        )
    )


def _twice(live: Sequence[Entry]) -> Iterator[Finding]:
    """One terminal, or one kit number, in more than one live entry of a list."""
    seen: set[tuple[str, ...]] = set()
    for what, number in (("terminal", _terminal), ("kit number", _kit_number)):
        for (list_, value), group in _groups(live, number):
            if not value or len(group) < 2:
                continue
            ids = _ids(group)
            if ids in seen:
                continue
            seen.add(ids)
            holders = _holders(group)
            several = len(holders) > 1
            yield _finding(
                Matter.TERMINAL_TWO_HOLDERS if several else Matter.TERMINAL_TWICE,
                group,
                f"{what} {value} stands {len(group)} times on the list “{list_}”, for {', '.join(holders)}",
            )


def _shared_accounts(live: Sequence[Entry]) -> Iterator[Finding]:
    for (account,), group in _groups(live, lambda e: (e.asked.account,)):
        holders = _holders(group)
        if account and len(holders) > 1:
            text = f"account {account} is behind {len(holders)} holders: {', '.join(holders)}"
            yield _finding(Matter.ACCOUNT_SHARED, group, text)


def _quotas(register: ListRegister, live: Sequence[Entry], at: np.datetime64) -> Iterator[Finding]:
    for (holder,), group in _groups(live, lambda e: (e.asked.holder,)):
        kinds = sorted({str(entry.holder_kind) for entry in group})
        if len(kinds) > 1:
            text = f"{holder} is listed or asks as {' and as '.join(kinds)}"
            yield _finding(Matter.HOLDER_KINDS, group, text)
        terminals = sorted({entry.asked.terminal for entry in group})
        lists = [list_ for name in sorted({e.asked.name for e in group}) if (list_ := register.list_at(name, at))]
        limits = [most for list_ in lists for kind in {e.holder_kind for e in group} if (most := list_.quotas.of(kind))]
        if lists and limits and len(terminals) > max(limits):
            used = sum(len(quota_used(register, list_.name, holder, at)) for list_ in lists)
            text = (
                f"{holder} has or asks for {len(terminals)} terminals on {len(lists)} lists, {used} of them granted: "
                f"the most that any allows is {max(limits)}"
            )
            yield Finding(Matter.HOLDER_QUOTA, _ids(group), text, (*_facts(group), *lists))


def _waves(entries: Sequence[Entry], limits: ReviewLimits) -> Iterator[Finding]:
    """Many holders with one document or address, or one clerk, within a short time; decided entries count too, for a
    wave is seen best once some of it has been rejected."""
    documents: list[tuple[str, Entry]] = [
        (part, entry) for entry in entries for part in dict.fromkeys(_parts(entry.asked.evidence))
    ]
    yield from _bursts(Matter.SHARED_EVIDENCE, "hand in", documents, limits.window_s, limits.holders)
    places = [(" ".join(entry.application.address.casefold().split()), entry) for entry in entries if entry.application]
    yield from _bursts(Matter.SHARED_ADDRESS, "give one address", places, limits.window_s, limits.holders)
    clerks = [(entry.listing.approved_by, entry) for entry in entries if entry.listing]
    yield from _bursts(
        Matter.SHARED_CLERK, "were approved by", clerks, limits.clerk_window_s, limits.clerk_holders
    )  # fmt: skip


def _bursts(
    matter: Matter, verb: str, pairs: Iterable[tuple[str, Entry]], window_s: float, least: int
) -> Iterator[Finding]:
    """The longest runs of entries with one value in which any window of time holds enough distinct holders."""
    by_value: dict[str, list[Entry]] = {}
    for value, entry in pairs:
        if value:
            by_value.setdefault(value, []).append(entry)
    window = int(window_s * 1e9)
    approval = matter is Matter.SHARED_CLERK
    for value in sorted(by_value):
        timed = sorted(((_time(entry, approval), entry) for entry in by_value[value]), key=lambda t: (t[0], t[1].id))
        caught: dict[str, Entry] = {}
        holders: dict[str, int] = {}
        start = done = 0
        for at, (time, entry) in enumerate(timed):
            holders[entry.asked.holder] = holders.get(entry.asked.holder, 0) + 1
            while timed[start][0] <= time - window:
                gone = timed[start][1].asked.holder
                holders[gone] -= 1
                if not holders[gone]:
                    del holders[gone]
                start += 1
            if len(holders) >= least:
                caught |= {e.id: e for _, e in timed[max(start, done) : at + 1]}
                done = at + 1
        if caught:
            group = list(caught.values())
            many = _holders(group)
            what = verb if matter is Matter.SHARED_ADDRESS else f"{verb} {value}"
            text = f"{len(many)} holders {what} within {_span(window_s)} of each other: {_some(many)}"
            yield _finding(matter, group, text)


def _own_approvals(entries: Sequence[Entry]) -> Iterator[Finding]:
    for entry in entries:
        if entry.listing is None:
            continue
        applicants = {entry.listing.holder} | ({entry.application.author} if entry.application else set())
        if entry.listing.approved_by in applicants:
            text = f"{entry.listing.approved_by} approved what they asked for themselves"
            yield _finding(Matter.OWN_APPROVAL, [entry], text)


def _registry(facts: Facts, live: Sequence[Entry], at: np.datetime64, known: np.datetime64) -> Iterator[Finding]:
    """The three numbers against the registry's."""
    withdrawals = (w for w in facts.known(Withdrawal, known) if w.kind == Terminal.__name__)
    terminals: Versions[Terminal] = Versions(facts.known(Terminal, known), withdrawals)
    time = nanoseconds(at)
    for entry in live:
        asked = entry.asked
        unit = next((p.fact for p in terminals.of(asked.terminal) if p.begin <= time < p.end), None)
        if unit is None:
            text = f"no terminal {asked.terminal} is in the registry"
            yield _finding(Matter.TERMINAL_UNKNOWN, [entry], text)
            continue
        if asked.kit_number != unit.kit_number:
            text = f"kit number {asked.kit_number or '(none)'}: {asked.terminal} has {unit.kit_number or 'none'}"
            yield Finding(Matter.KIT_MISMATCH, (entry.id,), text, (*entry.facts, unit))
        if asked.account != unit.account:
            listed = "listed" if entry.state is State.APPROVED else "asked for"
            text = (
                f"{listed} on account {asked.account or '(none)'}: {asked.terminal} is on {unit.account or 'none'} now"
            )
            yield Finding(Matter.ACCOUNT_CHANGED, (entry.id,), text, (*entry.facts, unit))


def _terminal(entry: Entry) -> tuple[str, str]:
    return entry.asked.name, entry.asked.terminal


def _kit_number(entry: Entry) -> tuple[str, str]:
    return entry.asked.name, entry.asked.kit_number


def _groups(
    entries: Iterable[Entry], key: Callable[[Entry], tuple[str, ...]]
) -> Iterator[tuple[tuple[str, ...], list[Entry]]]:
    found: dict[tuple[str, ...], list[Entry]] = {}
    for entry in entries:
        found.setdefault(key(entry), []).append(entry)
    for value in sorted(found):
        yield value, found[value]


def _finding(matter: Matter, group: Sequence[Entry], text: str) -> Finding:
    return Finding(matter, _ids(group), text, _facts(group))


def _facts(group: Sequence[Entry]) -> tuple[Fact, ...]:
    return tuple(dict.fromkeys(fact for entry in group for fact in entry.facts))


def _ids(group: Sequence[Entry]) -> tuple[str, ...]:
    return tuple(sorted(entry.id for entry in group))


def _holders(group: Sequence[Entry]) -> list[str]:
    return sorted({entry.asked.holder for entry in group})


def _parts(evidence: str) -> list[str]:
    """The documents that evidence names."""
    return [" ".join(part.split()) for part in evidence.partition("; granted although: ")[0].split(";")]


def _time(entry: Entry, approval: bool) -> int:
    fact = entry.listing if approval and isinstance(entry.listing, Listing) else entry.asked
    return nanoseconds(fact.valid_from)


def _span(seconds: float) -> str:
    for unit, length in (("days", 86_400.0), ("hours", 3_600.0), ("minutes", 60.0)):
        if seconds >= length:
            count = seconds / length
            return f"{count:g} {unit if count != 1 else unit[:-1]}"
    return f"{seconds:g} s"


def _some(names: Sequence[str], most: int = 6) -> str:
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest
