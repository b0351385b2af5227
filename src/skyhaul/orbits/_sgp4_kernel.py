"""SGP4 for near-Earth satellites in bulk: all satellites of a block through one vectorised loop.

Source of every formula: Vallado, Crawford, Hujsak, Kelso, AIAA 2006-6753 (function sgp4, near-Earth branch). What makes
it fast: constants in columns, sines and cosines without branches, and scratch blocks whose shape is known at compile
time, so that LLVM proves them apart and turns the loop over satellites into vector instructions.

Kepler's equation is solved by three Newton steps from the mean anomaly. Below an eccentricity of 0.1 the error of each
is less than 0.06 times the square of the one before, starting below 0.1: 6e-4, 2e-8, 3e-17. Pairs above that limit, or
of which the theory gives no position, are flagged for the general propagator.
"""

from __future__ import annotations

import math

import numpy as np

from skyhaul._kernel import SAFE_MATH, kernel
from skyhaul.orbits._gravity import EARTH_RADIUS_KM, J2, XKE
from skyhaul.orbits._sgp4_init import (
    AO,
    ARGPDOT,
    ARGPO,
    AYCOF,
    BSTAR_CC4,
    BSTAR_CC5,
    CC1,
    COSIO,
    D2,
    D3,
    D4,
    DELMO,
    ECCO,
    ETA,
    MDOT,
    MO,
    NO_T2COF,
    NO_T3COF,
    NO_T4COF,
    NO_T5COF,
    NODECF,
    NODEDOT,
    NODEO,
    OMGCOF,
    ROWS,
    SINIO,
    SINMAO,
    XLCOF,
    XMCOF,
)
from skyhaul.orbits._sincos import sincos
from skyhaul.types import Bools, Floats

_BLOCK = 128
_KM_S = EARTH_RADIUS_KM * XKE / 60.0
_ROUND = 6755399441055744.0
_TURN = 2.0 * math.pi
_TURN_REST = 2.4492935982947064e-16  # 2 pi minus its float64
_ECCENTRICITY_MOST = 0.1


@kernel(inline="always", fastmath=SAFE_MATH)
def _state(c: Floats, j: int, t: float) -> tuple[float, float, float, float, float, float, float]:
    """TEME position (km), velocity (km/s) and a flag of column j, t minutes after its epoch.

    The flag is at most 0 where the result is good and the satellite is above the ground.
    """
    t2 = t * t
    t3 = t2 * t
    t4 = t3 * t
    # Secular gravity and drag.
    xmdf = c[MO, j] + c[MDOT, j] * t
    argpdf = c[ARGPO, j] + c[ARGPDOT, j] * t
    node = c[NODEO, j] + c[NODEDOT, j] * t + c[NODECF, j] * t2
    _, cos_xmdf = sincos(xmdf)
    bulge = 1.0 + c[ETA, j] * cos_xmdf
    shift = c[OMGCOF, j] * t + c[XMCOF, j] * (bulge * bulge * bulge - c[DELMO, j])
    mm = xmdf + shift
    argp = argpdf - shift
    sin_mm, _ = sincos(mm)
    tempa = 1.0 - c[CC1, j] * t - c[D2, j] * t2 - c[D3, j] * t3 - c[D4, j] * t4
    tempe = c[BSTAR_CC4, j] * t + c[BSTAR_CC5, j] * (sin_mm - c[SINMAO, j])
    # The mean motion is already in the coefficients of the along-track terms.
    templ = c[NO_T2COF, j] * t2 + c[NO_T3COF, j] * t3 + t4 * (c[NO_T4COF, j] + t * c[NO_T5COF, j])
    am = c[AO, j] * tempa * tempa
    em_raw = c[ECCO, j] - tempe
    em = em_raw if em_raw > 1.0e-6 else 1.0e-6  # not max(): that keeps the loop scalar
    mm = mm + templ
    # Long-period terms.
    sin_argp, cos_argp = sincos(argp)
    axnl = em * cos_argp
    inverse = 1.0 / (am * (1.0 - em * em))
    aynl = em * sin_argp + inverse * c[AYCOF, j]
    u = mm + argp + inverse * c[XLCOF, j] * axnl
    turns = (u * (1.0 / _TURN) + _ROUND) - _ROUND
    u = u - turns * _TURN - turns * _TURN_REST
    # Kepler's equation.
    s1, c1 = sincos(u)
    eo = u + (axnl * s1 - aynl * c1) / (1.0 - c1 * axnl - s1 * aynl)
    s1, c1 = sincos(eo)
    d = (u - aynl * c1 + axnl * s1 - eo) / (1.0 - c1 * axnl - s1 * aynl)
    eo = eo + d
    # d is below 6e-4 now: three orders of its series give sine and cosine to 5e-15 without asking again.
    half = 0.5 * d * d
    sin_d = d * (1.0 - half / 3.0)
    s2 = s1 * (1.0 - half) + c1 * sin_d
    c2 = c1 * (1.0 - half) - s1 * sin_d
    d = (u - aynl * c2 + axnl * s2 - eo) / (1.0 - c2 * axnl - s2 * aynl)
    sin_eo = s2 + c2 * d
    cos_eo = c2 - s2 * d
    # Short-period preliminary quantities.
    ecose = axnl * cos_eo + aynl * sin_eo
    esine = axnl * sin_eo - aynl * cos_eo
    el2 = axnl * axnl + aynl * aynl
    pl = am * (1.0 - el2)
    rl = am * (1.0 - ecose)
    root_am = math.sqrt(am)
    rdotl = root_am * esine / rl
    rvdotl = math.sqrt(pl) / rl
    betal = math.sqrt(1.0 - el2)
    temp = esine / (1.0 + betal)
    sinu = am / rl * (sin_eo - aynl - axnl * temp)
    cosu = am / rl * (cos_eo - axnl + aynl * temp)
    sin2u = (cosu + cosu) * sinu
    cos2u = 1.0 - 2.0 * sinu * sinu
    one_over_pl = 1.0 / pl
    temp1 = 0.5 * J2 * one_over_pl
    temp2 = temp1 * one_over_pl
    # Short-period periodics.
    cosi = c[COSIO, j]
    sini = c[SINIO, j]
    cosi2 = cosi * cosi
    con41 = 3.0 * cosi2 - 1.0
    x1mth2 = 1.0 - cosi2
    x7thm1 = 7.0 * cosi2 - 1.0
    mrt = rl * (1.0 - 1.5 * temp2 * betal * con41) + 0.5 * temp1 * x1mth2 * cos2u
    du = -0.25 * temp2 * x7thm1 * sin2u
    di = 1.5 * temp2 * cosi * sini * cos2u
    node = node + 1.5 * temp2 * cosi * sin2u
    rate = 1.0 / (am * root_am)  # mean motion in units of XKE
    mvt = rdotl - rate * temp1 * x1mth2 * sin2u
    rvdot = rvdotl + rate * temp1 * (x1mth2 * cos2u + 1.5 * con41)
    # du and di are below 2e-3 rad: the fourth order of their series is below 1e-12.
    du2 = du * du
    sin_du = du * (1.0 - du2 / 6.0)
    cos_du = 1.0 - 0.5 * du2 * (1.0 - du2 / 12.0)
    sinsu = sinu * cos_du + cosu * sin_du
    cossu = cosu * cos_du - sinu * sin_du
    di2 = di * di
    sin_di = di * (1.0 - di2 / 6.0)
    cos_di = 1.0 - 0.5 * di2 * (1.0 - di2 / 12.0)
    sin_i = sini * cos_di + cosi * sin_di
    cos_i = cosi * cos_di - sini * sin_di
    sin_node, cos_node = sincos(node)
    xmx = -sin_node * cos_i
    xmy = cos_node * cos_i
    ux = xmx * sinsu + cos_node * cossu
    uy = xmy * sinsu + sin_node * cossu
    uz = sin_i * sinsu
    vx = xmx * cossu - cos_node * sinsu
    vy = xmy * cossu - sin_node * sinsu
    vz = sin_i * cossu
    r = mrt * EARTH_RADIUS_KM
    # At most 0 where all is well: an eccentricity that the steps above allow, and a place above the ground.
    flag = el2 - _ECCENTRICITY_MOST * _ECCENTRICITY_MOST
    flag = flag if flag > -0.001 - em_raw else -0.001 - em_raw
    flag = flag if flag > 1.0 - mrt else 1.0 - mrt
    return (
        r * ux,
        r * uy,
        r * uz,
        (mvt * ux + rvdot * vx) * _KM_S,
        (mvt * uy + rvdot * vy) * _KM_S,
        (mvt * uz + rvdot * vz) * _KM_S,
        flag,
    )


@kernel(inline="always")
def _columns(constants: Floats, offset_min: Floats, low: int, block: Floats) -> int:
    """Copy a block of satellites into scratch, the last one repeated to fill it; returns how many are real."""
    count = min(_BLOCK, constants.shape[1] - low)
    for row in range(ROWS):
        for j in range(_BLOCK):
            block[row, j] = constants[row, low + min(j, count - 1)]
    for j in range(_BLOCK):
        block[ROWS, j] = offset_min[low + min(j, count - 1)]
    return int(count)


@kernel(fastmath=SAFE_MATH, boundscheck=False)
def positions(
    constants: Floats,
    offset_min: Floats,
    minutes: Floats,
    turn: Floats,
    scale: float,
    position: Floats,
    unsure: Bools,
) -> None:
    """Positions of N near-Earth satellites at T instants.

    constants       (ROWS, N)
    offset_min      (N,) minutes from each epoch to the instant that `minutes` (T,) counts from
    turn            (T, 2) cosine and sine of the angle that the axes turn by about z: (1, 0) stays in TEME
    scale           of the result: 1 for km, 1000 for m
    position        (T, 3, N) written
    unsure          (T, N) False at first: True is written where the general propagator must be asked
    """
    block = np.empty((ROWS + 1, _BLOCK))
    out = np.empty((4, _BLOCK))
    for low in range(0, constants.shape[1], _BLOCK):
        count = _columns(constants, offset_min, low, block)
        for k in range(minutes.shape[0]):
            since = minutes[k]
            cosine = turn[k, 0]
            sine = turn[k, 1]
            wrong = 0
            for j in range(_BLOCK):
                x, y, z, _, _, _, flag = _state(block, j, block[ROWS, j] + since)
                out[0, j] = (cosine * x + sine * y) * scale
                out[1, j] = (cosine * y - sine * x) * scale
                out[2, j] = z * scale
                out[3, j] = flag
                wrong += not (flag <= 0.0)
            for axis in range(3):
                for j in range(count):
                    position[k, axis, low + j] = out[axis, j]
            if wrong:
                for j in range(count):
                    unsure[k, low + j] = not (out[3, j] <= 0.0)


@kernel(fastmath=SAFE_MATH, boundscheck=False)
def positions_and_velocities(
    constants: Floats,
    offset_min: Floats,
    minutes: Floats,
    turn: Floats,
    rotation_rad_s: float,
    scale: float,
    position: Floats,
    velocity: Floats,
    unsure: Bools,
) -> None:
    """The same, with velocities (T, 3, N) relative to axes that turn at `rotation_rad_s`: 0 stays in TEME."""
    block = np.empty((ROWS + 1, _BLOCK))
    out = np.empty((7, _BLOCK))
    for low in range(0, constants.shape[1], _BLOCK):
        count = _columns(constants, offset_min, low, block)
        for k in range(minutes.shape[0]):
            since = minutes[k]
            cosine = turn[k, 0]
            sine = turn[k, 1]
            wrong = 0
            for j in range(_BLOCK):
                x, y, z, vx, vy, vz, flag = _state(block, j, block[ROWS, j] + since)
                px = cosine * x + sine * y
                py = cosine * y - sine * x
                out[0, j] = px * scale
                out[1, j] = py * scale
                out[2, j] = z * scale
                out[3, j] = (cosine * vx + sine * vy + rotation_rad_s * py) * scale
                out[4, j] = (cosine * vy - sine * vx - rotation_rad_s * px) * scale
                out[5, j] = vz * scale
                out[6, j] = flag
                wrong += not (flag <= 0.0)
            for axis in range(3):
                for j in range(count):
                    position[k, axis, low + j] = out[axis, j]
            for axis in range(3):
                for j in range(count):
                    velocity[k, axis, low + j] = out[3 + axis, j]
            if wrong:
                for j in range(count):
                    unsure[k, low + j] = not (out[6, j] <= 0.0)
