from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from accuracy.reference_rtt import SETTINGS, Comparison, compare, rtt_series_ms


@pytest.fixture(scope="module")
def comparisons(data_folder: Path) -> list[Comparison]:
    return compare(data_folder / "reference_rtt")


@pytest.mark.data
def test_round_trip_times_are_those_of_an_independent_program(comparisons: list[Comparison]) -> None:
    assert len(comparisons) == 3
    for comparison in comparisons:
        for reference, ours in (comparison.minimum_ms(), comparison.maximum_ms()):
            assert abs(ours - reference) <= 0.5, comparison
        reference_s, ours_s = comparison.outage_s()
        assert abs(ours_s - reference_s) <= 1, comparison


@pytest.mark.data
def test_they_agree_second_by_second(comparisons: list[Comparison]) -> None:
    for comparison in comparisons:
        # The series is rounded to a microsecond.
        np.testing.assert_allclose(comparison.ours_ms, comparison.reference_ms, rtol=0.0, atol=0.002)


def test_the_paper_saw_manila_to_dalian_between_25_and_48_ms() -> None:
    # Kassing et al., IMC 2020, section 4: over 200 s, Kuiper K1.
    series = rtt_series_ms(SETTINGS["kuiper_k1"], [("Manila", "Dalian")], np.arange(0.0, 200.0, 2.0))
    assert series.min() == pytest.approx(25.0, abs=0.5)
    assert series.max() == pytest.approx(48.0, abs=0.5)


def test_a_station_that_no_cone_covers_has_no_path() -> None:
    setting = replace(SETTINGS["telesat_t1"], cone_radius_km=1.0)
    assert np.isnan(rtt_series_ms(setting, [("Manila", "London")], np.array([0.0]))).all()
