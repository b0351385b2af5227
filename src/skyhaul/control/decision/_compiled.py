"""All facts known at one time, made ready for decisions."""

from __future__ import annotations

from copy import copy
from operator import is_
from typing import TypeVar, cast

import numpy as np

from skyhaul.control._instants import nanoseconds, utc
from skyhaul.control.decision._orders import TimedOrder, resolve_orders
from skyhaul.control.decision._terrain import Terrain
from skyhaul.control.decision._units import UnitFacts, Units
from skyhaul.control.decision._world import View, World
from skyhaul.control.facts import (
    Account,
    AllowList,
    Approval,
    Area,
    BorderPolicy,
    CustodyEvent,
    Fact,
    Facts,
    Licence,
    Listing,
    Order,
    OrderEnd,
    Party,
    Piece,
    Policy,
    Precedence,
    Target,
    Terminal,
    TypeApproval,
    Versions,
    Withdrawal,
)

F = TypeVar("F", bound=Fact)

_OF_UNITS = (Target.UNIT, Target.ACCOUNT)
_ORDER_KINDS: tuple[type[Fact], ...] = (Order, OrderEnd, Approval, Precedence)
_WORLD_KINDS: tuple[type[Fact], ...] = (Area, Licence, TypeApproval, AllowList, Policy, BorderPolicy, Precedence)
_UNIT_KINDS: tuple[type[Fact], ...] = (Terminal, Account, Party, Listing, AllowList, CustodyEvent)


class Compiled:
    """What is known at one time, for all of valid time: immutable, though it remembers work it has done.

    known_at   facts recorded later are not in it
    world      areas, licences, approvals, orders over them, lists and settings
    units      terminals, accounts, parties, listings, and orders over them
    terrain    the areas on the ground
    """

    def __init__(self, facts: Facts, known_at: np.datetime64, previous: Compiled | None = None) -> None:
        self.known_at = known_at
        self.known_ns = nanoseconds(known_at)
        self._known = {
            kind: cast("list[Fact]", facts.known(kind, known_at))
            for kind in dict.fromkeys((*_ORDER_KINDS, *_WORLD_KINDS, *_UNIT_KINDS, Withdrawal))
        }
        if previous is not None and not self._goes_on_from(previous):
            previous = None
        self._new = {
            kind: known[len(previous._known[kind]) if previous else 0 :] for kind, known in self._known.items()
        }
        if previous is None or self._any_new(_ORDER_KINDS):
            self._orders = self._timed_orders()
        else:
            self._orders = previous._orders
        self.units: Units = self._extended_units(previous)
        over_world = [timed for timed in self._orders if timed.order.target not in _OF_UNITS]
        same = previous if previous is not None and not self._any_new(_WORLD_KINDS) else None
        if same is not None and same.world.orders != over_world:
            same = None
        self.world: World = same.world if same else self._make_world(over_world)
        self.terrain: Terrain = same.terrain if same else Terrain(self.world, previous.terrain if previous else None)
        self._views: dict[int, View] = same._views if same else {}
        self._new = {}

    def still_known(self, known_at: np.datetime64) -> Compiled:
        """The same facts as known at another instant between which and this one's nothing was recorded."""
        later = copy(self)
        later.known_at = known_at
        later.known_ns = nanoseconds(known_at)
        return later

    def at(self, time: str | np.datetime64) -> View:
        """The world at an instant of valid time."""
        return self.view(nanoseconds(utc(time, "time")))

    def view(self, time: int) -> View:
        """The same of an instant in nanoseconds; one view serves the whole period in which the world stays as it is."""
        begin, _ = self.world.period(time)
        view = self._views.get(begin)
        if view is None:
            view = self._views[begin] = View(self.world, time)
        return view

    def _goes_on_from(self, previous: Compiled) -> bool:
        """Whether all that was known before is known now, in the same order; compared as objects, for a million would
        take longer to compare by content than to compile."""
        pairs = [(before, self._known[kind]) for kind, before in previous._known.items()]
        return all(len(before) <= len(now) and all(map(is_, before, now)) for before, now in pairs)

    def _any_new(self, kinds: tuple[type[Fact], ...]) -> bool:
        names = {kind.__name__ for kind in kinds}
        withdrawn = cast("list[Withdrawal]", self._new[Withdrawal])
        return any(self._new[kind] for kind in kinds) or any(withdrawal.kind in names for withdrawal in withdrawn)

    def _pieces(self, kind: type[F]) -> list[Piece[F]]:
        withdrawals = cast("list[Withdrawal]", self._known[Withdrawal])
        facts = cast("list[F]", self._known[kind])
        return Versions(facts, (w for w in withdrawals if w.kind == kind.__name__)).all()

    def _new_of(self, kind: type[F]) -> list[F]:
        return cast("list[F]", self._new[kind])

    def _timed_orders(self) -> list[TimedOrder]:
        return resolve_orders(
            cast("list[Order]", self._known[Order]),
            cast("list[OrderEnd]", self._known[OrderEnd]),
            cast("list[Approval]", self._known[Approval]),
            self._pieces(Precedence),
        )

    def _make_world(self, orders: list[TimedOrder]) -> World:
        return World(
            areas=self._pieces(Area),
            licences=self._pieces(Licence),
            approvals=self._pieces(TypeApproval),
            lists=self._pieces(AllowList),
            orders=orders,
            policies=self._pieces(Policy),
            border_policies=self._pieces(BorderPolicy),
            precedences=self._pieces(Precedence),
        )

    def _extended_units(self, previous: Compiled | None) -> Units:
        over_units = tuple(timed for timed in self._orders if timed.order.target in _OF_UNITS)
        ordered = frozenset(timed.order.on for timed in self._orders if timed.order.target is Target.PARTY)
        if previous is None:
            units = Units()
        else:
            units = previous.units
            same_orders = units.orders == over_units and units.ordered_parties == ordered
            if same_orders and not self._any_new(_UNIT_KINDS):
                return units
        new = UnitFacts(
            terminals=self._new_of(Terminal),
            accounts=self._new_of(Account),
            parties=self._new_of(Party),
            listings=self._new_of(Listing),
            lists=self._new_of(AllowList),
            events=self._new_of(CustodyEvent),
            withdrawals=self._new_of(Withdrawal),
        )
        return units.extended(new, over_units, ordered)


def compile_facts(facts: Facts, known_at: str | np.datetime64, previous: Compiled | None = None) -> Compiled:
    """Everything recorded at or before `known_at`, ready for `decide`.

    `previous` is what the same collection compiled to before: what has not changed since is taken from it.
    """
    return Compiled(facts, utc(known_at), previous)


def as_of(facts: Facts, valid_time: str | np.datetime64, known_time: str | np.datetime64) -> View:
    """The world at an instant, as known at another."""
    return compile_facts(facts, known_time).at(valid_time)
