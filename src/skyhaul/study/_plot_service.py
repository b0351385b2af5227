"""The picture of service control: who may be served, who is refused, and by which code, over time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from skyhaul.control.decision import Code
from skyhaul.control.grants import Ruling
from skyhaul.network import find_name
from skyhaul.study._canvas import (
    BLACK,
    BLUE,
    GREEN,
    INK,
    ORANGE,
    PURPLE,
    SKY_BLUE,
    VERMILION,
    NothingToShow,
    about,
    canvas,
    clock_axis,
)
from skyhaul.study._service import ServiceRecord, Span
from skyhaul.study._variables import SLOTS, AnyArray, Block

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SLOT = np.timedelta64(15, "s")
_MOST_ROWS = 40
_GREY, _YELLOW = "#999999", "#F0E442"

# A colour and a hatching for each code, so that neither alone has to tell them apart; its words stand in the bars too.
STYLES: dict[Code, tuple[str, str]] = {
    Code.OKAY: (BLUE, ""),
    Code.UNKNOWN_STATE: (_GREY, ""),
    Code.NO_ACTIVE_ACCOUNT: (_GREY, "///"),
    Code.ACCOUNT_DISABLED: ("#555555", ""),
    Code.DATA_OVERAGE_SANDBOX_POLICY: (_GREY, "..."),
    Code.BLOCKED_COUNTRY: (VERMILION, ""),
    Code.BLOCKED_AREA: (ORANGE, ""),
    Code.CELL_IS_DISABLED: (ORANGE, "///"),
    Code.MOVING_TOO_FAST_FOR_POLICY: (PURPLE, ""),
    Code.UNDER_AVIATION_FLYOVER_LIMITS: (PURPLE, "///"),
    Code.UNKNOWN_LOCATION: (_YELLOW, ""),
    Code.UNSUPPORTED_VERSION: (_YELLOW, "///"),
    Code.TOO_FAR_FROM_SERVICE_ADDRESS: (GREEN, ""),
    Code.ROAM_RESTRICTED: (GREEN, "///"),
    Code.IN_OCEAN: (SKY_BLUE, "///"),
}
_PROBATION = (SKY_BLUE, "")


def plot_service(dataset: xr.Dataset, terminals: Sequence[str] = ()) -> Figure:
    """One line of time for each terminal, coloured by the code it shows; below it where a permitted one had no path.

    Up to forty terminals: those named, or those whose answers change most.
    """
    record = _record(dataset)
    spans = record.spans()
    rows = _rows(record, spans, terminals)
    shown = [span for k in rows for span in spans[k]]
    count = len(record.names)
    subtitle = about(dataset) + (f" · {len(rows)} of {count} terminals" if len(rows) < count else "")
    height = 1.75 + 0.42 * len(rows)
    with canvas(11.0, max(height, 2.6), "Who may be served, and why not", subtitle) as figure:
        axes = figure.subplots()
        first, last, lost = shown[0].start, max(span.end for span in shown), False
        for line, k in enumerate(rows):
            for span in spans[k]:
                _bar(axes, line, span, (last - first) / np.timedelta64(1, "s"))
            lost = _no_path(axes, line, dataset, k) or lost
        axes.set_yticks(range(len(rows)), [record.names[k] for k in rows])
        axes.set_ylim(len(rows) - 0.45, -0.55)
        axes.set_xlim(first, last)  # type: ignore[arg-type]
        axes.grid(axis="x")
        axes.grid(visible=False, axis="y")
        clock_axis(axes, np.array([first, last]))
        axes.set_xlabel("UTC")
        figure.legend(
            handles=_handles(shown, lost), loc="outside lower center", ncols=4, handlelength=1.8, fontsize=8.0
        )
    return figure


def _record(dataset: xr.Dataset) -> ServiceRecord:
    slots = dataset["slot"].values
    if "disablement_code" not in dataset:
        raise NothingToShow("the dataset has no disablement codes", mend="write it again with this version")
    names = [str(name) for name in dataset["terminal"].values]
    start, end = dataset["time"].values[0], slots[-1] + _SLOT
    record = ServiceRecord(names, start, end)
    wanted = ("ruling", "disablement_code", "refusal_rule", "lease_end")
    columns = {v.name: dataset[v.name].values.astype(v.dtype) for v in SLOTS if v.name in wanted}
    for number, slot in enumerate(slots):
        record.add(Block(slot, slots[:0], {}, {name: column[number] for name, column in columns.items()}))
    return record


def _rows(record: ServiceRecord, spans: list[list[Span]], names: Sequence[str]) -> list[int]:
    if names:
        return [find_name(name, record.names, "terminal") for name in names]
    if all(span.permitted for own in spans for span in own):
        raise NothingToShow("every terminal may be served all the time", mend="name a terminal to see it all the same")
    order = sorted(range(len(spans)), key=lambda k: (-len(spans[k]), all(span.permitted for span in spans[k])))
    return sorted(order[:_MOST_ROWS])


def _bar(axes: Axes, line: int, span: Span, whole_s: float) -> None:
    colour, hatch = _style(span)
    width: Any = span.end - span.start
    axes.barh(line, width, left=span.start, height=0.56, color=colour, hatch=hatch, edgecolor="white", linewidth=0.6)
    # As much of its words as it is wide.
    texts = (_label(span), "" if span.permitted else str(span.code.value))
    text = next((text for text in texts if span.seconds / whole_s > 0.0095 * len(text)), "")
    if text:
        middle: Any = span.start + (span.end - span.start) / 2
        dark = colour in (BLUE, VERMILION, "#555555", GREEN, BLACK)
        box = {"facecolor": colour, "edgecolor": "none", "pad": 1.2} if hatch else None
        axes.text(middle, line, text, ha="center", va="center", fontsize=7.2, color="white" if dark else INK, bbox=box)


def _label(span: Span) -> str:
    if span.ruling == Ruling.PROBATION:
        return "on probation"
    return "served" if span.permitted else f"{span.code.value} {span.rule}"


def _style(span: Span) -> tuple[str, str]:
    return _PROBATION if span.ruling == Ruling.PROBATION else STYLES[span.code]


def _no_path(axes: Axes, line: int, dataset: xr.Dataset, k: int) -> bool:
    """A thin line below the bar where a permitted terminal has no path; whether there is any."""
    lost: AnyArray = (dataset["disablement_code"].values[:, k] == Code.OKAY) & (
        dataset["outage_cause"].values[:, k] != 0
    )
    edges = np.flatnonzero(np.diff(np.concatenate(([0], lost.astype(np.int8), [0]))))
    slots = dataset["slot"].values
    for begin, end in zip(edges[::2], edges[1::2], strict=True):
        left = slots[begin]
        axes.barh(line + 0.36, slots[end - 1] + _SLOT - left, left=left, height=0.09, color=INK, linewidth=0)
    return bool(len(edges))


def _handles(spans: list[Span], lost: bool) -> list[Any]:
    from matplotlib.patches import Patch

    codes = sorted({span.code for span in spans}, key=list(STYLES).index)
    handles = [
        Patch(facecolor=STYLES[code][0], hatch=STYLES[code][1], edgecolor="white", label=_code_words(code))
        for code in codes
    ]
    if any(span.ruling == Ruling.PROBATION for span in spans):
        handles.append(Patch(facecolor=SKY_BLUE, edgecolor="white", label="served on probation"))
    if lost:
        handles.append(Patch(facecolor=INK, label="permitted, no path"))
    return handles


def _code_words(code: Code) -> str:
    if code is Code.OKAY:
        return "may be served"
    return f"{code.value} {code.name.replace('_', ' ').lower()}"
