from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.control.store.postgresql import Server, find_server


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    programs = find_server()
    if programs is None:
        pytest.skip("no PostgreSQL server is installed (on Debian: apt-get install postgresql)")
    server = Server(programs)
    yield server
    server.remove()
