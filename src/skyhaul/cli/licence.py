"""`skyhaul licence`: what authorities permit: the service in a territory, and terminal models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from skyhaul.cli._kinds import add_export, add_import, add_show
from skyhaul.cli._options import JsonOption
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
    made,
    print_facts,
    reading,
    record,
    span,
    writing,
)

if TYPE_CHECKING:
    from skyhaul.control.facts import Fact, Licence

app = typer.Typer(help="What authorities permit: the service in a territory, and terminal models.")

Territory = Annotated[
    str | None, typer.Option("--territory", metavar="NAME", help="Those for it: a name of the licence layer.")
]
Authority = Annotated[
    str | None,
    typer.Option("--authority", metavar="NAME", help="Whose it is. Without it: the one you are appointed to."),
]


@app.command("list")
def list_(
    territory: Territory = None,
    registry: RegistryOption = None,
    at: AtOption = None,
    as_known: AsKnownOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the licences in force."""
    from skyhaul.control.facts import Licence
    from skyhaul.control.registry import held

    with reading(registry, at, as_known) as desk:
        found = held(desk.registry.facts, Licence, desk.at, desk.known_at)
        print_facts(
            [licence for licence in found if territory in (None, licence.territory)],
            [
                ("licence", lambda licence: licence.key),
                ("authority", lambda licence: licence.authority),
                ("territory", lambda licence: licence.territory),
                ("classes", lambda licence: ", ".join(licence.service_classes)),
                ("conditions", _conditions),
                ("valid", span),
                ("source", lambda licence: licence.source),
            ],
            as_json,
        )


def _conditions(licence: Licence) -> str:
    found = []
    if licence.models:
        found.append(f"only {', '.join(licence.models)}")
    if licence.only_controlled_by:
        found.append(f"where {', '.join(licence.only_controlled_by)} is in control")
    if licence.activation_required:
        found.append("once activated")
    if licence.max_speed_m_s is not None:
        found.append(f"up to {licence.max_speed_m_s:g} m/s")
    return "; ".join(found)


@app.command()
def add(
    territory: Annotated[str, typer.Argument(metavar="TERRITORY", help="A name of the licence layer.")],
    service_class: Annotated[
        list[str] | None,
        typer.Option("--class", metavar="CLASS", help="fixed, land mobile, maritime or aeronautical; repeatable."),
    ] = None,
    model: Annotated[
        list[str] | None, typer.Option("--model", metavar="NAME", help="Only for this model; repeatable.")
    ] = None,
    controlled_by: Annotated[
        list[str] | None,
        typer.Option("--controlled-by", metavar="NAME", help="Only where it is in control; repeatable."),
    ] = None,
    activation: Annotated[bool, typer.Option("--needs-activation", help="Only once an order activates it.")] = False,
    max_speed: Annotated[float | None, typer.Option("--max-speed", metavar="M/S", min=0.0, help="Up to it.")] = None,
    authority: Authority = None,
    corrects: Annotated[
        str | None, typer.Option("--corrects", metavar="LICENCE", help="The licence that this takes the place of.")
    ] = None,
    source: SourceOption = None,
    from_: FromOption = None,
    to: ToOption = None,
    registry: RegistryOption = None,
    person: AsOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Record a licence, as the authority that gives it."""
    from skyhaul.control.facts import Licence

    with writing(registry, person, key) as (desk, actor):
        fact = made(
            Licence,
            actor,
            desk,
            source=source,
            from_=from_,
            to=to,
            authority=authority or body_of(desk, actor),
            territory=territory,
            service_classes=service_class,
            models=model,
            only_controlled_by=controlled_by,
            activation_required=activation or None,
            max_speed_m_s=max_speed,
            subject=corrects,
        )
        record(desk, actor, [fact], as_json)


@app.command()
def withdraw(
    licence: Annotated[str, typer.Argument(metavar="LICENCE", help="The licence, as `list` names it.")],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why.")],
    source: SourceOption = None,
    from_: FromOption = None,
    to: ToOption = None,
    registry: RegistryOption = None,
    person: AsOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Record that a licence does not hold from an instant on; what was known before stays on record."""
    from skyhaul.control.facts import Withdrawal

    with writing(registry, person, key) as (desk, actor):
        fact = made(
            Withdrawal,
            actor,
            desk,
            source=source,
            from_=from_,
            to=to,
            of_kind="Licence",
            subject=licence,
            reason=reason,
        )
        record(desk, actor, [fact], as_json)


@app.command("models")
def list_models(
    territory: Territory = None,
    registry: RegistryOption = None,
    at: AtOption = None,
    as_known: AsKnownOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the type approvals in force."""
    from skyhaul.control.facts import TypeApproval
    from skyhaul.control.registry import held

    with reading(registry, at, as_known) as desk:
        found = held(desk.registry.facts, TypeApproval, desk.at, desk.known_at)
        print_facts(
            [approval for approval in found if territory in (None, approval.territory)],
            [
                ("approval", lambda approval: approval.key),
                ("authority", lambda approval: approval.authority),
                ("model", lambda approval: approval.model),
                ("territory", lambda approval: approval.territory or "all of its territories"),
                ("software", lambda approval: ", ".join(approval.software) or "any"),
                ("valid", span),
                ("source", lambda approval: approval.source),
            ],
            as_json,
        )


@app.command("approve-model")
def add_model(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="The terminal model.")],
    territory: Annotated[
        str | None, typer.Option("--territory", metavar="NAME", help="Only for it. Without it: all of the authority's.")
    ] = None,
    software: Annotated[
        list[str] | None, typer.Option("--software", metavar="VERSION", help="Only with it; repeatable.")
    ] = None,
    authority: Authority = None,
    source: SourceOption = None,
    from_: FromOption = None,
    to: ToOption = None,
    registry: RegistryOption = None,
    person: AsOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Record the approval of a terminal model, as the authority that gives it."""
    from skyhaul.control.facts import TypeApproval

    with writing(registry, person, key) as (desk, actor):
        fact = made(
            TypeApproval,
            actor,
            desk,
            source=source,
            from_=from_,
            to=to,
            authority=authority or body_of(desk, actor),
            model=model,
            territory=territory,
            software=software,
        )
        record(desk, actor, [fact], as_json)


def _licence() -> type[Fact]:
    from skyhaul.control.facts import Licence

    return Licence


def _approval() -> type[Fact]:
    from skyhaul.control.facts import TypeApproval

    return TypeApproval


add_show(app, _licence, "licence")
add_import(app, _licence, "licences", ("authority", "territory"))
add_export(app, _licence, "licences")
add_import(app, _approval, "type approvals", ("authority", "model"), "import-models")
add_export(app, _approval, "type approvals", "export-models")
