from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from skyfield.api import load, wgs84
from skyfield.toposlib import ITRSPosition
from skyfield.units import Distance

from skyhaul.earth import Sites, geodetic_to_ecef
from skyhaul.radio import look_angles, look_angles_of_pairs
from tests.radio.skies import elevation_deg, random_satellites, random_sites


def test_skyfield_sees_every_satellite_in_the_same_place() -> None:
    rng = np.random.default_rng(5)
    sites, position = random_sites(rng, 10), random_satellites(rng, 10)
    time = load.timescale(builtin=True).utc(2026, 6, 13, 4, 5, 6)
    look = look_angles(sites, position)
    for k in range(len(sites)):
        place = wgs84.latlon(sites.latitude_deg[k], sites.longitude_deg[k], elevation_m=sites.height_m[k])
        for s in np.flatnonzero(np.isfinite(position[0])):
            altitude, azimuth, distance = (ITRSPosition(Distance(m=position[:, s])) - place).at(time).altaz()
            assert_allclose(look.elevation_deg[k, s], altitude.degrees, atol=1e-7)
            assert_allclose(look.slant_range_m[k, s], distance.m, atol=1e-2)
            turn = (look.azimuth_deg[k, s] - azimuth.degrees + 180.0) % 360.0 - 180.0
            assert abs(turn) * np.cos(np.radians(altitude.degrees)) < 1e-7


@pytest.mark.parametrize("latitude", [-90.0, -33.0, 0.0, 50.0, 90.0])
def test_a_satellite_on_the_local_vertical_is_in_the_zenith(latitude: float) -> None:
    sites = Sites.at([latitude], [17.0], 120.0)
    look = look_angles(sites, geodetic_to_ecef([latitude], [17.0], 550e3).T)
    assert_allclose(look.elevation_deg, 90.0, atol=1e-5)
    assert_allclose(look.slant_range_m, 550e3 - 120.0, atol=1e-6)


def test_the_four_winds() -> None:
    sites = Sites.at([0.0], [0.0])
    position = geodetic_to_ecef([1.0, 0.0, -1.0, 0.0], [0.0, 1.0, 0.0, -1.0], 550e3).T
    assert_allclose(look_angles(sites, position).azimuth_deg, [[0.0, 90.0, 180.0, 270.0]], atol=1e-9)


def test_azimuth_stays_below_360() -> None:
    # Less than half a unit in the last place west of north.
    sites = Sites.at([0.0], [0.0])
    position = np.array([[6.9e6], [-1e-10], [1e6]])
    assert look_angles(sites, position).azimuth_deg[0, 0] == 0.0


def test_elevation_of_a_known_triangle() -> None:
    # At the equator the vertical is radial: at angle ψ from a site at R, tan(e) = (cos ψ − R/r) / sin ψ.
    psi, radius, height = np.radians(8.0), 6_378_137.0, 550e3
    expected = np.degrees(np.arctan2(np.cos(psi) - radius / (radius + height), np.sin(psi)))
    look = look_angles(Sites.at([0.0], [30.0]), geodetic_to_ecef([0.0], [38.0], height).T)
    assert_allclose(look.elevation_deg[0, 0], expected, atol=1e-9)


def test_pairs_are_entries_of_the_table() -> None:
    rng = np.random.default_rng(6)
    sites, position = random_sites(rng, 9), random_satellites(rng, 40)
    table = look_angles(sites, position)
    site, satellite = rng.integers(0, 9, 100), rng.integers(0, 40, 100)
    pairs = look_angles_of_pairs(sites, site, position, satellite)
    assert len(pairs) == 100
    for name in ("azimuth_deg", "elevation_deg", "slant_range_m"):
        assert_allclose(getattr(pairs, name), getattr(table, name)[site, satellite], rtol=1e-9, atol=1e-7)
    assert_allclose(table.elevation_deg, elevation_deg(sites, position), atol=1e-7)


def test_a_satellite_in_error_has_no_direction() -> None:
    position = np.array([[np.nan, 7e6], [np.nan, 0.0], [np.nan, 0.0]])
    look = look_angles(Sites.at([0.0, 50.0], [0.0, 4.0]), position)
    for values in (look.azimuth_deg, look.elevation_deg, look.slant_range_m):
        assert_array_equal(np.isnan(values), [[True, False], [True, False]])
