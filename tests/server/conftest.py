"""One server for all that only read, one for each test that changes things."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.server.running import Running, live


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server whose world nobody changes."""
    with live(tmp_path_factory.mktemp("live")) as running:
        yield running


@pytest.fixture(scope="module")
def changing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server that the tests of a module change."""
    with live(tmp_path_factory.mktemp("changing")) as running:
        yield running
