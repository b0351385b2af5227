"""`scripts/up`: the one command of the README."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest


def up(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A run that is to end by itself."""
    return subprocess.run(
        [folder / "scripts" / "up", *arguments], capture_output=True, text=True, check=False, timeout=120
    )


@contextmanager
def running(folder: Path, *arguments: str, **environment: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A system that was started, and its address."""
    process = subprocess.Popen(
        [folder / "scripts" / "up", *arguments],
        env=os.environ | {"XDG_STATE_HOME": str(folder / "state")} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        said = ""
        while (found := re.search(r"http://[\d.]+:\d+", said)) is None:
            line = process.stdout.readline()
            assert line, process.communicate()[1]
            said += line
        yield process, found.group()
    finally:
        process.kill()
        process.communicate()


def test_the_first_command_brings_up_the_page(reader: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = reader / "else where"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    with running(reader, "--port", "0") as (process, address):
        page = httpx.get(address, timeout=30)
        assert page.status_code == 200
        assert "<title>" in page.text
        system = httpx.get(f"{address}/api/v1/system", timeout=30).json()
        assert system["satellites"] > 1_000
        assert system["terminals"]["served"] > 0
        assert system["terminals"]["refused"] > 0
        process.send_signal(signal.SIGINT)
        said, complaints = process.communicate(timeout=60)
        assert process.returncode == 0, complaints
        assert "Traceback" not in said + complaints


def test_an_error_of_the_scenario_is_its_error(reader: Path) -> None:
    done = up(reader, "no-such-scenario")
    assert done.returncode == 1
    assert "no scenario file or preset named no-such-scenario" in done.stderr


def test_wrong_usage_is_said(reader: Path) -> None:
    done = up(reader, "--speed", "-1")
    assert done.returncode == 2
    assert "--speed" in done.stderr


def test_help_needs_nothing_set_up(reader: Path) -> None:
    (reader / ".venv").unlink()
    (reader / "scripts" / "setup").unlink()
    done = up(reader, "--help")
    assert done.returncode == 0
    assert "scripts/up [SCENARIO]" in done.stdout
