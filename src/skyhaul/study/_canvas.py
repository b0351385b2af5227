"""What all pictures share: colours, type, headline, and writing the file."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from skyhaul.errors import NotFoundError, OutputError
from skyhaul.network import Reason, find_name
from skyhaul.study._variables import AnyArray

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito (2008), told apart with every common kind of colour vision; yellow is left out, too light for lines.
BLUE, ORANGE, GREEN, VERMILION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
PURPLE, SKY_BLUE, BLACK = "#CC79A7", "#56B4E9", "#000000"
CYCLE = (BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY_BLUE, BLACK)
DASHES: tuple[Any, ...] = ("-", (0, (4, 1.5)), (0, (1, 1.2)), (0, (6, 1.5, 1, 1.5)))
INK, QUIET, HAIR, WATER, LAND = "#222222", "#666666", "#D0D0D0", "#FFFFFF", "#ECE9E2"

# A shape and a colour for each outcome, so that neither alone has to tell them apart.
MARKS: dict[Reason, tuple[str, str]] = {
    Reason.SERVED: ("*", VERMILION),
    Reason.NOT_CHOSEN: ("o", BLUE),
    Reason.ELEVATION: (".", "#999999"),
    Reason.SATELLITE_OUT: ("X", BLACK),
    Reason.OBSTRUCTED: ("s", PURPLE),
    Reason.GSO_ARC: ("D", ORANGE),
    Reason.NO_GATEWAY: ("^", GREEN),
    Reason.NO_ANTENNA: ("v", GREEN),
    Reason.NO_BEAM: ("P", SKY_BLUE),
    Reason.NO_GRANT: ("h", BLACK),
    Reason.POP_OUT: ("H", BLACK),
    Reason.NO_SATELLITE: ("x", BLACK),
}

_STYLE: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 9.0,
    "axes.edgecolor": QUIET,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": "#E4E4E4",
    "grid.linewidth": 0.7,
    "legend.frameon": False,
    "legend.fontsize": 8.0,
    "text.color": INK,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "savefig.facecolor": "white",
}


@contextmanager
def canvas(width_in: float, height_in: float, title: str, subtitle: str) -> Iterator[Figure]:
    """A figure with a headline above room for axes, in the house style, drawn without a screen."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    lines = textwrap.wrap(subtitle, int(15.5 * width_in))
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(width_in, height_in), layout="constrained")
        head = (0.46 + 0.16 * len(lines)) / height_in
        engine: Any = figure.get_layout_engine()
        engine.set(rect=(0.0, 0.0, 1.0, 1.0 - head), w_pad=0.08, h_pad=0.06)
        edge = 0.12 / width_in
        figure.text(edge, 1.0 - 0.12 / height_in, title, fontsize=13, fontweight="bold", va="top")
        figure.text(edge, 1.0 - 0.38 / height_in, "\n".join(lines), fontsize=8.5, color=QUIET, va="top")
        yield figure


def save(figure: Figure, path: Path) -> Path:
    """Write a picture whole or not at all; the same figure gives the same bytes. Raises OutputError."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    partial = path.with_name(f".{path.name}.partial")
    try:
        FigureCanvasAgg(figure)
        figure.savefig(partial, format="png", dpi=150, metadata={"Software": None})
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise OutputError(f"cannot be written: {error.strerror}", where=str(path), mend="write elsewhere") from error
    return path


def about(dataset: xr.Dataset) -> str:
    """One line on what a dataset shows: scenario, when, which elements, which strategy."""
    facts = dataset.attrs
    parts = [
        str(facts.get("scenario", "")),
        span_text(dataset["time"].values),
        _elements_text(facts),
        f"strategy {facts['strategy']}" if "strategy" in facts else "",
    ]
    return " · ".join(filter(None, parts))


def _elements_text(facts: Any) -> str:
    name = str(facts.get("elements", ""))
    age = float(facts.get("elements_age_median_days", 0.0))
    return name if not name or facts.get("elements_generated") else f"{name}, {age:.1f} days old"


def span_text(time: AnyArray) -> str:
    """`2024-02-17 12:00:12–13:00:12 UTC`."""
    first, last = (np.datetime_as_string(t, "s").replace("T", " ") for t in (time[0], time[-1]))
    return f"{first}–{last[11:] if first[:10] == last[:10] else last} UTC"


def rows_of(dataset: xr.Dataset, names: Sequence[str], limit: int) -> list[int]:
    """The terminals to show: those named, or up to `limit` spread from the lowest to the highest median RTT."""
    known = tuple(str(name) for name in dataset["terminal"].values)
    if names:
        return [find_name(name, known, "terminal") for name in names]
    order = by_median(dataset)
    if len(order) <= limit:
        return order
    return [order[round(i)] for i in np.linspace(0, len(order) - 1, limit)]


def by_median(dataset: xr.Dataset) -> list[int]:
    """Terminals by median RTT, lowest first; those never served last."""
    served = np.isfinite(dataset["rtt"].values)
    median = np.full(served.shape[1], np.inf)
    for k in np.flatnonzero(served.any(axis=0)):
        median[k] = np.median(dataset["rtt"].values[served[:, k], k])
    return [int(k) for k in np.argsort(median, kind="stable")]


def clock_axis(axes: Axes, time: AnyArray) -> None:
    """Hours and minutes (or dates on long runs) along x, UTC."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, DateFormatter

    locator = AutoDateLocator(  # type: ignore[no-untyped-call]
        minticks=3, maxticks=7
    )
    axes.xaxis.set_major_locator(locator)
    seconds = (time[-1] - time[0]) / np.timedelta64(1, "s")
    if seconds <= 600:
        axes.xaxis.set_major_formatter(DateFormatter("%H:%M:%S"))  # type: ignore[no-untyped-call]
    elif seconds <= 86_400:
        axes.xaxis.set_major_formatter(DateFormatter("%H:%M"))  # type: ignore[no-untyped-call]
    else:
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]


class NothingToShow(NotFoundError):
    """A picture would be empty."""
