"""The part of the sky that trees, walls and hills hide from a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from skyhaul.errors import InputError
from skyhaul.types import Bools, Floats

Interpolation = Literal["linear", "step"]


@dataclass(frozen=True)
class ObstructionMask:
    """A skyline: the lowest elevation a terminal sees in each direction.

    azimuth_deg    (M,) ascending, from north over east, 0 ≤ azimuth < 360
    elevation_deg  (M,) 0 to 90: the sky below it is hidden
    interpolation  `linear` between neighbouring points, or `step`: each value holds up to the next azimuth.
                   Both run through north: the last point's neighbour is the first.

    Raises InputError naming the point that is out of range or out of order.
    """

    azimuth_deg: Floats
    elevation_deg: Floats
    interpolation: Interpolation = "linear"

    def __post_init__(self) -> None:
        azimuth = np.array(self.azimuth_deg, dtype=np.float64, ndmin=1)
        elevation = np.array(self.elevation_deg, dtype=np.float64, ndmin=1)
        _check(azimuth, elevation, self.interpolation)
        for name, values in (("azimuth_deg", azimuth), ("elevation_deg", elevation)):
            values.setflags(write=False)
            object.__setattr__(self, name, values)

    @classmethod
    def from_rows(
        cls, rows: Iterable[Sequence[str | float]], *, interpolation: Interpolation = "linear", where: str = ""
    ) -> ObstructionMask:
        """A mask from rows of (azimuth, elevation) in degrees, as numbers or as the text cells of a CSV file.

        A first row of words is taken for a heading; rows may come in any order. `where` names the source in errors.
        """
        points = []
        for number, row in enumerate(rows, start=1):
            try:
                azimuth, elevation = (float(cell) for cell in row)
            except ValueError as error:
                if number == 1 and not any(_is_number(cell) for cell in row):
                    continue
                raise InputError(
                    f"not an azimuth and an elevation: {', '.join(str(cell) for cell in row) or 'an empty row'}",
                    where=f"{where}:{number}" if where else f"obstruction row {number}",
                    mend="two numbers in degrees",
                ) from error
            points.append((azimuth, elevation))
        points.sort()
        return cls(
            np.array([azimuth for azimuth, _ in points]),
            np.array([elevation for _, elevation in points]),
            interpolation,
        )

    @classmethod
    def from_polygons(cls, polygons: Iterable[npt.ArrayLike], *, step_deg: float = 1.0) -> ObstructionMask:
        """A step mask from outlines of obstructions: each (P, 2) corners of azimuth and elevation in degrees.

        In each step of azimuth the highest point of any outline hides everything below it, so the mask never shows sky
        that an outline hides. Edges run the short way round, through north too; an outline around the zenith is no
        skyline and is refused, as is an edge of half a circle or more.
        """
        bins = round(360.0 / step_deg)
        if bins < 1 or abs(bins * step_deg - 360.0) > 1e-9:
            raise InputError(f"obstruction step of {step_deg}° does not divide 360°", mend="for example 1 or 0.5")
        skyline = np.zeros(bins)
        for number, polygon in enumerate(polygons):
            for start, end in _edges(np.asarray(polygon, dtype=np.float64), f"obstruction polygon {number}"):
                _raise_over(skyline, step_deg, start, end)
        return cls(np.arange(bins, dtype=np.float64) * step_deg, skyline, "step")

    def horizon_deg(self, azimuth_deg: npt.ArrayLike) -> Floats:
        """The lowest elevation (…) seen towards azimuths (…), any angle in degrees."""
        azimuth = np.asarray(azimuth_deg, dtype=np.float64) % 360.0
        if self.interpolation == "linear":
            horizon = np.interp(azimuth, self.azimuth_deg, self.elevation_deg, period=360.0)
            # Interpolation may round past its ends, and past 90° nothing would be seen at the zenith.
            return np.asarray(np.clip(horizon, self.elevation_deg.min(), self.elevation_deg.max()), dtype=np.float64)
        # Before the first point the last one still holds: index −1.
        return np.asarray(self.elevation_deg[np.searchsorted(self.azimuth_deg, azimuth, side="right") - 1])

    def blocks(self, azimuth_deg: npt.ArrayLike, elevation_deg: npt.ArrayLike) -> Bools:
        """Whether directions (…) are hidden. Directions that are not numbers are hidden."""
        azimuth = np.asarray(azimuth_deg, dtype=np.float64)
        clear = np.asarray(elevation_deg, dtype=np.float64) >= self.horizon_deg(np.nan_to_num(azimuth))
        return np.asarray(~(clear & np.isfinite(azimuth)))


def _check(azimuth: Floats, elevation: Floats, interpolation: str) -> None:
    if interpolation not in get_args(Interpolation):
        raise InputError(f"obstruction mask with {interpolation!r} interpolation", mend="'linear' or 'step'")
    if azimuth.ndim != 1 or azimuth.shape != elevation.shape or not azimuth.size:
        raise InputError(
            f"obstruction mask of {azimuth.size} azimuths and {elevation.size} elevations", mend="one of each a point"
        )
    for values, low, below, mend in (
        (azimuth, 0.0, 360.0, "0 ≤ azimuth < 360"),
        (elevation, 0.0, np.nextafter(90.0, 91.0), "0 ≤ elevation ≤ 90"),
    ):
        wrong = np.flatnonzero(~((values >= low) & (values < below)))
        if wrong.size:
            raise InputError(f"{values[wrong[0]]}° is out of range", where=f"obstruction point {wrong[0]}", mend=mend)
    back = np.flatnonzero(np.diff(azimuth) <= 0.0)
    if back.size:
        at = int(back[0]) + 1
        raise InputError(
            f"azimuth {azimuth[at]}° after {azimuth[at - 1]}°",
            where=f"obstruction point {at}",
            mend="ascending azimuths, each once",
        )


def _is_number(cell: str | float) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _edges(corners: Floats, where: str) -> list[tuple[Floats, Floats]]:
    """The polygon's edges as pairs of (azimuth, elevation), azimuths unwrapped so that an edge runs straight."""
    if corners.ndim != 2 or corners.shape[-1] != 2 or len(corners) < 2 or not np.isfinite(corners).all():
        raise InputError("not a list of azimuths and elevations", where=where, mend="two numbers a corner, no gaps")
    if corners[:, 1].min() < -90.0 or corners[:, 1].max() > 90.0:
        raise InputError("an elevation beyond ±90°", where=where, mend="azimuth first, then elevation, in degrees")
    ends = np.roll(corners, -1, axis=0)
    turns = (ends[:, 0] - corners[:, 0] + 180.0) % 360.0 - 180.0
    if (np.abs(turns) > 179.999).any():
        raise InputError("an edge spans half a circle", where=where, mend="put a corner between")
    if abs(turns.sum()) > 180.0:
        raise InputError("an outline around the zenith is no skyline", where=where, mend="cut it into parts")
    return [(start, np.array([start[0] + turn, end[1]])) for start, end, turn in zip(corners, ends, turns, strict=True)]


def _raise_over(skyline: Floats, step_deg: float, start: Floats, end: Floats) -> None:
    """Lift the skyline to the highest point of the edge in every bin that the edge passes."""
    (west, west_height), (east, east_height) = sorted((tuple(start), tuple(end)))
    first, last = int(np.floor(west / step_deg)), int(np.floor(east / step_deg))
    bins = np.arange(first, last + 1)
    if west == east:
        highest = np.full(bins.size, max(west_height, east_height))
    else:
        left = np.clip(bins * step_deg, west, east)
        right = np.clip((bins + 1) * step_deg, west, east)
        slope = (east_height - west_height) / (east - west)
        highest = west_height + slope * (np.where(slope > 0.0, right, left) - west)
    np.maximum.at(skyline, bins % skyline.size, highest)
