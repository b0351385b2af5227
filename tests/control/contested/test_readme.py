"""What the scenario's README tells a reader to type works, and prints what it says."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from skyhaul.cli import run
from skyhaul.control.facts import Statement, Terminal
from tests.control.contested.world import WORLD, recorded
from tests.docs.pages import blocks_of, code_in, links_of, prose_of, tables_of
from tests.docs.test_snippets import follow

README = WORLD / "README.md"

# The one command that the fixture has run already.
_NIGHT = "skyhaul simulate scenarios/contested-territory -o night.nc\n"


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the scenario where a clone has it."""
    (tmp_path / "scenarios").symlink_to(WORLD.parent, target_is_directory=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
def test_every_command_works_and_prints_what_the_page_says(
    clone: Path, night: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    said = ""
    shutil.copy(night, clone / "night.nc")
    for block in blocks_of(README):
        block = replace(block, text=block.text.replace(_NIGHT, ""))
        if (block.language, block.name) == ("text", "output"):
            there = {line.strip() for line in said.splitlines()}
            for line in block.text.splitlines():
                assert line.strip() in there, f"{line}\n{said}"
        elif block.text.strip():
            said = follow(block, clone, capfd, whole=True)
    assert {file.name for file in clone.iterdir()} >= {"night.nc", "night", "report.md", "villages.png"}


def test_the_first_command_is_the_one_that_runs_the_night() -> None:
    assert blocks_of(README)[0].text.startswith(_NIGHT)


def test_links_lead_somewhere_and_pictures_are_small() -> None:
    pictures = [link for link in links_of(README) if link.endswith(".png")]
    assert len(pictures) == 3
    for link in links_of(README):
        assert (README.parent / link).is_file(), link
    for link in pictures:
        assert (README.parent / link).stat().st_size < 200_000, link
    assert {Path(link).name for link in pictures} == {file.name for file in (WORLD / "images").iterdir()}


def test_facts_and_units_that_the_page_names_are_there() -> None:
    ids = {fact.id for fact in recorded()}
    named = set(re.findall(r"`((?:hist|demo)-\d[\w-]*)`", prose_of(README)))
    assert named
    assert named <= ids
    (units,) = (rows for _, columns, rows in tables_of(README) if columns[0] == "unit")
    told = {name for row in units for name in code_in(row[0])}
    assert told == {fact.terminal for fact in recorded() if isinstance(fact, Terminal)}


def test_days_of_the_table_of_statements_are_days_of_statements() -> None:
    (rows,) = (rows for _, columns, rows in tables_of(README) if columns[:2] == ["when", "who"])
    days = {str(fact.valid_from)[:10] for fact in recorded() if isinstance(fact, Statement)}
    for row in rows:
        year = row[0][:4]
        for day in re.findall(r"(?<![\d-])(?:\d{4}-)?(\d{2}-\d{2})\b", row[0]):
            assert f"{year}-{day}" in days, row[0]
        if re.fullmatch(r"\d{4}-\d{2}", row[0]):
            assert any(day.startswith(row[0]) for day in days), row[0]


def test_the_page_and_the_scenario_agree_on_length_and_units(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["scenario", "check", str(WORLD)]) == 0
    said = capfd.readouterr().out
    assert "14 terminals" in said
    assert "6:00:00" in said
    assert "14 units, 1,440 slots" in " ".join(prose_of(README).split())
