"""An order that is recorded late changes what is known from then on, and nothing that was known before."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from skyhaul.control.decision import Code, Position, Rule, compile_facts, decide
from skyhaul.control.facts import Action, Fact, Facts, Order, Target, Withdrawal
from tests.control.histories import day, histories, questions
from tests.control.worlds import IN_NORTH, order, said, world

hours = st.integers(0, 14 * 24)


def hour(number: int) -> np.datetime64:
    return day(0) + np.timedelta64(number, "h")


@st.composite
def suspensions(draw: st.DrawFn) -> Order:
    """A suspension of the unit `fixed`, recorded at any time, mostly long after it began."""
    begin = draw(hours)
    length = draw(st.one_of(st.none(), st.integers(1, 200)))
    return order(
        "late",
        Action.SUSPEND,
        Target.UNIT,
        "fixed",
        valid_from=hour(begin),
        valid_to=None if length is None else hour(begin + length),
        recorded_at=hour(draw(hours)),
    )


@settings(max_examples=150, deadline=None)
@given(suspensions(), hours, hours)
def test_it_counts_where_it_is_known_and_in_force_and_nowhere_else(late: Order, at: int, known: int) -> None:
    compiled = compile_facts(Facts([*world(), late]), hour(known))
    decision = decide(compiled, "fixed", IN_NORTH, hour(at))
    known_by_then = late.recorded_at <= hour(known)
    in_force = late.valid_from <= hour(at) and (late.valid_to is None or hour(at) < late.valid_to)
    refused = {reason.rule for reason in decision.reasons if reason.refuses}
    assert refused == ({Rule.ORDER_UNIT} if known_by_then and in_force else set())
    assert decision.code == (Code.ACCOUNT_DISABLED if refused else Code.OKAY)


@settings(max_examples=60, deadline=None)
@given(suspensions(), histories(), questions(), hours)
def test_what_was_answered_before_is_answered_so_again_to_the_byte(
    late: Order, history: list[Fact], question: tuple[str, Position | None, np.datetime64, float | None], known: int
) -> None:
    unit, position, at, speed = question
    before = hour(known)
    if late.recorded_at <= before:
        before = late.recorded_at - np.timedelta64(1, "ns")
    without, with_it = (
        decide(compile_facts(Facts(facts), before), unit, position, at, speed_m_s=speed).to_json()
        for facts in ([*history], [late, *history])
    )
    assert with_it == without


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 9), st.one_of(st.none(), st.integers(1, 9)), st.booleans()), max_size=8), hours
)
def test_the_last_recorded_account_of_a_time_holds_whenever_it_came(
    versions: list[tuple[int, int | None, bool]], at: int
) -> None:
    """Corrections of a licence in any number: at each instant the one recorded last that covers it speaks."""
    facts = [f for f in world() if f.id != "licence-N"]
    licence = next(f for f in world() if f.id == "licence-N")
    spoken = True  # what holds at `at`: the world's own licence, until further notice

    recorded: list[Fact] = [licence]
    for n, (begin, length, withdraws) in enumerate(versions):
        times: dict[str, Any] = {
            "valid_from": day(begin),
            "valid_to": None if length is None else day(begin + length),
            "recorded_at": day(20) + np.timedelta64(n, "m"),
        }
        if withdraws:
            recorded.append(Withdrawal(kind="Licence", subject="licence-N", **said(f"v{n}", **times)))
        else:
            recorded.append(replace(licence, id=f"v{n}", subject="licence-N", **times))
        if times["valid_from"] <= hour(at) and (times["valid_to"] is None or hour(at) < times["valid_to"]):
            spoken = not withdraws
    decision = decide(compile_facts(Facts([*facts, *recorded]), day(30)), "fixed", IN_NORTH, hour(at))
    assert (decision.code == Code.OKAY) == spoken
