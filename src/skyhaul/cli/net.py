"""`skyhaul net`: worlds of many terminals that stay up, and programs in them."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from skyhaul.cli._link import EngineChoice
from skyhaul.cli._options import ScenarioArgument
from skyhaul.cli.exec import (
    EngineOption,
    IsolatedOption,
    JsonOption,
    LiveOption,
    MtuOption,
    OffloadOption,
    PopOption,
    PreciseOption,
    QuietOption,
    RegistryOption,
    StartOption,
    not_found,
)

app = typer.Typer(help="Worlds of many terminals, and programs in them.", no_args_is_help=True)

NetOption = Annotated[
    str, typer.Option("--net", metavar="WORLD", show_default=False, help="Which world, where several have the name.")
]


@app.command("up")
def up(
    scenario: ScenarioArgument = "europe",
    name: Annotated[
        str,
        typer.Option("--name", metavar="WORLD", show_default=False, help="What to call it; the scenario's name else."),
    ] = "",
    terminals: Annotated[
        str, typer.Option("--terminals", metavar="A,B,…", show_default=False, help="Which terminals; without it: all.")
    ] = "",
    server: Annotated[
        list[str] | None,
        typer.Option(
            "--server", metavar="NAME=POP", show_default=False, help="A server behind a point of presence; repeatable."
        ),
    ] = None,
    start: StartOption = None,
    live: LiveOption = False,
    pop: PopOption = None,
    registry: RegistryOption = None,
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help="Come back when it is up; skyhaul net down ends it.")
    ] = False,
    isolated: IsolatedOption = False,
    mtu: MtuOption = 1500,
    offload: OffloadOption = True,
    engine: EngineOption = EngineChoice.AUTO,
    precise: PreciseOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Bring a world up: every terminal with its own address and link, points of presence as routers.

    It stays in the foreground until Ctrl-C, unless detached.
    """
    from skyhaul.live._net import run_up
    from skyhaul.live._source import scenario_source
    from skyhaul.live._world_options import WorldOptions

    servers = tuple(_server(text) for text in server or ())
    options = WorldOptions(
        scenario,
        pops=tuple(pop or ()),
        servers=servers,
        mtu=mtu,
        offload=offload,
        engine=str(engine),
        precise=precise,
        isolated=isolated,
        json=as_json,
        quiet=quiet,
        status="never" if quiet or detach else "auto",
    )
    wanted = tuple(part.strip() for part in terminals.split(",") if part.strip())
    changes: dict[str, object] = {"control.facts": registry} if registry else {}
    called = name or _name_of(scenario)
    status = run_up(
        options,
        lambda: scenario_source(scenario, wanted, start=start, live=live, changes=changes),
        called,
        detach=detach,
        ready=lambda told: None if quiet else _introduce(called, told, detach),
    )
    raise typer.Exit(status)


@app.command("exec")
def exec_(
    place: Annotated[
        str,
        typer.Argument(metavar="NAME", help="A terminal, pop:NAME or server:NAME of a world.", show_default=False),
    ],
    command: Annotated[
        list[str], typer.Argument(metavar="COMMAND…", help="The program, after --.", show_default=False)
    ],
    net: NetOption = "",
) -> None:
    """Run a program in a place of a world that is up. The exit status is the program's."""
    from skyhaul.live._net import enter

    with not_found(command[0]):
        raise typer.Exit(enter(place, tuple(command), net))


@app.command("list")
def list_(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False) -> None:
    """List the worlds that are up."""
    from dataclasses import asdict

    from skyhaul.cli._output import print_json, print_table
    from skyhaul.live._net import worlds

    up_now = worlds()
    if as_json:
        print_json([asdict(world) for world in up_now])
        return
    if not up_now:
        print("no world is up")
        return
    rows = [(world.name, world.scenario, str(world.process), _places(world.places)) for world in up_now]
    print_table((("world", "left"), ("scenario", "left"), ("process", "right"), ("places", "left")), rows)


@app.command("down")
def down(
    name: Annotated[
        str, typer.Argument(metavar="WORLD", help="Which; not needed where one is up.", show_default=False)
    ] = "",
    quiet: QuietOption = False,
) -> None:
    """End a world. Programs in it are killed, and nothing of it is left."""
    from skyhaul.live._net import down as end

    ended = end(name)
    if not quiet:
        print(f"skyhaul: '{ended}' is down", file=sys.stderr)


def _server(text: str) -> tuple[str, str]:
    name, equals, pop = text.partition("=")
    if not equals or not name or not pop:
        raise typer.BadParameter(f"--server takes a name and a point of presence, such as web=frankfurt, got {text!r}")
    return name, pop


def _name_of(scenario: str) -> str:
    """A name for a world from its scenario's: a preset's name, or that of its file or folder."""
    path = Path(scenario)
    stem = path.parent.resolve().name if path.name == "scenario.toml" else path.stem or path.name
    return re.sub(r"[^\w.-]+", "-", stem)[:48] or "world"


def _introduce(name: str, told: dict[str, Any], detached: bool) -> None:
    for place in told["places"]:
        print(f"{place['key']:24} {place['address']:16} {place['host']:40} {place['pop']}", file=sys.stderr)
    end = f"skyhaul net down {name}" if detached else "Ctrl-C"
    print(f"skyhaul: '{name}' is up, {end} ends it", file=sys.stderr, flush=True)


def _places(places: tuple[str, ...]) -> str:
    shown = ", ".join(places[:8])
    return shown if len(places) <= 8 else f"{shown}, and {len(places) - 8} more"
