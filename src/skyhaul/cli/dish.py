"""`skyhaul dish`: the terminals of a scenario as dishes that dish tools can talk to."""

from __future__ import annotations

import gc
import signal
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from skyhaul.cli._options import ElementsOption, GroundOption, JsonOption, ScenarioOption, SkipBadOption, StartOption
from skyhaul.cli._output import iso, print_json, print_table, utc
from skyhaul.cli._registry_options import named

if TYPE_CHECKING:
    import asyncio

    import numpy as np

    from skyhaul.dish import Address, Dish, DishServer


def dish(
    terminal: Annotated[
        list[str] | None, typer.Argument(metavar="[TERMINAL…]", help="Which; without it all of the scenario.")
    ] = None,
    scenario: ScenarioOption = "world",
    start: StartOption = None,
    listen: Annotated[
        str | None,
        typer.Option(
            "--listen", metavar="ADDRESS:PORT", help="Of the first dish; the others follow.", show_default=False
        ),
    ] = None,
    location: Annotated[bool, typer.Option("--location", help="Dishes tell where they are from the start.")] = False,
    context: Annotated[bool, typer.Option("--context", help="Dishes answer for their network context.")] = False,
    ready: Annotated[
        bool, typer.Option("--ready", help="Dishes are on already: their first start takes no time.")
    ] = False,
    registry: Annotated[
        str | None,
        typer.Option(
            "--registry",
            metavar="PLACE",
            callback=named,
            help="Whose facts decide, in place of the scenario's: a registry, or facts in files.",
            show_default=False,
        ),
    ] = None,
    elements: ElementsOption = None,
    ground: GroundOption = None,
    skip_bad: SkipBadOption = False,
    as_json: JsonOption = False,
) -> None:
    """Serve terminals as dishes, each with the local interface that dish tools know, in real time, until Ctrl-C.

    The scenario's time starts at --start, or where the scenario starts, and runs as fast as time does.
    """
    from skyhaul.cli._setup import scenario_with
    from skyhaul.dish import (
        Address,
        Dish,
        DishRecord,
        DishServer,
        ScenarioFeed,
        Settings,
        addresses,
        scenario_hardware,
    )
    from skyhaul.network import find_name
    from skyhaul.scenario import as_numpy
    from skyhaul.system import System

    first = None if listen is None else Address.parse(listen)
    system = System.from_scenario(
        scenario_with(scenario, elements=elements, ground=ground, skip_bad=skip_bad, registry=registry)
    )
    begins = system.default_start() if start is None else as_numpy(start, system.default_start())
    names = system.world.terminals.sites.name
    chosen = [names[find_name(name, names, "terminal")] for name in terminal] if terminal else list(names)
    chosen = list(dict.fromkeys(chosen))
    hardware = scenario_hardware(system.world.scenario)
    record = DishRecord(settings=Settings(location_request_mode=int(location)))
    dishes = {
        address: Dish(name, hardware[name], record=record, ready=ready, serves_context=context)
        for address, name in zip(addresses(len(chosen), first), chosen, strict=True)
    }
    with ScenarioFeed(system, begins) as feed:
        _serve(DishServer(dishes, feed), begins, as_json=as_json)


def _serve(server: DishServer, begins: np.datetime64, *, as_json: bool) -> None:
    import asyncio

    async def serve() -> int:
        told: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        # The loop's own handlers: an exception out of a signal may be swallowed in gRPC's callbacks.
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, _tell, told, number)
        async with server:
            # What has been loaded by now stays: looking through it again and again would stop answers for 0.1 s.
            gc.freeze()
            _say(server.dishes, begins, as_json=as_json)
            failed = asyncio.ensure_future(server.wait())
            await asyncio.wait((told, failed), return_when=asyncio.FIRST_COMPLETED)
            if not told.done():
                failed.result()
            failed.cancel()
        return told.result()

    # Ctrl-C is how this is meant to end.
    if asyncio.run(serve()) == signal.SIGTERM:
        raise SystemExit(128 + signal.SIGTERM)


def _tell(told: asyncio.Future[int], number: int) -> None:
    if not told.done():
        told.set_result(number)


def _say(dishes: dict[Address, Dish], begins: np.datetime64, *, as_json: bool) -> None:
    if as_json:
        listed = [{"terminal": d.terminal, "id": d.hardware.id, "address": str(a)} for a, d in dishes.items()]
        print_json({"start": iso(begins), "dishes": listed})
    else:
        rows = [(dish.terminal, str(address), dish.hardware.id) for address, dish in dishes.items()]
        columns = [("terminal", "left"), ("address", "left"), ("id", "left")]
        print_table(columns, rows, f"dishes from {utc(begins)} on; Ctrl-C ends them")  # type: ignore[arg-type]
    sys.stdout.flush()
