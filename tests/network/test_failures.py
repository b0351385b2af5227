from __future__ import annotations

import numpy as np
import pytest

from skyhaul.earth import Sites
from skyhaul.errors import InputError, NotFoundError
from skyhaul.network import Failure, Failures, Ground, Outages
from skyhaul.orbits import parse_walker, walker_elements

EPOCH = np.datetime64("2026-06-13T12:00:00", "ns")
MINUTE = np.timedelta64(1, "m")
ELEMENTS = walker_elements(parse_walker("D:550:53.0:12/3/1"), EPOCH)
GROUND = Ground.of(
    Sites.at([51.5, 48.9], [0.0, 2.3], name=("Goonhilly, UK", "Paris")),
    Sites.at([50.1], [8.7], name=("FRA - FRNTDEU1",)),
)


def at(minute: float) -> np.datetime64:
    return EPOCH + np.timedelta64(round(minute * 60), "s")


def failures(*items: Failure) -> Failures:
    return Failures(items, ELEMENTS, GROUND)


def test_things_are_out_from_start_until_before_end() -> None:
    found = failures(Failure("satellite", "s1-p01-n02", at(10), at(20)))
    out = [bool(found.at(at(minute)).satellite[6]) for minute in (9.99, 10, 19.99, 20)]
    assert out == [False, True, True, False]
    assert found.at(at(15)).satellite.sum() == 1


def test_something_without_an_end_is_out_for_good() -> None:
    found = failures(Failure("gateway", "Paris", at(10)))
    assert found.at(at(1e7)).gateway.tolist() == [False, True]


def test_a_slot_has_all_that_is_out_in_any_part_of_it() -> None:
    found = failures(Failure("pop", "FRA", at(10), at(20)))
    slots = [(9.5, 10), (9.5, 10.25), (12, 12.25), (19.75, 25), (20, 21)]
    assert [bool(found.during(at(start), at(end)).pop[0]) for start, end in slots] == [False, True, True, True, False]


def test_satellites_go_by_name_and_by_catalogue_number_lasers_by_both_ends() -> None:
    found = failures(
        Failure("satellite", "3", at(0)),
        Failure("laser", ("s1-p02-n03", "1"), at(0)),
        Failure("laser", "1 / s1-p02-n03", at(0)),
        Failure("laser", "5 / 6", at(30)),
    )
    assert len(found) == 4
    assert np.flatnonzero(found.at(at(1)).satellite).tolist() == [2]
    assert found.at(at(1)).laser.tolist() == [[0, 11]]
    assert found.at(at(31)).laser.tolist() == [[0, 11], [4, 5]]


def test_no_failures_is_nothing_out() -> None:
    outages, none = failures().at(EPOCH), Outages.none(12, 2, 1)
    for name in ("satellite", "gateway", "pop", "laser"):
        assert np.array_equal(getattr(outages, name), getattr(none, name))
        assert getattr(outages, name).dtype == getattr(none, name).dtype


@pytest.mark.parametrize(
    ("failure", "message"),
    [
        (Failure("satellite", "s1-p09-n02", EPOCH), "no satellite is named “s1-p09-n02” .near names: “s1-p0"),
        (Failure("satellite", "99", EPOCH), "no satellite has the catalogue number 99 .there are 12 satellites"),
        (Failure("gateway", "Pariss", EPOCH), "no gateway is named “Pariss” .near names: “Paris”"),
        (Failure("pop", "Paris", EPOCH), "no PoP is named “Paris” "),
        (Failure("laser", "1 / s9", EPOCH), "no satellite is named “s9”"),
    ],
)
def test_names_that_are_not_there(failure: Failure, message: str) -> None:
    with pytest.raises(NotFoundError, match=message):
        failures(failure)


@pytest.mark.parametrize(
    ("failure", "message"),
    [
        (Failure("satellite", "1", at(5), at(5)), "failure of satellite “1” ends .* before it starts"),
        (Failure("laser", "1", EPOCH), "laser “1” is not between two satellites"),
        (Failure("laser", "1 / 1", EPOCH), "laser “1 / 1” joins a satellite to itself"),
        (Failure("gateway", ("Paris", "Goonhilly"), EPOCH), "gateway “Paris / Goonhilly” is more than one"),
    ],
)
def test_failures_that_cannot_be(failure: Failure, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        failures(failure)
    assert caught.value.mend
