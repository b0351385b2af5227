"""`skyhaul party`: who holds terminals and accounts, and who belongs to whom."""

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
    made,
    print_facts,
    reading,
    record,
    span,
    writing,
)

if TYPE_CHECKING:
    from skyhaul.control.facts import Fact

app = typer.Typer(help="Persons, firms, dealers, authorities and units of states, and who belongs to whom.")

Name = Annotated[str, typer.Argument(metavar="PARTY", help="Its name.")]


@app.command("list")
def list_(
    parent: Annotated[str | None, typer.Option("--parent", metavar="PARTY", help="Those that belong to it.")] = None,
    registry: RegistryOption = None,
    at: AtOption = None,
    as_known: AsKnownOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the parties."""
    from skyhaul.control.facts import Party
    from skyhaul.control.registry import held

    with reading(registry, at, as_known) as desk:
        found = held(desk.registry.facts, Party, desk.at, desk.known_at)
        print_facts(
            [party for party in found if parent is None or party.parent == parent],
            [
                ("party", lambda party: party.party),
                ("belongs to", lambda party: party.parent),
                ("established in", lambda party: party.territory),
                ("valid", span),
                ("source", lambda party: party.source),
            ],
            as_json,
        )


@app.command()
def add(
    party: Name,
    parent: Annotated[str | None, typer.Option("--parent", metavar="PARTY", help="The party it belongs to.")] = None,
    territory: Annotated[
        str | None, typer.Option("--territory", metavar="NAME", help="Where it is established: a licence area.")
    ] = None,
    source: SourceOption = None,
    from_: FromOption = None,
    to: ToOption = None,
    registry: RegistryOption = None,
    person: AsOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Record a party, or what changed about one."""
    from skyhaul.control.facts import Party

    with writing(registry, person, key) as (desk, actor):
        fact = made(
            Party, actor, desk, source=source, from_=from_, to=to, party=party, parent=parent, territory=territory
        )
        record(desk, actor, [fact], as_json)


def _kind() -> type[Fact]:
    from skyhaul.control.facts import Party

    return Party


add_show(app, _kind, "party")
add_import(app, _kind, "parties", ("party",))
add_export(app, _kind, "parties")
