"""What holds at an instant, and how long it goes on holding."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import TypeVar

from skyhaul.control._instants import FOREVER, nanoseconds
from skyhaul.control.facts import AllowList, Fact, HolderKind, Listing, Piece

F = TypeVar("F", bound=Fact)


class Window:
    """An instant and the interval around it in which nothing that was asked for changes."""

    __slots__ = ("begin", "end", "time")

    def __init__(self, time: int) -> None:
        self.time = time
        self.begin = -FOREVER
        self.end = FOREVER

    def at(self, pieces: Sequence[Piece[F]]) -> F | None:
        """The fact of the piece that covers the instant."""
        found = None
        time = self.time
        for begin, end, fact in pieces:
            if begin > time:
                self.end = min(self.end, begin)
            elif end <= time:
                self.begin = max(self.begin, end)
            else:
                self.begin, self.end = max(self.begin, begin), min(self.end, end)
                found = fact
        return found

    def narrow(self, instants: tuple[int, ...]) -> None:
        """Keep between the last of these instants before and the first after."""
        for instant in instants:
            if instant <= self.time:
                self.begin = max(self.begin, instant)
            else:
                self.end = min(self.end, instant)


class Quota:
    """The listings of one holder on one list: which are within the quota, from each of their changes to the next."""

    def __init__(self, group: Sequence[Piece[Listing]], lists: Sequence[Piece[AllowList]]) -> None:
        instants = {instant for begin, end, _ in (*group, *lists) for instant in (begin, end)}
        self._from = [-FOREVER, *sorted(instants - {FOREVER})]
        self._within = [
            within_quota(Window(time).at(lists), [p.fact for p in group if p.begin <= time < p.end])
            for time in self._from
        ]

    def holds(self, listing_id: str, window: Window) -> bool:
        """Whether a listing is within the quota at the window's instant."""
        at = bisect_right(self._from, window.time) - 1
        end = self._from[at + 1] if at + 1 < len(self._from) else FOREVER
        window.narrow((self._from[at], end))
        return listing_id in self._within[at]


def within_quota(list_: AllowList | None, listings: Sequence[Listing]) -> set[str]:
    """Ids of those of one holder's listings in force that are within the list's quotas, counted in the order of their
    approval; all where no list is in force."""
    if list_ is None:
        return {listing.id for listing in listings}
    counted: set[str] = set()
    unseen = 0
    for listing in sorted(listings, key=lambda listing: (nanoseconds(listing.valid_from), listing.id)):
        most, most_unseen = list_.quotas.of(listing.kind), list_.quotas.person_unseen
        if most is not None and len(counted) >= most:
            continue
        if listing.kind is HolderKind.PERSON and not listing.shown:
            if most_unseen is not None and unseen >= most_unseen:
                continue
            unseen += 1
        counted.add(listing.id)
    return counted
