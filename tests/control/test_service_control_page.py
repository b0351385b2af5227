"""The page about service control says what is there: tests, words, matters, quotas."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import Any

from skyhaul.control.epcis import epcis_document
from skyhaul.control.facts import CustodyEvent, Manner, Quotas, Step, utc
from skyhaul.control.lists import Matter, ReviewLimits
from tests.control.worlds import said
from tests.docs.pages import ROOT, code_in, tables_of

PAGE = ROOT / "docs" / "service-control.md"
TESTS = ROOT / "tests"


def rows_under(heading: str) -> list[list[str]]:
    (rows,) = (rows for name, _, rows in tables_of(PAGE) if name == heading)
    return rows


@cache
def functions_in(file: Path) -> frozenset[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


def test_every_promise_names_tests_that_are_there() -> None:
    promises = rows_under("What is promised, and the test that holds it")
    assert len(promises) > 20
    for promise, tests in promises:
        named = code_in(tests)
        assert named, promise
        for name in named:
            file, _, function = name.partition("::")
            assert (TESTS / file).is_file(), name
            assert function in functions_in(TESTS / file), name


def test_the_matters_of_a_review_are_those_of_the_page() -> None:
    tables = [rows for name, _, rows in tables_of(PAGE) if name == "Allow-lists"]
    quotas, matters = tables
    assert [code for row in matters for code in code_in(row[0])] != []
    assert {code for row in matters for code in code_in(row[0])} == set(Matter)
    defaults = Quotas()
    assert [row[1].split(",")[0] for row in quotas] == [
        f"{defaults.person_unseen} unseen",
        str(defaults.firm),
        "any number",
        "any number",
    ]
    assert f"{defaults.person} that were shown" in quotas[0][1]
    limits = ReviewLimits()
    assert (limits.holders, limits.window_s, limits.clerk_holders, limits.clerk_window_s) == (3, 604_800, 30, 3_600)


def test_steps_are_written_in_the_words_of_the_page() -> None:
    for name, kind, action, biz_step, disposition in rows_under("In the words of GS1 EPCIS 2.0"):
        step = Step(name)
        parties: dict[str, Any] = {} if step is Step.SPLIT else {"receiver": "B"}
        event = CustodyEvent(
            step=step, item="U", lot="L" if step is Step.SPLIT else "", manner=Manner.UNSTATED, **parties, **said("e")
        )
        (written,) = epcis_document([event], utc("2024-03-01"))["epcisBody"]["eventList"]
        assert (written["type"], written["action"]) == (kind, action)
        assert [written["bizStep"], written["disposition"]] == [*code_in(biz_step), *code_in(disposition)]
    assert {row[0] for row in rows_under("In the words of GS1 EPCIS 2.0")} == set(Step)


def test_the_page_leads_to_the_others() -> None:
    links = set(re.findall(r"\]\(([a-z-]+\.md)", PAGE.read_text(encoding="utf-8")))
    assert links >= {"registry.md", "decision.md", "grants.md", "audit-log.md", "store.md"}
