"""What changed on the ground from one view to another, as the cells that must be decided again."""

from __future__ import annotations

from collections.abc import Hashable, Iterable

import shapely
from shapely.geometry.base import BaseGeometry

from skyhaul.control.decision._orders import TimedOrder
from skyhaul.control.decision._world import Patch, View, slot
from skyhaul.control.facts import Area, Layer, Target
from skyhaul.control.polygons._cells import touched_cells
from skyhaul.control.polygons._ellipse import OUTSIDE
from skyhaul.types import CellIds


def changed_cells(old: View, new: View, *, margin_m: float | None = None) -> CellIds | None:
    """(C,) H3 resolution-5 cells, ascending, outside which no decision differs between two views for the same terminal,
    circumstances and position; None: everywhere.

    margin_m   the longest half axis of the ellipses asked for; None: the longest that either view's policy takes

    A border that moves touches the cells between its two places; a licence, approval, list, border policy or order that
    comes or goes touches the cells of its areas. A change of settings, of precedences, or of orders over models and
    parties everywhere touches all.
    """
    if old.settings != new.settings or old.precedes != new.precedes:
        return None
    regions = _moved(old, new)
    refs = _refs_of_changes(old, new)
    if None in refs:
        return None
    licensed = _licensing_changes(old, new)
    for patch in (*_patches(old), *_patches(new)):
        if patch.ref in refs or not licensed.isdisjoint(_licence_keys(patch)):
            regions.append(patch.shape)
    if margin_m is None:
        margin_m = max(old.settings.max_semi_major_m, new.settings.max_semi_major_m)
    return touched_cells(shapely.union_all(regions), margin_m * OUTSIDE)


def _moved(old: View, new: View) -> list[BaseGeometry]:
    """What areas of one layer, name and holder gained or lost."""
    before, after = _grounds(old), _grounds(new)
    moved = []
    for key in {**before, **after}:
        first, second = before.get(key, {}), after.get(key, {})
        gone = [shape for wkb, shape in first.items() if wkb not in second]
        come = [shape for wkb, shape in second.items() if wkb not in first]
        if gone or come:
            kept = [shape for wkb, shape in first.items() if wkb in second]
            moved.append(shapely.union_all(gone).symmetric_difference(shapely.union_all(come)))
            if kept:
                moved[-1] = moved[-1].difference(shapely.union_all(kept))
    return moved


def _grounds(view: View) -> dict[Hashable, dict[bytes, BaseGeometry]]:
    found: dict[Hashable, dict[bytes, BaseGeometry]] = {}
    for patch in _patches(view):
        if isinstance(patch.fact, Area):
            found.setdefault((patch.ref, patch.fact.holder), {})[shapely.to_wkb(patch.shape)] = patch.shape
    return found


def _patches(view: View) -> Iterable[Patch]:
    return (patch for patch, there in zip(view.world.patches, view.valid, strict=True) if there)


def _refs_of_changes(old: View, new: View) -> set[str | None]:
    """Areas that orders, lists and border policies which came or went are over; None: everywhere."""
    refs: list[dict[str, str | None]] = []
    for view in (old, new):
        timed = [order for group in view.orders.values() for order in group]
        found = {order.order.id: _ref_of(order) for order in timed}
        found |= {list_.id: list_.area for group in view.lists.values() for list_ in group}
        found |= {policy.id: policy.area for group in view.border_policies.values() for policy in group}
        refs.append(found)
    before, after = refs
    return {(before | after)[key] for key in before.keys() ^ after.keys()}


def _ref_of(timed: TimedOrder) -> str | None:
    target, on = slot(timed)
    return on if target in (Target.AREA, Target.CELL) else timed.order.within or None


def _licence_keys(patch: Patch) -> set[tuple[str, str]]:
    """The keys of `_licensing_changes` that concern an area."""
    fact = patch.fact
    if not isinstance(fact, Area) or fact.layer is not Layer.LICENCE:
        return set()
    return {(fact.holder, fact.name), (fact.holder, "")}


def _licensing_changes(old: View, new: View) -> set[tuple[str, str]]:
    """Authority and territory of licences and type approvals that came or went; no territory: all of the authority."""
    places: list[dict[str, tuple[str, str]]] = []
    for view in (old, new):
        found = {fact.id: (fact.authority, fact.territory) for group in view.licences.values() for fact in group}
        found |= {fact.id: (fact.authority, fact.territory) for group in view.approvals.values() for fact in group}
        places.append(found)
    before, after = places
    return {(before | after)[key] for key in before.keys() ^ after.keys()}
