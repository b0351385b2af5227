"""Requests made from the API's own description find no failure of the server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

from tests.server.running import Running, live

CASES = 6  # of each operation, as described and not as described
_LONG = frozenset({("GET", "/api/v1/events"), ("POST", "/api/v1/time")})  # without an end; an hour stepped through


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server that minds neither how often it is asked nor what becomes of its world."""
    with live(tmp_path_factory.mktemp("asked"), rate=1e6, burst=1e6) as running:
        yield running


@pytest.mark.slow
@pytest.mark.parametrize(
    ("person", "mode"),
    [
        ("Olga", GenerationMode.POSITIVE),
        ("Nora", GenerationMode.POSITIVE),
        ("Olga", GenerationMode.NEGATIVE),
    ],
    ids=["operator, as described", "authority, as described", "operator, otherwise"],
)
def test_no_request_makes_the_server_fail(asked: Running, person: str, mode: GenerationMode) -> None:
    schema = schemathesis.openapi.from_url(f"{asked.url}/api/v1/openapi.json")
    headers = {"Authorization": f"Bearer {asked.tokens[person]}"}
    checks: list[Any] = [not_a_server_error, response_schema_conformance, status_code_conformance]
    tried: set[str] = set()
    for found in schema.get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()
        if (operation.method.upper(), operation.path) in _LONG:
            continue

        @settings(
            max_examples=CASES, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def send(case: Any) -> None:
            case.call_and_validate(headers=headers, checks=checks)
            tried.add(case.operation.label)

        # Where nothing is asked, nothing can be asked otherwise.
        with suppress(Unsatisfiable):
            send()
    assert len(tried) >= (45 if mode is GenerationMode.POSITIVE else 30)
