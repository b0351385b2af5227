"""Who may use the service where, before and after each change; and what custody says of whom units reached."""

from __future__ import annotations

from functools import cache

import pytest

from skyhaul.control.custody import CustodyRecord, Reach
from skyhaul.control.decision import Code, Compiled, Position, compile_facts, decide
from skyhaul.control.facts import Area, CustodyEvent, Facts, Order, utc
from skyhaul.control.inquiry import inquire
from tests.control.contested.world import answer, recorded

NIGHT = {
    "before": "2024-02-12T22:30:00Z",
    "activated": "2024-02-12T23:30:00Z",
    "line moved": "2024-02-13T00:15:00Z",
    "unit suspended": "2024-02-13T00:45:00Z",
    "area suspended": "2024-02-13T01:20:00Z",
    "area free": "2024-02-13T01:50:00Z",
    "list": "2024-02-13T02:15:00Z",
    "listed": "2024-02-13T02:45:00Z",
    "speed cap": "2024-02-13T03:15:00Z",
}
SERVED = ""


def _refusals(unit: str) -> list[str]:
    """The rule that gives the code at each of these times; empty where the unit is served."""
    found = []
    for time in NIGHT.values():
        decision = answer(unit, time)
        found.append(
            str(next(reason.rule for reason in decision.reasons if reason.refuses)) if decision.code != 1 else ""
        )
    return found


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        ("kyiv-clinic", [SERVED] * 9),
        ("siversk-school", ["licence.activation"] + [SERVED] * 8),
        ("klishchiivka-aid", [SERVED] * 2 + ["licence.control"] * 7),
        ("andriivka-aid", ["licence.control"] * 2 + [SERVED] * 7),
        ("captured-1", ["licence.control"] * 3 + ["order.unit"] * 6),
        ("chasiv-yar-shelter", [SERVED] * 4 + ["order.area"] + [SERVED] * 4),
        ("kramatorsk-press", [SERVED] * 6 + ["allow_list.absent"] + [SERVED] * 2),
        ("resold-2", ["licence.control"] * 2 + [SERVED] * 4 + ["allow_list.absent"] * 3),
        ("resold-1", ["licence.control"] * 9),
        ("luhansk-library", ["licence.control"] * 9),
        ("sevastopol-cafe", ["licence.activation"] * 9),
        ("rostov-workshop", ["licence.missing"] * 9),
    ],
)
def test_one_night(unit: str, expected: list[str]) -> None:
    assert _refusals(unit) == expected


@cache
def _known(time: str) -> Compiled:
    return compile_facts(Facts(recorded()), time)


@pytest.mark.parametrize(
    ("time", "km_h", "code"),
    [
        ("2024-02-13T02:59:59Z", 95.0, Code.OKAY),
        ("2024-02-13T03:00:00Z", 95.0, Code.MOVING_TOO_FAST_FOR_POLICY),
        ("2024-02-13T03:00:00Z", 75.1, Code.MOVING_TOO_FAST_FOR_POLICY),
        ("2024-02-13T03:00:00Z", 74.9, Code.OKAY),
    ],
)
def test_the_speed_cap_counts_from_its_instant(time: str, km_h: float, code: Code) -> None:
    decision = decide(_known(time), "van", Position(49.5, 33.0, semi_major_m=100.0), time, speed_m_s=km_h / 3.6)
    assert decision.code is code


def test_country_alerts_are_kept_apart() -> None:
    time = NIGHT["before"]
    assert answer("sevastopol-cafe", time).alerts == (58,)  # unsupported: never switched on
    assert answer("rostov-workshop", time).alerts == (92,)  # unlicensed


def test_service_began_with_the_activation_of_2022() -> None:
    for unit in ("kyiv-clinic", "kramatorsk-press"):
        before = [reason.rule for reason in answer(unit, "2022-02-26T21:59:59Z", "2022-02-26T21:00:00Z").reasons]
        assert "licence.held" not in before
        held = [reason.rule for reason in answer(unit, "2022-02-26T22:00:00Z", "2024-02-01").reasons]
        assert "licence.held" in held
        assert "order.activate" in held


def test_both_claims_are_cited_and_neither_decides() -> None:
    reasons = answer("kramatorsk-press", NIGHT["before"]).reasons
    claims = {reason.text for reason in reasons if reason.rule == "territory.claim"}
    assert claims == {"Ukraine claims its territory, as drawn", "Russian Federation claims four regions, as drawn"}
    assert answer("kramatorsk-press", NIGHT["before"]).code is Code.OKAY


def test_a_map_corrected_later_does_not_change_what_was_known() -> None:
    noon = "2024-02-11T12:00:00Z"
    assert answer("klishchiivka-aid", noon, noon).code is Code.OKAY
    assert answer("klishchiivka-aid", noon, "2024-02-14T08:59:59Z").code is Code.OKAY
    corrected = answer("klishchiivka-aid", noon, "2024-02-14T09:00:00Z")
    assert corrected.code is Code.BLOCKED_AREA
    assert any("nobody known to be in control" in reason.text for reason in corrected.reasons)


def test_the_bought_listing_is_named() -> None:
    time = NIGHT["list"]
    decision = decide(_known(time), "courier-car", Position(48.588, 37.835, semi_major_m=100.0), time, speed_m_s=0.0)
    assert [reason.rule for reason in decision.reasons if reason.refuses] == ["allow_list.mismatch"]


def _reach(known_at: str, *parties: str) -> Reach:
    known = utc(known_at)
    events = [fact for fact in recorded() if isinstance(fact, CustodyEvent) and fact.recorded_at <= known]
    return CustodyRecord.of(events).reaches(*parties)


def test_whom_units_reached_as_known_then_and_later() -> None:
    then = _reach("2024-02-13", "formation-east")
    assert set(then.reached) == {"captured-1"}
    assert set(then.unknown) == {"resold-2"}
    later = _reach("2024-02-17", "formation-east")
    assert set(later.reached) == {"captured-1", "resold-1"}
    assert set(later.unknown) == {"resold-2"}
    assert later.clear == 11


def test_the_way_of_the_resold_unit() -> None:
    trace = CustodyRecord.of(fact for fact in recorded() if isinstance(fact, CustodyEvent)).trace("resold-1")
    assert trace.parties == ("operator-sales", "dealer-one", "dealer-two", "supply-group", "formation-east")


def test_over_the_peninsula_there_are_words_and_no_order() -> None:
    facts = Facts(recorded())
    (peninsula,) = (fact.shape for fact in facts if isinstance(fact, Area) and fact.id == "demo-licence-peninsula")
    inquiry = inquire(facts, peninsula, "2022-09-01", "2022-10-01")
    assert not any(isinstance(bearing.fact, Order) for bearing in inquiry.bearings)
    said = {statement.id for statement in inquiry.statements}
    assert {"hist-2023-09-07-sevastopol", "hist-2023-09-07-isaacson", "hist-2023-09-12-sanctions"} <= said
    assert "hist-2024-02-11-no-sale" not in said
