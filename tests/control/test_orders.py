"""Orders: who may, from when to when, and what beats what."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from skyhaul.control.decision import Code, Decision, Note, Outcome, Position, Rule
from skyhaul.control.facts import (
    Action,
    AllowList,
    Approval,
    HolderKind,
    Licence,
    Listing,
    OrderEnd,
    Precedence,
    Quotas,
    Target,
    TypeApproval,
    utc,
)
from tests.control.worlds import IN_NORTH, IN_SOUTH, MODEL, NORTH, area, ask, known, order, said

UNIT = (Target.UNIT, "fixed")
SUSPENDED = order("s", Action.SUSPEND, *UNIT)


def end(id_: str, authority: str = "Northland Office", of: str = "s", **given: Any) -> OrderEnd:
    needed = given.pop("approvals_needed", 0)
    return OrderEnd(order=of, authority=authority, reason="over", approvals_needed=needed, **said(id_, **given))


def approval(id_: str, approver: str, of: str = "s", **given: Any) -> Approval:
    return Approval(order=of, approver=approver, **said(id_, **given))


def precedence(*authorities: str, id_: str = "precedence") -> Precedence:
    return Precedence(authorities=authorities, **said(id_))


def find(decision: Decision, rule: str) -> Any:
    found = [reason for reason in decision.reasons if reason.rule == rule]
    assert len(found) == 1, [reason.rule for reason in decision.reasons]
    return found[0]


def test_an_order_is_over_when_it_is_ended_and_both_are_kept() -> None:
    ending = end("e", valid_from=utc("2024-02-01"))
    assert ask(known(SUSPENDED, ending)).code is Code.OKAY
    before = ask(known(SUSPENDED, ending), time="2024-01-31T23:59:59Z")
    assert before.code is Code.ACCOUNT_DISABLED
    assert [fact.id for fact in find(before, Rule.ORDER_UNIT).facts] == ["s", "e"]


def test_only_its_authority_or_one_before_it_ends_an_order() -> None:
    stranger = end("e", "Southland Office")
    assert ask(known(SUSPENDED, stranger)).code is Code.ACCOUNT_DISABLED
    assert ask(known(SUSPENDED, stranger, precedence("Northland Office", "Southland Office"))).code is not Code.OKAY
    assert ask(known(SUSPENDED, stranger, precedence("Southland Office", "Northland Office"))).code is Code.OKAY


def test_a_serious_order_counts_from_its_last_approval() -> None:
    serious = order("s", Action.SUSPEND, *UNIT, approvals_needed=2)
    waiting = ask(known(serious, approval("1", "Bo"), approval("2", "Bo"), approval("3", "clerk")))
    assert waiting.outcome is Outcome.PERMITTED
    assert find(waiting, Note.ORDER_PENDING).text.endswith("waits for approval: 1 of 2")
    signed = known(serious, approval("1", "Bo"), approval("2", "Cy", valid_from=utc("2024-02-01")))
    assert ask(signed, time="2024-01-31T23:59:59Z").outcome is Outcome.PERMITTED
    assert ask(signed, time="2024-02-01T00:00:00Z").outcome is Outcome.REFUSED


def test_an_end_that_needs_approval_waits_for_it() -> None:
    ending = end("e", valid_from=utc("2024-02-01"), approvals_needed=1)
    assert ask(known(SUSPENDED, ending)).outcome is Outcome.REFUSED
    approved = known(SUSPENDED, ending, approval("1", "Bo", of="e", valid_from=utc("2024-02-10")))
    assert ask(approved, time="2024-02-09T23:59:59Z").outcome is Outcome.REFUSED
    assert ask(approved, time="2024-02-10").outcome is Outcome.PERMITTED


def test_an_order_counts_only_where_its_authority_does() -> None:
    decision = ask(known(order("s", Action.SUSPEND, *UNIT, "Southland Office")))
    assert decision.outcome is Outcome.PERMITTED
    assert find(decision, Note.ORDER_JURISDICTION).facts[0].id == "s"
    assert ask(known(order("s", Action.SUSPEND, *UNIT, "operator"))).outcome is Outcome.REFUSED
    zone = known(order("s", Action.SUSPEND, Target.AREA, "zone/Marches", "Southland Office"))
    assert ask(zone, "roaming", Position(48.05, 12.0)).outcome is Outcome.PERMITTED
    assert Rule.ORDER_AREA in {r.rule for r in ask(zone, "roaming", Position(47.95, 12.0)).reasons}


def test_an_order_may_be_limited_to_an_area() -> None:
    inside = known(order("s", Action.SUSPEND, *UNIT, within="zone/Marches"))
    assert ask(inside).outcome is Outcome.PERMITTED
    assert ask(inside, "fixed", Position(48.05, 12.0)).code is Code.ACCOUNT_DISABLED


def test_a_prohibition_beats_a_permission_of_the_same_authority() -> None:
    decision = ask(known(SUSPENDED, order("a", Action.ALLOW, *UNIT)))
    assert decision.code is Code.ACCOUNT_DISABLED


def test_a_permission_of_an_authority_stated_to_come_first_beats_it_and_both_are_cited() -> None:
    allow = order("a", Action.ALLOW, *UNIT, "operator")
    assert ask(known(SUSPENDED, allow)).code is Code.ACCOUNT_DISABLED
    decision = ask(known(SUSPENDED, allow, precedence("operator", "Northland Office")))
    assert decision.outcome is Outcome.PERMITTED
    assert find(decision, Rule.ORDER_UNIT).lifted_by == "a"
    assert find(decision, Note.ORDER_ALLOW).facts[0].id == "a"


def test_statements_that_contradict_each_other_state_nothing() -> None:
    allow = order("a", Action.ALLOW, *UNIT, "operator")
    decision = ask(
        known(
            SUSPENDED,
            allow,
            precedence("operator", "Northland Office"),
            precedence("Northland Office", "operator", id_="reverse"),
        )
    )
    assert decision.code is Code.ACCOUNT_DISABLED


def test_an_emergency_permission_stands_in_for_a_licence_and_ends_by_itself() -> None:
    allow = order(
        "flood", Action.ALLOW, Target.AREA, "licence/Southland", "Southland Office", valid_to=utc("2024-02-18")
    )
    compiled = known(allow)
    during = ask(compiled, "roaming", IN_SOUTH)
    assert during.outcome is Outcome.PERMITTED
    assert find(during, Rule.LICENCE_MISSING).lifted_by == "flood"
    assert find(during, Rule.APPROVAL_MODEL).lifted_by == "flood"
    assert ask(compiled, "roaming", IN_SOUTH, time="2024-02-18").outcome is Outcome.REFUSED


def test_nobody_can_permit_for_another_authority() -> None:
    allow = order("a", Action.ALLOW, *UNIT, "operator")
    assert ask(known(allow, without=("licence-N",))).code is Code.BLOCKED_COUNTRY


def test_an_exemption_lifts_only_the_rules_it_names() -> None:
    quiet = order("quiet", Action.SUSPEND, Target.AREA, "licence/Northland")
    cap = order("cap", Action.SPEED_CAP, Target.AREA, "licence/Northland", speed_cap_m_s=20.0)
    exempt = order("hospital", Action.EXEMPT, *UNIT, exempts=(Rule.ORDER_AREA,))
    assert ask(known(quiet, exempt), speed_m_s=30.0).outcome is Outcome.PERMITTED
    assert ask(known(quiet, cap, exempt), speed_m_s=30.0).code is Code.MOVING_TOO_FAST_FOR_POLICY
    assert ask(known(quiet, exempt), "roaming").code is Code.BLOCKED_AREA


def test_an_exemption_is_for_the_rules_of_its_own_authority() -> None:
    exempt = order("hospital", Action.EXEMPT, *UNIT, exempts=(Rule.PLAN_DISTANCE,))
    far = Position(49.9, 12.0)
    assert ask(known(exempt), "fixed", far).code is Code.TOO_FAR_FROM_SERVICE_ADDRESS
    own = order("move", Action.EXEMPT, *UNIT, "operator", exempts=(Rule.PLAN_DISTANCE,))
    assert ask(known(own), "fixed", far).outcome is Outcome.PERMITTED


def test_limits_come_down_to_the_lowest_rate() -> None:
    limits = [
        order("l1", Action.LIMIT, *UNIT, rate_bps=5e6),
        order("l2", Action.LIMIT, Target.AREA, "licence/Northland", rate_bps=2e6),
    ]
    decision = ask(known(*limits))
    assert decision.grant is not None
    assert decision.grant.rate_bps == 2e6
    assert decision.code is Code.OKAY


def test_activation_switches_a_waiting_licence_on_where_it_is_ordered() -> None:
    waiting = Licence(authority="Northland Office", territory="Northland", activation_required=True, **said("L"))
    on = order("on", Action.ACTIVATE, Target.AREA, "zone/Marches", "operator")
    compiled = known(waiting, on, without=("licence-N",))
    assert ask(compiled, "fixed", Position(48.05, 12.0)).code is Code.TOO_FAR_FROM_SERVICE_ADDRESS
    assert find(ask(compiled, "roaming", Position(48.05, 12.0)), Note.ORDER_ACTIVATE).facts[0].id == "on"
    assert ask(compiled, "roaming", IN_NORTH).code is Code.BLOCKED_COUNTRY


def test_overlapping_licence_areas_need_every_authority_unless_an_order_is_stated() -> None:
    both = area("licence", "Northland", NORTH, "Rival Office", id="rival")
    decision = ask(known(both))
    assert decision.code is Code.BLOCKED_COUNTRY
    assert "Rival Office has given no licence" in find(decision, Rule.LICENCE_MISSING).text
    decided = ask(known(both, precedence("Northland Office", "Rival Office")))
    assert decided.outcome is Outcome.PERMITTED
    assert [fact.id for fact in find(decided, Note.LICENCE_PRECEDENCE).facts] == ["rival", "licence-Northland"]


def test_a_circle_of_precedences_leaves_everybody_to_decide() -> None:
    third = area("licence", "Northland", NORTH, "Third Office", id="third")
    rival = area("licence", "Northland", NORTH, "Rival Office", id="rival")
    circle = [
        precedence("Northland Office", "Rival Office", id_="1"),
        precedence("Rival Office", "Third Office", id_="2"),
        precedence("Third Office", "Northland Office", id_="3"),
    ]
    decision = ask(known(third, rival, *circle))
    refusing = [reason.authority for reason in decision.reasons if reason.rule == Rule.LICENCE_MISSING]
    assert refusing == ["Rival Office", "Third Office"]


def test_one_licence_that_covers_all_is_enough_and_else_the_nearest_is_cited() -> None:
    narrow = Licence(
        authority="Northland Office", territory="Northland", models=("x",), activation_required=True, **said("0")
    )
    assert ask(known(narrow)).outcome is Outcome.PERMITTED
    near = Licence(authority="Northland Office", territory="Northland", models=("y",), **said("1"))
    decision = ask(known(narrow, near, without=("licence-N",)))
    assert find(decision, Rule.LICENCE_MODEL).facts[0].id == "1"


def test_a_type_approval_may_be_for_one_territory() -> None:
    elsewhere = TypeApproval(authority="Northland Office", model=MODEL, territory="Islands", **said("A"))
    assert ask(known(elsewhere, without=("approval-N",))).code is Code.UNSUPPORTED_VERSION


def listed(id_: str, unit: str, kind: str, shown: bool = False, day: int = 1, holder: str = "Ada") -> Listing:
    return Listing(
        name="W",
        terminal=unit,
        kit_number=f"KIT-{unit}",
        account=f"A-{unit}",
        holder=holder,
        kind=HolderKind(kind),
        shown=shown,
        evidence="seen",
        approved_by="clerk",
        sponsor="Ministry",
        **said(id_, valid_from=utc(f"2024-01-{day:02}")),
    )


def permitted(*listings: Listing, quotas: Quotas | None = None) -> list[str]:
    over = AllowList(
        name="W", authority="Northland Office", area="control/Northland", quotas=quotas or Quotas(), **said("W")
    )
    compiled = known(over, *listings)
    return [unit for unit in ("fixed", "roaming", "mobile") if ask(compiled, unit, speed_m_s=0.0).code is Code.OKAY]


@pytest.mark.parametrize(
    ("listings", "expected"),
    [
        ((), []),
        ((listed("1", "fixed", "person"),), ["fixed"]),
        ((listed("1", "fixed", "person"), listed("2", "roaming", "person", day=2)), ["fixed"]),
        ((listed("1", "fixed", "person", day=2), listed("2", "roaming", "person")), ["roaming"]),
        ((listed("1", "fixed", "person"), listed("2", "roaming", "person", True, 2)), ["fixed", "roaming"]),
        ((listed("1", "fixed", "person"), listed("2", "roaming", "person", holder="Bo")), ["fixed", "roaming"]),
        ((listed("1", "fixed", "firm"), listed("2", "mobile", "firm")), ["fixed", "mobile"]),
        ((listed("1", "fixed", "state"), listed("2", "roaming", "state")), ["fixed", "roaming"]),
    ],
)  # fmt: skip
def test_quotas_count_a_holders_terminals_in_the_order_of_approval(
    listings: tuple[Listing, ...], expected: list[str]
) -> None:
    assert permitted(*listings) == expected


def test_the_quota_of_a_list_is_its_own() -> None:
    entries = [listed(str(i), unit, "firm", day=i + 1) for i, unit in enumerate(("fixed", "roaming", "mobile"))]
    assert permitted(*entries, quotas=Quotas(firm=2)) == ["fixed", "roaming"]


def test_a_place_freed_by_expiry_goes_to_the_next() -> None:
    over = AllowList(name="W", authority="Northland Office", area="control/Northland", **said("W"))
    first = replace(listed("1", "fixed", "person"), valid_to=utc("2024-02-01"))
    compiled = known(over, first, listed("2", "roaming", "person", day=2))
    assert ask(compiled, "roaming", time="2024-01-31T23:59:59Z").code is Code.BLOCKED_AREA
    assert ask(compiled, "roaming", time="2024-02-01").code is Code.OKAY
    assert ask(compiled, "fixed", time="2024-02-01").code is Code.BLOCKED_AREA
