"""Orders over HTTP: where each stands, drafts to be signed, and signed orders, approvals and ends.

Nobody signs what they have not seen: a draft answers with the very text that is to be signed. The signature is made
where the person's key is, in their browser or program; the server signs only for the invented people of a
demonstration, whose keys it made.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from skyhaul.control._instants import FOREVER, instant_text
from skyhaul.control._rule_names import Rule
from skyhaul.control.facts import Action, Approval, Fact, Order, OrderEnd, Role, Target, fact_from_document
from skyhaul.control.registry import OrderStanding, OrderState, Registry, order_standings, signed_bytes
from skyhaul.errors import ControlError, NotFoundError
from skyhaul.server._control_territory import AsKnown, When, instants
from skyhaul.server._desk import Desk, Here, Who
from skyhaul.server._pages import LIMIT, Cursor, Limit, Page, page_of
from skyhaul.server._people import Caller, actor_of
from skyhaul.server._plain import instant
from skyhaul.server._problems import RefusedError

router = APIRouter()

Id = Annotated[str, Path(max_length=200, description="The order's id.")]
HIDDEN = "not shown"
"""In place of what only operators, authorities and auditors may see: parties by name, and what says who they are."""
_TERMINALS_MOST = 200  # of those that an order touches are named
_SIGNATURE = r"^(?:[0-9a-fA-F]{128})?$"  # hex of an Ed25519 signature (RFC 8032)


class OrderOut(BaseModel):
    """An order, and where it stands."""

    id: str
    state: str = Field(description="to come, pending, in force or ended.")
    words: str = Field(description="The state in words, such as “pending approval 1 of 2”.")
    authority: str
    does: str = Field(description="What it does and over what, in words.")
    action: str
    target: str
    on: str
    within: str
    reason: str
    legal_basis: str
    approvals_needed: int
    approved_by: list[str]
    valid_from: str
    valid_to: str | None
    begins: str | None = Field(description="From when on it counts; null: not before it is approved.")
    ends: str | None
    author: str
    source: str
    recorded_at: str


class SignatureOut(BaseModel):
    """A signed fact of an order: the order itself, an approval, or an end."""

    what: str = Field(description="given, approved, ended, end approved.")
    fact: str
    person: str
    valid_from: str
    recorded_at: str
    reason: str
    approvals_needed: int
    verifies: bool | None = Field(description="Whether the signature is the person's; null: there is none.")
    leaf: int | None = Field(description="Number of its entry in the log.")


class OrderWhole(OrderOut):
    """An order with everything that was signed about it, and what it touches."""

    signatures: list[SignatureOut]
    terminal_count: int = Field(description="Terminals that it touches, as registered.")
    terminals: list[str]


class OrderIn(BaseModel):
    """What an order shall say."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "action": "suspend",
                    "target": "area",
                    "on": "zone/reservoir district",
                    "reason": "radio silence",
                    "legal_basis": "emergency powers",
                }
            ]
        },
    )

    action: Action
    target: Target
    on: str = Field(min_length=1, max_length=200, description="An area as LAYER/NAME, a cell in hex, or a name.")
    within: str = Field("", max_length=200)
    reason: str = Field(min_length=1, max_length=2000)
    legal_basis: str = Field(min_length=1, max_length=2000)
    source: str = Field("", max_length=2000, description="The document it comes from; without it: you.")
    authority: str = Field("", max_length=200, description="In whose name; without it the one you act for.")
    approvals_needed: int = Field(0, ge=0, le=20, description="The policy may want more.")
    valid_from: str | None = Field(None, max_length=40, description="Without it: now.")
    valid_to: str | None = Field(None, max_length=40)
    speed_cap_m_s: float | None = Field(None, ge=0, lt=1e6)
    rate_bps: float | None = Field(None, ge=0, lt=1e15)
    exempts: list[Rule] = Field(default_factory=list, max_length=50)


class EndIn(BaseModel):
    """Why and when an order shall end."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "no longer needed"}]})

    reason: str = Field(min_length=1, max_length=2000)
    source: str = Field("", max_length=2000)
    valid_from: str | None = Field(None, max_length=40, description="Without it: now.")


class ApprovalIn(BaseModel):
    """From when on an approval shall count."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{}]})

    source: str = Field("", max_length=2000)
    valid_from: str | None = Field(None, max_length=40, description="Without it: now.")


class DraftOut(BaseModel):
    """What is to be signed; nothing is recorded yet."""

    document: dict[str, Any] = Field(description="The fact, to be handed in again with the signature.")
    text: str = Field(description="The text to be signed with Ed25519, in UTF-8: it says all that the fact says.")
    terminal_count: int = Field(description="Terminals that the order touches, as registered.")
    terminals: list[str]
    approvals_needed: int
    refused: str = Field(description="Why it would not be recorded; empty: nothing speaks against it.")
    server_signs: bool = Field(description="Whether the server has your key: only in a demonstration.")


class SignedIn(BaseModel):
    """A draft's document and the signature under its text."""

    model_config = ConfigDict(extra="forbid")

    document: dict[str, Any] = Field(description="As the draft answered.")
    signature: str = Field("", pattern=_SIGNATURE, description="Hex; empty: the server signs, in a demonstration.")


class RecordedOut(BaseModel):
    """What was recorded: it is on the disk and in the log."""

    fact: str
    order: str
    recorded_at: str
    leaf: int


@router.get("/orders", response_model=Page[OrderOut], summary="Orders")
def orders(
    desk: Here,
    caller: Who,
    state: Annotated[OrderState | None, Query(description="to come, pending, in force or ended.")] = None,
    time: When = None,
    as_known: AsKnown = "",
    limit: Limit = LIMIT,
    cursor: Cursor = None,
) -> Page[OrderOut]:
    """Every order on record, the latest first, and where it stands at an instant."""
    at, known_at = instants(desk, time, as_known)
    found = [s for s in order_standings(desk.facts, at, known_at) if state in (None, s.state)]
    found.sort(key=lambda standing: (standing.order.recorded_at, standing.order.id), reverse=True)
    part, more = page_of(found, cursor, limit)
    return Page(items=[OrderOut(**_said(standing, caller)) for standing in part], next=more)


@router.get("/orders/{id}", response_model=OrderWhole, summary="An order")
def order(desk: Here, caller: Who, id: Id, time: When = None, as_known: AsKnown = "") -> OrderWhole:
    """An order with its signatures, approvals and ends, and the terminals that it touches."""
    at, known_at = instants(desk, time, as_known)
    standing = _standing(desk, id, at, known_at)
    book = _book(desk)
    approvals = [a for a in desk.facts.known(Approval, known_at) if a.order in {e.id for e in standing.ends}]
    signed: list[tuple[str, Order | OrderEnd | Approval]] = [("given", standing.order)]
    signed += [("approved", approval) for approval in standing.approved]
    signed += [("ended", end) for end in standing.ends]
    signed += [("end approved", approval) for approval in approvals]
    over_party = standing.order.target is Target.PARTY
    touched = book.touched(standing.order) if may_read(caller) or not over_party else []
    return OrderWhole(
        **_said(standing, caller),
        signatures=[_signature(desk, book, what, fact) for what, fact in signed],
        terminal_count=len(touched),
        terminals=touched[:_TERMINALS_MOST],
    )


@router.post("/orders/draft", response_model=DraftOut, summary="Draft an order")
def draft(desk: Here, caller: Who, said: OrderIn) -> DraftOut:
    """What the order would say and touch, how many others must approve it, the text to be signed. Records nothing."""
    registry = _asked(desk, caller)
    given = Order(
        **_of_every_fact(desk, caller, "order", said.source, said.valid_from),
        valid_to=None if said.valid_to is None else instant(said.valid_to, "valid_to"),
        authority=said.authority or _authority(registry, caller),
        action=said.action,
        target=said.target,
        on=said.on,
        within=said.within,
        reason=said.reason,
        legal_basis=said.legal_basis,
        approvals_needed=said.approvals_needed,
        speed_cap_m_s=said.speed_cap_m_s,
        rate_bps=said.rate_bps,
        exempts=tuple(said.exempts),
    )
    return _draft(desk, caller, registry.prepared(given), registry.touched(given))


@router.post("/orders", response_model=RecordedOut, status_code=201, summary="Give an order")
def give(desk: Here, caller: Who, signed: SignedIn) -> RecordedOut:
    """Record a signed order: it counts from its beginning, or once enough others have approved it."""
    return _record(desk, caller, signed, Order, "")


@router.post("/orders/{id}/approvals/draft", response_model=DraftOut, summary="Draft an approval")
def draft_approval(desk: Here, caller: Who, id: Id, said: ApprovalIn) -> DraftOut:
    """The text with which you approve an order, or the end of one. Records nothing."""
    registry = _asked(desk, caller)
    given = _order_of(desk, id)
    approval = Approval(
        **_of_every_fact(desk, caller, "approval", said.source, said.valid_from), order=id, approver=caller.person
    )
    return _draft(desk, caller, approval, registry.touched(given))


@router.post("/orders/{id}/approvals", response_model=RecordedOut, status_code=201, summary="Approve an order")
def approve(desk: Here, caller: Who, id: Id, signed: SignedIn) -> RecordedOut:
    """Record a signed approval of an order, or of the end of one, that another person of your authority gave."""
    return _record(desk, caller, signed, Approval, id)


@router.post("/orders/{id}/end/draft", response_model=DraftOut, summary="Draft the end of an order")
def draft_end(desk: Here, caller: Who, id: Id, said: EndIn) -> DraftOut:
    """The text with which you end an order, and how many others must approve that. Records nothing."""
    registry = _asked(desk, caller)
    given = _order_of(desk, id)
    end = OrderEnd(
        **_of_every_fact(desk, caller, "end", said.source, said.valid_from),
        order=given.id,
        authority=_authority(registry, caller),
        reason=said.reason,
    )
    return _draft(desk, caller, registry.prepared(end), registry.touched(given))


@router.post("/orders/{id}/end", response_model=RecordedOut, status_code=201, summary="End an order")
def end(desk: Here, caller: Who, id: Id, signed: SignedIn) -> RecordedOut:
    """Record the signed end of an order. The order stays on record, and so does its end."""
    return _record(desk, caller, signed, OrderEnd, id)


def order_words(order: Order, *, names: bool = True) -> str:
    """What an order does, and over what: `limit to 2 Mbit/s over area zone/harbour`. `names`: parties are named."""
    more = ""
    if order.speed_cap_m_s is not None:
        more = f" of {order.speed_cap_m_s:g} m/s"
    elif order.rate_bps is not None:
        more = f" to {order.rate_bps / 1e6:g} Mbit/s"
    elif order.exempts:
        more = f" from {', '.join(order.exempts)}"
    within = f" within {order.within}" if order.within else ""
    on = order.on if names or order.target is not Target.PARTY else HIDDEN
    return f"{order.action}{more} over {order.target} {on}{within}"


def may_read(caller: Caller) -> bool:
    """Whether the caller sees private fields: operators, authorities and auditors do."""
    return caller.has(Role.OPERATOR, Role.AUTHORITY, Role.AUDITOR)


def _draft(desk: Desk, caller: Caller, fact: Order | OrderEnd | Approval, touched: list[str]) -> DraftOut:
    text = signed_bytes(fact).decode()
    refusal: ControlError | None = None
    if caller.person in desk.keys:
        actor = actor_of(caller, desk.keys)
        (refusal,) = desk.registry.examine([actor.signed(fact)], actor)
    return DraftOut(
        document=_document(text),
        text=text,
        terminal_count=len(touched),
        terminals=touched[:_TERMINALS_MOST],
        approvals_needed=0 if isinstance(fact, Approval) else fact.approvals_needed,
        refused="" if refusal is None else str(refusal),
        server_signs=caller.person in desk.keys,
    )


def _document(text: str) -> dict[str, Any]:
    """The fact in a text that is signed: after its first line, which says what such signatures are for."""
    document: dict[str, Any] = json.loads(text.partition("\n")[2])
    return document


def _record(
    desk: Desk, caller: Caller, signed: SignedIn, kind: type[Order] | type[OrderEnd] | type[Approval], of: str
) -> RecordedOut:
    registry = _asked(desk, caller)
    if "signature" in signed.document or "recorded_at" in signed.document:
        raise ControlError(
            "the document says when it was recorded or signed", where="document", mend="as the draft was"
        )
    fact = fact_from_document(signed.document, "document", recorded_at=registry.now())
    if not isinstance(fact, kind):
        raise ControlError(
            f"{type(fact).__name__} where {kind.__name__} is asked for", where="document, kind", mend="make a draft"
        )
    about = fact.id if isinstance(fact, Order) else fact.order
    if of and about != of:
        raise ControlError(f"speaks of {about}, not of {of}", where="document, order", mend="make a draft")
    if signed.signature:
        fact = replace(fact, signature=bytes.fromhex(signed.signature))
    receipt = registry.record([fact], actor_of(caller, desk.keys))
    desk.operation.events.add(
        "order", desk.operation.clock.now_ns(), fact=fact.id, change=kind.__name__, order=about, recorded=True
    )
    return RecordedOut(
        fact=fact.id, order=about, recorded_at=instant_text(receipt.facts[0].recorded_at), leaf=receipt.leaves.start
    )


def _asked(desk: Desk, caller: Caller) -> Registry:
    """The registry, for somebody who may speak of orders. Raises RefusedError, and NotFoundError without a registry."""
    caller.require(Role.OPERATOR, Role.AUTHORITY)
    registry = desk.registry
    registry.check_writable()
    return registry


def _of_every_fact(desk: Desk, caller: Caller, kind: str, source: str, valid_from: str | None) -> dict[str, Any]:
    # The second that has begun, by the system's time: orders are about its time, whatever the wall clock says.
    now = np.datetime64(desk.now.astype("datetime64[s]"), "ns")
    return {
        "id": f"{kind}-{os.urandom(8).hex()}",
        "valid_from": now if valid_from is None else instant(valid_from, "valid_from"),
        "recorded_at": desk.registry.now(),
        "source": source.strip() or f"{caller.person}, in the console",
        "author": caller.person,
    }


def _authority(registry: Registry, caller: Caller) -> str:
    """In whose name somebody gives orders: the operator's, or their authority's."""
    if caller.has(Role.OPERATOR):
        known = registry.known()
        return known.settings(known.now_ns).operator
    if len(caller.bodies) != 1:
        raise RefusedError(
            403, f"{caller.person} acts for {' and '.join(caller.bodies) or 'nobody'}", mend="say which: authority"
        )
    return caller.bodies[0]


def _standing(desk: Desk, id_: str, at: np.datetime64, known_at: np.datetime64) -> OrderStanding:
    found = next((s for s in order_standings(desk.facts, at, known_at) if s.order.id == id_), None)
    if found is None:
        raise NotFoundError(f"there is no order “{id_}”", mend="/api/v1/orders lists all")
    return found


def _order_of(desk: Desk, id_: str) -> Order:
    """The order that an id names, its own or that of its end."""
    known_at = desk.known_at()
    ends = {end.id: end.order for end in desk.facts.known(OrderEnd, known_at)}
    return _standing(desk, ends.get(id_, id_), desk.now, known_at).order


def _book(desk: Desk) -> Registry:
    """The registry, or one to read of the facts that a scenario gives."""
    registry = desk.operation.registry
    return Registry.of(desk.facts, "scenario") if registry is None else registry


def _signature(desk: Desk, book: Registry, what: str, fact: Order | OrderEnd | Approval) -> SignatureOut:
    return SignatureOut(
        what=what,
        fact=fact.id,
        person=fact.author,
        valid_from=instant_text(fact.valid_from),
        recorded_at=instant_text(fact.recorded_at),
        reason="" if isinstance(fact, Approval) else fact.reason,
        approvals_needed=0 if isinstance(fact, Approval) else fact.approvals_needed,
        verifies=book.verifies(fact) if fact.signature else None,
        leaf=leaf_of(desk, fact),
    )


def leaf_of(desk: Desk, fact: Fact) -> int | None:
    """The number of a fact's entry in the log, or None where there is no log."""
    if desk.operation.registry is None:
        return None
    try:
        return desk.registry.store.leaf_of(fact.id)
    except NotFoundError:
        return None


def _said(standing: OrderStanding, caller: Caller) -> dict[str, Any]:
    given, timed = standing.order, standing.timed
    names = may_read(caller) or given.target is not Target.PARTY
    return {
        "id": given.id,
        "state": str(standing.state),
        "words": standing.words,
        "authority": given.authority,
        "does": order_words(given, names=names),
        "action": str(given.action),
        "target": str(given.target),
        "on": given.on if names else HIDDEN,
        "within": given.within,
        "reason": given.reason,
        "legal_basis": given.legal_basis,
        "approvals_needed": given.approvals_needed,
        "approved_by": [approval.approver for approval in standing.approved],
        "valid_from": instant_text(given.valid_from),
        "valid_to": None if given.valid_to is None else instant_text(given.valid_to),
        "begins": _bound(timed.begin),
        "ends": _bound(timed.end),
        "author": given.author,
        "source": given.source,
        "recorded_at": instant_text(given.recorded_at),
    }


def _bound(time: int) -> str | None:
    return None if time == FOREVER else instant_text(time)
