"""Geometry and bookkeeping of links, one pass each."""

from __future__ import annotations

import numpy as np

from skyhaul._kernel import kernel
from skyhaul.types import Bools, Floats, Ints, Ints32


@kernel()
def link_lengths(
    first: Ints32, second: Ints32, position_m: Floats, max_range_m: float, lowest_m: float, out: Bools
) -> tuple[Bools, Floats]:
    """Which links can be used, and the length of every link in metres.

    A link cannot where an end is out, where it is longer than `max_range_m`, or where the straight line comes closer
    to the Earth's centre than `lowest_m`.
    """
    usable = np.zeros(len(first), dtype=np.bool_)
    length = np.empty(len(first))
    for i in range(len(first)):
        a, b = first[i], second[i]
        ax, ay, az = position_m[0, a], position_m[1, a], position_m[2, a]
        dx, dy, dz = position_m[0, b] - ax, position_m[1, b] - ay, position_m[2, b] - az
        squared = dx * dx + dy * dy + dz * dz
        length[i] = np.sqrt(squared)
        # Where on the line, as a part of it, the Earth's centre is nearest.
        along = min(max(-(ax * dx + ay * dy + az * dz) / squared, 0.0), 1.0) if squared > 0.0 else 0.0
        x, y, z = ax + along * dx, ay + along * dy, az + along * dz
        # Written so that a position which is not a number makes no link.
        usable[i] = length[i] <= max_range_m and x * x + y * y + z * z >= lowest_m * lowest_m and not (out[a] or out[b])
    return usable, length


@kernel()
def neighbour_rows(first: Ints32, second: Ints32, cost: Floats, count: int) -> tuple[Ints32, Floats]:
    """Neighbours (N, D) in rising order, −1 where there is none, and the cost of the link to each."""
    degree = np.zeros(count, dtype=np.int64)
    for i in range(len(first)):
        degree[first[i]] += 1
        degree[second[i]] += 1
    most = max(1, degree.max()) if count else 1
    neighbour = np.full((count, most), -1, dtype=np.int32)
    costs = np.full((count, most), np.inf)
    degree[:] = 0
    for i in range(len(first)):
        for end in range(2):
            here = first[i] if end == 0 else second[i]
            there = second[i] if end == 0 else first[i]
            slot = degree[here]
            while slot > 0 and neighbour[here, slot - 1] > there:
                neighbour[here, slot] = neighbour[here, slot - 1]
                costs[here, slot] = costs[here, slot - 1]
                slot -= 1
            neighbour[here, slot] = there
            costs[here, slot] = cost[i]
            degree[here] += 1
    return neighbour, costs


@kernel()
def satellites_in_range(site_m: Floats, position_m: Floats, max_range_m: float) -> tuple[Ints, Ints32, Floats]:
    """All satellites within a distance of each site: offsets (K+1,), satellites and distances (V,)."""
    count, sites = position_m.shape[1], len(site_m)
    offset = np.zeros(sites + 1, dtype=np.int64)
    room = 64 * sites + count
    satellite = np.empty(room, dtype=np.int32)
    distance = np.empty(room)
    squared = np.empty(count)
    found = 0
    for site in range(sites):
        x, y, z = site_m[site, 0], site_m[site, 1], site_m[site, 2]
        for i in range(count):
            dx, dy, dz = position_m[0, i] - x, position_m[1, i] - y, position_m[2, i] - z
            squared[i] = dx * dx + dy * dy + dz * dz
        if found + count > room:
            room = 2 * (found + count)
            satellite = np.concatenate((satellite[:found], np.empty(room - found, dtype=np.int32)))
            distance = np.concatenate((distance[:found], np.empty(room - found)))
        for i in range(count):
            if squared[i] <= max_range_m * max_range_m:
                satellite[found] = i
                distance[found] = np.sqrt(squared[i])
                found += 1
        offset[site + 1] = found
    return offset, satellite[:found].copy(), distance[:found].copy()


@kernel()
def best_entries(offset: Ints, satellite: Ints32, first_leg: Floats, rows: Floats) -> tuple[Floats, Ints32]:
    """Over a station's satellites, the least of first leg plus cost to each target: (K, M) costs and satellites.

    rows  (N, M) costs from every satellite to every target
    """
    stations, targets = len(offset) - 1, rows.shape[1]
    cost = np.full((stations, targets), np.inf)
    entry = np.full((stations, targets), -1, dtype=np.int32)
    for station in range(stations):
        for i in range(offset[station], offset[station + 1]):
            here, leg = satellite[i], first_leg[i]
            for target in range(targets):
                through = leg + rows[here, target]
                if through < cost[station, target]:
                    cost[station, target] = through
                    entry[station, target] = here
    return cost, entry
