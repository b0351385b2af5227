"""Custody in and out as GS1 EPCIS 2.0, held against the standard's own schema."""

from __future__ import annotations

import hashlib
import json
import re
from copy import deepcopy
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skyhaul.control.custody import CustodyRecord, standing_events
from skyhaul.control.epcis import DEFAULT_BASE, EpcisReport, Names, epcis_document, read_epcis, to_record
from skyhaul.control.facts import CustodyEvent, Fact, Facts, Manner, Step, Withdrawal, utc
from skyhaul.errors import ControlError
from tests.control.worlds import said

SCHEMAS = Path(__file__).parent / "schemas"
NOW = utc("2024-03-01")
CONTEXT = ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"]

formats = jsonschema.FormatChecker(())


def _is_uri(value: object) -> bool:
    """RFC 3986, section 3, or a word of the vocabulary with its prefix."""
    return not isinstance(value, str) or bool(
        re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*:[!#$%&'()*+,./0-9:;=?@A-Z\[\]_a-z~-]+", value)
    )


def _is_instant(value: object) -> bool:
    pattern = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"  # RFC 3339, section 5.6
    return not isinstance(value, str) or bool(re.fullmatch(pattern, value))


formats.checks("uri")(_is_uri)
formats.checks("date-time")(_is_instant)

SCHEMA = json.loads((SCHEMAS / "epcis-2.0.schema.json").read_text(encoding="utf-8"))
validator = jsonschema.Draft7Validator(SCHEMA, format_checker=formats)


def event(number: int, step: Step, item: str = "U1", giver: str = "", receiver: str = "", **given: Any) -> CustodyEvent:
    fields = {name: given.pop(name) for name in ("lot", "manner", "subject") if name in given}
    id_ = given.pop("id", f"{number}-{step}-{item}")
    times = {"valid_from": utc(f"2024-01-{number:02}"), "recorded_at": utc(f"2024-02-{number:02}")} | given
    return CustodyEvent(step=step, item=item, giver=giver, receiver=receiver, **fields, **said(id_, **times))


LIFE = [
    event(1, Step.COMMISSIONING, "lot 7/a", receiver="Maker & Sons"),
    event(2, Step.SHIPPING, "lot 7/a", "Maker & Sons", "Dealer"),
    event(3, Step.RECEIVING, "lot 7/a", receiver="Dealer"),
    event(4, Step.SPLIT, "U1", lot="lot 7/a"),
    event(5, Step.TRANSFER, "U1", "Dealer", "Brigade", manner=Manner.SALE),
    event(6, Step.TRANSFER, "U1", "Brigade", "Ünit", manner=Manner.CAPTURE),
    event(7, Step.DESTROYING, "U1", "Ünit"),
]


def read(document: Any, **given: Any) -> EpcisReport:
    how: dict[str, Any] = {"author": "desk", "recorded_at": NOW} | given
    return read_epcis(json.dumps(document), "custody.json", **how)


def document(*events: dict[str, Any]) -> dict[str, Any]:
    return {
        "@context": CONTEXT,
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": "2024-03-01T00:00:00Z",
        "epcisBody": {"eventList": list(events)},
    }


def theirs(step: str, *epcs: str, **given: Any) -> dict[str, Any]:
    """An event as another system writes it."""
    return {
        "type": "ObjectEvent",
        "eventID": f"urn:uuid:{step}",
        "eventTime": "2024-01-05T10:00:00.000+01:00",
        "eventTimeZoneOffset": "+01:00",
        "action": "OBSERVE",
        "bizStep": step,
        "epcList": list(epcs or ("urn:epc:id:sgtin:0614141.107346.2017",)),
    } | given


def moved(giver: str, receiver: str, kind: str = "possessing_party") -> dict[str, Any]:
    return {
        "sourceList": [{"type": kind, "source": giver}],
        "destinationList": [{"type": kind, "destination": receiver}],
    }


def test_the_schema_is_the_one_its_page_names() -> None:
    page = (SCHEMAS / "README.md").read_text(encoding="utf-8")
    assert hashlib.sha256((SCHEMAS / "epcis-2.0.schema.json").read_bytes()).hexdigest() in page
    jsonschema.Draft7Validator.check_schema(SCHEMA)


def test_what_is_written_is_valid() -> None:
    validator.validate(epcis_document(LIFE, NOW))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("eventTime", "yesterday"),
        ("eventTimeZoneOffset", "CET"),
        ("eventID", "7"),
        ("bizStep", "smuggling"),
        ("action", "MOVE"),
        ("epcList", ["U1"]),
        ("colour", "red"),
        ("sourceList", [{"type": "possessing_party"}]),
    ],
)
def test_the_schema_refuses_what_the_standard_does(field: str, value: Any) -> None:
    wrong = epcis_document(LIFE[1:2], NOW)
    validator.validate(deepcopy(wrong))
    wrong["epcisBody"]["eventList"][0][field] = value
    with pytest.raises(jsonschema.ValidationError):
        validator.validate(wrong)


def test_the_words_are_those_of_the_vocabulary() -> None:
    events = epcis_document(LIFE, NOW)["epcisBody"]["eventList"]
    assert [(e["type"], e["action"], e["bizStep"], e["disposition"]) for e in events] == [
        ("ObjectEvent", "ADD", "commissioning", "active"),
        ("ObjectEvent", "OBSERVE", "shipping", "in_transit"),
        ("ObjectEvent", "OBSERVE", "receiving", "in_progress"),
        ("AggregationEvent", "DELETE", "unpacking", "in_progress"),
        ("ObjectEvent", "OBSERVE", "accepting", "in_progress"),
        ("ObjectEvent", "OBSERVE", "accepting", "in_progress"),
        ("ObjectEvent", "DELETE", "destroying", "destroyed"),
    ]
    assert events[4]["destinationList"] == [{"type": "possessing_party", "destination": f"{DEFAULT_BASE}party/Brigade"}]
    assert events[5]["destinationList"][0]["destination"] == f"{DEFAULT_BASE}party/%C3%9Cnit"
    assert events[3]["parentID"] == f"{DEFAULT_BASE}item/lot%207%2Fa"


def test_what_is_written_is_read_back_to_the_byte() -> None:
    report = read(epcis_document(LIFE, NOW))
    assert report.facts == LIFE
    assert (report.rejected, report.notes) == ([], [])


names = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=12).filter(
    str.strip
)


@st.composite
def histories(draw: st.DrawFn) -> list[Fact]:
    """Events with corrections and withdrawals, each recorded at an instant of its own."""
    found: list[Fact] = []
    events: list[CustodyEvent] = []
    for i in range(draw(st.integers(1, 12))):
        recorded = utc("2024-02-01") + np.timedelta64(i, "h")
        times: dict[str, Any] = {
            "id_": f"e{i}",
            "valid_from": utc(f"2024-01-{draw(st.integers(1, 28)):02}"),
            "recorded_at": recorded,
        }
        if events and draw(st.integers(0, 4)) == 0:
            of = draw(st.sampled_from(events))
            if not any(isinstance(f, Withdrawal) and f.subject == of.key for f in found):
                found.append(
                    Withdrawal(
                        kind="CustodyEvent",
                        subject=of.key,
                        reason="did not occur",
                        **said(**(times | {"valid_from": utc("1990-01-01")})),
                    )
                )
            continue
        step = draw(st.sampled_from(Step))
        subject = ""
        if events and draw(st.integers(0, 3)) == 0:
            subject = draw(st.sampled_from(events)).key
            if any(isinstance(f, Withdrawal) and f.subject == subject for f in found):
                subject = ""
        parties: dict[str, Any] = (
            {"giver": draw(names), "receiver": draw(names)}
            if step not in (Step.SPLIT, Step.COMMISSIONING, Step.DESTROYING)
            else {}
        )
        if step is Step.COMMISSIONING:
            parties = {"receiver": draw(names)}
        item = draw(names)
        lot = f"lot of {item}" if step is Step.SPLIT else ""
        manner = draw(st.sampled_from(Manner)) if parties.get("giver") else Manner.UNSTATED
        made = CustodyEvent(step=step, item=item, lot=lot, manner=manner, subject=subject, **parties, **said(**times))
        events.append(made)
        found.append(made)
    return found


@settings(max_examples=60, deadline=None)
@given(histories())
def test_any_history_is_valid_and_read_back(history: list[Fact]) -> None:
    written = epcis_document(history, NOW)
    validator.validate(written)
    report = read(written)
    assert report.rejected == []
    later = utc("2025-01-01")
    assert [f for f in report.facts if isinstance(f, CustodyEvent)] == [
        f for f in history if isinstance(f, CustodyEvent)
    ]
    back, there = (sorted(standing_events(Facts(f), later), key=lambda e: e.id) for f in (report.facts, history))
    assert back == there


def test_names_that_are_uris_stay_as_they_are() -> None:
    own = Names("https://custody.example.org/")
    for name in ("urn:epc:id:sgtin:0614141.107346.2017", "https://id.gs1.org/01/09506000134352/21/7"):
        assert own.uri("item", name) == name
        assert own.name("item", name) == name
    for name in ("U 1", "https://x y", "urn:", "https://custody.example.org/item/U", "ünit/7%"):
        uri = own.uri("item", name)
        assert uri.startswith("https://custody.example.org/item/")
        assert own.name("item", uri) == name
    for base in ("custody", "https://custody.example.org", "https://x y/"):
        with pytest.raises(ControlError, match=r"is no base for names"):
            Names(base)


def test_events_of_other_systems_are_read() -> None:
    unit = "urn:epc:id:sgtin:0614141.107346.2017"
    maker, dealer, ada = (f"urn:epc:id:pgln:0614141.0000{i}" for i in range(3))
    possessing = "urn:epcglobal:cbv:sdt:possessing_party"
    report = read(
        document(
            theirs("urn:epcglobal:cbv:bizstep:commissioning", action="ADD"),
            theirs("https://ref.gs1.org/cbv/BizStep-shipping", eventID="urn:uuid:2", **moved(maker, dealer)),
            theirs("cbv:BizStep-receiving", eventID="urn:uuid:3", **moved(maker, dealer, possessing)),
            theirs("retail_selling", eventID="urn:uuid:4", **moved(dealer, ada)),
        ),
        maker=maker,
    )  # fmt: skip
    assert report.rejected == []
    made, sent, got, sold = report.facts
    assert isinstance(made, CustodyEvent)
    assert isinstance(sold, CustodyEvent)
    assert (made.step, made.item, made.receiver) == (Step.COMMISSIONING, unit, maker)
    assert made.valid_from == utc("2024-01-05T09:00:00Z")
    assert (sold.step, sold.giver, sold.receiver, sold.manner) == (Step.TRANSFER, dealer, ada, Manner.SALE)
    trace = CustodyRecord.of([f for f in report.facts if isinstance(f, CustodyEvent)]).trace(unit)
    assert trace.parties == (maker, dealer, ada)
    assert [f.source for f in (sent, got)] == ["custody.json, event 2", "custody.json, event 3"]


def test_what_is_packed_goes_where_its_container_goes() -> None:
    sscc, one, two = "urn:epc:id:sscc:0614141.1234567890", "urn:x-unit:1", "urn:x-unit:2"
    hours = iter(range(24))

    def at(event: dict[str, Any], **given: Any) -> dict[str, Any]:
        hour = next(hours)
        return {**event, "eventTime": f"2024-01-05T{hour:02}:00:00Z", "eventID": f"urn:uuid:{hour}", **given}

    def packing(action: str, *children: str) -> dict[str, Any]:
        plain = {k: v for k, v in theirs("packing").items() if k != "epcList"}
        return {**plain, "type": "AggregationEvent", "action": action, "parentID": sscc, "childEPCs": list(children)}

    report = read(
        document(
            at(theirs("commissioning", one, two, action="ADD", **moved("Maker", "Maker"))),
            at(packing("ADD", one, two)),
            at(theirs("shipping", sscc, **moved("Maker", "Dealer"))),
            at(theirs("receiving", sscc, **moved("Maker", "Dealer"))),
            at(packing("DELETE", one)),
            at(theirs("accepting", sscc, **moved("Dealer", "Bo"))),
            at(packing("DELETE")),
            at(theirs("accepting", sscc, **moved("Bo", "Cy"))),
        )
    )
    assert report.rejected == []
    record = CustodyRecord.of([f for f in report.facts if isinstance(f, CustodyEvent)])
    assert record.trace(one).parties == ("Maker", "Dealer")
    assert record.trace(two).parties == ("Maker", "Dealer", "Bo")
    assert not any(p.gap_before for p in record.trace(two).passages)


def test_what_is_seen_together_is_together() -> None:
    plain = {k: v for k, v in theirs("receiving").items() if k != "epcList"}
    seen = {**plain, "type": "AggregationEvent", "parentID": "urn:box:1", "childEPCs": ["urn:u:1"]}
    later = theirs("accepting", "urn:box:1", eventTime="2024-01-06T00:00:00Z", **moved("urn:p:2", "urn:p:3"))
    report = read(document({**seen, "bizStep": "storing"}, later))
    assert [(f.item, f.receiver) for f in report.facts if isinstance(f, CustodyEvent)] == [
        ("urn:box:1", "urn:p:3"),
        ("urn:u:1", "urn:p:3"),
    ]
    report = read(document({**seen, **moved("urn:p:1", "urn:p:2")}))
    assert [(f.step, f.item) for f in report.facts if isinstance(f, CustodyEvent)] == [
        (Step.RECEIVING, "urn:box:1"),
        (Step.RECEIVING, "urn:u:1"),
    ]
    assert "the action MOVE (ADD, OBSERVE or DELETE)" in str(read(document({**seen, "action": "MOVE"})).rejected[0])


def test_a_transformation_of_one_lot_is_a_split() -> None:
    split = theirs(
        "repackaging", type="TransformationEvent", inputEPCList=["urn:lot:1"], outputEPCList=["urn:u:1", "urn:u:2"]
    )
    for name in ("epcList", "action"):
        del split[name]
    report = read(document(split))
    assert [(f.step, f.item, f.lot) for f in report.facts if isinstance(f, CustodyEvent)] == [
        (Step.SPLIT, "urn:u:1", "urn:lot:1"),
        (Step.SPLIT, "urn:u:2", "urn:lot:1"),
    ]
    split["inputEPCList"] = ["urn:lot:1", "urn:lot:2"]
    assert [str(row) for row in read(document(split)).rejected] == [
        "custody.json, event 1: a transformation of 2 inputs (custody knows lots that are split: one input)"
    ]


def test_owning_parties_count_where_nobody_possesses_and_the_report_says_so() -> None:
    report = read(document(theirs("accepting", **moved("urn:p:1", "urn:p:2", "owning_party"))))
    (fact,) = report.facts
    assert isinstance(fact, CustodyEvent)
    assert (fact.giver, fact.receiver) == ("urn:p:1", "urn:p:2")
    assert report.notes == [
        "the owning party is taken for the possessing source (event 1)",
        "the owning party is taken for the possessing destination (event 1)",
    ]


def test_what_is_not_kept_is_named() -> None:
    extra = {"readPoint": {"id": "urn:x:1"}, "ex:colour": "red"}
    many = [theirs("shipping", eventID=f"urn:uuid:{i}", **moved("urn:p:1", "urn:p:2"), **extra) for i in range(5)]
    other = [theirs("inspecting", eventID="urn:uuid:9"), {"type": "TransactionEvent"}, {"type": "AssociationEvent"}]
    report = read(document(*many, *other))
    assert len(report.facts) == 5
    assert report.notes == [
        "readPoint is not kept (event 1, event 2, event 3 and 2 more)",
        "ex:colour is not kept (event 1, event 2, event 3 and 2 more)",
        "an ObjectEvent of step inspecting says nothing of custody (event 6)",
        "TransactionEvent says nothing of custody (event 7)",
        "AssociationEvent says nothing of custody (event 8)",
    ]


TWO_SOURCES = [{"type": "possessing_party", "source": uri} for uri in ("urn:a:1", "urn:a:2")]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"eventTime": "2024-01-05"}, "eventTime is 2024-01-05 (write 2024-02-17T12:00:12Z, with its offset)"),
        ({"eventTime": "2024-01-05T10:00:00"}, "eventTime is 2024-01-05T10:00:00 (write"),
        ({"eventTime": "2024-13-05T10:00:00Z"}, "eventTime: “2024-13-05T10:00:00Z” is no instant"),
        ({"epcList": []}, "names no EPC (list the units or lots it is about)"),
        ({"epcList": "U1"}, "epcList is no list (write [ … ])"),
        ({"epcList": [7]}, "epcList names '7' (write a URI)"),
        ({"sourceList": [7]}, "sourceList holds 7 (give objects with type and source)"),
        ({"sourceList": TWO_SOURCES}, "several possessing_partys in sourceList"),
        ({"bizStep": "commissioning"}, "commissioned by nobody (name the possessing party, or give a maker)"),
        ({"skyhaul:manner": "barter"}, "the manner “barter” (there are sale, gift"),
        ({"errorDeclaration": 7}, "errorDeclaration is no object"),
        ({"bizStep": "accepting"}, "a transfer between nobody (say at least one party)"),
    ],
)  # fmt: skip
def test_an_event_that_cannot_be_used_is_reported_and_the_others_are_read(change: dict[str, Any], message: str) -> None:
    good = theirs("shipping", eventID="urn:uuid:good", **moved("urn:p:1", "urn:p:2"))
    bad = theirs("shipping") | change
    ours = document(good, bad)
    ours["@context"] = [*CONTEXT, {"skyhaul": "https://skyhaul.example/epcis/"}]
    report = read(ours)
    assert len(report.facts) == 1
    (row,) = report.rejected
    line = str(row)
    assert row.number == 2
    assert line.startswith("custody.json, event 2: ")
    assert message in line
    assert "\n" not in line


def test_one_id_twice_is_reported() -> None:
    one = theirs("shipping", **moved("urn:p:1", "urn:p:2"))
    report = read(document(one, one))
    assert len(report.facts) == 1
    assert "eventID urn:uuid:shipping is there already, at event 1" in str(report.rejected[0])


def test_an_error_declaration_repeats_its_event() -> None:
    one = theirs("shipping", **moved("urn:p:1", "urn:p:2"))
    declared = {**one, "errorDeclaration": {"declarationTime": "2024-01-09T00:00:00Z", "reason": "did_not_occur"}}
    report = read(document(one, declared))
    assert [type(f).__name__ for f in report.facts] == ["CustodyEvent", "Withdrawal"]
    assert standing_events(Facts(report.facts), utc("2025-01-01")) == []
    corrective = {
        "declarationTime": "2024-01-09T00:00:00Z",
        "reason": "incorrect_data",
        "correctiveEventIDs": ["urn:x"],
    }
    lost = read(document({**one, "errorDeclaration": corrective}))
    assert lost.notes == ["an event in error whose correction is not in the document is withdrawn (event 1)"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\xff", r"is not text|no JSON"),
        ("[1, 2", r"custody.json:1: no JSON: .* \(give a GS1 EPCIS 2.0 document"),
        ("[]", r"something without a type where an EPCISDocument should be"),
        ('{"type": "Order"}', r"“Order” where an EPCISDocument should be"),
        ('{"type": "EPCISDocument", "schemaVersion": "1.2"}', r"schemaVersion is 1.2"),
        ('{"type": "EPCISDocument", "schemaVersion": "2.0"}', r"has no eventList"),
        ("[" * 200_000, r"is nested too deep"),
        ("x" * 10_000_000, r"custody.json:1: no JSON"),
        ("1" * 10_000_000, r"no JSON"),
    ],
)
def test_what_is_no_document_is_refused_in_one_line(data: bytes | str, message: str) -> None:
    with pytest.raises(ControlError, match=message) as caught:
        read_epcis(data, "custody.json", author="desk", recorded_at=NOW)
    assert len(str(caught.value)) < 300


def test_other_envelopes_are_read() -> None:
    one = theirs("shipping", **moved("urn:p:1", "urn:p:2"))
    query = document(one)
    query["type"] = "EPCISQueryDocument"
    query["epcisBody"] = {"queryResults": {"queryName": "SimpleEventQuery", "resultsBody": query["epcisBody"]}}
    alone = {"@context": CONTEXT, **one}
    assert [len(read(d).facts) for d in (query, alone)] == [1, 1]
    validator.validate(alone)


def test_an_event_without_id_is_named_after_its_content() -> None:
    one = theirs("shipping", **moved("urn:p:1", "urn:p:2"))
    del one["eventID"]
    first, again = read(document(one)).facts[0], read(document({**one, "recordTime": "2024-02-02T00:00:00Z"})).facts[0]
    assert first.id == again.id
    assert re.fullmatch(r"epcis-[0-9a-f]{16}", first.id)


def test_only_what_a_document_adds_is_recorded() -> None:
    one, two = (theirs("shipping", eventID=f"urn:uuid:{i}", **moved("urn:p:1", f"urn:p:{i}")) for i in (2, 3))
    first = read(document(one, two))
    added = to_record(first, Facts(), "desk")
    assert [(number, fact.id) for number, fact in added] == [(1, "urn:uuid:2"), (2, "urn:uuid:3")]
    there = Facts(fact for _, fact in added)

    again = read(document(one, two))
    assert to_record(again, there, "desk") == []
    assert again.notes == ["is on record already (event 1, event 2)"]

    error = {"declarationTime": "2024-03-09T00:00:00Z", "reason": "did_not_occur"}
    gone = read(document({**one, "errorDeclaration": error}))
    ((_, withdrawal),) = to_record(gone, there, "desk")
    assert isinstance(withdrawal, Withdrawal)
    assert (withdrawal.subject, withdrawal.reason) == ("urn:uuid:2", "did not occur")
    assert to_record(gone, Facts(), "desk") == []
    assert gone.notes == ["is declared in error, and not on record (event 1)"]

    wrong = {
        "declarationTime": "2024-03-09T00:00:00Z",
        "reason": "incorrect_data",
        "correctiveEventIDs": ["urn:uuid:9"],
    }
    right = theirs("shipping", eventID="urn:uuid:9", **moved("urn:p:1", "urn:p:7"))
    mended = read(document({**one, "errorDeclaration": wrong}, right))
    ((_, correction),) = to_record(mended, there, "clerk")
    assert (correction.subject, correction.author) == ("urn:uuid:2", "clerk")
    assert correction.source == "custody.json, event 2 (by desk)"
    ((_, alone),) = to_record(mended, Facts(), "desk")
    assert alone.subject == ""
    assert mended.notes[-1] == "corrects an event that is not on record, and is taken for itself (event 2)"


junk = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=6,
)
_FIELDS = sorted(
    {name for step in LIFE for name in epcis_document([step], NOW)["epcisBody"]["eventList"][0]}
    | {"quantityList", "childQuantityList", "inputEPCList", "outputEPCList", "errorDeclaration", "eventID"}
)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(LIFE) - 1), st.sampled_from(_FIELDS), junk), min_size=1, max_size=6))
def test_whatever_a_document_holds_it_is_read_or_refused(changes: list[tuple[int, str, Any]]) -> None:
    written = epcis_document(LIFE, NOW)
    events = written["epcisBody"]["eventList"]
    for number, name, value in changes:
        events[number][name] = value
    report = read(written)
    untouched = len(LIFE) - len({number for number, *_ in changes})
    assert len(report.facts) >= min(untouched, 1)
    assert all("\n" not in str(row) and len(str(row)) < 400 for row in report.rejected)
    Facts(report.facts)


@settings(max_examples=60, deadline=None)
@given(junk, st.sampled_from(("@context", "type", "schemaVersion", "epcisBody")))
def test_whatever_its_envelope_is(value: Any, name: str) -> None:
    written = {**epcis_document(LIFE, NOW), name: value}
    said = ""
    try:
        read(written)
    except ControlError as error:
        said = str(error)
    assert len(said) < 300
