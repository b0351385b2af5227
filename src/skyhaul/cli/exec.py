"""`skyhaul exec` and `skyhaul shell`: a program behind a terminal of a scenario, without root."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from skyhaul.cli._link import EngineChoice
from skyhaul.cli._options import ScenarioOption, parse_when
from skyhaul.cli._registry_options import named
from skyhaul.errors import NotFoundError
from skyhaul.live._status import Mode

if TYPE_CHECKING:
    from skyhaul.live import PlannedSource

_NOT_FOUND = 127  # what a shell says of a command that is not there

TerminalArgument: TypeAlias = Annotated[
    str, typer.Argument(metavar="TERMINAL", help="A terminal of the scenario.", show_default=False)
]
StartOption: TypeAlias = Annotated[
    datetime | None,
    typer.Option(
        "--start",
        metavar="TIME",
        parser=parse_when,
        show_default=False,
        help="The instant that the program starts at, UTC, or now. Without it: the scenario's start.",
    ),
]
LiveOption: TypeAlias = Annotated[
    bool, typer.Option("--live", help="By the clock: slots start when they start, from now on.")
]
SpeedOption: TypeAlias = Annotated[
    float, typer.Option("--speed", metavar="X", help="Scenario seconds a second; delays and rates are not scaled.")
]
TraceOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--trace", metavar="FILE", show_default=False, help="Replay a recorded link in place of a scenario's."
    ),
]
IsolatedOption: TypeAlias = Annotated[bool, typer.Option("--isolated", help="No way out to the host's network.")]
PopOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--pop", metavar="NAME", show_default=False, help="Have this point of presence besides its own; repeatable."
    ),
]
MtuOption: TypeAlias = Annotated[int, typer.Option("--mtu", metavar="BYTES", help="Largest packet.")]
OffloadOption: TypeAlias = Annotated[
    bool, typer.Option("--offload/--no-offload", help="Let the kernel hand over many segments at once.")
]
EngineOption: TypeAlias = Annotated[EngineChoice, typer.Option("--engine", help="What carries the packets.")]
PreciseOption: TypeAlias = Annotated[bool, typer.Option("--precise", help="Spend a whole core on exact delays.")]
RegistryOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--registry",
        metavar="PLACE",
        callback=named,
        show_default=False,
        help="Who may be served, in place of the scenario's facts.",
    ),
]
PcapOption: TypeAlias = Annotated[
    Path | None,
    typer.Option("--pcap", metavar="FILE", show_default=False, help="Write every packet at the terminal."),
]
ReportOption: TypeAlias = Annotated[
    Path | None,
    typer.Option("--report", metavar="DIR", show_default=False, help="Write every packet's fate, and pictures."),
]
JsonOption: TypeAlias = Annotated[bool, typer.Option("--json", help="The summary on standard error as JSON.")]
StatusOption: TypeAlias = Annotated[
    bool | None,
    typer.Option("--status/--no-status", help="The live line. Without either: where there is a terminal."),
]
QuietOption: TypeAlias = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing of the world.")]


@dataclass(frozen=True, slots=True)
class Follow:
    """What the link follows: a scenario from an instant at a speed, or by the clock; or a recorded link."""

    scenario: str
    start: datetime | None
    live: bool
    speed: float
    trace: Path | None
    registry: str | None

    def __post_init__(self) -> None:
        if self.trace is not None and (self.start is not None or self.live or self.speed != 1.0 or self.registry):
            raise typer.BadParameter(
                "--trace excludes --start, --live, --speed and --registry: it is as it was recorded"
            )
        if self.live and self.start is not None:
            raise typer.BadParameter("--live and --start exclude each other")


def exec_(
    terminal: TerminalArgument,
    command: Annotated[
        list[str], typer.Argument(metavar="COMMAND…", help="The program, after --.", show_default=False)
    ],
    scenario: ScenarioOption = "world",
    start: StartOption = None,
    live: LiveOption = False,
    speed: SpeedOption = 1.0,
    trace: TraceOption = None,
    pop: PopOption = None,
    registry: RegistryOption = None,
    isolated: IsolatedOption = False,
    mtu: MtuOption = 1500,
    offload: OffloadOption = True,
    engine: EngineOption = EngineChoice.AUTO,
    precise: PreciseOption = False,
    pcap: PcapOption = None,
    report: ReportOption = None,
    status: StatusOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Run a program behind a terminal: its packets take that terminal's path, slot after slot.

    The exit status is the program's. Everything made for it is gone afterwards.
    """
    given: dict[str, Any] = {"mtu": mtu, "offload": offload, "engine": str(engine), "precise": precise}
    given |= {"isolated": isolated, "pcap": pcap, "report": report, "json": as_json, "quiet": quiet}
    given["status"] = _mode(status, quiet)
    follow = Follow(scenario, start, live, speed, trace, registry)
    _behind(terminal, tuple(command), follow, pop, given)


def shell(
    terminal: TerminalArgument,
    scenario: ScenarioOption = "world",
    start: StartOption = None,
    live: LiveOption = False,
    speed: SpeedOption = 1.0,
    trace: TraceOption = None,
    pop: PopOption = None,
    registry: RegistryOption = None,
    isolated: IsolatedOption = False,
    mtu: MtuOption = 1500,
    offload: OffloadOption = True,
    engine: EngineOption = EngineChoice.AUTO,
    precise: PreciseOption = False,
    pcap: PcapOption = None,
    report: ReportOption = None,
    status: StatusOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Open a shell behind a terminal: $SHELL, and everything that is started from it."""
    given: dict[str, Any] = {"mtu": mtu, "offload": offload, "engine": str(engine), "precise": precise}
    given |= {"isolated": isolated, "pcap": pcap, "report": report, "json": as_json, "quiet": quiet}
    given["status"] = _mode(status, quiet)
    follow = Follow(scenario, start, live, speed, trace, registry)
    _behind(terminal, (os.environ.get("SHELL") or "sh",), follow, pop, given)


@contextlib.contextmanager
def not_found(command: str) -> Iterator[None]:
    """Say of a program that is not there what a shell says: one line, and status 127."""
    try:
        yield
    except NotFoundError as error:
        if f"'{command}'" not in error.what or "command" not in error.what:
            raise
        typer.echo(f"skyhaul: {error}", err=True)
        raise typer.Exit(_NOT_FOUND) from None


def _mode(status: bool | None, quiet: bool) -> Mode:
    """When the live line is shown; a quiet run shows it only where it is asked for."""
    if status is None:
        return "never" if quiet else "auto"
    return "always" if status else "never"


def _behind(
    terminal: str, command: tuple[str, ...], follow: Follow, pops: list[str] | None, given: dict[str, Any]
) -> None:
    from skyhaul.live._exec import check_command, run_exec
    from skyhaul.live._source import scenario_source, trace_source
    from skyhaul.live._world_options import WorldOptions

    trace = follow.trace
    options = WorldOptions(
        str(trace) if trace is not None else follow.scenario, command, terminal, tuple(pops or ()), **given
    )
    with not_found(command[0]):
        check_command(command[0])
    changes: dict[str, object] = {"control.facts": follow.registry} if follow.registry else {}

    def source() -> PlannedSource:
        if trace is not None:
            return trace_source(trace, names=(terminal,), terminal=terminal)
        where = follow.scenario
        return scenario_source(
            where, (terminal,), start=follow.start, speed=follow.speed, live=follow.live, changes=changes
        )

    raise typer.Exit(run_exec(options, source))
