"""Rings of longitude and latitude to polygons in the plane of ±180° by ±90°, cut where they cross 180°."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from skyhaul.errors import ControlError
from skyhaul.types import Floats

_CUT = "cut the polygon at 180° (RFC 7946, 3.1.9), write longitudes on beyond 180°, or ask for the short way"


def planar_polygon(rings: Sequence[Floats], where: str = "", *, short_way: bool = False) -> BaseGeometry:
    """The polygon or multipolygon of closed rings (n, 2) of longitude and latitude (deg): an outline, then its holes.

    Edges are straight in the plane of longitude and latitude (RFC 7946, 3.1.1). Longitudes may run on beyond ±180°.
    An edge of more than 180° could go either way round: it raises ControlError, or, with `short_way`, crosses 180°; a
    ring that then goes round the Earth encloses the pole on its side of the equator. Edges along a pole, and edges
    whose ends are both on ±180°, are read as they are.

    Raises ControlError, with the ring and the vertex, for fewer than four positions, an open ring, coordinates off the
    Earth, rings that cross themselves or each other, and holes outside.
    """
    names = [f"{where}, {'outline' if i == 0 else f'hole {i}'}".lstrip(", ") for i in range(len(rings))]
    loops = [_unwrapped(ring, name, short_way) for ring, name in zip(rings, names, strict=True)]
    if all(_on_the_map(loop) for loop in loops):
        polygon = shapely.Polygon(loops[0], loops[1:])
        _check_valid(polygon, where)
        return polygon
    outline, *holes = (_cut(loop, name) for loop, name in zip(loops, names, strict=True))
    for hole, name in zip(holes, names[1:], strict=True):
        if not outline.covers(hole):
            raise ControlError("lies outside its polygon", where=name, mend="a hole is inside the outline")
        outline = outline.difference(hole)
    return outline


def cut_at_180(shape: BaseGeometry) -> BaseGeometry:
    """A shape whose longitudes run beyond ±180°, brought back into the map piece by piece."""
    west, _, east, _ = shape.bounds
    parts = []
    for turn in range(int(np.floor((west + 180.0) / 360.0)), int(np.floor((east + 180.0) / 360.0)) + 1):
        window = shapely.box(360.0 * turn - 180.0, -90.0, 360.0 * turn + 180.0, 90.0)
        part = shapely.transform(shape.intersection(window), lambda xy, turn=turn: xy - [360.0 * turn, 0.0])
        parts += [p for p in shapely.get_parts(part) if p.geom_type == "Polygon" and p.area > 0.0]
    return shapely.union_all(parts)


def _unwrapped(ring: Floats, where: str, short_way: bool) -> Floats:
    """The ring with longitudes that run on, and closed over the pole where it goes round the Earth."""
    if len(ring) < 4:
        raise ControlError(f"a ring of {len(ring)} positions", where=where, mend="at least four, the last the first")
    longitude, latitude = ring[:, 0], ring[:, 1]
    for name, values, limit in (("longitude", longitude, 540.0), ("latitude", latitude, 90.0)):
        bad = np.flatnonzero(~(np.abs(values) <= limit))
        if len(bad):
            swapped = name == "latitude" and bool(np.all(np.abs(longitude) <= 90.0))
            mend = "latitude and longitude are swapped: positions are longitude, latitude"
            raise ControlError(
                f"{name} {values[bad[0]]:g} is not on Earth",
                where=f"{where}, position {bad[0]}",
                mend=mend if swapped else f"within ±{limit:g}°",
            )
    if not np.array_equal(ring[0], ring[-1]):
        raise ControlError("the ring is not closed", where=where, mend="repeat the first position at the end")
    step = np.diff(longitude)
    along_pole = (np.abs(latitude[1:]) == 90.0) & (latitude[1:] == latitude[:-1])
    on_the_cut = (np.abs(longitude[1:]) == 180.0) & (np.abs(longitude[:-1]) == 180.0)
    long = (np.abs(step) > 180.0) & ~along_pole & ~on_the_cut
    if not long.any():
        return ring
    if not short_way:
        at = int(np.flatnonzero(long)[0])
        raise ControlError(
            f"an edge of {abs(step[at]):g}° of longitude could go either way round",
            where=f"{where}, position {at}",
            mend=_CUT,
        )
    step = np.where(long, step - 360.0 * np.round(step / 360.0), step)
    run_on = np.concatenate([longitude[:1], longitude[0] + np.cumsum(step)])
    # Where a vertex only moved by whole turns, take its own digits back: sums of steps would leave rounding.
    run_on = longitude + 360.0 * np.round((run_on - longitude) / 360.0)
    loop = np.column_stack([run_on, latitude])
    turns = round((run_on[-1] - run_on[0]) / 360.0)
    if turns == 0:
        return loop
    if abs(turns) > 1:
        raise ControlError(f"the ring goes round the Earth {abs(turns)} times", where=where, mend="go round once")
    pole = 90.0 if latitude.mean() > 0.0 else -90.0
    return np.vstack([loop, [[run_on[-1], pole], [run_on[0], pole], loop[0]]])


def _on_the_map(loop: Floats) -> bool:
    return bool(np.all(np.abs(loop[:, 0]) <= 180.0))


def _cut(loop: Floats, where: str) -> BaseGeometry:
    polygon = shapely.Polygon(loop)
    _check_valid(polygon, where)
    return cut_at_180(polygon)


def _check_valid(polygon: BaseGeometry, where: str) -> None:
    """Raise ControlError with the place of the first fault, as GEOS finds it."""
    if not shapely.is_valid(polygon):
        fault, _, place = shapely.is_valid_reason(polygon).partition("[")
        near = f" near longitude, latitude {', '.join(place.rstrip(']').split())}" if place else ""
        raise ControlError(
            f"{fault.strip().lower()}{near}", where=where, mend="draw rings that touch at most in single points"
        )
