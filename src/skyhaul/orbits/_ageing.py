"""How wrong positions get as elements grow old."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

# Starlink satellites above 450 km: positions from old elements against those from later ones, measured over the public
# sets of 2024 to 2026. At age 0 the error is that of the elements themselves: about 1 km (Vallado and Cefola, "Two-line
# element sets: practice and use", IAC 2012), and assumed to be three times that for one in ten.
_AGE_DAYS = np.array([0.0, 1.1, 3.2, 7.2])
_MEDIAN_KM = np.array([1.0, 6.0, 17.0, 55.0])
_P90_KM = np.array([3.0, 33.0, 194.0, 860.0])
_LOST_KM = 13_800.0  # the diameter of an orbit at 530 km: no error along it can be larger


class ExpectedError(NamedTuple):
    """Expected position error: of the middle satellite, and of nine in ten."""

    median_km: float
    p90_km: float


def expected_error_km(age_days: float) -> ExpectedError:
    """What to expect of positions `age_days` from the elements' epoch, before or after.

    Between the measured ages it is interpolated along straight lines of the logarithm; past 7.2 days it grows with the
    square of the age, as drag does, up to the width of a low orbit: positions are lost then.
    """
    age = abs(age_days)
    if age <= _AGE_DAYS[-1]:
        median, p90 = (float(np.exp(np.interp(age, _AGE_DAYS, np.log(row)))) for row in (_MEDIAN_KM, _P90_KM))
    else:
        growth = (age / _AGE_DAYS[-1]) ** 2
        median, p90 = (min(float(row[-1] * growth), _LOST_KM) for row in (_MEDIAN_KM, _P90_KM))
    return ExpectedError(median, p90)
