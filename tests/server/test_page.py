"""The page about the API names the routes that there are."""

from __future__ import annotations

from tests.docs.pages import ROOT, code_in, tables_of
from tests.server.running import Running

PAGE = ROOT / "docs" / "api.md"


def test_routes_are_those_of_the_page(server: Running) -> None:
    paths = server.get("/openapi.json").json()["paths"]
    there = {
        f"{method.upper()} {path.removeprefix('/api/v1')}": operation["summary"]
        for path, methods in paths.items()
        for method, operation in methods.items()
    }
    said = {code_in(row[0])[0]: row[1] for _, columns, rows in tables_of(PAGE) if columns[0] == "route" for row in rows}
    assert said == there
