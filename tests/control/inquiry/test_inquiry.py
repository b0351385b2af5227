"""What records show of an area and a time, and what they cannot show."""

from __future__ import annotations

from typing import Any

import h3.api.basic_int as h3
import numpy as np
import pytest
import shapely

from skyhaul.control.facts import (
    Action,
    Area,
    CustodyEvent,
    Fact,
    Facts,
    Layer,
    Manner,
    Statement,
    Step,
    Target,
    utc,
)
from skyhaul.control.inquiry import Gap, Inquiry, Recorded, Sightings, inquire
from skyhaul.errors import ControlError
from tests.control.worlds import START, area, order, said, world

PATCH = shapely.box(11.0, 48.4, 12.0, 49.0)  # in Northland
BEGIN, END = "2024-02-17T12:00:00Z", "2024-02-17T13:00:00Z"
_SLOTS = np.arange(utc("2024-02-17T12:00:12Z"), utc("2024-02-17T12:59:57Z"), np.timedelta64(15, "s"))


def _seen(*rows: tuple[str, int, float, float, bool, int], covers: tuple[str, str] = (BEGIN, END)) -> Sightings:
    """Sightings from rows of unit, slot, latitude, longitude, granted and code; those granted have a path."""
    units = tuple(sorted({row[0] for row in rows}))
    granted = np.array([row[4] for row in rows], dtype=bool)
    return Sightings(
        units=units,
        rules=("order.area",),
        unit=np.array([units.index(row[0]) for row in rows], dtype=np.int64),
        time=_SLOTS[[row[1] for row in rows]],
        latitude_deg=np.array([row[2] for row in rows]),
        longitude_deg=np.array([row[3] for row in rows]),
        granted=granted,
        served=granted.copy(),
        code=np.array([row[5] for row in rows], dtype=np.int64),
        rule=np.where(granted, -1, 0).astype(np.int64),
        covers=np.array([[utc(covers[0]), utc(covers[1])]]),
        source="a test",
    )


def _moved(id_: str, step: Step, item: str, *, giver: str = "", receiver: str = "", **given: Any) -> CustodyEvent:
    return CustodyEvent(step=step, item=item, giver=giver, receiver=receiver, **said(id_, **given))


def _asked(
    *more: Fact, sightings: list[Sightings] | None = None, known_at: str = "2024-03-01", without: str = ""
) -> Inquiry:
    facts = Facts([*(fact for fact in world() if fact.id != without), *more])
    return inquire(facts, PATCH, BEGIN, END, name="the patch", known_at=known_at, sightings=sightings or [])


def _gap(inquiry: Inquiry, words: str) -> Gap | None:
    return next((gap for gap in inquiry.gaps if words in gap.text), None)


INSIDE, OUTSIDE = (48.7, 11.5), (49.5, 13.0)


def test_only_what_was_inside_in_the_time_is_told() -> None:
    seen = _seen(
        ("fixed", 0, *INSIDE, True, 1),
        ("fixed", 1, *INSIDE, False, 16),
        ("fixed", 2, *OUTSIDE, True, 1),
        ("roaming", 2, *OUTSIDE, True, 1),
    )
    (unit,) = _asked(sightings=[seen]).units
    assert unit.unit == "fixed"
    assert (unit.first, unit.last, unit.served_slots) == (_SLOTS[0], _SLOTS[0], 1)
    assert unit.refused == {(16, "order.area"): 1}
    later = inquire(Facts(world()), PATCH, "2024-02-17T12:30:00Z", END, sightings=[seen])
    assert later.units == ()


def test_several_sources_are_told_as_one() -> None:
    first = _seen(
        ("fixed", 0, *INSIDE, True, 1), ("roaming", 1, *INSIDE, True, 1), covers=(BEGIN, "2024-02-17T12:30:00Z")
    )
    second = _seen(("fixed", 130, *INSIDE, False, 16), covers=("2024-02-17T12:30:00Z", END))
    inquiry = _asked(sightings=[first, second])
    fixed, roaming = inquiry.units
    assert (fixed.served_slots, fixed.refused) == (1, {(16, "order.area"): 1})
    assert (roaming.unit, roaming.served_slots) == ("roaming", 1)
    assert _gap(inquiry, "no sightings") is None


def test_a_unit_with_a_grant_and_no_satellite_was_not_served() -> None:
    seen = _seen(("fixed", 0, *INSIDE, True, 1))
    seen.served[:] = False
    (unit,) = _asked(sightings=[seen]).units
    assert (unit.served_slots, unit.unreached_slots, unit.first) == (0, 1, None)


def test_places_are_told_as_cells_and_nothing_finer() -> None:
    inquiry = _asked(sightings=[_seen(("fixed", 0, 48.71234, 11.54321, True, 1))])
    assert len(inquiry.cells) > 12
    cell = f"{h3.latlng_to_cell(48.71234, 11.54321, 5):x}"
    assert inquiry.units[0].cells == (cell,)
    assert cell in inquiry.cells
    for text in (inquiry.markdown(), str(inquiry.document())):
        assert "48.7" not in text
        assert "11.54" not in text


def test_hands_are_told_up_to_the_last_sighting() -> None:
    events = [
        _moved("e1", Step.COMMISSIONING, "fixed", receiver="Maker"),
        _moved(
            "e2", Step.TRANSFER, "fixed", giver="Maker", receiver="Dealer", manner=Manner.SALE, valid_from="2024-01-05"
        ),
        _moved(
            "e3", Step.TRANSFER, "fixed", giver="Dealer", receiver="Ada", manner=Manner.GIFT, valid_from="2024-01-06"
        ),
        _moved("e4", Step.TRANSFER, "fixed", giver="Ada", receiver="Bob", manner=Manner.THEFT, valid_from="2024-02-20"),
    ]
    (unit,) = _asked(*events, sightings=[_seen(("fixed", 0, *INSIDE, True, 1))]).units
    assert unit.hands.way == "Maker → Dealer (sale) → Ada (gift)"
    assert unit.hands.holder == "Ada"
    assert unit.hands.unknown == ()


def test_a_unit_sent_without_a_receipt_is_a_gap() -> None:
    events = [
        _moved("e1", Step.COMMISSIONING, "fixed", receiver="Maker"),
        _moved("e2", Step.SHIPPING, "fixed", giver="Maker", receiver="Dealer", valid_from="2024-01-05"),
    ]
    inquiry = _asked(*events, sightings=[_seen(("fixed", 0, *INSIDE, True, 1))])
    assert inquiry.units[0].hands.way.endswith("?")
    gap = _gap(inquiry, "at times nobody accounts for")
    assert gap is not None
    assert gap.items == ("fixed",)
    unseen = _gap(_asked(*events), "without connecting")
    assert unseen is not None
    assert "fixed" in unseen.items


def test_registry_and_custody_that_differ_are_a_gap() -> None:
    events = [_moved("e1", Step.COMMISSIONING, "fixed", receiver="Somebody else")]
    gap = _gap(_asked(*events, sightings=[_seen(("fixed", 0, *INSIDE, True, 1))]), "name different holders")
    assert gap is not None
    assert gap.items[0].startswith("fixed: ")
    assert gap.items[0].endswith("Somebody else by custody")


def test_a_unit_that_nobody_registered_is_a_gap() -> None:
    inquiry = _asked(sightings=[_seen(("stranger", 0, *INSIDE, False, 0))])
    gap = _gap(inquiry, "not in the registry")
    assert gap is not None
    assert gap.items == ("stranger",)
    assert inquiry.units[0].registered == ()


@pytest.mark.parametrize(
    ("covers", "holes"),
    [
        ((BEGIN, END), None),
        (("2024-02-17T12:20:00Z", END), "2024-02-17T12:00:00Z to 2024-02-17T12:20:00Z"),
        ((BEGIN, "2024-02-17T12:40:00Z"), "2024-02-17T12:40:00Z to 2024-02-17T13:00:00Z"),
    ],
)
def test_times_without_sightings_are_a_gap(covers: tuple[str, str], holes: str | None) -> None:
    gap = _gap(_asked(sightings=[_seen(("fixed", 0, *INSIDE, True, 1), covers=covers)]), "no sightings")
    assert (None if gap is None else gap.items[0]) == holes


def test_without_sightings_the_whole_time_is_a_gap() -> None:
    inquiry = _asked()
    assert inquiry.units == ()
    gap = _gap(inquiry, "no sightings")
    assert gap is not None
    assert gap.items == ("2024-02-17T12:00:00Z to 2024-02-17T13:00:00Z",)


def test_control_that_is_unknown_or_disputed_is_a_gap() -> None:
    half = area("control", "west", shapely.box(10.0, 48.0, 11.5, 50.0), "A")
    gap = _gap(_asked(half, without="control-Northland"), "no record says it")
    assert gap is not None
    assert gap.items == ("2024-02-17T12:00:00Z to 2024-02-17T13:00:00Z for 50 % of the area",)
    gap = _gap(_asked(half), "records name several")
    assert gap is not None
    assert gap.items == ("2024-02-17T12:00:00Z to 2024-02-17T13:00:00Z for 50 % of the area",)
    assert _gap(_asked(), "who was in control") is None


def test_facts_recorded_afterwards_are_told_and_marked() -> None:
    late = area("control", "all", shapely.box(10.0, 48.0, 14.0, 50.0), "B", recorded_at="2024-02-18")
    inquiry = _asked(late)
    assert [bearing.late for bearing in inquiry.bearings if bearing.fact.id == late.id] == [True]
    gap = _gap(inquiry, "recorded only afterwards")
    assert gap is not None
    assert gap.items == (late.id,)
    assert all(bearing.fact.id != late.id for bearing in _asked(late, known_at="2024-02-17T18:00:00Z").bearings)


def test_orders_that_met_the_area_are_told_for_their_time() -> None:
    zone = area("zone", "Patch", shapely.box(11.2, 48.5, 11.4, 48.6))
    times = {"valid_from": "2024-02-17T12:10:00Z", "valid_to": "2024-02-17T12:20:00Z"}
    inquiry = _asked(zone, order("order", Action.SUSPEND, Target.AREA, "zone/Patch", **times))
    (told,) = [bearing for bearing in inquiry.bearings if bearing.fact.id == "order"]
    assert (told.begin, told.end) == (utc("2024-02-17T12:10:00Z").astype(int), utc("2024-02-17T12:20:00Z").astype(int))
    unsigned = _gap(inquiry, "without signature")
    assert unsigned is not None
    assert "order" in unsigned.items


def test_statements_come_with_those_that_dispute_them_and_nothing_decides() -> None:
    zone = area("zone", "Patch", shapely.box(11.2, 48.5, 11.4, 48.6))
    claim = Statement(speaker="One", says="they were used", about=("zone/Patch",), **said("claim"))
    denial = Statement(speaker="Two", says="none was sold", disputes=("claim",), **said("denial"))
    other = Statement(speaker="Three", says="it rains", about=("zone/Elsewhere",), **said("other"))
    inquiry = _asked(zone, claim, denial, other)
    assert [statement.id for statement in inquiry.statements] == ["claim", "denial"]
    gap = _gap(inquiry, "dispute each other")
    assert gap is not None
    assert gap.items == ("denial and claim",)


def test_what_can_never_be_known_is_always_said() -> None:
    texts = [gap.text for gap in _asked().gaps]
    for words in ("in their hands", "never connected", "relay dish", "traffic"):
        assert any(words in text for text in texts), words


def test_a_time_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(ControlError, match="is not after"):
        inquire(Facts(world()), PATCH, END, BEGIN)


def test_decisions_on_record_are_told_with_their_entries() -> None:
    seen = _seen(("fixed", 0, *INSIDE, True, 1), ("roaming", 0, *INSIDE, True, 1))
    decided = {"fixed": [Recorded(utc("2024-02-17T12:00:12Z"), 1, 7)]}
    facts = Facts(world())
    inquiry = inquire(facts, PATCH, BEGIN, END, sightings=[seen], decisions=lambda unit: decided.get(unit, []))
    assert [unit.decisions for unit in inquiry.units] == [tuple(decided["fixed"]), ()]
    assert "decided for 2024-02-17T12:00:12Z: 1 OKAY, entry 7 of the log" in inquiry.markdown()
    gap = _gap(inquiry, "no decision on record")
    assert gap is not None
    assert gap.items == ("roaming",)


def test_areas_that_only_touch_the_area_are_left_out() -> None:
    beside = area("control", "beside", shapely.box(12.0, 48.4, 13.0, 49.0), "B")
    over = area("control", "over", shapely.box(11.9, 48.4, 13.0, 49.0), "C")
    told = {bearing.fact.id for bearing in _asked(beside, over).bearings}
    assert over.id in told
    assert beside.id not in told


def test_what_is_said_of_a_country_is_not_told_of_a_village() -> None:
    broad = Statement(speaker="One", says="licensed", about=("licence/Northland",), **said("broad"))
    assert _asked(broad).statements == ()
    everywhere = inquire(Facts([*world(), broad]), shapely.box(10.0, 48.0, 14.0, 50.0), BEGIN, END)
    assert everywhere.statements == (broad,)


def test_layers_are_the_only_areas_told() -> None:
    zone = area("zone", "Patch", shapely.box(11.2, 48.5, 11.4, 48.6))
    told = [bearing.fact for bearing in _asked(zone).bearings if isinstance(bearing.fact, Area)]
    assert told
    assert all(fact.layer is not Layer.ZONE for fact in told)
    assert min(fact.valid_from for fact in told) >= START
