"""A million places, half of them within a kilometre of a border: which areas hold each, against exact geometry."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import shapely
from shapely.geometry.base import BaseGeometry

from skyhaul.control.decision import Compiled, Fleet, Position, Positions, compile_facts
from skyhaul.control.decision._bulk import _place
from skyhaul.control.decision._bulk_places import find_faces
from skyhaul.control.decision._locate import locate
from skyhaul.control.facts import Area, Facts
from skyhaul.types import Bools, Floats, Ints
from tests.control.maps import METRES_PER_DEGREE, countries, map_of, places_on, strange_polygons
from tests.control.worlds import NOW

BORDER_M = 1_000.0


def held_exactly(shapes: Sequence[BaseGeometry], places: Floats) -> list[Ints]:
    """For each shape the places, by number, that it or its border holds, by GEOS's own predicate."""
    found = []
    for shape in shapes:
        west, south, east, north = shape.bounds
        near = np.flatnonzero((places[0] >= west) & (places[0] <= east) & (places[1] >= south) & (places[1] <= north))
        shapely.prepare(shape)
        found.append(near[shapely.intersects_xy(shape, *places[:, near])])
    return found


def wrong_answers(facts: Facts, places: Floats, exact: list[Ints]) -> tuple[Bools, int]:
    """(N,) where the decision's own place-finding does not answer as exact geometry does, and how many places it left
    from bulk to one by one, as `decide_many` does."""
    compiled = compile_facts(facts, NOW)
    view = compiled.at(NOW)
    positions = Positions.at(places[1], places[0])
    fleet = Fleet(compiled, ["nobody"] * places.shape[1])
    class_, _ = _place(compiled, view, fleet, positions, np.ones(len(positions), dtype=np.bool_), 2)
    faces, face = find_faces(compiled.terrain, view, positions, class_, 2)
    # What holds each place is compared as a sum of random numbers, one a shape: two sets that differ have the same sum
    # once in 2**64.
    mark = np.random.default_rng(9).integers(0, 2**63, len(exact), dtype=np.uint64)
    truth = np.zeros(places.shape[1], dtype=np.uint64)
    for shape, holding in enumerate(exact):
        truth[holding] += mark[shape]
    of_ref = {str(area.ref): mark[i] for i, area in enumerate(facts.of_kind(Area))}
    of_patch = np.array([of_ref[patch.ref] for patch in compiled.world.patches], dtype=np.uint64)
    of_face = np.array([of_patch[list(f.patches)].sum(dtype=np.uint64) for f in faces], dtype=np.uint64)
    answer = of_face[face]
    left = np.flatnonzero(face < 0)
    for n in left.tolist():
        position = positions[n]
        assert position is not None
        patches = list(locate(compiled.terrain, view, position).centre.patches)
        answer[n] = of_patch[patches].sum(dtype=np.uint64)
    return truth != answer, len(left)


def check_one_by_one(compiled: Compiled, places: Floats, exact: list[Ints], names: Sequence[str]) -> None:
    view = compiled.at(NOW)
    for n in range(places.shape[1]):
        found = locate(compiled.terrain, view, Position(float(places[1, n]), float(places[0, n])))
        there = {area.name for area in found.centre.governing}
        assert there == {names[s] for s, holding in enumerate(exact) if n in holding}


def check_map(shapes: dict[str, BaseGeometry], count: int, seed: int, one_by_one: int) -> None:
    rng = np.random.default_rng(seed)
    facts = map_of(shapes)
    outlines = list(shapes.values())
    places = places_on(outlines, rng, count, BORDER_M)
    exact = held_exactly(outlines, places)
    wrong, left = wrong_answers(facts, places, exact)
    assert left < count / 100, "what is left for one by one is on the very edge of the map"
    assert np.count_nonzero(wrong) == 0, f"{np.count_nonzero(wrong)} of {count}, first {np.flatnonzero(wrong)[:5]}"
    some = np.sort(rng.choice(count, one_by_one, replace=False))
    chosen = [np.searchsorted(some, holding[np.isin(holding, some)]) for holding in exact]
    check_one_by_one(compile_facts(facts, NOW), places[:, some], chosen, list(shapes))


def test_places_near_borders_are_near_borders() -> None:
    """The drawing of places does what it says: half are within a kilometre of a border, some exactly on it."""
    shapes = strange_polygons(np.random.default_rng(3), 40)
    places = places_on(shapes, np.random.default_rng(4), 4_000, BORDER_M)
    borders = shapely.union_all([shape.boundary for shape in shapes])
    shapely.prepare(borders)
    points = shapely.points(places.T)
    narrow = np.maximum(np.cos(np.radians(places[1])), 1e-3)
    within = shapely.dwithin(borders, points, 1.001 * BORDER_M / METRES_PER_DEGREE / narrow)
    assert within[2_000:].all()
    assert within[:2_000].mean() < 0.5
    assert np.count_nonzero(shapely.distance(borders, points[2_000:]) == 0.0) >= 20


def test_ten_thousand_places_in_the_world() -> None:
    check_map(countries(), 10_000, seed=11, one_by_one=500)


def test_ten_thousand_places_among_strange_polygons() -> None:
    shapes = {f"{i:04}": shape for i, shape in enumerate(strange_polygons(np.random.default_rng(21), 200))}
    check_map(shapes, 10_000, seed=22, one_by_one=500)


@pytest.mark.slow
def test_a_million_places_in_the_world() -> None:
    check_map(countries(), 1_000_000, seed=31, one_by_one=2_000)


@pytest.mark.slow
def test_a_million_places_among_a_thousand_strange_polygons() -> None:
    shapes = {f"{i:04}": shape for i, shape in enumerate(strange_polygons(np.random.default_rng(41), 1_000))}
    check_map(shapes, 1_000_000, seed=42, one_by_one=2_000)


def test_a_border_that_is_a_metre_off_would_be_found() -> None:
    """The comparison above can fail: against borders moved by a metre it does."""
    shapes = {f"{i:04}": shape for i, shape in enumerate(strange_polygons(np.random.default_rng(51), 40))}
    places = places_on(list(shapes.values()), np.random.default_rng(52), 4_000, BORDER_M)
    moved = [shapely.transform(shape, lambda xy: xy + 1.0 / METRES_PER_DEGREE) for shape in shapes.values()]
    wrong, _ = wrong_answers(map_of(shapes), places, held_exactly(moved, places))
    assert np.count_nonzero(wrong) > 10
