from __future__ import annotations

import os
from pathlib import Path

import pytest

# Tests import grpc by themselves, some before the package does: see skyhaul.dish._grpc.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The outside data: elements, ground segments and measurements that the project may read but not carry."""
    folder = os.environ.get("SKYHAUL_DATA", "")
    if not folder:
        pytest.skip("SKYHAUL_DATA does not name the folder of outside data")
    return Path(folder)
