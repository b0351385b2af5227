"""Nothing of a world is left on the machine, whatever part of it is killed, and the next one works."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


def starts_and_kills(folder: Path, starts: int, kills: int, seed: int, kind: str, timeout: float) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.live.kills", str(starts), str(kills), str(seed), kind],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=timeout,
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.mark.usefixtures("namespaces")
@pytest.mark.parametrize(("kind", "starts", "kills"), [("constant", 40, 24), ("planned", 4, 3)])
def test_nothing_is_left_of_worlds_and_the_next_works(tmp_path: Path, kind: str, starts: int, kills: int) -> None:
    ran = starts_and_kills(tmp_path, starts, kills, 1, kind, 120)
    assert ran["left"] == []
    assert ran["counts"]["stopped"] == starts - kills
    assert sum(ran["counts"].values()) == starts


@pytest.mark.slow
@pytest.mark.usefixtures("namespaces")
def test_nothing_is_left_of_a_thousand_worlds(tmp_path: Path) -> None:
    ran = starts_and_kills(tmp_path, 1000, 240, 2, "constant", 900)
    assert ran["left"] == []
    assert ran["counts"]["stopped"] == 760
    assert {"supervisor", "carrier", "namespace", "first", "child"} <= set(ran["counts"])


@pytest.mark.slow
@pytest.mark.usefixtures("namespaces")
def test_nothing_is_left_of_worlds_that_plan_and_lead_out(tmp_path: Path) -> None:
    ran = starts_and_kills(tmp_path, 40, 32, 3, "planned", 900)
    assert ran["left"] == []
    assert ran["counts"]["stopped"] == 8
    assert ran["counts"]["other"] > 0
