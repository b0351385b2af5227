"""What may be granted, and what not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from skyhaul.control.decision import Code, Position
from skyhaul.control.facts import Fact, Facts, HolderKind, Listing, Quotas, Withdrawal
from skyhaul.control.lists import ListRegister, approve, check_listing, quota_used, remove
from skyhaul.errors import ControlError, NotFoundError
from tests.control.lists.listed import LIST, NOW, UNTIL, application, day, facts, listing, register, the_list
from tests.control.worlds import ask, known, said, world


def grant(found: ListRegister, asked: str, **given: Any) -> Listing:
    how: dict[str, Any] = {
        "approver": "clerk",
        "valid_from": NOW,
        "valid_to": UNTIL,
        "recorded_at": NOW,
        "source": "decision",
    }
    return approve(found, asked, id_=f"L-{asked}", **(how | given))


def granted_in_turn(units: list[str], **given: Any) -> list[Fact]:
    """Applications granted one after another, until one is refused."""
    recorded: list[Fact] = []
    for number, unit in enumerate(units, 1):
        asked = application(unit, number=number, **given)
        recorded.append(asked)
        recorded.append(grant(register(*recorded), asked.id, valid_from=day(number), recorded_at=day(number)))
    return recorded


@pytest.mark.parametrize(
    ("most", "given"),
    [
        (1, {}),
        (3, {"shown": True}),
        (10, {"holder_kind": HolderKind.FIRM}),
        (25, {"holder_kind": HolderKind.CRITICAL_FIRM}),
        (25, {"holder_kind": HolderKind.STATE, "sponsor": "Defence Office"}),
    ],
)
def test_a_holder_has_as_many_as_its_kind_may(most: int, given: dict[str, Any]) -> None:
    """The defaults are those published for the national list of 2026: 1 unseen or 3 shown a person, 10 a firm, any
    number a critical firm; users of the state have a path of their own."""
    recorded = granted_in_turn([f"U{i}" for i in range(most)], **given)
    assert len([fact for fact in recorded if isinstance(fact, Listing)]) == most
    if most == 25:
        return
    with pytest.raises(ControlError, match=r"Ada has U0.* on the list “white”: a .* has \d+"):
        granted_in_turn([f"U{i}" for i in range(most + 1)], **given)


def test_three_shown_or_one_unseen_not_both() -> None:
    unseen = [application("U1"), listing("U1")]
    shown = application("U2", shown=True)
    assert grant(register(*unseen, shown), shown.id).shown
    two = [*unseen, listing("U2", shown=True), listing("U3", shown=True)]
    with pytest.raises(ControlError, match=r"a person has 3"):
        grant(register(*two, application("U4", shown=True)), "application-U4-Ada")
    with pytest.raises(ControlError, match=r"a person has 1 unseen.*have it shown"):
        grant(register(*unseen, application("U5")), "application-U5-Ada")


def test_quotas_are_the_lists_own() -> None:
    facts_ = Facts([*world(), the_list(quotas=Quotas(person_unseen=2)), listing("U1"), application("U2")])
    assert grant(ListRegister(facts_, NOW), "application-U2-Ada").terminal == "U2"


def test_a_user_of_the_state_needs_a_sponsor() -> None:
    with pytest.raises(ControlError, match=r"a state holder without sponsor"):
        application("U1", holder_kind=HolderKind.STATE)


def test_what_expires_or_is_removed_makes_room() -> None:
    over = listing("U1", valid_to=day(20))
    asked = application("U2")
    assert grant(register(over, asked), asked.id, valid_from=day(20)).terminal == "U2"
    with pytest.raises(ControlError, match=r"a person has 1 unseen"):
        grant(register(over, asked), asked.id, valid_from=day(19))
    gone = Withdrawal(kind="Listing", subject="listing-U1-Ada", **said("W", valid_from=day(10), recorded_at=day(10)))
    assert grant(register(over, gone, asked), asked.id, valid_from=day(12)).terminal == "U2"


def test_a_grant_does_not_push_out_one_that_begins_later() -> None:
    later = listing("U1", number=20, recorded_at=day(3))
    with pytest.raises(ControlError, match=r"Ada has U1 on the list “white” from 2024-02-20"):
        grant(register(later, application("U2")), "application-U2-Ada", valid_from=day(4))
    short = grant(register(later, application("U2")), "application-U2-Ada", valid_from=day(4), valid_to=day(20))
    assert short.valid_to == day(20)


def test_another_person_decides() -> None:
    for approver in ("Ada", "desk"):
        with pytest.raises(ControlError, match=f"{approver} decides on their own application.*another person"):
            grant(register(application("U1")), "application-U1-Ada", approver=approver)


def test_one_terminal_is_on_a_list_once() -> None:
    there = listing("U1", "Bo")
    with pytest.raises(ControlError, match=r"U1 is on the list “white” by listing-U1-Bo, for Bo.*remove that"):
        grant(register(there, application("U1")), "application-U1-Ada")


def test_what_is_granted_is_what_was_asked() -> None:
    asked = application("U1")
    other = listing("U1", application=asked.id, account="A-other")
    with pytest.raises(ControlError, match=r"grants account “A-other” where application-U1-Ada asks for “A-U1”"):
        check_listing(register(asked), other)
    firm = listing("U1", application=asked.id, kind=HolderKind.FIRM)
    with pytest.raises(ControlError, match=r"grants to a firm what a person asks"):
        check_listing(register(asked), firm)


def test_a_listing_has_a_list_and_an_end() -> None:
    with pytest.raises(ControlError, match=r"no list “black” is in force at 2024-02-02T00:00:00Z \(there are white\)"):
        check_listing(register(), listing("U1", name="black"))
    with pytest.raises(ControlError, match=r"a listing without an end"):
        check_listing(register(), listing("U1", valid_to=None))
    with pytest.raises(NotFoundError, match=r"no application nowhere is recorded"):
        check_listing(register(), listing("U1", application="nowhere"))


def test_granted_in_spite_of_a_finding_says_so() -> None:
    listed = grant(register(application("U1")), "application-U1-Ada", despite="kit number read from the box")
    assert listed.evidence == "passport of Ada; granted although: kit number read from the box"


def test_what_is_granted_is_served_and_what_is_not_is_not() -> None:
    """The listing that approval makes is the one that the decision looks for."""
    asked = application("fixed")
    listed = grant(register(asked), asked.id, valid_from=day(5), recorded_at=day(5))
    at_border = Position(48.05, 12.0)
    held: dict[str, Any] = {"time": day(10), "position": at_border}
    without = known(the_list(), asked, at=day(10))
    assert ask(without, "roaming", **held).code == Code.BLOCKED_AREA
    roaming = application("roaming")
    given = grant(register(roaming), roaming.id, valid_from=day(5), recorded_at=day(5))
    assert ask(known(the_list(), roaming, given, at=day(10)), "roaming", **held).code == Code.OKAY
    assert listed.key in {f.id for f in facts(asked, listed) if isinstance(f, Listing)}


def test_what_is_removed_is_refused_from_its_instant_on_and_no_lease_outlives_it() -> None:
    roaming = application("roaming")
    given = grant(register(roaming), roaming.id, valid_from=day(5), recorded_at=day(5))
    gone = remove(
        register(roaming, given), given.id, id_="gone", removed_by="clerk", reason="stolen",
        valid_from=day(10, 12), recorded_at=day(9), source="decision",
    )  # fmt: skip
    compiled = known(the_list(), roaming, given, gone, at=day(11))
    before = ask(compiled, "roaming", Position(48.05, 12.0), time=day(10, 12) - np.timedelta64(1, "s"))
    assert before.code == Code.OKAY
    assert before.grant is not None
    assert before.grant.ends == day(10, 12)
    assert ask(compiled, "roaming", Position(48.05, 12.0), time=day(10, 12)).code == Code.BLOCKED_AREA


def test_used_quota_counts_what_is_in_force() -> None:
    found = register(listing("U1", shown=True), listing("U2", shown=True, valid_to=day(9)))
    assert [f.terminal for f in quota_used(found, LIST, "Ada", day(5))] == ["U1", "U2"]
    assert [f.terminal for f in quota_used(found, LIST, "Ada", NOW)] == ["U1"]
