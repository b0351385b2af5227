"""That whoever says something may say it: roles, what is a role's own, jurisdiction, signatures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from skyhaul.control._instants import instant_text, nanoseconds
from skyhaul.control.decision._precedence import stated_pairs
from skyhaul.control.facts import (
    Account,
    AllowList,
    Application,
    Appointment,
    Approval,
    Area,
    CustodyEvent,
    Fact,
    Layer,
    Licence,
    Listing,
    Order,
    OrderEnd,
    Party,
    Rejection,
    Role,
    Statement,
    Step,
    Terminal,
    TypeApproval,
    Withdrawal,
    fact_kinds,
)
from skyhaul.control.registry._ground import check_inside, licensed_ground, named_shape, order_shape
from skyhaul.control.registry._known import Known, deny
from skyhaul.control.registry._permissions import May, allowed, article, row_of, who_may
from skyhaul.control.registry._signing import Signed, is_signed_by, signer_of
from skyhaul.control.registry._touched import approvals_needed, check_redrawn
from skyhaul.errors import ControlError


def check_rights(fact: Fact, actor: str, key: bytes, known: Known) -> None:
    """Refuse a fact that `actor`, who proved to have the private half of `key`, may not record.

    Orders, ends and approvals carry their author's signature, so that anybody but an auditor may hand them in; all
    other facts are said by the actor.
    """
    own = acting(actor, key, known, fact)
    signer = signer_of(fact)
    if signer is None:
        if fact.author != actor:
            deny(fact, "author", f"{actor} records this, not {fact.author}", f"author = “{actor}”")
        speaking = own
    else:
        if all(appointment.role is Role.AUDITOR for appointment in own):
            fact.refuse("an auditor records nothing", f"{who_may(row_of(fact))} may")
        speaking = _signing(fact, signer, known)
    for said in (fact, *_replaced(fact, known)):
        _check_any(said, speaking, known)
    if isinstance(fact, Order | OrderEnd):
        _check_approvals(fact, known)
    if isinstance(fact, Area) and fact.layer is Layer.ZONE:
        check_redrawn(fact, known)


def check_role(fact: Fact, actor: str, key: bytes, known: Known) -> None:
    """Refuse, before anything else is looked at, a fact of a kind that no role of the actor records."""
    if isinstance(fact, Withdrawal) or signer_of(fact) is not None:
        return
    held, row = acting(actor, key, known, fact), row_of(fact)
    if all(allowed(row, appointment.role) is May.NO for appointment in held):
        _refuse_role(fact, held)


def acting(actor: str, key: bytes, known: Known, fact: Fact | None = None) -> list[Appointment]:
    """The appointments that a person holds now and has the key of. Raises ControlError where there are none."""
    where = fact.where if fact is not None else actor
    held = known.appointments(actor)
    if not held:
        raise ControlError(
            f"{actor} holds no appointment at {instant_text(known.now)}",
            where=where,
            mend="the operator appoints people, with `skyhaul registry appoint`",
        )
    found = [appointment for appointment in held if appointment.public_key == key]
    if not found:
        raise ControlError(
            f"the key is not that of {actor}", where=where, mend="give the file of the appointed key with --key"
        )
    return found


def _signing(fact: Fact, signer: str, known: Known) -> list[Appointment]:
    """The appointments under whose key a fact is signed."""
    assert isinstance(fact, Signed)
    if fact.author != signer:
        deny(fact, "author", f"{fact.author} for an approval of {signer}", "who approves is its author")
    if not fact.signature:
        deny(fact, "signature", "there is none", f"{signer} signs it, with --key FILE")
    held = known.appointments(signer)
    if not held:
        deny(
            fact,
            "signature",
            f"{signer} holds no appointment at {instant_text(known.now)}",
            "the operator appoints people, with `skyhaul registry appoint`",
        )
    found = [appointment for appointment in held if is_signed_by(fact, appointment.public_key)]
    if not found:
        deny(
            fact,
            "signature",
            f"it does not verify with the key of {signer}",
            "sign the fact as it stands, with the appointed key",
        )
    return found


def _replaced(fact: Fact, known: Known) -> list[Fact]:
    """What was said before in place of which this is said."""
    kind = fact_kinds().get(fact.kind) if isinstance(fact, Withdrawal) else type(fact)
    return list(known.before(kind, fact.key)[-1:]) if kind is not None else []


def _check_any(fact: Fact, held: Sequence[Appointment], known: Known) -> None:
    """Refuse a fact that none of these appointments lets its holder record."""
    if isinstance(fact, Withdrawal):
        return  # it may be recorded by whoever may record what it withdraws
    row = row_of(fact)
    refused: ControlError | None = None
    for appointment in held:
        may = allowed(row, appointment.role)
        if may is May.YES:
            return
        if may is May.OWN:
            try:
                check_own(fact, appointment, known)
            except ControlError as error:
                refused = error
            else:
                return
    if refused is not None:
        raise refused
    _refuse_role(fact, held)


def _refuse_role(fact: Fact, held: Sequence[Appointment]) -> NoReturn:
    row = row_of(fact)
    roles = ", ".join(dict.fromkeys(f"{article(a.role)} {a.role}" for a in held))
    fact.refuse(f"{roles} may not record {article(row.lower())} {row}", f"{who_may(row)} may")


def check_own(fact: Fact, by: Appointment, known: Known) -> None:
    """Refuse a fact that is not about what is its author's own, as the table of permissions means it."""
    match fact:
        case Licence() | TypeApproval():
            _in_name_of(fact, by.body, fact.authority)
            if by.territories and fact.territory not in by.territories:
                named = fact.territory or "every territory"
                deny(fact, "territory", f"{by.person} acts in {', '.join(by.territories)}, not in {named}", _MEND_OWN)
        case Area():
            time = nanoseconds(fact.valid_from)
            check_inside(fact, known, fact.shape, by, time, str(fact.ref))
        case AllowList():
            _in_name_of(fact, by.body, fact.authority)
            shape, time = named_shape(known, fact.area, fact, "area")
            check_inside(fact, known, shape, by, time, fact.area)
        case Statement() | Application() if by.role is Role.DISTRIBUTOR or isinstance(fact, Statement):
            if fact.author != by.person:
                fact.refuse(f"{fact.author} said it", f"{fact.author} changes it")
        case Listing() | Application():
            _on_own_list(fact, fact.name, by, known)
        case Rejection():
            application = known.find(Application, fact.application)
            _on_own_list(fact, application.name if application else "", by, known)
        case Order():
            _order(fact, by, known)
        case OrderEnd():
            _end(fact, by, known)
        case Approval():
            given = known.find(Order, fact.order) or known.find(OrderEnd, fact.order)
            _in_name_of(fact, _name(by, known, fact), given.authority if given else "", "approver")
        case Party():
            _own_party(fact, by, known)
        case Terminal():
            _own_unit(fact, by, known)
        case CustodyEvent():
            _own_event(fact, by, known)
        case _:
            fact.refuse(f"{article(by.role)} {by.role} may not record this", f"{who_may(row_of(fact))} may")


_MEND_OWN = "keep to the territories of the appointment"


def _in_name_of(fact: Fact, body: str, authority: str, field: str = "authority") -> None:
    if authority != body:
        deny(fact, field, f"its author acts for {body}, not for {authority}", "each speaks for their own authority")


def _name(by: Appointment, known: Known, fact: Fact) -> str:
    """The authority in whose name somebody gives orders."""
    return known.settings(nanoseconds(fact.valid_from)).operator if by.role is Role.OPERATOR else by.body


def _order(fact: Order, by: Appointment, known: Known) -> None:
    name = _name(by, known, fact)
    _in_name_of(fact, name, fact.authority)
    shape, time = order_shape(known, fact)
    if fact.authority in known.settings(time).everywhere and not by.territories:
        return
    if shape is not None:
        check_inside(fact, known, shape, by, time, fact.on if not fact.within else f"{fact.on} within {fact.within}")
    elif by.territories:
        deny(
            fact,
            "within",
            f"{by.person} acts in {', '.join(by.territories)} only",
            f"within = “licence/{by.territories[0]}”",
        )
    elif licensed_ground(known, by.body, (), time).is_empty:
        fact.refuse(
            f"{by.body} has no jurisdiction: no licence area names it at {instant_text(fact.valid_from)}",
            "the operator records whose licence counts where, with `skyhaul territory import --layer licence`",
        )


def _end(fact: OrderEnd, by: Appointment, known: Known) -> None:
    name = _name(by, known, fact)
    _in_name_of(fact, name, fact.authority)
    order = known.find(Order, fact.order)
    if order is None or order.authority == name:
        return
    if (name, order.authority) not in stated_pairs(known.precedences(), nanoseconds(fact.valid_from)):
        deny(
            fact,
            "order",
            f"it is an order of {order.authority}, which {name} is not stated to come before",
            f"{order.authority} ends it",
        )


def _check_approvals(fact: Order | OrderEnd, known: Known) -> None:
    order = fact if isinstance(fact, Order) else known.find(Order, fact.order)
    if order is None:
        return
    settings = known.settings(known.now_ns)
    if fact.approvals_needed >= settings.many_approvals:
        return
    needed = approvals_needed(order, known)
    if fact.approvals_needed < needed:
        deny(
            fact,
            "approvals_needed",
            f"{fact.approvals_needed} for an order that touches more than {settings.many_terminals:,} terminals",
            f"it needs {needed}: say so and sign again",
        )


def _on_own_list(fact: Fact, name: str, by: Appointment, known: Known) -> None:
    pieces = known.pieces(AllowList, name)
    time = nanoseconds(fact.valid_from)
    held = next((p.fact for p in pieces if p.begin <= time < p.end), pieces[-1].fact if pieces else None)
    if held is None or held.authority != by.body:
        owner = held.authority if held else "nobody"
        fact.refuse(f"the list {name} is one of {owner}, not of {by.body}", "an authority decides about its own lists")


def _own_party(fact: Party, by: Appointment, known: Known) -> None:
    time = nanoseconds(fact.valid_from)
    known_before = bool(known.before(Party, fact.party))
    mine = by.body in known.family(fact.parent, time)
    was_mine = any(
        by.body == held.party or by.body in known.family(held.parent, time)
        for held in known.before(Party, fact.party)[-1:]
    )
    if known_before and not was_mine:
        fact.refuse(f"{fact.party} does not belong to {by.body}", "the operator changes other parties")
    if fact.parent and not mine:
        deny(fact, "parent", f"{fact.parent} does not belong to {by.body}", f"parent = “{by.body}”, or none")


def _with_party(item: str, by: Appointment, time: int, known: Known) -> bool:
    """Whether custody, or else the registry, has a unit or lot with a party or one that belongs to it."""
    seen: set[str] = set()
    while item not in seen:  # lots recorded as parts of each other end where they close
        seen.add(item)
        holder, lot = "", ""
        for event in known.events_of(item):
            if nanoseconds(event.valid_from) > time:
                break
            if event.step is Step.SPLIT:
                lot = event.lot
            elif event.step is not Step.DESTROYING:
                # A unit that is under way is still its sender's.
                holder = event.giver if event.step is Step.SHIPPING else event.receiver
        terminal = known.before(Terminal, item)[-1:]
        holder = holder or (terminal[0].holder if terminal else "")
        if holder or not lot:
            return by.body in known.family(holder, time)
        item = lot
    return False


def _own_unit(fact: Terminal, by: Appointment, known: Known) -> None:
    """A unit that is registered is its holder's, whatever custody a distributor says it has taken."""
    time = nanoseconds(fact.valid_from)
    earlier = known.before(Terminal, fact.terminal)
    holder = earlier[-1].holder if earlier else fact.holder
    mine = by.body in known.family(holder, time) or (not earlier and _with_party(fact.terminal, by, time, known))
    if not mine:
        fact.refuse(f"{fact.terminal} is not with {by.body}", "a distributor records units that are with its party")
    if fact.account and fact.account != (earlier[-1].account if earlier else ""):
        account = known.at(Account, fact.account, time)
        if account is None or by.body not in known.family(account.party, time):
            deny(fact, "account", f"{fact.account} is no account of {by.body}", "leave it out: the operator enters it")


def _own_event(fact: CustodyEvent, by: Appointment, known: Known) -> None:
    time = nanoseconds(fact.valid_from)
    if fact.step in (Step.SPLIT, Step.DESTROYING):
        if not _with_party(fact.lot or fact.item, by, time, known):
            fact.refuse(f"{fact.lot or fact.item} is not with {by.body}", "whoever has it records this")
        return
    sides = {Step.COMMISSIONING: (fact.receiver,), Step.RECEIVING: (fact.receiver,), Step.SHIPPING: (fact.giver,)}
    parties = sides.get(fact.step, (fact.giver, fact.receiver))
    if not any(by.body in known.family(party, time) for party in parties):
        said = " to ".join(party or "nobody named" for party in (fact.giver, fact.receiver))
        fact.refuse(f"from {said}: neither is {by.body}", "a distributor records what comes to its party or leaves it")
