"""Delay over fibre between fixed places."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from skyhaul.earth import Sites, great_circle_m
from skyhaul.radio import LIGHT_M_S
from skyhaul.types import Floats

# Group index of standard single-mode fibre near 1550 nm: Corning SMF-28 Ultra product information PI1424 (1.4682).
FIBRE_INDEX = 1.468

# Cable over great circle. Chosen, not measured: with it and the index above, what measured round trips of ten sites
# have above geometry and fibre is 8.6 ± 1.0 ms, the fixed part of the delay model. The three belong together.
ROUTE_FACTOR = 1.3


class FibreLine(NamedTuple):
    """A line between two ends, given by index, with its one-way delay."""

    first: int
    second: int
    delay_s: float


def cable_delay_s(length_m: float) -> float:
    """One-way delay in seconds of a cable of `length_m` metres."""
    return length_m * FIBRE_INDEX / LIGHT_M_S


def direct_delays_s(first: Sites, second: Sites) -> Floats:
    """One-way delays (K, L) in seconds by a cable 1.3 great circles long between every pair of places."""
    distance_m = great_circle_m(
        first.latitude_deg[:, None],
        first.longitude_deg[:, None],
        second.latitude_deg[None, :],
        second.longitude_deg[None, :],
    )
    return distance_m * (ROUTE_FACTOR * FIBRE_INDEX / LIGHT_M_S)


def backbone_delays_s(pops: Sites, lines: Iterable[FibreLine]) -> Floats:
    """One-way delays (P, P) in seconds between PoPs, 0 on the diagonal, all finite.

    Two PoPs that the lines join, with others in between or not, are as far apart as the shortest way over the lines;
    a pair that no chain of lines joins has a cable of its own, 1.3 great circles long.
    """
    over_lines = np.full((len(pops), len(pops)), np.inf)
    np.fill_diagonal(over_lines, 0.0)
    for first, second, delay_s in lines:
        shorter = min(over_lines[first, second], delay_s)
        over_lines[first, second] = over_lines[second, first] = shorter
    for middle in range(len(pops)):
        np.minimum(over_lines, over_lines[:, middle, None] + over_lines[None, middle, :], out=over_lines)
    return np.where(np.isfinite(over_lines), over_lines, direct_delays_s(pops, pops))


def gateway_delays_s(gateways: Sites, pops: Sites, backbone_s: Floats, lines: Iterable[FibreLine]) -> Floats:
    """One-way delays (G, P) in seconds from gateways to PoPs, all finite.

    A gateway without lines of its own (`first` is a gateway, `second` a PoP) has a cable to every PoP, 1.3 great
    circles long. One with lines reaches the PoPs at their ends, and all others from there over the backbone.
    """
    delays = direct_delays_s(gateways, pops)
    own: dict[int, list[FibreLine]] = {}
    for line in lines:
        own.setdefault(line.first, []).append(line)
    for gateway, ends in own.items():
        delays[gateway] = np.min([line.delay_s + backbone_s[line.second] for line in ends], axis=0)
    return delays
