"""Applications from tables, each row for itself."""

from __future__ import annotations

import json
import re

import pytest

from skyhaul.control.facts import HolderKind, utc
from skyhaul.control.lists import APPLICATION_COLUMNS, ListRegister, Rejected, read_applications, write_entries
from skyhaul.errors import ControlError
from tests.control.lists.listed import NOW, application, facts, listing, register

TABLE = """\
list,terminal,kit_number,account,holder,holder_kind,shown,evidence,sponsor,source
white,U1,KIT-U1,A-1,Ada,person,yes,passport 1,,form 1
white,U2,KIT-U2,A-2,"Mill, Ltd",firm,no,register 2,,form 2
white,U3,KIT-U3,A-3,3rd Brigade,state,no,letter 3,Defence Office,form 3
"""


def read(text: str | bytes, with_register: bool = True) -> tuple[list, list[Rejected]]:  # type: ignore[type-arg]
    data = text.encode() if isinstance(text, str) else text
    there = register() if with_register else None
    return read_applications(data, "rows.csv", author="desk", recorded_at=NOW, register=there)


def test_a_table() -> None:
    good, bad = read(TABLE)
    assert bad == []
    first, second, third = good
    assert (first.name, first.terminal, first.shown, first.holder_kind) == ("white", "U1", True, HolderKind.PERSON)
    assert (second.holder, third.sponsor) == ("Mill, Ltd", "Defence Office")
    assert {a.author for a in good} == {"desk"}
    assert first.valid_from == NOW, "asked when it is recorded, unless the row says when"


def test_rows_that_are_no_applications_are_reported_each_and_the_others_taken() -> None:
    more = """\
white,U4,KIT-U4,A-4,Bo,persona,no,passport,,form
white,U5,KIT-U5,A-5,,person,no,passport,,form
white,U6,KIT-U6,A-6,Bo,person,perhaps,passport,,form
black,U7,KIT-U7,A-7,Bo,person,no,passport,,form
white,U8,KIT-U8,A-8,Di,state,no,passport,,form
white,U9,KIT-U9,A-9,Di
white,U1,KIT-U1,A-1,Ada,person,yes,passport 1,,form 1
white,U10,KIT-U10,A-10,Ada,person,no,passport 10,,form 10
"""
    good, bad = read(TABLE + more)
    assert [a.terminal for a in good] == ["U1", "U2", "U3", "U10"]
    named = "Application application-[0-9a-f]{12}"
    expected = [
        rf"rows.csv:5: {named}, holder_kind: “persona” is no choice \(did you mean person\?\)",
        rf"rows.csv:6: {named}: has no holder \(add what is missing\)",
        r"rows.csv:7: shown is “perhaps” \(write yes or no\)",
        r"rows.csv:8: no allow-list “black” is recorded \(there are white\)",
        rf"rows.csv:9: {named}: a state holder without sponsor \(say which authority answers for it\)",
        r"rows.csv:10: 5 cells under 10 columns \(quote cells that hold commas\)",
        r"rows.csv:11: application-[0-9a-f]{12} is recorded already \(give each application its own id\)",
    ]
    assert len(bad) == len(expected)
    for row, pattern in zip(bad, expected, strict=True):
        assert re.fullmatch(pattern, str(row)), row


def test_a_row_is_taken_once_however_often_it_is_given() -> None:
    good, _ = read(TABLE)
    there = ListRegister(facts(*good), NOW)
    again, bad = read_applications(
        TABLE.encode(), "rows.csv", author="desk", recorded_at=utc("2024-04-01"), register=there
    )
    assert again == []
    assert len(bad) == 3
    assert all("is recorded already" in row.what for row in bad)


def test_json_says_the_same() -> None:
    rows = [dict(zip(TABLE.splitlines()[0].split(","), line, strict=True)) for line in (
        ("white", "U1", "KIT-U1", "A-1", "Ada", "person", "yes", "passport 1", "", "form 1"),
    )]  # fmt: skip
    rows[0]["shown"] = True  # type: ignore[assignment]
    for document in (rows, {"applications": rows}):
        good, bad = read(json.dumps(document))
        assert (good, bad) == (read(TABLE)[0][:1], [])
    good, bad = read(json.dumps([rows[0], "nonsense", {**rows[0], "colour": "red"}]))
    assert len(good) == 1
    assert [row.where for row in bad] == ["rows.csv, application 2", "rows.csv, application 3"]
    assert "no column is named “colour”" in bad[1].what


@pytest.mark.parametrize("form", ["csv", "json"])
def test_what_is_written_is_read_again(form: str) -> None:
    asked = [application("U1", valid_to=utc("2024-05-01"), address="5 Mill Lane"), application("U2", "Bo", shown=True)]
    entries = register(*asked, listing("U9", "Cy")).entries(NOW)
    text = write_entries(entries, form)
    good, bad = read_applications(text.encode(), "x", author="desk", recorded_at=NOW)
    assert bad == []
    assert [(a.id, a.address, a.shown, a.valid_from, a.valid_to) for a in good[:2]] == [
        (a.id, a.address, a.shown, a.valid_from, a.valid_to) for a in asked
    ]


def test_the_table_says_what_became_of_each() -> None:
    text = write_entries(register(application("U1"), listing("U9", "Cy")).entries(NOW), "csv")
    header, first, second = text.splitlines()
    assert header.startswith(",".join(APPLICATION_COLUMNS))
    assert ",applied," in first
    assert second.endswith(
        ",approved,2024-02-02T00:00:00Z,,listing-U9-Cy,clerk,2024-02-02T00:00:00Z,2025-03-01T00:00:00Z"
    )


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\xff\xfe", r"rows.csv: is not text: byte 0 is not UTF-8"),
        ("", r"rows.csv: no column is named|is empty"),
        ("list,list\n", r"rows.csv:1: column list is there twice \(give it once\)"),
        ("list,colour\n", r"rows.csv:1: no column is named “colour” \(columns: id, list"),
        ('list,terminal\n"white,U1\n', r"rows.csv:\d+: no CSV: .* \(quote cells"),
        ("[1, 2", r"rows.csv:1: no JSON: .* \(give a list of objects"),
        ('{"rows": []}', r"rows.csv: is no list of applications"),
        ("[" * 100_000, r"rows.csv: is nested too deep"),
        ("x" * 10_000_000, r"rows.csv:1: no CSV: field larger"),
        ("1" * 10_000_000, r"rows.csv:1: no CSV: field larger"),
    ],
)
def test_a_file_that_is_no_table_is_refused_in_one_line(data: str | bytes, message: str) -> None:
    with pytest.raises(ControlError, match=message) as caught:
        read(data)
    assert len(str(caught.value)) < 400


def test_too_much_is_refused_before_it_is_read() -> None:
    with pytest.raises(ControlError, match=r"has more than 64,000,000 bytes \(split it\)"):
        read(b" " * 64_000_001)
