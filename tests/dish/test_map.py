"""The picture of the sky: where directions are painted."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyhaul.dish import SIDE, Frame, ObstructionMap


@pytest.mark.parametrize(
    ("azimuth", "elevation", "row", "column"),
    [
        (0.0, 90.0, 61, 62),  # the zenith
        (0.0, 10.0, 0, 62),  # north, at the edge: up
        (90.0, 10.0, 61, 122),  # east: right; 124 is beyond the edge
        (180.0, 10.0, 122, 62),
        (270.0, 10.0, 61, 0),
        (0.0, 50.0, 30, 62),  # 40° from the zenith: half of 62 pixels
    ],
)
def test_a_picture_has_north_up_and_east_right(azimuth: float, elevation: float, row: int, column: int) -> None:
    assert ObstructionMap().pixel(azimuth, elevation) == (row, column)


@given(st.floats(0.0, 360.0), st.floats(14.0, 90.0))
def test_a_pixel_says_its_direction_again(azimuth: float, elevation: float) -> None:
    row, column = ObstructionMap().pixel(azimuth, elevation)
    assert 0 <= row < SIDE
    assert 0 <= column < SIDE
    x, y = column - 62, (SIDE - 62) - row
    theta = math.hypot(x, y) * 80 / 62
    assert theta == pytest.approx(90.0 - elevation, abs=1.0)  # half the diagonal of a pixel is 0.91°
    if theta > 20.0:
        assert abs((math.degrees(math.atan2(x, y)) - azimuth + 180.0) % 360.0 - 180.0) < 4.0


def test_the_picture_of_a_dish_that_moves_turns_with_it() -> None:
    turning = ObstructionMap(Frame.UT, tilt_deg=0.0, boresight_azimuth_deg=90.0)
    assert turning.pixel(90.0, 50.0) == ObstructionMap(Frame.UT).pixel(0.0, 50.0) == (93, 62)
    leaning = ObstructionMap(Frame.UT, tilt_deg=20.0)
    assert leaning.pixel(0.0, 90.0) == (round(62 - 15.5), 62)


def test_what_was_painted_is_counted_and_forgotten() -> None:
    sky = ObstructionMap()
    sky.paint(0.0, 60.0, True, 0.5)
    sky.paint(0.0, 60.0, True, 0.5)
    sky.paint(90.0, 30.0, False, 0.5)
    assert (sky.painted, sky.valid_s, sky.fraction_obstructed) == (2, 1.5, 0.5)
    assert sky.time_obstructed == pytest.approx(1 / 3)
    sky.paint(90.0, 30.0, True, 0.5)
    assert (sky.painted, sky.fraction_obstructed) == (2, 0.0)
    sky.paint(0.0, 60.0, False, 0.5)
    assert (sky.painted, sky.fraction_obstructed) == (2, 0.5)
    sky.clear()
    assert (sky.painted, sky.valid_s, sky.fraction_obstructed, sky.time_obstructed) == (0, 0.0, 0.0, 0.0)
    assert (sky.pixels == -1.0).all()
