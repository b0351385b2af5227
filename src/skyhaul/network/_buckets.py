"""Shortest paths by Dial's buckets: any graph, one target after another.

R. B. Dial, "Algorithm 360: shortest-path forest with topological ordering", CACM 12 (1969), 632–633. Buckets may be
wider than the shortest link, as in Meyer and Sanders, "Δ-stepping", J. Algorithms 49 (2003), 114–152: a bucket is
emptied until nothing falls back into it, so the costs stay exact and links of no cost at all do no harm.
"""

from __future__ import annotations

import numpy as np

from skyhaul._kernel import kernel
from skyhaul.network._hops import TO_TARGET, UNREACHABLE
from skyhaul.types import Floats, Ints, Ints32

# Most buckets: 128 KiB of heads, which stay in the second-level cache.
_MOST_BUCKETS = 1 << 15

# Buckets this much narrower than the mean link are full enough to be few and empty enough to need no second pass.
_BUCKETS_PER_LINK = 8.0

# Costs too small to divide by; they all go into one bucket.
_NO_COST = 1e-290


@kernel()
def _bucket_shape(neighbour: Ints32, cost: Floats, last_leg: Floats) -> tuple[float, int]:
    """The width of a bucket, and a power of two of them that cost can go round without meeting itself."""
    least, most, total, links = np.inf, 0.0, 0.0, 0
    for i in range(neighbour.shape[0]):
        for slot in range(neighbour.shape[1]):
            if neighbour[i, slot] >= 0 and cost[i, slot] < np.inf:
                least = min(least, cost[i, slot])
                most = max(most, cost[i, slot])
                total += cost[i, slot]
                links += 1
    low, high = np.inf, 0.0
    for leg in last_leg:
        if leg < np.inf:
            low = min(low, leg)
            high = max(high, leg)
    reach = max(most, high - low)
    if reach <= _NO_COST:
        return 1.0, 1
    width = reach / (_MOST_BUCKETS - 3)
    if links > 0:
        width = max(width, least, total / links / _BUCKETS_PER_LINK)
    buckets = 1
    while buckets < reach / width + 3.0:
        buckets *= 2
    return width, buckets


@kernel()
def bucket_paths(
    neighbour: Ints32, cost: Floats, offset: Ints, satellite: Ints32, last_leg: Floats
) -> tuple[Floats, Ints32]:
    """Least costs and next hops (M, N) from every satellite to every target.

    neighbour, cost              (N, D): a symmetric graph, costs 0 or more; −1 where there is no link
    offset, satellite, last_leg  the targets' last legs, as in `Targets`
    """
    count, degree = neighbour.shape
    targets = len(offset) - 1
    costs = np.empty((targets, count))
    hops = np.empty((targets, count), dtype=np.int32)
    width, buckets = _bucket_shape(neighbour, cost, last_leg)
    head = np.empty(buckets, dtype=np.int32)
    settled = np.empty(count)
    room = count * (degree + 1)
    chain = np.empty((2, room), dtype=np.int32)
    for target in range(targets):
        entries = slice(offset[target], offset[target + 1])
        legs = last_leg[entries]
        while not _settle(
            neighbour, cost, satellite[entries], legs, 1.0 / width, head, chain, settled, costs[target], hops[target]
        ):
            room = 2 * room + len(legs)
            chain = np.empty((2, room), dtype=np.int32)
    return costs, hops


@kernel()
def _settle(
    neighbour: Ints32,
    cost: Floats,
    satellite: Ints32,
    last_leg: Floats,
    per_width: float,
    head: Ints32,
    chain: Ints32,
    settled: Floats,
    best: Floats,
    hop: Ints32,
) -> bool:
    """Costs and hops towards one target; False when `chain` has too little room.

    A bucket is a chain of entries (satellite, next entry). A satellite whose cost falls gets one more; old ones lapse.
    """
    node, after = chain[0], chain[1]
    room, mask = chain.shape[1], len(head) - 1
    head[:] = -1
    settled[:] = np.inf
    best[:] = np.inf
    hop[:] = UNREACHABLE
    base = np.inf
    for leg in last_leg:
        base = min(base, leg)
    waiting, used, free = 0, 0, -1
    for i in range(len(satellite)):
        near = satellite[i]
        if last_leg[i] < best[near]:
            best[near] = last_leg[i]
            hop[near] = TO_TARGET
            place = int((last_leg[i] - base) * per_width) & mask
            if used == room:
                return False
            node[used], after[used] = near, head[place]
            head[place] = used
            used += 1
            waiting += 1
    now = 0
    while waiting:
        place = now & mask
        entry = head[place]
        while entry >= 0:
            near = node[entry]
            head[place] = after[entry]
            after[entry] = free
            free = entry
            waiting -= 1
            here = best[near]
            if here < settled[near]:
                settled[near] = here
                for slot in range(neighbour.shape[1]):
                    far = neighbour[near, slot]
                    if far < 0:
                        continue
                    through = here + cost[near, slot]
                    if through < best[far]:
                        best[far] = through
                        hop[far] = near
                        ahead = int((through - base) * per_width) & mask
                        if free >= 0:
                            new = free
                            free = after[new]
                        else:
                            if used == room:
                                return False
                            new = used
                            used += 1
                        node[new], after[new] = far, head[ahead]
                        head[ahead] = new
                        waiting += 1
                    elif through == best[far] and here < through and near < hop[far]:
                        # Of equals the lowest number, and no link of no cost, lest two point at each other.
                        hop[far] = near
            entry = head[place]
        now += 1
    return True
