"""History and exercise are never mixed up, every fact says where it is from, and nothing drawn poses as a map."""

from __future__ import annotations

import csv
import json
import re

import pytest
import shapely

from skyhaul.control._instants import instant_text
from skyhaul.control.facts import Appointment, Approval, Area, Layer, Licence, Order, OrderEnd, Statement, Terminal
from skyhaul.control.registry import is_signed_by
from tests.control.contested.world import PLACES, WORLD, answer, demo_key, recorded

EXERCISE = "exercise, invented for this demo"
# Publisher, title and date, as in “Reuters in BusinessLive: Ukraine says …, 2024-02-11”.
SOURCED = re.compile(r"^[^:]+: .+, \d{4}-\d{2}(-\d{2})?$")


def test_every_fact_is_history_or_exercise_by_folder_id_and_source() -> None:
    for folder, prefix in (("history", "hist-"), ("exercise", "demo-")):
        for file in sorted((WORLD / "facts" / folder).glob("*.json")):
            for fact in json.loads(file.read_text(encoding="utf-8"))["facts"]:
                assert fact["id"].startswith(prefix), f"{file.name}: {fact['id']}"
                if prefix == "demo-":
                    assert fact["source"].startswith(EXERCISE), fact["id"]
                else:
                    assert SOURCED.match(fact["source"].partition("; shape drawn by hand")[0]), fact["source"]
                    assert "exercise" not in fact["source"]


def test_history_is_what_people_said_and_what_states_claim() -> None:
    history = [fact for fact in recorded() if fact.id.startswith("hist-")]
    assert len(history) > 30
    for fact in history:
        assert isinstance(fact, Statement | Area), fact.id
        if isinstance(fact, Area):
            assert fact.layer is Layer.CLAIM


def test_the_exercise_acts_under_names_of_its_own() -> None:
    """No state, ministry or company is made to give an order or a licence that it never gave."""
    speakers = {fact.speaker for fact in recorded() if isinstance(fact, Statement)}
    for fact in recorded():
        if isinstance(fact, Order | Licence):
            assert fact.authority not in speakers
            assert fact.authority == "operator" or fact.authority.endswith(("(exercise)", "(fictional)")), fact.id


def test_every_statement_has_an_address_where_it_can_be_read() -> None:
    with (WORLD / "sources.csv").open(encoding="utf-8", newline="") as file:
        addresses = {row["fact"]: row["addresses"].split() for row in csv.DictReader(file)}
    assert set(addresses) <= {fact.id for fact in recorded()}
    for fact in recorded():
        if isinstance(fact, Statement):
            assert addresses[fact.id], fact.id
    assert all(address.startswith("https://") for found in addresses.values() for address in found)


def test_history_is_recorded_when_its_source_came_out() -> None:
    for fact in recorded():
        if fact.id.startswith("hist-"):
            day = fact.source.partition("; shape drawn by hand")[0].rpartition(", ")[2]
            assert instant_text(fact.recorded_at).startswith(day), fact.id
            assert fact.valid_from <= fact.recorded_at, fact.id


def test_what_the_exercise_is_modelled_on_is_there() -> None:
    ids = {fact.id for fact in recorded()}
    named = [name for fact in recorded() for name in re.findall(r"hist-[\w-]+\w", fact.source)]
    assert len(named) > 5
    assert set(named) <= ids


def test_disputed_statements_stand_beside_each_other() -> None:
    statements = {fact.id: fact for fact in recorded() if isinstance(fact, Statement)}
    for statement in statements.values():
        for other in (*statement.answers, *statement.disputes):
            assert statements[other].valid_from <= statement.valid_from, statement.id
    claim, denial = "hist-2024-02-11-systemic-use", "hist-2024-02-11-no-sale"
    assert claim in statements[denial].answers
    assert claim in statements["hist-2024-02-12-not-certified"].answers
    for disputing, disputed in (
        ("hist-2024-02-13-third-countries", denial),
        ("hist-2025-07-25-inaccurate", "hist-2025-07-25-kherson"),
        ("hist-2023-09-16-andriivka-denied", "hist-2023-09-15-andriivka"),
        ("hist-2023-09-07-sevastopol", "hist-2023-09-07-isaacson"),
    ):
        assert disputed in statements[disputing].disputes


@pytest.mark.parametrize("time", ["2024-02-12T22:30:00Z", "2024-02-13T02:15:00Z", "2022-02-27", "2024-02-20"])
def test_what_people_said_decides_nothing(time: str) -> None:
    for unit in PLACES:
        with_history, without = answer(unit, time), answer(unit, time, without="hist-")
        assert (with_history.code, with_history.outcome) == (without.code, without.outcome), unit


def test_what_was_only_reported_later_is_not_known_during_the_exercise() -> None:
    later = [fact for fact in recorded() if instant_text(fact.recorded_at) > "2024-02-17"]
    assert {"hist-2025-07-25-kherson", "hist-2026-02-03-registration"} <= {fact.id for fact in later}
    assert all(isinstance(fact, Statement) for fact in later)


def test_everything_drawn_is_said_to_be_drawn_and_is_coarse() -> None:
    files = sorted((WORLD / "areas").glob("*.geojson"))
    assert len(files) == 4
    for file in files:
        for feature in json.loads(file.read_text(encoding="utf-8"))["features"]:
            assert feature["properties"]["drawn"] == "drawn by hand for this demonstration; not a map of anything"
            shape = shapely.from_geojson(json.dumps(feature["geometry"]))
            assert shape.is_valid
            assert len(shapely.get_coordinates(shape)) <= 45, feature["id"]


def test_every_polygon_is_used() -> None:
    drawn = {
        (file.name, feature["id"])
        for file in (WORLD / "areas").glob("*.geojson")
        for feature in json.loads(file.read_text(encoding="utf-8"))["features"]
    }
    used = set()
    for file in (WORLD / "facts").rglob("*.json"):
        for fact in json.loads(file.read_text(encoding="utf-8"))["facts"]:
            if "shape" in fact:
                path, _, name = fact["shape"].partition("#")
                used.add((path.rpartition("/")[2], name))
    assert used == drawn


def test_every_order_end_and_approval_of_the_exercise_is_signed() -> None:
    keys = {fact.person: fact.public_key for fact in recorded() if isinstance(fact, Appointment)}
    signed = [fact for fact in recorded() if isinstance(fact, Order | OrderEnd | Approval)]
    assert len(signed) >= 8
    for fact in signed:
        signer = fact.approver if isinstance(fact, Approval) else fact.author
        assert is_signed_by(fact, keys[signer]), fact.id


def test_keys_of_units_and_people_follow_from_their_names() -> None:
    found = 0
    for fact in recorded():
        if isinstance(fact, Terminal | Appointment):
            name = fact.terminal if isinstance(fact, Terminal) else fact.person
            assert fact.public_key == demo_key(name).public_key().public_bytes_raw(), name
            found += 1
    assert found > 20
