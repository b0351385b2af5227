"""`skyhaul order`: what authorities instruct, who approved it, and whether it is in force."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skyhaul.cli._kinds import add_export, add_import
from skyhaul.cli._options import JsonOption
from skyhaul.cli._output import print_json, print_table
from skyhaul.cli._registry import (
    AsKnownOption,
    AsOption,
    AtOption,
    FromOption,
    KeyOption,
    RegistryOption,
    SourceOption,
    ToOption,
    body_of,
    instant,
    made,
    reading,
    record,
    shown,
    span,
    write_text,
    writing,
)

if TYPE_CHECKING:
    import numpy as np

    from skyhaul.control.facts import Fact
    from skyhaul.control.registry import Actor, OrderStanding, Registry

app = typer.Typer(help="Orders of authorities: drafted, approved, in force, ended.")

Id = Annotated[str, typer.Argument(metavar="ORDER", help="The order's id, as `list` names it.")]
Authority = Annotated[
    str | None,
    typer.Option("--authority", metavar="NAME", help="In whose name. Without it: the one you are appointed to."),
]
Needed = Annotated[
    int | None,
    typer.Option("--approvals", min=0, help="How many others must approve it; the policy may want more."),
]


@app.command()
def draft(
    action: Annotated[
        str, typer.Argument(metavar="ACTION", help="suspend, activate, allow, speed-cap, exempt or limit.")
    ],
    target: Annotated[
        str, typer.Argument(metavar="TARGET", help="What it is over: area, cell, unit, account, model or party.")
    ],
    on: Annotated[str, typer.Argument(metavar="NAME", help="Which; an area as LAYER/NAME.")],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why.")],
    legal_basis: Annotated[str, typer.Option("--legal-basis", metavar="TEXT", help="By what right.")],
    within: Annotated[str | None, typer.Option("--within", metavar="LAYER/NAME", help="Only in this area.")] = None,
    speed_cap: Annotated[float | None, typer.Option("--speed-cap", metavar="M/S", help="Of a speed cap.")] = None,
    rate: Annotated[float | None, typer.Option("--rate", metavar="BIT/S", help="Of a limit.")] = None,
    exempts: Annotated[
        list[str] | None, typer.Option("--exempts", metavar="RULE", help="A rule to exempt from; repeatable.")
    ] = None,
    approvals: Needed = None,
    authority: Authority = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="FILE.json", help="Sign it into a file that `import` reads, and record nothing."
        ),
    ] = None,
    source: SourceOption = None,
    from_: FromOption = None,
    to: ToOption = None,
    registry: RegistryOption = None,
    person: AsOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give an order, signed with your key. It counts from its beginning, or once enough others have approved it."""
    from skyhaul.control.facts import Order

    with writing(registry, person, key) as (desk, actor):
        order = made(
            Order,
            actor,
            desk,
            source=source,
            from_=from_,
            to=to,
            authority=authority or _authority(desk, actor),
            action=action.replace("-", " "),
            target=target,
            on=on,
            within=within,
            reason=reason,
            legal_basis=legal_basis,
            approvals_needed=approvals,
            speed_cap_m_s=speed_cap,
            rate_bps=rate,
            exempts=exempts,
        )
        signed = actor.signed(desk.prepared(order))
        touched = len(desk.touched(order))
        if output is not None:
            write_text(output, json.dumps([_with_signature(signed)], indent=1, ensure_ascii=False) + "\n")
        else:
            record(desk, actor, [signed], as_json)
    if not as_json:
        needed = signed.approvals_needed
        others = f"counts once {needed} other{'s' if needed > 1 else ''} approved it" if needed else "needs no approval"
        print(f"touches {touched:,} terminal{'s' if touched != 1 else ''}; {others}")


@app.command()
def approve(
    order: Annotated[str, typer.Argument(metavar="ORDER", help="The id of an order, or of an order's end.")],
    source: SourceOption = None,
    from_: FromOption = None,
    registry: RegistryOption = None,
    person: AsOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Approve an order, or the end of one, that another person of your authority gave."""
    from skyhaul.control.facts import Approval

    with writing(registry, person, key) as (desk, actor):
        fact = made(Approval, actor, desk, source=source, from_=from_, to=None, order=order, approver=actor.person)
        record(desk, actor, [fact], as_json)


@app.command()
def end(
    order: Id,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why.")],
    approvals: Needed = None,
    authority: Authority = None,
    source: SourceOption = None,
    from_: FromOption = None,
    registry: RegistryOption = None,
    person: AsOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """End an order from an instant on. It stays on record, and so does its end."""
    from skyhaul.control.facts import OrderEnd

    with writing(registry, person, key) as (desk, actor):
        fact = made(
            OrderEnd,
            actor,
            desk,
            source=source,
            from_=from_,
            to=None,
            order=order,
            authority=authority or _authority(desk, actor),
            reason=reason,
            approvals_needed=approvals,
        )
        signed = actor.signed(desk.prepared(fact))
        record(desk, actor, [signed], as_json)
    if not as_json and signed.approvals_needed:
        others = "1 other" if signed.approvals_needed == 1 else f"{signed.approvals_needed} others"
        print(f"counts once {others} approved it: skyhaul order approve {signed.id}")


@app.command("list")
def list_(
    state: Annotated[
        str | None, typer.Option("--state", metavar="STATE", help="to come, pending, in force or ended.")
    ] = None,
    authority: Annotated[str | None, typer.Option("--authority", metavar="NAME", help="Those of it.")] = None,
    registry: RegistryOption = None,
    at: AtOption = None,
    as_known: AsKnownOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the orders, and where each stands at an instant."""
    from skyhaul.control.registry import OrderState, order_standings

    if state is not None and state not in tuple(OrderState):
        raise typer.BadParameter(f"expected one of {', '.join(OrderState)}, got {state}", param_hint="'--state'")
    with reading(registry, at, as_known) as desk:
        found = [
            standing
            for standing in order_standings(desk.registry.facts, desk.at, desk.known_at)
            if state in (None, standing.state) and authority in (None, standing.order.authority)
        ]
    if as_json:
        print_json([_document(standing) for standing in found])
        return
    print_table(
        [(name, "left") for name in ("order", "state", "authority", "does", "over", "valid", "reason")],
        [
            [
                standing.order.id,
                standing.words,
                standing.order.authority,
                _does(standing),
                _over(standing),
                span(standing.order),
                standing.order.reason,
            ]
            for standing in found
        ],
    )
    print(f"{len(found)} in all")


@app.command()
def show(
    order: Annotated[str, typer.Argument(metavar="ORDER", help="The order's id, or a file with a draft.")],
    registry: RegistryOption = None,
    at: AtOption = None,
    as_known: AsKnownOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print an order: where it stands at an instant, who signed and approved it, and what ended it."""
    from skyhaul.control.registry import order_standings
    from skyhaul.errors import NotFoundError

    with reading(registry, at, as_known) as desk:
        found = {s.order.id: s for s in order_standings(desk.registry.facts, desk.at, desk.known_at)}
        standing = found.get(order)
        if standing is None:
            if not Path(order).is_file():
                raise NotFoundError(f"there is no order “{order}”", mend="`skyhaul order list` names all")
            _show_draft(Path(order), desk.registry, as_json)
            return
        signatures = _signatures(standing, desk.registry)
        ends = _approved_ends(standing, desk.registry, desk.known_at)
    if as_json:
        print_json(_document(standing) | {"signatures": signatures})
        return
    given = standing.order
    print(f"{given.id} at {instant(desk.at)}, as known at {instant(desk.known_at)}: {standing.words.upper()}")
    print(f"  {given.authority} orders: {_does(standing)} over {_over(standing)}, {span(given)}")
    print(f"  reason {given.reason}; legal basis {given.legal_basis}; source {given.source}")
    for line in signatures:
        print(f"  {line['what']} by {line['person']} at {line['recorded_at']}: {line['signature']}")
    for told in ends:
        print(f"  {told}")


def _show_draft(file: Path, registry: Registry, as_json: bool) -> None:
    from skyhaul.control.facts import Order
    from skyhaul.errors import ControlError
    from skyhaul.sources import read_facts

    orders = [fact for fact in read_facts(file, recorded_at=registry.now()) if isinstance(fact, Order)]
    if not orders:
        raise ControlError("holds no order", where=str(file), mend="`skyhaul order draft -o FILE.json` writes one")
    drafts = [{"order": shown(order), "state": "draft", "signature": _verdict(order, registry)} for order in orders]
    if as_json:
        print_json(drafts)
        return
    for order, document in zip(orders, drafts, strict=True):
        print(f"{order.id}: DRAFT, not on record; {document['signature']}")
        print(f"  {order.authority} orders: {order.action} over {order.target} {order.on}, {span(order)}")


def _approved_ends(standing: OrderStanding, registry: Registry, known_at: np.datetime64) -> list[str]:
    """Of each end that needs approvals, who gave them; its id is what to approve."""
    from skyhaul.control.facts import Approval

    lines = []
    for end in standing.ends:
        if end.approvals_needed:
            given = [approval for approval in registry.facts.known(Approval, known_at) if approval.order == end.id]
            people = sorted({approval.approver for approval in given} - {end.author})
            by = f" ({', '.join(people)})" if people else ""
            lines.append(f"the end {end.id}: approved by {len(people)} of {end.approvals_needed}{by}")
    return lines


def _does(standing: OrderStanding) -> str:
    order = standing.order
    more = ""
    if order.speed_cap_m_s is not None:
        more = f" of {order.speed_cap_m_s:g} m/s"
    elif order.rate_bps is not None:
        more = f" to {order.rate_bps / 1e6:g} Mbit/s"
    elif order.exempts:
        more = f" from {', '.join(order.exempts)}"
    return f"{order.action}{more}"


def _over(standing: OrderStanding) -> str:
    order = standing.order
    return f"{order.target} {order.on}" + (f" within {order.within}" if order.within else "")


def _document(standing: OrderStanding) -> dict[str, Any]:
    return {
        "order": _with_signature(standing.order),
        "state": str(standing.state),
        "words": standing.words,
        "approved_by": [approval.approver for approval in standing.approved],
        "ends": [_with_signature(end) for end in standing.ends],
    }


def _signatures(standing: OrderStanding, registry: Registry) -> list[dict[str, str]]:
    signed: list[tuple[str, Fact]] = [("given", standing.order)]
    signed += [("approved", approval) for approval in standing.approved]
    signed += [("ended", end) for end in standing.ends]
    return [
        {
            "what": what,
            "fact": fact.id,
            "person": fact.author,
            "recorded_at": instant(fact.recorded_at),
            "signature": _verdict(fact, registry),
        }
        for what, fact in signed
    ]


def _verdict(fact: Fact, registry: Registry) -> str:
    """What can be said of a signature with the keys on record."""
    if not getattr(fact, "signature", b""):
        return "not signed"
    return "the signature verifies" if registry.verifies(fact) else "THE SIGNATURE DOES NOT VERIFY"


def _authority(registry: Registry, actor: Actor) -> str:
    """In whose name somebody gives orders: the operator's, or their authority's."""
    from skyhaul.control.facts import Role

    known = registry.known()
    if any(appointment.role is Role.OPERATOR for appointment in known.appointments(actor.person)):
        return known.settings(known.now_ns).operator
    return body_of(registry, actor)


def _with_signature(fact: Fact) -> dict[str, Any]:
    from skyhaul.control.facts import fact_document

    return fact_document(fact)


def _kind() -> type[Fact]:
    from skyhaul.control.facts import Order

    return Order


add_import(app, _kind, "orders", ("authority", "action", "target", "on", "reason", "legal_basis"))
add_export(app, _kind, "orders")
