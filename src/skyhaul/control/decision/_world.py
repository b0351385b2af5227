"""Everything the decision needs apart from the terminal: areas, licences, approvals, area orders, lists, settings."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import h3.api.basic_int as h3
import numpy as np
from shapely.geometry.base import BaseGeometry

from skyhaul.control._instants import FOREVER
from skyhaul.control.decision._orders import TimedOrder
from skyhaul.control.decision._precedence import Pairs, stated_pairs
from skyhaul.control.facts import (
    AllowList,
    Area,
    BorderPolicy,
    Fact,
    Layer,
    Licence,
    Order,
    Piece,
    Policy,
    Precedence,
    Settings,
    Target,
    TypeApproval,
)
from skyhaul.control.polygons import planar_polygon
from skyhaul.types import Bools

F = TypeVar("F", bound=Fact)
T = TypeVar("T")
K = TypeVar("K")


class Patch(NamedTuple):
    """A polygon that facts speak of, through [begin, end) (ns): an area, or the cell of a cell order.

    ref     LAYER/NAME of the area, or cell/ and the cell in hex
    fact    the area, or the order
    """

    begin: int
    end: int
    ref: str
    fact: Area | Order
    shape: BaseGeometry


class World:
    """All facts that are not about single terminals over all valid time, as known at one time."""

    def __init__(
        self,
        areas: Iterable[Piece[Area]],
        licences: Iterable[Piece[Licence]],
        approvals: Iterable[Piece[TypeApproval]],
        lists: Iterable[Piece[AllowList]],
        orders: Iterable[TimedOrder],
        policies: Iterable[Piece[Policy]],
        border_policies: Iterable[Piece[BorderPolicy]],
        precedences: Iterable[Piece[Precedence]],
    ) -> None:
        self.licences = sorted(licences, key=_by_id)
        self.approvals = sorted(approvals, key=_by_id)
        self.lists = sorted(lists, key=_by_id)
        self.policies = sorted(policies, key=_by_id)
        self.border_policies = sorted(border_policies, key=_by_id)
        self.precedences = sorted(precedences, key=_by_id)
        self.orders = list(orders)
        patches = [Patch(p.begin, p.end, str(p.fact.ref), p.fact, p.fact.shape) for p in sorted(areas, key=_by_id)]
        patches += [_cell_patch(order) for order in self.orders if order.order.target is Target.CELL]
        self.patches = tuple(patches)
        self.boundaries = self._boundaries()

    def period(self, time: int) -> tuple[int, int]:
        """The interval [begin, end) (ns) around an instant in which nothing of this changes."""
        at = bisect_right(self.boundaries, time)
        begin = self.boundaries[at - 1] if at else -FOREVER
        return begin, self.boundaries[at] if at < len(self.boundaries) else FOREVER

    def _boundaries(self) -> list[int]:
        found: set[int] = set()
        for timed in (
            self.licences,
            self.approvals,
            self.lists,
            self.policies,
            self.border_policies,
            self.precedences,
            self.patches,
        ):
            for item in timed:
                found.update(item[:2])
        for order in self.orders:
            found.update((order.asked, order.begin, order.end))
        return sorted(found - {FOREVER, -FOREVER})


@dataclass(frozen=True, slots=True)
class Face:
    """What holds at a place: every patch there, and what follows from it alone.

    known             False for the face of a terminal whose place is not known
    patches           indices into the world's patches, ascending
    refs              names of the areas and cells there
    governing         licence areas whose authority decides: those that no other there comes before
    outranked         licence areas there of other authorities, each with the area that comes before it
    authorities       whose orders count there
    orders            orders in force over an area or cell there, by an authority that counts there
    silent            such orders by an authority that does not count there
    pending           such orders that wait for approvals
    """

    known: bool
    patches: tuple[int, ...]
    refs: frozenset[str]
    claims: tuple[Area, ...]
    controls: tuple[Area, ...]
    oceans: tuple[Area, ...]
    governing: tuple[Area, ...]
    outranked: tuple[tuple[Area, Area], ...]
    authorities: frozenset[str]
    orders: tuple[TimedOrder, ...]
    silent: tuple[TimedOrder, ...]
    pending: tuple[TimedOrder, ...]
    lists: tuple[AllowList, ...]
    border_policies: tuple[BorderPolicy, ...]


class View:
    """The world through one period [begin, end) (ns) of valid time in which nothing of it changes.

    settings   of the policy in force, or the defaults
    precedes   pairs of authorities of which the first comes before the second
    licences   in force, by authority and territory
    approvals  type approvals in force, by authority and model
    lists      allow-lists in force, by area; border_policies likewise
    orders     in force, by what they are over; pending: those that wait for approvals
    valid      which of the world's patches are there, by index
    nowhere    the face of a terminal whose place is not known
    classes    what the terrain has worked out of tile classes
    there      and of shapes
    """

    def __init__(self, world: World, time: int) -> None:
        self.begin, self.end = world.period(time)
        self.world = world
        policies = _current(world.policies, time)
        self.policy = policies[0] if policies else None
        self.settings = self.policy.settings if self.policy else Settings()
        self.precedes: Pairs = stated_pairs(world.precedences, time)
        self.licences = _grouped(_current(world.licences, time), lambda fact: (fact.authority, fact.territory))
        self.approvals = _grouped(_current(world.approvals, time), lambda fact: (fact.authority, fact.model))
        self.lists = _grouped(_current(world.lists, time), lambda fact: fact.area)
        self.border_policies = _grouped(_current(world.border_policies, time), lambda fact: fact.area)
        self.orders = _grouped((o for o in world.orders if o.in_force(time)), slot)
        self.pending = _grouped((o for o in world.orders if o.pending(time)), slot)
        self.targets = frozenset(target for target, _ in (*self.orders, *self.pending))
        self.valid = tuple(patch.begin <= time < patch.end for patch in world.patches)
        self.classes: dict[int, tuple[tuple[int, ...], tuple[int, ...]]] = {}
        self.there: Bools | None = None
        self._faces: dict[tuple[int, ...], Face] = {}
        self.nowhere = self._make_face((), known=False)

    def face(self, patches: tuple[int, ...]) -> Face:
        """What holds where exactly these patches (ascending) lie."""
        face = self._faces.get(patches)
        if face is None:
            face = self._faces[patches] = self._make_face(patches, known=True)
        return face

    def orders_over(self, target: Target, on: str) -> Sequence[TimedOrder]:
        """Orders in force over a model or party."""
        return self.orders.get((target, on), ())

    def pending_over(self, target: Target, on: str) -> Sequence[TimedOrder]:
        """Orders over a model or party that wait for approvals."""
        return self.pending.get((target, on), ())

    def _make_face(self, patches: tuple[int, ...], known: bool) -> Face:
        here = [self.world.patches[i] for i in patches]
        areas = [patch.fact for patch in here if isinstance(patch.fact, Area)]
        of_layer = _grouped(areas, lambda area: area.layer)
        licensed = of_layer.get(Layer.LICENCE, [])
        above = {area.id: [o for o in licensed if (o.holder, area.holder) in self.precedes] for area in licensed}
        # Where a circle of precedences would leave nobody to decide, everybody decides.
        circular = all(above.values())
        authorities = frozenset((*self.settings.everywhere, *(area.holder for area in licensed)))
        refs = frozenset(patch.ref for patch in here)
        slots = sorted({(Target.AREA if isinstance(p.fact, Area) else Target.CELL, p.ref) for p in here})
        over = [order for slot in slots for order in self.orders.get(slot, ()) if within(order.order, refs)]
        return Face(
            known=known,
            patches=patches,
            refs=refs,
            claims=tuple(of_layer.get(Layer.CLAIM, ())),
            controls=tuple(of_layer.get(Layer.CONTROL, ())),
            oceans=tuple(of_layer.get(Layer.OCEAN, ())),
            governing=tuple(area for area in licensed if circular or not above[area.id]),
            outranked=tuple((area, above[area.id][0]) for area in licensed if above[area.id] and not circular),
            authorities=authorities,
            orders=tuple(order for order in over if order.order.authority in authorities),
            silent=tuple(order for order in over if order.order.authority not in authorities),
            pending=tuple(order for slot in slots for order in self.pending.get(slot, ())),
            lists=tuple(list_ for ref in sorted(refs) for list_ in self.lists.get(ref, ())),
            border_policies=tuple(policy for ref in sorted(refs) for policy in self.border_policies.get(ref, ())),
        )


def within(order: Order, refs: frozenset[str]) -> bool:
    """Whether an order that is limited to an area counts where these areas are."""
    return not order.within or order.within in refs


def _by_id(piece: Piece[F]) -> tuple[str, int]:
    return piece.fact.id, piece.begin


def slot(order: TimedOrder) -> tuple[Target, str]:
    """What an order is over, under one name for one thing."""
    target, on = order.order.target, order.order.on
    return target, _cell_ref(on) if target is Target.CELL else on


def _cell_ref(cell: str) -> str:
    return f"cell/{int(cell, 16):x}"


def _cell_patch(order: TimedOrder) -> Patch:
    corners = np.array(h3.cell_to_boundary(int(order.order.on, 16)))[:, ::-1]
    shape = planar_polygon([np.vstack([corners, corners[:1]])], order.order.where, short_way=True)
    return Patch(order.asked, order.end, _cell_ref(order.order.on), order.order, shape)


def _current(pieces: Iterable[Piece[F]], time: int) -> list[F]:
    return [piece.fact for piece in pieces if piece.begin <= time < piece.end]


def _grouped(items: Iterable[T], key: Callable[[T], K]) -> dict[K, list[T]]:
    """Items by key, in the order they came."""
    groups: dict[K, list[T]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return groups
