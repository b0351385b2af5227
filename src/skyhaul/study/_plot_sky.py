"""Pictures of the sky above a place: where its serving satellites were, and why the others did not serve."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from skyhaul.earth import Sites
from skyhaul.network import Reason
from skyhaul.study._canvas import BLUE, INK, MARKS, ORANGE, QUIET, VERMILION, about, canvas, rows_of
from skyhaul.study._variables import AnyArray
from skyhaul.types import Bytes, Floats

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

_MOST_ARCS = 480  # more slots than this are drawn as a density
_GEOSTATIONARY_M = 42_164_170.0  # radius of the orbit with the period of a sidereal day, by Kepler's third law


def plot_sky(
    place: Sites,
    azimuth_deg: Floats,
    elevation_deg: Floats,
    reason: Bytes,
    names: Sequence[str],
    title: str,
    subtitle: str,
    mask_deg: float = 25.0,
) -> Figure:
    """The satellites (S,) above a place at one instant: the chosen one, the others by the reason against them, and the
    geostationary arc.
    """
    from matplotlib.patheffects import withStroke

    with canvas(10.4, 5.9, title, subtitle) as figure:
        axes = _dome(figure.add_subplot(projection="polar"), mask_deg)
        arc_azimuth, arc_elevation = _geostationary_arc(place)
        axes.plot(arc_azimuth, 90.0 - arc_elevation, color=ORANGE, linewidth=1.0, label="geostationary arc")
        for kind in _in_order(reason):
            mine = reason == kind
            marker, colour = MARKS[kind]
            served = kind == Reason.SERVED
            axes.scatter(
                np.radians(azimuth_deg[mine]),
                90.0 - elevation_deg[mine],
                marker=marker,
                s=230 if served else 30,
                color=colour,
                edgecolor="white" if served else None,
                linewidth=0.8 if served else 0.5,
                zorder=5 if served else 3,
                label=f"{'serves' if served else kind.words}: {int(mine.sum())}",
            )
        for row in np.flatnonzero(reason == Reason.SERVED):
            axes.annotate(
                names[int(row)],
                (np.radians(azimuth_deg[row]), 90.0 - elevation_deg[row]),
                xytext=(9, 7),
                textcoords="offset points",
                fontweight="bold",
                color=VERMILION,
                zorder=6,
                path_effects=[withStroke(linewidth=2.2, foreground="white")],
            )
        title = f"{len(reason)} satellites above the horizon"
        handles, labels = axes.get_legend_handles_labels()
        axes.legend(
            handles=[*handles[1:], handles[0]],
            labels=[*labels[1:], labels[0]],
            loc="center left",
            bbox_to_anchor=(1.12, 0.5),
            labelspacing=0.9,
            fontsize=9,
            title=title,
            alignment="left",
        )
    return figure


def _geostationary_arc(place: Sites) -> tuple[Floats, Floats]:
    """Azimuth (rad) and elevation (deg) of the geostationary orbit above a place's horizon; NaN below it."""
    longitude = np.radians(np.arange(0.0, 360.5, 0.5))
    orbit = _GEOSTATIONARY_M * np.stack([np.cos(longitude), np.sin(longitude), np.zeros_like(longitude)], axis=1)
    orbit = np.roll(orbit[:-1], int(720 - 2.0 * ((place.longitude_deg[0] + 180.0) % 360.0)), axis=0)
    way = orbit - place.position_m[0]
    up = way @ place.up[0]
    elevation = np.degrees(np.arcsin(up / np.linalg.norm(way, axis=1)))
    azimuth = np.arctan2(way @ place.east[0], way @ place.north[0])
    return azimuth, np.where(elevation >= 0.0, elevation, np.nan)


def plot_tracks(dataset: xr.Dataset, terminals: Sequence[str] = ()) -> Figure:
    """Where in the sky of up to four terminals the serving satellites were, slot by slot."""
    rows = rows_of(dataset, terminals, 4)
    columns = min(len(rows), 2)
    lines = -(-len(rows) // columns)
    width = 10.0 if columns == 2 else 6.2
    long = dataset.sizes["slot"] > _MOST_ARCS
    how = "darker: more often" if long else "one line: one slot"
    with canvas(width, 1.2 + 4.9 * lines, "Where the serving satellites were", f"{about(dataset)} · {how}") as figure:
        for position, k in enumerate(rows):
            axes = _dome(figure.add_subplot(lines, columns, position + 1, projection="polar"), 25.0)
            azimuth, elevation = dataset["azimuth"].values[:, k], dataset["elevation"].values[:, k]
            if long:
                _density(axes, azimuth, elevation)
            else:
                theta, radius = _with_gaps(dataset["slot_index"].values, azimuth, elevation)
                axes.plot(theta, radius, color=BLUE, linewidth=1.0, alpha=0.75)
            served = elevation[np.isfinite(elevation)]
            said = f"median elevation {np.median(served):.0f}°" if len(served) else "never served"
            axes.set_title(f"{dataset['terminal'].values[k]}: {said}", pad=14)
    return figure


def _with_gaps(slot_index: AnyArray, azimuth: AnyArray, elevation: AnyArray) -> tuple[Floats, Floats]:
    """One line of arcs, broken where a new slot starts."""
    breaks = np.flatnonzero(np.diff(slot_index)) + 1
    return (
        np.insert(np.radians(azimuth.astype(np.float64)), breaks, np.nan),
        np.insert(90.0 - elevation.astype(np.float64), breaks, np.nan),
    )


def _density(axes: Any, azimuth: AnyArray, elevation: AnyArray) -> None:
    """Share of the time in each patch of sky, per area."""
    good = np.isfinite(elevation)
    across, up = np.linspace(0.0, 2.0 * np.pi, 73), np.linspace(0.0, 90.0, 31)
    count, *_ = np.histogram2d(np.radians(azimuth[good]), elevation[good], (across, up))
    area = np.diff(np.sin(np.radians(up)))
    dense = np.ma.masked_equal(count / area, 0.0)
    axes.pcolormesh(across, 90.0 - up, dense.T, cmap="Blues", rasterized=True, zorder=1)


def _dome(axes: Any, mask_deg: float) -> Any:
    """North up, east right, the zenith in the middle, and the ring below which nothing serves."""
    axes.set_theta_zero_location("N")
    axes.set_theta_direction(-1)
    axes.set_rlim(0.0, 90.0)
    axes.set_rticks([0.0, 30.0, 60.0], ["90°", "60°", "30°"])
    axes.set_rlabel_position(112.5)
    axes.set_thetagrids(range(0, 360, 45), ["N", "NE", "E", "SE", "S", "SW", "W", "NW"])
    axes.tick_params(axis="y", labelcolor=QUIET, labelsize=7.5)
    axes.grid(visible=True, axis="both", color="#DDDDDD", linewidth=0.7)
    axes.spines["polar"].set_color(QUIET)
    ring = np.linspace(0.0, 2.0 * np.pi, 361)
    axes.fill_between(ring, 90.0 - mask_deg, 90.0, color="#F1F1F1", linewidth=0, zorder=0)
    axes.plot(ring, np.full(361, 90.0 - mask_deg), color=INK, linewidth=0.9, linestyle=(0, (4, 2)))
    return axes


def _in_order(reason: Bytes) -> list[Reason]:
    first = [Reason.SERVED, Reason.NOT_CHOSEN]
    return [kind for kind in (*first, *(r for r in Reason if r not in first)) if (reason == kind).any()]
