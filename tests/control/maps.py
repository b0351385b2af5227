"""Maps to decide on: the world's countries, and polygons that nobody would draw."""

from __future__ import annotations

import json
import lzma
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from skyhaul.control.facts import Area, Facts, Layer
from skyhaul.control.polygons import planar_polygon
from skyhaul.types import Floats
from tests.control.worlds import said

COUNTRIES = Path(__file__).parent / "borders" / "countries-50m.json.xz"
EARTH_RADIUS_M = 6_371_008.8  # IUGG mean radius
METRES_PER_DEGREE = np.pi / 180 * EARTH_RADIUS_M


def countries() -> dict[str, BaseGeometry]:
    """The world's countries at 1:50 m, cut at 180°."""
    atlas = json.loads(lzma.decompress(COUNTRIES.read_bytes()))
    scale, origin = (np.array(atlas["transform"][name]) for name in ("scale", "translate"))
    arcs = [np.cumsum(np.array(arc), axis=0) * scale + origin for arc in atlas["arcs"]]

    def ring(numbers: Sequence[int]) -> Floats:
        parts = [arcs[n] if n >= 0 else arcs[~n][::-1] for n in numbers]
        return np.vstack([parts[0], *(part[1:] for part in parts[1:])])

    found: dict[str, BaseGeometry] = {}
    for name, polygons in atlas["countries"]:
        parts = []
        for rings in ([ring(numbers) for numbers in polygon] for polygon in polygons):
            if name == "Antarctica":  # the ring round the pole is written as a hole of an island
                parts += [planar_polygon([one], name, short_way=True) for one in rings]
            elif name == "Fiji" and len(rings[0]) == 10:  # one islet has a vertex at 180° and again at -180°
                parts.append(planar_polygon([np.vstack([rings[0][1:-1], rings[0][1:2]])], name, short_way=True))
            else:
                parts.append(planar_polygon(rings, name, short_way=True))
        found[name] = shapely.union_all([found[name], *parts] if name in found else parts)
    return {name: _only_polygons(shape) for name, shape in found.items()}


def strange_polygons(rng: np.random.Generator, count: int) -> list[BaseGeometry]:
    """Overlapping polygons: stars with holes, slivers down to a centimetre, some over the antimeridian, some round a
    pole, some that share an edge or a corner with the one before."""
    shapes: list[BaseGeometry] = []
    while len(shapes) < count:
        kind = rng.integers(0, 6)
        longitude, latitude = rng.uniform([-180, -80], [180, 80])
        if kind == 0:  # a sliver
            length, width = rng.uniform(0.1, 20), 10 ** rng.uniform(-7, -2)
            angle = rng.uniform(0, np.pi)
            along, across = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
            corners = [length * along, length * along + width * across, width * across]
            ring = np.vstack([[0, 0], *corners, [0, 0]]) * [1, 0.5] + [longitude, latitude * 0.8]
            rings = [ring]
        elif kind == 1:  # round a pole
            south = rng.integers(0, 2)
            turn = np.linspace(-180, 180, rng.integers(8, 60))
            wave = rng.uniform(55, 89) + rng.uniform(0, 0.9, len(turn))
            turn[-1], wave[-1] = turn[0], wave[0]
            rings = [np.column_stack([turn, -wave if south else wave])]
        elif kind == 2 and shapes:  # an edge in common with the one before
            west, low, east, high = shapes[-1].bounds
            if high - low < 1e-6 or east >= 179 or east - west > 300:
                continue
            rings = [np.array([[east, low], [east + 1, low], [east + 1, high], [east, high], [east, low]])]
        else:
            if kind == 3:
                longitude = rng.choice([-180.0, 180.0]) + rng.normal(0, 2)
            turn = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(4, 90)))
            radius = 10 ** rng.uniform(-2, 1) * rng.uniform(0.3, 1, len(turn))
            star = np.column_stack([radius * np.cos(turn), radius * np.sin(turn)])
            star, centre = np.vstack([star, star[:1]]), np.array([longitude, latitude])
            rings = [star + centre]
            if kind >= 4:
                rings.append(0.4 * star + centre)
        outline = shapely.Polygon(rings[0])
        if kind == 1:
            shapes.append(planar_polygon(rings, short_way=True))
            continue
        inside = np.abs(rings[0][:, 1]).max() <= 90 and np.ptp(rings[0][:, 0]) < 180
        if not inside or not outline.is_valid or outline.area <= 0:
            continue
        if len(rings) > 1 and not outline.contains_properly(shapely.Polygon(rings[1])):
            rings = rings[:1]
        shapes.append(planar_polygon(rings))
    return shapes


def places_on(shapes: Sequence[BaseGeometry], rng: np.random.Generator, count: int, within_m: float) -> Floats:
    """(2, count) longitude and latitude: half all over the Earth, evenly by area, half within a distance of a border,
    evenly along it, of those a tenth within a metre, a hundredth on it and a hundredth on a vertex."""
    half = count // 2
    anywhere = np.column_stack(
        [rng.uniform(-180, 180, count - half), np.degrees(np.arcsin(rng.uniform(-1, 1, count - half)))]
    )
    edges = [np.hstack([line[:-1], line[1:]]) for shape in shapes for line in _lines(shape)]
    edge = np.vstack(edges)
    cut = (np.abs(edge[:, ::2]) == 180).all(axis=1) | (np.abs(edge[:, 1::2]) == 90).all(axis=1)
    edge = edge[~cut]  # where a polygon is cut at the edge of the map there is no border
    length = np.hypot(edge[:, 2] - edge[:, 0], edge[:, 3] - edge[:, 1])
    chosen = edge[rng.choice(len(edge), half, p=length / length.sum())]
    part = rng.uniform(0, 1, (half, 1))
    tenth, hundredth = half // 10, half // 100
    part[:hundredth] = rng.integers(0, 2, (hundredth, 1))
    on = chosen[:, :2] * (1 - part) + chosen[:, 2:] * part
    bearing, distance = rng.uniform(0, 2 * np.pi, half), within_m * np.sqrt(rng.uniform(0, 1, half))
    distance[: 2 * hundredth] = 0.0
    distance[2 * hundredth : 2 * hundredth + tenth] /= within_m
    north = distance * np.cos(bearing) / METRES_PER_DEGREE
    narrow = np.maximum(np.cos(np.radians(on[:, 1])), 1e-3)
    near = on + np.column_stack([distance * np.sin(bearing) / METRES_PER_DEGREE / narrow, north])
    over = np.abs(near[:, 0]) > 180
    near[over, 0] -= 360 * np.sign(near[over, 0])
    near[:, 1] = np.clip(near[:, 1], -90, 90)
    return np.ascontiguousarray(np.vstack([anywhere, near]).T)


def map_of(shapes: dict[str, BaseGeometry]) -> Facts:
    """A licence area of each name, each of its own authority."""
    return Facts(
        Area(layer=Layer.LICENCE, name=name, holder=f"Office of {name}", shape=shape, **said(f"area-{name}"))
        for name, shape in shapes.items()
    )


def _lines(shape: BaseGeometry) -> list[Floats]:
    rings = [ring for part in shapely.get_parts(shape) for ring in (part.exterior, *part.interiors)]
    return [shapely.get_coordinates(ring) for ring in rings]


def _only_polygons(shape: BaseGeometry) -> BaseGeometry:
    return shapely.union_all([part for part in shapely.get_parts(shape) if part.geom_type == "Polygon"])
