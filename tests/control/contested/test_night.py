"""The scenario as one command runs it: who is served hour by hour, who is refused and why."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skyhaul.cli import run
from skyhaul.control.decision import Code
from skyhaul.control.facts import Facts, utc
from skyhaul.control.inquiry import Inquiry, inquire
from skyhaul.control.polygons import read_geojson
from skyhaul.study import open_dataset, sightings_of
from tests.control.contested.world import WORLD, recorded

pytestmark = pytest.mark.slow

OKAY, BLOCKED_COUNTRY, DISABLED, TOO_FAST, BLOCKED_AREA = (
    Code.OKAY,
    Code.BLOCKED_COUNTRY,
    Code.ACCOUNT_DISABLED,
    Code.MOVING_TOO_FAST_FOR_POLICY,
    Code.BLOCKED_AREA,
)

# The first slot that starts at or after each change, and what the units that it touches show before and from then on.
CHANGES = [
    ("activation", "2024-02-12T23:00:00Z", {"siversk-school": (BLOCKED_COUNTRY, OKAY)}),
    (
        "moved line",
        "2024-02-13T00:00:00Z",
        {
            "klishchiivka-aid": (OKAY, BLOCKED_AREA),
            "andriivka-aid": (BLOCKED_AREA, OKAY),
            "resold-2": (BLOCKED_AREA, OKAY),
        },
    ),
    ("unit order", "2024-02-13T00:30:00Z", {"captured-1": (BLOCKED_AREA, DISABLED)}),
    (
        "area order",
        "2024-02-13T01:00:00Z",
        {"chasiv-yar-shelter": (OKAY, BLOCKED_AREA), "courier-car": (OKAY, BLOCKED_AREA)},
    ),
    (
        "its end",
        "2024-02-13T01:40:00Z",
        {"chasiv-yar-shelter": (BLOCKED_AREA, OKAY), "courier-car": (BLOCKED_AREA, OKAY)},
    ),
    (
        "allow-list",
        "2024-02-13T02:00:00Z",
        {
            "kramatorsk-press": (OKAY, BLOCKED_AREA),
            "resold-2": (OKAY, BLOCKED_AREA),
            "courier-car": (OKAY, BLOCKED_AREA),
        },
    ),
    ("speed cap", "2024-02-13T03:00:00Z", {"van": (OKAY, TOO_FAST)}),
]


@pytest.fixture(scope="module")
def dataset(night: Path) -> Iterator[Any]:
    with open_dataset(night) as opened:
        opened.load()
        yield opened


def _codes(dataset: Any, unit: str) -> Any:
    return dataset["disablement_code"].sel(terminal=unit).values


@pytest.mark.parametrize(("name", "time", "touched"), CHANGES, ids=[change[0] for change in CHANGES])
def test_each_change_takes_effect_at_its_time(
    dataset: Any, name: str, time: str, touched: dict[str, tuple[Code, Code]]
) -> None:
    slots = dataset["slot"].values.astype("datetime64[ns]")
    first = int(np.searchsorted(slots, utc(time)))
    assert 0 <= (slots[first] - utc(time)) / np.timedelta64(1, "s") < 15.0
    for unit, (before, after) in touched.items():
        codes = _codes(dataset, unit)
        assert (codes[first - 1], codes[first]) == (before, after), f"{name}: {unit}"
    for unit in dataset["terminal"].values:
        if str(unit) not in touched:  # nothing else changes with it
            codes = _codes(dataset, str(unit))
            assert codes[first - 1] == codes[first], f"{name}: {unit}"


def test_what_is_recorded_when_it_begins_is_in_force_within_two_slots(dataset: Any) -> None:
    """The listing of `kramatorsk-press` is recorded at the instant from which it holds."""
    since = dataset["slot"].values.astype("datetime64[ns]") - utc("2024-02-13T02:30:00Z")
    codes = _codes(dataset, "kramatorsk-press")
    late = np.timedelta64(30, "s")
    assert (codes[(since < np.timedelta64(0, "s")) & (since > -late)] == BLOCKED_AREA).all()
    assert (codes[since >= late] == OKAY).all()
    assert codes[(since >= np.timedelta64(0, "s")) & (since < late)].tolist() == [BLOCKED_AREA, OKAY]


def test_a_permission_that_ends_inside_a_slot_ends_at_its_instant(dataset: Any) -> None:
    slots = dataset["slot"].values.astype("datetime64[ns]")
    cut = int(np.searchsorted(slots, utc("2024-02-13T01:00:00Z"))) - 1
    end = dataset["lease_end"].sel(terminal="chasiv-yar-shelter").values[cut]
    assert slots[cut] + np.timedelta64(round(float(end) * 1e9), "ns") == utc("2024-02-13T01:00:00Z")


def test_a_car_that_crosses_the_line_is_judged_where_it_is(dataset: Any) -> None:
    longitude = dataset["terminal_longitude"].sel(terminal="courier-car").values
    codes = _codes(dataset, "courier-car")
    before = dataset["slot"].values < np.datetime64("2024-02-12T23:30:00")
    east, west = before & (longitude > 37.926), before & (longitude < 37.90)
    assert east.sum() > 50
    assert (codes[east] == BLOCKED_AREA).all()
    assert (codes[west] == OKAY).all()


def test_the_van_is_served_again_when_it_slows_down(dataset: Any) -> None:
    speed = dataset["terminal_speed"].sel(terminal="van").values * 3.6
    codes = _codes(dataset, "van")
    capped = dataset["slot"].values >= np.datetime64("2024-02-13T03:00:00")
    assert (codes[~capped] == OKAY).all()
    assert (codes[capped & (speed > 75.0)] == TOO_FAST).all()
    assert (codes[capped & (speed <= 75.0)] == OKAY).all()
    assert 85.0 < speed[~capped].max() < 95.0


def test_where_it_was_never_switched_on_and_where_it_is_not_licensed(dataset: Any) -> None:
    for unit, alert in (("sevastopol-cafe", 58), ("rostov-workshop", 92)):
        assert (_codes(dataset, unit) == BLOCKED_COUNTRY).all()
        assert (dataset["country_alert"].sel(terminal=unit).values == alert).all()


def test_nobody_has_a_path_without_a_permission(dataset: Any) -> None:
    refused = dataset["disablement_code"].values != OKAY
    assert refused.any()
    assert (dataset["serving_satellite"].values[refused] == -1).all()
    served = (dataset["outage_cause"].values == 0) & ~refused
    assert served.sum() / (~refused).sum() > 0.99


@pytest.fixture(scope="module")
def inquiry(dataset: Any) -> Inquiry:
    (area,) = (
        outline.shape
        for outline in read_geojson((WORLD / "areas" / "zones.geojson").read_bytes(), "zones")
        if outline.properties.get("name") == "around the two villages"
    )
    begin, end = "2024-02-12T22:00:12Z", "2024-02-13T04:00:12Z"
    return inquire(Facts(recorded()), area, begin, end, sightings=[sightings_of(dataset, "night")])


def test_which_units_were_used_around_the_two_villages_and_by_whom_held(inquiry: Inquiry) -> None:
    units = {unit.unit: unit for unit in inquiry.units}
    assert set(units) == {"andriivka-aid", "captured-1", "klishchiivka-aid", "resold-1", "resold-2"}
    served = {name for name, unit in units.items() if unit.served_slots}
    assert served == {"andriivka-aid", "klishchiivka-aid", "resold-2"}
    ways = {name: unit.hands.way for name, unit in units.items()}
    assert ways["klishchiivka-aid"] == "operator-sales → aurora-fund (sale) → village-council (gift)"
    assert ways["captured-1"].endswith("ministry-depot (sale) → field-unit (loan) → formation-east (capture)")
    assert ways["resold-1"].endswith(
        "dealer-one (sale) → dealer-two (sale) → supply-group (sale) → formation-east (gift)"
    )
    assert ways["resold-2"].endswith("dealer-two (sale) → ?")


def test_what_the_records_cannot_show_there(inquiry: Inquiry) -> None:
    gaps = {gap.text: gap.items for gap in inquiry.gaps}
    assert gaps["where units seen here were, at times nobody accounts for"] == ("resold-2",)
    assert gaps["whether lots hold units that were never recorded one by one"] == ("lot-aurora", "lot-forty")
    (control,) = gaps["who was in control, where no record says it"]
    assert control.startswith("2024-02-12T22:00:12Z to 2024-02-13T00:00:00Z for ")
    disputed = gaps["which statement is right, of those that dispute each other"]
    assert "hist-2024-02-13-third-countries and hist-2024-02-11-no-sale" in disputed
    assert not any("without signature" in text for text in gaps)
    assert len(gaps["that units seen here were served or refused as decided: no decision on record"]) == 5


def test_the_report_is_written_with_its_map(night: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    report, picture = tmp_path / "report.json", tmp_path / "areas.png"
    arguments = ["inquire", "--registry", str(WORLD), "--run", str(night)]
    arguments += ["--area", f"{WORLD / 'areas' / 'zones.geojson'}#around the two villages"]
    arguments += ["--from", "2024-02-12T22:00:12Z", "--to", "2024-02-13T04:00:12Z"]
    assert run([*arguments, "-o", str(report), "--map", str(picture)]) == 0
    assert "5 units seen, 3 of them served" in capfd.readouterr().out
    document = json.loads(report.read_text(encoding="utf-8"))
    assert {unit["unit"] for unit in document["units"]} >= {"resold-1", "resold-2"}
    assert "48.49" not in report.read_text(encoding="utf-8")
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert run([*arguments, "--json", "--as-known", "2024-02-13T12:00:00Z"]) == 0
    then = json.loads(capfd.readouterr().out)
    (resold,) = (unit for unit in then["units"] if unit["unit"] == "resold-1")
    assert resold["custody_holder"] == "dealer-two"


def test_decisions_of_a_run_go_on_the_record_and_are_proved(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    registry, dataset, proof = (str(tmp_path / name) for name in ("registry", "midnight.nc", "decision.proof"))
    assert run(["registry", "new", registry, "--operator", "Registrar", "--from", str(WORLD)]) == 0
    arguments = ["simulate", str(WORLD), "--start", "2024-02-12T23:58:12Z", "--duration", "4m", "-o", dataset]
    assert run([*arguments, "--record"]) == 1
    assert "on whose record?" in capfd.readouterr().err
    assert run([*arguments, "--record", "--registry", str(WORLD / "facts")]) == 1
    assert "is read only" in capfd.readouterr().err
    assert run([*arguments, "--record", "--registry", registry]) == 0
    assert run(["audit", "verify", registry]) == 0
    assert run(["audit", "prove", registry, "--decision", "klishchiivka-aid", "2024-02-13T00:01:00Z", "-o", proof]) == 0
    capfd.readouterr()
    area = f"{WORLD / 'areas' / 'zones.geojson'}#around the two villages"
    times = ["--from", "2024-02-12T23:58:12Z", "--to", "2024-02-13T00:02:12Z"]
    assert run(["inquire", "--registry", registry, "--run", dataset, "--area", area, *times, "--json"]) == 0
    document = json.loads(capfd.readouterr().out)
    (unit,) = (unit for unit in document["units"] if unit["unit"] == "klishchiivka-aid")
    assert [(decision["time"], decision["code"]) for decision in unit["decisions"]] == [
        ("2024-02-12T23:58:12Z", 1),
        ("2024-02-13T00:00:00Z", 16),
    ]
    assert not any("no decision on record" in gap["text"] for gap in document["cannot_show"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--area", "nowhere.geojson"], "cannot read"),
        (["--area", f"{WORLD / 'areas' / 'zones.geojson'}#Nowhere"], "there are Siversk district"),
        (["--area", f"{WORLD / 'areas' / 'zones.geojson'}", "-o", "report.pdf"], ".md or .json"),
        (["--area", f"{WORLD / 'scenario.toml'}"], "no JSON"),
    ],
)
def test_bad_input_is_told_in_one_line(arguments: list[str], message: str, capfd: pytest.CaptureFixture[str]) -> None:
    times = ["--from", "2024-02-12T22:00:00Z", "--to", "2024-02-12T23:00:00Z"]
    assert run(["inquire", "--registry", str(WORLD), *times, *arguments]) == 1
    said = capfd.readouterr().err
    assert message in said
    assert len(said.strip().splitlines()) == 1
