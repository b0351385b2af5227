"""The three commands that every kind of fact has alike: `show`, `import` and `export`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from skyhaul.cli._options import JsonOption
from skyhaul.cli._registry import (
    AllOrNothingOption,
    AsKnownOption,
    AsOption,
    AtOption,
    DryRunOption,
    FileArgument,
    FromOption,
    KeyOption,
    OutputOption,
    RegistryOption,
    SourceOption,
    export,
    import_file,
    print_history,
    reading,
    writing,
)

if TYPE_CHECKING:
    from skyhaul.control.facts import Fact

Kind = Callable[[], "type[Fact]"]
"""Gives a kind of fact; called when a command runs, so that `--help` needs no import of service control."""


def add_show(app: typer.Typer, kind: Kind, noun: str) -> None:
    """`show`: all that is on record of one, over time."""

    def show(
        name: Annotated[str, typer.Argument(metavar="NAME", help="Which, as `list` names it.")],
        registry: RegistryOption = None,
        at: AtOption = None,
        as_known: AsKnownOption = None,
        as_json: JsonOption = False,
    ) -> None:
        with reading(registry, at, as_known) as desk:
            print_history(desk, kind(), name, as_json)

    show.__doc__ = f"Print all that is on record of one {noun}, over time."
    app.command("show")(show)


def add_import(app: typer.Typer, kind: Kind, plural: str, columns: tuple[str, ...], name: str = "import") -> None:
    """`import`: the rows of a table, `columns` of which it must have."""

    def import_(
        file: FileArgument,
        source: SourceOption = None,
        from_: FromOption = None,
        all_or_nothing: AllOrNothingOption = False,
        dry_run: DryRunOption = False,
        registry: RegistryOption = None,
        person: AsOption = None,
        key: KeyOption = None,
        as_json: JsonOption = False,
    ) -> None:
        with writing(registry, person, key) as (desk, actor):
            import_file(
                desk,
                actor,
                kind(),
                file,
                columns=columns,
                source=source,
                from_=from_,
                all_or_nothing=all_or_nothing,
                dry_run=dry_run,
                as_json=as_json,
            )

    import_.__doc__ = f"Record the {plural} of a table; each row that is rejected is told with its reason."
    app.command(name)(import_)


def add_export(app: typer.Typer, kind: Kind, plural: str, name: str = "export") -> None:
    """`export`: what holds, as `import` reads it."""

    def export_(
        output: OutputOption = None,
        registry: RegistryOption = None,
        at: AtOption = None,
        as_known: AsKnownOption = None,
    ) -> None:
        from skyhaul.control.registry import held

        with reading(registry, at, as_known) as desk:
            export(held(desk.registry.facts, kind(), desk.at, desk.known_at), kind(), output)

    export_.__doc__ = f"Write the {plural} as `import` reads them."
    app.command(name)(export_)
