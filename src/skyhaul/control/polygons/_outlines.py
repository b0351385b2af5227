"""What a polygon file gives: shapes with a name and properties, and the area facts made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from skyhaul.control._instants import utc
from skyhaul.control.facts import Area, Layer
from skyhaul.errors import ControlError

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Outline:
    """One feature of a file: its shape in the plane, its properties as text, and the place in the file."""

    shape: BaseGeometry
    properties: dict[str, str]
    where: str = field(compare=False)


def areas_of(
    outlines: Sequence[Outline],
    *,
    layer: Layer,
    recorded_at: np.datetime64,
    author: str,
    valid_from: np.datetime64 | None = None,
    valid_to: np.datetime64 | None = None,
    holder: str = "",
    source: str = "",
    prefix: str = "",
    near: Box | None = None,
) -> tuple[Area, ...]:
    """Area facts of outlines. Properties `id`, `name`, `holder`, `source`, `valid_from` and `valid_to` of an outline
    go before the arguments; ids without one are `prefix` and a running number.

    `near` is a box of west, south, east, north (deg) that the areas must meet: it finds polygons whose latitude and
    longitude are swapped though both are in range. Raises ControlError naming the feature.
    """
    areas = []
    for number, outline in enumerate(outlines):
        get = outline.properties.get
        begin, end = get("valid_from"), get("valid_to")
        from_ = utc(begin, outline.where) if begin else valid_from
        if from_ is None:
            raise ControlError("no valid_from", where=outline.where, mend="add the property, or give it for all")
        if near is not None:
            _check_near(outline, near)
        areas.append(
            Area(
                id=get("id") or f"{prefix}{number}",
                valid_from=from_,
                valid_to=utc(end, outline.where) if end else valid_to,
                recorded_at=recorded_at,
                source=get("source") or source or outline.where,
                author=author,
                layer=layer,
                name=get("name", ""),
                holder=get("holder") or holder,
                shape=outline.shape,
            )
        )
    return tuple(areas)


def _check_near(outline: Outline, near: Box) -> None:
    box = shapely.box(*near)
    if outline.shape.intersects(box):
        return
    swapped = shapely.transform(outline.shape, lambda xy: xy[:, ::-1])
    mend = "positions are longitude, latitude" if swapped.intersects(box) else "check the coordinates"
    what = "latitude and longitude are swapped" if swapped.intersects(box) else "lies outside the expected box"
    raise ControlError(what, where=outline.where, mend=mend)
