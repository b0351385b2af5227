"""Shells and planes of satellites as they fly, found from their elements."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skyhaul.orbits import Elements
from skyhaul.types import Floats, Ints

# WGS-72, with which SGP4's mean elements are made: Vallado et al., "Revisiting Spacetrack Report #3", AIAA 2006-6753.
_MU_M3_S2 = 398_600.8e9
_RADIUS_M = 6_378_135.0
_J2 = 1.082616e-3

# A shell is where this many satellites of one inclination fly within this height of each other: those on the way up
# or down are strung out over hundreds of kilometres, those on station keep within one or two.
_SHELL_SATELLITES = 20
_SHELL_HALF_HEIGHT_M = 1_500.0

# Heights this close are one shell: OneWeb's planes are 4 km apart in height so that they cannot meet at the poles.
_SHELL_GAP_M = 5_000.0

# Shells of one design differ by hundredths of a degree, designs by whole degrees.
_INCLINATION_GAP_DEG = 0.5

# Planes as flown spread over up to 0.8° of right ascension without a gap of 0.6°, and the closest neighbours (97.4°,
# 2026-06) are 1.0° apart.
_PLANE_GAP_DEG = 0.8


@dataclass(frozen=True, slots=True)
class MeanOrbits:
    """Where the orbits of N satellites lie at an instant, to about a tenth of a degree.

    radius_m       (N,) of the mean, circular orbit
    raan_deg       (N,) right ascension of the ascending node
    latitude_deg   (N,) argument of latitude: how far along its orbit from the node the satellite is
    inclination    (N,) radians
    position_m     (3, N) inertial
    quarter_m      (3, N) a quarter of a revolution later
    """

    radius_m: Floats
    raan_deg: Floats
    latitude_deg: Floats
    inclination: Floats
    position_m: Floats
    quarter_m: Floats

    @classmethod
    def at(cls, elements: Elements, time: np.datetime64) -> MeanOrbits:
        """Mean elements carried to `time` by the secular rates of J2 and the drag term of the mean anomaly.

        Good for weeks from the epoch. Vallado, "Fundamentals of Astrodynamics", 4th ed., section 9.6.
        """
        elapsed_s = (time - elements.epoch) / np.timedelta64(1, "s")
        motion = elements.mean_motion_rev_day * (2.0 * np.pi / 86_400.0)
        radius = np.cbrt(_MU_M3_S2 / motion**2)
        inclination = np.radians(elements.inclination_deg)
        rate = _J2 * motion * (_RADIUS_M / (radius * (1.0 - elements.eccentricity**2))) ** 2
        raan = np.radians(elements.raan_deg) - 1.5 * rate * np.cos(inclination) * elapsed_s
        along = np.radians(elements.argument_of_perigee_deg + elements.mean_anomaly_deg)
        along = along + (motion + 0.75 * rate * (4.0 - 5.0 * np.sin(inclination) ** 2)) * elapsed_s
        along = along + elements.mean_motion_dot_rev_day2 * 2.0 * np.pi * (elapsed_s / 86_400.0) ** 2

        node = np.stack([np.cos(raan), np.sin(raan), np.zeros_like(raan)])
        across = np.stack(
            [-np.sin(raan) * np.cos(inclination), np.cos(raan) * np.cos(inclination), np.sin(inclination)]
        )
        return cls(
            radius_m=radius,
            raan_deg=np.degrees(raan) % 360.0,
            latitude_deg=np.degrees(along) % 360.0,
            inclination=inclination,
            position_m=radius * (node * np.cos(along) + across * np.sin(along)),
            quarter_m=radius * (across * np.cos(along) - node * np.sin(along)),
        )


@dataclass(frozen=True, slots=True)
class Planes:
    """The satellites on station, plane by plane; planes stand shell by shell, eastwards by right ascension.

    offset    (Q+1,) plane q has the members offset[q] to offset[q+1]
    member    (V,) satellites, in each plane in the order in which they fly
    shell     (Q,) the shell of each plane
    raan_deg  (Q,) mean right ascension of each plane's ascending nodes
    """

    offset: Ints
    member: Ints
    shell: Ints
    raan_deg: Floats


def find_planes(orbits: MeanOrbits) -> Planes:
    """Group satellites into shells by inclination and height, and shells into planes by their nodes.

    Satellites that share their height with fewer than 20 others of their inclination are in no plane.
    """
    shell = _shells(np.degrees(orbits.inclination), orbits.radius_m)
    offset, member, shells, raan = [0], [np.zeros(0, dtype=np.int64)], [], []
    for number in range(shell.max(initial=-1) + 1):
        inside = np.flatnonzero(shell == number)
        for plane in _split_circle(inside, orbits.raan_deg[inside]):
            member.append(plane[np.lexsort((plane, orbits.latitude_deg[plane]))])
            offset.append(offset[-1] + len(plane))
            shells.append(number)
            node = np.exp(1j * np.radians(orbits.raan_deg[plane])).mean()
            raan.append(float(np.degrees(np.angle(node))) % 360.0)
    order = np.lexsort((raan, shells))
    members = [member[1 + q] for q in order]
    sizes = [len(plane) for plane in members]
    return Planes(
        offset=np.cumsum([0, *sizes]),
        member=np.concatenate([member[0], *members]),
        shell=np.array(shells, dtype=np.int64)[order],
        raan_deg=np.array(raan, dtype=np.float64)[order],
    )


def _shells(inclination_deg: Floats, radius_m: Floats) -> Ints:
    """The shell of each satellite, −1 for none."""
    shell = np.full(len(radius_m), -1, dtype=np.int64)
    found = 0
    by_inclination = np.argsort(inclination_deg, kind="stable")
    cuts = np.flatnonzero(np.diff(inclination_deg[by_inclination]) > _INCLINATION_GAP_DEG) + 1
    for group in np.split(by_inclination, cuts):
        ordered = group[np.argsort(radius_m[group], kind="stable")]
        height = radius_m[ordered]
        near = np.searchsorted(height, height + _SHELL_HALF_HEIGHT_M, side="right")
        near -= np.searchsorted(height, height - _SHELL_HALF_HEIGHT_M, side="left")
        ordered = ordered[near >= _SHELL_SATELLITES]
        if len(ordered):
            steps = np.diff(radius_m[ordered]) > _SHELL_GAP_M
            shell[ordered] = found + np.concatenate([[0], np.cumsum(steps)])
            found = int(shell[ordered[-1]]) + 1
    return shell


def _split_circle(members: Ints, angle_deg: Floats) -> list[Ints]:
    """`members` in the order of their angles, cut wherever the next is more than a plane's gap ahead."""
    order = np.argsort(angle_deg, kind="stable")
    ordered, angle = members[order], angle_deg[order]
    ahead = np.diff(angle, append=angle[0] + 360.0)
    cuts = np.flatnonzero(ahead > _PLANE_GAP_DEG) + 1
    if not len(cuts):
        return [ordered]
    return list(np.split(np.roll(ordered, -cuts[0]), cuts[1:] - cuts[0]))
