"""The pictures of a run's report: each direction over time, and how near the link came to what was asked of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from skyhaul.emulation._settings import Cause
from skyhaul.types import Floats

if TYPE_CHECKING:
    from skyhaul.emulation._report import Configured

# Okabe and Ito (2008), told apart with every common kind of colour vision.
_BLUE, _ORANGE, _GREEN, _VERMILION, _PURPLE, _BLACK = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#000000"
_CAUSES = {
    Cause.QUEUE: (_ORANGE, "-"),
    Cause.CODEL: (_PURPLE, "--"),
    Cause.LOSS: (_VERMILION, "-."),
    Cause.OUTAGE: (_BLACK, ":"),
    Cause.MEMORY: (_GREEN, "-"),
}
_POINTS = 20_000  # of a picture: more are only ink
_BIN_S = 0.1
_BAND_S = 1.0
_MANY_PER_BIN = 5
_MOST_CARRIERS = 24
_MOST_NAMES = 10
_STYLE: Any = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "axes.titlelocation": "left",
    "grid.color": "#E4E4E4",
    "font.size": 9.0,
    "legend.frameon": False,
    "legend.fontsize": 8.0,
}


def draw_direction(path: Path, direction: str, packets: Any, configured: Configured | None) -> None:
    """Delay, rate and drops over the run, given against configured."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(10, 9), layout="constrained")
        delay, rate, drops = figure.subplots(3, 1, sharex=True)
        delivered = packets[packets["cause"] == "delivered"]
        _draw_delay(delay, direction, delivered, configured)
        _draw_rate(rate, packets, delivered, configured)
        _draw_drops(drops, packets)
        figure.savefig(path, dpi=110)


def _draw_delay(axes: Any, direction: str, delivered: Any, configured: Configured | None) -> None:
    some = delivered.iloc[:: max(1, len(delivered) // _POINTS)]
    taken = (some["written_s"] - some["arrival_s"]) * 1e3
    axes.plot(some["arrival_s"], taken, ".", ms=2.5, color=_BLUE, label="given, queue included")
    if configured is None:
        asked = (some["release_s"] - some["arrival_s"]) * 1e3
        axes.plot(some["arrival_s"], asked, ".", ms=1, color=_ORANGE, label="asked of the link")
    elif configured.time_s.size:
        middle, low, high = _bands(configured)
        axes.fill_between(
            middle, low, high, color=_ORANGE, alpha=0.35, lw=0, label="configured, without queue: 5 to 95 % of a second"
        )
        _mark_carriers(axes, configured)
    shown = float(np.quantile(taken, 0.999)) if len(some) else 1.0
    axes.set(
        ylabel="one-way delay, ms",
        ylim=(0, 1.25 * max(shown, 1e-3)),
    )
    axes.set_title(f"{direction}: what each packet was to take, and took", pad=16)
    axes.legend(loc="upper right", markerscale=3)


def _bands(configured: Configured) -> tuple[Floats, Floats, Floats]:
    """The middle of each second, and the 5th and 95th percentile of the delays configured in it."""
    second = np.floor(configured.time_s / _BAND_S)
    middle, low, high = [], [], []
    for value in np.unique(second):
        delays = configured.delay_ms[(second == value) & ~configured.outage]
        known = delays.size > 0
        middle.append((value + 0.5) * _BAND_S)
        low.append(float(np.quantile(delays, 0.05)) if known else np.nan)
        high.append(float(np.quantile(delays, 0.95)) if known else np.nan)
    return np.array(middle), np.array(low), np.array(high)


def _mark_carriers(axes: Any, configured: Configured) -> None:
    if len(configured.carriers) > _MOST_CARRIERS:
        return
    named = len(configured.carriers) <= _MOST_NAMES
    for time_s, words in configured.carriers:
        axes.axvline(time_s, color="#888888", lw=0.7, ls=(0, (2, 2)))
        if named:
            axes.annotate(
                words, (time_s, 1.0), xycoords=("data", "axes fraction"), xytext=(0, 3), textcoords="offset points",
                fontsize=7, color="#444444", annotation_clip=True,
            )  # fmt: skip


def _draw_rate(axes: Any, packets: Any, delivered: Any, configured: Configured | None) -> None:
    edges = _edges(packets)
    came = _per_bin(packets["arrival_s"], packets["wire_bytes"], edges) * 8e-6
    left = _per_bin(delivered["written_s"], delivered["wire_bytes"], edges) * 8e-6
    if configured is not None and np.isfinite(configured.rate_bps).any():
        most = np.where(configured.outage, 0.0, configured.rate_bps) * 1e-6
        axes.step(configured.time_s, most, where="post", color=_ORANGE, lw=2, label="configured")
    axes.step(edges[:-1], came, where="post", color=_BLACK, lw=0.8, ls="--", label="came")
    axes.step(edges[:-1], left, where="post", color=_BLUE, lw=1.0, label="left")
    # A rate that is hardly used would press what was used to the axis.
    highest = float(max(came.max(initial=0.0), left.max(initial=0.0)))
    axes.set(ylabel="Mbit/s", ylim=(0, None))
    if configured is not None and np.isfinite(configured.rate_bps).any():
        limit = float(np.nanmax(np.where(np.isfinite(configured.rate_bps), configured.rate_bps, np.nan))) * 1e-6
        if highest < 0.02 * limit:
            axes.set_yscale("symlog", linthresh=max(1e-3, highest / 10.0))
    axes.legend(loc="upper right")


def _draw_drops(axes: Any, packets: Any) -> None:
    edges = _edges(packets)
    for cause, (colour, dashes) in _CAUSES.items():
        gone = packets[packets["cause"] == cause.name.lower()]
        count = gone["packets"] if cause is not Cause.LOSS else packets["lost"]
        times = gone["departure_s"] if cause is not Cause.LOSS else packets["departure_s"]
        if count.sum():
            dropped = _per_bin(times, count, edges)
            label = f"{cause.name.lower()}: {int(count.sum())}"
            axes.step(edges[:-1], dropped, where="post", color=colour, ls=dashes, label=label)
    axes.set(xlabel="time from the start, s", ylabel="packets dropped per s", ylim=(0, None))
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="upper right")
    else:
        axes.text(0.5, 0.5, "nothing was dropped", transform=axes.transAxes, ha="center", color="#666666")


def draw_fidelity(path: Path, report: dict[str, Any], samples: dict[str, dict[str, Floats]]) -> None:
    """Each direction's delay error as a histogram, and the distribution of its delays against the configured one."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(10, 7), layout="constrained")
        for row, (direction, sample) in zip(figure.subplots(2, 2), samples.items(), strict=True):
            _draw_errors(row[0], direction, sample["error_us"])
            _draw_distributions(row[1], direction, sample, report[direction].get("kolmogorov_smirnov"))
        figure.savefig(path, dpi=110)


def _draw_errors(axes: Any, direction: str, error_us: Floats) -> None:
    axes.set(xlabel="written after its time, µs", ylabel="packets", title=f"{direction}: error of the delay")
    if not error_us.size:
        axes.text(0.5, 0.5, "no packets", transform=axes.transAxes, ha="center", color="#666666")
        return
    edges = np.geomspace(0.1, max(10.0, float(error_us.max()) * 1.1), 60)
    axes.hist(np.maximum(error_us, edges[0]), edges, color=_BLUE)
    axes.set(xscale="log", yscale="log")
    for share, dashes in ((0.5, "--"), (0.99, ":")):
        value = float(np.quantile(error_us, share))
        axes.axvline(max(value, edges[0]), color=_VERMILION, ls=dashes, label=f"p{100 * share:g}: {value:.1f} µs")
    axes.legend(loc="upper right")


def _draw_distributions(axes: Any, direction: str, sample: dict[str, Floats], found: dict[str, Any] | None) -> None:
    title = f"{direction}: delay without queue"
    if found:
        title += f", KS distance {found['statistic']:.3f} (p = {found['p_value']:.2f})"
    axes.set(xlabel="one-way delay, ms", ylabel="share at or below", title=title, ylim=(0, 1.02))
    largest = 0.0
    for name, colour, dashes, width in (("configured", _ORANGE, "-", 3.0), ("measured", _BLUE, "--", 1.5)):
        values = np.sort(sample[f"{name}_ms"])
        if values.size:
            share = np.arange(1, values.size + 1) / values.size
            axes.step(values, share, where="post", color=colour, ls=dashes, lw=width, label=f"{name} ({values.size})")
            largest = max(largest, float(np.quantile(values, 0.995)))
    if largest:
        axes.set_xlim(0, 1.05 * largest)
        axes.legend(loc="lower right")
    else:
        axes.text(0.5, 0.5, "the link's states were not kept", transform=axes.transAxes, ha="center", color="#666666")


def _edges(packets: Any) -> Floats:
    """Edges of bins of a tenth of a second, or of a second where there are few packets in a tenth."""
    end = float(packets["arrival_s"].max()) if len(packets) else 1.0
    bin_s = _BIN_S if len(packets) > _MANY_PER_BIN * end / _BIN_S else _BAND_S
    return np.arange(0.0, end + 2 * bin_s, bin_s)


def _per_bin(times: Any, amounts: Any, edges: Floats) -> Floats:
    """Amounts a second in each bin."""
    counts, _ = np.histogram(np.asarray(times), edges, weights=np.asarray(amounts, np.float64))
    return np.asarray(counts / (edges[1] - edges[0]))
