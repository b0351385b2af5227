"""What the door refuses, and whom it lets in."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import shapely

from skyhaul.control.facts import (
    Action,
    AllowList,
    Approval,
    CustodyEvent,
    Facts,
    Licence,
    Order,
    OrderEnd,
    Plan,
    PlanKind,
    Policy,
    Precedence,
    Settings,
    Step,
    Target,
    TypeApproval,
    Withdrawal,
    utc,
)
from skyhaul.control.registry import Index, Known, touched_terminals
from skyhaul.control.registry._door import examine
from tests.control.registry.offices import (
    NOW,
    accepted,
    account,
    actor,
    appointment,
    examined,
    key_of,
    offices,
    party,
    refused,
    said,
    terminal,
    unit_key,
)
from tests.control.worlds import MODEL, area


def order(id_: str, author: str = "Nora", **given: Any) -> Order:
    fields: dict[str, Any] = {
        "authority": {"O": "operator", "N": "Northland Office", "S": "Southland Office"}[author[0]],
        "action": Action.SUSPEND,
        "target": Target.UNIT,
        "on": "UT-1",
        "reason": "stolen",
        "legal_basis": "act 7, section 2",
    }
    return Order(**(fields | said(id_, author) | given))


def end(id_: str, of: str, author: str = "Nora", authority: str = "Northland Office", **given: Any) -> OrderEnd:
    return OrderEnd(order=of, authority=authority, reason="found", **said(id_, author, **given))


def approval(id_: str, of: str, approver: str, **given: Any) -> Approval:
    return Approval(order=of, approver=approver, **(said(id_, approver) | given))


def event(id_: str, step: Step, item: str, author: str = "Dina", **given: Any) -> CustodyEvent:
    return CustodyEvent(step=step, item=item, **given, **said(id_, author))


def test_nobody_without_an_appointment_records_anything() -> None:
    from skyhaul.control.registry import Actor
    from skyhaul.errors import ControlError

    with pytest.raises(ControlError, match=r"Mallory holds no appointment at 2024-02-17T12:00:12Z"):
        examine([party("P", author="Mallory")], Actor("Mallory", key_of("Mallory")), Facts(offices()), Index(), NOW)
    with pytest.raises(ControlError, match="the key is not that of Olga"):
        examine([party("P")], Actor("Olga", key_of("Mallory")), Facts(offices()), Index(), NOW)


def test_an_appointment_that_is_over_gives_no_rights() -> None:
    from skyhaul.errors import ControlError

    over = appointment("Otto", id="over", valid_from=NOW, valid_to=utc("2025-01-01"), recorded_at=NOW)
    assert examined("Otto", party("P", author="Otto"), more=[over]) == [None]
    gone = Withdrawal(kind="Appointment", **said("w", "Olga", subject=over.key, recorded_at=NOW))
    with pytest.raises(ControlError, match="holds no appointment"):
        examined("Otto", party("P", author="Otto"), more=[gone])


def test_people_record_in_their_own_name() -> None:
    assert "author: Olga records this, not Otto" in refused("Olga", party("P", author="Otto"))


def test_the_error_says_who_may() -> None:
    said_ = refused("Olga", Licence(authority="Northland Office", territory="Northland", **said("L", "Olga")))
    assert said_ == (
        "Licence L: an operator may not record a Licence (an authority in its territories may)"
    )  # fmt: skip
    assert "(the operator may)" in refused("Nora", account("A-9", author="Nora"))


@pytest.mark.parametrize(
    ("person", "fact", "why"),
    [
        ("Sven", Licence(authority="Southland Office", territory="Northland", **said("L", "Sven")),
         "the licence layer names Northland Office for Northland, not Southland Office"),
        ("Sven", Licence(authority="Northland Office", territory="Northland", **said("L", "Sven")),
         "its author acts for Southland Office, not for Northland Office"),
        ("Nora", Licence(authority="Northland Office", territory="Nowhere", **said("L", "Nora")),
         "the licence layer has no territory Nowhere (there are Northland, Southland)"),
        ("Nick", TypeApproval(authority="Northland Office", model="m", **said("T", "Nick")),
         "Nick acts in Northland, not in every territory"),
        ("Sven", order("o", "Sven", target=Target.AREA, on="licence/Northland"),
         "Southland Office has no jurisdiction: licence/Northland lies outside the licence areas of Southland Office"),
        ("Sven", order("o", "Sven", target=Target.AREA, on="zone/Marches"), "lies to 50% outside"),
        ("Sven", order("o", "Sven", target=Target.CELL, on="851e364bfffffff"), "has no jurisdiction"),
        ("Nick", order("o", "Nick"), "within: Nick acts in Northland only (within = “licence/Northland”)"),
        ("Nora", order("o", target=Target.AREA, on="zone/Nowhere"), "there is no area zone/Nowhere"),
        ("Nora", order("o", on="UT-9"), "on: there is no unit UT-9"),
        ("Nora", order("o", target=Target.MODEL, on="mark 9"), "on: there is no model mark 9"),
        ("Nora", order("o", "Nora", authority="operator"), "its author acts for Northland Office, not for operator"),
        ("Nora", AllowList(name="W", authority="Northland Office", area="zone/Marches", **said("W", "Nora")),
         "lies to 50% outside"),
        ("Nora", area("zone", "Z", shapely.box(12, 47, 13, 49), author="Nora"), "lies to 50% outside"),
        ("Olga", terminal("UT-9", "A-9"), "account: there is no account A-9"),
        ("Olga", terminal("UT-9", holder="Bo"), "holder: there is no party Bo"),
        ("Olga", terminal("UT-9", public_key=unit_key("UT-1")), "public_key: it is the key of UT-1"),
        ("Olga", account("A-9", "Bo"), "party: there is no party Bo"),
        ("Olga", party("P", "Q"), "parent: there is no party Q"),
        ("Olga", party("Dealer", "Shop", id="p"), "parent: Dealer belongs to Shop belongs to Dealer"),
        ("Olga", event("e", Step.RECEIVING, "UT-9", "Olga", receiver="Ada"), "item: there is no unit or lot UT-9"),
        ("Olga", event("e", Step.SPLIT, "part", "Olga", lot="lot"), "lot: there is no unit or lot lot"),
        ("Dina", event("e", Step.TRANSFER, "UT-1", giver="Ada", receiver="Bo"), "from Ada to Bo: neither is Dealer"),
        ("Dina", terminal("UT-1", "A-1", "Dina", holder="Dealer", id="t"), "UT-1 is not with Dealer"),
        ("Dina", party("Ada", "Dealer", "Dina", id="p"), "Ada does not belong to Dealer"),
        ("Olga", Withdrawal(kind="Party", **said("w", "Olga", subject="Bo")), "subject: there is no Party Bo"),
        ("Sven", Withdrawal(kind="Licence", **said("w", "Sven", subject="licence-N")),
         "its author acts for Southland Office"),
        ("Nora", Withdrawal(kind="Party", **said("w", "Nora", subject="Ada")), "(the operator, or a distributor"),
        ("Sven", Licence(authority="Southland Office", territory="Southland",
                         **said("L", "Sven", subject="licence-N")), "its author acts for Southland Office"),
        ("Nora", Licence(authority="Northland Office", territory="Northland", **said("L", "Nora", subject="none")),
         "subject: there is no Licence none to correct"),
        ("Nora", end("e", "none"), "order: there is no order none"),
        ("Nora", approval("a", "none", "Nora"), "order: there is no order none, nor an end"),
        ("Nora", replace(appointment("Nils", id="x"), author="Nora"), "(the operator may)"),
        ("Olga", replace(appointment("Nils", id="x"), public_key=key_of("Nora").public),
         "public_key: it is the key of Nora"),
        ("Dina", terminal("UT-7", "A-1", "Dina", holder="Shop"), "account: A-1 is no account of Dealer"),
    ],
)  # fmt: skip
def test_what_may_not_be_said_is_refused(person: str, fact: Any, why: str) -> None:
    assert why in refused(person, fact)


@pytest.mark.parametrize(
    ("person", "fact"),
    [
        ("Nora", Licence(authority="Northland Office", territory="Northland", **said("L", "Nora"))),
        ("Nick", Licence(authority="Northland Office", territory="Northland", **said("L", "Nick"))),
        ("Nora", order("o")),
        ("Nora", order("o", target=Target.AREA, on="zone/Marches", within="licence/Northland")),
        ("Nick", order("o", "Nick", within="licence/Northland")),
        ("Olga", order("o", "Olga", target=Target.AREA, on="zone/Marches")),
        ("Nora", area("zone", "Z", shapely.box(12, 48.5, 13, 49), author="Nora")),
        ("Nora", AllowList(name="W", authority="Northland Office", area="licence/Northland", **said("W", "Nora"))),
        ("Nora", Withdrawal(kind="Licence", **said("w", "Nora", subject="licence-N"))),
        ("Dina", event("e", Step.TRANSFER, "UT-2", giver="Dealer", receiver="Ada")),
        ("Dina", event("e", Step.COMMISSIONING, "UT-7", receiver="Shop")),
        ("Dina", terminal("UT-2", "A-1", "Dina", holder="Ada", id="sold")),
        ("Dina", terminal("UT-7", "", "Dina", holder="Shop")),
        ("Dina", party("Bo", "", "Dina")),
        ("Dina", party("Branch", "Shop", "Dina")),
        ("Olga", Policy(settings=Settings(lease_s=15), **said("p", "Olga"))),
        ("Olga", replace(appointment("Nick", id="x"), public_key=key_of("Nick's other").public)),
    ],
)  # fmt: skip
def test_what_may_be_said_is_let_in(person: str, fact: Any) -> None:
    accepted(person, fact)


def test_facts_of_one_batch_may_speak_of_each_other_in_any_order() -> None:
    facts = [terminal("UT-9", "A-9", holder="Bo"), account("A-9", "Bo"), party("Bo", "Cy"), party("Cy")]
    accepted("Olga", *facts)
    accepted("Olga", *reversed(facts))
    errors = examined("Olga", *facts[:3])
    assert [str(error).partition(", ")[2].partition(" (")[0] for error in errors] == [
        "holder: there is no party Bo",
        "party: there is no party Bo",
        "parent: there is no party Cy",
    ]


def test_parties_that_belong_to_each_other_at_different_times_make_no_circle() -> None:
    first = party("X", "Y", id="1", valid_to=utc("2024-02-01"))
    second = party("Y", "X", id="2", valid_from=utc("2024-02-01"))
    accepted(
        "Olga",
        first,
        second,
        party("X", id="3", valid_from=utc("2024-02-01")),
        party("Y", id="4", valid_to=utc("2024-02-01")),
    )
    errors = examined("Olga", party("X", "Y", id="1"), party("Y", "X", id="2"))
    assert all("belongs to" in str(error) for error in errors)


def test_a_party_is_not_its_own_parent_through_others() -> None:
    chain = [party("P1", "P2"), party("P2", "P3"), party("P3")]
    said_ = refused("Olga", party("P3", "P1", id="turn"), more=chain)
    assert "P3 belongs to P1 belongs to P2 belongs to P3" in said_


def test_a_signature_that_does_not_verify_is_refused() -> None:
    who = actor("Nora")
    signed = who.signed(order("o"))
    changed = replace(signed, reason="lost")
    (error,) = examined("Nora", changed)
    assert str(error) == (
        "Order o, signature: it does not verify with the key of Nora "
        "(sign the fact as it stands, with the appointed key)"
    )
    (error,) = examine([order("o")], who, Facts(offices()), Index(), NOW)
    assert "signature: there is none" in str(error)
    other = replace(order("o"), signature=actor("Nils").signed(order("o")).signature)
    (error,) = examined("Nora", other)
    assert "does not verify with the key of Nora" in str(error)


def test_an_order_signed_elsewhere_may_be_handed_in_by_another_but_not_by_an_auditor() -> None:
    signed = actor("Nora").signed(order("o"))
    accepted("Olga", signed)
    assert "an auditor records nothing" in refused("Audi", signed)


def test_the_time_of_recording_is_not_signed_and_everything_else_is() -> None:
    who = actor("Nora")
    signed = who.signed(order("o"))
    accepted("Nora", replace(signed, recorded_at=utc("2020-01-01")))
    for change in ({"valid_from": utc("2023-01-01")}, {"approvals_needed": 1}, {"on": "UT-2"}, {"source": "x"}):
        assert "does not verify" in refused("Nora", replace(signed, **change))


def many(count: int, holder: str = "Ada") -> list[Any]:
    return [terminal(f"M-{i}", "A-1", holder=holder) for i in range(count)]


def test_an_order_over_many_terminals_needs_another_persons_approval() -> None:
    area_order = order("o", target=Target.AREA, on="licence/Northland")
    accepted("Nora", area_order, more=many(98))
    said_ = refused("Nora", area_order, more=many(99))
    assert "approvals_needed: 0 for an order that touches more than 100 terminals (it needs 1" in said_
    accepted("Nora", replace(area_order, approvals_needed=1), more=many(99))
    strict = Policy(settings=Settings(many_terminals=1, many_approvals=2), **said("p", "Olga"))
    assert "touches more than 1 terminals (it needs 2" in refused(
        "Nora", order("o", target=Target.ACCOUNT, on="A-1"), more=[strict]
    )


def test_the_end_of_a_serious_order_is_as_serious() -> None:
    given = replace(order("o", target=Target.AREA, on="licence/Northland"), approvals_needed=1)
    more = [*many(99), given]
    assert "touches more than 100 terminals (it needs 1" in refused("Nora", end("e", "o"), more=more)
    accepted("Nora", replace(end("e", "o"), approvals_needed=1), more=more)


def test_another_person_of_the_same_authority_approves_once() -> None:
    given = replace(order("o"), approvals_needed=1)
    assert "approver: Nora gave it" in refused("Nora", approval("a", "o", "Nora"), more=[given])
    assert "acts for Southland Office, not for Northland Office" in refused(
        "Sven", approval("a", "o", "Sven"), more=[given]
    )
    accepted("Nils", approval("a", "o", "Nils"), more=[given])
    assert "has approved o already" in refused(
        "Nils", approval("b", "o", "Nils"), more=[given, approval("a", "o", "Nils")]
    )


def test_an_order_is_ended_by_its_authority_or_one_that_comes_before_it() -> None:
    given = order("o")
    accepted("Nora", end("e", "o"), more=[given])
    accepted("Nils", end("e", "o", "Nils"), more=[given])
    by_operator = end("e", "o", "Olga", "operator")
    assert "an order of Northland Office, which operator is not stated to come before" in refused(
        "Olga", by_operator, more=[given]
    )
    first = Precedence(authorities=("operator", "Northland Office"), **said("before", "Olga"))
    accepted("Olga", by_operator, more=[given, first])


def test_orders_cannot_be_withdrawn() -> None:
    withdrawn = Withdrawal(kind="Order", **said("w", "Nora", subject="o"))
    assert "cannot be withdrawn" in refused("Nora", withdrawn, more=[order("o")])


@pytest.mark.parametrize(
    ("target", "on", "expected"),
    [
        (Target.UNIT, "UT-1", ["UT-1"]),
        (Target.ACCOUNT, "A-1", ["UT-1", "UT-2"]),
        (Target.MODEL, MODEL, ["UT-1", "UT-2", "UT-3", "UT-4"]),
        (Target.PARTY, "Dealer", ["UT-2", "UT-4"]),
        (Target.AREA, "licence/Northland", ["UT-1", "UT-2", "UT-3"]),
        (Target.AREA, "licence/Southland", ["UT-3", "UT-4"]),
        (Target.CELL, "851e364bfffffff", ["UT-1", "UT-2"]),
    ],
)
def test_terminals_that_an_order_touches(target: Target, on: str, expected: list[str]) -> None:
    roaming = Plan(kind=PlanKind.ROAMING, home="Northland", roams_to=("Southland",))
    southern = Plan(kind=PlanKind.ROAMING, home="Southland")
    facts = Facts(
        [
            *offices(),
            account("A-3", plan=roaming),
            terminal("UT-3", "A-3"),
            account("A-4", "Shop", plan=southern),
            terminal("UT-4", "A-4"),
        ]
    )
    given = order("o", "Olga", target=target, on=on)
    known = Known(facts, Index().catch_up(facts), NOW)
    if target is Target.CELL:
        expected = [*expected, "UT-3"]  # it may be anywhere in Northland
    assert touched_terminals(given, known) == expected
    seen = Known(facts, Index().catch_up(facts), NOW, cells={"UT-3": "851e364bfffffff"})
    assert ("UT-3" in touched_terminals(given, seen)) == (
        target in (Target.MODEL, Target.CELL) or on == "licence/Northland"
    )


def test_a_zone_is_not_drawn_large_under_an_order_that_one_person_gave() -> None:
    small = area("zone", "Z", shapely.box(13.5, 48.5, 13.6, 48.6), author="Nora")
    given = order("o", target=Target.AREA, on="zone/Z")
    large = area("zone", "Z", shapely.box(11.5, 48.5, 13.6, 49.5), author="Nora", id="large", subject=small.id)
    accepted("Nora", given, more=[*many(99), small])
    said_ = refused("Nora", large, more=[*many(99), small, given])
    assert "order o would touch more than 100 terminals, and has 0 approvals" in said_
    assert "would touch more than 100" in refused(
        "Nora", replace(large, id="second", subject=""), more=[*many(99), small, given]
    )
    later = replace(large, valid_from=utc("2024-06-01"), recorded_at=utc("2024-01-02"))
    assert "would touch more than 100" in refused("Nora", later, more=[*many(99), small, given])
    assert "touches more than 100 terminals" in refused("Nora", given, more=[*many(99), small, later])
    accepted("Nora", large, more=[*many(99), small, replace(given, approvals_needed=1)])
    accepted("Nora", large, more=[*many(99), small, given, end("e", "o", valid_from=utc("2024-02-01"))])


def test_lots_that_are_parts_of_each_other_are_with_nobody() -> None:
    turning = [
        event("1", Step.SPLIT, "x", "Olga", lot="y"),
        event("2", Step.SPLIT, "y", "Olga", lot="x"),
    ]
    assert "x is not with Dealer" in refused("Dina", event("3", Step.DESTROYING, "x"), more=turning)
