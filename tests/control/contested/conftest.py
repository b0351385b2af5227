"""The night of the scenario, run once."""

from __future__ import annotations

from pathlib import Path

import pytest

from skyhaul.cli import run
from tests.control.contested.world import WORLD


@pytest.fixture(scope="session")
def night(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dataset that `skyhaul simulate scenarios/contested-territory -o night.nc` writes."""
    path = tmp_path_factory.mktemp("contested") / "night.nc"
    assert run(["simulate", str(WORLD), "-o", str(path)]) == 0
    return path
