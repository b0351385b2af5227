"""`skyhaul path`: the route between two places, hop by hop."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from skyhaul.cli._options import (
    ElementsOption,
    GroundOption,
    JsonOption,
    ScenarioOption,
    SkipBadOption,
    TimeOption,
    no_unknown_options,
)
from skyhaul.cli._output import iso, place, print_json, print_table, utc

if TYPE_CHECKING:
    from skyhaul.system import Route

_END = "A terminal, PoP or gateway by name, or LAT,LON."
_LEGS = {"radio": "radio", "laser": "laser", "fibre": "fibre", "network": "access network", None: ""}


def path(
    a: Annotated[str, typer.Argument(metavar="A", help=_END)],
    b: Annotated[str, typer.Argument(metavar="B", help=_END)],
    time: TimeOption = None,
    over_lasers: Annotated[
        bool, typer.Option("--over-lasers", help="The shortest way in space, without gateways, PoPs and queues.")
    ] = False,
    scenario: ScenarioOption = "world",
    elements: ElementsOption = None,
    ground: GroundOption = None,
    skip_bad: SkipBadOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show the route between two places at an instant, with the delay of each leg."""
    no_unknown_options(a, b)
    from skyhaul.cli._setup import system_at

    system, when = system_at(scenario, time, elements, ground, skip_bad)
    route = system.route(a, b, when, over_lasers=over_lasers)
    if as_json:
        _print_document(route)
    else:
        _print_route(route)


def _fibre_ms(route: Route) -> float:
    from skyhaul.system import fibre_rtt_s

    first, last = route.hops[0], route.hops[-1]
    return 1e3 * fibre_rtt_s((first.latitude_deg, first.longitude_deg), (last.latitude_deg, last.longitude_deg))


def _print_route(route: Route) -> None:
    total = 0.0
    rows = []
    for hop in route.hops:
        total += hop.leg_s
        first = hop.medium is None
        rows.append(
            [
                _LEGS[hop.medium],
                f"{hop.leg_m / 1e3:.0f}" if hop.leg_m else "",
                "" if first else f"{1e3 * hop.leg_s:.2f}",
                hop.kind,
                hop.name,
                place(hop.latitude_deg, hop.longitude_deg),
                f"{1e3 * total:.2f}",
            ]
        )
    print_table(
        [
            ("by", "left"),
            ("km", "right"),
            ("ms", "right"),
            ("to", "left"),
            ("name", "left"),
            ("place", "left"),
            ("so far ms", "right"),
        ],
        rows,
        f"{route.a} to {route.b} at {utc(route.time)}",
    )
    print(
        f"one way {1e3 * route.one_way_s:.2f} ms, round trip {1e3 * route.rtt_s:.2f} ms"
        f" (a cable between the two: {_fibre_ms(route):.2f} ms)"
    )


def _print_document(route: Route) -> None:
    print_json(
        {
            "a": route.a,
            "b": route.b,
            "time": iso(route.time),
            "slot_start": iso(route.slot_start),
            "one_way_ms": 1e3 * route.one_way_s,
            "rtt_ms": 1e3 * route.rtt_s,
            "cable_rtt_ms": _fibre_ms(route),
            "hops": [asdict(hop) for hop in route.hops],
        }
    )
