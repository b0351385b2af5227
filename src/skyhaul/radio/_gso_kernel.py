"""The kernel of `GsoArc`: the nearest point of a far circle, seen from a site inside it."""

from __future__ import annotations

import math

import numpy as np

from skyhaul._kernel import SAFE_MATH, kernel
from skyhaul.types import Floats, Ints

# Points of the arc among which the nearest is looked for first, at most 23° apart, and the steps of Newton's method
# from there. Against 512 points and 12 steps, 900,000 pairs: two steps leave 0.00002°, three 1e-13°.
_POINTS = 8
_STEPS = 3


@kernel(fastmath=SAFE_MATH)
def separations(
    cos_turn: Floats,
    sin_turn: Floats,
    out: Floats,
    above: Floats,
    half_width: Floats,
    radius: float,
    site: Ints,
    position: Floats,
    satellite: Ints,
) -> Floats:
    """Angles in degrees (V,); sites in their own meridian: `out` of the axis, `above` the equator."""
    result = np.empty(site.shape[0])
    x = np.empty(_POINTS, dtype=np.float64)
    y = np.empty(_POINTS, dtype=np.float64)
    z = np.empty(_POINTS, dtype=np.float64)
    cosine = np.empty(_POINTS, dtype=np.float64)
    sine = np.empty(_POINTS, dtype=np.float64)
    closeness = np.empty(_POINTS, dtype=np.float64)
    step = 0.0
    prepared = -1
    for v in range(site.shape[0]):
        k, s = site[v], satellite[v]
        if half_width[k] < 0.0:
            result[v] = 180.0 if position[0, s] == position[0, s] else np.nan
            continue
        if k != prepared:
            prepared = k
            step = 2.0 * half_width[k] / (_POINTS - 1)
            for j in range(_POINTS):
                cosine[j] = math.cos(j * step - half_width[k])
                sine[j] = math.sin(j * step - half_width[k])
                px, py, pz = radius * cosine[j] - out[k], radius * sine[j], -above[k]
                inverse = 1.0 / math.sqrt(px * px + py * py + pz * pz)
                x[j], y[j], z[j] = px * inverse, py * inverse, pz * inverse
        # The way to the satellite, turned with its site.
        wx = position[0, s] * cos_turn[k] + position[1, s] * sin_turn[k] - out[k]
        wy = position[1, s] * cos_turn[k] - position[0, s] * sin_turn[k]
        wz = position[2, s] - above[k]
        inverse = 1.0 / math.sqrt(wx * wx + wy * wy + wz * wz)
        wx, wy, wz = wx * inverse, wy * inverse, wz * inverse
        for j in range(_POINTS):
            closeness[j] = wx * x[j] + wy * y[j] + wz * z[j]
        best = 0
        for j in range(1, _POINTS):
            best = j if closeness[j] > closeness[best] else best
        back = step if best > 0 else 0.0
        forth = step if best < _POINTS - 1 else 0.0
        result[v] = _least_angle(cosine[best], sine[best], back, forth, radius, out[k], above[k], wx, wy, wz)
    return result


@kernel(fastmath=SAFE_MATH)
def _least_angle(
    cosine: float,
    sine: float,
    back: float,
    forth: float,
    radius: float,
    out: float,
    above: float,
    wx: float,
    wy: float,
    wz: float,
) -> float:
    """Least angle in degrees from a direction to the circle, from `back` before to `forth` after a longitude.

    With p the way to the point at longitude λ, the cosine w·p / |p| is greatest where (w·p′) |p|² = (w·p) (p·p′).
    """
    far = radius * radius + out * out + above * above
    moved = 0.0
    for _ in range(_STEPS):
        square = far - 2.0 * out * radius * cosine
        along = radius * (wx * cosine + wy * sine) - wx * out - wz * above
        along_slope = radius * (wy * cosine - wx * sine)
        growth = out * radius * sine
        miss = along_slope * square - along * growth
        slope = along_slope * growth - radius * (wx * cosine + wy * sine) * square - along * out * radius * cosine
        # Where the cosine is hollow Newton's method would look for its least value; the edge uphill is nearer.
        turn = -miss / slope if slope < 0.0 else math.copysign(back + forth, miss)
        turn = min(max(turn, -back - moved), forth - moved)
        moved += turn
        # A turn by 2 atan(turn / 2), which stays on the circle and is the turn itself but for its cube.
        tangent = 0.5 * turn
        scale = 1.0 / (1.0 + tangent * tangent)
        cosine, sine = (
            ((1.0 - tangent * tangent) * cosine - 2.0 * tangent * sine) * scale,
            ((1.0 - tangent * tangent) * sine + 2.0 * tangent * cosine) * scale,
        )
    px, py, pz = radius * cosine - out, radius * sine, -above
    inverse = 1.0 / math.sqrt(px * px + py * py + pz * pz)
    # Half the chord between unit vectors: exact for small angles too.
    dx, dy, dz = wx - px * inverse, wy - py * inverse, wz - pz * inverse
    return math.degrees(2.0 * math.asin(min(0.5 * math.sqrt(dx * dx + dy * dy + dz * dz), 1.0)))
