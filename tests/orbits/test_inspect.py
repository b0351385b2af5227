"""What is said of a file of elements: shells as they were counted elsewhere, ages, problems."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from skyhaul.orbits import (
    Constellation,
    Elements,
    altitude_km,
    expected_error_km,
    find_shells,
    inspect_elements,
    parse_elements,
    parse_walker,
    walker_elements,
)
from skyhaul.orbits._gravity import mean_motion_at
from skyhaul.sources import read_elements
from tests.orbits import formats
from tests.orbits.formats import TLE

EPOCH = np.datetime64("2024-02-17T15:59:42", "ns")


def report_of(elements: Elements, time: str) -> dict[str, object]:
    parsed = parse_elements(formats.to_csv(elements).encode(), "made.csv")
    return inspect_elements(parsed, np.datetime64(time, "ns")).to_json()


def test_shells_are_found_again() -> None:
    code = "D:550:53:396/18/5+D:540:53.2:180/12/2+D:570:70:66/6/1+S:1200:87.9:88/8/3"
    shell, shells = find_shells(walker_elements(parse_walker(code), EPOCH))
    assert [(one.satellites, one.inclination_deg, one.altitude_km) for one in shells] == [
        (396, 53.0, 550.0),
        (180, 53.2, 540.0),
        (88, 87.9, 1200.0),
        (66, 70.0, 570.0),
    ]
    assert shell.tolist() == [0] * 396 + [1] * 180 + [3] * 66 + [2] * 88


def test_fewer_than_five_alike_are_no_shell() -> None:
    shell, shells = find_shells(walker_elements(parse_walker("D:550:53:4/2/1+D:600:53:5/5/1"), EPOCH))
    assert shell.tolist() == [-1] * 4 + [0] * 5
    assert len(shells) == 1


def test_orbits_through_the_earth_are_in_no_shell() -> None:
    text = TLE.replace("0001579", "9999999").splitlines()
    data = "\n".join((text[0], text[1], formats.with_checksum(text[2])))
    parsed = parse_elements(data.encode(), "absurd.tle")
    report = inspect_elements(parsed, EPOCH)
    assert report.scattered == 1
    json.dumps(report.to_json(), allow_nan=False)


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "groups"),
    # Inclination, lowest and highest mean altitude in km, satellites: counted by hand for the project's reference
    # figures, with altitudes from the plain mean motion, which lie up to 2 km off the mean altitudes found here. The
    # shells are to have as many satellites within 2 %.
    [
        (
            "starlink_2024-02-17.2le.gz",
            [(53.1, 527, 553, 2931), (43.0, 550, 565, 1249), (70.0, 565, 576, 388), (97.66, 559, 563, 233)],
        ),
        ("oneweb_2025-01-29.tle.gz", [(87.9, 1160, 1229, 634)]),
        ("others_2026-06-13.tle.gz", [(50.0, 1149, 1151, 108), (86.5, 1164, 1166, 60), (86.4, 774, 775, 67)]),
    ],
)
def test_shells_of_real_constellations_are_those_counted_by_others(
    name: str, groups: list[tuple[float, float, float, int]], data_folder: Path
) -> None:
    _, shells = find_shells(read_elements(data_folder / "tle" / name).elements)
    for inclination, lowest, highest, count in groups:
        (found,) = [
            shell
            for shell in shells
            if abs(shell.inclination_deg - inclination) < 0.2 and lowest <= shell.altitude_km <= highest
        ]
        assert abs(found.satellites / count - 1.0) < 0.02
        assert lowest <= found.lowest_km <= found.altitude_km <= found.highest_km <= highest


@pytest.mark.data
def test_every_inclination_group_of_february_2024_is_whole(data_folder: Path) -> None:
    elements = read_elements(data_folder / "tle" / "starlink_2024-02-17.2le.gz").elements
    shell, shells = find_shells(elements)
    assert (shell == -1).sum() + sum(one.satellites for one in shells) == len(elements) == 5448
    for inclination, count in ((53.1, 3308), (43.0, 1504), (70.0, 403), (97.6, 233)):
        near = np.abs(elements.inclination_deg - inclination) < 0.5
        assert near.sum() == count
        groups = [one for one in shells if abs(one.inclination_deg - inclination) < 0.5]
        assert sum(one.satellites for one in groups) >= 0.98 * count


@pytest.mark.data
def test_a_report_of_real_elements_is_plain_json(data_folder: Path) -> None:
    parsed = read_elements(data_folder / "tle" / "oneweb_2025-01-29.tle.gz")
    report = inspect_elements(parsed, np.datetime64("2025-01-30T13:00", "ns"))
    told = json.loads(json.dumps(report.to_json(), allow_nan=False))
    assert told["satellites"] == 651
    assert told["format"] == "tle"
    assert len(told["sha256"]) == 64
    assert told["first_epoch"].startswith("2025-01-29T")
    assert told["first_epoch"] <= told["median_epoch"] <= told["last_epoch"]
    assert 0.5 < told["age_median_days"] <= told["age_p90_days"] <= told["age_max_days"] < 1.6
    assert told["problems"] == {}
    assert told["shells"][0]["satellites"] > 600


def test_ages_count_to_the_given_time() -> None:
    elements = walker_elements(parse_walker("D:550:53:10/5/1"), np.datetime64("2024-02-17T15:59:42", "ns"))
    later = report_of(elements, "2024-02-19T03:59:42")
    assert later["first_epoch"] == later["last_epoch"] == "2024-02-17T15:59:42Z"
    assert later["time"] == "2024-02-19T03:59:42Z"
    assert later["age_median_days"] == later["age_p90_days"] == later["age_max_days"] == 1.5
    assert later["expected_error_km"] == expected_error_km(1.5)._asdict() | {"median_km": pytest.approx(7.3, abs=0.1)}
    earlier = report_of(elements, "2024-02-16T03:59:42")
    assert earlier["age_median_days"] == -1.5
    assert earlier["age_p90_days"] == earlier["age_max_days"] == 1.5
    assert earlier["expected_error_km"] == pytest.approx(later["expected_error_km"])


def test_problems_are_counted_by_satellite_and_told_with_their_place() -> None:
    lines = TLE.splitlines()
    data = "\n".join((*lines, *lines, "ALONE"))
    report = inspect_elements(parse_elements(data.encode(), "a.tle", skip_bad=True), EPOCH)
    assert report.problems == {"bad": 1, "duplicate": 1}
    assert report.messages == (
        "a.tle:7: a name without elements: 'ALONE'",
        "a.tle:6: STARLINK-1008 (44714) is there twice: kept is the newest set, of a.tle:3",
    )
    assert set(report.to_json()) == set(asdict(report))


@pytest.mark.parametrize("inclination", [0.0, 43.0, 53.0, 63.4, 90.0, 97.6, 180.0])
def test_mean_altitude_and_mean_motion_are_inverse(inclination: float) -> None:
    for altitude in (200.0, 550.0, 1200.0, 5000.0, 20180.0, 35786.0):
        motion = np.array([mean_motion_at(altitude, inclination, 1e-7)])
        found = altitude_km(motion, np.array([1e-7]), np.array([inclination]))
        assert abs(found[0] - altitude) < 1e-8


def test_mean_altitude_is_that_of_sgp4() -> None:
    elements = parse_elements(TLE.encode(), "x").elements
    satrec = Constellation(elements)._satrec(0)
    found = altitude_km(elements.mean_motion_rev_day, elements.eccentricity, elements.inclination_deg)
    assert abs(found[0] - (satrec.a - 1.0) * 6378.135) < 1e-9
