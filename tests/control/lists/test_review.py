"""What a review shows, and that it shows nothing where there is nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from skyhaul.control.facts import (
    CustodyEvent,
    Fact,
    Facts,
    HolderKind,
    Manner,
    Party,
    Rejection,
    Step,
    Withdrawal,
    utc,
)
from skyhaul.control.lists import Finding, Matter, ReviewLimits, review
from skyhaul.errors import NotFoundError
from tests.control.lists.listed import NOW, application, day, facts, listing, made_for, the_list, unit
from tests.control.worlds import said, terminal


def found(*more: Fact, name: str = "", limits: ReviewLimits | None = None, at: Any = NOW) -> tuple[Finding, ...]:
    return review(facts(*more), at, NOW, name=name, limits=limits)


def matters(*more: Fact, **given: Any) -> list[str]:
    return [str(finding.matter) for finding in found(*more, **given)]


def only(matter: Matter, *more: Fact, **given: Any) -> Finding:
    """The one finding of a matter."""
    (finding,) = [finding for finding in found(*more, **given) if finding.matter is matter]
    return finding


CLEAN = [*unit("U1"), application("U1"), *unit("U2", "Bo"), listing("U2", "Bo")]


def event(number: int, step: Step, giver: str = "", receiver: str = "", item: str = "U1", **given: Any) -> CustodyEvent:
    id_ = f"{number}-{step}-{item}-{giver}-{receiver}"
    return CustodyEvent(
        step=step, item=item, giver=giver, receiver=receiver, **given, **said(id_, valid_from=day(number))
    )


def test_where_nothing_is_to_be_seen_nothing_is_reported() -> None:
    assert found(*CLEAN) == ()


def test_one_terminal_twice() -> None:
    again = application("U1", id="again", number=4)
    finding = only(Matter.TERMINAL_TWICE, *CLEAN, again)
    assert finding.entries == ("again", "application-U1-Ada")
    assert finding.text == "terminal U1 stands 2 times on the list “white”, for Ada"
    assert {fact.id for fact in finding.facts} == set(finding.entries)


def test_one_terminal_or_kit_number_under_two_holders() -> None:
    assert only(Matter.TERMINAL_TWO_HOLDERS, *CLEAN, application("U1", "Cy")).text.endswith("for Ada, Cy")
    kit = application("U9", "Cy", kit_number="KIT-U1")
    finding = only(Matter.TERMINAL_TWO_HOLDERS, *CLEAN, *unit("U9", "Cy", kit_number="KIT-U1"), kit)
    assert finding.text == "kit number KIT-U1 stands 2 times on the list “white”, for Ada, Cy"


def test_what_was_rejected_or_is_over_is_asked_again_without_a_word() -> None:
    asked = application("U1", number=1, id="first")
    no = Rejection(application="first", rejected_by="clerk", reason="blurred", **said("R", valid_from=day(2)))
    assert matters(*CLEAN, asked, no) == []
    over = listing("U1", valid_to=day(9))
    assert matters(*CLEAN, over) == []


def test_two_lists_may_both_have_a_terminal() -> None:
    other = the_list("second")
    assert matters(*CLEAN, other, application("U1", name="second", id="second")) == []


def test_one_account_behind_several_holders() -> None:
    more = [*unit("U9", "Cy", account="A-U1"), application("U9", "Cy", account="A-U1")]
    finding = only(Matter.ACCOUNT_SHARED, *CLEAN, *more)
    assert finding.text == "account A-U1 is behind 2 holders: Ada, Cy"


def test_a_holder_over_its_quota_across_lists() -> None:
    lists = [the_list("second"), the_list("third")]
    names = ("white", "second", "third", "third")
    asked = [listing(f"V{i}", name=name, shown=True) for i, name in enumerate(names)]
    units = [fact for i in range(4) for fact in unit(f"V{i}")]
    assert Matter.HOLDER_QUOTA not in matters(*units, *lists, *asked[:3])
    finding = only(Matter.HOLDER_QUOTA, *units, *lists, *asked)
    assert finding.text == (
        "Ada has or asks for 4 terminals on 3 lists, 4 of them granted: the most that any allows is 3"
    )
    assert {f.id for f in finding.facts} >= {"list-white", "list-second", "list-third"}


def test_a_holder_who_is_a_person_here_and_a_firm_there() -> None:
    more = [*unit("U3"), application("U3", holder_kind=HolderKind.FIRM)]
    assert only(Matter.HOLDER_KINDS, *CLEAN, *more).text == "Ada is listed or asks as firm and as person"


HOLDERS = ("Ada", "Bo", "Cy", "Di")


def wave(days: Sequence[int], **given: Any) -> list[Fact]:
    """One application a holder, on these days."""
    found: list[Fact] = []
    for holder, number in zip(HOLDERS, days, strict=True):
        found += [*unit(f"W-{holder}", holder), application(f"W-{holder}", holder, number=number, **given)]
    return found


@pytest.mark.parametrize(
    ("given", "matter"),
    [
        ({"evidence": "passport; letter  17"}, Matter.SHARED_EVIDENCE),
        ({"address": "5 Mill Lane"}, Matter.SHARED_ADDRESS),
    ],
)
def test_many_holders_with_one_document_or_address_in_a_short_time(given: dict[str, str], matter: Matter) -> None:
    findings = [f for f in found(*wave((1, 3, 6, 20), **given)) if f.matter is matter]
    assert {f.entries for f in findings} == {tuple(f"application-W-{h}-{h}" for h in ("Ada", "Bo", "Cy"))}
    assert "3 holders" in findings[0].text
    assert "Ada, Bo, Cy" in findings[0].text
    assert matter not in matters(*wave((1, 9, 17, 25), **given)), "a week apart is no wave"
    assert matter in matters(*wave((1, 9, 17, 25), **given), limits=ReviewLimits(window_s=30 * 86_400.0))
    assert matter not in matters(*wave((1, 3, 6, 20), **given), limits=ReviewLimits(holders=4))


def test_addresses_are_one_however_they_are_written() -> None:
    facts_ = [*wave((1, 2, 3, 4))]
    for i, address in enumerate(("5 Mill  Lane", "5 mill lane", "5 MILL LANE ")):
        facts_ += [*unit(f"X{i}", f"H{i}"), application(f"X{i}", f"H{i}", address=address)]
    finding = only(Matter.SHARED_ADDRESS, *facts_)
    assert finding.entries == tuple(f"application-X{i}-H{i}" for i in range(3))
    assert "mill" not in finding.text.casefold(), "an address is shown to nobody who need not know it"


def test_a_wave_is_seen_though_part_of_it_was_rejected() -> None:
    rejected = [
        Rejection(
            application=f"application-W-{h}-{h}", rejected_by="c", reason="r", **said(f"R-{h}", valid_from=day(8))
        )
        for h in ("Ada", "Bo")
    ]
    assert Matter.SHARED_EVIDENCE in matters(*wave((1, 2, 3, 4), evidence="letter 17"), *rejected)


def test_one_clerk_who_approves_very_many_in_an_hour() -> None:
    some: list[Fact] = []
    for i in range(5):
        some += [*unit(f"Y{i}", f"H{i}"), listing(f"Y{i}", f"H{i}", valid_from=day(2) + i * (day(2, 1) - day(2)) // 6)]
    assert matters(*some) == []
    finding = only(Matter.SHARED_CLERK, *some, limits=ReviewLimits(clerk_holders=5))
    assert finding.text == "5 holders were approved by clerk within 1 hour of each other: H0, H1, H2, H3, H4"


def test_who_asked_and_approved() -> None:
    own = listing("U1", approved_by="Ada")
    assert only(Matter.OWN_APPROVAL, *unit("U1"), own).text == "Ada approved what they asked for themselves"
    asked = application("U1")
    desk = listing("U1", approved_by="desk", application=asked.id)
    assert only(Matter.OWN_APPROVAL, *unit("U1"), asked, desk).entries == (asked.id,)


def test_the_numbers_are_held_against_the_registry() -> None:
    wrong = application("U1", kit_number="KIT-U7")
    finding = only(Matter.KIT_MISMATCH, *unit("U1"), wrong)
    assert finding.text == "kit number KIT-U7: U1 has KIT-U1"
    assert "terminal-U1" in {fact.id for fact in finding.facts}
    assert only(Matter.TERMINAL_UNKNOWN, *made_for("U8"), application("U8")).text == (
        "no terminal U8 is in the registry"
    )


def test_a_terminal_that_has_changed_its_account_since() -> None:
    moved = terminal("U2", "A-other", id="moved", valid_from=day(20), recorded_at=day(20), holder="Bo")
    assert found(*CLEAN, moved, at=day(19)) == ()
    finding = only(Matter.ACCOUNT_CHANGED, *CLEAN, moved)
    assert finding.text == "listed on account A-U2: U2 is on A-other now"


def test_a_unit_without_custody() -> None:
    assert only(Matter.CUSTODY_NONE, terminal("U5", "A-U5"), application("U5")).text == ("no custody of U5 is recorded")


MADE = [terminal("U1", "A-U1"), application("U1"), event(-20, Step.COMMISSIONING, "", "Maker")]


def test_a_way_that_does_not_lead_to_who_asks() -> None:
    finding = only(Matter.CUSTODY_ELSEWHERE, *MADE, event(-9, Step.TRANSFER, "Maker", "Dealer"))
    assert finding.text == "U1 was last with Dealer, not with Ada: Maker → Dealer"
    sent = only(Matter.CUSTODY_ELSEWHERE, *MADE, event(-9, Step.SHIPPING, "Maker", "Ada"))
    assert sent.text == "U1 is on its way to Ada; Ada is not recorded to have received it"
    assert matters(*MADE, event(-9, Step.SHIPPING, "Maker", "Ada"), event(-8, Step.RECEIVING, "", "Ada")) == []


def test_a_unit_of_the_firm_is_with_its_people_and_the_other_way_round() -> None:
    handed = event(-9, Step.TRANSFER, "Maker", "Ada's sister")
    firm = Party(party="Ada's sister", parent="Ada", **said("sister"))
    assert matters(*MADE, handed, firm) == []
    assert matters(*MADE, handed) == [str(Matter.CUSTODY_ELSEWHERE)]


def test_a_dealer_established_outside_the_territory() -> None:
    through = [event(-9, Step.TRANSFER, "Maker", "Dealer"), event(-8, Step.TRANSFER, "Dealer", "Ada")]
    abroad = Party(party="Dealer", territory="Thirdland", **said("dealer"))
    finding = only(Matter.CUSTODY_ABROAD, *MADE, *through, abroad)
    assert finding.text == "U1 went through Dealer, established in Thirdland: Maker → Dealer → Ada"
    for territory in ("Northland", "Southland"):  # the Marches lie in both
        near = Party(party="Dealer", territory=territory, **said("dealer"))
        assert matters(*MADE, *through, near) == []


@pytest.mark.parametrize("manner", [Manner.CAPTURE, Manner.THEFT])
def test_a_unit_that_was_taken(manner: Manner) -> None:
    taken = event(-9, Step.TRANSFER, "Maker", "Ada", manner=manner)
    assert only(Matter.CUSTODY_TAKEN, *MADE, taken).text == f"U1 changed hands by {manner} at 2024-01-22T00:00:00Z"
    assert matters(*MADE, event(-9, Step.TRANSFER, "Maker", "Ada", manner=Manner.GIFT)) == []


def test_a_step_that_is_not_recorded() -> None:
    finding = only(Matter.CUSTODY_GAP, *MADE, event(-9, Step.TRANSFER, "Dealer", "Ada"))
    assert finding.text == "U1, before 2024-01-22T00:00:00Z: it left a party that is not recorded to have had it"


def test_a_unit_that_is_no_more() -> None:
    facts_ = [*MADE, event(-9, Step.TRANSFER, "Maker", "Ada"), event(10, Step.DESTROYING, "Ada")]
    assert only(Matter.UNIT_DESTROYED, *facts_).text == "U1 was destroyed at 2024-02-10T00:00:00Z"
    assert matters(*facts_, at=day(9)) == []
    late = Withdrawal(kind="CustodyEvent", subject=facts_[-1].id, **said("W", valid_from=day(10), recorded_at=day(12)))
    assert matters(*facts_, late) == [], "recorded in error"


def test_a_review_of_one_list_shows_what_touches_it() -> None:
    more = [the_list("second"), application("U1", "Cy", name="second", account="A-U1", id="x"), *CLEAN]
    shared = only(Matter.ACCOUNT_SHARED, *more)
    assert shared in found(*more, name="white")
    assert shared in found(*more, name="second")
    assert {f.matter for f in found(*more, name="white")} == {Matter.ACCOUNT_SHARED}
    with pytest.raises(NotFoundError, match=r"no allow-list “nowhere” is recorded"):
        found(name="nowhere")


def test_a_review_is_as_known() -> None:
    late = Party(party="Maker", territory="Thirdland", **said("maker", recorded_at=utc("2024-04-01")))
    assert review(facts(*CLEAN, late), NOW, NOW) == ()
    assert {f.matter for f in review(facts(*CLEAN, late), NOW, utc("2024-04-02"))} == {Matter.CUSTODY_ABROAD}


def test_the_order_of_facts_makes_no_difference() -> None:
    history = [*facts(*wave((1, 2, 3, 4), evidence="letter"), application("W-Ada", "Bo", id="x"))]
    assert review(Facts(history), NOW, NOW) == review(Facts(history[::-1]), NOW, NOW)


def test_every_matter_is_shown_above() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    assert [matter.name for matter in Matter if f"Matter.{matter.name}" not in text] == []


def test_a_finding_as_a_document() -> None:
    document = only(Matter.OWN_APPROVAL, *unit("U1"), listing("U1", approved_by="Ada")).document()
    assert document == {
        "matter": "approval.own",
        "entries": ["listing-U1-Ada"],
        "text": "Ada approved what they asked for themselves",
        "facts": [
            {
                "id": "listing-U1-Ada",
                "kind": "Listing",
                "source": "gazette 1/2024",
                "author": "clerk",
                "valid_from": "2024-02-02T00:00:00Z",
                "recorded_at": "2024-02-02T00:00:00Z",
            }
        ],
    }
