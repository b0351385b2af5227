"""Allow-lists over HTTP: who applied, what a review finds, and the answers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from skyhaul.control._instants import instant_text
from skyhaul.control.facts import AllowList, Application, HolderKind
from skyhaul.control.lists import Entry, Finding, ListRegister, State, review
from skyhaul.control.lists import approve as listing_of
from skyhaul.control.lists import reject as rejection_of
from skyhaul.control.lists import remove as removal_of
from skyhaul.errors import NotFoundError
from skyhaul.server._control_orders import HIDDEN, RecordedOut, may_read
from skyhaul.server._control_territory import AsKnown, When, instants
from skyhaul.server._desk import Desk, Here, Who
from skyhaul.server._pages import LIMIT, Cursor, Limit, Page, page_of
from skyhaul.server._people import Caller, actor_of
from skyhaul.server._plain import instant

router = APIRouter()

Name = Annotated[str, Path(max_length=200, description="The list's name.")]
Id = Annotated[str, Path(max_length=200, description="The application's id.")]


class AllowListOut(BaseModel):
    """An allow-list."""

    name: str
    authority: str
    area: str = Field(description="Where it is in force, LAYER/NAME.")
    in_force: bool
    quotas: dict[str, int | None] = Field(description="Terminals a holder may have, by kind; null: any number.")
    by_state: dict[str, int] = Field(description="Applications and listings by state.")
    valid_from: str
    valid_to: str | None
    source: str


class FindingOut(BaseModel):
    """Something to look at: a fact, never a verdict."""

    matter: str
    text: str
    entries: list[str]
    facts: list[str]


class EntryOut(BaseModel):
    """An application, or a listing without one, and where it stands."""

    id: str
    allow_list: str
    state: str
    since: str
    reason: str
    terminal: str
    kit_number: str
    account: str
    holder: str
    holder_kind: str
    shown: bool
    evidence: str
    sponsor: str
    recorded_by: str
    approved_by: str | None
    valid_from: str | None
    valid_to: str | None
    findings: list[FindingOut]


class ApplicationIn(BaseModel):
    """What somebody asks to have listed."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "terminal": "UT-1",
                    "holder": "Ada",
                    "holder_kind": "person",
                    "evidence": "passport 7",
                    "source": "form 3",
                }
            ]
        },
    )

    terminal: str = Field(min_length=1, max_length=200)
    kit_number: str = Field("", max_length=200)
    account: str = Field("", max_length=200)
    holder: str = Field(min_length=1, max_length=200)
    holder_kind: HolderKind
    shown: bool = False
    evidence: str = Field(min_length=1, max_length=2000)
    address: str = Field("", max_length=500)
    sponsor: str = Field("", max_length=200)
    source: str = Field("", max_length=2000)


class ApproveIn(BaseModel):
    """Until when an application is granted, and why in spite of what was found."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"valid_to": "2027-01-01T00:00:00Z"}]})

    valid_to: str = Field(max_length=40)
    despite: str = Field("", max_length=2000, description="Asked for where a review finds something.")
    source: str = Field("", max_length=2000)


class RefuseIn(BaseModel):
    """Why an application is not granted, or a listing ends."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "no receipt"}]})

    reason: str = Field(min_length=1, max_length=2000)
    source: str = Field("", max_length=2000)


@router.get("/allow-lists", response_model=Page[AllowListOut], summary="Allow-lists")
def allow_lists(
    desk: Here, time: When = None, as_known: AsKnown = "", limit: Limit = LIMIT, cursor: Cursor = None
) -> Page[AllowListOut]:
    """Every list, and how many ask for a place on it or have one."""
    at, known_at = instants(desk, time, as_known)
    register = ListRegister(desk.facts, known_at)
    part, more = page_of(register.lists(), cursor, limit)
    items = []
    for one in part:
        counted = {str(state): 0 for state in State}
        for entry in register.entries(at, one.name):
            counted[str(entry.state)] += 1
        items.append(_list(one, register.list_at(one.name, at) is not None, counted))
    return Page(items=items, next=more)


@router.get("/allow-lists/{name}/applications", response_model=Page[EntryOut], summary="Applications to a list")
def applications(
    desk: Here,
    caller: Who,
    name: Name,
    state: Annotated[State | None, Query(description="applied, approved, rejected, expired or removed.")] = None,
    time: When = None,
    as_known: AsKnown = "",
    limit: Limit = LIMIT,
    cursor: Cursor = None,
) -> Page[EntryOut]:
    """What was asked and what became of it, with what a review finds in each that is open or listed.

    Who holds what, on which evidence, and the findings' words are for operators, authorities and auditors.
    """
    at, known_at = instants(desk, time, as_known)
    entries = [e for e in ListRegister(desk.facts, known_at).entries(at, name) if state in (None, e.state)]
    findings = review(desk.facts, at, known_at, name=name)
    part, more = page_of(entries, cursor, limit)
    return Page(items=[_entry(entry, findings, caller) for entry in part], next=more)


@router.post("/allow-lists/{name}/applications", response_model=RecordedOut, status_code=201, summary="Apply")
def apply(desk: Here, caller: Who, name: Name, asked: ApplicationIn) -> RecordedOut:
    """Record an application to a list."""
    registry = desk.registry
    now = registry.now()
    application = Application(
        id=_new("application"),
        valid_from=desk.now,
        recorded_at=now,
        source=asked.source or _source(caller),
        author=caller.person,
        name=name,
        terminal=asked.terminal,
        kit_number=asked.kit_number,
        account=asked.account,
        holder=asked.holder,
        holder_kind=asked.holder_kind,
        shown=asked.shown,
        evidence=asked.evidence,
        address=asked.address,
        sponsor=asked.sponsor,
    )
    receipt = registry.record([application], actor_of(caller, desk.keys))
    return _recorded(application.id, receipt.facts[0].recorded_at, receipt.leaves.start)


@router.post(
    "/allow-lists/{name}/applications/{id}/approve", response_model=RecordedOut, status_code=201, summary="Grant"
)
def approve(desk: Here, caller: Who, name: Name, id: Id, said: ApproveIn) -> RecordedOut:
    """Put what was asked on the list until an instant. What a review found must be answered for: say why despite it."""
    register = _of_list(desk, name, id)
    findings = [f for f in review(desk.facts, desk.now, desk.known_at(), name=name) if id in f.entries]
    if findings and not said.despite.strip():
        register.application(id).refuse(
            f"there is something to look at: {', '.join(sorted({str(f.matter) for f in findings}))}",
            "say in despite why it is granted all the same",
        )
    listing = listing_of(
        register,
        id,
        id_=_new("listing"),
        approver=caller.person,
        valid_from=desk.now,
        valid_to=instant(said.valid_to, "valid_to"),
        recorded_at=desk.registry.now(),
        source=said.source or _source(caller),
        despite=said.despite.strip(),
    )
    receipt = desk.registry.record([listing], actor_of(caller, desk.keys))
    return _recorded(listing.id, receipt.facts[0].recorded_at, receipt.leaves.start)


@router.post(
    "/allow-lists/{name}/applications/{id}/reject", response_model=RecordedOut, status_code=201, summary="Refuse"
)
def reject(desk: Here, caller: Who, name: Name, id: Id, said: RefuseIn) -> RecordedOut:
    """Say that what was asked is not granted, and why."""
    answer = rejection_of(
        _of_list(desk, name, id),
        id,
        id_=_new("rejection"),
        rejected_by=caller.person,
        reason=said.reason,
        valid_from=desk.now,
        recorded_at=desk.registry.now(),
        source=said.source or _source(caller),
    )
    receipt = desk.registry.record([answer], actor_of(caller, desk.keys))
    return _recorded(answer.id, receipt.facts[0].recorded_at, receipt.leaves.start)


@router.post(
    "/allow-lists/{name}/applications/{id}/remove", response_model=RecordedOut, status_code=201, summary="Take off"
)
def remove(desk: Here, caller: Who, name: Name, id: Id, said: RefuseIn) -> RecordedOut:
    """Take a terminal off the list, or an open application back, with the reason."""
    removal = removal_of(
        _of_list(desk, name, id),
        id,
        id_=_new("removal"),
        removed_by=caller.person,
        reason=said.reason,
        valid_from=desk.now,
        recorded_at=desk.registry.now(),
        source=said.source or _source(caller),
    )
    receipt = desk.registry.record([removal], actor_of(caller, desk.keys))
    return _recorded(removal.id, receipt.facts[0].recorded_at, receipt.leaves.start)


def _of_list(desk: Desk, name: str, id_: str) -> ListRegister:
    desk.registry.check_writable()
    register = ListRegister(desk.facts, desk.known_at())
    if register.entry(id_, desk.now).asked.name != name:
        raise NotFoundError(f"“{id_}” is not of the list “{name}”", mend="its applications are listed there")
    return register


def _new(kind: str) -> str:
    return f"{kind}-{os.urandom(8).hex()}"


def _source(caller: Caller) -> str:
    return f"{caller.person or 'nobody'}, in the console"


def _recorded(fact: str, at: np.datetime64, leaf: int) -> RecordedOut:
    return RecordedOut(fact=fact, order="", recorded_at=instant_text(at), leaf=leaf)


def _list(one: AllowList, in_force: bool, counted: dict[str, int]) -> AllowListOut:
    return AllowListOut(
        name=one.name,
        authority=one.authority,
        area=one.area,
        in_force=in_force,
        quotas={"person, unseen": one.quotas.person_unseen} | {str(kind): one.quotas.of(kind) for kind in HolderKind},
        by_state=counted,
        valid_from=instant_text(one.valid_from),
        valid_to=None if one.valid_to is None else instant_text(one.valid_to),
        source=one.source,
    )


def _entry(entry: Entry, findings: Sequence[Finding], caller: Caller) -> EntryOut:
    asked, listing, open_ = entry.asked, entry.listing, may_read(caller)
    found = [
        FindingOut(
            matter=str(finding.matter),
            text=finding.text if open_ else HIDDEN,
            entries=list(finding.entries),
            facts=[fact.id for fact in finding.facts],
        )
        for finding in findings
        if entry.id in finding.entries
    ]
    return EntryOut(
        id=entry.id,
        allow_list=asked.name,
        state=str(entry.state),
        since=instant_text(entry.since),
        reason=entry.reason,
        terminal=asked.terminal,
        kit_number=asked.kit_number if open_ else HIDDEN,
        account=asked.account,
        holder=asked.holder if open_ else HIDDEN,
        holder_kind=str(entry.holder_kind),
        shown=asked.shown,
        evidence=asked.evidence if open_ else HIDDEN,
        sponsor=asked.sponsor,
        recorded_by=asked.author,
        approved_by=None if listing is None else listing.approved_by,
        valid_from=None if listing is None else instant_text(listing.valid_from),
        valid_to=None if listing is None or listing.valid_to is None else instant_text(listing.valid_to),
        findings=found,
    )
