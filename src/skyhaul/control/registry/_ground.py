"""Whose ground it is: the licence areas of an authority, and what lies inside them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import h3.api.basic_int as h3
import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from skyhaul.control._instants import instant_text, nanoseconds
from skyhaul.control.facts import Appointment, AreaRef, Fact, Layer, Order, Target, interval
from skyhaul.control.polygons import planar_polygon
from skyhaul.control.registry._known import Known, deny, overlapping

# Of two maps that draw one border with different vertices, slivers of up to this share of an area are let pass; the
# decision keeps orders inside the licence areas of their authority all the same.
_SLIVER_SHARE = 1e-3


def licensed_ground(known: Known, authority: str, territories: Sequence[str], time: int) -> BaseGeometry:
    """The licence areas of an authority at an instant (ns), those named or all; empty where there are none."""
    shapes = [
        area.shape
        for area in known.areas(time)
        if area.layer is Layer.LICENCE and area.holder == authority and (not territories or area.name in territories)
    ]
    return cast("BaseGeometry", shapely.union_all(shapes))


def check_inside(fact: Fact, known: Known, shape: BaseGeometry, by: Appointment, time: int, what: str) -> None:
    """Refuse a fact over ground where the licence layer does not name its author's authority."""
    ground = licensed_ground(known, by.body, by.territories, time)
    mine = ", ".join(by.territories) or f"the licence areas of {by.body}"
    if ground.is_empty:
        fact.refuse(
            f"{by.body} has no jurisdiction: no licence area names it at {instant_text(time)}",
            "the operator records whose licence counts where, with `skyhaul territory import --layer licence`",
        )
    outside = shape.difference(ground)
    if outside.area > _SLIVER_SHARE * shape.area:
        share = outside.area / shape.area
        part = "lies" if share > 0.999 else f"lies to {share:.0%}"
        fact.refuse(
            f"{by.body} has no jurisdiction: {what} {part} outside {mine}",
            f"keep it inside {mine}, as with within = “licence/NAME”" if isinstance(fact, Order) else f"inside {mine}",
        )


def named_shape(known: Known, text: str, fact: Fact, field: str) -> tuple[BaseGeometry, int]:
    """The ground of an area that a fact names (LAYER/NAME), and the first instant (ns) of the fact at which it is
    there. Refuses a name that stands for nothing at any time of the fact."""
    ref = AreaRef.parse(text, f"{fact.where}, {field}")
    begin, end = interval(fact)
    parts = list(overlapping(known.area_pieces(ref), begin, end))
    if not parts:
        names = known.area_names(ref.layer)
        shown = ", ".join(names[:8]) + (", …" if len(names) > 8 else "")
        there = f"the {ref.layer} layer has {shown}" if names else f"the {ref.layer} layer is empty"
        known_then = " then" if ref.name in names else ""
        deny(fact, field, f"there is no area {ref}{known_then}", f"{there}; `skyhaul territory import` adds areas")
    first = min(start for start, _, _ in parts)
    return cast("BaseGeometry", shapely.union_all([area.shape for area in known.named(ref, first)])), first


def order_shape(known: Known, order: Order) -> tuple[BaseGeometry | None, int]:
    """The ground an order is over (None: wherever what it is over goes), and the instant (ns) it is drawn for."""
    time = nanoseconds(order.valid_from)
    shape: BaseGeometry | None = None
    if order.target is Target.AREA:
        shape, time = named_shape(known, order.on, order, "on")
    elif order.target is Target.CELL:
        shape = cell_shape(order.on)
    if order.within:
        limit, from_ = named_shape(known, order.within, order, "within")
        shape, time = (limit if shape is None else shape.intersection(limit)), max(time, from_)
        if shape.is_empty:
            order.refuse(f"{order.on} has no ground within {order.within}", "leave within out, or name another area")
    return shape, time


def cell_shape(cell: str) -> BaseGeometry:
    """The polygon of an H3 cell, given in hex."""
    corners = np.array(h3.cell_to_boundary(int(cell, 16)))[:, ::-1]
    return planar_polygon([np.vstack([corners, corners[:1]])], cell, short_way=True)
