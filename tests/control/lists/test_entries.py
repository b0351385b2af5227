"""What becomes of an application, at every instant and as known at every instant."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from skyhaul.control.facts import Facts, Rejection, Withdrawal
from skyhaul.control.lists import ListRegister, State, approve, reject, remove
from skyhaul.errors import ControlError, NotFoundError
from tests.control.lists.listed import NOW, UNTIL, application, day, facts, listing, register
from tests.control.worlds import said

ASKED = application("fixed")


def granted(number: int = 3, until: np.datetime64 = UNTIL, **given: Any) -> Any:
    return approve(
        register(ASKED),
        ASKED.id,
        id_="L-1",
        approver="clerk",
        valid_from=day(number),
        valid_to=until,
        recorded_at=day(number),
        source="decision 1/2024",
        **given,
    )


def removal(of: Any, number: int, entry: str = "L-1") -> Withdrawal:
    return remove(
        register(ASKED, of),
        entry,
        id_="W-1",
        removed_by="clerk",
        reason="stolen",
        valid_from=day(number),
        recorded_at=day(number),
        source="decision 2/2024",
    )


def state(*more: Any, at: np.datetime64 = NOW, known: np.datetime64 = NOW) -> tuple[State, str]:
    entry = ListRegister(facts(ASKED, *more), known).entry(ASKED.id, at)
    return entry.state, entry.reason


def test_an_open_application() -> None:
    assert state() == (State.APPLIED, "")


def test_a_listing_grants_it_and_says_what_was_asked() -> None:
    listed = granted()
    assert (listed.application, listed.terminal, listed.holder) == (ASKED.id, "fixed", "Ada")
    assert state(listed) == (State.APPROVED, "")
    assert state(listed, known=day(2)) == (State.APPLIED, ""), "as known before the listing was recorded"


def test_a_listing_expires_by_itself() -> None:
    listed = granted(until=day(20))
    assert state(listed, at=day(19)) == (State.APPROVED, "")
    assert state(listed, at=day(20)) == (State.EXPIRED, "its time on the list is over")


def test_a_removal_has_its_reason_and_its_instant() -> None:
    listed = granted()
    away = removal(listed, 10)
    assert away.reason == "stolen"
    assert state(listed, away, at=day(9)) == (State.APPROVED, "")
    assert state(listed, away, at=day(10)) == (State.REMOVED, "stolen")
    assert removal(listed, 10, ASKED.id) == away, "a listing is named by its own id or its application's"


def test_an_open_application_is_withdrawn_the_same_way() -> None:
    away = remove(
        register(ASKED), ASKED.id, id_="W-1", removed_by="desk", reason="sold on",
        valid_from=day(5), recorded_at=day(5), source="letter",
    )  # fmt: skip
    assert away.kind == "Application"
    assert state(away) == (State.REMOVED, "sold on")
    assert state(away, at=day(4)) == (State.APPLIED, "")


def test_a_rejection_has_its_reason() -> None:
    answer = reject(
        register(ASKED), ASKED.id, id_="R-1", rejected_by="clerk", reason="no passport",
        valid_from=day(4), recorded_at=day(4), source="decision 3/2024",
    )  # fmt: skip
    assert state(answer) == (State.REJECTED, "no passport")
    assert state(answer, at=day(3)) == (State.APPLIED, "")
    undone = Withdrawal(kind="Rejection", subject="R-1", **said("W-2", valid_from=day(4), recorded_at=day(6)))
    assert state(answer, undone) == (State.APPLIED, ""), "a rejection in error is withdrawn"


def test_an_application_that_nobody_decides_lapses() -> None:
    lapsing = application("fixed", valid_to=day(9))
    entry = ListRegister(facts(lapsing), NOW).entry(lapsing.id, NOW)
    assert (entry.state, entry.reason, entry.since) == (State.EXPIRED, "it lapsed undecided", day(9))


def test_a_listing_without_application_is_an_entry_too() -> None:
    (entry,) = register(listing("fixed")).entries(NOW)
    assert (entry.id, entry.state, entry.application) == ("listing-fixed-Ada", State.APPROVED, None)


def test_entries_come_in_order_of_time_and_of_one_list() -> None:
    later, earlier = application("boat", number=5), application("plane", number=2)
    found = register(later, earlier, application("mobile", number=9))
    assert [entry.asked.terminal for entry in found.entries(day(6), "white")] == ["plane", "boat"]
    with pytest.raises(NotFoundError, match=r"no allow-list “black” is recorded \(there are white\)"):
        found.entries(NOW, "black")


REFUSED = Rejection(
    application=ASKED.id, rejected_by="clerk", reason="no", **said("R", valid_from=day(2), recorded_at=day(2))
)
DECIDED = [
    ("is rejected since 2024-02-02", REFUSED),
    ("is approved since 2024-02-02", listing("fixed", application=ASKED.id)),
]


@pytest.mark.parametrize(("message", "fact"), DECIDED, ids=["rejected", "approved"])
def test_what_is_decided_is_not_decided_again(message: str, fact: Any) -> None:
    found = register(ASKED, fact)
    how: dict[str, Any] = {"valid_from": day(8), "recorded_at": day(8), "source": "s"}
    with pytest.raises(ControlError, match=f"Application application-fixed-Ada: {message}.*apply again"):
        approve(found, ASKED.id, id_="L", approver="clerk", valid_to=UNTIL, **how)
    with pytest.raises(ControlError, match=message):
        reject(found, ASKED.id, id_="R-9", rejected_by="clerk", reason="no", **how)


def test_what_is_off_the_list_is_not_removed_again() -> None:
    listed = granted()
    with pytest.raises(ControlError, match=r"is removed since 2024-02-10.*nothing to remove"):
        remove(
            register(ASKED, listed, removal(listed, 10)), "L-1", id_="W-3", removed_by="clerk", reason="again",
            valid_from=day(12), recorded_at=day(12), source="s",
        )  # fmt: skip


def test_a_removal_needs_a_reason() -> None:
    with pytest.raises(ControlError, match=r"removed without a reason"):
        remove(
            register(ASKED), ASKED.id, id_="W", removed_by="c", reason=" ", valid_from=NOW, recorded_at=NOW, source="s"
        )


def test_an_id_that_nobody_gave() -> None:
    for ask in (register().application, lambda id_: register().entry(id_, NOW)):
        with pytest.raises(NotFoundError, match=r"no application( or listing)? nothing is recorded"):
            ask("nothing")


def test_the_order_of_facts_makes_no_difference() -> None:
    listed = granted()
    history = [*facts(ASKED, listed, removal(listed, 10), application("boat"))]
    there = ListRegister(Facts(history), NOW).entries(NOW)
    assert ListRegister(Facts(history[::-1]), NOW).entries(NOW) == there
