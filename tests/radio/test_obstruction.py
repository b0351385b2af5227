from __future__ import annotations

import csv
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from skyhaul.errors import InputError
from skyhaul.radio import Interpolation, ObstructionMask

HILL = ([0.0, 90.0, 180.0, 270.0], [10.0, 30.0, 10.0, 50.0])


def test_a_linear_skyline_runs_through_its_points_and_through_north() -> None:
    mask = ObstructionMask(np.array(HILL[0]), np.array(HILL[1]))
    assert_allclose(
        mask.horizon_deg([0, 45, 90, 225, 270, 315, 359.999, 360, -90]), [10, 20, 30, 30, 50, 30, 10, 10, 50], atol=1e-3
    )


def test_a_step_skyline_holds_up_to_the_next_point() -> None:
    mask = ObstructionMask(np.array([10.0, 90.0]), np.array([5.0, 40.0]), "step")
    assert_array_equal(mask.horizon_deg([9.999, 10.0, 89.0, 90.0, 359.0, 0.0]), [40.0, 5.0, 5.0, 40.0, 40.0, 40.0])


def test_the_horizon_itself_is_seen_and_what_is_no_direction_is_hidden() -> None:
    mask = ObstructionMask(np.array([0.0]), np.array([30.0]))
    assert_array_equal(
        mask.blocks([0.0, 180.0, 180.0, np.nan, 10.0], [30.0, 29.999, 90.0, 80.0, np.nan]),
        [False, True, False, True, True],
    )


def test_rounding_does_not_hide_the_zenith() -> None:
    mask = ObstructionMask.from_rows([(1.0, 0.0), (182.71875, 0.0), (1.1125369292536007e-308, 90.0)])
    assert not mask.blocks(np.array([0.0, 360.0, 720.0]), 90.0).any()


@given(st.lists(st.floats(0.0, 359.9), min_size=1, max_size=20, unique=True), st.data())
def test_a_skyline_stays_between_its_lowest_and_highest_point(azimuths: list[float], data: st.DataObject) -> None:
    elevations = data.draw(st.lists(st.floats(0.0, 90.0), min_size=len(azimuths), max_size=len(azimuths)))
    for interpolation in ("linear", "step"):
        mask = ObstructionMask.from_rows(zip(azimuths, elevations, strict=True), interpolation=interpolation)
        towards = np.linspace(-360.0, 720.0, 999)
        horizon = mask.horizon_deg(towards)
        assert horizon.min() >= min(elevations) - 1e-9
        assert horizon.max() <= max(elevations) + 1e-9
        assert_array_equal(mask.horizon_deg(np.array(azimuths)), elevations)
        assert_array_equal(mask.blocks(towards, 90.0), False)


def test_rows_of_a_csv_file_in_any_order() -> None:
    text = "azimuth_deg,elevation_deg\n180, 10\n0,10\n270,50.0\n90,3e1\n"
    mask = ObstructionMask.from_rows(csv.reader(io.StringIO(text)))
    assert_array_equal(mask.azimuth_deg, HILL[0])
    assert_array_equal(mask.elevation_deg, HILL[1])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0,10\n90,tree\n", "trees.csv:2: not an azimuth and an elevation: 90, tree"),
        ("0,10\n90\n", "trees.csv:2: not an azimuth and an elevation: 90 "),
        ("azimuth,elevation\n0,10\n\n", "trees.csv:3: not an azimuth and an elevation: an empty row"),
        ("0,high\n", "trees.csv:1: not an azimuth and an elevation: 0, high"),
        ("azimuth,elevation\n", "obstruction mask of 0 azimuths"),
        ("0,10\n360,10\n", "obstruction point 1: 360.0° is out of range .0 ≤ azimuth < 360"),
        ("0,10\n90,-1\n", "obstruction point 1: -1.0° is out of range .0 ≤ elevation ≤ 90"),
        ("0,10\n90,nan\n", "obstruction point 1: nan° is out of range"),
        ("0,10\n0,11\n", "obstruction point 1: azimuth 0.0° after 0.0°"),
    ],
)
def test_a_bad_row_is_named(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        ObstructionMask.from_rows(csv.reader(io.StringIO(text)), where="trees.csv")


def test_a_mask_needs_ascending_points_and_a_known_interpolation() -> None:
    with pytest.raises(InputError, match=r"azimuth 5.0° after 10.0°"):
        ObstructionMask(np.array([10.0, 5.0]), np.array([1.0, 1.0]))
    with pytest.raises(InputError, match="1 azimuths and 2 elevations"):
        ObstructionMask(np.array([10.0]), np.array([1.0, 1.0]))
    smooth: Interpolation = "cubic"  # type: ignore[assignment]
    with pytest.raises(InputError, match="'cubic' interpolation"):
        ObstructionMask(np.array([10.0]), np.array([1.0]), smooth)


def test_a_mask_keeps_its_own_numbers() -> None:
    azimuth = np.array([0.0, 90.0])
    mask = ObstructionMask(azimuth, np.array([1.0, 2.0]))
    azimuth[0] = 50.0
    assert mask.azimuth_deg[0] == 0.0
    with pytest.raises(ValueError, match="read-only"):
        mask.elevation_deg[0] = 3.0


def test_a_house_to_the_north_and_a_tree_to_the_south() -> None:
    house = [(350.0, 0.0), (350.0, 30.0), (10.0, 30.0), (10.0, 0.0)]
    tree = [(180.0, 0.0), (185.0, 40.0), (190.0, 0.0)]
    mask = ObstructionMask.from_polygons([house, tree])
    assert_array_equal(mask.blocks([0.0, 355.0, 5.0, 0.0], [29.0, 29.0, 29.0, 31.0]), [True, True, True, False])
    assert_array_equal(mask.blocks([185.5, 184.5, 181.5, 181.5], [39.0, 39.0, 15.0, 17.0]), [True, True, True, False])
    assert_array_equal(mask.horizon_deg([300.0, 200.0, 100.0]), 0.0)


@given(
    st.lists(
        st.lists(st.tuples(st.floats(0.0, 170.0), st.floats(0.0, 90.0)), min_size=2, max_size=6), min_size=0, max_size=4
    ),
    st.floats(-400.0, 400.0),
    st.sampled_from([0.5, 1.0, 5.0, 7.2]),
)
def test_what_an_outline_hides_stays_hidden(
    polygons: list[list[tuple[float, float]]], turn: float, step_deg: float
) -> None:
    turned = [[(azimuth + turn, elevation) for azimuth, elevation in polygon] for polygon in polygons]
    mask = ObstructionMask.from_polygons(turned, step_deg=step_deg)
    for polygon in turned:
        corners = np.array(polygon)
        ends = np.roll(corners, -1, axis=0)
        for share in (0.0, 0.3, 0.7):
            points = corners + share * (ends - corners)
            assert mask.blocks(points[:, 0], points[:, 1] - 1e-6).all()
    highest = max((elevation for polygon in polygons for _, elevation in polygon), default=0.0)
    assert mask.elevation_deg.max() == pytest.approx(highest)


@pytest.mark.parametrize(
    ("polygon", "message"),
    [
        ([(0, 10), (100, 10), (200, 10), (300, 10)], "polygon 1: an outline around the zenith"),
        ([(0, 10), (180, 10), (90, 50)], "polygon 1: an edge spans half a circle"),
        ([(10, 120), (20, 100)], "polygon 1: an elevation beyond ±90°"),
        ([(10, np.nan), (20, 10)], "polygon 1: not a list of azimuths and elevations"),
        ([(10, 20, 30), (20, 10, 5)], "polygon 1: not a list of azimuths and elevations"),
    ],
)
def test_an_outline_that_is_no_skyline_is_refused(polygon: list[tuple[float, ...]], message: str) -> None:
    with pytest.raises(InputError, match=message):
        ObstructionMask.from_polygons([[(0.0, 0.0), (1.0, 1.0)], polygon])


def test_a_step_has_to_divide_the_circle() -> None:
    with pytest.raises(InputError, match=r"7.0° does not divide 360°"):
        ObstructionMask.from_polygons([], step_deg=7.0)
