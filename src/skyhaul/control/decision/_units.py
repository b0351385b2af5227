"""Everything the decision needs to know of one terminal apart from its place: registry, account, orders, listings."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from skyhaul.control._instants import FOREVER, nanoseconds
from skyhaul.control.decision._orders import TimedOrder
from skyhaul.control.facts import (
    Account,
    AllowList,
    CustodyEvent,
    Fact,
    HolderKind,
    Listing,
    Party,
    Piece,
    Target,
    Terminal,
    Versions,
)

F = TypeVar("F", bound=Fact)


class Listed(NamedTuple):
    """A listing in force: whether its three numbers are still the terminal's, and whether it is within the quota."""

    listing: Listing
    matches: bool
    within_quota: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """One terminal through [begin, end) (ns), in which none of this changes.

    parties   holder and account party, then the parties they belong to
    orders    orders over the unit or its account that are in force
    pending   such orders that wait for approvals
    """

    begin: int
    end: int
    terminal: Terminal | None
    account: Account | None
    destroyed: CustodyEvent | None
    parties: tuple[str, ...]
    orders: tuple[TimedOrder, ...]
    pending: tuple[TimedOrder, ...]
    listed: tuple[Listed, ...]


class Units:
    """All terminals, accounts, parties and listings over all valid time, as known at one time.

    ordered_parties   parties that any order is over
    """

    def __init__(
        self,
        terminals: Versions[Terminal],
        accounts: Versions[Account],
        parties: Versions[Party],
        listings: Iterable[Piece[Listing]],
        lists: Versions[AllowList],
        orders: Iterable[TimedOrder],
        destroyed: Iterable[Piece[CustodyEvent]],
    ) -> None:
        self.terminals = terminals
        self.accounts = accounts
        self.parties = parties
        self._orders: defaultdict[tuple[Target, str], list[TimedOrder]] = defaultdict(list)
        ordered_parties: set[str] = set()
        for order in orders:
            if order.order.target in (Target.UNIT, Target.ACCOUNT):
                self._orders[order.order.target, order.order.on].append(order)
            elif order.order.target is Target.PARTY:
                ordered_parties.add(order.order.on)
        self.ordered_parties = frozenset(ordered_parties)
        self._destroyed: dict[str, Piece[CustodyEvent]] = {}
        for event in sorted(destroyed, key=lambda piece: (piece.begin, piece.fact.id), reverse=True):
            self._destroyed[event.fact.item] = event
        self._listings: defaultdict[str, list[Piece[Listing]]] = defaultdict(list)
        groups: defaultdict[tuple[str, str], list[Piece[Listing]]] = defaultdict(list)
        for piece in listings:
            self._listings[piece.fact.terminal].append(piece)
            groups[piece.fact.name, piece.fact.holder].append(piece)
        self._lists = lists
        self._groups = groups
        self._quotas: dict[tuple[str, str], _Quota] = {}
        self._standing: defaultdict[str, list[Standing]] = defaultdict(list)

    def standing(self, terminal: str, time: int) -> Standing:
        """The terminal at an instant (ns); a name that is not registered has a standing without terminal."""
        known = self._standing[terminal] if terminal in self.terminals else []
        for standing in known:
            if standing.begin <= time < standing.end:
                return standing
        standing = self.work_out(terminal, time)
        known.append(standing)
        return standing

    def work_out(self, name: str, time: int) -> Standing:
        """The same, not kept."""
        window = _Window(time)
        terminal = window.at(self.terminals.of(name))
        account_name = terminal.account if terminal else ""
        account = window.at(self.accounts.of(account_name)) if account_name else None
        gone = self._destroyed.get(name)
        destroyed = window.at((gone,)) if gone else None
        parties = self._chain((terminal.holder if terminal else "", account.party if account else ""), window)
        orders: list[TimedOrder] = []
        pending: list[TimedOrder] = []
        for slot in ((Target.UNIT, name), (Target.ACCOUNT, account_name)):
            for order in self._orders.get(slot, ()):
                window.narrow((order.asked, order.begin, order.end))
                if order.in_force(time):
                    orders.append(order)
                elif order.pending(time):
                    pending.append(order)
        listed = self._listed(name, terminal, window) if name in self._listings else ()
        return Standing(
            window.begin, window.end, terminal, account, destroyed, parties, tuple(orders), tuple(pending), listed
        )

    def _chain(self, names: tuple[str, ...], window: _Window) -> tuple[str, ...]:
        """Parties and those they belong to; a party that comes round to itself ends its chain."""
        found: dict[str, None] = {}
        for start in names:
            name = start
            while name and name not in found:
                found[name] = None
                party = window.at(self.parties.of(name))
                name = party.parent if party else ""
        return tuple(found)

    def _listed(self, name: str, terminal: Terminal | None, window: _Window) -> tuple[Listed, ...]:
        found = []
        for piece in self._listings[name]:
            listing = window.at((piece,))
            if listing is not None:
                matches = terminal is not None and (listing.kit_number, listing.account) == (
                    terminal.kit_number,
                    terminal.account,
                )
                found.append(Listed(listing, matches, self._quota(listing).holds(listing.id, window)))
        return tuple(found)

    def _quota(self, listing: Listing) -> _Quota:
        """The quota of a listing's list and holder, worked out when first asked for."""
        key = (listing.name, listing.holder)
        quota = self._quotas.get(key)
        if quota is None:
            quota = self._quotas[key] = _Quota(self._groups[key], self._lists.of(listing.name))
        return quota


class _Window:
    """An instant and the interval around it in which nothing that was asked for changes."""

    __slots__ = ("begin", "end", "time")

    def __init__(self, time: int) -> None:
        self.time = time
        self.begin = -FOREVER
        self.end = FOREVER

    def at(self, pieces: Sequence[Piece[F]]) -> F | None:
        """The fact of the piece that covers the instant."""
        found = None
        for begin, end, fact in pieces:
            if begin <= self.time < end:
                found = fact
            self.narrow((begin, end))
        return found

    def narrow(self, instants: tuple[int, ...]) -> None:
        for instant in instants:
            if instant <= self.time:
                self.begin = max(self.begin, instant)
            else:
                self.end = min(self.end, instant)


class _Quota:
    """The listings of one holder on one list: which are within the quota, from each of their changes to the next."""

    def __init__(self, group: Sequence[Piece[Listing]], lists: Sequence[Piece[AllowList]]) -> None:
        instants = {instant for begin, end, _ in (*group, *lists) for instant in (begin, end)}
        self._from = [-FOREVER, *sorted(instants - {FOREVER})]
        self._within = [self._counted(group, lists, time) for time in self._from]

    def holds(self, listing_id: str, window: _Window) -> bool:
        at = bisect_right(self._from, window.time) - 1
        end = self._from[at + 1] if at + 1 < len(self._from) else FOREVER
        window.narrow((self._from[at], end))
        return listing_id in self._within[at]

    @staticmethod
    def _counted(group: Sequence[Piece[Listing]], lists: Sequence[Piece[AllowList]], time: int) -> frozenset[str]:
        """Listings in force are counted in the order of their approval; those above the quota do not hold."""
        list_ = next((piece.fact for piece in lists if piece.begin <= time < piece.end), None)
        in_force = [piece.fact for piece in group if piece.begin <= time < piece.end]
        if list_ is None:
            return frozenset(listing.id for listing in in_force)
        counted: set[str] = set()
        unseen = 0
        for listing in sorted(in_force, key=lambda listing: (nanoseconds(listing.valid_from), listing.id)):
            most, most_unseen = list_.quotas.of(listing.kind), list_.quotas.person_unseen
            if most is not None and len(counted) >= most:
                continue
            if listing.kind is HolderKind.PERSON and not listing.shown:
                if most_unseen is not None and unseen >= most_unseen:
                    continue
                unseen += 1
            counted.add(listing.id)
        return frozenset(counted)
