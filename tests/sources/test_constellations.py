"""The constellations that ship with Skyhaul."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from skyhaul.errors import NotFoundError
from skyhaul.orbits import Constellation, find_shells, inspect_elements, parse_elements
from skyhaul.sources import constellation_presets, preset_elements, preset_shells, read_elements
from tests.orbits import formats

# Satellites in all, and of each shell: altitude km, inclination, satellites, planes.
LICENSED = {
    # FCC 21-48, 2021-04-27
    "starlink-gen1": (
        4408,
        [(550, 53.0, 1584, 72), (540, 53.2, 1584, 72), (570, 70.0, 720, 36), (560, 97.6, 348, 6), (560, 97.6, 172, 4)],
    ),
    # FCC 20-102, 2020-07-30
    "kuiper": (3236, [(630, 51.9, 1156, 34), (610, 42.0, 1296, 36), (590, 33.0, 784, 28)]),
    "oneweb": (588, [(1200, 87.9, 588, 12)]),
    "telesat": (1671, [(1015, 98.98, 351, 27), (1325, 50.88, 1320, 40)]),
    "iridium": (66, [(780, 86.4, 66, 6)]),
}
# By inclination: as counted on 2024-02-17 and 2026-08-11 in bands of altitude.
FLOWN = {
    "starlink-2024-02": {53: 2931, 43: 1249, 70: 388, 98: 233},
    "starlink-2026-08": {43: 3233 + 329, 53: 3681 + 329, 97: 910 + 264, 70: 698},
}


def test_every_preset_is_tested_here() -> None:
    assert set(constellation_presets()) == set(LICENSED) | set(FLOWN)


@pytest.mark.parametrize("name", LICENSED)
def test_licensed_shells_are_those_of_the_licence(name: str) -> None:
    total, shells = LICENSED[name]
    assert [
        (shell.altitude_km, shell.inclination_deg, shell.satellites, shell.planes) for shell in preset_shells(name)
    ] == shells
    assert len(preset_elements(name)) == total


@pytest.mark.parametrize("name", FLOWN)
def test_flown_shells_have_the_counted_satellites_within_the_rounding_to_planes(name: str) -> None:
    counts: dict[int, int] = {}
    for shell in preset_shells(name):
        key = round(shell.inclination_deg)
        counts[key] = counts.get(key, 0) + shell.satellites
    assert set(counts) == set(FLOWN[name])
    for key, count in FLOWN[name].items():
        assert abs(counts[key] / count - 1.0) < 0.021


@pytest.mark.data
def test_flown_shells_lie_where_real_satellites_fly(data_folder: Path) -> None:
    for name, file in (
        ("starlink-2024-02", "starlink_2024-02-17.2le.gz"),
        ("starlink-2026-08", "starlink_2026-06-13.tle.gz"),
    ):
        elements = read_elements(data_folder / "tle" / file).elements
        _, real = find_shells(elements)
        for shell in preset_shells(name):
            nearest = min(
                abs(one.altitude_km - shell.altitude_km) + 10.0 * abs(one.inclination_deg - shell.inclination_deg)
                for one in real
                if one.satellites > 100
            )
            # 53.05° at 547.6 km and 53.2° at 540 km are one group of real satellites, with one median.
            assert nearest < 10.0


@pytest.mark.parametrize("name", constellation_presets())
def test_presets_are_reproducible_whole_and_fly(name: str) -> None:
    elements = preset_elements(name)
    said = re.search(r"([\d,]+) satellites", constellation_presets()[name])
    assert said is not None
    assert int(said[1].replace(",", "")) == len(elements)
    assert len(set(elements.name)) == len(set(elements.catalog_number.tolist())) == len(elements)
    formats.assert_equal(preset_elements(name), elements)
    # A day after the epoch all are still up, and no two are in one place: closer than 10 m they would be one.
    time = elements.epoch[0] + np.timedelta64(1, "D")
    sky = Constellation(elements).at(time, velocity=False)
    assert not sky.error.any()
    assert len(np.unique(np.round(sky.position_m / 10.0).astype(np.int64), axis=1).T) == len(elements)


@pytest.mark.parametrize("name", constellation_presets())
def test_presets_are_not_taken_for_tracked_or_invented_sets(name: str) -> None:
    elements = preset_elements(name).select(np.arange(20))
    parsed = parse_elements(formats.to_csv(elements).encode(), name)
    report = inspect_elements(parsed, elements.epoch[0])
    assert report.problems == {}


def test_a_preset_can_be_had_at_another_epoch() -> None:
    epoch = np.datetime64("2030-05-06T07:08:09.123456789", "ns")
    moved, own = preset_elements("iridium", epoch), preset_elements("iridium")
    assert (moved.epoch == epoch).all()
    assert own.epoch[0] == np.datetime64("2026-01-01T00:00:12", "ns")
    assert moved.mean_anomaly_deg.tobytes() == own.mean_anomaly_deg.tobytes()


@pytest.mark.parametrize(
    ("name", "mend"), [("starlnk-gen1", "did you mean starlink-gen1?"), ("../x", "presets: iridium, kuiper, oneweb")]
)
def test_a_name_that_is_not_there_gets_near_ones(name: str, mend: str) -> None:
    for ask in (preset_elements, preset_shells):
        with pytest.raises(NotFoundError, match="no constellation preset named") as caught:
            ask(name)
        assert caught.value.mend.startswith(mend)
