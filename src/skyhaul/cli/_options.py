"""Options that several commands share, and the values they hold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeAlias

import typer


class Strategy(StrEnum):
    """The scheduler's strategies."""

    HIGHEST = "highest"
    STICKY = "sticky"
    BALANCED = "balanced"
    OBSERVED = "observed"


def parse_when(text: str | datetime) -> datetime:
    """The instant an option gives: a UTC date and time, or `now`."""
    if isinstance(text, datetime):
        return text
    from skyhaul.scenario import parse_time

    if text.strip().lower() == "now":
        return datetime.now(UTC).replace(microsecond=0)
    try:
        return parse_time(text)
    except ValueError as error:
        raise typer.BadParameter(f'{error} or "now", got {text!r}.') from None


def parse_span(text: str | timedelta) -> timedelta:
    """The span of time an option gives."""
    if isinstance(text, timedelta):
        return text
    from skyhaul.scenario import parse_duration

    try:
        return parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(f"{error}, got {text!r}.") from None


ScenarioArgument: TypeAlias = Annotated[
    str, typer.Argument(metavar="SCENARIO", help="A scenario file, a folder with a scenario.toml, or a preset.")
]
ScenarioOption: TypeAlias = Annotated[
    str,
    typer.Option("--scenario", metavar="SCENARIO", help="A scenario file, a folder with a scenario.toml, or a preset."),
]
StartOption: TypeAlias = Annotated[
    datetime | None, typer.Option("--start", metavar="TIME", parser=parse_when, help="First instant, UTC, or now.")
]
TimeOption: TypeAlias = Annotated[
    datetime | None,
    typer.Option(
        "--time",
        metavar="TIME",
        parser=parse_when,
        show_default=False,
        help="Instant, UTC, or now. Without it: the scenario's start.",
    ),
]
DurationOption: TypeAlias = Annotated[
    timedelta | None, typer.Option("--duration", metavar="SPAN", parser=parse_span, help="How long: 90s, 1h, 2d.")
]
StepOption: TypeAlias = Annotated[
    timedelta | None,
    typer.Option("--step", metavar="SPAN", parser=parse_span, help="From instant to instant: 1s, 100ms."),
]
ElementsOption: TypeAlias = Annotated[
    Path | None,
    typer.Option("--elements", metavar="FILE", help="Orbital elements, in place of the scenario's and its start."),
]
GroundOption: TypeAlias = Annotated[
    list[Path] | None,
    typer.Option("--ground", metavar="FILE", help="Gateways and PoPs, in place of the scenario's; repeat to merge."),
]
SeedOption: TypeAlias = Annotated[int | None, typer.Option("--seed", min=0, help="Seed of every random draw.")]
StrategyOption: TypeAlias = Annotated[
    Strategy | None, typer.Option("--strategy", help="How the serving satellite is chosen.")
]
SkipBadOption: TypeAlias = Annotated[
    bool, typer.Option("--skip-bad", help="Leave out elements that cannot be used, and count them.")
]
JsonOption: TypeAlias = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]

# Arguments such as -33.9 begin with a dash; the parser would take them for options.
NEGATIVE_NUMBERS = {"ignore_unknown_options": True}


def no_unknown_options(*arguments: str) -> None:
    """Refuse what was let through as an argument but is an option that does not exist."""
    for argument in arguments:
        if argument.startswith("-") and not argument[1:2].isdigit() and not argument.startswith("-."):
            raise typer.BadParameter(f"there is no option {argument}")
