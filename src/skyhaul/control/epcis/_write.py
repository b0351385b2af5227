"""Custody as a GS1 EPCIS 2.0 document in JSON (JSON-LD)."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import numpy as np

from skyhaul.control._instants import instant_text, utc
from skyhaul.control.epcis import _vocabulary as words
from skyhaul.control.epcis._vocabulary import DEFAULT_BASE, Names
from skyhaul.control.facts import CustodyEvent, Fact, Step, Withdrawal


def epcis_document(
    facts: Iterable[Fact], created_at: str | np.datetime64, *, base: str = DEFAULT_BASE
) -> dict[str, Any]:
    """An EPCISDocument of the custody events among facts, in the order in which they were recorded.

    Events that later ones correct, and those withdrawn, are in it with an errorDeclaration (EPCIS 2.0, section 7.4.1.5)
    that says by what. Names that are no URIs stand below `base`. Raises ControlError for a base that is none.

    A commissioning, shipping, receiving, transfer and destroying is an ObjectEvent (7.4.2) with the possessing parties
    as source and destination; a transfer's business step is `accepting`. A split is an AggregationEvent (7.4.3) with
    action DELETE: the unit leaves the lot, and the lot lives on; a TransformationEvent (7.4.6) would use it up.
    """
    names = Names(base)
    given = [fact for fact in facts if isinstance(fact, CustodyEvent | Withdrawal)]
    events = sorted(
        (fact for fact in given if isinstance(fact, CustodyEvent)), key=lambda event: (event.recorded_at, event.id)
    )
    errors = _errors(events, [fact for fact in given if isinstance(fact, Withdrawal)], names)
    return {
        "@context": [words.CONTEXT, {words.PREFIX: words.NAMESPACE}],
        "type": "EPCISDocument",
        "schemaVersion": words.SCHEMA_VERSION,
        "creationDate": instant_text(utc(created_at, "creation date")),
        "epcisBody": {"eventList": [_event(event, errors.get(event.id), names) for event in events]},
    }


def _event(event: CustodyEvent, error: dict[str, Any] | None, names: Names) -> dict[str, Any]:
    split = event.step is Step.SPLIT
    disposition = words.MANNER_DISPOSITIONS.get(event.manner, words.DISPOSITIONS[event.step])
    out: dict[str, Any] = {
        "type": "AggregationEvent" if split else "ObjectEvent",
        "eventID": names.uri("event", event.id),
        "eventTime": instant_text(event.valid_from),
        "eventTimeZoneOffset": "+00:00",
        "recordTime": instant_text(event.recorded_at),
    }
    if error is not None:
        out["errorDeclaration"] = error
    item = names.uri("item", event.item)
    if split:
        out |= {"action": "DELETE", "parentID": names.uri("item", event.lot), "childEPCs": [item]}
    else:
        action = {Step.COMMISSIONING: "ADD", Step.DESTROYING: "DELETE"}.get(event.step, "OBSERVE")
        out |= {"action": action, "epcList": [item]}
    out |= {"bizStep": words.BIZ_STEPS[event.step], "disposition": disposition}
    for list_, name, party in (
        ("sourceList", "source", event.giver),
        ("destinationList", "destination", event.receiver),
    ):
        if party:
            out[list_] = [{"type": words.POSSESSING, name: names.uri("party", party)}]
    out |= {f"{words.PREFIX}:source": event.source, f"{words.PREFIX}:author": event.author}
    if event.manner:
        out[f"{words.PREFIX}:manner"] = str(event.manner)
    if event.subject:
        out[f"{words.PREFIX}:corrects"] = names.uri("event", event.subject)
    return out


def _errors(events: list[CustodyEvent], withdrawals: list[Withdrawal], names: Names) -> dict[str, dict[str, Any]]:
    """The error declarations of events that do not stand, by id."""
    versions: dict[str, list[CustodyEvent]] = {}
    for event in events:
        versions.setdefault(event.key, []).append(event)
    found: dict[str, dict[str, Any]] = {}
    for group in versions.values():
        for event, correction in pairwise(group):
            found[event.id] = {
                "declarationTime": instant_text(correction.recorded_at),
                "reason": words.INCORRECT_DATA,
                "correctiveEventIDs": [names.uri("event", correction.id)],
            }
    for withdrawal in withdrawals:
        group = versions.get(withdrawal.subject, []) if withdrawal.kind == CustodyEvent.__name__ else []
        if group and group[-1].recorded_at <= withdrawal.recorded_at:
            found[group[-1].id] = {
                "declarationTime": instant_text(withdrawal.recorded_at),
                "reason": words.DID_NOT_OCCUR,
            }
    return found
