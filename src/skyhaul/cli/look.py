"""`skyhaul look`: the satellites above a place, and why each could or could not serve."""

from __future__ import annotations

from pathlib import Path
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
    from skyhaul.system import Explanation


def look(
    latitude: Annotated[str, typer.Argument(metavar="LAT", help="Degrees north.")],
    longitude: Annotated[str, typer.Argument(metavar="LON", help="Degrees east.")],
    time: TimeOption = None,
    everything: Annotated[bool, typer.Option("--all", help="List satellites below the elevation mask too.")] = False,
    terminal: Annotated[
        str | None,
        typer.Option("--terminal", metavar="NAME", help="Ask for this terminal of the scenario, which needs a grant."),
    ] = None,
    plot: Annotated[Path | None, typer.Option("--plot", metavar="FILE.png", help="Write a picture of the sky.")] = None,
    scenario: ScenarioOption = "world",
    elements: ElementsOption = None,
    ground: GroundOption = None,
    skip_bad: SkipBadOption = False,
    as_json: JsonOption = False,
) -> None:
    """List the satellites above a place in a slot, and why each could or could not serve it."""
    no_unknown_options(latitude, longitude)
    north, east = _degrees(latitude, "LAT", 90.0), _degrees(longitude, "LON", 360.0)
    if plot is not None and plot.suffix != ".png":
        raise typer.BadParameter(f"expected a name that ends in .png, got {plot}", param_hint="'--plot'")
    from skyhaul.cli._setup import system_at

    system, when = system_at(scenario, time, elements, ground, skip_bad)
    seen = system.explain(north, east, when, terminal=terminal)
    source = f"{system.world.elements_name} · strategy {system.world.rules.strategy}"
    if plot is not None:
        _draw(seen, plot, source, system.world.scenario.scheduler.terminal_mask_deg)
    if as_json:
        _print_document(seen)
        return
    _print_sky(seen, everything=everything)
    if plot is not None:
        print(f"wrote {plot}")


def _degrees(text: str, name: str, most: float) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not -most <= value <= most:
        raise typer.BadParameter(f"expected {-most:g} to {most:g} degrees, got {text}", param_hint=f"'{name}'")
    return value


def _print_sky(seen: Explanation, *, everything: bool) -> None:
    from skyhaul.network import Reason

    rows = []
    for i in range(len(seen)):
        reason = Reason(int(seen.reason[i]))
        if reason == Reason.ELEVATION and not everything:
            continue
        rows.append(
            [
                "serves" if reason == Reason.SERVED else reason.words,
                seen.name[i],
                str(seen.catalog_number[i]),
                f"{seen.elevation_deg[i]:.1f}",
                f"{seen.azimuth_deg[i]:.1f}",
                f"{seen.slant_range_m[i] / 1e3:.0f}",
                f"{seen.gso_separation_deg[i]:.1f}",
            ]
        )
    print_table(
        [
            ("", "left"),
            ("satellite", "left"),
            ("number", "right"),
            ("elevation °", "right"),
            ("azimuth °", "right"),
            ("range km", "right"),
            ("from GSO arc °", "right"),
        ],
        rows,
        f"sky above {place(seen.latitude_deg, seen.longitude_deg)}, slot of {utc(seen.slot_start)}",
    )
    below = int((seen.reason == Reason.ELEVATION).sum())
    if below and not everything:
        print(f"{below} more above the horizon are below the elevation mask (--all lists them)")
    if seen.chosen is None:
        print(f"not served: {seen.refusal or seen.outcome.words}")
    else:
        lasers = f" over {seen.laser_hops} laser links" if seen.laser_hops else ""
        print(f"served by {seen.name[seen.chosen]}{lasers}, gateway {seen.gateway}, point of presence {seen.pop}")


def _print_document(seen: Explanation) -> None:
    from skyhaul.network import Reason

    print_json(
        {
            "latitude_deg": seen.latitude_deg,
            "longitude_deg": seen.longitude_deg,
            "slot_start": iso(seen.slot_start),
            "outcome": seen.outcome.name.lower(),
            "code": seen.code.value,
            "rule": seen.rule or None,
            "gateway": seen.gateway or None,
            "pop": seen.pop or None,
            "laser_hops": seen.laser_hops if seen.chosen is not None else None,
            "satellites": [
                {
                    "name": seen.name[i],
                    "catalog_number": seen.catalog_number[i],
                    "elevation_deg": seen.elevation_deg[i],
                    "azimuth_deg": seen.azimuth_deg[i],
                    "slant_range_m": seen.slant_range_m[i],
                    "gso_separation_deg": seen.gso_separation_deg[i],
                    "reason": Reason(int(seen.reason[i])).name.lower(),
                }
                for i in range(len(seen))
            ],
        }
    )


def _draw(seen: Explanation, path: Path, source: str, mask_deg: float) -> None:
    from skyhaul.earth import Sites
    from skyhaul.study import plot_sky, save

    figure = plot_sky(
        Sites.at([seen.latitude_deg], [seen.longitude_deg]),
        seen.azimuth_deg,
        seen.elevation_deg,
        seen.reason,
        seen.name,
        f"Sky above {place(seen.latitude_deg, seen.longitude_deg)}",
        f"slot of {utc(seen.slot_start)} · {source}",
        mask_deg,
    )
    save(figure, path)
