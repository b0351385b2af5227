"""Deciding on applications: what may be granted, and the facts that say so."""

from __future__ import annotations

import numpy as np

from skyhaul.control._instants import FOREVER, instant_text, nanoseconds
from skyhaul.control.decision._windows import Window, within_quota
from skyhaul.control.facts import Application, HolderKind, Listing, Piece, Rejection, Withdrawal, interval
from skyhaul.control.lists._entries import ListRegister, State
from skyhaul.errors import ControlError


def approve(
    register: ListRegister,
    application_id: str,
    *,
    id_: str,
    approver: str,
    valid_from: np.datetime64,
    valid_to: np.datetime64,
    recorded_at: np.datetime64,
    source: str,
    despite: str = "",
) -> Listing:
    """The listing that grants an application for [valid_from, valid_to).

    approver   the person who decides: neither who asks nor who recorded the application
    despite    what was found in review and why it is granted all the same; it goes with the evidence

    Raises NotFoundError for an application that is not recorded, and ControlError for one that is decided or lapsed,
    for an approver who decides on their own behalf, and for what `check_listing` refuses.
    """
    application = register.application(application_id)
    entry = register.entry(application_id, valid_from)
    if entry.state is not State.APPLIED:
        raise ControlError(
            f"is {entry.state} since {instant_text(entry.since)}",
            where=application.where,
            mend="only an open application is granted: apply again",
        )
    if despite:
        despite = f"; granted although: {despite}"
    listing = Listing(
        id=id_,
        valid_from=valid_from,
        valid_to=valid_to,
        recorded_at=recorded_at,
        source=source,
        author=approver,
        name=application.name,
        terminal=application.terminal,
        kit_number=application.kit_number,
        account=application.account,
        holder=application.holder,
        kind=application.holder_kind,
        shown=application.shown,
        evidence=application.evidence + despite,
        approved_by=approver,
        sponsor=application.sponsor,
        application=application.id,
    )
    check_listing(register, listing)
    return listing


def reject(
    register: ListRegister,
    application_id: str,
    *,
    id_: str,
    rejected_by: str,
    reason: str,
    valid_from: np.datetime64,
    recorded_at: np.datetime64,
    source: str,
) -> Rejection:
    """The answer to an application that is not granted. Raises NotFoundError for one that is not recorded, ControlError
    for one that is decided already."""
    application = register.application(application_id)
    entry = register.entry(application_id, valid_from)
    if entry.state is not State.APPLIED:
        raise ControlError(
            f"is {entry.state} since {instant_text(entry.since)}",
            where=application.where,
            mend="take a listing off with `allowlist remove`" if entry.listing else "only an open one is rejected",
        )
    return Rejection(
        id=id_,
        valid_from=valid_from,
        recorded_at=recorded_at,
        source=source,
        author=rejected_by,
        application=application.id,
        rejected_by=rejected_by,
        reason=reason,
    )


def remove(
    register: ListRegister,
    entry_id: str,
    *,
    id_: str,
    removed_by: str,
    reason: str,
    valid_from: np.datetime64,
    recorded_at: np.datetime64,
    source: str,
) -> Withdrawal:
    """What takes a terminal off a list from valid_from on, or withdraws an open application.

    `entry_id` is that of the listing or of its application. Raises NotFoundError for one that is not recorded,
    ControlError where nothing is left to remove and without a reason.
    """
    entry = register.entry(entry_id, valid_from)
    if not reason.strip():
        raise ControlError("removed without a reason", where=entry.asked.where, mend="say why")
    if not entry.live:
        raise ControlError(
            f"is {entry.state} since {instant_text(entry.since)}", where=entry.asked.where, mend="nothing to remove"
        )
    subject = entry.listing or entry.asked
    return Withdrawal(
        id=id_,
        valid_from=valid_from,
        recorded_at=recorded_at,
        source=source,
        author=removed_by,
        kind=type(subject).__name__,
        subject=subject.key,
        reason=reason,
    )


def check_listing(register: ListRegister, listing: Listing) -> None:
    """Whether a listing may be recorded. Raises ControlError

    - for a list that is not in force when the listing begins, and for a listing without an end,
    - for an approver who is the holder, or who handed the application in,
    - for a listing that says other than the application it grants,
    - for a terminal that another listing has on the list at any time of this one,
    - for a holder whose quota is used up, or would be by this for a listing recorded before.
    """
    if register.list_at(listing.name, listing.valid_from) is None:
        names = ", ".join(list_.name for list_ in register.lists()) or "none"
        listing.refuse(
            f"no list “{listing.name}” is in force at {instant_text(listing.valid_from)}", f"there are {names}"
        )
    if listing.valid_to is None:
        listing.refuse("a listing without an end", "say until when it is granted")
    applicants = {listing.holder}
    if listing.application:
        application = register.application(listing.application)
        applicants |= {application.holder, application.author}
        _check_same(listing, application)
    if listing.approved_by in applicants:
        listing.refuse(f"{listing.approved_by} decides on their own application", "another person approves it")
    for piece in _earlier(register.listings_of_terminal(listing.name, listing.terminal), listing):
        if _overlap(piece, listing):
            listing.refuse(
                f"{listing.terminal} is on the list “{listing.name}” by {piece.fact.id}, for {piece.fact.holder}",
                "remove that listing first",
            )
    _check_quota(register, listing)


def quota_used(register: ListRegister, name: str, holder: str, at: np.datetime64) -> tuple[Listing, ...]:
    """The listings of one holder on a list that are in force and within its quota at an instant, by approval."""
    list_ = register.list_at(name, at)
    time = nanoseconds(at)
    there = [p.fact for p in register.listings(name, holder) if p.begin <= time < p.end]
    counted = within_quota(list_, there)
    return tuple(sorted((f for f in there if f.id in counted), key=lambda f: (f.valid_from, f.id)))


def _check_same(listing: Listing, application: Application) -> None:
    for field in ("name", "terminal", "kit_number", "account", "holder", "shown", "sponsor"):
        said, asked = getattr(listing, field), getattr(application, field)
        if said != asked:
            listing.refuse(f"grants {field} “{said}” where {application.id} asks for “{asked}”", "grant what was asked")
    if listing.kind is not application.holder_kind:
        listing.refuse(f"grants to a {listing.kind} what a {application.holder_kind} asks", "grant what was asked")


def _check_quota(register: ListRegister, listing: Listing) -> None:
    lists = register.list_pieces(listing.name)
    begin, end = interval(listing)
    pieces = _earlier(register.listings(listing.name, listing.holder), listing)
    # Who is within the quota changes only where a listing or the list itself begins or ends.
    bounds = {bound for p in pieces for bound in p[:2]} | {bound for p in lists for bound in p[:2]}
    for time in sorted({begin, *(b for b in bounds if begin < b < end)}):
        list_ = Window(time).at(lists)
        if list_ is None:
            continue
        there = [p.fact for p in pieces if p.begin <= time < p.end]
        counted = within_quota(list_, [*there, listing])
        if listing.id in counted and within_quota(list_, there) <= counted:
            continue
        names = ", ".join(sorted(f.terminal for f in there))
        when = "" if time == begin else f" from {instant_text(time)} on"
        shown = "" if listing.kind is not HolderKind.PERSON or listing.shown else " unseen"
        most = list_.quotas.person_unseen if shown else list_.quotas.of(listing.kind)
        listing.refuse(
            f"{listing.holder} has {names} on the list “{list_.name}”{when}: a {listing.kind} has {most}{shown}",
            "remove one first, or have it shown" if shown else "remove one first",
        )


def _earlier(pieces: list[Piece[Listing]], listing: Listing) -> list[Piece[Listing]]:
    """Other listings than one, recorded no later: of many handed in together, the first have the places."""
    at, key = listing.recorded_at, listing.key
    return [p for p in pieces if p.fact.key != key and p.fact.recorded_at <= at]


def _overlap(piece: Piece[Listing], listing: Listing) -> bool:
    begin, end = interval(listing)
    return piece.begin < end and begin < min(piece.end, FOREVER)
