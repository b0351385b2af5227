"""Facts are never changed: what holds is what was last recorded about a time, up to the time that is asked as known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from skyhaul.control._groups import Groups
from skyhaul.control.facts import (
    Account,
    Action,
    Area,
    AreaRef,
    CustodyEvent,
    Facts,
    HolderKind,
    Layer,
    Licence,
    Listing,
    Order,
    OrderEnd,
    Party,
    Place,
    Plan,
    PlanKind,
    Policy,
    Precedence,
    Settings,
    Step,
    Target,
    Terminal,
    Versions,
    Withdrawal,
    canonical_json,
    utc,
)
from skyhaul.errors import ControlError
from tests.control.worlds import NORTH, START, area, order, said


def party(id_: str, begin: int, end: int | None, recorded: int, parent: str) -> Party:
    times = {"valid_from": day(begin), "valid_to": None if end is None else day(end), "recorded_at": day(recorded)}
    return Party(party="Ada", parent=parent, **said(id_, **times))


def day(number: int) -> np.datetime64:
    return START + np.timedelta64(number, "D")


def parent_on(versions: Versions[Party], number: int) -> str | None:
    at = int(day(number).astype("int64"))
    holding = [piece.fact.parent for piece in versions.of("Ada") if piece.begin <= at < piece.end]
    assert len(holding) <= 1
    return holding[0] if holding else None


def test_the_last_recorded_version_speaks_for_its_time_and_leaves_the_rest() -> None:
    versions = Versions([party("1", 0, None, 0, "old"), party("2", 10, 20, 5, "new")])
    assert [parent_on(versions, n) for n in (9, 10, 19, 20)] == ["old", "new", "new", "old"]


def test_a_late_correction_of_the_past_is_not_known_before_it_is_recorded() -> None:
    facts = Facts([party("1", 0, None, 0, "old"), party("2", 0, None, 30, "corrected")])
    assert parent_on(Versions(facts.known(Party, day(29))), 5) == "old"
    assert parent_on(Versions(facts.known(Party, day(30))), 5) == "corrected"


def test_a_withdrawal_leaves_nothing_for_its_time() -> None:
    withdrawal = Withdrawal(
        kind="Party", subject="Ada", **said("w", valid_from=day(3), valid_to=day(4), recorded_at=day(9))
    )
    versions = Versions([party("1", 0, None, 0, "old")], [withdrawal])
    assert [parent_on(versions, n) for n in (2, 3, 4)] == ["old", None, "old"]


@given(
    st.lists(st.tuples(st.integers(0, 20), st.one_of(st.none(), st.integers(1, 20))), min_size=1, max_size=8),
    st.randoms(use_true_random=False),
)
def test_versions_do_not_depend_on_the_order_they_came_in(spans: list[tuple[int, int | None]], random: Any) -> None:
    facts = [
        party(str(i), begin, None if length is None else begin + length, i, f"parent {i}")
        for i, (begin, length) in enumerate(spans)
    ]
    shuffled = list(facts)
    random.shuffle(shuffled)
    for number in range(42):
        speaking = None
        for i, (begin, length) in enumerate(spans):
            if begin <= number and (length is None or number < begin + length):
                speaking = f"parent {i}"
        assert parent_on(Versions(facts), number) == parent_on(Versions(shuffled), number) == speaking


def test_an_id_is_taken_once_and_nothing_is_half_recorded() -> None:
    facts = Facts([party("1", 0, None, 0, "")])
    with pytest.raises(ControlError, match=r"Party 1: there is a fact 1 already \(give it its own id\)"):
        facts.add(party("2", 0, None, 1, ""), party("1", 0, None, 2, ""))
    assert len(facts) == 1
    assert [fact.id for fact in facts] == ["1"]


def test_two_truths_of_one_instant_contradict() -> None:
    facts = Facts([party("1", 0, 5, 0, "a")])
    with pytest.raises(ControlError, match="Party 2: contradicts 1, recorded at the same instant 2024-01-01T00:00:00Z"):
        facts.add(party("2", 4, 6, 0, "b"))
    facts.add(party("3", 5, 6, 0, "b"))


def test_orders_stand_until_another_ends_them() -> None:
    facts = Facts([order("o", Action.SUSPEND, Target.UNIT, "fixed")])
    with pytest.raises(ControlError, match="orders, their ends and approvals cannot be withdrawn"):
        facts.add(Withdrawal(kind="Order", subject="o", **said("w")))


def licence(**given: Any) -> Licence:
    return Licence(authority="Office", territory="Northland", **said("L", **given))


FIXED = Plan(kind=PlanKind.FIXED, home="Northland", service_address=Place(91.0, 0.0), max_distance_m=1.0)
ROAMS = Plan(kind=PlanKind.ROAMING, home="Northland", max_speed_m_s=-1.0)
LINE = shapely.LineString([(0, 0), (1, 1)])
NOBODYS = ("unit.unknown",)
END = said("e", valid_to=day(9))
CONSTRAINTS = [
    ("Licence L: ends before it begins", lambda: licence(valid_to=START)),
    ("Licence L: empty source", lambda: licence(source=" ")),
    ("Licence L, valid_from: “yesterday” is no instant", lambda: licence(valid_from="yesterday")),
    ("Licence L, recorded_at: 2300-01-01.* is no instant from 1678", lambda: licence(recorded_at="2300-01-01")),
    ("Party p: Ada is its own parent", lambda: Party(party="Ada", parent="Ada", **said("p"))),
    ("Withdrawal w: withdraws nothing", lambda: Withdrawal(kind="Licence", **said("w"))),
    ("Area .*: a control area without a holder", lambda: area("control", "East", NORTH)),
    ("Area .*: its shape is no area but LineString", lambda: area("zone", "East", LINE)),
    ("Area .*: its shape leaves the map", lambda: area("zone", "East", shapely.box(170, 0, 190, 5))),
    ("“east” names no area", lambda: AreaRef.parse("east")),
    ("Account a: its service address is no place", lambda: Account(account="A", party="Ada", plan=FIXED, **said("a"))),
    ("Account a: max_speed_m_s is -1.0", lambda: Account(account="A", party="Ada", plan=ROAMS, **said("a"))),
    ("a key of 31 bytes", lambda: Terminal(terminal="t", public_key=bytes(31), model="m", **said("t"))),
    ("Order o: an order without legal_basis", lambda: order("o", Action.SUSPEND, Target.UNIT, "t", legal_basis="")),
    ("Order o: “zzz” is no H3 cell", lambda: order("o", Action.SUSPEND, Target.CELL, "zzz")),
    ("Order o: “speed” names no area", lambda: order("o", Action.SUSPEND, Target.AREA, "speed")),
    ("goes with “speed cap”", lambda: order("o", Action.SPEED_CAP, Target.UNIT, "t")),
    ("rate_bps is -1", lambda: order("o", Action.LIMIT, Target.UNIT, "t", rate_bps=-1.0)),
    ("exempts from 0 rules", lambda: order("o", Action.EXEMPT, Target.UNIT, "t")),
    ("nobody is exempt from unit.unknown", lambda: order("o", Action.EXEMPT, Target.UNIT, "t", exempts=NOBODYS)),
    ("an order cannot be corrected", lambda: order("o", Action.SUSPEND, Target.UNIT, "t", subject="p")),
    ("the end of an order is final", lambda: OrderEnd(order="o", authority="O", reason="r", **END)),
    ("a state holder without sponsor", lambda: listing(kind=HolderKind.STATE)),
    ("a listing without evidence", lambda: listing(evidence="")),
    ("Precedence p: an order of fewer than two", lambda: Precedence(authorities=("A",), **said("p"))),
    ("Policy p: a lease, age or ellipse of nothing", lambda: Policy(settings=Settings(lease_s=0), **said("p"))),
    ("a split event with lot “”", lambda: CustodyEvent(step=Step.SPLIT, item="u", **said("c"))),
    ("a lot split from itself", lambda: CustodyEvent(step=Step.SPLIT, item="u", lot="u", **said("c"))),
    ("commissioned by nobody", lambda: CustodyEvent(step=Step.COMMISSIONING, item="u", **said("c"))),
]  # fmt: skip


def listing(**given: Any) -> Listing:
    fields: dict[str, Any] = {"kind": HolderKind.PERSON, "evidence": "seen"} | given
    return Listing(
        name="W", terminal="t", kit_number="k", account="a", holder="Ada", approved_by="clerk", **fields, **said("l")
    )


@pytest.mark.parametrize(("message", "make"), CONSTRAINTS, ids=[message for message, _ in CONSTRAINTS])
def test_a_fact_that_cannot_be_is_refused_by_name(message: str, make: Any) -> None:
    with pytest.raises(ControlError, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)
    assert caught.value.mend


def test_instants_are_utc_to_the_nanosecond() -> None:
    assert utc("2024-02-17T14:00:12.000000001+02:00") == np.datetime64("2024-02-17T12:00:12.000000001", "ns")
    assert licence(valid_from="2024-02-17").valid_from == np.datetime64("2024-02-17T00:00:00", "ns")


def test_equal_facts_have_equal_bytes() -> None:
    assert canonical_json(party("1", 0, None, 0, "é")) == (
        '{"author":"clerk","id":"1","kind":"Party","parent":"é","party":"Ada","recorded_at":"2024-01-01T00:00:00Z",'
        '"source":"gazette 1/2024","subject":"","territory":"","valid_from":"2024-01-01T00:00:00Z","valid_to":null}'
    )
    assert canonical_json(area("zone", "x", shapely.box(0, 0, 1, 1))).startswith('{"author":"clerk","holder":""')


def test_groups_that_are_extended_leave_those_before_as_they_were() -> None:
    first = Groups([("a", 1), ("b", 2), ("a", 3)])
    second = first.extended([("b", 4), ("c", 5), ("b", 6)])
    assert [tuple(first.of(key)) for key in "abc"] == [(1, 3), (2,), ()]
    assert [tuple(second.of(key)) for key in "abc"] == [(1, 3), (2, 4, 6), (5,)]
    assert ("c" in second, "c" in first, list(second.keys())) == (True, False, ["a", "b", "c"])


def test_an_area_is_named_within_its_layer() -> None:
    assert AreaRef.parse("zone/East line/2") == (Layer.ZONE, "East line/2")
    assert isinstance(area("zone", "x", NORTH), Area)
    assert isinstance(order("o", Action.SUSPEND, Target.UNIT, "t"), Order)
