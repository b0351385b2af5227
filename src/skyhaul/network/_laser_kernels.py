"""Who links to whom: searches over planes and over what is left."""

from __future__ import annotations

import math

import numpy as np

from skyhaul._kernel import kernel
from skyhaul.types import Bools, Floats, Ints

# Planes passed over when looking for a partner: stray planes of a few satellites stand between full ones.
_PLANES_ACROSS = 4

# Partners looked for by each satellite that has a terminal to spare.
_BRIDGES_TRIED = 8

# Farthest along the orbit that a partner in the next plane may be, in spacings of the fuller plane.
_MOST_LAG = 1.5


@kernel()
def _separation(
    position: Floats, quarter: Floats, radius: Floats, i: int, j: int, max_range_m: float, lowest_m: float
) -> float:
    """The farthest that two satellites on circular orbits get from each other within a revolution.

    ∞ when that is out of range, or the line between them would come below `lowest_m`. Their separation is
    p cos φ + q sin φ with p now and q a quarter later; its longest is the greater root of a quadratic.
    """
    sight_squared = 4.0 * (min(radius[i], radius[j]) ** 2 - lowest_m**2)
    most_squared = min(max_range_m**2, sight_squared)
    pp, pq, qq = 0.0, 0.0, 0.0
    for axis in range(3):
        p = position[axis, i] - position[axis, j]
        pp += p * p
    if not pp <= most_squared:
        return math.inf
    for axis in range(3):
        p = position[axis, i] - position[axis, j]
        q = quarter[axis, i] - quarter[axis, j]
        pq += p * q
        qq += q * q
    squared = 0.5 * (pp + qq) + math.sqrt(0.25 * (pp - qq) ** 2 + pq * pq)
    return math.sqrt(squared) if squared <= most_squared else math.inf


@kernel()
def link_rings(
    offset: Ints,
    member: Ints,
    position: Floats,
    quarter: Floats,
    radius: Floats,
    max_range_m: float,
    lowest_m: float,
) -> Ints:
    """Pairs (L, 2) of satellites next to each other in their planes."""
    pairs = np.empty((len(member), 2), dtype=np.int64)
    found = 0
    for plane in range(len(offset) - 1):
        start, size = offset[plane], offset[plane + 1] - offset[plane]
        for place in range(size if size > 2 else size - 1):
            i, j = member[start + place], member[start + (place + 1) % size]
            if _separation(position, quarter, radius, i, j, max_range_m, lowest_m) < math.inf:
                pairs[found] = i, j
                found += 1
    return pairs[:found].copy()


@kernel()
def _common_lag(first: Ints, second: Ints, lead: float, turn: Floats, along: Floats, spacing: float) -> float:
    """How far the satellites of the second plane fly ahead of the nearest of the first, on the whole, in degrees."""
    sines, cosines = 0.0, 0.0
    for i in first:
        nearest = 360.0
        for j in second:
            lag = (along[j] - along[i] + lead * turn[i] + 180.0) % 360.0 - 180.0
            if abs(lag) < abs(nearest):
                nearest = lag
        sines += math.sin(2.0 * math.pi * nearest / spacing)
        cosines += math.cos(2.0 * math.pi * nearest / spacing)
    return spacing / (2.0 * math.pi) * math.atan2(sines, cosines)


@kernel()
def link_across(
    offset: Ints,
    member: Ints,
    shell: Ints,
    raan_deg: Floats,
    along: Floats,
    turn: Floats,
    east: Bools,
    west: Bools,
    position: Floats,
    quarter: Floats,
    radius: Floats,
    max_range_m: float,
    lowest_m: float,
) -> Ints:
    """Pairs (L, 2) of satellites beside each other in neighbouring planes of a shell.

    along, turn  (N,) argument of latitude in degrees and cosine of inclination
    east, west   (N,) who has a terminal free to each side; used up here

    Two planes are matched at the lag their satellites have on the whole, those first that keep to it best. Satellites
    that find nobody in the next plane look in the ones behind it.
    """
    pairs = np.empty((len(member), 2), dtype=np.int64)
    found = 0
    planes = len(offset) - 1
    begin = 0
    while begin < planes:
        end = begin
        while end < planes and shell[end] == shell[begin]:
            end += 1
        count = end - begin
        for step in range(1, min(_PLANES_ACROSS, count - 1) + 1):
            for plane in range(begin, end):
                other = begin + (plane - begin + step) % count
                lead = (raan_deg[other] - raan_deg[plane]) % 360.0
                if lead >= 180.0:
                    continue
                here = member[offset[plane] : offset[plane + 1]]
                there = member[offset[other] : offset[other + 1]]
                spacing = 360.0 / max(len(here), len(there))
                here, there = here[east[here]], there[west[there]]
                if len(here) == 0 or len(there) == 0:
                    continue
                common = _common_lag(here, there, lead, turn, along, spacing)
                misfit = np.empty(len(here) * len(there))
                for place in range(len(misfit)):
                    i, j = here[place // len(there)], there[place % len(there)]
                    lag = (along[j] - along[i] + lead * turn[i] - common + 180.0) % 360.0 - 180.0
                    misfit[place] = np.inf
                    if abs(lag) <= _MOST_LAG * spacing:
                        apart = _separation(position, quarter, radius, i, j, max_range_m, lowest_m)
                        misfit[place] = abs(lag) if apart < math.inf else math.inf
                for place in np.argsort(misfit, kind="mergesort"):
                    if misfit[place] == np.inf:
                        break
                    i, j = here[place // len(there)], there[place % len(there)]
                    if east[i] and west[j]:
                        east[i], west[j] = False, False
                        pairs[found] = i, j
                        found += 1
        begin = end
    return pairs[:found].copy()


@kernel()
def link_bridges(
    free: Ints,
    spare: Ints,
    shell: Ints,
    position: Floats,
    quarter: Floats,
    radius: Floats,
    max_range_m: float,
    lowest_m: float,
) -> Ints:
    """Pairs (L, 2) of satellites of different shells, the closest companions first.

    free   (F,) satellites with terminals to spare, in rising order
    spare  (N,) how many; used up here
    shell  (N,)
    """
    apart = np.empty(_BRIDGES_TRIED)
    partner = np.empty(_BRIDGES_TRIED, dtype=np.int64)
    cost = np.empty(len(free) * _BRIDGES_TRIED)
    pairs = np.empty((len(cost), 2), dtype=np.int64)
    tried = 0
    for i in free:
        kept = 0
        for j in free:
            if shell[i] == shell[j]:
                continue
            separation = _separation(position, quarter, radius, i, j, max_range_m, lowest_m)
            if separation == math.inf:
                continue
            if kept < _BRIDGES_TRIED:
                kept += 1
            elif separation >= apart[kept - 1]:
                continue
            place = kept - 1
            while place > 0 and apart[place - 1] > separation:
                apart[place], partner[place] = apart[place - 1], partner[place - 1]
                place -= 1
            apart[place], partner[place] = separation, j
        for place in range(kept):
            cost[tried] = apart[place]
            pairs[tried] = min(i, partner[place]), max(i, partner[place])
            tried += 1
    taken = np.zeros(tried, dtype=np.bool_)
    order = np.argsort(cost[:tried], kind="mergesort")
    for rank in range(tried):
        i, j = pairs[order[rank]]
        if spare[i] > 0 and spare[j] > 0 and not _same_before(pairs, order, taken, cost, rank):
            taken[order[rank]] = True
            spare[i] -= 1
            spare[j] -= 1
    return pairs[:tried][taken]


@kernel()
def _same_before(pairs: Ints, order: Ints, taken: Bools, cost: Floats, rank: int) -> bool:
    """Whether a pair that both ends proposed, at the same cost, has been taken from the other end already."""
    before = rank - 1
    while before >= 0 and cost[order[before]] == cost[order[rank]]:
        if taken[order[before]] and (pairs[order[before]] == pairs[order[rank]]).all():
            return True
        before -= 1
    return False
