"""Pictures of distributions: round-trip times of each terminal, and handovers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from skyhaul.study._canvas import (
    BLUE,
    CYCLE,
    DASHES,
    GREEN,
    HAIR,
    ORANGE,
    QUIET,
    NothingToShow,
    about,
    by_median,
    canvas,
    rows_of,
)
from skyhaul.study._variables import AnyArray

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

_MOST_LINES = len(CYCLE) * len(DASHES)
_SLOT_S = 15


def plot_cdf(dataset: xr.Dataset, terminals: Sequence[str] = ()) -> Figure:
    """Share of the time at or below each round-trip time; time without a path counts as above."""
    rows = rows_of(dataset, terminals, _MOST_LINES)
    rtt = dataset["rtt"].values
    rows = [k for k in by_median(dataset) if k in rows]
    count = dataset.sizes["terminal"]
    subtitle = about(dataset) + (f" · {len(rows)} of {count} terminals" if len(rows) < count else "")
    height = max(4.6, 1.2 + 0.19 * len(rows))
    with canvas(9.5, height, "Round-trip time: share of the time at or below", subtitle) as figure:
        axes: Any = figure.subplots()
        highest = 0.0
        for position, k in enumerate(rows):
            good = np.sort(rtt[np.isfinite(rtt[:, k]), k])
            name = str(dataset["terminal"].values[k])
            label = f"{np.median(good):5.0f} ms  {name}" if len(good) else f"    – ms  {name}"
            share = 100.0 * np.arange(1, len(good) + 1) / len(rtt)
            thin = np.unique(np.linspace(0, max(0, len(good) - 1), min(len(good), 2000)).astype(np.int64))
            colour, dashes = CYCLE[position % len(CYCLE)], DASHES[position // len(CYCLE) % len(DASHES)]
            axes.plot(good[thin], share[thin], color=colour, linestyle=dashes, linewidth=1.4, label=label)
            highest = max(highest, float(np.percentile(good, 99.5)) if len(good) else 0.0)
        axes.set_xlim(0.0, highest * 1.03 or 1.0)
        axes.set_ylim(0.0, 100.0)
        axes.set_yticks(range(0, 101, 25), [f"{p} %" for p in range(0, 101, 25)])
        axes.set_xlabel("round-trip time (ms)")
        axes.set_ylabel("share of the time")
        axes.grid(visible=True, axis="x")
        legend = axes.legend(
            loc="upper left",
            bbox_to_anchor=(1.01, 1.02),
            title="median while served",
            alignment="left",
            handlelength=2.6,
        )
        for text in legend.get_texts():
            text.set_fontfamily("DejaVu Sans Mono")
    return figure


def plot_handovers(dataset: xr.Dataset, terminals: Sequence[str] = ()) -> Figure:
    """How long a satellite is held, and how far the round-trip time steps from slot to slot."""
    rows = rows_of(dataset, terminals, dataset.sizes["terminal"])
    held = np.concatenate([_held_slots(dataset["serving_satellite"].values[:, k]) for k in rows])
    stays, changes = _steps_ms(dataset, rows)
    if not len(held) or dataset.sizes["slot"] < 2:
        raise NothingToShow("no terminal is served in two slots of this run")
    which = f"{len(rows)} terminals" if len(rows) > 1 else str(dataset["terminal"].values[rows[0]])
    with canvas(10.0, 4.3, "Handovers", f"{about(dataset)} · {which}") as figure:
        left, right = figure.subplots(1, 2)
        longest = int(held.max())
        counts = np.bincount(held, minlength=longest + 1)[1:]
        seconds = _SLOT_S * np.arange(1, longest + 1)
        left.bar(seconds, 100.0 * counts / len(held), width=0.8 * _SLOT_S, color=BLUE)
        left.set_ylim(0.0, 1.22 * left.get_ylim()[1])
        left.set_title("time with one satellite")
        left.set_xlabel("seconds between handovers")
        left.set_ylabel("of stays (%)")
        left.set_xticks(seconds[:: max(1, -(-longest // 10))])
        again = 100.0 * np.sum(held - 1) / max(1, np.sum(held) - len(rows))
        said = f"{len(held)} stays, median {_SLOT_S * np.median(held):.0f} s"
        left.annotate(
            f"{said}\nsame satellite in the next slot: {again:.0f} %",
            (0.98, 0.96),
            xycoords="axes fraction",
            ha="right",
            va="top",
            color=QUIET,
        )
        if len(stays) or len(changes):
            top = float(np.percentile(np.concatenate((stays, changes)), 99.5)) or 1.0
            edges = np.linspace(0.0, top, 41)
            for values, colour, hatch, name in (
                (changes, ORANGE, None, "with a handover"),
                (stays, GREEN, "////", "same satellite"),
            ):
                if len(values):
                    label = f"{name}: {len(values)}, median {np.median(values):.1f} ms"
                    weights = np.full(len(values), 100.0 / (len(stays) + len(changes)))
                    options: dict[str, Any] = {"hatch": hatch, "fill": hatch is None, "edgecolor": colour}
                    right.hist(
                        values, edges, weights=weights, histtype="stepfilled", facecolor=colour, label=label, **options
                    )
            right.legend(loc="upper right")
            right.set_xlim(0.0, top)
        right.set_title("step of the median round-trip time from slot to slot")
        right.set_xlabel("ms, up or down")
        right.set_ylabel("of slot changes (%)")
        for axes in (left, right):
            axes.axhline(0.0, color=HAIR)
    return figure


def _held_slots(satellite: AnyArray) -> AnyArray:
    """Slots that each stay with one satellite lasts; gaps without service end a stay."""
    edges = np.flatnonzero(np.diff(satellite)) + 1
    starts = np.concatenate(([0], edges))
    lengths = np.diff(np.concatenate((starts, [len(satellite)])))
    return np.asarray(lengths[satellite[starts] >= 0])


def _steps_ms(dataset: xr.Dataset, rows: Sequence[int]) -> tuple[AnyArray, AnyArray]:
    """Absolute steps of the slot's median RTT, between slots with the same satellite and with another."""
    index = dataset["slot_index"].values
    starts = np.searchsorted(index, np.arange(dataset.sizes["slot"] + 1))
    stays, changes = [], []
    for k in rows:
        rtt, satellite = dataset["rtt"].values[:, k], dataset["serving_satellite"].values[:, k]
        served = satellite >= 0
        median = np.full(len(satellite), np.nan)
        for slot in np.flatnonzero(served):
            inside = rtt[starts[slot] : starts[slot + 1]]
            median[slot] = np.median(inside) if len(inside) else np.nan
        step = np.abs(np.diff(median))
        same = np.diff(satellite) == 0
        known = np.isfinite(step)
        stays.append(step[known & same])
        changes.append(step[known & ~same])
    return np.concatenate(stays), np.concatenate(changes)
