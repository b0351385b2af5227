"""That what a fact speaks of is there."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, cast

import shapely
from shapely.geometry.base import BaseGeometry

from skyhaul.control.facts import (
    Account,
    AllowList,
    Appointment,
    Approval,
    AreaRef,
    BorderPolicy,
    CustodyEvent,
    Disclosure,
    Fact,
    Layer,
    Licence,
    Listing,
    Order,
    OrderEnd,
    Party,
    Rejection,
    Role,
    Step,
    Target,
    Terminal,
    TypeApproval,
    Withdrawal,
    fact_kinds,
    interval,
)
from skyhaul.control.facts import Application as AppliedFor
from skyhaul.control.lists import check_listing
from skyhaul.control.registry._ground import named_shape, order_shape
from skyhaul.control.registry._known import Known, deny, overlapping
from skyhaul.control.registry._signing import SIGNED_KINDS


def check_references(fact: Fact, known: Known) -> None:
    """Refuse a fact that corrects, or speaks of, what is not there, and a party that would belong to itself."""
    if isinstance(fact, Withdrawal):
        _withdrawal(fact, known)
        return
    if fact.subject and fact.key == fact.subject and not known.is_said(type(fact), fact.subject, fact):
        deny(fact, "subject", f"there is no {type(fact).__name__} {fact.subject} to correct", "leave the subject out")
    check = _CHECKS.get(type(fact))
    if check is not None:
        check(fact, known)


def _withdrawal(fact: Withdrawal, known: Known) -> None:
    kind = fact_kinds().get(fact.kind)
    if kind is None:
        deny(fact, "of_kind", f"no kind of fact is named {fact.kind}", f"there are {', '.join(fact_kinds())}")
    if kind in SIGNED_KINDS:
        fact.refuse("orders, their ends and approvals cannot be withdrawn", "end the order, with `skyhaul order end`")
    if kind is Disclosure:
        fact.refuse("what was shown cannot be taken back", "leave it on record")
    if not known.is_said(kind, fact.subject, fact):
        deny(fact, "subject", f"there is no {fact.kind} {fact.subject}", "name what is recorded")


def _party(fact: Party, known: Known) -> None:
    if not fact.parent:
        return
    if not known.ever(Party, fact.parent):
        deny(fact, "parent", f"there is no party {fact.parent}", f"record the party {fact.parent} first")
    begin, end = interval(fact)
    circle = _circle(fact.party, (fact.party, fact.parent), begin, end, known)
    if circle:
        deny(fact, "parent", f"{' belongs to '.join(circle)}", "a party belongs to no party that belongs to it")


def _circle(party: str, chain: tuple[str, ...], begin: int, end: int, known: Known) -> tuple[str, ...]:
    """A chain of parents within [begin, end) that comes back to a party, or nothing."""
    for start, stop, held in overlapping(known.pieces(Party, chain[-1]), begin, end):
        if held.parent == party:
            return (*chain, party)
        if held.parent and held.parent not in chain:
            found = _circle(party, (*chain, held.parent), start, stop, known)
            if found:
                return found
    return ()


def _account(fact: Account, known: Known) -> None:
    if not known.ever(Party, fact.party):
        deny(fact, "party", f"there is no party {fact.party}", "record it first, with `skyhaul party add`")
    _territory(fact, "plan.home", fact.plan.home, known)
    if (address := fact.plan.service_address) is not None:
        home = [piece.fact.shape for piece in known.area_pieces(AreaRef(Layer.LICENCE, fact.plan.home))]
        north, east = address.latitude_deg, address.longitude_deg
        if not _in_any(home, north, east) and abs(east) <= 90.0 and _in_any(home, east, north):
            deny(
                fact,
                "plan.service_address",
                f"latitude and longitude look swapped: it lies outside {fact.plan.home}, and turned round inside",
                "latitude comes first",
            )


def _in_any(shapes: Iterable[BaseGeometry], latitude_deg: float, longitude_deg: float) -> bool:
    return any(bool(shapely.intersects_xy(shape, longitude_deg, latitude_deg)) for shape in shapes)


def _terminal(fact: Terminal, known: Known) -> None:
    if fact.account and not known.ever(Account, fact.account):
        deny(fact, "account", f"there is no account {fact.account}", "record it first, with `skyhaul account add`")
    if fact.holder and not known.ever(Party, fact.holder):
        deny(fact, "holder", f"there is no party {fact.holder}", "record it first, with `skyhaul party add`")
    begin, end = interval(fact)
    for other in known.units_with_key(fact.public_key):
        if other != fact.terminal and any(
            held.public_key == fact.public_key for _, _, held in overlapping(known.pieces(Terminal, other), begin, end)
        ):
            deny(fact, "public_key", f"it is the key of {other}", "every unit has a key of its own")


def _custody(fact: CustodyEvent, known: Known) -> None:
    mend = "record its commissioning first, or the terminal"
    if fact.step is Step.SPLIT:
        if not known.has_item(fact.lot):
            deny(fact, "lot", f"there is no unit or lot {fact.lot}", mend)
    elif fact.step is not Step.COMMISSIONING and not known.has_item(fact.item):
        deny(fact, "item", f"there is no unit or lot {fact.item}", mend)


def _licence(fact: Licence, known: Known) -> None:
    _licensed_by(fact, fact.territory, fact.authority, known)


def _type_approval(fact: TypeApproval, known: Known) -> None:
    if fact.territory:
        _licensed_by(fact, fact.territory, fact.authority, known)
    elif not known.licenses(fact.authority):
        deny(fact, "authority", f"no licence area names {fact.authority}", "an authority approves where it licenses")


def _licensed_by(fact: Fact, territory: str, authority: str, known: Known) -> None:
    begin, end = interval(fact)
    ref = AreaRef(Layer.LICENCE, territory)
    held = [area.holder for _, _, area in overlapping(known.area_pieces(ref), begin, end)]
    if not held:
        _territory(fact, "territory", territory, known)
        deny(fact, "territory", f"there is no {territory} in that time", "the licence layer says from when to when")
    if authority not in held:
        deny(
            fact,
            "authority",
            f"the licence layer names {', '.join(sorted(set(held)))} for {territory}, not {authority}",
            "an authority licenses where the licence layer names it",
        )


def _territory(fact: Fact, field: str, territory: str, known: Known) -> None:
    names = known.area_names(Layer.LICENCE)
    if territory not in names:
        shown = f"there are {', '.join(names[:8])}" if names else "record its area with `skyhaul territory import`"
        deny(fact, field, f"the licence layer has no territory {territory}", shown)


def _allow_list(fact: AllowList, known: Known) -> None:
    named_shape(known, fact.area, fact, "area")


def _border_policy(fact: BorderPolicy, known: Known) -> None:
    named_shape(known, fact.area, fact, "area")


def _on_list(fact: Listing | AppliedFor, known: Known) -> None:
    if not known.ever(AllowList, fact.name):
        deny(fact, "name", f"there is no allow-list {fact.name}", "its authority makes it first")
    if isinstance(fact, Listing) and fact.application and known.find(AppliedFor, fact.application) is None:
        deny(fact, "application", f"there is no application {fact.application}", "leave it out, or name one")
    if isinstance(fact, Listing):
        check_listing(known.lists(), fact)


def _rejection(fact: Rejection, known: Known) -> None:
    if known.find(AppliedFor, fact.application) is None:
        deny(fact, "application", f"there is no application {fact.application}", "name one that was handed in")


def _order(fact: Order, known: Known) -> None:
    there = True
    match fact.target:
        case Target.UNIT:
            there = known.ever(Terminal, fact.on)
        case Target.ACCOUNT:
            there = known.ever(Account, fact.on)
        case Target.PARTY:
            there = known.ever(Party, fact.on)
        case Target.MODEL:
            there = known.has_model(fact.on)
        case _:
            pass
    if not there:
        deny(fact, "on", f"there is no {fact.target} {fact.on}", "an order is over what is recorded")
    order_shape(known, fact)


def _order_end(fact: OrderEnd, known: Known) -> None:
    order = known.find(Order, fact.order)
    if order is None:
        deny(fact, "order", f"there is no order {fact.order}", "`skyhaul order list` names all")
    if fact.valid_from < order.valid_from:
        deny(fact, "valid_from", "the order has not begun then", "end it at its beginning or later")


def _approval(fact: Approval, known: Known) -> None:
    if fact.subject:
        deny(fact, "subject", "an approval cannot be corrected", "leave the subject out")
    given = known.find(Order, fact.order) or known.find(OrderEnd, fact.order)
    if given is None:
        deny(fact, "order", f"there is no order {fact.order}, nor an end", "`skyhaul order list` names all")
    if fact.approver == given.author:
        deny(fact, "approver", f"{fact.approver} gave it", "another person approves")
    earlier = [a for a in (*known.facts.of_kind(Approval), *known.batch) if isinstance(a, Approval) and a.id != fact.id]
    if any(a.order == fact.order and a.approver == fact.approver for a in earlier):
        deny(
            fact,
            "approver",
            f"{fact.approver} has approved {fact.order} already",
            "each person approves once, and the end of an order by the id of that end",
        )


def _disclosure(fact: Disclosure, known: Known) -> None:
    if fact.subject:
        deny(fact, "subject", "what was shown cannot be corrected", "leave the subject out")


def _appointment(fact: Appointment, known: Known) -> None:
    if fact.role is Role.DISTRIBUTOR and not known.ever(Party, fact.body):
        deny(fact, "body", f"there is no party {fact.body}", "record the distributor as a party first")
    for territory in fact.territories:
        _territory(fact, "territories", territory, known)
    for other in known.every(Appointment):
        if other.public_key == fact.public_key and other.person != fact.person:
            deny(fact, "public_key", f"it is the key of {other.person}", "every person has a key of their own")


_CHECKS: dict[type[Fact], Callable[[Any, Known], None]] = cast(
    "dict[type[Fact], Callable[[Any, Known], None]]",
    {
        Party: _party,
        Account: _account,
        Terminal: _terminal,
        CustodyEvent: _custody,
        Licence: _licence,
        TypeApproval: _type_approval,
        AllowList: _allow_list,
        BorderPolicy: _border_policy,
        Listing: _on_list,
        AppliedFor: _on_list,
        Rejection: _rejection,
        Order: _order,
        OrderEnd: _order_end,
        Approval: _approval,
        Appointment: _appointment,
        Disclosure: _disclosure,
    },
)
