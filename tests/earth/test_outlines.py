from __future__ import annotations

import numpy as np
from shapely.geometry import Point, Polygon
from shapely.ops import unary_union

from skyhaul.earth import land_outlines


def test_rings_are_closed_inside_the_map_and_never_jump_across_it() -> None:
    for ring in land_outlines():
        np.testing.assert_array_equal(ring[0], ring[-1])
        assert np.abs(ring).max(axis=0)[0] <= 180.0
        assert np.abs(ring).max(axis=0)[1] <= 90.0
        steps = np.abs(np.diff(ring, axis=0))
        assert steps[(ring[1:, 1] != -90.0) | (ring[:-1, 1] != -90.0)].max() < 20.0


def test_towns_are_on_land_and_oceans_are_not() -> None:
    signed = [(Polygon(ring), Polygon(ring).exterior.is_ccw) for ring in land_outlines()]
    land = unary_union([polygon for polygon, is_land in signed if is_land])
    water = unary_union([polygon for polygon, is_land in signed if not is_land])
    for longitude, latitude in [
        (30.5, 50.4),
        (4.6, 50.7),
        (-74.5, 41.0),
        (149.1, -35.3),
        (36.8, -1.3),
        (0, -89),
        (179, 68),
    ]:
        assert land.contains(Point(longitude, latitude)), (longitude, latitude)
    for longitude, latitude in [(-30, 40), (180, 0), (80, -30), (0, 89), (-150, 30)]:
        assert not land.contains(Point(longitude, latitude)), (longitude, latitude)
    assert water.contains(Point(51.0, 42.0))  # the Caspian Sea


def test_the_outlines_cannot_be_changed_for_the_next_reader() -> None:
    assert not any(ring.flags.writeable for ring in land_outlines())
