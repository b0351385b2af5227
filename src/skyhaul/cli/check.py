"""`skyhaul check`: may this terminal be served here, now, and why."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skyhaul.cli._options import JsonOption
from skyhaul.cli._output import print_json
from skyhaul.cli._registry import AsKnownOption, Desk, RegistryOption, instant, moment, parse_instant, reading
from skyhaul.cli._values import parse_numbers

if TYPE_CHECKING:
    import numpy as np

    from skyhaul.control.decision import Compiled, Decision, Position


def check(
    terminal: Annotated[str, typer.Argument(metavar="TERMINAL", help="Its id in the registry.")],
    at: Annotated[
        str | None,
        typer.Option(
            "--at",
            metavar="LAT,LON",
            help="Where it is, as if the network had measured it there. Without it: its place in a scenario, else its "
            "service address.",
        ),
    ] = None,
    time: Annotated[
        Any,
        typer.Option(
            "--time",
            metavar="TIME",
            parser=parse_instant,
            show_default=False,
            help="When, UTC. Without it: now, or a scenario's start.",
        ),
    ] = None,
    as_known: AsKnownOption = None,
    speed: Annotated[
        float | None, typer.Option("--speed", metavar="M/S", min=0.0, help="Over the ground. Without it: not known.")
    ] = None,
    ellipse: Annotated[
        str | None,
        typer.Option(
            "--ellipse",
            metavar="A,B,AZ",
            help="Half axes of the 95 % ellipse in metres, and the azimuth of the long one in degrees.",
        ),
    ] = None,
    registry: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Decide about a terminal, with every reason, and say what changes next."""
    from skyhaul.control.decision import compile_facts, decide, explain, next_change

    given = parse_numbers(at, "--at", 2) if at is not None else None
    axes = _axes(ellipse) if ellipse is not None else None
    with reading(registry, time, as_known) as desk:
        compiled = compile_facts(desk.registry.facts, desk.known_at)
        position, whence, moving = _position(desk, compiled, terminal, given, axes)
        speed = moving if speed is None else speed
        decision = decide(compiled, terminal, position, desk.at, speed_m_s=speed)
        change = next_change(compiled, terminal, position, desk.at, speed_m_s=speed)
    if as_json:
        print_json(
            json.loads(decision.to_json())
            | {
                "position": whence,
                "next_change": None
                if change is None
                else {
                    "time": instant(change.time),
                    "outcome": str(change.outcome),
                    "code": int(change.code),
                    "code_name": change.code.name,
                },
            }
        )
        return
    print(explain(decision))
    print(f"  position: {whence}")
    print(f"  {_change(change)}")


def _change(change: Decision | None) -> str:
    if change is None:
        return "where it is, nothing on record changes this by itself"
    what = f"{change.outcome.upper()}, code {change.code.value} {change.code.name}"
    return f"where it is, this changes by itself at {instant(change.time)} to {what}"


def _position(
    desk: Desk,
    compiled: Compiled,
    terminal: str,
    given: tuple[float, ...] | None,
    axes: tuple[float, float, float] | None,
) -> tuple[Position | None, str, float | None]:
    """Where the terminal is taken to be, whence that comes, without the place itself, and its speed where known."""
    from skyhaul.control.decision import Position

    if given is not None:
        major, minor, azimuth = axes or (0.0, 0.0, 0.0)
        return (
            Position(given[0], given[1], major, minor, azimuth),
            "given with --at, as if the network had measured it",
            None,
        )
    placed = _in_scenario(desk, terminal)
    if placed is not None:
        uncertain = desk.scenario.control.position_uncertainty_m if desk.scenario and desk.scenario.control else 0.0
        major, minor, azimuth = axes or (uncertain, uncertain, 0.0)
        latitude, longitude, moving = placed
        return Position(latitude, longitude, major, minor, azimuth), "its place in the scenario", moving
    standing = compiled.units.standing(terminal, _nanoseconds(desk.at))
    address = standing.account.plan.service_address if standing.account is not None else None
    if address is None:
        return None, "not known: it has no service address (give --at LAT,LON)", None
    major, minor, azimuth = axes or (0.0, 0.0, 0.0)
    whence = "its service address, as if the network had measured it there"
    return Position(address.latitude_deg, address.longitude_deg, major, minor, azimuth), whence, None


def _in_scenario(desk: Desk, terminal: str) -> tuple[float, float, float] | None:
    """Latitude, longitude and speed of a terminal of the scenario."""
    if desk.scenario is None:
        return None
    for table in desk.scenario.terminals:
        if (table.unit or table.name) == terminal:
            if not table.track:
                return table.latitude_deg, table.longitude_deg, 0.0
            import numpy as np

            from skyhaul.system._motion import Track

            start = desk.scenario.time.start
            track = Track.of(table, moment(start) if start is not None else desk.at)
            latitude, longitude, _ = track.at(np.array([desk.at]))
            return (
                float(latitude[0]),
                float(longitude[0]),
                track.top_speed_m_s(desk.at, desk.at + np.timedelta64(15, "s")),
            )
    return None


def _axes(text: str) -> tuple[float, float, float]:
    major, minor, azimuth = parse_numbers(text, "--ellipse", 3, "A,B,AZ")
    return major, minor, azimuth


def _nanoseconds(time: np.datetime64) -> int:
    from skyhaul.control._instants import nanoseconds

    return nanoseconds(time)
