"""Territory over HTTP: the areas of a layer at an instant, when they change, and what changed between two instants."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Annotated, Any

import numpy as np
import shapely
from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from shapely.geometry.base import BaseGeometry

from skyhaul.control._instants import FOREVER, instant_text
from skyhaul.control.facts import Area, Layer
from skyhaul.control.registry import held
from skyhaul.control.registry._ground import cell_shape
from skyhaul.control.registry._views import versions
from skyhaul.server._desk import Desk, Here
from skyhaul.server._plain import instant

router = APIRouter()

LayerName = Annotated[Layer | None, Query(description="claim, control, licence, zone or ocean; without it all.")]
When = Annotated[str | None, Query(max_length=40, description="Instant, ISO 8601 in UTC; without it now.")]
AsKnown = Annotated[str, Query(max_length=40, description="As known at this instant; empty: all that is on record.")]

# WGS 84.
_A_KM = 6378.137
_E2 = 0.00669437999014
_STEP_DEG = 0.1  # edges are straight in degrees: they are followed in steps of this
_SLIVER_KM2 = 1e-4  # what two outlines of one border leave between them by rounding
_HOLDERS_MOST = 64  # holders whose ground moved, of which every combination is told apart
_TERMINALS_MOST = 200


class DateOut(BaseModel):
    """An instant at which something is drawn differently."""

    time: str
    words: str = Field(description="How many areas begin and end.")


class DatesOut(BaseModel):
    """The instants at which a layer changes, in order."""

    items: list[DateOut]


@router.get("/territories", summary="Areas on record")
def territories(desk: Here, layer: LayerName = None, time: When = None, as_known: AsKnown = "") -> dict[str, Any]:
    """The areas there are at an instant, as GeoJSON: each with holder, source, interval, and who recorded it when."""
    at, known_at = instants(desk, time, as_known)
    return {"type": "FeatureCollection", "features": [_feature(area) for area in _drawn(desk, layer, at, known_at)]}


@router.get("/territories/dates", response_model=DatesOut, summary="When areas change")
def dates(desk: Here, layer: LayerName = None, as_known: AsKnown = "") -> DatesOut:
    """Every instant at which an area begins or ends."""
    _, known_at = instants(desk, None, as_known)
    begins: dict[int, int] = {}
    ends: dict[int, int] = {}
    for piece in versions(desk.facts, Area, known_at).all():
        if layer in (None, piece.fact.layer):
            begins[piece.begin] = begins.get(piece.begin, 0) + 1
            if piece.end != FOREVER:
                ends[piece.end] = ends.get(piece.end, 0) + 1
    items = []
    for time in sorted(begins.keys() | ends.keys()):
        said = [f"{count} {word}" for count, word in ((begins.get(time), "begin"), (ends.get(time), "end")) if count]
        items.append(DateOut(time=instant_text(time), words=", ".join(said)))
    return DatesOut(items=items)


@router.get("/territories/difference", summary="Ground that changed between two instants")
def difference(
    desk: Here,
    layer: Layer,
    from_: Annotated[str, Query(alias="from", max_length=40)],
    to: Annotated[str, Query(max_length=40)],
    as_known: AsKnown = "",
) -> dict[str, Any]:
    """What of a layer is somebody else's at the second instant than at the first, as GeoJSON: each part with its
    holders before and after, its area, and the terminals in cells that it touches: they may stand on it."""
    first, known_at = instants(desk, from_, as_known)
    second, _ = instants(desk, to, as_known)
    before = _grounds(_drawn(desk, layer, first, known_at))
    after = _grounds(_drawn(desk, layer, second, known_at))
    names, cell_of, cells = _terminals(desk)
    features = []
    for shape, had, have in changed_ground(before, after):
        shapely.prepare(shape)
        near = shapely.intersects(shape, cells)
        inside = [names[i] for i in np.flatnonzero(near[cell_of])] if names else []
        properties = {
            "before": list(had),
            "after": list(have),
            "area_km2": round(area_km2(shape), 4),
            "terminal_count": len(inside),
            "terminals": inside[:_TERMINALS_MOST],
        }
        features.append(
            {"type": "Feature", "properties": properties, "geometry": json.loads(shapely.to_geojson(shape))}
        )
    return {"type": "FeatureCollection", "features": features}


def instants(desk: Desk, time: str | None, as_known: str) -> tuple[np.datetime64, np.datetime64]:
    """The instant that is asked about, and the one as known at which. Raises InputError."""
    at = desk.now if not time else instant(time, "time")
    return at, desk.known_at() if not as_known.strip() else instant(as_known, "as_known")


def changed_ground(
    before: dict[str, BaseGeometry], after: dict[str, BaseGeometry]
) -> list[tuple[BaseGeometry, tuple[str, ...], tuple[str, ...]]]:
    """Ground with other holders than before, the largest first: its shape, its holders before and after.

    Holders are by name, with all their ground. Ground that several hold, or nobody, counts with exactly those.
    """
    empty: BaseGeometry = shapely.Polygon()
    moved = shapely.union_all(
        [
            shapely.symmetric_difference(before.get(name, empty), after.get(name, empty))
            for name in before.keys() | after.keys()
        ]
    )
    parts: list[tuple[BaseGeometry, tuple[str, ...], tuple[str, ...]]] = [(moved, (), ())]
    there = [
        n for n in sorted(before.keys() | after.keys()) if _meets(before.get(n), moved) or _meets(after.get(n), moved)
    ]
    for name in there[:_HOLDERS_MOST]:
        parts = [
            (shape, (*had, name) if hold else had, have)
            for part, had, have in parts
            for shape, hold in _split(part, before.get(name, empty))
        ]
        parts = [
            (shape, had, (*have, name) if hold else have)
            for part, had, have in parts
            for shape, hold in _split(part, after.get(name, empty))
        ]
    found = [part for part in parts if part[1] != part[2]]
    return sorted(found, key=lambda part: -part[0].area)


def _split(part: BaseGeometry, by: BaseGeometry) -> Iterable[tuple[BaseGeometry, bool]]:
    for shape, hold in ((shapely.intersection(part, by), True), (shapely.difference(part, by), False)):
        kept = [
            piece
            for piece in shapely.get_parts(shape)
            if piece.geom_type == "Polygon" and area_km2(piece) > _SLIVER_KM2
        ]
        if kept:
            yield kept[0] if len(kept) == 1 else shapely.MultiPolygon(kept), hold


def _meets(shape: BaseGeometry | None, other: BaseGeometry) -> bool:
    return shape is not None and bool(shapely.intersects(shape, other))


def area_km2(shape: BaseGeometry) -> float:
    """Area on the ellipsoid of a shape in degrees whose edges are straight in longitude and latitude, in km².

    In the cylindrical equal-area projection with the authalic latitude (Snyder 1987, Map Projections: A Working Manual,
    equations 3-11 to 3-13 and 10-14).
    """
    if shape.is_empty:
        return 0.0
    return float(shapely.transform(shapely.segmentize(shape, _STEP_DEG), _equal_area).area)


def _equal_area(places: Any) -> Any:
    # Snyder 3-12; x is radians times the semi-major axis squared, so that x · q/2 is area.
    q = _q(np.radians(places[:, 1]))
    return np.column_stack([_A_KM * np.radians(places[:, 0]), _A_KM * q / 2.0])


def _q(latitude: Any) -> Any:
    e = math.sqrt(_E2)
    s = np.sin(latitude)
    return (1.0 - _E2) * (s / (1.0 - _E2 * s * s) - np.log((1.0 - e * s) / (1.0 + e * s)) / (2.0 * e))


def _drawn(desk: Desk, layer: Layer | None, at: np.datetime64, known_at: np.datetime64) -> list[Area]:
    return [area for area in held(desk.facts, Area, at, known_at) if layer in (None, area.layer)]


def _grounds(areas: Sequence[Area]) -> dict[str, BaseGeometry]:
    found: dict[str, list[BaseGeometry]] = {}
    for area in areas:
        found.setdefault(area.holder or area.name, []).append(area.shape)
    return {name: shapely.union_all(shapes) for name, shapes in found.items()}


def _feature(area: Area) -> dict[str, Any]:
    return {
        "type": "Feature",
        "id": area.id,
        "properties": {
            "id": area.id,
            "layer": str(area.layer),
            "name": area.name,
            "holder": area.holder,
            "source": area.source,
            "author": area.author,
            "valid_from": instant_text(area.valid_from),
            "valid_to": None if area.valid_to is None else instant_text(area.valid_to),
            "recorded_at": instant_text(area.recorded_at),
        },
        "geometry": json.loads(shapely.to_geojson(area.shape)),
    }


def _terminals(desk: Desk) -> tuple[list[str], Any, Any]:
    """Terminals of the running slot's plan: names, and for each the row of its cell in the shapes of all cells."""
    plan = desk.snapshot().current
    if plan is None:
        return [], np.empty(0, dtype=np.int64), np.empty(0, dtype=object)
    of = np.asarray(plan.plan.terminal_cell)
    shapes = np.array([_cell(f"{int(cell):x}") for cell in plan.plan.cell], dtype=object)
    return [table.name for table in plan.roster.tables[: len(of)]], of, shapes


@lru_cache(maxsize=100_000)
def _cell(cell: str) -> BaseGeometry:
    return cell_shape(cell)
