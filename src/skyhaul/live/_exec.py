"""`skyhaul exec`: one program behind one terminal of a scenario, in a world that ends with it."""

from __future__ import annotations

import hashlib
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from skyhaul.errors import InputError, NotFoundError, SkyhaulError
from skyhaul.live._tables import TableSource
from skyhaul.live._world_calls import cards
from skyhaul.live._world_options import WorldOptions, find_name
from skyhaul.live._world_supervisor import WorldSupervisor


def run_exec(options: WorldOptions, open_source: Callable[[], TableSource]) -> int:
    """Run the command of `options` behind its terminal; its exit status, 128 + n where signal n ended it.

    open_source   gives the source of tables, of that terminal alone

    SkyhaulError: the world cannot be made, the command not be started, or the terminal is in use. Everything made is
    gone afterwards.
    """
    if not options.command:
        raise InputError("no command to run", mend="skyhaul exec TERMINAL -- COMMAND")
    check_command(options.command[0])
    scenario, terminal = options.scenario, options.terminal
    for world in cards():
        if world.scenario == scenario and find_name(terminal, world.places):
            raise _in_use(terminal, world.process)
    try:
        return WorldSupervisor(
            options, open_source(), name=_name(terminal, scenario), ready=None if options.quiet else _introduce
        ).run()
    except SkyhaulError as error:
        if "is up already" in error.what:
            raise _in_use(terminal, 0) from None
        raise


def check_command(command: str) -> None:
    """NotFoundError for a program that is not there."""
    there = Path(command).exists() if "/" in command else shutil.which(command) is not None
    if not there:
        raise NotFoundError(f"there is no command '{command}'", mend="give a name on the PATH, or a path")


def _in_use(terminal: str, process: int) -> SkyhaulError:
    by = f" by process {process}" if process else ""
    return SkyhaulError(f"terminal '{terminal}' is in use{by}", mend=f"skyhaul net exec {terminal} -- COMMAND")


def _name(terminal: str, scenario: str) -> str:
    """A name that only a world of this terminal and scenario has, whatever they are called."""
    digest = hashlib.sha256(f"{scenario}\0{terminal}".encode()).hexdigest()[:12]
    return f"exec-{digest}"


def _introduce(ready: dict[str, Any]) -> None:
    """Tell on standard error who is there, before the program says anything."""
    terminal = next(place for place in ready["places"] if ":" not in place["key"])
    pops = [place for place in ready["places"] if place["key"].startswith("pop:")]
    others = ", ".join(f"{place['host']} {place['address']}" for place in pops)
    print(f"skyhaul: {terminal['key']} is {terminal['address']}; {others}", file=sys.stderr, flush=True)
