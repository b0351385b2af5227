"""The neutral example that ships with the package: two countries that do not exist, and what their facts decide."""

from __future__ import annotations

from pathlib import Path

import pytest

from skyhaul.cli import run
from skyhaul.control.facts import Area, Terminal
from skyhaul.scenario import load_scenario
from skyhaul.study import open_dataset
from tests.control.contested.world import demo_key

# Code and country alert of each terminal in the first minute and the last, and in the minute from 12:40.
ANSWERS = {
    "harbour": ((1, 0), (1, 0), (1, 0)),
    "mill": ((1, 0), (16, 0), (16, 0)),
    "inn": ((6, 92), (6, 92), (6, 92)),
    "hut": ((1, 0), (16, 0), (1, 0)),
    "ferry": ((1, 0), (1, 0), (1, 0)),
    "raft": ((6, 83), (6, 83), (6, 83)),
    "stranger": ((0, 0), (0, 0), (0, 0)),
}


def test_each_terminal_shows_what_the_facts_say(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "two.nc"
    assert run(["simulate", "two-countries", "--step", "15s", "-o", str(path)]) == 0
    assert "16 BLOCKED_AREA: order.area" in capfd.readouterr().out
    with open_dataset(path) as dataset:
        for name, answers in ANSWERS.items():
            one = dataset.sel(terminal=name)
            codes = one["disablement_code"].values, one["country_alert"].values
            assert [(codes[0][k], codes[1][k]) for k in (0, 160, -1)] == list(answers), name


def test_nothing_in_it_lies_on_land_or_bears_a_real_name() -> None:
    control = load_scenario("two-countries").control
    assert control is not None
    areas = [fact for fact in control.known_facts() if isinstance(fact, Area)]
    assert {area.name for area in areas} == {"Northland", "Southland", "the Marches", "the Middle Sea", "the hills"}
    for area in areas:
        west, south, east, north = area.shape.bounds
        assert -42.0 <= west < east <= -35.0  # the Azores end at 31.3° W, and no other land is near
        assert 36.0 <= south < north <= 40.0


def test_keys_follow_from_the_names_as_the_folder_says() -> None:
    control = load_scenario("two-countries").control
    assert control is not None
    terminals = [fact for fact in control.known_facts() if isinstance(fact, Terminal)]
    assert len(terminals) == 6
    for fact in terminals:
        assert fact.public_key == demo_key(fact.terminal, of="two-countries").public_key().public_bytes_raw()
