from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def docs_decision() -> str:
    """The page that lists the rules."""
    return (Path(__file__).parents[2] / "docs" / "decision.md").read_text()
