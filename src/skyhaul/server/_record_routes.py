"""What is on record beside terminals: failures, sessions, parties, accounts."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from skyhaul.control._instants import instant_text
from skyhaul.control.facts import Account, Party, Role
from skyhaul.control.facts import Terminal as Unit
from skyhaul.control.registry import held
from skyhaul.earth import cells_of
from skyhaul.operation import FailureRow
from skyhaul.server._control_territory import AsKnown, When, instants
from skyhaul.server._desk import Desk, Here, Operator, Who
from skyhaul.server._pages import LIMIT, Cursor, Limit, Page, page_of
from skyhaul.server._people import Caller, actor_of, no_token
from skyhaul.server._places import account_disclosed
from skyhaul.server._plain import instant, iso_ns
from skyhaul.server._problems import RefusedError
from skyhaul.server._terminal_models import SessionOut
from skyhaul.server._terminal_routes import sessions_page

router = APIRouter()


class FailureIn(BaseModel):
    """Something that shall fail."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"kind": "gateway", "target": "Madrid", "note": "drill"}]}
    )

    kind: Literal["satellite", "laser", "gateway", "pop"]
    target: str = Field(
        min_length=1,
        max_length=200,
        description="Name or catalogue number of a satellite; a gateway or PoP; for a laser “one / other”.",
    )
    start: str | None = Field(None, max_length=40, description="Without it: now.")
    end: str | None = Field(None, max_length=40, description="Without it: until it is mended.")
    note: str = Field("", max_length=1000)


class FailureOut(BaseModel):
    """A failure on record."""

    id: int
    kind: str
    target: str
    start: str
    end: str | None
    state: str = Field(description="to come, failing, over.")
    note: str
    injected: bool = Field(description="False: of the scenario, which nobody can end.")


class PartyOut(BaseModel):
    """Somebody who holds or passes on units."""

    party: str
    parent: str = Field(description="Whom it belongs to; empty: nobody.")
    territory: str
    accounts: int
    units: int = Field(description="Registered with it as their holder.")
    valid_from: str
    valid_to: str | None
    recorded_at: str
    source: str


class AccountOut(BaseModel):
    """An account as it holds now."""

    account: str
    party: str
    state: str
    plan: dict[str, Any] = Field(description="Its plan; the service address is in `address`.")
    address_cell: str | None = Field(description="The H3 cell of the service address.")
    address: tuple[float, float] | None = Field(description="The service address itself, where it was asked for.")
    units: list[str]
    valid_from: str
    valid_to: str | None
    recorded_at: str
    source: str


@router.get("/failures", response_model=Page[FailureOut], tags=["system"], summary="Failures")
def failures(desk: Here, limit: Limit = LIMIT, cursor: Cursor = None) -> Page[FailureOut]:
    """Failures on record, the latest first: those injected, then the scenario's own."""
    snapshot = desk.snapshot()
    now = snapshot.time_ns
    found = [_failure(row, now, True) for row in reversed(snapshot.view.failures)]
    for k, own in enumerate(snapshot.view.outside):
        target = own.target if isinstance(own.target, str) else " / ".join(own.target)
        end = None if own.end is None else int(own.end.astype("datetime64[ns]").astype(np.int64))
        start = int(own.start.astype("datetime64[ns]").astype(np.int64))
        found.append(_failure(FailureRow(-1 - k, own.kind, target, start, end), now, False))
    part, more = page_of(found, cursor, limit)
    return Page(items=list(part), next=more)


@router.post("/failures", response_model=FailureOut, status_code=201, tags=["system"], summary="Let something fail")
def inject(desk: Here, _: Operator, failure: FailureIn) -> FailureOut:
    """Take a satellite, laser link, gateway or point of presence out of service; plans heed it from the next on."""
    start = None if failure.start is None else instant(failure.start, "start")
    end = None if failure.end is None else instant(failure.end, "end")
    row = desk.operation.inject_failure(failure.kind, failure.target, start, end, failure.note)
    return _failure(row, desk.operation.clock.now_ns(), True)


@router.delete("/failures/{id}", response_model=FailureOut, tags=["system"], summary="Mend a failure")
def mend(desk: Here, _: Operator, id: Annotated[int, Path(ge=1, le=2**53)]) -> FailureOut:
    """End a failure now; it stays on record."""
    return _failure(desk.operation.end_failure(id), desk.operation.clock.now_ns(), True)


def _failure(row: FailureRow, now: int, injected: bool) -> FailureOut:
    over = row.end_ns is not None and row.end_ns <= now
    return FailureOut(
        id=row.number,
        kind=row.kind,
        target=row.target,
        start=iso_ns(row.start_ns),
        end=None if row.end_ns is None else iso_ns(row.end_ns),
        state="over" if over else "to come" if row.start_ns > now else "failing",
        note=row.note,
        injected=injected,
    )


@router.get("/sessions", response_model=Page[SessionOut], tags=["terminals"], summary="Sessions")
def sessions(
    desk: Here,
    terminal: Annotated[str, Query(min_length=1, max_length=200, description="Whose; also of one that is no more.")],
    from_: Annotated[str | None, Query(alias="from", max_length=40, description="First instant; a day ago.")] = None,
    to: Annotated[str | None, Query(max_length=40, description="Last instant; now.")] = None,
    limit: Limit = LIMIT,
    cursor: Cursor = None,
) -> Page[SessionOut]:
    """The stays of a terminal in one state, the latest first: served by what, in which cell, or why not."""
    return sessions_page(desk, terminal, from_, to, limit, cursor)


@router.get("/parties", response_model=Page[PartyOut], tags=["service control"], summary="Parties")
def parties(
    desk: Here,
    caller: Who,
    q: Annotated[str, Query(max_length=100, description="Part of the name.")] = "",
    time: When = None,
    as_known: AsKnown = "",
    limit: Limit = LIMIT,
    cursor: Cursor = None,
) -> Page[PartyOut]:
    """Parties by name, with their accounts and units; a distributor sees its own party and those below it."""
    at, known_at = instants(desk, time, as_known)
    found = _visible(desk, caller, held(desk.facts, Party, at, known_at))
    wanted = [party for party in found if q.lower() in party.party.lower()]
    part, more = page_of(sorted(wanted, key=lambda party: party.party), cursor, limit)
    accounts = Counter(account.party for account in held(desk.facts, Account, at, known_at))
    units = Counter(unit.holder for unit in held(desk.facts, Unit, at, known_at))
    items = [
        PartyOut(
            party=party.party,
            parent=party.parent,
            territory=party.territory,
            accounts=accounts[party.party],
            units=units[party.party],
            valid_from=instant_text(party.valid_from),
            valid_to=None if party.valid_to is None else instant_text(party.valid_to),
            recorded_at=instant_text(party.recorded_at),
            source=party.source,
        )
        for party in part
    ]
    return Page(items=items, next=more)


@router.get("/accounts", response_model=Page[AccountOut], tags=["service control"], summary="Accounts")
def accounts(
    desk: Here,
    caller: Who,
    q: Annotated[str, Query(max_length=100, description="Part of the account's or party's name.")] = "",
    exact: Annotated[bool, Query(description="Service addresses themselves; for the operator, and on record.")] = False,
    reason: Annotated[str, Query(max_length=1000, description="Why exact addresses are needed.")] = "",
    time: When = None,
    as_known: AsKnown = "",
    limit: Limit = LIMIT,
    cursor: Cursor = None,
) -> Page[AccountOut]:
    """Accounts by name, with plan and units; service addresses as cells unless the operator asks for them itself."""
    at, known_at = instants(desk, time, as_known)
    names = {party.party for party in _visible(desk, caller, held(desk.facts, Party, at, known_at))}
    text = q.lower()
    found = [
        account
        for account in held(desk.facts, Account, at, known_at)
        if account.party in names and (text in account.account.lower() or text in account.party.lower())
    ]
    part, more = page_of(sorted(found, key=lambda account: account.account), cursor, limit)
    if exact:
        caller.require(Role.OPERATOR)
        account_disclosed(desk, actor_of(caller, desk.keys), tuple(account.account for account in part), reason)
    units = held(desk.facts, Unit, at, known_at)
    return Page(items=[_account(account, units, exact) for account in part], next=more)


def _visible(desk: Desk, caller: Caller, found: list[Party]) -> list[Party]:
    """The parties that a caller may read of. Raises RefusedError for somebody who may read of none."""
    if desk.keys or caller.operates or caller.has(Role.OPERATOR, Role.AUTHORITY, Role.AUDITOR):
        return found
    if not caller.person:
        raise no_token()
    own = {a.body for a in caller.appointments if a.role is Role.DISTRIBUTOR}
    if not own:
        raise RefusedError(403, f"{caller.person} reads of no parties", mend="ask an operator, authority or auditor")
    parents = {party.party: party.parent for party in found}
    return [party for party in found if own & set(_line(party.party, parents))]


def _line(party: str, parents: dict[str, str]) -> list[str]:
    line: list[str] = []
    while party and party not in line:
        line.append(party)
        party = parents.get(party, "")
    return line


def _account(account: Account, units: list[Unit], exact: bool) -> AccountOut:
    plan, address = account.plan, account.plan.service_address
    cell = None if address is None else int(cells_of(address.latitude_deg, address.longitude_deg).item())
    return AccountOut(
        account=account.account,
        party=account.party,
        state=str(account.state),
        plan={
            "kind": str(plan.kind),
            "home": plan.home,
            "max_distance_m": plan.max_distance_m,
            "roams_to": list(plan.roams_to),
            "ocean": plan.ocean,
            "aviation": plan.aviation,
            "max_speed_m_s": plan.max_speed_m_s,
        },
        address_cell=None if cell is None else f"{cell:x}",
        address=(address.latitude_deg, address.longitude_deg) if exact and address is not None else None,
        units=sorted(unit.terminal for unit in units if unit.account == account.account)[:1000],
        valid_from=instant_text(account.valid_from),
        valid_to=None if account.valid_to is None else instant_text(account.valid_to),
        recorded_at=instant_text(account.recorded_at),
        source=account.source,
    )
