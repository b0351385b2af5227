"""Pictures of transports over time, with the starts of slots."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks._playout import shown_s
from skyhaul.emulation._report_pictures import _BLUE, _GREEN, _ORANGE, _PURPLE, _STYLE, _VERMILION

if TYPE_CHECKING:
    from benchmarks.transports import Bulk, Seen, Video

_COLOURS = (_BLUE, _VERMILION, _GREEN, _ORANGE, _PURPLE)
_SMOOTH = 5  # bins of 0.1 s


def draw_bulk(path: Path, transfers: Sequence[Bulk], seconds: float) -> None:
    """Goodput and round-trip times; transfers with a loss of their own have a picture below."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(10, 8), layout="constrained")
        rates, lossy, trips = figure.subplots(3, 1, sharex=True)
        seen = transfers[0].seen
        for bulk, colour in zip(transfers, _COLOURS, strict=False):
            axes = lossy if "lost" in bulk.name else rates
            shape = np.ones(_SMOOTH) / _SMOOTH
            axes.plot(
                bulk.bins_s, np.convolve(bulk.bin_rate_bps / 1e6, shape, "same"), lw=1.1, color=colour, label=bulk.name
            )
            if "lost" not in bulk.name:
                trips.plot(bulk.rtt_at_s, bulk.rtt_s * 1e3, lw=1.0, color=colour, label=bulk.name)
        for axes in (rates, lossy):
            at = [time for time, _ in seen.states]
            axes.step(at, [state.rate_down_bps / 1e6 for _, state in seen.states], color="#888888", label="the link")
            axes.set(ylabel="Mbit/s", ylim=(0, None))
        trips.set(ylabel="round trip, ms", xlabel="seconds", ylim=(0, None), xlim=(0, seconds + 1))
        rates.set_title("to the terminal, no loss but that of its queue", pad=16)
        lossy.set_title("the same with 1 % of packets lost")
        trips.set_title("round-trip times, queue included")
        for k, axes in enumerate((rates, lossy, trips)):
            _mark(axes, seen, seconds, named=k == 0)
            axes.legend(loc="lower right" if k < 2 else "upper right", ncols=4)
        figure.savefig(path, dpi=80)


def draw_video(path: Path, videos: Sequence[Video], seconds: float) -> None:
    """When frames came and when they are shown."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(10, 5.5), layout="constrained")
        for k, (axes, video) in enumerate(zip(figure.subplots(2, 1, sharex=True), videos, strict=True)):
            frames, begin = video.judged, video.seen.begin_ns / 1e9
            out = video.paused
            late = video.frames.captured_s[out] - begin
            label = "the machine paused"
            axes.plot(late, video.frames.transit_s[out] * 1e3, ".", ms=2, color="#BBBBBB", label=label)
            at = frames.captured_s - begin
            axes.plot(at, frames.transit_s * 1e3, ".", ms=2, color=_BLUE, label="its last datagram came")
            axes.plot(at, (shown_s(frames) - frames.captured_s) * 1e3, lw=1.2, color=_ORANGE, label="it was shown")
            axes.set(ylabel="ms after capture", ylim=(0, 160), xlim=(0, seconds + 1))
            axes.set_title(video.name, pad=16 if k == 0 else 6)
            _mark(axes, video.seen, seconds, named=k == 0)
            axes.legend(loc="upper right", ncols=3, markerscale=3)
        axes.set(xlabel="seconds")
        figure.savefig(path, dpi=90)


def _mark(axes: Any, seen: Seen, seconds: float, *, named: bool) -> None:
    """Starts of slots, and the satellite of each."""
    for slot in seen.slots_s:
        if not -15.0 < slot < seconds:
            continue
        axes.axvline(slot, color="#888888", lw=0.7, ls=(0, (2, 2)))
        name = next((state.satellite for at, state in seen.states if at >= slot), "")
        if named:
            axes.annotate(
                name, (max(slot, 0.0), 1.0), xycoords=("data", "axes fraction"), xytext=(2, 3),
                textcoords="offset points", fontsize=7, color="#444444", annotation_clip=True,
            )  # fmt: skip
