"""What people read."""

from __future__ import annotations

import json

import pytest

from skyhaul.control.decision import Position, explain
from skyhaul.control.facts import Action, Precedence, Target, utc
from tests.control.worlds import ask, known, order, said

FACT = "from 2024-01-01T00:00:00Z until further notice, recorded 2024-01-01T00:00:00Z by clerk; gazette 1/2024"


def test_the_page_shows_what_it_runs(docs_decision: str, capsys: pytest.CaptureFixture[str]) -> None:
    _, code, _, shown, _ = docs_decision.split("```", 4)
    exec(compile(code.removeprefix("python"), "docs/decision.md", "exec"), {})
    assert capsys.readouterr().out == shown.lstrip("\n")


def test_a_permission() -> None:
    assert (
        explain(ask(known()))
        == f"""\
fixed at 2024-02-17T12:00:12Z, as known at 2024-02-17T12:00:12Z, cell 851e364bfffffff
PERMITTED: code 1 OKAY; lease until 2024-02-17T12:00:42Z
  permits  unit.registered: a registered dish mark 2
           Terminal terminal-fixed: {FACT}
  permits  account.active: account A-fixed is active, plan fixed
           Account account-A-fixed: {FACT}
  notes    territory.claim: Northland claims Northland
           Area claim-Northland: {FACT}
  notes    territory.control: Northland controls Northland
           Area control-Northland: {FACT}
  permits  licence.held: Northland Office has licensed fixed service in Northland
           Licence licence-N: {FACT}
           Area licence-Northland: {FACT}
  permits  approval.held: Northland Office has approved dish mark 2
           TypeApproval approval-N: {FACT}
  nothing that bears on this changes before 2024-02-17T12:01:12Z"""
    )


def test_a_conflict_of_authorities() -> None:
    compiled = known(
        order("quiet", Action.SUSPEND, Target.AREA, "licence/Northland", valid_to=utc("2024-03-01")),
        order("aid", Action.ALLOW, Target.UNIT, "fixed", "Crown", reason="field hospital", legal_basis="decree 3"),
        Precedence(authorities=("Crown", "Northland Office"), **said("constitution")),
    )
    text = explain(ask(compiled))
    assert "REFUSED: code 16 BLOCKED_AREA" in text
    assert (
        "  notes    order.jurisdiction: the order of Crown to allow unit fixed does not count here\n"
        f"           Order aid: {FACT}" in text
    )


def test_a_lifted_prohibition() -> None:
    compiled = known(
        order("quiet", Action.SUSPEND, Target.AREA, "licence/Northland", valid_to=utc("2024-03-01")),
        order("aid", Action.ALLOW, Target.UNIT, "fixed", "operator", reason="field hospital", legal_basis="decree 3"),
        Precedence(authorities=("operator", "Northland Office"), **said("agreement")),
    )
    text = explain(ask(compiled))
    assert "PERMITTED: code 1 OKAY; lease until" in text
    assert (
        "  forbids  order.area: Northland Office has suspended area licence/Northland: public safety "
        "(act 7, section 2) [lifted by aid]\n"
        "           Order quiet: from 2024-01-01T00:00:00Z to 2024-03-01T00:00:00Z, "
        "recorded 2024-01-01T00:00:00Z by clerk; gazette 1/2024\n" in text
    )
    assert "  permits  order.allow: operator permits unit fixed: field hospital (decree 3)\n" in text


def test_a_country_without_licence() -> None:
    assert explain(ask(known(), "roaming", Position(47.0, 12.0))).splitlines()[1] == (
        "REFUSED: code 6 BLOCKED_COUNTRY, unlicensed country (92)"
    )


def test_a_rate_and_a_border() -> None:
    limit = order("slow", Action.LIMIT, Target.UNIT, "fixed", rate_bps=2.5e6)
    assert explain(ask(known(limit))).splitlines()[1].endswith("at most 2.5 Mbit/s")
    text = explain(ask(known(), "roaming", Position(48.0001, 11.5, 100.0, 100.0)))
    assert "UNDECIDED: code 6 BLOCKED_COUNTRY" in text
    assert (
        "the answer differs within the 95 % ellipse, which lies across the borders of claim/Northland, "
        "claim/Southland, control/Northland, control/Southland, licence/Northland, licence/Southland\n" in text
    )


def test_a_decision_as_json() -> None:
    found = json.loads(ask(known(), "roaming", Position(47.0, 12.0)).to_json())
    assert found["code"] == 6
    assert found["code_name"] == "BLOCKED_COUNTRY"
    assert found["alerts"] == [92]
    assert found["grant"] is None
    missing = next(reason for reason in found["reasons"] if reason["rule"] == "licence.missing")
    assert missing == {
        "rule": "licence.missing",
        "effect": "forbids",
        "code": 6,
        "authority": "Southland Office",
        "text": "Southland Office has given no licence for Southland",
        "facts": [
            {
                "kind": "Area",
                "id": "licence-Southland",
                "source": "gazette 1/2024",
                "author": "clerk",
                "valid_from": "2024-01-01T00:00:00Z",
                "valid_to": None,
                "recorded_at": "2024-01-01T00:00:00Z",
            }
        ],
    }
