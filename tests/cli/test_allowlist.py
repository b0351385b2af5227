"""`skyhaul allowlist`, from application to removal."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Command, Said
from tests.cli.control_desk import registry_at

UNTIL = ("--to", "2099-01-01")


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
def allowlist(skyhaul: Command, place: Path) -> Callable[..., Said]:
    """Runs a command of the group, as somebody where `by` says so."""

    def command(*arguments: str | Path, by: str = "") -> Said:
        return skyhaul("allowlist", *arguments, *(("--as", by) if by else ()))

    return command


Run = Callable[..., Said]


def good(said: Said) -> Any:
    assert said.status == 0, said.err
    return said


def apply(allowlist: Run, unit: str = "U1", *more: str, holder: str = "Ada", by: str = "Olga") -> str:
    """An application's id."""
    said = good(
        allowlist(
            "apply",
            "white",
            unit,
            "--holder",
            holder,
            "--as-a",
            "person",
            "--evidence",
            f"passport of {holder}",
            *more,
            "--json",
            by=by,
        )
    )
    (fact,) = json.loads(said.out)["recorded"]
    return str(fact["id"])


def entries(allowlist: Run, *more: str) -> list[tuple[str, str, str]]:
    found = json.loads(good(allowlist("list", "--json", *more)).out)
    return [(entry["terminal"], entry["state"], entry["reason"]) for entry in found]


def test_an_application_is_approved_by_another_person_and_the_terminal_is_on_the_list(allowlist: Run) -> None:
    asked = apply(allowlist)
    assert entries(allowlist) == [("U1", "applied", "")]
    said = good(allowlist("approve", asked, *UNTIL, by="Nora"))
    assert said.out.startswith(f"recorded Listing listing-{asked} at ")
    assert entries(allowlist) == [("U1", "approved", "")]
    shown = good(allowlist("show", asked)).out.splitlines()
    assert shown[0].startswith(f"{asked}: approved since ")
    assert shown[1:3] == [
        "  U1, kit KIT-1, account A-1, on white",
        "  for Ada, a person; passport of Ada",
    ]
    assert "by Nora" in shown[3]


def test_the_registry_s_own_numbers_stand_in_for_those_not_given(allowlist: Run) -> None:
    asked = apply(allowlist)
    document = json.loads(good(allowlist("show", asked, "--json")).out)
    assert (document["kit_number"], document["account"], document["findings"]) == ("KIT-1", "A-1", [])


def test_quotas_hold_at_approval(allowlist: Run) -> None:
    first, second = apply(allowlist), apply(allowlist, "U2")
    good(allowlist("approve", first, *UNTIL, by="Nora"))
    line = allowlist("approve", second, *UNTIL, by="Nora").one_error()
    assert line.endswith("Ada has U1 on the list “white”: a person has 1 unseen (remove one first, or have it shown)")
    good(allowlist("remove", first, "--reason", "sold", by="Nora"))
    good(allowlist("approve", second, *UNTIL, by="Nora"))
    assert entries(allowlist) == [("U1", "removed", "sold"), ("U2", "approved", "")]


def test_nobody_approves_their_own(allowlist: Run) -> None:
    asked = apply(allowlist, by="Nora")
    line = allowlist("approve", asked, *UNTIL, by="Nora").one_error()
    assert "Nora decides on their own application (another person approves it)" in line
    good(allowlist("approve", asked, *UNTIL, by="Nils"))


def test_roles_hold(allowlist: Run) -> None:
    asked = apply(allowlist)
    for person, why in (
        ("Dina", "may not record a Listing"),
        ("Sven", "is one of Northland Office"),
        ("Audi", "audit"),
    ):
        assert why in allowlist("approve", asked, *UNTIL, by=person).one_error()
    assert entries(allowlist) == [("U1", "applied", "")], "nothing is half stored"


def test_what_there_is_to_look_at_must_be_answered(allowlist: Run) -> None:
    said = allowlist(
        "apply", "white", "U3", "--holder", "Ada", "--as-a", "person", "--evidence", "passport", by="Olga"
    )  # fmt: skip
    assert "! custody.elsewhere: U3 was last with Company, not with Ada: Maker → Dealer → Company" in good(said).out
    (document,) = json.loads(good(allowlist("list", "--json")).out)
    asked = document["id"]
    line = allowlist("approve", asked, *UNTIL, by="Nora").one_error()
    assert "1 to look at: custody.elsewhere: U3 was last with Company" in line
    good(allowlist("approve", asked, *UNTIL, "--despite", "handed back, receipt 7", by="Nora"))
    document = json.loads(good(allowlist("show", asked, "--json")).out)
    assert document["state"] == "approved"
    assert "recorded" in good(allowlist("show", asked)).out


def test_a_rejection_has_its_reason_and_is_final(allowlist: Run) -> None:
    asked = apply(allowlist)
    good(allowlist("reject", asked, "--reason", "passport cannot be read", by="Nora"))
    assert entries(allowlist, "--state", "rejected") == [("U1", "rejected", "passport cannot be read")]
    assert "is rejected since" in allowlist("approve", asked, *UNTIL, by="Nora").one_error()
    assert "is rejected since" in allowlist("remove", asked, "--reason", "x", by="Nora").one_error()


def test_a_review_reports_with_its_facts(allowlist: Run) -> None:
    apply(allowlist)
    apply(allowlist, "U1", holder="Bo")
    said = good(allowlist("review"))
    assert "! terminal.two-holders: terminal U1 stands 2 times on the list “white”, for Ada, Bo" in said.out
    assert "! account.shared: account A-1 is behind 2 holders: Ada, Bo" in said.out
    assert said.out.endswith("3 to look at in 2 applications and listings\n")
    document = json.loads(good(allowlist("review", "--json", "--matter", "custody")).out)
    (finding,) = document["findings"]
    assert finding["matter"] == "custody.elsewhere"
    assert {fact["kind"] for fact in finding["facts"]} == {"Application", "CustodyEvent"}


def test_a_list_shows_its_quotas(allowlist: Run) -> None:
    apply(allowlist)
    lines = good(allowlist("show", "white")).out.splitlines()
    assert lines[0] == "white: of Northland Office, over licence/Northland, 2024-01-01T00:00:00Z on"
    assert lines[1] == "  quotas: person_unseen 1, person 3, firm 10, critical_firm any number, state any number"
    assert lines[2] == "  entries: 1 applied"
    assert json.loads(good(allowlist("show", "white", "--json")).out)["entries"] == {"applied": 1}


def test_a_new_list_has_the_quotas_it_is_given(allowlist: Run) -> None:
    more = ("--quota", "firm=2", "--quota", "person=none")
    add = ("add", "second", "--authority", "Northland Office", "--area", "licence/Northland", *more)
    good(allowlist(*add, by="Nora"))
    document = json.loads(good(allowlist("show", "second", "--json")).out)
    assert (document["quotas"]["firm"], document["quotas"]["person"], document["quotas"]["person_unseen"]) == (
        2,
        None,
        1,
    )
    wrong = allowlist("add", "x", "--authority", "N", "--area", "zone/x", "--quota", "firm=many", by="Nora")
    assert wrong.status == 2
    assert "expected KIND=N of person_unseen, person" in wrong.err


HEADER = "name,terminal,kit_number,account,holder,holder_kind,shown,evidence,sponsor\n"
ROWS = """\
white,U1,KIT-1,A-1,Ada,person,true,passport 1,
white,U2,KIT-2,A-1,Ada,persona,true,passport 1,
black,U4,KIT-4,A-1,Ada,person,true,passport 1,
white,U5,KIT-5,A-1,3rd Brigade,state,false,letter,
white,U5,KIT-5,A-1,3rd Brigade,state,false,letter,Defence Office
"""


def test_rows_are_recorded_and_those_rejected_are_told_each(allowlist: Run, tmp_path: Path) -> None:
    file = tmp_path / "asked.csv"
    file.write_text(HEADER + ROWS, encoding="utf-8")
    said = allowlist("import", file, by="Olga")
    assert said.status == 1
    assert said.out == f"{file}: 5 rows, 2 recorded, 3 rejected\n"
    lines = said.err.splitlines()
    assert ["row 3" in lines[0], "row 4" in lines[1], "row 5" in lines[2]] == [True, True, True]
    assert "“persona” is no choice (did you mean person?)" in lines[0]
    assert "there is no allow-list black" in lines[1]
    assert "a state holder without sponsor" in lines[2]
    assert [terminal for terminal, *_ in entries(allowlist)] == ["U1", "U5"]


def test_all_or_nothing_and_dry_run_record_nothing(allowlist: Run, tmp_path: Path) -> None:
    file = tmp_path / "asked.csv"
    file.write_text(HEADER + ROWS, encoding="utf-8")
    for option in ("--all-or-nothing", "--dry-run"):
        assert allowlist("import", file, option, by="Olga").status == 1
        assert entries(allowlist) == []


@pytest.mark.parametrize("ending", ["csv", "json", "jsonl"])
def test_what_is_exported_is_imported(allowlist: Run, tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"asked.{ending}"
    apply(allowlist, "U1", "--shown", "--address", "5 Mill Lane, Northtown")
    good(allowlist("export", "-o", file))
    text = file.read_text(encoding="utf-8")
    if ending == "csv":
        (row,) = csv.DictReader(text.splitlines())
        assert (row["terminal"], row["holder_kind"], row["shown"]) == ("U1", "person", "true")
    again = allowlist("import", file, by="Olga")
    assert "it is taken" in again.err
    file.write_text(text.replace("application-", "another-"), encoding="utf-8")
    good(allowlist("import", file, by="Olga"))
    assert [t for t, *_ in entries(allowlist)] == ["U1", "U1"]


def test_addresses_of_those_who_apply_are_shown_for_a_reason_that_goes_on_record(
    allowlist: Run, skyhaul: Command, tmp_path: Path
) -> None:
    apply(allowlist, "U1", "--address", "5 Mill Lane, Northtown")
    assert "Mill" not in good(allowlist("export")).out
    assert "exact addresses without a reason" in allowlist("export", "--exact", by="Olga").one_error()
    for ending in ("csv", "json"):
        file = tmp_path / f"asked.{ending}"
        good(allowlist("export", "--exact", "--reason", "letters to holders", "-o", file, by="Olga"))
        assert "5 Mill Lane, Northtown" in file.read_text(encoding="utf-8")
    assert "Disclosure" in good(skyhaul("registry", "show")).out
    assert "Mill" not in good(allowlist("review")).out
    assert "Mill" not in good(allowlist("list", "--json")).out


def test_listings_are_imported_within_quotas(allowlist: Run, tmp_path: Path) -> None:
    file = tmp_path / "listed.csv"
    rows = [f"white,U{i},KIT-{i},A-1,Ada,person,passport,Nora,2099-01-01T00:00:00Z" for i in (1, 2)]
    header = "name,terminal,kit_number,account,holder,holder_kind,evidence,approved_by,valid_to"
    file.write_text("\n".join([header, *rows]), encoding="utf-8")
    said = allowlist("import", file, "--what", "listings", by="Nora")
    assert "1 recorded, 1 rejected" in said.out
    assert "Ada has U1 on the list “white”: a person has 1 unseen" in said.err
    wrong = allowlist("import", file, "--what", "wishes", by="Nora")
    assert (wrong.status, "expected applications, listings, lists" in wrong.err) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("show", "nothing"), "no application or listing nothing is recorded"),
        (("approve", "nothing", *UNTIL, "--as", "Nora"), "no application nothing is recorded"),
        (("reject", "nothing", "--reason", "x", "--as", "Nora"), "no application nothing is recorded"),
        (("remove", "nothing", "--reason", "x", "--as", "Nora"), "no application or listing nothing is recorded"),
        (("list", "--list", "black"), "no allow-list “black” is recorded (there are white)"),
        (("review", "--list", "black"), "no allow-list “black” is recorded (there are white)"),
        (
            ("apply", "black", "U1", "--holder", "A", "--as-a", "person", "--evidence", "x", "--as", "Olga"),
            "there is no allow-list black",
        ),
        (
            ("apply", "white", "U1", "--holder", "A", "--as-a", "king", "--evidence", "x", "--as", "Olga"),
            "“king” is no choice (there are person, firm, critical firm, state)",
        ),
    ],
)
def test_what_cannot_be_is_one_line(allowlist: Run, arguments: tuple[str, ...], message: str) -> None:
    assert message in allowlist(*arguments).one_error()


@pytest.mark.parametrize(("name", "junk"), [("a.csv", "x"), ("a.json", "9"), ("a.jsonl", "{")])
def test_ten_megabytes_of_junk(allowlist: Run, tmp_path: Path, name: str, junk: str) -> None:
    (tmp_path / name).write_text(junk * 10_000_000, encoding="utf-8")
    line = allowlist("import", tmp_path / name, by="Olga").one_error()
    assert name in line
    assert len(line) < 600
    assert entries(allowlist) == []


def test_as_it_was_known(allowlist: Run) -> None:
    apply(allowlist)
    assert entries(allowlist, "--as-known", "2024-02-02") == []
