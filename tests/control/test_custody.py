"""The way of units through hands: what the record shows, and what it cannot."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skyhaul.control.custody import STEPS, CustodyRecord
from skyhaul.control.facts import CustodyEvent, Step, utc
from skyhaul.errors import ControlError, NotFoundError
from tests.control.worlds import said


def event(
    day: int, step: Step, item: str, giver: str = "", receiver: str = "", lot: str = "", id_: str = ""
) -> CustodyEvent:
    id_ = id_ or f"{day}-{step}-{item}-{giver}-{receiver}"
    return CustodyEvent(
        step=step, item=item, giver=giver, receiver=receiver, lot=lot, **said(id_, valid_from=utc(f"2024-01-{day:02}"))
    )


MADE, SENT, GOT, PASSED, SPLIT, GONE = STEPS

CHAIN = [
    event(1, MADE, "LOT", receiver="Maker"),
    event(2, SENT, "LOT", "Maker", "Dealer A"),
    event(3, GOT, "LOT", receiver="Dealer A"),
    event(4, SPLIT, "U1", lot="LOT"),
    event(4, SPLIT, "U2", lot="LOT"),
    event(4, SPLIT, "U3", lot="LOT"),
    event(5, PASSED, "U1", "Dealer A", "Dealer B"),
    event(6, PASSED, "U1", "Dealer B", "Brigade"),
    event(5, SENT, "U2", "Dealer A", "Brigade"),
    event(6, GOT, "U3", "Dealer A", "Ada"),
    event(1, MADE, "U4", receiver="Maker"),
    event(9, PASSED, "U4", "Dealer B", "Ada"),
]


def test_indirectly_is_a_path_through_others() -> None:
    record = CustodyRecord.of(CHAIN)
    reach = record.reaches("Brigade")
    assert reach.reached == {"U1": utc("2024-01-06")}
    assert reach.sent == {"U2": utc("2024-01-05")}
    assert reach.unknown == {"U4": utc("2024-01-09")}
    assert reach.clear == 1
    assert record.trace("U1").path_to("Brigade") == ("Maker", "Dealer A", "Dealer B", "Brigade")
    assert record.trace("U3").path_to("Brigade") is None


def test_what_a_lot_went_through_its_parts_went_through() -> None:
    reach = CustodyRecord.of(CHAIN).reaches("Dealer A")
    assert sorted(reach.reached) == ["U1", "U2", "U3"]
    assert "LOT" not in reach.reached, "a lot is no unit"
    assert set(reach.reached.values()) == {utc("2024-01-03")}


def test_what_a_lot_went_through_after_the_split_its_parts_did_not() -> None:
    record = CustodyRecord.of([*CHAIN, event(7, PASSED, "LOT", "Dealer A", "Cy")])
    assert record.reaches("Cy").reached == {}


def test_several_parties_are_asked_for_together() -> None:
    reach = CustodyRecord.of(CHAIN).reaches("Brigade", "Ada")
    assert sorted(reach.reached) == ["U1", "U3", "U4"]


def test_a_trace_for_people_says_what_is_not_known() -> None:
    assert str(CustodyRecord.of(CHAIN).trace("U2")) == (
        "U2: Maker → Dealer A → ?\n"
        "  2024-01-01T00:00:00Z commissioning (lot LOT) Maker\n"
        "  2024-01-02T00:00:00Z shipping (lot LOT) Maker → Dealer A\n"
        "  2024-01-03T00:00:00Z receiving (lot LOT) Dealer A\n"
        "  2024-01-04T00:00:00Z split\n"
        "  2024-01-05T00:00:00Z shipping Dealer A → Brigade\n"
        "  ? on its way to Brigade, and no receipt is recorded"
    )
    assert str(CustodyRecord.of(CHAIN).trace("U4")) == (
        "U4: Maker → ? → Dealer B → Ada\n"
        "  2024-01-01T00:00:00Z commissioning Maker\n"
        "  ? it left a party that is not recorded to have had it\n"
        "  2024-01-09T00:00:00Z transfer Dealer B → Ada"
    )


MADE_BY_M = event(1, MADE, "U", receiver="M")
SENT_TO_BO = event(2, SENT, "U", "M", "Bo")
NOT_RECEIVED = "it was sent on its way, and no receipt is recorded"
DESTROYED = "it is recorded to have been destroyed before"
LOTS = [event(1, MADE, "L", receiver="M"), event(1, MADE, "K", receiver="M"), event(2, SPLIT, "U", lot="L")]


@pytest.mark.parametrize(
    ("events", "gap"),
    [
        ([event(1, PASSED, "U", "Ada", "Bo")], "how it came to be there is not recorded"),
        ([event(1, SPLIT, "U", lot="L")], "how it came to be there is not recorded"),
        ([MADE_BY_M, event(2, PASSED, "U", "", "Bo")], "from whom it came is not recorded"),
        ([MADE_BY_M, event(2, PASSED, "U", "Bo", "Cy")], "it left a party that is not recorded to have had it"),
        ([MADE_BY_M, SENT_TO_BO, event(3, GOT, "U", "", "Cy")], "it was sent to another"),
        ([MADE_BY_M, SENT_TO_BO, event(3, PASSED, "U", "Bo", "Cy")], NOT_RECEIVED),
        ([MADE_BY_M, event(2, MADE, "U", receiver="M")], "it is recorded to have been made before"),
        ([MADE_BY_M, event(2, GONE, "U", "M"), event(3, GOT, "U", "M", "Bo")], DESTROYED),
        ([*LOTS, event(3, SPLIT, "U", lot="K")], "it is recorded to have been split before"),
    ],
)  # fmt: skip
def test_gaps(events: list[CustodyEvent], gap: str) -> None:
    trace = CustodyRecord.of(events).trace("U")
    assert [p.gap_before for p in trace.passages if p.gap_before] == [gap]
    assert "?" in trace.parties
    reach = CustodyRecord.of([*events, event(1, MADE, "other", receiver="Somebody")]).reaches("Somebody")
    assert "U" in reach.unknown


def test_a_complete_chain_has_no_gap() -> None:
    record = CustodyRecord.of(
        [
            event(1, MADE, "U", receiver="M"),
            event(2, SENT, "U", "M", "Bo"),
            event(3, GOT, "U", "M", "Bo"),
            event(4, PASSED, "U", "Bo", "Cy"),
            event(5, GOT, "U", "Cy", "Di"),
            event(6, GONE, "U", "Di"),
            event(1, MADE, "V", receiver="M"),
        ]
    )
    assert record.trace("U").parties == ("M", "Bo", "Cy", "Di")
    reach = record.reaches("Di")
    assert (list(reach.reached), reach.unknown, reach.clear) == (["U"], {}, 1)


def test_resale_in_a_circle_ends() -> None:
    hands = ["A", "B", "C"] * 4
    events = [event(1, MADE, "U", receiver="A")]
    events += [event(2 + i, PASSED, "U", a, b) for i, (a, b) in enumerate(pairwise(hands))]
    record = CustodyRecord.of(events)
    assert record.trace("U").parties == tuple(hands)
    assert record.trace("U").path_to("C") == ("A", "B", "C")
    assert list(record.reaches("C").reached) == ["U"]


def test_lots_that_are_parts_of_each_other_end_where_they_close() -> None:
    events = [
        event(1, SPLIT, "K", lot="L"),
        event(1, SPLIT, "L", lot="K"),
        event(2, SPLIT, "U", lot="K"),
        event(3, PASSED, "U", "A", "B"),
    ]
    record = CustodyRecord.of(events)
    assert record.trace("K").passages[0].gap_before == "its lots are recorded to be parts of each other"
    assert list(record.reaches("B").reached) == ["U"]
    assert "?" in record.trace("U").parties


def test_a_lot_that_only_its_parts_name_has_no_way_of_its_own() -> None:
    trace = CustodyRecord.of([event(2, SPLIT, "U", lot="K")]).trace("K")
    assert (trace.passages, trace.parties, trace.under_way_to) == ((), (), None)


def test_who_is_not_recorded_is_not_found() -> None:
    record = CustodyRecord.of(CHAIN)
    with pytest.raises(NotFoundError, match=r"custody knows no party “Nobody” \(5 are recorded\)"):
        record.reaches("Nobody")
    with pytest.raises(NotFoundError, match="custody knows no unit “U9”"):
        record.trace("U9")


def test_columns_that_name_nothing_are_refused() -> None:
    one = np.zeros(1, dtype=np.int32)
    with pytest.raises(ControlError, match="receiver of event 0: 0 names nothing"):
        CustodyRecord(["U"], [], one, one.astype(np.int64), one.astype(np.int8), one - 1, one, one - 1)
    with pytest.raises(ControlError, match="step: 2 rows for 1 times"):
        CustodyRecord(["U"], ["A"], one, one.astype(np.int64), np.zeros(2, dtype=np.int8), one, one, one - 1)


def reached_by_recursion(events: list[CustodyEvent], item: str, party: str, until: Any, seen: frozenset[str]) -> bool:
    """The plain definition: own events, and those of the lot up to the split."""
    own = [e for e in events if e.item == item and (until is None or e.valid_from <= until)]
    for e in own:
        receives = e.step in (Step.COMMISSIONING, Step.RECEIVING, Step.TRANSFER) and e.receiver == party
        if receives or e.giver == party:
            return True
    splits = sorted((e for e in events if e.item == item and e.step is Step.SPLIT), key=lambda e: (e.valid_from, e.id))
    if splits and item not in seen:
        first = splits[0]
        earlier = first.valid_from if until is None else min(until, first.valid_from)
        return reached_by_recursion(events, first.lot, party, earlier, seen | {item})
    return False


@st.composite
def histories(draw: st.DrawFn) -> list[CustodyEvent]:
    events = []
    for i in range(draw(st.integers(1, 25))):
        step = draw(st.sampled_from(STEPS))
        item = draw(st.integers(0, 6))
        giver, receiver = (draw(st.sampled_from(("", "A", "B", "C"))) for _ in range(2))
        if step is Step.COMMISSIONING or (step is Step.TRANSFER and not giver):
            receiver = receiver or "A"
        if step is Step.SPLIT:
            giver = receiver = ""
        # Parts have higher numbers than their lots: no circles.
        lot = f"I{draw(st.integers(0, item - 1))}" if item and step is Step.SPLIT else ""
        if step is Step.SPLIT and not lot:
            continue
        events.append(event(draw(st.integers(1, 9)), step, f"I{item}", giver, receiver, lot, id_=f"{i:02}"))
    return events


@settings(max_examples=150, deadline=None)
@given(histories(), st.sampled_from("ABC"), st.randoms(use_true_random=False))
def test_reach_is_what_its_definition_says_in_any_order(events: list[CustodyEvent], party: str, random: Any) -> None:
    events = [*events, event(1, MADE, "other", receiver=party)]
    record = CustodyRecord.of(events)
    reach = record.reaches(party)
    lots = {e.lot for e in events if e.lot}
    units = {e.item for e in events} - lots
    expected = {unit for unit in units if reached_by_recursion(events, unit, party, None, frozenset())}
    assert set(reach.reached) == expected
    assert len(reach.reached) + len(reach.sent) + len(reach.unknown) + reach.clear == len(units)
    for unit in reach.reached:
        assert record.trace(unit).path_to(party) is not None
    for unit in units - expected:
        gaps = any(p.gap_before for p in record.trace(unit).passages) or record.trace(unit).under_way_to is not None
        assert unit in reach.sent or (unit in reach.unknown) == gaps
    shuffled = list(events)
    random.shuffle(shuffled)
    other = CustodyRecord.of(shuffled)
    assert other.reaches(party) == reach
    assert all(str(other.trace(unit)) == str(record.trace(unit)) for unit in units)
