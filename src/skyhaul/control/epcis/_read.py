"""Custody from GS1 EPCIS 2.0 documents in JSON (JSON-LD), whoever wrote them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from skyhaul.control._canonical import canonical_json
from skyhaul.control._instants import utc
from skyhaul.control.epcis import _vocabulary as words
from skyhaul.control.epcis._contents import Contents
from skyhaul.control.epcis._vocabulary import DEFAULT_BASE, Names
from skyhaul.control.facts import CustodyEvent, Fact, Manner, Step, Withdrawal
from skyhaul.errors import ControlError

BYTES_MAX = 512_000_000  # of one document; an event has some 500 bytes, so a million events

_MEND = "give a GS1 EPCIS 2.0 document in JSON"
_USED = frozenset(
    {
        *("@context", "type", "eventID", "eventTime", "eventTimeZoneOffset", "recordTime", "errorDeclaration"),
        *("action", "bizStep", "disposition", "epcList", "quantityList", "sourceList", "destinationList"),
        *("parentID", "childEPCs", "childQuantityList"),
        *("inputEPCList", "inputQuantityList", "outputEPCList", "outputQuantityList"),
    }
)
_SEVERAL = 3  # places that a note names


@dataclass(frozen=True, slots=True)
class RejectedEvent:
    """An event that says custody and cannot be used.

    number   its place in the document, counted from 1
    error    why, and the mend
    """

    number: int
    error: ControlError

    def __str__(self) -> str:
        return " ".join(str(self.error).split())


@dataclass(slots=True)
class EpcisReport:
    """What a document gave.

    facts      custody events, and withdrawals of those declared never to have occurred, in order of recording
    numbers    of each fact the event that it comes from, counted from 1
    rejected   events that say custody and cannot be used
    notes      what was passed over or not kept, by name, with how often
    """

    facts: list[Fact] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    rejected: list[RejectedEvent] = field(default_factory=list)
    _notes: dict[str, list[str]] = field(default_factory=dict)

    def note(self, text: str, where: str) -> None:
        """Note something at a place, once."""
        places = self._notes.setdefault(text, [])
        if where not in places[-1:]:
            places.append(where)

    @property
    def notes(self) -> list[str]:
        """The notes, each with its first places."""
        found = []
        for text, places in self._notes.items():
            more = f" and {len(places) - _SEVERAL} more" if len(places) > _SEVERAL else ""
            found.append(f"{text} ({', '.join(places[:_SEVERAL])}{more})")
        return found


def read_epcis(
    data: bytes | str,
    where: str,
    *,
    author: str,
    recorded_at: str | np.datetime64,
    base: str = DEFAULT_BASE,
    maker: str = "",
) -> EpcisReport:
    """The custody in an EPCISDocument, an EPCISQueryDocument or a single event.

    author, recorded_at   of the facts, where the document does not say them
    base                  what names below it are written without
    maker                 the party that has a unit from its commissioning, where the event names none

    Of several EPCs in an event each has a fact; what is packed into something goes where that goes, until it is
    unpacked. Possessing parties count; where only owning parties are named those do, and the report says so. Raises
    ControlError for data that is no EPCIS document of version 2.
    """
    root = _parsed(data, where)
    context, events = _events(root, where)
    reader = _Reader(where, Names(base), words.extensions(context), author, utc(recorded_at, "recorded_at"), maker)
    for number, event in enumerate(events, 1):
        reader.take(number, event)
    return reader.report_of_all()


def _parsed(data: bytes | str, where: str) -> Any:
    if len(data) > BYTES_MAX:
        raise ControlError(f"has more than {BYTES_MAX:,} bytes", where=where, mend="split it")
    try:
        return json.loads(data)
    except RecursionError:
        raise ControlError("is nested too deep", where=where, mend=_MEND) from None
    except UnicodeDecodeError:
        raise ControlError("is not text", where=where, mend=_MEND) from None
    except json.JSONDecodeError as error:
        raise ControlError(f"no JSON: {error.msg}", where=f"{where}:{error.lineno}", mend=_MEND) from None
    except ValueError as error:  # a number of more digits than Python reads
        raise ControlError(f"no JSON: {str(error).partition(';')[0]}", where=where, mend=_MEND) from None


def _events(root: Any, where: str) -> tuple[Any, list[Any]]:
    """The context and the events of a document (EPCIS 2.0, section 10.1)."""
    kind = root.get("type") if isinstance(root, dict) else None
    if kind in ("ObjectEvent", "AggregationEvent", "TransformationEvent", "TransactionEvent", "AssociationEvent"):
        return root.get("@context"), [root]
    if kind not in ("EPCISDocument", "EPCISQueryDocument"):
        what = f"“{str(kind)[:40]}”" if kind else "something without a type"
        raise ControlError(f"{what} where an EPCISDocument should be", where=where, mend=_MEND)
    version = root.get("schemaVersion")
    if not isinstance(version, str) or version.partition(".")[0] != "2":
        raise ControlError(f"schemaVersion is {str(version)[:20]}", where=where, mend='"2.0" is what is read')
    body: Any = root.get("epcisBody")
    if kind == "EPCISQueryDocument" and isinstance(body, dict):
        results = body.get("queryResults")
        body = results.get("resultsBody") if isinstance(results, dict) else None
    events = body.get("eventList") if isinstance(body, dict) else None
    if not isinstance(events, list):
        raise ControlError("has no eventList", where=where, mend=_MEND)
    return root.get("@context"), events


@dataclass(frozen=True, slots=True)
class _Moment:
    """One EPCIS event that says custody, not yet resolved to single units.

    items    units or lots it is about; of a split the parts
    packed   an aggregation without a change of hands: what goes into or out of `lot`
    """

    where: str
    number: int
    id: str
    step: Step | None
    items: tuple[str, ...]
    lot: str
    packed: str
    giver: str
    receiver: str
    manner: Manner
    corrects: str
    time: np.datetime64
    recorded: np.datetime64
    source: str
    author: str
    error: Mapping[str, Any] | None


class _Reader:
    """Takes the events of one document one after another."""

    def __init__(
        self, where: str, names: Names, own: dict[str, str], author: str, recorded_at: np.datetime64, maker: str
    ) -> None:
        self.where, self.names, self.own = where, names, own
        self.author, self.recorded_at, self.maker = author, recorded_at, maker
        self.report = EpcisReport()
        self.moments: dict[str, _Moment] = {}

    def take(self, number: int, event: Any) -> None:
        """Read one event; one that cannot be used is reported."""
        place = f"event {number}"
        try:
            moment = self._moment(number, place, event)
            if moment is None:
                return
            other = self.moments.get(moment.id)
            if other is not None and moment.error is None:
                what = f"eventID {moment.id} is there already, at {other.where}"
                raise ControlError(what, mend="give each event its own, or declare the error of one")
        except ControlError as error:
            self._reject(number, place, error)
            return
        # An error declaration repeats the event that it is about (EPCIS 2.0, section 7.4.1.5).
        self.moments[moment.id] = moment

    def report_of_all(self) -> EpcisReport:
        """Facts from all events taken, packed units with what they are packed in."""
        corrections = self._corrections()
        contents = Contents()
        facts: list[tuple[np.datetime64, Fact, int]] = []
        for moment in sorted(self.moments.values(), key=lambda m: m.time):
            stands = moment.error is None
            if moment.packed:
                if stands:
                    contents.pack(moment.packed, moment.lot, moment.items)
                continue
            assert moment.step is not None, "what is not packing has a step"
            items = moment.items
            if moment.step is Step.SPLIT:
                if stands:
                    # What was packed before has its own record; what was not comes out of the lot here.
                    items = tuple(item for item in items if not contents.unpack(moment.lot, item))
            elif stands:
                items = contents.with_contents(items)
            try:
                made = [self._fact(moment, item, len(items), corrections.get(moment.id, "")) for item in items]
            except ControlError as error:
                self._reject(moment.number, moment.where, ControlError(error.what, mend=error.mend))
                continue
            facts += [(moment.recorded, fact, moment.number) for fact in made]
            facts += [(when, w, moment.number) for fact in made for when, w in self._withdrawn(moment, fact)]
        # Where nothing says when each was recorded, what is corrected comes before what corrects it.
        facts.sort(key=lambda found: (found[0], bool(found[1].subject)))
        self.report.facts = _one_after_another([fact for _, fact, _ in facts])
        self.report.numbers = [number for *_, number in facts]
        return self.report

    def _reject(self, number: int, place: str, error: ControlError) -> None:
        where = f"{self.where}, {place}" + (f": {error.where}" if error.where else "")
        self.report.rejected.append(RejectedEvent(number, ControlError(error.what, where=where, mend=error.mend)))

    def _moment(self, number: int, place: str, event: Any) -> _Moment | None:
        if not isinstance(event, Mapping):
            raise ControlError(f"no event but {str(event)[:40]}", mend=_MEND)
        kind = event.get("type")
        step, items, lot, packed = self._what(place, kind, event)
        if step is None and not packed:
            return None
        if not items:
            raise ControlError("names no EPC", mend="list the units or lots it is about")
        giver, receiver = self._party(place, event, "source"), self._party(place, event, "destination")
        if step is Step.COMMISSIONING:
            giver, receiver = "", receiver or giver or self.maker
            if not receiver:
                raise ControlError("commissioned by nobody", mend="name the possessing party, or give a maker")
        own = {name: event[key] for key, name in self.own.items() if isinstance(event.get(key), str)}
        manner = own.get("manner") or words.MANNERS.get(word_of(event, "disposition"), "")
        if not manner and word_of(event, "bizStep") == "retail_selling":
            manner = Manner.SALE
        if manner not in tuple(Manner):
            raise ControlError(
                f"the manner “{str(manner)[:30]}”", mend=f"there are {', '.join(m for m in Manner if m)}"
            )
        if step not in (Step.SHIPPING, Step.RECEIVING, Step.TRANSFER):
            manner = Manner.UNSTATED
        for name in event:
            if name not in _USED and name not in self.own:
                self.report.note(f"{name} is not kept", place)
        error = event.get("errorDeclaration")
        if error is not None and not isinstance(error, Mapping):
            raise ControlError("errorDeclaration is no object", mend="say declarationTime and reason")
        id_ = event.get("eventID")
        recorded = event.get("recordTime")
        return _Moment(
            where=place,
            number=number,
            id=self._id(event) if id_ is None else self._name("event", id_, "eventID"),
            step=step,
            items=tuple(dict.fromkeys(items)),
            lot=lot,
            packed=packed,
            giver=giver if step is not Step.SPLIT else "",
            receiver=receiver if step is not Step.SPLIT and step is not Step.DESTROYING else "",
            manner=Manner(manner),
            corrects=self._name("event", own["corrects"], "corrects") if "corrects" in own else "",
            time=_instant(event.get("eventTime"), "eventTime"),
            recorded=self.recorded_at if recorded is None else _instant(recorded, "recordTime"),
            source=own.get("source") or f"{self.where}, {place}",
            author=own.get("author") or self.author,
            error=error,
        )

    def _what(self, place: str, kind: Any, event: Mapping[str, Any]) -> tuple[Step | None, tuple[str, ...], str, str]:
        """Step, items, lot and packing of an event; neither step nor packing: it says nothing of custody."""
        if kind == "ObjectEvent":
            biz_step = word_of(event, "bizStep")
            step = words.STEPS.get(biz_step)
            if step is None and self._party(place, event, "destination", quiet=True):
                step = Step.TRANSFER
            if step is None:
                self.report.note(f"an ObjectEvent of step {biz_step or '(none)'} says nothing of custody", place)
            return step, self._items(place, event, "epcList", "quantityList"), "", ""
        if kind == "AggregationEvent":
            action = event.get("action")
            parent = event.get("parentID")
            if action not in ("ADD", "OBSERVE", "DELETE"):
                raise ControlError(f"the action {str(action)[:20]}", mend="ADD, OBSERVE or DELETE")
            if parent is None:
                raise ControlError("an aggregation without parentID", mend="name what is packed or unpacked")
            children = self._items(place, event, "childEPCs", "childQuantityList")
            lot = self._name("item", parent, "parentID")
            if action != "DELETE":
                # Seen together they are together; a step of custody that is told of them is one of all.
                seen = words.STEPS.get(word_of(event, "bizStep")) if action == "OBSERVE" else None
                return (seen, (lot, *children), "", "") if seen is not None else (None, children, lot, "ADD")
            if not children:  # EPCIS 2.0, section 7.4.3: all children leave
                return None, ("*",), lot, "DELETE"
            return Step.SPLIT, children, lot, ""
        if kind == "TransformationEvent":
            inputs = self._items(place, event, "inputEPCList", "inputQuantityList")
            if len(inputs) != 1:
                raise ControlError(
                    f"a transformation of {len(inputs)} inputs", mend="custody knows lots that are split: one input"
                )
            return Step.SPLIT, self._items(place, event, "outputEPCList", "outputQuantityList"), inputs[0], ""
        self.report.note(f"{str(kind)[:40] if kind else 'an event without a type'} says nothing of custody", place)
        return None, (), "", ""

    def _items(self, place: str, event: Mapping[str, Any], epcs: str, quantities: str) -> tuple[str, ...]:
        found = _list(event, epcs)
        for element in _list(event, quantities):
            if not isinstance(element, Mapping):
                raise ControlError(f"{quantities} holds {str(element)[:30]}", mend="give objects with an epcClass")
            if "quantity" in element:
                self.report.note("the quantity of a class is not kept", place)
            found.append(element.get("epcClass"))
        return tuple(self._name("item", uri, epcs) for uri in found)

    def _party(self, place: str, event: Mapping[str, Any], end: str, *, quiet: bool = False) -> str:
        """The party that possesses at one end; else the one that owns."""
        parties: dict[str, str] = {}
        for element in _list(event, f"{end}List"):
            if not isinstance(element, Mapping):
                raise ControlError(f"{end}List holds {str(element)[:30]}", mend=f"give objects with type and {end}")
            kind = word(element.get("type"))
            party = self._name("party", element.get(end), f"{end} of {end}List")
            if kind in parties and parties[kind] != party:
                raise ControlError(f"several {kind}s in {end}List", mend="name one")
            parties[kind] = party
        if not quiet:
            for kind in parties:
                if kind not in (words.POSSESSING, words.OWNING):
                    self.report.note(f"{end} of type {kind} is not kept", place)
                elif kind == words.OWNING and words.POSSESSING not in parties:
                    self.report.note(f"the owning party is taken for the possessing {end}", place)
                elif kind == words.OWNING and parties[kind] != parties[words.POSSESSING]:
                    self.report.note(f"the owning party, another than the possessing {end}, is not kept", place)
        return parties.get(words.POSSESSING) or parties.get(words.OWNING, "")

    def _name(self, kind: str, uri: Any, what: str) -> str:
        if not isinstance(uri, str) or not uri.strip():
            raise ControlError(f"{what} names {str(uri)[:30]!r}", mend="write a URI")
        return self.names.name(kind, uri)

    def _id(self, event: Mapping[str, Any]) -> str:
        """A name for an event that has none: equal events have equal ones."""
        plain = {k: v for k, v in event.items() if k not in ("recordTime", "errorDeclaration", "@context")}
        return f"epcis-{hashlib.sha256(canonical_json(plain).encode()).hexdigest()[:16]}"

    def _fact(self, moment: _Moment, item: str, count: int, corrects: str) -> CustodyEvent:
        suffix = f"/{item}" if count > 1 else ""
        subject = corrects or moment.corrects
        assert moment.step is not None, "packing makes no fact"
        return CustodyEvent(
            id=moment.id + suffix,
            valid_from=moment.time,
            recorded_at=moment.recorded,
            source=moment.source,
            author=moment.author,
            subject=subject + suffix if subject else "",
            step=moment.step,
            item=item,
            giver=moment.giver,
            receiver=moment.receiver,
            lot=moment.lot,
            manner=moment.manner,
        )

    def _corrections(self) -> dict[str, str]:
        """Which events correct which, by the declarations of those corrected: id → the first of its versions."""
        found: dict[str, str] = {}
        for moment in self.moments.values():
            for uri in self._corrective(moment):
                id_ = self.names.name("event", uri) if isinstance(uri, str) else ""
                if id_ in self.moments:
                    found[id_] = moment.id
        # The corrections of a correction are versions of the first event.
        for id_ in tuple(found):
            seen = {id_}
            while found[id_] in found and found[id_] not in seen:
                seen.add(found[id_])
                found[id_] = found[found[id_]]
        return {id_: self.moments[first].corrects or first for id_, first in found.items()}

    def _corrective(self, moment: _Moment) -> list[Any]:
        ids = moment.error.get("correctiveEventIDs") if moment.error is not None else None
        return ids if isinstance(ids, list) else []

    def _withdrawn(self, moment: _Moment, fact: Fact) -> Iterator[tuple[np.datetime64, Withdrawal]]:
        """An event in error that nothing in the document corrects did not occur."""
        if moment.error is None:
            return
        corrective = [self.names.name("event", uri) for uri in self._corrective(moment) if isinstance(uri, str)]
        if any(id_ in self.moments for id_ in corrective):
            return
        if corrective:
            self.report.note("an event in error whose correction is not in the document is withdrawn", moment.where)
        declared = moment.error.get("declarationTime")
        when = max(moment.recorded, _instant(declared, "declarationTime") if declared else moment.recorded)
        reason = word(moment.error.get("reason"))
        yield (
            when,
            Withdrawal(
                id=f"{fact.id}/error",
                valid_from=moment.time,
                recorded_at=when,
                source=moment.source,
                author=moment.author,
                kind=CustodyEvent.__name__,
                subject=fact.key,
                reason=reason.replace("_", " "),
            ),
        )


def _one_after_another(facts: list[Fact]) -> list[Fact]:
    """The same facts, those about one event recorded a nanosecond apart at least: two truths of one instant would
    contradict each other."""
    last: dict[str, np.datetime64] = {}
    found: list[Fact] = []
    for fact in facts:
        before = last.get(fact.key)
        if before is not None and fact.recorded_at <= before:
            fact = replace(fact, recorded_at=before + np.timedelta64(1, "ns"))
        last[fact.key] = fact.recorded_at
        found.append(fact)
    return found


def word_of(event: Mapping[str, Any], name: str) -> str:
    """A field that holds a word of the CBV."""
    return word(event.get(name))


word = words.word


def _list(event: Mapping[str, Any], name: str) -> list[Any]:
    value = event.get(name, [])
    if not isinstance(value, list):
        raise ControlError(f"{name} is no list", mend="write [ … ]")
    return list(value)


def _instant(value: Any, what: str) -> np.datetime64:
    """An instant with its offset (EPCIS 2.0, section 7.4.1: a time zone is always given)."""
    zoned = isinstance(value, str) and "T" in value and (value.endswith("Z") or value[-6:-5] in ("+", "-"))
    if not zoned:
        raise ControlError(f"{what} is {str(value)[:40]}", mend="write 2024-02-17T12:00:12Z, with its offset")
    return utc(value, what)
