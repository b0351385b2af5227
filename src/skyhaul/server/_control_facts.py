"""What authorities permit, over HTTP: licences and type approvals, with their conditions in words."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from skyhaul.control._instants import instant_text
from skyhaul.control.facts import Licence, TypeApproval
from skyhaul.control.registry import held
from skyhaul.server._control_territory import AsKnown, When, instants
from skyhaul.server._desk import Here
from skyhaul.server._pages import LIMIT, Cursor, Limit, Page, page_of

router = APIRouter()


class LicenceOut(BaseModel):
    """A licence in force."""

    id: str
    authority: str
    territory: str
    service_classes: list[str]
    conditions: str = Field(description="In words; empty: it counts in all of its territory, for every approved model.")
    models: list[str]
    only_controlled_by: list[str]
    activation_required: bool
    max_speed_m_s: float | None
    valid_from: str
    valid_to: str | None
    recorded_at: str
    author: str
    source: str


class TypeApprovalOut(BaseModel):
    """A type approval in force."""

    id: str
    authority: str
    model: str
    territory: str = Field(description="Empty: all of the authority's.")
    software: list[str] = Field(description="Approved versions; none: any.")
    valid_from: str
    valid_to: str | None
    recorded_at: str
    author: str
    source: str


@router.get("/licences", response_model=Page[LicenceOut], summary="Licences in force")
def licences(
    desk: Here,
    territory: Annotated[str, Query(max_length=200)] = "",
    time: When = None,
    as_known: AsKnown = "",
    limit: Limit = LIMIT,
    cursor: Cursor = None,
) -> Page[LicenceOut]:
    """The licences that hold at an instant."""
    at, known_at = instants(desk, time, as_known)
    found = [one for one in held(desk.facts, Licence, at, known_at) if territory in ("", one.territory)]
    part, more = page_of(found, cursor, limit)
    return Page(items=[_licence(one) for one in part], next=more)


@router.get("/type-approvals", response_model=Page[TypeApprovalOut], summary="Type approvals in force")
def type_approvals(
    desk: Here, time: When = None, as_known: AsKnown = "", limit: Limit = LIMIT, cursor: Cursor = None
) -> Page[TypeApprovalOut]:
    """The type approvals that hold at an instant."""
    at, known_at = instants(desk, time, as_known)
    part, more = page_of(held(desk.facts, TypeApproval, at, known_at), cursor, limit)
    items = [
        TypeApprovalOut(
            id=one.id,
            authority=one.authority,
            model=one.model,
            territory=one.territory,
            software=list(one.software),
            valid_from=instant_text(one.valid_from),
            valid_to=None if one.valid_to is None else instant_text(one.valid_to),
            recorded_at=instant_text(one.recorded_at),
            author=one.author,
            source=one.source,
        )
        for one in part
    ]
    return Page(items=items, next=more)


def conditions_of(licence: Licence) -> str:
    """The conditions of a licence as a sentence; empty without any."""
    said = []
    if licence.only_controlled_by:
        said.append(f"counts only where {' or '.join(licence.only_controlled_by)} is in control, and nobody else")
    if licence.activation_required:
        said.append("counts only where an order has switched the service on")
    if licence.models:
        said.append(f"only for {', '.join(licence.models)}")
    if licence.max_speed_m_s is not None:
        said.append(f"up to {licence.max_speed_m_s:g} m/s ({3.6 * licence.max_speed_m_s:.0f} km/h)")
    return "; ".join(said)


def _licence(one: Licence) -> LicenceOut:
    return LicenceOut(
        id=one.id,
        authority=one.authority,
        territory=one.territory,
        service_classes=[str(name) for name in one.service_classes],
        conditions=conditions_of(one),
        models=list(one.models),
        only_controlled_by=list(one.only_controlled_by),
        activation_required=one.activation_required,
        max_speed_m_s=one.max_speed_m_s,
        valid_from=instant_text(one.valid_from),
        valid_to=None if one.valid_to is None else instant_text(one.valid_to),
        recorded_at=instant_text(one.recorded_at),
        author=one.author,
        source=one.source,
    )
