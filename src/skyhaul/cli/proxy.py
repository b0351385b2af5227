"""`skyhaul proxy`: a terminal's link for programs that know a proxy, without any rights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skyhaul.cli._options import JsonOption, ScenarioOption, SeedOption, StartOption
from skyhaul.cli._output import print_json

if TYPE_CHECKING:
    from skyhaul.live._status import Mode


def proxy(
    terminal: Annotated[
        str, typer.Argument(metavar="TERMINAL", help="A terminal of the scenario; of a trace, any name.")
    ],
    scenario: ScenarioOption = "world",
    start: StartOption = None,
    live: Annotated[bool, typer.Option("--live", help="Time 0 is now, by the clock.")] = False,
    speed: Annotated[float, typer.Option("--speed", metavar="X", help="Scenario seconds a second.")] = 1.0,
    seed: SeedOption = None,
    trace: Annotated[
        Path | None, typer.Option("--trace", metavar="FILE", help="Replay a recorded link in place of a scenario.")
    ] = None,
    socks: Annotated[
        int | None,
        typer.Option("--socks", metavar="PORT", min=0, max=65535, help="Listen for SOCKS5; 0: any free port."),
    ] = None,
    http: Annotated[
        int | None,
        typer.Option("--http", metavar="PORT", min=0, max=65535, help="Listen for HTTP; 0: any free port."),
    ] = None,
    bind: Annotated[
        str, typer.Option("--bind", metavar="ADDRESS", help="Where to listen. Whoever reaches it may use the proxy.")
    ] = "127.0.0.1",
    status: Annotated[
        bool | None,
        typer.Option("--status/--no-status", help="The live line. Without either: where there is a terminal."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Listen on the loopback as a proxy whose connections cross a terminal's link; Ctrl-C ends it.

    Without --socks and --http it listens for SOCKS5 on 1080 and for HTTP on 8080.
    """
    from skyhaul.live import scenario_source, trace_source
    from skyhaul.live._proxy import ProxyOptions, run_proxy

    if trace is not None and (live or start is not None or speed != 1.0 or seed is not None):
        raise typer.BadParameter("--trace excludes --start, --live, --speed and --seed: a recorded link is as it is")
    if live and start is not None:
        raise typer.BadParameter("--live and --start exclude each other")
    if socks is None and http is None:
        socks, http = 1080, 8080
    mode: Mode = "auto" if status is None else "always" if status else "never"
    options = ProxyOptions(socks, http, bind, mode, quiet=as_json)
    if trace is not None:
        source = trace_source(trace, names=(terminal,), terminal=terminal)
    else:
        changes: dict[str, object] = {} if seed is None else {"seed": seed}
        source = scenario_source(scenario, (terminal,), start=start, speed=speed, live=live, changes=changes)
    with source:
        summary = run_proxy(source, options)
    if as_json:
        print_json(summary)
