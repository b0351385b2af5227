"""Tiles only say where no border is near: places, ellipses and cells against exact geometry."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from shapely.geometry.base import BaseGeometry

from skyhaul.control.polygons import planar_polygon
from skyhaul.control.polygons._cells import touched_cells
from skyhaul.control.polygons._ellipse import ellipse_shape
from skyhaul.control.polygons._ground import Ground
from skyhaul.control.polygons._map import COLUMNS, TILES_PER_DEGREE
from skyhaul.control.polygons._near import INSIDE_SHAPE, NEAR_BORDER, OFF_THE_MAP, UNSURE, border_sides, clear_class
from skyhaul.earth import cells_of, ecef_to_geodetic, geodetic_to_ecef, local_axes
from skyhaul.types import Bools, Bytes, Floats, Ints32


def random_shapes(rng: np.random.Generator, count: int) -> list[BaseGeometry]:
    """Stars of all sizes, some with a hole, some on the antimeridian and around the poles, borders on whole degrees."""
    shapes: list[BaseGeometry] = [
        shapely.box(-180, -90, 180, -75),
        shapely.box(-180, 88, 180, 90),
        shapely.box(0, 0, 5, 5) - shapely.box(1, 1, 4, 4),
        shapely.box(5, 0, 10, 5),
        shapely.box(20, 20, 20.00001, 45),
        planar_polygon([np.array([[175.0, -10], [185, -10], [186, 10], [174, 10], [175, -10]])]),
    ]
    while len(shapes) < count:
        angle = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(5, 120)))
        radius = rng.uniform(0.02, 12) * rng.uniform(0.4, 1, len(angle))
        centre = rng.uniform([-200, -88], [200, 88])
        ring = np.column_stack([radius * np.cos(angle), radius * np.sin(angle)]) + centre
        ring[:, 1] = np.clip(ring[:, 1], -90, 90)
        outline = shapely.Polygon(ring)
        if outline.is_valid and outline.area > 0:
            inner = shapely.Polygon(0.3 * (ring - centre) + centre)
            rings = [outline, inner] if outline.contains_properly(inner) else [outline]
            shapes.append(planar_polygon([shapely.get_coordinates(ring) for ring in rings]))
    return shapes


@pytest.fixture(scope="module")
def ground() -> Ground:
    return Ground(random_shapes(np.random.default_rng(4), 150))


@pytest.fixture(scope="module")
def places(ground: Ground) -> Floats:
    """(2, N) longitude and latitude: all over the Earth, within a kilometre of a border, on vertices and on edges."""
    rng = np.random.default_rng(5)
    anywhere = rng.uniform([-180, -90], [180, 90], (20_000, 2))
    borders = shapely.union_all([shape.boundary for shape in ground.shapes])
    near = shapely.get_coordinates(shapely.line_interpolate_point(borders, rng.uniform(0, borders.length, 20_000)))
    corners = shapely.get_coordinates(borders)
    found = np.vstack([anywhere, near + rng.normal(0, 0.003, near.shape), near, corners])
    found = found[(np.abs(found[:, 0]) < 180) & (np.abs(found[:, 1]) < 90)]
    return np.ascontiguousarray(found.T)


def truth(ground: Ground, places: Floats) -> Bools:
    """(S, N) whether each shape, its border included, holds each place."""
    return np.array([shapely.intersects_xy(shape, *places) for shape in ground.shapes])


def test_tiles_without_a_border_are_right_about_every_place(ground: Ground, places: Floats) -> None:
    held = truth(ground, places)
    tile = ((places[1] + 90) * TILES_PER_DEGREE).astype(int) * COLUMNS + ((places[0] + 180) * TILES_PER_DEGREE).astype(
        int
    )
    for n, class_ in enumerate(ground.grid[tile].tolist()):
        inside, border = ground.sets(class_)
        holding = set(np.flatnonzero(held[:, n]).tolist())
        assert set(inside) <= holding <= set(inside) | set(border)
        assert ground.mixed[class_] == bool(border)


def test_borders_in_the_tile_decide_as_exact_geometry_does(ground: Ground, places: Floats) -> None:
    held = truth(ground, places)
    tile = ((places[1] + 90) * TILES_PER_DEGREE).astype(int) * COLUMNS + ((places[0] + 180) * TILES_PER_DEGREE).astype(
        int
    )
    rows = np.flatnonzero(ground.mixed[ground.grid[tile]])
    counts = [len(ground.sets(int(class_))[1]) for class_ in ground.grid[tile[rows]]]
    first = np.concatenate([[0], np.cumsum(counts)])
    shape: Ints32 = np.empty(first[-1], dtype=np.int32)
    answer: Bytes = np.empty(first[-1], dtype=np.int8)
    there = np.ones(len(ground.shapes), dtype=np.bool_)
    border_sides(places[1], places[0], rows, first[:-1], *ground.tables[2:], ground.pair_inside, there, shape, answer)
    owner = np.repeat(rows, counts)
    sure = answer != UNSURE
    assert (held[shape, owner][sure] == (answer[sure] == INSIDE_SHAPE)).all()
    assert sure[held[shape, owner] & ~truth_inside(ground, places)[shape, owner]].sum() == 0, (
        "on the border it is unsure"
    )
    anywhere = np.isin(owner, np.arange(15_000))
    assert sure[anywhere].mean() > 0.99


def truth_inside(ground: Ground, places: Floats) -> Bools:
    return np.array([shapely.contains_xy(shape, *places) for shape in ground.shapes])


def test_an_ellipse_is_clear_only_where_no_border_comes_near(ground: Ground, places: Floats) -> None:
    there = np.ones(len(ground.shapes), dtype=np.bool_)
    rng = np.random.default_rng(6)
    borders = shapely.union_all([shape.boundary for shape in ground.shapes])
    shapely.prepare(borders)
    clear = 0
    for longitude, latitude in places[:, rng.choice(places.shape[1], 1500, replace=False)].T.tolist():
        size = float(rng.choice([1.0, 100.0, 5000.0]))
        class_ = clear_class(latitude, longitude, size, *ground.tables, there)
        ellipse = ellipse_shape(latitude, longitude, size, size / 2, 30.0)
        if class_ >= 0:
            clear += 1
            assert not borders.intersects(ellipse)
        else:
            assert class_ in (NEAR_BORDER, OFF_THE_MAP)
    assert clear > 500


@pytest.mark.parametrize(("latitude", "longitude"), [(0.0, 20.0), (60.0, -179.9999), (-88.0, 100.0), (89.999, 5.0)])
@pytest.mark.parametrize("azimuth", [0.0, 37.0])
def test_an_ellipse_holds_every_place_within_its_axes(latitude: float, longitude: float, azimuth: float) -> None:
    major, minor = 2000.0, 700.0
    shape = ellipse_shape(latitude, longitude, major, minor, azimuth)
    rng = np.random.default_rng(7)
    spot = rng.uniform(-1.2, 1.2, (4000, 2))
    turn = np.radians(azimuth)
    east = major * spot[:, 0] * np.sin(turn) + minor * spot[:, 1] * np.cos(turn)
    north = major * spot[:, 0] * np.cos(turn) - minor * spot[:, 1] * np.sin(turn)
    axes = local_axes(latitude, longitude)
    position = geodetic_to_ecef(latitude, longitude) + east[:, None] * axes[0] + north[:, None] * axes[1]
    there = ecef_to_geodetic(position)
    within = np.hypot(*spot.T) <= 1.0
    held = shapely.intersects_xy(shape, there[1], there[0])
    assert held[within].all()
    if abs(latitude) < 89:
        assert not held[np.hypot(*spot.T) > 1.01].any()


@pytest.mark.parametrize(
    "region",
    [
        shapely.box(10, 48, 14, 50),
        shapely.box(10, 84.9999, 14, 85),
        shapely.box(-180, 88, 180, 90),
        shapely.box(-180, -90, 180, -89),
        shapely.box(10, 89.8, 40, 89.9),
        shapely.box(178, -3, 180, 0),
        shapely.box(0, 0, 5, 5) - shapely.box(1, 1, 4, 4),
        planar_polygon([np.array([[179.0, 0], [182, 0], [182, 3], [179, 3], [179, 0]])]),
    ],
    ids=["box", "thin", "north pole", "south pole", "near the pole", "at 180", "hole", "across 180"],
)
def test_no_cell_that_a_region_touches_is_missed(region: BaseGeometry) -> None:
    rng = np.random.default_rng(8)
    cells = touched_cells(region)
    west, south, east, north = region.bounds
    inside = rng.uniform([west, south], [east, north], (20_000, 2))
    edge = shapely.get_coordinates(
        shapely.line_interpolate_point(region.boundary, rng.uniform(0, region.boundary.length, 5000))
    )
    places = np.vstack([inside, edge])
    places = places[shapely.intersects_xy(region, *places.T)]
    assert np.isin(cells_of(places[:, 1], places[:, 0]), cells).all()


def test_a_region_touches_few_cells_more_than_it_must() -> None:
    region = shapely.box(10, 48, 14, 50)
    rng = np.random.default_rng(9)
    met = np.unique(cells_of(rng.uniform(48, 50, 300_000), rng.uniform(10, 14, 300_000)))
    assert len(touched_cells(region)) - len(met) <= 3
