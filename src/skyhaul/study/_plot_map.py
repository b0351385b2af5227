"""The map: how many satellites are above each place, and the paths of one instant."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from skyhaul.earth import land_outlines
from skyhaul.study._canvas import BLACK, BLUE, GREEN, INK, PURPLE, VERMILION, NothingToShow, about, canvas, rows_of
from skyhaul.study._variables import AnyArray
from skyhaul.types import Floats

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MASK_DEG = 25.0  # lowest elevation of a serving satellite, FCC
_EARTH_M = 6_371_008.8  # mean radius, IUGG
_MOST_NAMES = 40
# Where a name may stand beside its place: points across and up, and the side of the text that is nearest.
_SIDES: tuple[tuple[float, float, Literal["left", "center", "right"]], ...] = (
    (7, 4, "left"),
    (-7, 4, "right"),
    (7, -6, "left"),
    (-7, -6, "right"),
    (0, 11, "center"),
    (0, -11, "center"),
    (9, 13, "left"),
    (-9, 13, "right"),
)
_LEVELS = (0, 1, 2, 5, 10, 20, 40, 80, 1000)
_SHADES = ("#FFFFFF", "#E3EEF7", "#CFE1F2", "#B5D1E8", "#95BFDD", "#72A9CF", "#5292C0", "#377CB0")


def plot_map(dataset: xr.Dataset, terminals: Sequence[str] = ()) -> Figure:
    """Satellites above 25° over the world (or the region of the terminals), gateways, PoPs, and every path at the
    instant of the dataset's snapshot, laser links included.
    """
    if "satellite_latitude" not in dataset:
        raise NothingToShow("the dataset has no snapshot of the sky")
    rows = rows_of(dataset, terminals, dataset.sizes["terminal"])
    west, east, south, north = extent = _extent(dataset, rows)
    squeeze = 1.0 if east - west >= 180.0 else float(np.cos(np.radians((south + north) / 2.0)))
    shape = (east - west) * squeeze / (north - south)
    rise = min(7.2, 9.4 / shape)
    width, height = max(8.0, rise * shape + 1.6), rise + 1.75
    when = str(np.datetime_as_string(dataset["snapshot_time"].values, "s")).replace("T", " ")
    facts = about(dataset)
    with canvas(width, height, "Coverage and paths", f"paths and satellites at {when} UTC · {facts}") as figure:
        axes: Any = figure.subplots()
        _coverage(figure, axes, dataset, extent)
        _land(axes)
        places = {
            "gateway": ("^", 18, GREEN, "gateway"),
            "pop": ("s", 26, PURPLE, "point of presence"),
        }
        for kind, (marker, size, colour, label) in places.items():
            axes.scatter(
                dataset[f"{kind}_longitude"].values,
                dataset[f"{kind}_latitude"].values,
                marker=marker,
                s=size,
                color=colour,
                edgecolor="white",
                linewidth=0.5,
                label=label,
                zorder=4,
            )
        axes.set_xlim(west, east)
        axes.set_ylim(south, north)
        axes.set_aspect(1.0 / squeeze)
        lasers = _paths(axes, dataset, rows)
        _terminals(axes, dataset, rows)
        _legend(figure, lasers)
        axes.xaxis.set_major_formatter(lambda value, _: _degrees(value, "E", "W"))
        axes.yaxis.set_major_formatter(lambda value, _: _degrees(value, "N", "S"))
        axes.grid(visible=True, axis="both", color="white", alpha=0.6)
        if east - west >= 180:
            axes.set_xticks(range(-180, 181, 60))
            axes.set_yticks(range(-90 if south < -85 else -60, 91 if north > 85 else 61, 30))
    return figure


def _degrees(value: float, positive: str, negative: str) -> str:
    side = positive if value > 0 else negative if value < 0 else ""
    return f"{abs(value):g}°{side}"


def _extent(dataset: xr.Dataset, rows: Sequence[int]) -> tuple[float, float, float, float]:
    """West, east, south and north of the terminals and their paths; the whole world when they span much of it."""
    latitude, longitude = [], []
    for line in _stations(dataset, rows):
        latitude += [y for _, x, y in line]
        longitude += [x for _, x, y in line]
    latitude += [float(dataset["latitude"].values[k]) for k in rows]
    longitude += [float(dataset["longitude"].values[k]) for k in rows]
    west, east, south, north = min(longitude), max(longitude), min(latitude), max(latitude)
    if east - west > 150.0 or max(abs(west), abs(east)) > 165.0:
        return -180.0, 180.0, max(-90.0, min(-60.0, south - 4.0)), min(90.0, max(80.0, north + 4.0))
    pad = max(3.0, 0.06 * (east - west))
    middle, half = (west + east) / 2.0, max((east - west) / 2.0 + pad, 12.0)
    centre, rise = (south + north) / 2.0, max((north - south) / 2.0 + 0.7 * pad, 8.0)
    return max(-180.0, middle - half), min(180.0, middle + half), max(-89.0, centre - rise), min(89.0, centre + rise)


def satellites_above(
    latitude_deg: Floats, longitude_deg: Floats, dataset: xr.Dataset, mask_deg: float = _MASK_DEG
) -> AnyArray:
    """Satellites above a mask at each point of a grid (latitude × longitude), at the snapshot, on a round Earth."""
    height = dataset["satellite_height"].values.astype(np.float64)
    good = np.isfinite(height)
    mask = np.radians(mask_deg)
    reach = np.cos(np.arccos(_EARTH_M * np.cos(mask) / (_EARTH_M + height[good])) - mask)
    below = _unit(dataset["satellite_latitude"].values[good], dataset["satellite_longitude"].values[good])
    counts = np.empty((len(latitude_deg), len(longitude_deg)), dtype=np.int64)
    for row, latitude in enumerate(latitude_deg):
        near = np.abs(dataset["satellite_latitude"].values[good] - latitude) < np.degrees(np.arccos(reach)) + 1e-6
        points = _unit(np.full(len(longitude_deg), latitude), longitude_deg)
        counts[row] = (points @ below[near].T >= reach[near]).sum(axis=1)
    return counts


def _unit(latitude_deg: AnyArray, longitude_deg: AnyArray) -> Floats:
    latitude, longitude = np.radians(latitude_deg), np.radians(longitude_deg)
    flat = np.cos(latitude)
    return np.stack([flat * np.cos(longitude), flat * np.sin(longitude), np.sin(latitude)], axis=-1).astype(np.float64)


def _coverage(figure: Figure, axes: Axes, dataset: xr.Dataset, extent: tuple[float, float, float, float]) -> None:
    from matplotlib.colors import BoundaryNorm, ListedColormap

    west, east, south, north = extent
    step = 0.5 if east - west >= 180 else 0.2
    longitude = np.arange(west, east, step) + step / 2
    latitude = np.arange(south, north, step) + step / 2
    counts = satellites_above(latitude, longitude, dataset)
    levels = [level for level in _LEVELS if level <= max(counts.max(), 1)]
    levels.append(int(counts.max()) + 1)
    colours = ListedColormap(_SHADES[: len(levels) - 1])
    image = axes.imshow(
        counts,
        extent=(west, east, south, north),
        origin="lower",
        cmap=colours,
        norm=BoundaryNorm(levels, len(levels) - 1),
        interpolation="nearest",
        zorder=0,
        aspect="auto",
    )
    bar = figure.colorbar(image, ax=axes, shrink=0.75, pad=0.01, aspect=28)
    labels = [str(low) if high - low == 1 else f"{low} to {high - 1}" for low, high in pairwise(levels)]
    bar.set_ticks([(low + high) / 2 for low, high in pairwise(levels)], labels=labels)
    bar.minorticks_off()
    bar.ax.tick_params(length=0)
    bar.outline.set_visible(False)
    bar.set_label(f"satellites above {_MASK_DEG:g}°")


def _land(axes: Axes) -> None:
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    land = Path.make_compound_path(*(Path(ring, closed=True) for ring in land_outlines()))
    axes.add_patch(PathPatch(land, facecolor=(0.0, 0.0, 0.0, 0.07), edgecolor="none", zorder=1))
    axes.add_patch(PathPatch(land, facecolor="none", edgecolor="#77716A", linewidth=0.6, zorder=1))


def _stations(dataset: xr.Dataset, rows: Sequence[int]) -> list[list[tuple[str, float, float]]]:
    """The served terminals' paths at the snapshot: (kind, longitude, latitude) of each station."""
    slot = int(np.searchsorted(dataset["slot"].values, dataset["snapshot_time"].values, side="right")) - 1
    lines = []
    for k in rows:
        chain = [int(i) for i in dataset["path_satellite"].values[k] if i >= 0]
        gateway = int(dataset["serving_gateway"].values[slot, k])
        if not chain or gateway < 0:
            continue
        pop = int(dataset["serving_pop"].values[slot, k])
        line = [("terminal", *_at(dataset, "", k))]
        line += [("satellite", *_at(dataset, "satellite_", i)) for i in chain]
        line += [("gateway", *_at(dataset, "gateway_", gateway)), ("pop", *_at(dataset, "pop_", pop))]
        lines.append(line)
    return lines


def _at(dataset: xr.Dataset, prefix: str, index: int) -> tuple[float, float]:
    return float(dataset[f"{prefix}longitude"].values[index]), float(dataset[f"{prefix}latitude"].values[index])


_LEGS: dict[tuple[str, str], tuple[str, Any, float]] = {
    ("terminal", "satellite"): (BLUE, "-", 1.3),
    ("satellite", "satellite"): (VERMILION, "-", 1.5),
    ("satellite", "gateway"): (GREEN, "-", 1.3),
    ("gateway", "pop"): (PURPLE, (0, (2.5, 1.5)), 1.1),
}


def _paths(axes: Axes, dataset: xr.Dataset, rows: Sequence[int]) -> bool:
    """Draw the paths; whether any has a laser link."""
    lasers = False
    for line in _stations(dataset, rows):
        for (kind, x, y), (next_kind, next_x, next_y) in pairwise(line):
            colour, dashes, width = _LEGS[kind, next_kind]
            lasers |= next_kind == kind
            longitude, latitude = _great_circle((x, y), (next_x, next_y))
            axes.plot(longitude, latitude, color=colour, linestyle=dashes, linewidth=width, zorder=3)
            if kind == "satellite":
                axes.plot(x, y, marker="o", markersize=3.2, color=BLACK, markeredgecolor="white", zorder=5)
    return lasers


def _great_circle(a: tuple[float, float], b: tuple[float, float]) -> tuple[Floats, Floats]:
    """Points of the great circle between two places, with a gap where it crosses 180°."""
    ends = _unit(np.array([a[1], b[1]]), np.array([a[0], b[0]]))
    angle = float(np.arccos(np.clip(ends[0] @ ends[1], -1.0, 1.0)))
    if angle < 1e-9:
        return np.array([a[0], b[0]]), np.array([a[1], b[1]])
    part = np.linspace(0.0, 1.0, max(2, int(np.degrees(angle)) + 2))[:, None]
    way = (np.sin((1.0 - part) * angle) * ends[0] + np.sin(part * angle) * ends[1]) / np.sin(angle)
    longitude, latitude = np.degrees(np.arctan2(way[:, 1], way[:, 0])), np.degrees(np.arcsin(way[:, 2]))
    jumps = np.flatnonzero(np.abs(np.diff(longitude)) > 180.0) + 1
    return np.insert(longitude, jumps, np.nan), np.insert(latitude, jumps, np.nan)


def _terminals(axes: Axes, dataset: xr.Dataset, rows: Sequence[int]) -> None:
    served = np.isfinite(dataset["rtt"].values).mean(axis=0)
    few = len(rows) <= _MOST_NAMES
    for k in rows:
        x, y = _at(dataset, "", k)
        colour = BLUE if served[k] > 0.0 else "white"
        axes.plot(x, y, marker="o", markersize=7 if few else 4, color=colour, markeredgecolor=INK, zorder=6)
    if few:
        texts = [
            f"{dataset['terminal'].values[k]}{'' if served[k] > 0.9995 else f' {100.0 * served[k]:.3g} %'}"
            for k in rows
        ]
        _names(axes, np.array([_at(dataset, "", k) for k in rows]), texts)


def _names(axes: Axes, places: Floats, texts: Sequence[str]) -> None:
    """Write a name beside each place, on the first of eight sides where it covers no name or place."""
    from matplotlib.patheffects import withStroke

    figure: Any = axes.figure
    figure.canvas.draw()  # fixes where the axes lie
    scale = figure.dpi / 72.0
    dots = axes.transData.transform(places)
    frame = axes.get_window_extent()
    taken = [(x - 4 * scale, y - 4 * scale, x + 4 * scale, y + 4 * scale) for x, y in dots]
    high = 9.0 * scale
    for (x, y), place, text in zip(dots, places, texts, strict=True):
        wide = 5.6 * scale * len(text)
        found = _SIDES[0]
        for across, along, side in _SIDES:
            left = x + across * scale - {"left": 0.0, "center": wide / 2, "right": wide}[side]
            box = (left, y + along * scale - high / 2, left + wide, y + along * scale + high / 2)
            inside = frame.x0 <= box[0] and box[2] <= frame.x1 and frame.y0 <= box[1] and box[3] <= frame.y1
            if inside and not any(_overlap(box, other) for other in taken):
                found = (across, along, side)
                taken.append(box)
                break
        axes.annotate(
            text,
            tuple(place),
            xytext=found[:2],
            textcoords="offset points",
            ha=found[2],
            va="center",
            fontsize=8.5,
            fontweight="bold",
            color=INK,
            zorder=7,
            path_effects=[withStroke(linewidth=2.2, foreground="white")],
        )


def _overlap(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _legend(figure: Figure, lasers: bool) -> None:
    from matplotlib.lines import Line2D

    legs = [("terminal to satellite", "terminal", "satellite"), ("laser", "satellite", "satellite")]
    legs += [("satellite to gateway", "satellite", "gateway"), ("fibre to point of presence", "gateway", "pop")]
    handles = [
        Line2D([], [], marker=marker, markersize=size, color=colour, markeredgecolor=edge, linestyle="", label=label)
        for marker, size, colour, edge, label in (
            ("o", 7, BLUE, INK, "terminal, with % of time served if not all"),
            ("o", 4, BLACK, BLACK, "satellite of a path"),
            ("^", 5, GREEN, GREEN, "gateway"),
            ("s", 5, PURPLE, PURPLE, "point of presence"),
        )
    ]
    handles += [
        Line2D([], [], color=_LEGS[a, b][0], linestyle=_LEGS[a, b][1], label=label)
        for label, a, b in legs
        if lasers or a != b
    ]
    figure.legend(handles=handles, loc="outside lower left", ncols=4, columnspacing=1.6)
