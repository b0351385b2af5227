"""Options of the commands of service control: which registry, who, when, which file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from skyhaul.cli._options import parse_when
from skyhaul.errors import InputError

if TYPE_CHECKING:
    import numpy as np


def parse_instant(text: str | np.datetime64) -> np.datetime64:
    """An instant as service control counts it, to a nanosecond; `now` too."""
    import numpy as np

    if isinstance(text, np.datetime64):
        return text
    if text.strip().lower() == "now":
        return np.datetime64(parse_when("now").replace(tzinfo=None), "ns")
    from skyhaul.control.facts import utc

    try:
        return utc(text)
    except InputError as error:
        raise typer.BadParameter(f"{error.what}: {error.mend}, or now") from None


def named(place: str | None) -> str | None:
    """A place as given, None where none is; refuses an empty one, which would mean the current folder."""
    if place is not None and not place.strip():
        raise typer.BadParameter("names no registry: give its folder, or leave --registry out")
    return place


RegistryOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--registry",
        callback=named,
        metavar="PLACE",
        envvar="SKYHAUL_REGISTRY",
        show_envvar=False,
        help="The registry: its folder or a PostgreSQL address; to read also a scenario, or facts in files. Without "
        "it: SKYHAUL_REGISTRY.",
    ),
]
AsOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--as",
        metavar="PERSON",
        envvar="SKYHAUL_PERSON",
        show_envvar=False,
        help="Who you are. Without it: SKYHAUL_PERSON, or the one person whose key is in the registry's folder.",
    ),
]
KeyOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--key",
        metavar="FILE",
        envvar="SKYHAUL_KEY",
        show_envvar=False,
        help="Your private key. Without it: SKYHAUL_KEY, or the one in the registry's folder.",
    ),
]
AtOption: TypeAlias = Annotated[
    Any,
    typer.Option(
        "--at",
        metavar="TIME",
        parser=parse_instant,
        show_default=False,
        help="What holds at an instant, UTC. Without it: now, or a scenario's start.",
    ),
]
AsKnownOption: TypeAlias = Annotated[
    Any,
    typer.Option(
        "--as-known",
        metavar="TIME",
        parser=parse_instant,
        show_default=False,
        help="As it was known at an instant, UTC. Without it: all that is recorded.",
    ),
]
FromOption: TypeAlias = Annotated[
    Any,
    typer.Option(
        "--from", metavar="TIME", parser=parse_instant, show_default=False, help="First instant. Without it: now."
    ),
]
ToOption: TypeAlias = Annotated[
    Any,
    typer.Option(
        "--to",
        metavar="TIME",
        parser=parse_instant,
        show_default=False,
        help="First instant at which it no longer holds. Without it: until further notice.",
    ),
]
SourceOption: TypeAlias = Annotated[
    str | None, typer.Option("--source", metavar="TEXT", help="The document it comes from.", show_default=False)
]
AllOrNothingOption: TypeAlias = Annotated[
    bool, typer.Option("--all-or-nothing", help="Record nothing where any row is rejected.")
]
DryRunOption: TypeAlias = Annotated[bool, typer.Option("--dry-run", help="Check every row, and record nothing.")]
FileArgument: TypeAlias = Annotated[Path, typer.Argument(metavar="FILE", help="CSV, JSON or JSON lines.")]
ExactOption: TypeAlias = Annotated[
    bool, typer.Option("--exact", help="Service addresses themselves and not the cells they lie in; goes on record.")
]
ReasonOption: TypeAlias = Annotated[
    str | None, typer.Option("--reason", metavar="TEXT", help="Why exact addresses are needed.")
]
OutputOption: TypeAlias = Annotated[
    Path | None,
    typer.Option("-o", "--output", metavar="FILE", help="CSV or JSON, by its ending. Without it: JSON, printed."),
]
