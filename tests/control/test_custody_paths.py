"""What of the record stands, who belongs to whom, and the paths by which units came to a party."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skyhaul.control.custody import (
    CustodyRecord,
    Way,
    check_party,
    known_parties,
    party_and_below,
    reach_of,
    standing_events,
    ways,
)
from skyhaul.control.facts import CustodyEvent, Fact, Facts, Manner, Party, Step, Withdrawal, utc
from skyhaul.errors import NotFoundError
from tests.control.test_custody import CHAIN, GOT, MADE, PASSED, SENT, event
from tests.control.worlds import said

LATER = utc("2025-01-01")


def withdrawal(of: str, day: int, **given: Any) -> Withdrawal:
    times = {"valid_from": utc("1990-01-01"), "recorded_at": utc(f"2024-02-{day:02}")} | given
    return Withdrawal(kind="CustodyEvent", subject=of, **said(f"w-{of}-{day}", **times))


def correction(of: CustodyEvent, day: int, **changed: Any) -> CustodyEvent:
    plain = {name: getattr(of, name) for name in ("step", "item", "giver", "receiver", "lot")}
    times = {"valid_from": of.valid_from, "recorded_at": utc(f"2024-02-{day:02}"), "subject": of.key}
    return CustodyEvent(**(plain | changed), **said(f"c-{of.id}-{day}", **times))


FIRST = event(3, PASSED, "U", "Maker", "Bo")


def stands(*facts: Fact, known: Any = LATER) -> list[str]:
    return sorted(fact.receiver for fact in standing_events(Facts(facts), known))


def test_a_correction_takes_the_place_of_what_it_corrects_once_it_is_known() -> None:
    facts = (FIRST, correction(FIRST, 5, receiver="Cy"), correction(FIRST, 9, receiver="Di"))
    assert stands(*facts) == stands(*facts[::-1]) == ["Di"]
    assert stands(*facts, known=utc("2024-02-06")) == ["Cy"]
    assert stands(*facts, known=utc("2024-02-04")) == ["Bo"]


def test_a_withdrawal_takes_an_event_away_and_a_later_correction_brings_it_back() -> None:
    assert stands(FIRST, withdrawal(FIRST.id, 5)) == []
    assert stands(FIRST, withdrawal(FIRST.id, 5), known=utc("2024-02-04")) == ["Bo"]
    assert stands(FIRST, withdrawal(FIRST.id, 5), correction(FIRST, 7, receiver="Cy")) == ["Cy"]
    elsewhen = withdrawal(FIRST.id, 5, valid_from=utc("2024-01-04"))
    assert stands(FIRST, elsewhen) == ["Bo"], "it withdraws another time than the event's"


def belongs(party: str, parent: str, **given: Any) -> Party:
    return Party(party=party, parent=parent, **said(given.pop("id", f"{party}-{parent}"), **given))


def test_a_party_and_all_that_belong_to_it() -> None:
    facts = Facts([belongs("Platoon", "Company"), belongs("Company", "Brigade"), belongs("Other", "Corps")])
    assert party_and_below(facts, "Brigade", LATER) == ("Brigade", "Company", "Platoon")
    assert party_and_below(facts, "Platoon", LATER) == ("Platoon",)
    assert party_and_below(facts, "nobody", LATER) == ("nobody",)


def test_who_belonged_once_counts_and_who_was_recorded_in_error_does_not() -> None:
    start = utc("2024-01-01")
    once = belongs("Company", "Brigade", valid_to=utc("2024-01-05"))
    moved = belongs("Company", "Corps", valid_from=utc("2024-01-05"), recorded_at=utc("2024-01-05"))
    assert party_and_below(Facts([once, moved]), "Brigade", LATER) == ("Brigade", "Company")
    wrong = Withdrawal(kind="Party", subject="Company", **said("w", valid_from=start, recorded_at=utc("2024-02-01")))
    assert party_and_below(Facts([once, wrong]), "Brigade", LATER) == ("Brigade",)
    assert party_and_below(Facts([once, wrong]), "Brigade", utc("2024-01-31")) == ("Brigade", "Company")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)).filter(lambda pair: pair[0] != pair[1]), max_size=12))
def test_circles_of_parties_end_and_nobody_is_left_out(pairs: list[tuple[int, int]]) -> None:
    facts = Facts(
        belongs(str(a), str(b), id=f"f{i}", recorded_at=utc(f"2024-01-{i + 1:02}")) for i, (a, b) in enumerate(pairs)
    )
    reached = {"0"}
    for _ in range(7):
        reached |= {str(a) for a, b in pairs if str(b) in reached}
    found = party_and_below(facts, "0", LATER)
    assert (found[0], set(found), len(found)) == ("0", reached, len(reached))


def test_a_name_that_nothing_names_has_near_ones() -> None:
    known = known_parties(Facts([belongs("Company", "Brigade")]), CHAIN, LATER)
    assert known == {"Company", "Brigade", "Maker", "Dealer A", "Dealer B", "Ada"}
    check_party("Brigade", known)
    with pytest.raises(NotFoundError, match=r"nothing names a party “Brigad” \(did you mean Brigade\?\)"):
        check_party("Brigad", known)
    with pytest.raises(NotFoundError, match=r"nothing names a party “7” \(6 are recorded\)"):
        check_party("7", known)


def all_ways(events: list[CustodyEvent], *parties: str) -> dict[str, Way]:
    record = CustodyRecord.of(events)
    reach = reach_of(record, parties)
    units = {**reach.reached, **reach.sent, **reach.unknown}
    return {way.unit: way for way in ways(record, units.items(), frozenset(parties), events)}


def test_the_path_of_each_unit_with_what_is_not_known_on_it() -> None:
    found = all_ways(CHAIN, "Brigade")
    assert found["U1"].hands == ("Maker", "Dealer A", "Dealer B", "Brigade")
    assert found["U1"].unknown == ()
    assert found["U2"].hands == ("Maker", "Dealer A", "?")
    assert found["U2"].unknown == ("from 2024-01-05T00:00:00Z: on its way to Brigade, and no receipt is recorded",)
    assert found["U4"].hands == ("Maker", "?", "Dealer B", "Ada")
    assert found["U4"].unknown == ("before 2024-01-09T00:00:00Z: it left a party that is not recorded to have had it",)
    assert str(found["U4"]).splitlines() == [
        "U4  2024-01-09T00:00:00Z  Maker → ? → Dealer B → Ada",
        f"    ? {found['U4'].unknown[0]}",
    ]


def passed(day: int, giver: str, receiver: str, manner: Manner) -> CustodyEvent:
    times = {"valid_from": utc(f"2024-01-{day:02}")}
    return CustodyEvent(
        step=PASSED, item="U", giver=giver, receiver=receiver, manner=manner, **said(f"p{day}", **times)
    )


def test_a_path_ends_at_the_party_and_says_how_the_unit_changed_hands() -> None:
    how = [
        event(1, MADE, "U", receiver="Maker"),
        passed(2, "Maker", "Dealer", Manner.SALE),
        passed(3, "Dealer", "Unit 7", Manner.CAPTURE),
        event(4, PASSED, "U", "Unit 7", "Bo"),
        event(5, PASSED, "U", "Nobody", "Cy"),
    ]
    way = all_ways(how, "Unit 7")["U"]
    assert way.hands == ("Maker", "Dealer", "Unit 7")
    assert way.manners == (Manner.SALE, Manner.CAPTURE)
    assert way.unknown == (), "what is not known afterwards is not on the path"
    assert way.document() == {
        "unit": "U",
        "when": "2024-01-03T00:00:00Z",
        "hands": ["Maker", "Dealer", "Unit 7"],
        "unknown": [],
        "manners": ["sale", "capture"],
    }


def test_what_is_sent_and_received_by_one_sale_was_sold_once() -> None:
    def by(day: int, step: Step, giver: str, receiver: str) -> CustodyEvent:
        times = {"valid_from": utc(f"2024-01-{day:02}")}
        return CustodyEvent(
            step=step, item="U", giver=giver, receiver=receiver, manner=Manner.SALE, **said(f"s{day}", **times)
        )

    events = [
        event(1, MADE, "U", receiver="Maker"),
        by(2, SENT, "Maker", "Dealer"),
        by(3, GOT, "", "Dealer"),
        by(4, SENT, "Dealer", "Bo"),
        by(5, PASSED, "Dealer", "Bo"),
    ]
    assert all_ways(events, "Bo")["U"].manners == (Manner.SALE, Manner.SALE, Manner.SALE)
    assert all_ways(events, "Dealer")["U"].manners == (Manner.SALE,)


def test_of_a_party_without_units_everything_unaccounted_for_stays_unknown() -> None:
    record = CustodyRecord.of(CHAIN)
    reach = reach_of(record, ("Corps",))
    assert (reach.reached, reach.sent) == ({}, {})
    assert sorted(reach.unknown) == ["U2", "U4"]
    assert reach.clear == 2


def test_units_of_those_below_are_units_of_the_party() -> None:
    facts = Facts([belongs("Company", "Brigade"), *CHAIN, event(7, PASSED, "U3", "Ada", "Company")])
    parties = party_and_below(facts, "Brigade", LATER)
    assert all_ways(standing_events(facts, LATER), *parties)["U3"].hands[-1] == "Company"


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("ABC"), st.sampled_from("ABC")), min_size=1, max_size=15), st.sampled_from("ABC")
)
def test_a_path_leads_to_the_party_however_often_a_unit_is_resold(sales: list[tuple[str, str]], party: str) -> None:
    """Resale in circles: the path stops at the first time, and shows a gap exactly where hands do not meet."""
    events = [event(1, MADE, "U", receiver="A")]
    events += [event(2 + i, PASSED, "U", a, b, id_=f"s{i:02}") for i, (a, b) in enumerate(sales)]
    found = all_ways(events, party)
    hands = ["A"]
    for giver, receiver in sales:
        if party in hands:
            break
        if giver != hands[-1]:
            hands.append("?")
            hands.append(giver)
        if receiver != hands[-1] and giver != party:
            hands.append(receiver)
    if party in hands:
        assert found["U"].hands == tuple(hands[: hands.index(party) + 1])
        assert len(found["U"].unknown) == found["U"].hands.count("?")
    else:
        assert "U" not in {u for u, way in found.items() if way.hands[-1] == party}


def test_sent_and_received_by_another_is_a_gap_on_the_path() -> None:
    events = [event(1, MADE, "U", receiver="Maker"), event(2, SENT, "U", "Maker", "Bo"), event(3, GOT, "U", "", "Cy")]
    assert all_ways(events, "Cy")["U"].hands == ("Maker", "?", "Cy")
    assert Step.SHIPPING is SENT
