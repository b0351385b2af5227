from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from skyhaul.earth import Sites, geodetic_to_ecef
from skyhaul.radio import GEOSTATIONARY_RADIUS_M, GsoArc, gso_separation_deg
from skyhaul.types import Floats
from tests.radio.skies import random_satellites, random_sites


def _plain_search(sites: Sites, k: int, satellite_m: Floats) -> float:
    """Every point of the circle above the horizon, then every point around the nearest one of each part of it: the two
    ends of what is above the horizon can be as near as each other."""
    way = satellite_m - sites.position_m[k]
    way /= np.linalg.norm(way)
    edges = np.linspace(-np.pi, np.pi, 13)
    return min(_search(sites, k, way, np.linspace(a, b, 1501)) for a, b in pairwise(edges))


def _search(sites: Sites, k: int, way: Floats, longitude: Floats) -> float:
    for width in (4e-4, 1e-6, 0.0):
        circle = np.stack([np.cos(longitude), np.sin(longitude), np.zeros_like(longitude)], axis=1)
        point = GEOSTATIONARY_RADIUS_M * circle - sites.position_m[k]
        seen = point @ sites.up[k] >= 0.0
        if not seen.any():
            return 180.0
        point = point[seen] / np.linalg.norm(point[seen], axis=1)[:, None]
        half_chord = np.linalg.norm(point - way, axis=1) / 2.0
        nearest = longitude[seen][np.argmin(half_chord)]
        longitude = np.linspace(nearest - width, nearest + width, 1001)
    return float(np.degrees(2.0 * np.arcsin(half_chord.min())))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1))
@example(200486)
def test_no_point_of_the_arc_is_nearer(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sites, position = random_sites(rng, 6), random_satellites(rng, 6)
    position[:, 0] = GEOSTATIONARY_RADIUS_M * np.array([1.0, 0.0, 0.0])
    position = position[:, np.isfinite(position[0])]
    site, satellite = np.repeat(np.arange(6), position.shape[1]), np.tile(np.arange(position.shape[1]), 6)
    expected = [_plain_search(sites, int(k), position[:, s]) for k, s in zip(site, satellite, strict=True)]
    assert_allclose(gso_separation_deg(sites, site, position, satellite), expected, atol=1e-6)


def test_the_order_of_pairs_does_not_matter() -> None:
    rng = np.random.default_rng(4)
    arc, position = GsoArc(random_sites(rng, 50)), random_satellites(rng, 50)
    site, satellite, shuffle = rng.integers(0, 50, 500), rng.integers(0, 50, 500), rng.permutation(500)
    assert_array_equal(
        arc.separation_deg(site[shuffle], position, satellite[shuffle]),
        arc.separation_deg(site, position, satellite)[shuffle],
    )


def test_a_geostationary_satellite_is_on_the_arc() -> None:
    sites = Sites.at([0.0, 50.0, -70.0], [13.0, 4.6, 170.0])
    angle = np.radians([13.0, 25.0, 150.0])
    position = GEOSTATIONARY_RADIUS_M * np.stack([np.cos(angle), np.sin(angle), np.zeros(3)])
    assert_allclose(gso_separation_deg(sites, np.arange(3), position, np.arange(3)), 0.0, atol=1e-6)


def test_in_the_meridian_of_a_site_on_the_equator_it_is_the_angle_from_the_zenith() -> None:
    sites = Sites.at([0.0], [30.0])
    latitude = np.array([0.0, 2.0, -4.0])
    position = geodetic_to_ecef(latitude, 30.0, 550e3).T
    way = position.T - sites.position_m[0]
    zenith = np.degrees(np.arctan2(np.abs(way[:, 2]), way @ sites.up[0]))
    assert_allclose(gso_separation_deg(sites, np.zeros(3, dtype=np.int64), position, np.arange(3)), zenith, atol=1e-6)


def test_the_arc_culminates_where_the_dish_tables_say() -> None:
    # At 45° of latitude a satellite in the south stands at tan e = (cos φ − R/r) / sin φ on a sphere: 38.2°; an
    # antenna to the zenith is 51.8° from it. On the ellipsoid within 0.2°.
    sites = Sites.at([45.0], [10.0])
    zenith = (sites.position_m + 1e6 * sites.up).T
    assert_allclose(gso_separation_deg(sites, np.array([0]), zenith, np.array([0])), 51.8, atol=0.2)


def test_beyond_81_degrees_the_arc_is_below_the_horizon() -> None:
    sites = Sites.at([81.2, 81.4, -81.2, -81.4, 90.0, -90.0], np.zeros(6))
    position = geodetic_to_ecef([80.0], [0.0], 550e3).T
    separation = gso_separation_deg(sites, np.arange(6), position, np.zeros(6, dtype=np.int64))
    assert_array_equal(separation == 180.0, [False, True, False, True, True, True])
    assert_array_equal(GsoArc(sites).half_width_rad < 0.0, separation == 180.0)


def test_the_far_end_of_the_arc_counts() -> None:
    # Just above the horizon in the east at the equator, where the arc ends 81.3° of longitude away.
    sites = Sites.at([0.0], [0.0])
    assert np.degrees(GsoArc(sites).half_width_rad[0]) == pytest.approx(81.3, abs=0.05)
    below = sites.position_m[0] + 1e6 * (sites.east[0] * np.cos(-0.1) + sites.up[0] * np.sin(-0.1))
    separation = gso_separation_deg(sites, np.array([0]), below[:, None], np.array([0]))
    assert separation[0] == pytest.approx(np.degrees(0.1), abs=1e-6)


def test_a_satellite_in_error_is_at_no_angle() -> None:
    sites = Sites.at([0.0, 85.0], [0.0, 0.0])
    position = np.full((3, 1), np.nan)
    assert np.isnan(gso_separation_deg(sites, np.arange(2), position, np.zeros(2, dtype=np.int64))).all()


def test_the_radius_of_the_orbit() -> None:
    # ITU and operators write 42,164 km.
    assert round(GEOSTATIONARY_RADIUS_M / 1e3) == 42_164
