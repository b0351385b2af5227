"""The same facts in any order give the same bytes, and what was known once is known so for ever."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from skyhaul.control.decision import compile_facts, decide
from skyhaul.control.facts import Fact, Facts
from tests.control.histories import day, histories, questions


def answer(facts: list[Fact], known_at: np.datetime64, question: Any) -> str:
    unit, position, time, speed = question
    return decide(compile_facts(Facts(facts), known_at), unit, position, time, speed_m_s=speed).to_json()


@settings(max_examples=100, deadline=None)
@given(histories(), questions(), st.integers(0, 12), st.randoms(use_true_random=False))
def test_the_order_of_facts_makes_no_difference_to_a_byte(
    history: list[Fact], question: Any, known_day: int, random: Any
) -> None:
    shuffled = list(history)
    random.shuffle(shuffled)
    assert answer(history, day(known_day), question) == answer(shuffled, day(known_day), question)


@settings(max_examples=100, deadline=None)
@given(histories(), questions(), st.integers(0, 12))
def test_what_is_recorded_later_changes_nothing_that_was_known_before(
    history: list[Fact], question: Any, known_day: int
) -> None:
    then = [fact for fact in history if fact.recorded_at <= day(known_day)]
    assert answer(history, day(known_day), question) == answer(then, day(known_day), question)


@settings(max_examples=60, deadline=None)
@given(histories(), questions(), st.integers(0, 12))
def test_compiling_on_from_before_gives_the_same_bytes(history: list[Fact], question: Any, known_day: int) -> None:
    unit, position, time, speed = question
    collection = Facts(history)
    before = compile_facts(collection, day(known_day / 2))
    decide(before, unit, position, time, speed_m_s=speed)
    after = compile_facts(collection, day(known_day), before)
    assert decide(after, unit, position, time, speed_m_s=speed).to_json() == answer(history, day(known_day), question)


@settings(max_examples=100, deadline=None)
@given(histories(), questions())
def test_nothing_changes_before_the_decision_says_it_may(history: list[Fact], question: Any) -> None:
    unit, position, time, speed = question
    compiled = compile_facts(Facts(history), day(12))
    now = decide(compiled, unit, position, time, speed_m_s=speed)
    last = day(14) if now.holds_until is None else now.holds_until - np.timedelta64(1, "ns")
    for later in (time + (last - time) // 2, last):
        then = decide(compiled, unit, position, later, speed_m_s=speed)
        assert (then.outcome, then.code, then.reasons) == (now.outcome, now.code, now.reasons)
        if now.grant is not None:
            assert now.grant.ends <= last + np.timedelta64(1, "ns")


@settings(max_examples=100, deadline=None)
@given(histories(), questions())
def test_only_what_is_permitted_is_served(history: list[Fact], question: Any) -> None:
    unit, position, time, speed = question
    decision = decide(compile_facts(Facts(history), day(12)), unit, position, time, speed_m_s=speed)
    refused = any(reason.refuses for reason in decision.reasons)
    if decision.grant is None:
        assert refused
        assert decision.code != 1
    else:
        assert decision.code == 1
        assert not refused or decision.grant.probation
        assert decision.grant.begins == time < decision.grant.ends
        held = {reason.rule for reason in decision.reasons}
        assert {"unit.registered", "account.active"} <= held or any(reason.lifted_by for reason in decision.reasons)
