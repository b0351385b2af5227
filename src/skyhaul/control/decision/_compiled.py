"""All facts known at one time, made ready for decisions."""

from __future__ import annotations

from operator import is_
from typing import TypeVar, cast

import numpy as np

from skyhaul.control._instants import nanoseconds, utc
from skyhaul.control.decision._orders import TimedOrder, resolve_orders
from skyhaul.control.decision._terrain import Terrain
from skyhaul.control.decision._units import Units
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
    Step,
    Terminal,
    TypeApproval,
    Versions,
    Withdrawal,
)

F = TypeVar("F", bound=Fact)

_ORDER_KINDS: tuple[type[Fact], ...] = (Order, OrderEnd, Approval, Precedence, Withdrawal)
_WORLD_KINDS = (*_ORDER_KINDS, Area, Licence, TypeApproval, AllowList, Policy, BorderPolicy)
_UNIT_KINDS = (*_ORDER_KINDS, Terminal, Account, Party, Listing, AllowList, CustodyEvent)

Known = dict[type[Fact], list[Fact]]


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
        self._known: Known = {
            kind: list(facts.known(kind, known_at)) for kind in dict.fromkeys((*_WORLD_KINDS, *_UNIT_KINDS))
        }
        same_world = previous if previous is not None and self._same(previous, _WORLD_KINDS) else None
        same_units = previous if previous is not None and self._same(previous, _UNIT_KINDS) else None
        orders = [] if same_world and same_units else self._timed_orders()
        self.world: World = same_world.world if same_world else self._make_world(orders)
        self.units: Units = same_units.units if same_units else self._make_units(orders)
        self.terrain: Terrain = (
            same_world.terrain if same_world else Terrain(self.world, previous.terrain if previous else None)
        )
        self._views: dict[int, View] = same_world._views if same_world else {}

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

    def _same(self, previous: Compiled, kinds: tuple[type[Fact], ...]) -> bool:
        """Whether the very same facts are known of these kinds; by content a million would take longer to compare than
        to compile."""
        pairs = [(previous._known[kind], self._known[kind]) for kind in kinds]
        return all(len(before) == len(now) and all(map(is_, before, now)) for before, now in pairs)

    def _versions(self, kind: type[F]) -> Versions[F]:
        withdrawals = cast("list[Withdrawal]", self._known[Withdrawal])
        return Versions(cast("list[F]", self._known[kind]), (w for w in withdrawals if w.kind == kind.__name__))

    def _all_pieces(self, kind: type[F]) -> list[Piece[F]]:
        return self._versions(kind).all()

    def _timed_orders(self) -> list[TimedOrder]:
        return resolve_orders(
            cast("list[Order]", self._known[Order]),
            cast("list[OrderEnd]", self._known[OrderEnd]),
            cast("list[Approval]", self._known[Approval]),
            self._all_pieces(Precedence),
        )

    def _make_world(self, orders: list[TimedOrder]) -> World:
        return World(
            areas=self._all_pieces(Area),
            licences=self._all_pieces(Licence),
            approvals=self._all_pieces(TypeApproval),
            lists=self._all_pieces(AllowList),
            orders=orders,
            policies=self._all_pieces(Policy),
            border_policies=self._all_pieces(BorderPolicy),
            precedences=self._all_pieces(Precedence),
        )

    def _make_units(self, orders: list[TimedOrder]) -> Units:
        return Units(
            terminals=self._versions(Terminal),
            accounts=self._versions(Account),
            parties=self._versions(Party),
            listings=self._all_pieces(Listing),
            lists=self._versions(AllowList),
            orders=orders,
            destroyed=[p for p in self._all_pieces(CustodyEvent) if p.fact.step is Step.DESTROYING],
        )


def compile_facts(facts: Facts, known_at: str | np.datetime64, previous: Compiled | None = None) -> Compiled:
    """Everything recorded at or before `known_at`, ready for `decide`.

    `previous` is what the same collection compiled to before: what has not changed since is taken from it.
    """
    return Compiled(facts, utc(known_at), previous)


def as_of(facts: Facts, valid_time: str | np.datetime64, known_time: str | np.datetime64) -> View:
    """The world at an instant, as known at another."""
    return compile_facts(facts, known_time).at(valid_time)
