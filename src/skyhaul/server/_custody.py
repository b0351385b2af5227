"""Custody over HTTP: who had a unit, and what a party had."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from skyhaul.control.custody import (
    CustodyRecord,
    Way,
    check_party,
    known_parties,
    party_and_below,
    reach_of,
    standing_events,
    ways,
)
from skyhaul.control.facts import CustodyEvent, Role
from skyhaul.server._desk import Desk, Here, Who
from skyhaul.server._pages import LIMIT, Cursor, Limit, page_of
from skyhaul.server._people import Caller
from skyhaul.server._plain import iso
from skyhaul.server._private import HIDDEN, reads_names
from skyhaul.server._terminal_models import CustodyOut, PassageOut

router = APIRouter(tags=["service control"])


class WayOut(BaseModel):
    """How a unit came to a party."""

    unit: str
    kind: str = Field(description="reached, sent (without a receipt on record), unknown (the record cannot say).")
    words: str


class ReachOut(BaseModel):
    """The units that were ever with a party, or with those that belong to it."""

    party: str
    parties: list[str]
    reached: int
    sent: int
    unknown: int
    clear: int = Field(description="Units that are accounted for at all times, and never were with it.")
    items: list[WayOut]
    next: str | None


def custody_of(desk: Desk, caller: Caller, unit: str) -> CustodyOut:
    """A unit's way through all hands. Raises NotFoundError where no facts are there; empty where none is of it."""
    events = _events(desk)
    record = CustodyRecord.of(events)
    by_id = {event.id: event for event in events}
    known = any(unit in (event.item, event.lot) for event in events)
    if not known:
        return CustodyOut(unit=unit, hands=[], under_way_to=None, items=[])
    traced = record.trace(unit)
    own = {a.body for a in caller.appointments if a.role is Role.DISTRIBUTOR}
    open_ = reads_names(desk, caller) or bool(own & set(traced.parties))

    def named(party: str) -> str:
        return party if open_ or party in ("", "?") else HIDDEN

    items = []
    for p in traced.passages:
        event = by_id[p.event]
        manner = str(event.manner) if event.manner else ""
        items.append(
            PassageOut(
                id=p.event,
                time=iso(p.time),
                step=str(p.step),
                item=p.item,
                giver=named(p.giver),
                receiver=named(p.receiver),
                holder=named(p.holder),
                manner=manner,
                gap_before=p.gap_before,
                source=event.source if open_ else HIDDEN,
                recorded_at=iso(event.recorded_at),
                words="; ".join(part for part in (p.gap_before, manner and f"by {manner}") if part) or "recorded",
            )
        )
    towards = traced.under_way_to
    return CustodyOut(
        unit=unit,
        hands=[named(party) for party in traced.parties],
        under_way_to=None if towards is None else named(towards),
        items=items,
    )


@router.get("/custody/units/{unit}", response_model=CustodyOut, summary="A unit's custody")
def unit_custody(desk: Here, caller: Who, unit: Annotated[str, Path(max_length=200)]) -> CustodyOut:
    """The way of a unit or lot through all hands, with every gap in the record."""
    return custody_of(desk, caller, unit)


@router.get("/custody/parties/{party}", response_model=ReachOut, summary="What a party had")
def party_custody(
    desk: Here, caller: Who, party: Annotated[str, Path(max_length=200)], limit: Limit = LIMIT, cursor: Cursor = None
) -> ReachOut:
    """Which units were ever with a party, directly or through others, and what the record cannot say."""
    if not reads_names(desk, caller):
        caller.require(Role.OPERATOR, Role.AUTHORITY, Role.AUDITOR)
    facts, events = desk.facts, _events(desk)
    known_at = desk.known_at()
    check_party(party, known_parties(facts, events, known_at))
    record = CustodyRecord.of(events)
    parties = party_and_below(facts, party, known_at)
    reach = reach_of(record, parties)
    groups = [("reached", reach.reached), ("sent", reach.sent), ("unknown", reach.unknown)]
    listed = [(kind, unit, when) for kind, units in groups for unit, when in units.items()]
    part, more = page_of(listed, cursor, limit)
    items = []
    for kind, unit, when in part:
        way: Way = next(iter(ways(record, [(unit, when)], frozenset(parties), events)))
        items.append(WayOut(unit=unit, kind=kind, words=str(way)))
    return ReachOut(
        party=party,
        parties=list(parties),
        reached=len(reach.reached),
        sent=len(reach.sent),
        unknown=len(reach.unknown),
        clear=reach.clear,
        items=items,
        next=more,
    )


def _events(desk: Desk) -> list[CustodyEvent]:
    return standing_events(desk.facts, desk.known_at())
