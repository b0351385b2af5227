"""The picture of the sky that a dish draws of where it saw satellites, and where it did not."""

from __future__ import annotations

import math
from enum import IntEnum

import numpy as np
import numpy.typing as npt

SIDE = 123  # pixels, of every dish seen so far
MAX_THETA_DEG = 80.0  # from the zenith, at the edge
_PIXELS_PER_DEGREE = 62 / MAX_THETA_DEG
_CENTRE = 62

UNKNOWN = -1.0
OBSTRUCTED = 0.0
CLEAR = 1.0


class Frame(IntEnum):
    """What the picture is drawn relative to; numbers of `ObstructionMapReferenceFrame`.

    EARTH has the zenith in the middle and north up. UT turns with a dish that moves: its middle is the boresight.
    """

    EARTH = 1
    UT = 2


class ObstructionMap:
    """SIDE x SIDE pixels, row by row from the top: -1 nothing known, 0 obstructed, 1 clear.

    Pixels are where published work on these pictures found them: a direction is as many pixels from the middle as it is
    degrees from the zenith, at 62 pixels for 80°. The formula of `Frame.UT` comes from the same work, and no picture
    with known directions was found to check it against.
    """

    def __init__(self, frame: Frame = Frame.EARTH, tilt_deg: float = 0.0, boresight_azimuth_deg: float = 0.0) -> None:
        self.frame = frame
        self._tilt_deg = tilt_deg
        self._azimuth_deg = boresight_azimuth_deg
        self.pixels: npt.NDArray[np.float32]
        self.valid_s: float
        self.obstructed_s: float
        self.painted: int
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self.pixels = np.full((SIDE, SIDE), UNKNOWN, dtype=np.float32)
        self.valid_s = self.obstructed_s = 0.0
        self.painted = self._hidden = 0

    def paint(self, azimuth_deg: float, elevation_deg: float, clear: bool, seconds: float) -> None:
        """Mark the pixel of a direction, seen or hidden for so long."""
        row, column = self.pixel(azimuth_deg, elevation_deg)
        before, now = self.pixels[row, column], CLEAR if clear else OBSTRUCTED
        self.painted += before == UNKNOWN
        self._hidden += int(now == OBSTRUCTED) - int(before == OBSTRUCTED)
        self.pixels[row, column] = now
        self.valid_s += seconds
        self.obstructed_s += 0.0 if clear else seconds

    def pixel(self, azimuth_deg: float, elevation_deg: float) -> tuple[int, int]:
        """Row and column of a direction; what lies beyond the edge is on the edge."""
        r = (90.0 - elevation_deg) * _PIXELS_PER_DEGREE
        if self.frame == Frame.EARTH:
            angle = math.radians(azimuth_deg)
            row = SIDE - (_CENTRE + r * math.cos(angle))
        else:
            angle = math.radians(azimuth_deg - self._azimuth_deg)
            row = _CENTRE - self._tilt_deg * _PIXELS_PER_DEGREE + r * math.cos(angle)
        return _inside(row), _inside(_CENTRE + r * math.sin(angle))

    @property
    def fraction_obstructed(self) -> float:
        """Share of the pixels known that are obstructed."""
        return self._hidden / self.painted if self.painted else 0.0

    @property
    def time_obstructed(self) -> float:
        """Share of the time that the satellite was hidden."""
        return self.obstructed_s / self.valid_s if self.valid_s else 0.0


def _inside(pixel: float) -> int:
    return min(max(round(pixel), 0), SIDE - 1)
