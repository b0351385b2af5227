"""`skyhaul up`: the whole system, running: satellites, terminals, dishes, API and console."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skyhaul.cli._options import StartOption
from skyhaul.cli._registry_options import named

if TYPE_CHECKING:
    from skyhaul.control.registry import PersonKey, Registry
    from skyhaul.operation import Operation
    from skyhaul.scenario import Scenario
    from skyhaul.server import Desk, Tokens


def up(
    scenario: Annotated[
        str, typer.Argument(metavar="[SCENARIO]", help="A file or a preset.", show_default=True)
    ] = "live",
    start: StartOption = None,
    speed: Annotated[
        float, typer.Option("--speed", metavar="X", min=0.01, max=1000.0, help="System seconds a second.")
    ] = 1.0,
    paused: Annotated[bool, typer.Option("--paused", help="Stand still at first.")] = False,
    folder: Annotated[
        Path | None,
        typer.Option(
            "--folder",
            metavar="DIR",
            help="What must last lies there. Without it: one of the scenario's own in the user's state folder.",
            show_default=False,
        ),
    ] = None,
    registry: Annotated[
        str | None,
        typer.Option(
            "--registry",
            metavar="PLACE",
            callback=named,
            envvar="SKYHAUL_REGISTRY",
            show_envvar=False,
            help="Whose facts decide: a registry's folder or PostgreSQL address.",
            show_default=False,
        ),
    ] = None,
    host: Annotated[str, typer.Option("--host", metavar="ADDRESS", help="To listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", metavar="PORT", min=0, max=65535, help="0: any.")] = 8000,
    allow_host: Annotated[
        list[str] | None,
        typer.Option("--allow-host", metavar="NAME", help="A name besides localhost that it answers to; repeatable."),
    ] = None,
    token: Annotated[
        list[str] | None,
        typer.Option("--token", metavar="PERSON", help="Make a lasting token for a person and print it; repeatable."),
    ] = None,
    no_dishes: Annotated[bool, typer.Option("--no-dishes", help="Terminals without their local interfaces.")] = False,
    log: Annotated[
        Path | None, typer.Option("--log", metavar="FILE", help="A line of JSON for each request.", show_default=False)
    ] = None,
    open_: Annotated[bool, typer.Option("--open", help="Show the console in a browser.")] = False,
) -> None:
    """Run the whole system in real time, and serve its API and console, until Ctrl-C.

    Without arguments it needs neither network nor rights: a world of its own, with offices and people that do not
    exist. What changes while it runs lasts until the next start.
    """
    from skyhaul.scenario import as_numpy, load_scenario
    from skyhaul.server._folders import folder_of
    from skyhaul.server._run import announced, bind, url_of

    listening = bind(host, port)
    with contextlib.ExitStack() as stack:
        stack.callback(listening.close)
        loaded = load_scenario(scenario)
        place = folder if folder is not None else folder_of(scenario)
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        begins = None if start is None else as_numpy(start, _now())
        operation, keys = _opened(stack, loaded, place, registry, begins, speed=speed, paused=paused)
        tokens, lines = _tokens(place, operation, keys, token or [])
        url = url_of(listening)
        _log_to(log)
        stack.enter_context(announced(place, url))
        told = asyncio.run(
            _serve(
                operation,
                keys,
                tokens,
                listening,
                lines,
                hosts=[*(allow_host or []), *([] if host in ("0.0.0.0", "::") else [host])],
                url=url,
                dishes=not no_dishes,
                show=open_,
            )
        )
    if told == signal.SIGTERM:
        raise SystemExit(128 + told)


def _now() -> Any:
    import time

    import numpy as np

    return np.datetime64(time.time_ns(), "ns")


def _opened(
    stack: contextlib.ExitStack,
    scenario: Scenario,
    place: Path,
    registry: str | None,
    start: Any,
    *,
    speed: float,
    paused: bool,
) -> tuple[Operation, dict[str, PersonKey]]:
    """The operation, and the keys of those for whom the server signs: a demonstration's people."""
    from skyhaul.control.registry import Registry
    from skyhaul.operation import Operation
    from skyhaul.server._demo import demo_keys, demo_registry

    opened: Registry | None = None
    keys: dict[str, PersonKey] = {}
    if registry is not None:
        opened = Registry.open(registry)
    elif scenario.name == "live" and scenario.control is not None:
        opened = demo_registry(place / "registry", scenario.control.known_facts())
        keys = demo_keys(place / "registry")
    if opened is not None:
        stack.callback(opened.close)
    operation = Operation.open(scenario, folder=place, registry=opened, start=start, speed=speed, paused=paused)
    stack.callback(operation.stop)
    operation.start()
    return operation, keys


def _tokens(
    place: Path, operation: Operation, keys: dict[str, PersonKey], people: list[str]
) -> tuple[Tokens, list[str]]:
    """The tokens, and what to say of them."""
    from skyhaul.errors import NotFoundError
    from skyhaul.server._demo import roles_of
    from skyhaul.server._people import OPERATOR, Tokens

    tokens = Tokens.open(place / "tokens.json")
    registry = operation.registry
    lines = []
    for person in people:
        if registry is not None and not registry.known().appointments(person):
            mend = "the operator appoints people, with `skyhaul registry appoint`"
            raise NotFoundError(f"{person} holds no appointment", where="--token", mend=mend)
        lines.append(f"  {tokens.make(person)}  {person}, lasting")
    if registry is None:
        lines.append(f"  {tokens.lend(OPERATOR)}  {OPERATOR}, until it stops")
    for person, key in keys.items():
        assert registry is not None
        lines.append(f"  {tokens.lend(person, key)}  {person}, {roles_of(registry, person)}")
    return tokens, lines


async def _serve(
    operation: Operation,
    keys: dict[str, PersonKey],
    tokens: Tokens,
    listening: Any,
    lines: list[str],
    *,
    hosts: list[str],
    url: str,
    dishes: bool,
    show: bool,
) -> int:
    from skyhaul.server import Desk, create_app
    from skyhaul.server._run import serve

    desk = Desk(operation, keys)
    app = create_app(desk, tokens, hosts=hosts)

    def ready() -> None:
        _say(desk, url, lines)
        if show:
            import webbrowser

            webbrowser.open(url)

    @contextlib.asynccontextmanager
    async def beside() -> AsyncIterator[None]:
        if not dishes:
            yield
            return
        from skyhaul.server._dishes import Dishes

        async with Dishes(desk):
            yield

    return await serve(app, listening, ready=ready, beside=beside)


def _say(desk: Desk, url: str, lines: list[str]) -> None:
    snapshot = desk.snapshot()
    world = snapshot.world
    print(f"{world.scenario.name}: {len(world.elements):,} satellites, {len(snapshot.roster):,} terminals")
    if desk.dishes:
        first = next(iter(desk.addresses.values()))
        print(f"dishes from {first} on; `skyhaul status` says how it goes")
    print(f"console and API: {url}")
    if desk.keys:
        print("tokens of people who do not exist; the server signs for them, and for nobody else:")
    elif lines:
        print("tokens:")
    for line in lines:
        print(line)
    print("Ctrl-C ends it", flush=True)


def _log_to(path: Path | None) -> None:
    """One line of JSON a request into a file; what goes wrong on standard error."""
    logger = logging.getLogger("skyhaul.server")
    logger.propagate = False
    said = logging.StreamHandler(sys.stderr)
    said.setLevel(logging.WARNING)
    said.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger.addHandler(said)
    requests = logging.getLogger("skyhaul.server.requests")
    requests.setLevel(logging.WARNING)
    if path is None:
        return
    try:
        handler = logging.FileHandler(path, encoding="utf-8")
    except OSError as error:
        from skyhaul.errors import OutputError

        raise OutputError(f"cannot write: {error.strerror}", where=str(path), mend="another --log") from None
    handler.setFormatter(
        logging.Formatter('{"time": "%(asctime)s.%(msecs)03dZ", "request": %(message)s}', "%Y-%m-%dT%H:%M:%S")
    )
    handler.formatter.converter = __import__("time").gmtime  # type: ignore[union-attr]
    requests.setLevel(logging.INFO)
    requests.propagate = False
    requests.addHandler(handler)
