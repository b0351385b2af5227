"""`skyhaul elements`: orbital data from files and from the network."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skyhaul.cli._options import JsonOption, SkipBadOption, parse_when
from skyhaul.cli._output import print_json, print_table

if TYPE_CHECKING:
    from skyhaul.orbits import ElementsReport

app = typer.Typer(help="Orbital elements: what is in a file, and new ones from the network.")

_MOST_MESSAGES = 20
_LOST_KM = 1_000


@app.command()
def inspect(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="OMM or two-line elements, gzipped or not.")],
    time: Annotated[
        datetime | None,
        typer.Option("--time", metavar="TIME", parser=parse_when, show_default=False, help="UTC. Without it: now."),
    ] = None,
    skip_bad: SkipBadOption = False,
    as_json: JsonOption = False,
) -> None:
    """Print what a file of elements holds: shells, epochs, age now or at --time, problems."""
    import numpy as np

    from skyhaul.orbits import inspect_elements
    from skyhaul.sources import read_elements

    when = time or datetime.now(UTC)
    parsed = read_elements(file, skip_bad=skip_bad)
    report = inspect_elements(parsed, np.datetime64(when.replace(tzinfo=None), "ns"))
    if as_json:
        print_json(report.to_json())
    else:
        _print_report(report)


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A group of CelesTrak's, such as starlink or oneweb.")],
    as_json: JsonOption = False,
) -> None:
    """Get a group of elements from CelesTrak, at most once in two hours, and keep it."""
    from skyhaul.sources import fetch_elements

    fetched = fetch_elements(name)
    parsed = fetched.parsed
    if as_json:
        print_json(
            {
                "name": name,
                "path": str(fetched.path),
                "fresh": fetched.fresh,
                "asked": fetched.asked.isoformat(timespec="seconds").replace("+00:00", "Z"),
                "satellites": len(parsed.elements),
                "sha256": parsed.sha256,
                "problems": parsed.counts(),
            }
        )
        return
    how = "fetched" if fetched.fresh else f"kept since {fetched.asked:%Y-%m-%d %H:%M} UTC"
    print(f"{name}: {len(parsed.elements)} satellites, {how}")
    print(fetched.path)


def _error_text(report: ElementsReport) -> str:
    median, p90 = report.expected_error_km
    if median > _LOST_KM:
        return f"over {_LOST_KM} km: at this age the positions are lost"
    return f"{median:.0f} km median, {p90:.0f} km for nine in ten, at the median age"


def _print_report(report: ElementsReport) -> None:
    facts = [
        ("file", f"{report.source} ({report.format}, sha256 {report.sha256[:16]}…)"),
        ("satellites", f"{report.satellites}, of which {report.scattered} in no shell"),
        ("epochs", f"{report.first_epoch} to {report.last_epoch}, median {report.median_epoch}"),
        (
            "age",
            f"median {report.age_median_days:.2f} d, nine in ten within {report.age_p90_days:.2f} d, most"
            f" {report.age_max_days:.2f} d at {report.time}",
        ),
        ("expected error", _error_text(report)),
    ]
    for name, fact in facts:
        print(f"{name:<15} {fact}")
    print_table(
        [
            ("shell", "right"),
            ("satellites", "right"),
            ("inclination °", "right"),
            ("altitude km", "right"),
            ("", "left"),
        ],
        [
            [
                str(number),
                str(shell.satellites),
                f"{shell.inclination_deg:.2f}",
                f"{shell.altitude_km:.1f}",
                f"{shell.lowest_km:.1f} to {shell.highest_km:.1f}",
            ]
            for number, shell in enumerate(report.shells, start=1)
        ],
    )
    counts = ", ".join(f"{count} {kind}" for kind, count in report.problems.items())
    print(f"problems        {counts or 'none'}")
    for message in report.messages[:_MOST_MESSAGES]:
        print(f"  {message}")
    if len(report.messages) > _MOST_MESSAGES:
        print(f"  … and {len(report.messages) - _MOST_MESSAGES} more (--json lists all)")
