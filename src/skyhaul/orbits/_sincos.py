"""Sine and cosine without branches, so that LLVM turns a loop of them into vector instructions."""

from __future__ import annotations

import numpy as np

from skyhaul._kernel import SAFE_MATH, kernel

# Adding and subtracting 1.5 * 2^52 rounds a float64 to the nearest integer.
_ROUND = 6755399441055744.0
_TWO_OVER_PI = 0.6366197723675814
# pi/2 in three parts of 33 bits (Cody and Waite; figures of fdlibm e_rem_pio2.c), exact products up to 2^20 quarters.
_PIO2_1 = 1.5707963267341256
_PIO2_2 = 6.077100506303966e-11
_PIO2_3 = 2.0222662487959506e-21

# Minimax polynomials on |r| <= pi/4 (fdlibm k_sin.c and k_cos.c).
_S1 = -1.66666666666666324348e-01
_S2 = 8.33333333332248946124e-03
_S3 = -1.98412698298579493134e-04
_S4 = 2.75573137070700676789e-06
_S5 = -2.50507602534068634195e-08
_S6 = 1.58969099521155010221e-10
_C1 = 4.16666666666666019037e-02
_C2 = -1.38888888888741095749e-03
_C3 = 2.48015872894767294178e-05
_C4 = -2.75573143513906633035e-07
_C5 = 2.08757232129817482790e-09
_C6 = -1.13596475577881948265e-11


@kernel(inline="always", fastmath=SAFE_MATH)
def sincos(angle_rad: float) -> tuple[float, float]:
    """Sine and cosine of an angle below 10^6 rad in size, to 2 units in the last place of 1."""
    quarter = (angle_rad * _TWO_OVER_PI + _ROUND) - _ROUND
    r = angle_rad - quarter * _PIO2_1
    r = r - quarter * _PIO2_2
    r = r - quarter * _PIO2_3
    z = r * r
    s = r + r * z * (_S1 + z * (_S2 + z * (_S3 + z * (_S4 + z * (_S5 + z * _S6)))))
    c = 1.0 - 0.5 * z + z * z * (_C1 + z * (_C2 + z * (_C3 + z * (_C4 + z * (_C5 + z * _C6)))))
    q = np.int64(quarter)
    swap = (q & 1) != 0
    sine = c if swap else s
    cosine = s if swap else c
    sine = -sine if (q & 2) != 0 else sine
    cosine = -cosine if ((q + 1) & 2) != 0 else cosine
    return sine, cosine
