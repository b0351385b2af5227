"""What SGP4 computes once per satellite: drag and secular rates of near-Earth orbits, all satellites at once.

Source of every formula: Vallado, Crawford, Hujsak, Kelso, AIAA 2006-6753 (functions initl and sgp4init), which follows
Hoots and Roehrich, Spacetrack Report #3, 1980. The names of the rows are the report's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skyhaul.orbits._elements import Elements
from skyhaul.orbits._gravity import (
    DEEP_SPACE_PERIOD_MIN,
    EARTH_RADIUS_KM,
    J2,
    J3,
    J4,
    XKE,
    radians_per_minute,
    unkozai,
)
from skyhaul.types import Bools, Floats

# Rows of the constants, as the kernel reads them.
(
    ECCO,
    MO,
    ARGPO,
    NODEO,
    MDOT,
    ARGPDOT,
    NODEDOT,
    NODECF,
    CC1,
    BSTAR_CC4,
    BSTAR_CC5,
    NO_T2COF,
    NO_T3COF,
    NO_T4COF,
    NO_T5COF,
    D2,
    D3,
    D4,
    OMGCOF,
    XMCOF,
    ETA,
    DELMO,
    SINMAO,
    XLCOF,
    AYCOF,
    AO,
    COSIO,
    SINIO,
) = range(28)
ROWS = 28

# Above this eccentricity the kernel's fixed Newton steps are not proven to converge (see its docstring).
# A little below the kernel's own limit, because drag and long-period terms move the eccentricity about this one.
ECCENTRICITY_LIMIT = 0.095


@dataclass(frozen=True, slots=True)
class NearEarth:
    """`constants` (ROWS, N) for the kernel; `general` (N,) marks satellites that the kernel must not be asked for."""

    constants: Floats
    general: Bools


def near_earth_constants(elements: Elements) -> NearEarth:
    """Secular and drag coefficients of N satellites; deep-space and eccentric ones are marked `general`."""
    with np.errstate(all="ignore"):
        return _constants(elements)


def _constants(elements: Elements) -> NearEarth:
    ecco = elements.eccentricity
    inclo = elements.inclination_deg * (np.pi / 180.0)
    argpo = elements.argument_of_perigee_deg * (np.pi / 180.0)
    nodeo = elements.raan_deg * (np.pi / 180.0)
    mo = elements.mean_anomaly_deg * (np.pi / 180.0)
    bstar = elements.bstar_per_er
    no = unkozai(radians_per_minute(elements.mean_motion_rev_day), ecco, inclo)

    cosio = np.cos(inclo)
    sinio = np.sin(inclo)
    cosio2 = cosio * cosio
    cosio4 = cosio2 * cosio2
    con41 = 3.0 * cosio2 - 1.0
    con42 = 1.0 - 5.0 * cosio2
    x1mth2 = 1.0 - cosio2
    omeosq = 1.0 - ecco * ecco
    rteosq = np.sqrt(omeosq)
    ao = (XKE / no) ** (2.0 / 3.0)
    pinvsq = 1.0 / (ao * omeosq) ** 2
    perigee_er = ao * (1.0 - ecco)

    # Density function: s and (q0 - s)^4, lowered for perigees below 156 km and again below 98 km.
    perigee_km = (perigee_er - 1.0) * EARTH_RADIUS_KM
    s_km = np.where(perigee_km < 156.0, np.where(perigee_km < 98.0, 20.0, perigee_km - 78.0), 78.0)
    qzms24 = ((120.0 - s_km) / EARTH_RADIUS_KM) ** 4
    sfour = s_km / EARTH_RADIUS_KM + 1.0

    tsi = 1.0 / (ao - sfour)
    eta = ao * ecco * tsi
    etasq = eta * eta
    eeta = ecco * eta
    psisq = np.abs(1.0 - etasq)
    coef = qzms24 * tsi**4
    coef1 = coef / psisq**3.5
    cc2 = (
        coef1
        * no
        * (
            ao * (1.0 + 1.5 * etasq + eeta * (4.0 + etasq))
            + 0.375 * J2 * tsi / psisq * con41 * (8.0 + 3.0 * etasq * (8.0 + etasq))
        )
    )
    cc1 = bstar * cc2
    eccentric = ecco > 1.0e-4  # below, the terms divided by eccentricity are dropped
    safe_ecco = np.where(eccentric, ecco, 1.0)
    cc3 = np.where(eccentric, -2.0 * coef * tsi * (J3 / J2) * no * sinio / safe_ecco, 0.0)
    cc4 = (
        2.0
        * no
        * coef1
        * ao
        * omeosq
        * (
            eta * (2.0 + 0.5 * etasq)
            + ecco * (0.5 + 2.0 * etasq)
            - J2
            * tsi
            / (ao * psisq)
            * (
                -3.0 * con41 * (1.0 - 2.0 * eeta + etasq * (1.5 - 0.5 * eeta))
                + 0.75 * x1mth2 * (2.0 * etasq - eeta * (1.0 + etasq)) * np.cos(2.0 * argpo)
            )
        )
    )
    cc5 = 2.0 * coef1 * ao * omeosq * (1.0 + 2.75 * (etasq + eeta) + eeta * etasq)

    temp1 = 1.5 * J2 * pinvsq * no
    temp2 = 0.5 * temp1 * J2 * pinvsq
    temp3 = -0.46875 * J4 * pinvsq * pinvsq * no
    mdot = no + 0.5 * temp1 * rteosq * con41 + 0.0625 * temp2 * rteosq * (13.0 - 78.0 * cosio2 + 137.0 * cosio4)
    argpdot = (
        -0.5 * temp1 * con42
        + 0.0625 * temp2 * (7.0 - 114.0 * cosio2 + 395.0 * cosio4)
        + temp3 * (3.0 - 36.0 * cosio2 + 49.0 * cosio4)
    )
    xhdot1 = -temp1 * cosio
    nodedot = xhdot1 + (0.5 * temp2 * (4.0 - 19.0 * cosio2) + 2.0 * temp3 * (3.0 - 7.0 * cosio2)) * cosio

    # 1.5e-12 keeps the division finite at an inclination of 180 degrees.
    one_plus_cosio = np.where(np.abs(cosio + 1.0) > 1.5e-12, 1.0 + cosio, 1.5e-12)

    cc1sq = cc1 * cc1
    d2 = 4.0 * ao * tsi * cc1sq
    d2_step = d2 * tsi * cc1 / 3.0
    d3 = (17.0 * ao + sfour) * d2_step
    d4 = 0.5 * d2_step * ao * tsi * (221.0 * ao + 31.0 * sfour) * cc1
    # Perigees below 220 km: the drag terms above the first are left out.
    full = np.where(perigee_er < 220.0 / EARTH_RADIUS_KM + 1.0, 0.0, 1.0)

    constants = np.empty((ROWS, len(elements)))
    constants[ECCO] = ecco
    constants[MO] = mo
    constants[ARGPO] = argpo
    constants[NODEO] = nodeo
    constants[MDOT] = mdot
    constants[ARGPDOT] = argpdot
    constants[NODEDOT] = nodedot
    constants[NODECF] = 3.5 * omeosq * xhdot1 * cc1
    constants[CC1] = cc1
    constants[BSTAR_CC4] = bstar * cc4
    constants[BSTAR_CC5] = bstar * cc5 * full
    constants[NO_T2COF] = no * 1.5 * cc1
    constants[NO_T3COF] = no * (d2 + 2.0 * cc1sq) * full
    constants[NO_T4COF] = no * 0.25 * (3.0 * d3 + cc1 * (12.0 * d2 + 10.0 * cc1sq)) * full
    constants[NO_T5COF] = (
        no * 0.2 * (3.0 * d4 + 12.0 * cc1 * d3 + 6.0 * d2 * d2 + 15.0 * cc1sq * (2.0 * d2 + cc1sq)) * full
    )
    constants[D2] = d2 * full
    constants[D3] = d3 * full
    constants[D4] = d4 * full
    constants[OMGCOF] = bstar * cc3 * np.cos(argpo) * full
    safe_eeta = np.where(eccentric, eeta, 1.0)
    constants[XMCOF] = np.where(eccentric, -(2.0 / 3.0) * coef * bstar / safe_eeta, 0.0) * full
    constants[ETA] = eta
    constants[DELMO] = (1.0 + eta * np.cos(mo)) ** 3
    constants[SINMAO] = np.sin(mo)
    constants[XLCOF] = -0.25 * (J3 / J2) * sinio * (3.0 + 5.0 * cosio) / one_plus_cosio
    constants[AYCOF] = -0.5 * (J3 / J2) * sinio
    constants[AO] = ao
    constants[COSIO] = cosio
    constants[SINIO] = sinio

    near = (2.0 * np.pi / no < DEEP_SPACE_PERIOD_MIN) & (no > 0.0) & (ecco < ECCENTRICITY_LIMIT)
    near &= np.isfinite(constants).all(axis=0)
    # A unit circle in place of what the kernel must not see: no NaN can reach its integer conversions.
    constants[:, ~near] = 0.0
    constants[AO, ~near] = 2.0
    constants[COSIO, ~near] = 1.0
    return NearEarth(constants, ~near)
