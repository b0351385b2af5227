"""Half-open intervals to the second, leases that end by themselves, and the next change."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from skyhaul.control.decision import Code, Decision, Outcome, Position, compile_facts, next_change
from skyhaul.control.facts import (
    Action,
    Facts,
    Licence,
    Policy,
    Settings,
    Target,
    Terminal,
    TypeApproval,
    Withdrawal,
    utc,
)
from skyhaul.errors import ControlError
from tests.control.worlds import (
    FIXED,
    IN_NORTH,
    MODEL,
    NORTH,
    NOW,
    ROAMING,
    START,
    account,
    area,
    ask,
    known,
    order,
    said,
    terminal,
    world,
)

BEGIN, END = utc("2024-02-10T06:00:00Z"), utc("2024-02-10T18:00:00Z")
TIMES: dict[str, Any] = {"valid_from": BEGIN, "valid_to": END}
SECOND = np.timedelta64(1, "s")


def moments() -> list[np.datetime64]:
    return [BEGIN - SECOND, BEGIN, END - SECOND, END]


@pytest.mark.parametrize(
    ("fact", "without", "outside", "inside"),
    [
        (Licence(authority="Northland Office", territory="Northland", **said("L", **TIMES)), "licence-N", 6, 1),
        (TypeApproval(authority="Northland Office", model=MODEL, **said("T", **TIMES)), "approval-N", 13, 1),
        (area("licence", "Northland", NORTH, "Northland Office", id="x", **TIMES), "licence-Northland", 6, 1),
        (terminal("fixed", "A-fixed", id="x", **TIMES), "terminal-fixed", 0, 1),
        (account("A-fixed", FIXED, id="x", **TIMES), "account-A-fixed", 2, 1),
        (order("o", Action.SUSPEND, Target.UNIT, "fixed", **TIMES), "", 1, 12),
        (order("o", Action.SUSPEND, Target.AREA, "licence/Northland", **TIMES), "", 1, 16),
        (order("o", Action.SUSPEND, Target.MODEL, MODEL, **TIMES), "", 1, 13),
        (Withdrawal(kind="Licence", subject="licence-N", **said("w", recorded_at=BEGIN, **TIMES)), "", 1, 6),
    ],
    ids=lambda value: type(value).__name__ if hasattr(value, "valid_from") else "",
)
def test_a_fact_counts_at_its_first_instant_and_no_more_at_its_last(
    fact: Any, without: str, outside: int, inside: int
) -> None:
    compiled = known(fact, without=(without,))
    codes = [int(ask(compiled, time=time).code) for time in moments()]
    assert codes == [outside, inside, inside, outside]
    nanosecond = np.timedelta64(1, "ns")
    assert int(ask(compiled, time=END - nanosecond).code) == inside
    for time in moments():
        until = ask(compiled, time=time).holds_until
        following = [edge for edge in (BEGIN, END) if edge > time]
        assert until is not None
        assert until <= min(following, default=until)


def test_a_lease_lasts_30_s_and_never_past_a_change() -> None:
    def grant(time: str) -> np.timedelta64:
        decision = ask(known(order("o", Action.SUSPEND, Target.UNIT, "fixed", **TIMES)), time=time)
        assert decision.grant is not None
        assert decision.grant.begins == utc(time)
        return decision.grant.ends - decision.grant.begins

    assert grant("2024-02-10T05:59:00Z") == np.timedelta64(30, "s")
    assert grant("2024-02-10T05:59:48Z") == np.timedelta64(12, "s")


def test_a_lease_never_outlives_the_position() -> None:
    measured = Position(49.0, 12.0, measured_at=NOW - np.timedelta64(50, "s"))
    decision = ask(known(), "fixed", measured)
    assert decision.grant is not None
    assert decision.grant.ends == NOW + np.timedelta64(10, "s")
    assert decision.holds_until == decision.grant.ends
    assert ask(known(), "fixed", measured, time=decision.grant.ends).code is Code.UNKNOWN_LOCATION


def test_a_lease_never_outlives_knowledge() -> None:
    policy = Policy(settings=Settings(max_knowledge_age_s=20.0), **said("p"))
    decision = ask(known(policy))
    assert decision.grant is not None
    assert decision.grant.ends == NOW + np.timedelta64(20, "s")
    assert ask(known(policy), time=decision.grant.ends).code is Code.UNKNOWN_STATE


def test_the_policy_sets_the_lease() -> None:
    decision = ask(known(Policy(settings=Settings(lease_s=45), **said("p"))))
    assert decision.grant is not None
    assert decision.grant.ends == NOW + np.timedelta64(45, "s")


def change(*facts: Any, name: str = "fixed", **given: Any) -> Decision | None:
    return next_change(known(*facts), name, IN_NORTH, "2024-02-01", **given)


def test_the_next_change_is_the_first_instant_with_another_answer() -> None:
    cap = order("no matter", Action.LIMIT, Target.AREA, "zone/Marches", rate_bps=1.0, valid_from=utc("2024-02-05"))
    then = change(cap, order("o", Action.SUSPEND, Target.UNIT, "fixed", **TIMES))
    assert then is not None
    assert (then.time, then.code) == (BEGIN, Code.ACCOUNT_DISABLED)
    assert change(cap, order("o", Action.SUSPEND, Target.UNIT, "fixed", **TIMES), until=BEGIN) is None
    assert change(cap) is None


def test_a_new_rate_is_a_change() -> None:
    then = change(order("slow", Action.LIMIT, Target.UNIT, "fixed", rate_bps=1e6, **TIMES))
    assert then is not None
    assert then.time == BEGIN


def test_a_parked_terminal_flips_when_the_border_does() -> None:
    moved = area("licence", "Southland", NORTH, "Southland Office", id="moved", valid_from=BEGIN)
    shrunk = area("licence", "Northland", NORTH, "Northland Office", id="old", valid_to=BEGIN)
    compiled = known(moved, shrunk, without=("licence-Northland",))
    then = next_change(compiled, "roaming", IN_NORTH, "2024-02-01")
    assert then is not None
    assert (then.time, then.code) == (BEGIN, Code.BLOCKED_COUNTRY)
    assert ask(compiled, "roaming", time=BEGIN - SECOND).outcome is Outcome.PERMITTED


def test_a_moving_terminal_is_judged_where_it_is() -> None:
    compiled = known()
    codes = [ask(compiled, "roaming", Position(48.0 + x, 12.0)).code for x in (0.02, 0.01, -0.01, -0.02)]
    assert codes == [Code.OKAY, Code.OKAY, Code.BLOCKED_COUNTRY, Code.BLOCKED_COUNTRY]


def test_an_instant_or_speed_that_is_none_is_refused_by_name() -> None:
    with pytest.raises(ControlError, match="time: “noon” is no instant"):
        ask(known(), time="noon")
    with pytest.raises(ControlError, match=r"speed: a speed of -1.0 m/s"):
        ask(known(), speed_m_s=-1.0)
    assert ask(known(), speed_m_s=float("nan")).code is Code.OKAY


def test_facts_of_one_kind_change_only_their_part_of_what_is_compiled() -> None:
    facts = Facts(world())
    before = compile_facts(facts, NOW)
    facts.add(area("zone", "new", NORTH))
    after = compile_facts(facts, NOW, before)
    assert after.units is before.units
    assert after.world is not before.world
    facts.add(terminal("another", "A-roaming"), account("B", ROAMING))
    last = compile_facts(facts, NOW, after)
    assert last.terrain is after.terrain
    assert ask(last, "another").code is Code.OKAY
    assert ask(before, "another").code is Code.UNKNOWN_STATE
    assert isinstance(terminal("t", "A"), Terminal)
    assert START < NOW
