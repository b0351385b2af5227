"""The picture of areas as recorded: who claims, who controls, whose licence counts, and zones, each for itself."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import h3.api.basic_int as h3
import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from skyhaul.control._instants import instant_text, nanoseconds, utc
from skyhaul.control.decision import Compiled, compile_facts
from skyhaul.control.facts import Area, Facts, Layer
from skyhaul.study._canvas import BLUE, GREEN, INK, ORANGE, PURPLE, QUIET, canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PLAIN = "Polygons as their sources drew them. No map decides anything here."
_MOST_PANELS = 6
_WORDS = {
    Layer.CLAIM: "who claims",
    Layer.CONTROL: "who is in control",
    Layer.LICENCE: "whose licence counts",
    Layer.OCEAN: "open sea",
    Layer.ZONE: "zones",
}
# A line for each layer and a hatching for each holder, all of one weight: no flag's colours, no side that stands out.
_LINES: dict[Layer, tuple[str, Any, float]] = {
    Layer.CLAIM: (PURPLE, (0, (5, 2)), 1.4),
    Layer.CONTROL: (QUIET, "-", 1.0),
    Layer.LICENCE: (BLUE, (0, (1, 1.3)), 1.8),
    Layer.OCEAN: (BLUE, "-", 0.8),
    Layer.ZONE: (GREEN, (0, (7, 2, 1, 2)), 1.3),
}
_HATCHES = ("//", "\\\\", "||", "--", "xx", "++")
_SMALLEST_LABELLED = 0.002  # of the window: a name would cover more than the area itself
_CELL_DEG = 0.1  # about the radius of a cell: what is seen at an area's edge is seen whole


class Panel(NamedTuple):
    """One panel of the picture: an instant and the layers it shows."""

    time: np.datetime64
    layers: tuple[Layer, ...]


def panels_of(
    facts: Facts, frame: BaseGeometry, begin: np.datetime64, end: np.datetime64, known_at: np.datetime64
) -> tuple[Panel, ...]:
    """The panels that tell a time [begin, end): who claims, whose licence counts, and who is in control at its start
    and after each of up to three changes in the frame."""
    window = _window(frame)
    first, last = nanoseconds(utc(begin)), nanoseconds(utc(end))
    changes = {
        patch.begin
        for patch in compile_facts(facts, known_at).world.patches
        if isinstance(patch.fact, Area)
        and patch.fact.layer is Layer.CONTROL
        and first < patch.begin < last
        and patch.shape.intersects(window)
    }
    times = [first, *sorted(changes)[: _MOST_PANELS - 3]]
    return (
        Panel(utc(begin), (Layer.CLAIM,)),
        Panel(utc(begin), (Layer.LICENCE,)),
        *(Panel(np.datetime64(time, "ns"), (Layer.CONTROL, Layer.ZONE)) for time in times),
    )


def plot_areas(
    facts: Facts,
    panels: Sequence[Panel],
    frame: BaseGeometry,
    *,
    known_at: np.datetime64,
    units: Mapping[str, Sequence[str]] | None = None,
    note: str = _PLAIN,
) -> Figure:
    """Areas that meet a frame, in a panel for each of up to six instants and sets of layers.

    frame   what to show: its bounds and a margin
    units   names of units by the H3 cell (in hex) in which they were seen: cells are drawn, and nothing finer
    note    what the headline says below the title
    """
    window = _window(frame)
    west, south, east, north = window.bounds
    squeeze = float(np.cos(np.radians((south + north) / 2.0)))
    columns = min(2, len(panels))
    rows = -(-len(panels) // columns)
    width = 11.0
    rise = (width / columns - 0.5) * (north - south) / ((east - west) * squeeze)
    compiled = compile_facts(facts, known_at)
    shown = [_areas(compiled, panel, window) for panel in panels]
    holders = sorted({area.holder for areas in shown for area in areas if area.holder})
    hatches = {holder: _HATCHES[k % len(_HATCHES)] for k, holder in enumerate(holders)}
    with canvas(width, rows * (rise + 0.45) + 1.45, "Areas as recorded", note) as figure:
        grid: Any = figure.subplots(rows, columns, squeeze=False)
        for axes, panel, areas in zip(grid.ravel(), panels, shown, strict=False):
            for area in areas:
                _draw(axes, area, hatches)
            if Layer.CONTROL in panel.layers:
                for cell, names in (units or {}).items():
                    _cell(axes, cell, len(names), window)
            _label(axes, areas, window)
            _frame(axes, panel, window, squeeze)
        for axes in grid.ravel()[len(panels) :]:
            axes.set_axis_off()
        handles = _handles(hatches, any(Layer.CONTROL in panel.layers for panel in panels), bool(units))
        figure.legend(handles=handles, loc="outside lower center", ncols=3, fontsize=7.8)
        figure.text(0.99, 0.005, f"as known {instant_text(known_at)}", fontsize=7, color=QUIET, ha="right")
    return figure


def _window(frame: BaseGeometry) -> BaseGeometry:
    west, south, east, north = frame.bounds
    pad = 0.06 * max(east - west, north - south) + _CELL_DEG
    return shapely.box(west - pad, south - pad, east + pad, north + pad)


def _areas(compiled: Compiled, panel: Panel, window: BaseGeometry) -> list[Area]:
    time = nanoseconds(utc(panel.time))
    found = [
        patch.fact
        for patch in compiled.world.patches
        if isinstance(patch.fact, Area)
        and patch.fact.layer in panel.layers
        and patch.begin <= time < patch.end
        and patch.shape.intersects(window)
    ]
    return sorted(found, key=lambda area: (panel.layers.index(area.layer), area.holder, area.name, area.id))


def _frame(axes: Axes, panel: Panel, window: BaseGeometry, squeeze: float) -> None:
    west, south, east, north = window.bounds
    axes.set_title(
        f"{instant_text(utc(panel.time))}: {', '.join(_WORDS[layer] for layer in panel.layers)}", fontsize=8.5
    )
    axes.set_xlim(west, east)
    axes.set_ylim(south, north)
    axes.set_aspect(1.0 / squeeze)
    axes.grid(visible=False)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}°")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}°")
    axes.tick_params(labelsize=7.5)


def _draw(axes: Axes, area: Area, hatches: Mapping[str, str]) -> None:
    colour, dashes, line = _LINES[area.layer]
    for part in shapely.get_parts(area.shape):
        rings = [shapely.get_coordinates(ring) for ring in (part.exterior, *part.interiors)]
        if area.holder:
            axes.add_patch(_hatched(rings, hatches[area.holder]))
        for ring in rings:
            axes.plot(ring[:, 0], ring[:, 1], color=colour, linestyle=dashes, linewidth=line, zorder=3)


def _hatched(rings: Sequence[Any], hatch: str) -> Any:
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    codes = []
    for ring in rings:
        own = np.full(len(ring), Path.LINETO, dtype=np.uint8)
        own[0], own[-1] = Path.MOVETO, Path.CLOSEPOLY
        codes.append(own)
    path = Path(np.concatenate(rings), np.concatenate(codes).tolist())
    return PathPatch(path, facecolor="none", edgecolor="#C4C4C4", hatch=hatch, linewidth=0.0, zorder=1)


def _label(axes: Axes, areas: Sequence[Area], window: BaseGeometry) -> None:
    """The holder and the name of each area, where no other of its layer lies if there is such a place; the name of a
    zone on its upper edge, if that is wide enough."""
    west, south, east, north = window.bounds
    room = shapely.box(*(0.88 * np.array([west, south, east, north]) + 0.12 * np.tile(window.centroid.coords[0], 2)))
    taken: list[tuple[float, float]] = []
    for area in areas:
        if area.layer is Layer.ZONE:
            left, _, right, top = area.shape.bounds
            wide = right - left > 0.1 * (east - west)
            if wide and window.contains(shapely.Point((left + right) / 2.0, top)):
                _text(axes, (left + right) / 2.0, top, area.name)
            continue
        others = [other.shape for other in areas if other is not area and other.layer is area.layer]
        seen = area.shape.intersection(room)
        free = seen.difference(shapely.union_all(others)) if others else seen
        own = free if free.area > 0.2 * seen.area else seen
        if own.area < _SMALLEST_LABELLED * window.area:
            continue
        widest = max(shapely.get_parts(own), key=lambda part: part.area)
        x, y = shapely.maximum_inscribed_circle(widest, tolerance=0.01 * float(np.sqrt(widest.area))).coords[0]
        while any(abs(x - u) < 0.2 * (east - west) and abs(y - v) < 0.09 * (north - south) for u, v in taken):
            y -= 0.1 * (north - south)
        taken.append((x, y))
        _text(axes, x, y, "\n".join(textwrap.wrap(": ".join(filter(None, (area.holder, area.name))), 20)))


def _text(axes: Axes, x: float, y: float, words: str) -> None:
    box = {"facecolor": "white", "alpha": 0.85, "edgecolor": "none", "pad": 1.0}
    axes.text(x, y, words, ha="center", va="center", fontsize=7, color=INK, zorder=7, bbox=box, clip_on=True)


def _cell(axes: Axes, cell: str, count: int, window: BaseGeometry) -> None:
    corners = np.array(h3.cell_to_boundary(int(cell, 16)))
    ring = np.vstack([corners, corners[:1]])
    axes.fill(ring[:, 1], ring[:, 0], facecolor=ORANGE, alpha=0.18, zorder=4)
    axes.plot(ring[:, 1], ring[:, 0], color=ORANGE, linewidth=1.2, zorder=5)
    latitude, longitude = h3.cell_to_latlng(int(cell, 16))
    if shapely.Polygon(ring[:, ::-1]).area > 10 * _SMALLEST_LABELLED * window.area:
        _text(axes, longitude, latitude, f"{count} unit{'s' if count > 1 else ''}")


def _handles(hatches: Mapping[str, str], control: bool, cells: bool) -> list[Any]:
    from matplotlib.patches import Patch

    handles: list[Any] = [
        Patch(facecolor="none", edgecolor="#8A8A8A", hatch=hatch * 2, linewidth=0.6, label=holder)
        for holder, hatch in hatches.items()
    ]
    if control:
        handles.append(Patch(facecolor="none", edgecolor="#8A8A8A", linewidth=0.6, label="nobody recorded in control"))
    if cells:
        handles.append(Patch(facecolor=ORANGE, alpha=0.35, label="H3 cell in which units were seen"))
    return handles
