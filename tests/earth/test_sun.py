from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skyhaul.earth import SEMI_MAJOR_AXIS_M, geodetic_to_ecef, sun_direction, sunlit

EQUINOX = np.datetime64("2024-03-20T03:06:00", "ns")  # USNO, "Earth's Seasons"


def _declination_deg(time: str) -> float:
    return float(np.degrees(np.arcsin(sun_direction(np.datetime64(time, "ns"))[2])))


def _right_ascension_deg(time: str) -> float:
    """The Earth turned back by Meeus's own mean sidereal time of that instant."""
    sun = sun_direction(np.datetime64(time, "ns"))
    days = (np.datetime64(time, "ns") - np.datetime64("2000-01-01T12:00", "ns")) / np.timedelta64(1, "D")
    return float((np.degrees(np.arctan2(sun[1], sun[0])) + 280.46061837 + 360.98564736629 * days) % 360.0)


def test_vallado_example_5_1() -> None:
    # Vallado, 4th ed., example 5-1: 2006-04-02 00:00, Sun at (0.9771945, 0.1924424, 0.0834308) AU, mean of date.
    expected = np.array([0.9771945, 0.1924424, 0.0834308])
    expected /= np.linalg.norm(expected)
    assert_allclose(_declination_deg("2006-04-02T00:00"), np.degrees(np.arcsin(expected[2])), atol=0.01)
    assert_allclose(
        _right_ascension_deg("2006-04-02T00:00"), np.degrees(np.arctan2(expected[1], expected[0])), atol=0.01
    )


def test_meeus_example_25_b() -> None:
    # Meeus, "Astronomical Algorithms", 2nd ed., example 25.b: apparent position 1992-10-13 00:00 TD.
    assert_allclose(_right_ascension_deg("1992-10-13T00:00"), 198.378178, atol=0.01)
    assert_allclose(_declination_deg("1992-10-13T00:00"), -7.783871, atol=0.01)


def test_sidereal_time_of_meeus_example_12_a() -> None:
    # Meeus, example 12.a: mean sidereal time at Greenwich 1987-04-10 00:00 UT is 13h10m46.3668s; the Sun's right
    # ascension is then its Earth-fixed longitude plus that angle.
    sun = sun_direction(np.datetime64("1987-04-10T00:00", "ns"))
    sidereal_deg = 15.0 * (13 + 10 / 60 + 46.3668 / 3600)
    longitude_deg = np.degrees(np.arctan2(sun[1], sun[0]))
    assert_allclose((longitude_deg + sidereal_deg) % 360.0, _right_ascension_deg("1987-04-10T00:00"), atol=2e-4)


@pytest.mark.parametrize(
    ("time", "declination_deg"),
    [
        ("2024-03-20T03:06", 0.0),
        ("2024-06-20T20:51", 23.4362),
        ("2024-09-22T12:44", 0.0),
        ("2024-12-21T09:21", -23.4362),
    ],
)
def test_equinoxes_and_solstices_of_2024(time: str, declination_deg: float) -> None:
    # Times: USNO, "Earth's Seasons". Obliquity of 2024: IAU 2006 mean obliquity, 84381.406" − 46.836769" a century.
    assert_allclose(_declination_deg(time), declination_deg, atol=0.01)


def test_the_sun_stands_over_greenwich_at_noon_corrected_by_the_equation_of_time() -> None:
    # About −7.4 minutes at the March equinox (Meeus, chapter 28), so the Sun is 1.85° east at 12:00.
    sun = sun_direction(np.datetime64("2024-03-20T12:00", "ns"))
    assert_allclose(np.degrees(np.arctan2(sun[1], sun[0])), 1.85, atol=0.05)


def test_the_night_side_is_dark_and_high_satellites_over_the_terminator_are_not() -> None:
    sun = sun_direction(EQUINOX)
    side = np.cross(sun, [0.0, 0.0, 1.0])
    side /= np.linalg.norm(side)
    low, geostationary = SEMI_MAJOR_AXIS_M + 550e3, 42_164e3
    places = np.stack([low * sun, -low * sun, low * side, geostationary * -sun, np.full(3, np.nan)], axis=1)
    np.testing.assert_array_equal(sunlit(places, EQUINOX), [True, False, True, False, False])
    # Behind the terminator the shadow starts where the height above the cylinder is used up.
    angle = np.arccos(SEMI_MAJOR_AXIS_M / low)
    for turn, lit in [(angle - 1e-3, True), (angle + 1e-3, False)]:
        place = low * (np.cos(turn) * side - np.sin(turn) * sun)
        assert sunlit(place[:, None], EQUINOX)[0] == lit


def test_many_instants_at_once() -> None:
    times = EQUINOX + np.arange(96) * np.timedelta64(15, "m")
    place = geodetic_to_ecef(0.0, 0.0, 550e3)
    lit = sunlit(np.broadcast_to(place[:, None], (96, 3, 1)), times)[:, 0]
    assert lit.shape == (96,)
    # A standing point at 550 km is dark for (π − 2·acos(R/r))/2π of a day: 37.3 %.
    assert 0.36 < 1.0 - lit.mean() < 0.39
    assert sun_direction(times).shape == (96, 3)
