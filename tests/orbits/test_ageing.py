"""The error to expect of old elements: what was measured, and how it goes on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyhaul.orbits import expected_error_km

# Age in days, median and nine-in-ten error in km: Starlink above 450 km, public sets of 2024 to 2026.
MEASURED = [(1.1, 6.0, 33.0), (3.2, 17.0, 194.0), (7.2, 55.0, 860.0)]
DAYS = st.floats(0.0, 40_000.0)


@pytest.mark.parametrize(("age", "median", "p90"), MEASURED)
def test_measured_ages_have_the_measured_errors(age: float, median: float, p90: float) -> None:
    assert list(expected_error_km(age)) == pytest.approx([median, p90])
    assert expected_error_km(-age) == expected_error_km(age)


@given(DAYS, DAYS)
def test_older_is_never_better(one: float, other: float) -> None:
    younger, older = (expected_error_km(age) for age in sorted((one, other)))
    assert younger.median_km <= older.median_km
    assert younger.p90_km <= older.p90_km


@given(DAYS)
def test_nine_in_ten_are_worse_than_the_middle_and_none_beyond_the_orbit(age: float) -> None:
    median, p90 = expected_error_km(age)
    assert 0.5 < median <= p90 < 2 * (6_378.0 + 550.0)


@pytest.mark.parametrize("age", [age for age, _, _ in MEASURED])
def test_the_curve_has_no_steps(age: float) -> None:
    before, after = expected_error_km(age * (1 - 1e-9)), expected_error_km(age * (1 + 1e-9))
    assert list(before) == pytest.approx(list(after))


def test_errors_grow_with_the_square_of_the_age_once_drag_rules() -> None:
    assert expected_error_km(28.8).median_km == pytest.approx(16 * 55.0)
