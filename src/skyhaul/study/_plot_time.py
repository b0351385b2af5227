"""Pictures over time: round-trip time with its slots and handovers, and rates."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from skyhaul.study._canvas import (
    BLUE,
    GREEN,
    HAIR,
    ORANGE,
    QUIET,
    SKY_BLUE,
    VERMILION,
    about,
    canvas,
    clock_axis,
    rows_of,
)
from skyhaul.study._variables import AnyArray

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_BINS = 480
_SLOT = np.timedelta64(15, "s")
_CLOSE_SLOTS = 8
_MOST_MARKS = 60  # in a slot, up to which each instant is told apart


def plot_rtt(dataset: xr.Dataset, terminals: Sequence[str] = ()) -> Figure:
    """Round-trip time of up to four terminals: the whole run, and two minutes of it slot by slot.

    A run of two minutes or less is shown slot by slot only, one with steps longer than a slot as a whole only.
    """
    rows = rows_of(dataset, terminals, 4)
    count, slots = dataset.sizes["terminal"], dataset.sizes["slot"]
    coarse = dataset.sizes["time"] < slots
    parts = ["whole"] if coarse else ["close"] if slots <= _CLOSE_SLOTS else ["whole", "close"]
    ratios = {"whole": 1.7, "close": 1.0}
    subtitle = about(dataset) + (f" · {len(rows)} of {count} terminals" if len(rows) < count else "")
    with canvas(11.0, 0.95 + 2.1 * len(rows), "Round-trip time from terminal to point of presence", subtitle) as figure:
        grid: Any = figure.subplots(
            len(rows),
            len(parts),
            squeeze=False,
            sharex="col",
            sharey="row",
            gridspec_kw={"width_ratios": [ratios[part] for part in parts]},
        )
        width = _bin_width(dataset["time"].values)
        for column, part in enumerate(parts):
            for axes, k in zip(grid[:, column], rows, strict=True):
                _whole_run(axes, dataset, k) if part == "whole" else _close_up(axes, dataset, k)
            if part == "whole":
                clock_axis(grid[-1, column], dataset["time"].values)
            _legend(grid[0, column], part, f"median of {width / np.timedelta64(1, 's'):g} s")
            grid[-1, column].set_xlabel("UTC")
        for axes, k in zip(grid[:, 0], rows, strict=True):
            axes.set_title(str(dataset["terminal"].values[k]))
            axes.set_ylabel("RTT (ms)")
    return figure


def _whole_run(axes: Axes, dataset: xr.Dataset, k: int) -> None:
    time, rtt = dataset["time"].values, dataset["rtt"].values[:, k]
    edges, low, middle, high, lost = _binned(time, rtt)
    # The last value is repeated at the last edge, up to which it holds.
    low, middle, high = (np.append(values, values[-1]) for values in (low, middle, high))
    axes.fill_between(edges, low, high, step="post", color=SKY_BLUE, alpha=0.55, linewidth=0)
    axes.step(edges, middle, where="post", color=BLUE, linewidth=1.1)
    axes.set_xlim(edges[0], edges[-1])
    served = rtt[np.isfinite(rtt)]
    if len(served):
        axes.set_ylim(0.0, 1.18 * float(np.percentile(served, 99.8)))
    else:
        axes.set_ylim(0.0, 1.0)
        axes.set_yticks([])
        axes.text(0.5, 0.5, "never served", transform=axes.transAxes, ha="center", va="center", color=VERMILION)
    for left, right in _runs(lost > 0):
        axes.axvspan(edges[left], edges[right], ymin=0.0, ymax=0.06, color=VERMILION, linewidth=0)


def _binned(time: AnyArray, values: AnyArray) -> tuple[AnyArray, AnyArray, AnyArray, AnyArray, AnyArray]:
    """Bins of whole slots: their edges, 5th, 50th and 95th percentile, and share without a value."""
    width = _bin_width(time)
    index = ((time - time[0]) // width).astype(np.int64)
    edges = time[0] + np.arange(index[-1] + 2) * width
    low, middle, high, lost = (np.full(index[-1] + 1, np.nan) for _ in range(4))
    starts = np.searchsorted(index, np.arange(index[-1] + 2))
    for i, (first, last) in enumerate(pairwise(starts)):
        inside = values[first:last]
        good = inside[np.isfinite(inside)]
        lost[i] = 1.0 - len(good) / max(1, len(inside))
        if len(good):
            low[i], middle[i], high[i] = np.percentile(good, (5, 50, 95))
    return edges, low, middle, high, lost


def _bin_width(time: AnyArray) -> np.timedelta64:
    step = time[1] - time[0] if len(time) > 1 else _SLOT
    width: np.timedelta64 = (
        max(1, *(int(np.ceil(span / _SLOT)) for span in (step, (time[-1] - time[0]) / _BINS))) * _SLOT
    )
    return width


def _close_up(axes: Axes, dataset: xr.Dataset, k: int) -> None:
    slots, satellite = dataset["slot"].values, dataset["serving_satellite"].values[:, k]
    first = _first_close_slot(satellite)
    last = min(first + _CLOSE_SLOTS, len(slots))
    index = dataset["slot_index"].values
    inside = (index >= first) & (index < last)
    time, rtt = dataset["time"].values[inside], dataset["rtt"].values[inside, k]
    for number in range(first, last):
        if number % 2:
            axes.axvspan(slots[number], slots[number] + _SLOT, color="#F3F3F3", linewidth=0)
        axes.axvline(slots[number], color=HAIR, linewidth=0.7)
        own = index[inside] == number
        dense = np.count_nonzero(own) > _MOST_MARKS
        line: dict[str, Any] = (
            {"linestyle": "", "marker": ".", "markersize": 1.2} if dense else {"marker": "o", "markersize": 2.6}
        )
        axes.plot(time[own], rtt[own], color=BLUE, linewidth=0.8, clip_on=False, **line)
        changed = number > 0 and satellite[number] >= 0 and satellite[number] != satellite[number - 1]
        if changed:
            axes.plot(
                slots[number], 0.955, marker="v", color=ORANGE, markersize=6, transform=axes.get_xaxis_transform()
            )
        if satellite[number] < 0:
            axes.axvspan(slots[number], slots[number] + _SLOT, ymax=0.06, color=VERMILION, linewidth=0)
    if np.isfinite(rtt).any():
        axes.set_ylim(0.0, max(axes.get_ylim()[1], 1.12 * float(np.nanmax(rtt))))
    axes.set_xlim(slots[first], slots[last - 1] + _SLOT)
    from matplotlib.dates import DateFormatter, SecondLocator

    axes.xaxis.set_major_locator(SecondLocator(bysecond=(12, 42)))  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_formatter(DateFormatter("%H:%M:%S"))  # type: ignore[no-untyped-call]
    axes.tick_params(axis="x", labelsize=7.5)


def _first_close_slot(satellite: AnyArray) -> int:
    """The start of two minutes with service, where there are such."""
    for first in range(max(1, len(satellite) - _CLOSE_SLOTS)):
        if (satellite[first : first + _CLOSE_SLOTS] >= 0).all():
            return first
    return 0


def _runs(mask: AnyArray) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate(([0], mask.astype(np.int8), [0]))))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _legend(axes: Axes, part: str, median: str) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    lost = Patch(color=VERMILION, label="no path")
    whole = [
        Line2D([], [], color=BLUE, label=median),
        Patch(color=SKY_BLUE, alpha=0.55, label="5th to 95th percentile"),
    ]
    close = [
        Line2D([], [], color=BLUE, marker="o", markersize=3, label="each instant"),
        Line2D([], [], color=ORANGE, marker="v", linestyle="", label="handover"),
        Line2D([], [], color=HAIR, label="slot start"),
    ]
    handles = [*(whole if part == "whole" else close), lost]
    axes.legend(
        handles=handles,
        loc="lower right",
        bbox_to_anchor=(1.0, 0.99),
        ncols=len(handles),
        borderaxespad=0.2,
        columnspacing=1.2,
        handlelength=1.6,
    )


_MOST_RATES = 60  # rows that a page holds


def plot_throughput(dataset: xr.Dataset, terminals: Sequence[str] = ()) -> Figure:
    """Rates of each terminal, down and up: the median slot, and the range of nine slots in ten."""
    order = _by_rate(dataset, rows_of(dataset, terminals, _MOST_RATES))
    count = dataset.sizes["terminal"]
    subtitle = about(dataset) + (f" · {len(order)} of {count} terminals" if len(order) < count else "")
    names = [str(dataset["terminal"].values[k]) for k in order]
    height = 1.55 + 0.24 * len(order)
    with canvas(10.0, max(height, 2.6), "Rate of the radio link, per terminal", subtitle) as figure:
        both: Any = figure.subplots(1, 2, sharey=True)
        for axes, name, colour, title in zip(
            both, ("rate_down", "rate_up"), (BLUE, GREEN), ("from satellite", "to satellite"), strict=True
        ):
            values = dataset[name].values / 1e6
            for row, k in enumerate(order):
                _range_bar(axes, row, values[:, k], colour)
            axes.set_title(title)
            axes.set_xlim(0.0, 1.06 * axes.get_xlim()[1])
            axes.set_xlabel("Mbit/s")
            axes.grid(axis="x")
            axes.grid(visible=False, axis="y")
        both[0].set_yticks(range(len(order)), names)
        both[0].set_ylim(-0.7, len(order) - 0.3)
        both[1].annotate(
            "dot: median; bar: 5th to 95th percentile",
            (1.0, 1.0),
            xycoords="axes fraction",
            xytext=(0, 6),
            textcoords="offset points",
            ha="right",
            fontsize=8,
            color=QUIET,
        )
    return figure


def _by_rate(dataset: xr.Dataset, rows: Sequence[int]) -> list[int]:
    """Terminals by their median rate down, lowest first."""
    down = np.nan_to_num(dataset["rate_down"].values, nan=0.0)
    return sorted(rows, key=lambda k: float(np.median(down[:, k])))


def _range_bar(axes: Axes, row: int, values: AnyArray, colour: str) -> None:
    good = values[np.isfinite(values)]
    if not len(good):
        axes.plot(0.0, row, marker="x", color=VERMILION, clip_on=False)
        return
    low, middle, high = np.percentile(good, (5, 50, 95))
    axes.plot((low, high), (row, row), color=colour, alpha=0.45, linewidth=5, solid_capstyle="butt")
    axes.plot(middle, row, marker="o", color=colour, markersize=5)
