"""`scripts/up`: the one command of the README, beyond what running the README shows."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

SCENARIO = """
name = "one"
[time]
duration = "1m"
[[terminals]]
name = "kyiv"
latitude_deg = 50.45
longitude_deg = 30.52
"""


def up(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [folder / "scripts" / "up", *arguments],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_works_from_any_folder_with_a_scenario_and_options(reader: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = reader / "else where"
    elsewhere.mkdir()
    (elsewhere / "mine.toml").write_text(SCENARIO, encoding="utf-8")
    monkeypatch.chdir(elsewhere)
    done = up(reader, "mine.toml", "--strategy", "highest")
    assert done.returncode == 0, done.stderr
    assert "strategy highest" in done.stdout
    pictures = [line for line in done.stdout.splitlines() if line.endswith(".png")]
    assert all(Path(line).is_relative_to(reader / "skyhaul-out" / "mine") for line in pictures)
    assert all(Path(line).is_file() for line in pictures)
    assert any(Path(line).name == "map.png" for line in pictures)


def test_options_alone_mean_the_world(reader: Path, tmp_path: Path) -> None:
    done = up(reader, "--duration", "0s", SKYHAUL_OUT=str(tmp_path / "out"))
    assert done.returncode == 2
    assert "'--duration': expected a duration" in done.stderr


def test_it_names_where_results_go_when_told_otherwise(reader: Path) -> None:
    for option in ("-o", "-oworld.nc", "--output", "--output=world.nc"):
        done = up(reader, "world", option)
        assert done.returncode == 2
        assert "SKYHAUL_OUT" in done.stderr


def test_an_error_of_the_scenario_is_its_error(reader: Path) -> None:
    done = up(reader, "no-such-scenario")
    assert done.returncode == 1
    assert "no scenario file or preset named no-such-scenario" in done.stderr


def test_help_needs_nothing_set_up(reader: Path) -> None:
    (reader / ".venv").unlink()
    (reader / "scripts" / "setup").unlink()
    done = up(reader, "--help")
    assert done.returncode == 0
    assert "scripts/up [SCENARIO]" in done.stdout
