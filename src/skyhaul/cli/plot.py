"""`skyhaul plot`: pictures of a dataset."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from skyhaul.cli._options import JsonOption
from skyhaul.cli._output import print_json, progress


class Kind(StrEnum):
    """The pictures; `study.PICTURES` draws each."""

    RTT = "rtt"
    CDF = "cdf"
    HANDOVERS = "handovers"
    THROUGHPUT = "throughput"
    MAP = "map"
    SKY = "sky"
    SERVICE = "service"


def plot(
    dataset: Annotated[Path, typer.Argument(metavar="OUT", help="A dataset that skyhaul simulate wrote.")],
    folder: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="DIR",
            help="Folder for the pictures. Without it: OUT without its suffix.",
            show_default=False,
        ),
    ] = None,
    kind: Annotated[
        list[Kind] | None, typer.Option("--kind", help="Which picture; repeat for more. Without it: all.")
    ] = None,
    terminal: Annotated[
        list[str] | None, typer.Option("--terminal", metavar="NAME", help="Which terminal; repeat for more.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Draw a dataset: round-trip times, handovers, rates, the map of coverage and paths, the sky, who may be served."""
    from skyhaul.study import PICTURES, draw, open_dataset

    kinds = [str(one) for one in kind or ()]
    with open_dataset(dataset) as opened:
        opened.load()
        written = []
        pictures = draw(opened, folder or dataset.with_suffix(""), kinds, terminal or ())
        for path in progress(pictures, len(kinds or PICTURES), "drawing"):
            written.append(str(path))
            if not as_json:
                print(path, flush=True)
    if as_json:
        print_json({"dataset": str(dataset), "pictures": written})
