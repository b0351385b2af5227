"""Facts as documents: every fact comes back as it was, and what is no fact is refused by name."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any, get_type_hints

import numpy as np
import pytest
import shapely
from hypothesis import assume, given
from hypothesis import strategies as st

from skyhaul.control.facts import (
    AreaRef,
    Fact,
    HolderKind,
    Layer,
    Listing,
    Party,
    Place,
    Plan,
    PlanKind,
    Quotas,
    Settings,
    Withdrawal,
    canonical_json,
    fact_document,
    fact_from_document,
    fact_kinds,
    utc,
)
from skyhaul.errors import ControlError
from tests.control.histories import facts, orders
from tests.control.worlds import said, world

INSTANTS = st.integers(-(2**62), 2**62).map(lambda ns: np.datetime64(ns, "ns"))
NUMBERS = st.floats(0, allow_nan=False, allow_infinity=False)
NAMES = st.text(min_size=1).filter(str.strip)
PLACES = st.builds(Place, st.floats(-90, 90), st.floats(-180, 180))
SHAPES = st.builds(
    lambda west, south, wide, high, hole: shapely.Polygon(
        shapely.box(west, south, west + wide, south + high).exterior,
        [shapely.box(west + wide * 0.25, south + high * 0.25, west + wide / 2, south + high / 2).exterior] * hole,
    ),
    *(st.floats(-180, 170), st.floats(-90, 80), st.floats(0.001, 10), st.floats(0.001, 10), st.integers(0, 1)),
).filter(shapely.is_valid)
OF_TYPE: dict[Any, st.SearchStrategy[Any]] = {
    str: NAMES,
    bool: st.booleans(),
    int: st.integers(1, 2**60),
    float: NUMBERS,
    bytes: st.binary(min_size=32, max_size=32),
    tuple[str, ...]: st.lists(NAMES, min_size=2, max_size=3, unique=True).map(tuple),
    int | None: st.none() | st.integers(0, 10**9),
    float | None: st.none() | NUMBERS,
    np.datetime64 | None: st.none() | INSTANTS,
    np.datetime64: INSTANTS,
    Place: PLACES,
    Place | None: PLACES,
}
REFS = st.builds(AreaRef, st.sampled_from(Layer), NAMES).map(str)


def built(kind: type) -> st.SearchStrategy[Any]:
    """Any value of a record, with every field drawn by its type."""
    hints = get_type_hints(kind)
    return st.builds(kind, **{field.name: value_of(field.name, hints[field.name]) for field in fields(kind)})


def value_of(name: str, hint: Any) -> st.SearchStrategy[Any]:
    if name == "area":
        return REFS
    if name == "shape":
        return SHAPES
    if name == "signature":
        return st.just(b"") | st.binary(min_size=64, max_size=64)
    if hint in OF_TYPE:
        return OF_TYPE[hint]
    if hint in (Plan, Quotas, Settings):
        return built(hint)
    if getattr(hint, "__origin__", None) is tuple:
        return st.lists(st.sampled_from(hint.__args__[0]), min_size=1).map(tuple)
    return st.sampled_from(hint)


@st.composite
def of_kind(draw: st.DrawFn, kind: type[Fact]) -> Fact:
    """Any fact of a kind; those whose fields depend on each other as histories have them, with any text and times."""
    spans = {"id": draw(NAMES), "valid_from": draw(INSTANTS), "recorded_at": draw(INSTANTS)}
    common: dict[str, Any] = spans | {"source": draw(NAMES), "author": draw(NAMES)}
    if kind.__name__ == "Order":
        found: Fact = draw(orders(common, draw(NAMES), draw(NAMES), draw(REFS)))
        return found
    given = common | {
        name: draw(value_of(name, hint)) for name, hint in get_type_hints(kind).items() if name not in common
    }
    given["valid_to"] = None if kind.__name__ in ("OrderEnd", "CustodyEvent") else given["valid_to"]
    match kind.__name__:
        case "OrderEnd":
            given["subject"] = ""
        case "CustodyEvent":
            split = given["step"] == "split"
            given |= {"giver": "", "receiver": "", "manner": ""} if split else {"lot": ""}
        case "Appointment":
            given["territories"] = given["territories"] if given["role"] == "authority" else ()
        case _:
            pass
    try:
        return kind(**given)
    except ControlError:
        assume(False)
        raise


@pytest.mark.parametrize("kind", fact_kinds().values(), ids=lambda kind: kind.__name__)
def test_every_fact_comes_back_from_its_document(kind: type[Fact]) -> None:
    @given(of_kind(kind))
    def comes_back(fact: Fact) -> None:
        text = json.dumps(fact_document(fact), allow_nan=False)
        assert fact_from_document(json.loads(text)) == fact

    comes_back()


@given(facts("7"))
def test_every_fact_of_a_history_comes_back(fact: Fact) -> None:
    document = json.loads(canonical_json(fact_document(fact)))
    assert fact_from_document(document) == fact
    assert fact_from_document(document | {"recorded_at": fact.recorded_at}) == fact


def test_a_document_is_canonical_json_apart_from_a_second_kind() -> None:
    for fact in world():
        assert canonical_json(fact_document(fact)) == canonical_json(fact)


def test_the_two_facts_that_have_a_kind_of_their_own_keep_both() -> None:
    withdrawal = Withdrawal(kind="Licence", subject="licence-N", **said("w"))
    listing = Listing(
        name="W",
        terminal="T",
        kit_number="K",
        account="A",
        holder="Ada",
        kind=HolderKind.FIRM,
        evidence="seen",
        approved_by="clerk",
        **said("l"),
    )
    assert (fact_document(withdrawal)["kind"], fact_document(withdrawal)["of_kind"]) == ("Withdrawal", "Licence")
    assert (fact_document(listing)["kind"], fact_document(listing)["holder_kind"]) == ("Listing", "firm")
    assert fact_from_document(fact_document(withdrawal)) == withdrawal
    assert fact_from_document(fact_document(listing)) == listing


PARTY = {"kind": "Party", "id": "p", "valid_from": "2024-01-01", "source": "s", "author": "a", "party": "Ada"}


def test_what_has_a_default_may_be_left_out_and_recorded_at_may_be_given_apart() -> None:
    recorded = utc("2024-02-01T00:00:00.000000001")
    assert fact_from_document(PARTY, recorded_at=recorded) == Party(
        id="p", valid_from=utc("2024-01-01"), source="s", author="a", party="Ada", recorded_at=recorded
    )
    said_itself = fact_from_document(PARTY | {"recorded_at": "2024-03-01"}, recorded_at=recorded)
    assert said_itself.recorded_at == utc("2024-03-01")


def test_places_are_read_by_order_and_by_name() -> None:
    plan = Plan(kind=PlanKind.FIXED, home="N", service_address=Place(49, 12), max_distance_m=1)
    account: dict[str, Any] = PARTY | {"kind": "Account", "account": "A", "recorded_at": "2024-01-01"}
    for place in ([49, 12], {"longitude_deg": 12, "latitude_deg": 49}):
        given = {"kind": "fixed", "home": "N", "service_address": place, "max_distance_m": 1}
        fact = fact_from_document(account | {"plan": given})
        assert fact == fact_from_document(fact_document(fact))
        assert fact.plan == plan  # type: ignore[attr-defined]


BARE = {name: value for name, value in PARTY.items() if name not in ("kind", "party")}
AREA = {"kind": "Area", "id": "z", "valid_from": "2024-01-01", "source": "s", "author": "a"}
AREA |= {"layer": "zone", "name": "Z", "recorded_at": "2024-01-01"}
BOW = {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "here: no fact but []"),
        ({}, "here: a fact without a kind (there are Account, AllowList"),
        ({"kind": "Licnce"}, "here: no kind of fact is named “Licnce” (did you mean Licence?)"),
        ({"kind": 7}, "here: no kind of fact is named 7"),
        ({"kind": "Fact"}, "here: no kind of fact is named “Fact”"),
        ({"kind": "Party", "id": "p"}, "here: Party p: has no valid_from, recorded_at, source, author, party"),
        (PARTY, "here: Party p: has no recorded_at (add what is missing)"),
        (PARTY | {"parnet": "x"}, "here: Party p: no field is named “parnet” (did you mean parent?)"),
        (PARTY | {"party": 7}, "here: Party p, party: 7 is no text (write it in quotes)"),
        (PARTY | {"valid_from": "yesterday"}, "here: Party p, valid_from: “yesterday” is no instant"),
        (PARTY | {"valid_from": 7}, "here: Party p, valid_from: 7 is no instant"),
        (PARTY | {"recorded_at": "2024-01-01", "parent": "Ada"}, "here: Party p: Ada is its own parent"),
        (AREA | {"layer": "zones", "shape": BOW}, "here: Area z, layer: “zones” is no choice (did you mean zone?)"),
        (AREA | {"shape": BOW}, "here: Area z, shape: self-intersection near longitude, latitude 0.5, 0.5"),
        (AREA | {"shape": {"type": "Point", "coordinates": [0, 0]}}, "here: Area z, shape: {'type': 'Point'"),
        (AREA | {"shape": {"type": "Polygon", "coordinates": 7}}, "here: Area z, shape: its coordinates are no rings"),
        (AREA | {"shape": {"type": "Polygon", "coordinates": []}}, "here: Area z: its shape is no area"),
        (BARE | {"kind": "Precedence", "authorities": "A"}, "here: Precedence p, authorities: “A” is no list"),
        (BARE | {"kind": "Terminal", "public_key": "xyz"}, "here: Terminal p, public_key: “xyz” is no hexadecimal"),
        (PARTY | {"kind": "Withdrawal", "subject": "x"}, "here: Withdrawal p: no field is named “party”"),
        ({**AREA, "kind": "Withdrawal", "of_knd": "x"}, "here: Withdrawal z: no field is named"),
        (BARE | {"kind": "Account", "plan": {"kind": "fast", "home": "N"}}, "Account p, plan, kind: “fast” is no cho"),
        (BARE | {"kind": "Policy", "settings": {"lease_s": True}}, "settings, lease_s: True is no whole number"),
        (BARE | {"kind": "Policy", "settings": {"lease": 1}}, "settings: no field is named “lease” (did you mean"),
    ],
)
def test_what_is_no_fact_is_refused_with_item_and_mend(document: Any, message: str) -> None:
    with pytest.raises(ControlError) as caught:
        fact_from_document(document, "here")
    assert message in str(caught.value), str(caught.value)
    assert "\n" not in str(caught.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(st.data())
def test_any_value_in_any_field_is_taken_or_refused(data: st.DataObject) -> None:
    fact = data.draw(st.sampled_from(world()))
    document = fact_document(fact)
    field = data.draw(st.sampled_from(sorted(document)))
    document[field] = data.draw(JSON)
    try:
        taken = fact_from_document(document, "here")
    except ControlError:
        return
    assert fact_from_document(fact_document(taken)) == taken
