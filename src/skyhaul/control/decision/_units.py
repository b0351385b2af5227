"""Everything the decision needs to know of one terminal apart from its place: registry, account, orders, listings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from skyhaul.control._groups import Groups
from skyhaul.control.decision._orders import TimedOrder
from skyhaul.control.decision._windows import Quota, Window, within_quota
from skyhaul.control.facts import (
    Account,
    AllowList,
    CustodyEvent,
    Fact,
    Listing,
    Party,
    Piece,
    Step,
    Target,
    Terminal,
    Versions,
    Withdrawal,
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


@dataclass(frozen=True, slots=True)
class UnitFacts:
    """Facts about terminals and those they belong to, and the withdrawals of such facts."""

    terminals: Sequence[Terminal] = ()
    accounts: Sequence[Account] = ()
    parties: Sequence[Party] = ()
    listings: Sequence[Listing] = ()
    lists: Sequence[AllowList] = ()
    events: Sequence[CustodyEvent] = ()
    withdrawals: Sequence[Withdrawal] = ()

    def withdrawn(self, kind: type[Fact]) -> list[Withdrawal]:
        """The withdrawals of one kind."""
        return [withdrawal for withdrawal in self.withdrawals if withdrawal.kind == kind.__name__]


@dataclass(frozen=True, slots=True)
class Touched:
    """What may differ from the units that have the token `before`: these terminals and those on these accounts, or all
    terminals when `before` is None."""

    before: object = None
    terminals: frozenset[str] = frozenset()
    accounts: frozenset[str] = frozenset()


class Units:
    """All terminals, accounts, parties and listings over all valid time, as known at one time; empty to begin with.

    ordered_parties   parties that any order is over
    touched           what differs from the units that these were extended from
    """

    def __init__(self) -> None:
        self.token = object()
        self.touched = Touched()
        self.ordered_parties: frozenset[str] = frozenset()
        self.orders: tuple[TimedOrder, ...] = ()
        self._terminals: Versions[Terminal] = Versions()
        self._accounts: Versions[Account] = Versions()
        self._parties: Versions[Party] = Versions()
        self._lists: Versions[AllowList] = Versions()
        self._listings: Versions[Listing] = Versions()
        self._listings_of: Groups[str, str] = Groups()
        self._listings_by: Groups[tuple[str, str], str] = Groups()
        self._events: Versions[CustodyEvent] = Versions()
        self._events_of: Groups[str, str] = Groups()
        self._set_orders(())

    def extended(self, facts: UnitFacts, orders: Sequence[TimedOrder], ordered_parties: frozenset[str]) -> Units:
        """These units and more facts, with these orders over units and accounts in place of theirs."""
        # A destroying may be corrected to another step, and back.
        events = [event for event in facts.events if event.step is Step.DESTROYING or event.subject]
        units = copy(self)
        units.token = object()
        units.ordered_parties = ordered_parties
        units._terminals = self._terminals.extended(facts.terminals, facts.withdrawn(Terminal))
        units._accounts = self._accounts.extended(facts.accounts, facts.withdrawn(Account))
        units._parties = self._parties.extended(facts.parties, facts.withdrawn(Party))
        units._lists = self._lists.extended(facts.lists, facts.withdrawn(AllowList))
        units._listings = self._listings.extended(facts.listings, facts.withdrawn(Listing))
        units._listings_of = self._listings_of.extended((listing.terminal, listing.key) for listing in facts.listings)
        units._listings_by = self._listings_by.extended(
            ((listing.name, listing.holder), listing.key) for listing in facts.listings
        )
        units._events = self._events.extended(events, facts.withdrawn(CustodyEvent))
        units._events_of = self._events_of.extended((event.item, event.key) for event in events)
        units._set_orders(orders)
        units.touched = self._touched_by(units, facts, events)
        return units

    def standing(self, terminal: str, time: int) -> Standing:
        """The terminal at an instant (ns); a name that is not registered has a standing without terminal."""
        known = self._standing.setdefault(terminal, []) if terminal in self._terminals else []
        for standing in known:
            if standing.begin <= time < standing.end:
                return standing
        standing = self.work_out(terminal, time)
        known.append(standing)
        return standing

    def work_out(self, name: str, time: int) -> Standing:
        """The same, not kept."""
        window = Window(time)
        terminal = window.at(self._terminals.of(name))
        account_name = terminal.account if terminal else ""
        account = window.at(self._accounts.of(account_name)) if account_name else None
        destroyed = self._destroyed(name, window) if name in self._events_of else None
        parties = self._chain((terminal.holder if terminal else "", account.party if account else ""), window)
        orders: list[TimedOrder] = []
        pending: list[TimedOrder] = []
        if self.orders:
            for slot in ((Target.UNIT, name), (Target.ACCOUNT, account_name)):
                for order in self._orders.of(slot):
                    window.narrow((order.asked, order.begin, order.end))
                    if order.in_force(time):
                        orders.append(order)
                    elif order.pending(time):
                        pending.append(order)
        listed = self._listed(name, terminal, window) if name in self._listings_of else ()
        return Standing(
            window.begin, window.end, terminal, account, destroyed, parties, tuple(orders), tuple(pending), listed
        )

    def _set_orders(self, orders: Sequence[TimedOrder]) -> None:
        """Take orders, and forget what was worked out with others."""
        self.orders = tuple(orders)
        self._orders = Groups(((order.order.target, order.order.on), order) for order in orders)
        self._quotas: dict[tuple[str, str], Quota] = {}
        self._list_pieces: dict[str, list[Piece[AllowList]]] = {}
        self._party_pieces: dict[str, list[Piece[Party]]] = {}
        self._standing: dict[str, list[Standing]] = {}

    def _destroyed(self, name: str, window: Window) -> CustodyEvent | None:
        found = [
            event
            for key in dict.fromkeys(self._events_of.of(name))
            if (event := window.at(self._events.of(key))) is not None
            and event.item == name
            and event.step is Step.DESTROYING
        ]
        return min(found, key=lambda event: (event.valid_from, event.id), default=None)

    def _chain(self, names: tuple[str, ...], window: Window) -> tuple[str, ...]:
        """Parties and those they belong to; a party that comes round to itself ends its chain."""
        found: dict[str, None] = {}
        for start in names:
            name = start
            while name and name not in found:
                found[name] = None
                if name not in self._party_pieces:  # many units share a party
                    self._party_pieces[name] = [piece for piece in self._parties.of(name) if piece.fact.parent]
                party = window.at(self._party_pieces[name])
                name = party.parent if party else ""
        return tuple(found)

    def _listed(self, name: str, terminal: Terminal | None, window: Window) -> tuple[Listed, ...]:
        found = []
        for piece in self._listing_pieces(self._listings_of.of(name)):
            listing = window.at((piece,))
            if listing is not None and listing.terminal == name:
                matches = terminal is not None and (listing.kit_number, listing.account) == (
                    terminal.kit_number,
                    terminal.account,
                )
                found.append(Listed(listing, matches, self._within_quota(listing, window)))
        return tuple(found)

    def _listing_pieces(self, keys: Iterable[str]) -> list[Piece[Listing]]:
        """Pieces of listings, by key."""
        return [piece for key in sorted(set(keys)) for piece in self._listings.of(key)]

    def _within_quota(self, listing: Listing, window: Window) -> bool:
        """Whether a listing that is in force is within the quota of its list for its holder."""
        key = (listing.name, listing.holder)
        if listing.name not in self._list_pieces:
            self._list_pieces[listing.name] = self._lists.of(listing.name)
        lists = self._list_pieces[listing.name]
        keys = self._listings_by.of(key)
        if len(keys) == 1:
            return within_quota(window.at(lists), [listing]) == {listing.id}
        quota = self._quotas.get(key)
        if quota is None:
            own = [p for p in self._listing_pieces(keys) if (p.fact.name, p.fact.holder) == key]
            quota = self._quotas[key] = Quota(own, lists)
        return quota.holds(listing.id, window)

    def _touched_by(self, after: Units, facts: UnitFacts, events: Sequence[CustodyEvent]) -> Touched:
        """What differs between these units and those extended from them."""
        if after.ordered_parties != self.ordered_parties or facts.lists or self._moves_parties(facts):
            return Touched()
        terminals = {fact.terminal for fact in facts.terminals} | {event.item for event in events}
        accounts = {fact.account for fact in facts.accounts}
        groups: set[tuple[str, str]] = {(listing.name, listing.holder) for listing in facts.listings}
        for withdrawal in facts.withdrawals:
            terminals.add(withdrawal.key if withdrawal.kind == Terminal.__name__ else "")
            accounts.add(withdrawal.key if withdrawal.kind == Account.__name__ else "")
            if withdrawal.kind in (Listing.__name__, CustodyEvent.__name__, AllowList.__name__, Party.__name__):
                return Touched()
        if any(listing.subject for listing in facts.listings) or any(event.subject for event in events):
            return Touched()
        for group in groups:
            for piece in after._listing_pieces(after._listings_by.of(group)):
                terminals.add(piece.fact.terminal)
        before, now = ({order.order.id: order for order in units.orders} for units in (self, after))
        for id_ in before.keys() | now.keys():
            if before.get(id_) != now.get(id_):
                order = (now.get(id_) or before[id_]).order
                (terminals if order.target is Target.UNIT else accounts).add(order.on)
        return Touched(self.token, frozenset(terminals), frozenset(accounts))

    def _moves_parties(self, facts: UnitFacts) -> bool:
        """Whether any of these facts says, or takes back, to whom a party belongs."""
        return any(
            party.parent or any(piece.fact.parent for piece in self._parties.of(party.party)) for party in facts.parties
        )
