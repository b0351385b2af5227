"""Exemptions and emergency permissions end by themselves, and no lease reaches beyond them."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from skyhaul.control.decision import Code, Decision, Rule, compile_facts, decide, next_change
from skyhaul.control.facts import Action, Approval, Fact, Facts, Order, OrderEnd, Target
from tests.control.histories import day
from tests.control.worlds import IN_NORTH, order, said, world

SECOND = np.timedelta64(1, "s")
seconds = st.integers(0, 3_600)


def at(second: int) -> np.datetime64:
    return day(10) + second * SECOND


SUSPENDED = order("suspend", Action.SUSPEND, Target.AREA, "licence/Northland", valid_from=day(5))


@st.composite
def exemptions(draw: st.DrawFn) -> tuple[Order, int, int]:
    """An exemption from the suspension of all Northland for a while, with the seconds from and to which it counts."""
    begin = draw(seconds)
    end = begin + draw(st.integers(1, 600))
    wanted = draw(st.integers(0, 2))
    return (
        order(
            "exempt", Action.EXEMPT, Target.UNIT, "fixed", exempts=(Rule.ORDER_AREA,), approvals_needed=wanted,
            valid_from=at(begin), valid_to=at(end), recorded_at=day(9),
        ),
        begin,
        end,
    )  # fmt: skip


def ask(facts: list[Fact], second: int) -> Decision:
    return decide(compile_facts(Facts([*world(), SUSPENDED, *facts]), day(12)), "fixed", IN_NORTH, at(second))


@settings(max_examples=120, deadline=None)
@given(exemptions(), seconds, st.lists(seconds, max_size=3), st.one_of(st.none(), seconds))
def test_an_exemption_counts_from_its_last_approval_to_its_end_and_no_longer(
    exemption: tuple[Order, int, int], second: int, approved: list[int], ended: int | None
) -> None:
    exempt, begin, end = exemption
    facts: list[Fact] = [exempt]
    facts += [
        Approval(order="exempt", approver=f"Di {i}", **said(f"a{i}", valid_from=at(when), recorded_at=day(9)))
        for i, when in enumerate(approved)
    ]
    if ended is not None:
        why: dict[str, Any] = {"authority": "Northland Office", "reason": "over"}
        facts.append(OrderEnd(order="exempt", **why, **said("end", valid_from=at(ended), recorded_at=day(9))))
        end = min(end, ended)
    if exempt.approvals_needed > len(approved):
        begin = end
    elif exempt.approvals_needed:
        begin = max(begin, sorted(approved)[exempt.approvals_needed - 1])
    decision = ask(facts, second)
    lifted = begin <= second < end
    assert (decision.code == Code.OKAY) == lifted
    if decision.grant is not None:
        assert decision.grant.ends <= at(end), "no lease outlives the exemption it rests on"
    cited = [reason for reason in decision.reasons if reason.rule is Rule.ORDER_AREA]
    assert cited, "what is lifted is still cited"


@settings(max_examples=60, deadline=None)
@given(exemptions(), seconds)
def test_the_end_is_foretold(exemption: tuple[Order, int, int], second: int) -> None:
    exempt, begin, end = exemption
    facts = [*world(), SUSPENDED, exempt]
    if exempt.approvals_needed:
        return
    change = next_change(compile_facts(Facts(facts), day(12)), "fixed", IN_NORTH, at(second))
    if second < begin:
        assert change is not None
        assert (change.time, change.code) == (at(begin), Code.OKAY)
    elif second < end:
        assert change is not None
        assert (change.time, change.code) == (at(end), Code.BLOCKED_AREA)
    else:
        assert change is None


@settings(max_examples=60, deadline=None)
@given(seconds, st.integers(1, 600), seconds)
def test_an_emergency_permission_ends_too(begin: int, length: int, second: int) -> None:
    """In place of a licence that is not there, over the territory of its authority."""
    allow = order(
        "allow", Action.ALLOW, Target.AREA, "licence/Northland",
        valid_from=at(begin), valid_to=at(begin + length), recorded_at=day(9),
    )  # fmt: skip
    facts = [fact for fact in world() if fact.id != "licence-N"]
    decision = decide(compile_facts(Facts([*facts, allow]), day(12)), "fixed", IN_NORTH, at(second))
    assert (decision.code == Code.OKAY) == (begin <= second < begin + length)
    if decision.grant is not None:
        assert decision.grant.ends <= at(begin + length)
