"""`skyhaul terminal`: user terminals, whose they are and on which account."""

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
    public_key_of,
    reading,
    record,
    span,
    writing,
)

if TYPE_CHECKING:
    from skyhaul.control.facts import Fact

app = typer.Typer(help="User terminals: key, model, holder and account of each.")


@app.command("list")
def list_(
    account: Annotated[str | None, typer.Option("--account", metavar="NAME", help="Those on it.")] = None,
    holder: Annotated[str | None, typer.Option("--holder", metavar="PARTY", help="Those it holds.")] = None,
    model: Annotated[str | None, typer.Option("--model", metavar="NAME", help="Those of it.")] = None,
    registry: RegistryOption = None,
    at: AtOption = None,
    as_known: AsKnownOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the terminals."""
    from skyhaul.control.facts import Terminal
    from skyhaul.control.registry import held

    wanted = {"account": account, "holder": holder, "model": model}
    with reading(registry, at, as_known) as desk:
        print_facts(
            [
                terminal
                for terminal in held(desk.registry.facts, Terminal, desk.at, desk.known_at)
                if all(value is None or getattr(terminal, name) == value for name, value in wanted.items())
            ],
            [
                ("terminal", lambda terminal: terminal.terminal),
                ("model", lambda terminal: terminal.model),
                ("kit", lambda terminal: terminal.kit_number),
                ("account", lambda terminal: terminal.account),
                ("holder", lambda terminal: terminal.holder),
                ("key", lambda terminal: f"{terminal.public_key.hex()[:12]}…"),
                ("valid", span),
            ],
            as_json,
        )


@app.command()
def add(
    terminal: Annotated[str, typer.Argument(metavar="TERMINAL", help="Its id.")],
    public_key: Annotated[
        str, typer.Option("--public-key", metavar="HEX|FILE", help="Its Ed25519 public key, or a file that holds it.")
    ],
    model: Annotated[str, typer.Option("--model", metavar="NAME", help="Its model.")],
    software: Annotated[str | None, typer.Option("--software", metavar="VERSION", help="What it runs.")] = None,
    kit_number: Annotated[str | None, typer.Option("--kit-number", metavar="TEXT", help="Of the kit.")] = None,
    holder: Annotated[str | None, typer.Option("--holder", metavar="PARTY", help="Who has it.")] = None,
    account: Annotated[str | None, typer.Option("--account", metavar="NAME", help="The account it is used on.")] = None,
    source: SourceOption = None,
    from_: FromOption = None,
    to: ToOption = None,
    registry: RegistryOption = None,
    person: AsOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Record a terminal, or what changed about one."""
    from skyhaul.control.facts import Terminal

    with writing(registry, person, key) as (desk, actor):
        fact = made(
            Terminal,
            actor,
            desk,
            source=source,
            from_=from_,
            to=to,
            terminal=terminal,
            public_key=public_key_of(public_key),
            model=model,
            software=software,
            kit_number=kit_number,
            holder=holder,
            account=account,
        )
        record(desk, actor, [fact], as_json)


def _kind() -> type[Fact]:
    from skyhaul.control.facts import Terminal

    return Terminal


add_show(app, _kind, "terminal")
add_import(app, _kind, "terminals", ("terminal", "public_key", "model"))
add_export(app, _kind, "terminals")
