from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The outside data: elements, ground segments and measurements that the project may read but not carry."""
    folder = os.environ.get("SKYHAUL_DATA", "")
    if not folder:
        pytest.skip("SKYHAUL_DATA does not name the folder of outside data")
    return Path(folder)
