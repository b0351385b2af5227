from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skyfield.api import wgs84

from skyhaul.earth import (
    MEAN_RADIUS_M,
    SEMI_MAJOR_AXIS_M,
    SEMI_MINOR_AXIS_M,
    Sites,
    ecef_to_geodetic,
    geodetic_to_ecef,
    great_circle_m,
    local_axes,
)
from skyhaul.errors import InputError

latitudes = st.floats(-90.0, 90.0)
longitudes = st.floats(-180.0, 180.0)


def test_the_worked_example_of_epsg_guidance_note_7_2() -> None:
    # IOGP Publication 373-7-2, section 4.1.1, geographic/geocentric conversions (EPSG 9602).
    latitude, longitude = 53 + 48 / 60 + 33.820 / 3600, 2 + 7 / 60 + 46.380 / 3600
    position = [3_771_793.968, 140_253.342, 5_124_304.349]
    np.testing.assert_allclose(geodetic_to_ecef(latitude, longitude, 73.0), position, atol=6e-4)
    found = ecef_to_geodetic(position)
    np.testing.assert_allclose(found[:2], [latitude, longitude], atol=1e-8)
    assert found[2] == pytest.approx(73.0, abs=1e-3)


def test_the_axes_of_the_ellipsoid() -> None:
    np.testing.assert_allclose(geodetic_to_ecef(0.0, 0.0), [SEMI_MAJOR_AXIS_M, 0.0, 0.0])
    np.testing.assert_allclose(geodetic_to_ecef(90.0, 0.0), [0.0, 0.0, SEMI_MINOR_AXIS_M], atol=1e-9)
    # Derived constants of NGA.STND.0036_1.0.0_WGS84 (2014), chapter 3: semi-minor axis and mean radius R1.
    np.testing.assert_allclose(SEMI_MINOR_AXIS_M, 6_356_752.3142, atol=1e-4)
    np.testing.assert_allclose(MEAN_RADIUS_M, 6_371_008.7714, atol=1e-4)


@given(latitudes, longitudes, st.floats(-1e4, 9e6))
def test_skyfield_puts_a_place_at_the_same_point(latitude: float, longitude: float, height: float) -> None:
    expected = wgs84.latlon(latitude, longitude, elevation_m=height).itrs_xyz.m
    np.testing.assert_allclose(geodetic_to_ecef(latitude, longitude, height), expected, atol=1e-7)


@given(latitudes, longitudes, st.floats(-1e4, 2e6))
def test_geodetic_coordinates_return_within_a_micrometre(latitude: float, longitude: float, height: float) -> None:
    position = geodetic_to_ecef(latitude, longitude, height)
    found = ecef_to_geodetic(position)
    assert np.linalg.norm(geodetic_to_ecef(*found) - position) < 1e-7
    assert abs(found[0] - latitude) * 111e3 < 1e-7
    assert abs(found[2] - height) < 1e-7


def test_a_whole_sky_at_once_with_a_satellite_in_error() -> None:
    rng = np.random.default_rng(7)
    latitude, longitude = rng.uniform(-90, 90, 10_000), rng.uniform(-180, 180, 10_000)
    height = rng.uniform(2e5, 3.6e7, 10_000)
    position = geodetic_to_ecef(latitude, longitude, height)
    position[17] = np.nan
    found = np.array(ecef_to_geodetic(position))
    assert np.isnan(found[:, 17]).all()
    keep = np.arange(10_000) != 17
    np.testing.assert_allclose(found[2, keep], height[keep], atol=1e-6)
    np.testing.assert_allclose(found[0, keep], latitude[keep], atol=1e-12)


@pytest.mark.parametrize(("sign", "latitude"), [(1.0, 90.0), (-1.0, -90.0)])
def test_the_poles_have_a_height(sign: float, latitude: float) -> None:
    assert ecef_to_geodetic([0.0, 0.0, sign * (SEMI_MINOR_AXIS_M + 500.0)]) == pytest.approx(
        (latitude, 0.0, 500.0), abs=1e-6
    )


def test_a_sky_has_to_be_turned_before_it_is_asked() -> None:
    with pytest.raises(ValueError, match=r"\(…, 3\), not \(3, 10\)"):
        ecef_to_geodetic(np.zeros((3, 10)))


@given(latitudes, longitudes)
def test_the_horizon_is_a_right_handed_frame_with_up_along_the_height(latitude: float, longitude: float) -> None:
    east, north, up = local_axes(latitude, longitude)
    np.testing.assert_allclose(np.cross(east, north), up, atol=1e-15)
    np.testing.assert_allclose(np.stack([east, north, up]) @ np.stack([east, north, up]).T, np.eye(3), atol=1e-15)
    rise = geodetic_to_ecef(latitude, longitude, 1000.0) - geodetic_to_ecef(latitude, longitude)
    np.testing.assert_allclose(rise, 1000.0 * up, atol=1e-8)
    step = geodetic_to_ecef(latitude, longitude + 1e-4) - geodetic_to_ecef(latitude, longitude)
    assert abs(step @ north) < 1e-4


def test_great_circles() -> None:
    assert great_circle_m(0, 0, 0, 180) == pytest.approx(np.pi * MEAN_RADIUS_M)
    assert great_circle_m(90, 10, -90, 77) == pytest.approx(np.pi * MEAN_RADIUS_M)
    assert great_circle_m(0, 179.5, 0, -179.5) == pytest.approx(np.radians(1.0) * MEAN_RADIUS_M)
    # Moved by 1 cm, which the spherical law of cosines cannot see.
    assert great_circle_m(50.0, 4.0, 50.0 + np.degrees(0.01 / MEAN_RADIUS_M), 4.0) == pytest.approx(0.01, rel=1e-6)


@given(latitudes, longitudes, latitudes, longitudes)
def test_a_great_circle_is_the_angle_between_two_verticals(a: float, b: float, c: float, d: float) -> None:
    first, second = local_axes(a, b)[2], local_axes(c, d)[2]
    angle = np.arctan2(np.linalg.norm(np.cross(first, second)), first @ second)
    assert great_circle_m(a, b, c, d) == pytest.approx(angle * MEAN_RADIUS_M, abs=1.0)


def test_great_circles_from_all_to_all() -> None:
    latitude, longitude = np.array([50.0, 40.7, -33.9]), np.array([4.4, -74.0, 151.2])
    table = great_circle_m(latitude[:, None], longitude[:, None], latitude, longitude)
    assert table.shape == (3, 3)
    np.testing.assert_allclose(table, table.T)
    np.testing.assert_array_equal(np.diag(table), 0.0)


def test_a_list_of_sites_names_the_place_that_is_not_on_earth() -> None:
    with pytest.raises(InputError, match=r"place Lviv: no place on Earth: latitude 149.8"):
        Sites.at([50.4, 149.8], [30.5, 24.0], name=["Kyiv", "Lviv"])
    with pytest.raises(InputError, match=r"place 0: no place on Earth: .* height nan m"):
        Sites.at([50.4], [30.5], np.nan)
