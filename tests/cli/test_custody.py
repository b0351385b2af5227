"""`skyhaul custody`: the way of a unit, and whom units reached."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Command, Said
from tests.cli.control_desk import registry_at
from tests.control.test_epcis import document, moved, theirs, validator

Run = Callable[..., Said]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry that each test has a copy of."""
    return registry_at(tmp_path_factory.mktemp("template") / "registry")


@pytest.fixture
def place(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = shutil.copytree(template, tmp_path / "registry")
    monkeypatch.setenv("SKYHAUL_REGISTRY", str(folder))
    return folder


@pytest.fixture
def custody(skyhaul: Command, place: Path) -> Run:
    def command(*arguments: str | Path, by: str = "") -> Said:
        return skyhaul("custody", *arguments, *(("--as", by) if by else ()))

    return command


def good(said: Said) -> Said:
    assert said.status == 0, said.err
    return said


def read(said: Said) -> Any:
    return json.loads(good(said).out)


def test_the_way_of_a_unit(custody: Run) -> None:
    assert good(custody("trace", "U3")).out.splitlines() == [
        "U3: Maker → Dealer → Company",
        "  2024-01-01T00:00:00Z commissioning Maker; gazette 1/2024",
        "  2024-01-02T00:00:00Z transfer Maker → Dealer; gazette 1/2024",
        "  2024-01-03T00:00:00Z transfer Dealer → Company; gazette 1/2024",
    ]
    traced = read(custody("trace", "U3", "--json"))
    assert (traced["hands"], len(traced["passages"])) == (["Maker", "Dealer", "Company"], 3)
    assert read(custody("trace", "U3", "--json", "--at", "2024-01-02"))["hands"] == ["Maker", "Dealer"]
    assert "custody knows no unit “U9”" in custody("trace", "U9").one_error()


def test_an_event_is_recorded_and_a_gap_is_shown(custody: Run) -> None:
    give = ("--giver", "Shop", "--receiver", "Ada", "--by", "sale", "--from", "2024-01-20", "--source", "invoice 9")
    said = good(custody("add", "transfer", "U3", *give, by="Olga"))
    assert said.out.startswith("recorded CustodyEvent custodyevent-U3-")
    assert good(custody("trace", "U3")).out.splitlines()[-2:] == [
        "  ? it left a party that is not recorded to have had it",
        "  2024-01-20T00:00:00Z transfer Shop → Ada by sale; invoice 9",
    ]
    (last,) = [p for p in read(custody("trace", "U3", "--json"))["passages"] if p["gap_before"]]
    assert (last["manner"], last["source"]) == ("sale", "invoice 9")


def test_whom_units_reached_with_those_below_and_by_which_path(custody: Run) -> None:
    assert good(custody("reaches", "Brigade")).out.splitlines() == [
        "Brigade, with 1 that belong to it: Company",
        "1 unit was with it",
        "  U3  2024-01-03T00:00:00Z  Maker → Dealer → Company",
        "0 units were sent to it, without a receipt on record",
        "0 units have a time that nobody accounts for: the record cannot say",
        "3 units are accounted for at all times, and never with it",
    ]
    alone = read(custody("reaches", "Brigade", "--alone", "--json"))
    assert (alone["reached"], alone["clear"], alone["units"]) == ([], 4, 4)
    dealer = read(custody("reaches", "Dealer", "--json"))
    assert [way["unit"] for way in dealer["reached"]] == ["U2", "U3", "U4"]
    assert dealer["parties"] == ["Dealer", "Shop"]
    assert "did you mean Brigade?" in custody("reaches", "Brigad").one_error()


def test_many_units_are_cut_short_for_people_and_whole_for_programs(custody: Run) -> None:
    lines = good(custody("reaches", "Dealer", "--limit", "1")).out.splitlines()
    assert "  … and 2 more: --limit, or --json" in lines
    assert len(read(custody("reaches", "Dealer", "--limit", "1", "--json"))["reached"]) == 3


def test_what_the_record_cannot_say_is_said(custody: Run) -> None:
    for arguments in (
        ("add", "shipping", "U4", "--giver", "Ada", "--receiver", "Company", "--from", "2024-01-20"),
        ("add", "transfer", "U1", "--receiver", "Bo", "--from", "2024-01-20"),
    ):
        good(custody(*arguments, by="Olga"))
    found = read(custody("reaches", "Brigade", "--json"))
    assert found["sent"][0]["unknown"] == [
        "from 2024-01-20T00:00:00Z: on its way to Company, and no receipt is recorded"
    ]
    assert found["unknown"][0]["hands"] == ["Maker", "Ada", "?", "Bo"]
    assert "? before 2024-01-20T00:00:00Z: from whom it came is not recorded" in good(custody("reaches", "Brigade")).out


def test_a_correction_takes_the_place_of_what_it_corrects(custody: Run) -> None:
    say = ("--giver", "Dealer", "--receiver", "Ada", "--corrects", "passed-U3-3", "--from", "2024-01-03")
    good(custody("add", "transfer", "U3", *say, by="Olga"))
    assert read(custody("trace", "U3", "--json"))["hands"] == ["Maker", "Dealer", "Ada"]
    assert read(custody("trace", "U3", "--json", "--as-known", "2024-02-01"))["hands"] == ["Maker", "Dealer", "Company"]
    written = read(custody("export"))
    validator.validate(written)
    (wrong,) = [e for e in written["epcisBody"]["eventList"] if "errorDeclaration" in e]
    assert wrong["eventID"].endswith("passed-U3-3")


def test_what_is_exported_is_valid_and_adds_nothing(custody: Run, tmp_path: Path) -> None:
    file = tmp_path / "custody.jsonld"
    good(custody("export", "-o", file))
    validator.validate(json.loads(file.read_text(encoding="utf-8")))
    said = good(custody("import", file, by="Olga"))
    assert said.out == f"{file}: 0 rows, 0 recorded, 0 rejected\n"
    assert "is on record already (event 1, event 2, event 3 and 8 more)" in said.err
    only = read(custody("export", "--unit", "U1"))
    assert len(only["epcisBody"]["eventList"]) == 2


def test_a_document_of_another_system_is_recorded(custody: Run, tmp_path: Path) -> None:
    file = tmp_path / "theirs.json"
    unit = "urn:epc:id:sgtin:0614141.107346.2017"
    made = theirs("commissioning", unit, action="ADD")
    sent = theirs("shipping", unit, eventTime="2024-01-06T10:00:00Z", **moved("urn:p:1", "urn:p:2"))
    lost = theirs("receiving", unit, eventID="urn:uuid:9", eventTime="2024-01-07")
    stranger = theirs("receiving", "urn:x:unknown", eventID="urn:uuid:8", **moved("urn:p:1", "urn:p:2"))
    file.write_text(json.dumps(document(made, sent, lost, stranger)), encoding="utf-8")
    said = custody("import", file, "--maker", "urn:p:1", by="Olga")
    assert said.status == 1
    assert said.out == f"{file}: 4 rows, 2 recorded, 2 rejected\n"
    assert "row 3: theirs.json, event 3: eventTime is 2024-01-07 (write" in said.err
    assert "row 4: CustodyEvent urn:uuid:8, item: there is no unit or lot urn:x:unknown" in said.err
    assert read(custody("trace", unit, "--json"))["under_way_to"] == "urn:p:2"


def test_rows_are_recorded_and_those_rejected_are_told_each(custody: Run, tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    rows = (
        "transfer,U1,Ada,Bo,2024-01-20T00:00:00Z",
        "transfer,U1,,,2024-01-21T00:00:00Z",
        "selling,U1,Bo,Cy,2024-01-22T00:00:00Z",
    )
    file.write_text("\n".join(["step,item,giver,receiver,valid_from", *rows]), encoding="utf-8")
    said = custody("import", file, by="Olga")
    assert said.out == f"{file}: 3 rows, 1 recorded, 2 rejected\n"
    assert "a transfer between nobody (say at least one party)" in said.err
    assert "“selling” is no choice" in said.err
    good(custody("export", "-o", tmp_path / "out.csv"))
    assert "transfer,U1,Ada,Bo" in (tmp_path / "out.csv").read_text(encoding="utf-8").replace(",,", ",")


def test_events_are_listed(custody: Run) -> None:
    found = read(custody("list", "--party", "Company", "--json"))
    assert [(event["item"], event["step"]) for event in found] == [("U3", "transfer")]
    lines = good(custody("list", "--unit", "U2")).out.splitlines()
    assert lines[-1] == "3 in all"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("add", "transfer", "U9", "--receiver", "Ada"), "there is no unit or lot U9"),
        (("add", "transfer", "U1"), "a transfer between nobody"),
        (("add", "selling", "U1"), "“selling” is no choice"),
        (("add", "split", "U1", "--lot", "U1"), "a lot split from itself"),
        (("add", "transfer", "U1", "--receiver", "Ada", "--by", "barter"), "“barter” is no choice"),
        (("add", "transfer", "U1", "--receiver", "Ada", "--corrects", "nothing"), "there is no CustodyEvent nothing"),
        (("import", "missing.json"), "missing.json: cannot read: No such file"),
    ],
)
def test_what_cannot_be_is_one_line_and_nothing_is_stored(custody: Run, arguments: Any, message: str) -> None:
    before = read(custody("list", "--json"))
    assert message in custody(*arguments, by="Olga").one_error()
    assert read(custody("list", "--json")) == before


def test_ten_megabytes_of_junk(custody: Run, tmp_path: Path) -> None:
    for name, junk in (
        ("a.json", '{event "type"' + "x" * 10_000_000),
        ("b.jsonld", "9" * 10_000_000),
        ("c.csv", "x" * 10_000_000),
    ):
        (tmp_path / name).write_text(junk, encoding="utf-8")
        line = custody("import", tmp_path / name, by="Olga").one_error()
        assert name in line
        assert len(line) < 500


def test_only_whom_it_concerns_records_custody(custody: Run) -> None:
    arguments = ("add", "transfer", "U1", "--giver", "Ada", "--receiver", "Bo", "--from", "2024-01-20")
    assert "neither is Dealer" in custody(*arguments, by="Dina").one_error()
    assert "may not record" in custody(*arguments, by="Nora").one_error()
    good(custody("add", "transfer", "U1", "--giver", "Ada", "--receiver", "Dealer", "--from", "2024-01-20", by="Dina"))
