"""Shortest paths by relaxation sweeps: many targets at once in the lanes of vector registers.

Every satellite has a row of costs, one lane a target. A sweep goes over the satellites in some order and lowers each
row to the least of its neighbours' rows plus the link between. Wave fronts that run with the order go all the way in
one sweep, so two orders are taken forwards and backwards in turn: along the planes, and the same with each plane turned
round. Nine to thirteen sweeps settle +Grid. Graphs that are not numbered by planes are swept by distance instead.
Links are taken four at a time, as many as +Grid has; satellites with more take several turns.

The row operations are written as LLVM vectors of eight doubles. LLVM splits them where registers are narrower, so the
same code runs on processors with AVX-512, AVX2, SSE2 or NEON.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from skyhaul._kernel import kernel
from skyhaul.network._buckets import bucket_paths
from skyhaul.network._hops import TO_TARGET, UNREACHABLE
from skyhaul.types import Floats, Ints, Ints32

_SLOTS = 4
_LANES = 8

# Rows of 32 targets are fastest (four vectors hide each other's latency and share one look-up of neighbours); what is
# left over goes in rows of 8. A tuple's length is part of its type: each gets its own unrolled code.
_WIDE = (0, 0, 0, 0)
_NARROW = (0,)
_WIDE_FROM = 20

# Number of costs up to which they stay in a second-level cache: 2 MiB of doubles.
_IN_CACHE = 1 << 18

# Sweeps along planes after which orders by distance are tried.
_PATIENCE = 16

# Relative spacing of doubles, with a factor of 4 to spare.
_ROUNDING = 2.0**-50

_INT = ir.IntType(64)
_INDEX = ir.IntType(32)
_ROW = ir.VectorType(ir.DoubleType(), _LANES)
_HOPS = ir.VectorType(_INDEX, _LANES)


# What numba makes of an intrinsic is called without the typing context.
_operation = cast("Callable[[Callable[..., Any]], Callable[..., int]]", intrinsic)


def _splat(builder: Any, value: Any) -> Any:
    kind = ir.VectorType(value.type, _LANES)
    undefined = ir.Constant(kind, ir.Undefined)
    first = builder.insert_element(undefined, value, _INDEX(0))
    return builder.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(_INDEX, _LANES), [0] * _LANES))


def _vector_at(builder: Any, data: Any, index: Any, kind: Any) -> Any:
    return builder.bitcast(builder.gep(data, [index]), kind.as_pointer())


def _load(builder: Any, pointer: Any) -> Any:
    value = builder.load(pointer, typ=_ROW)
    value.align = 8
    return value


def _store(builder: Any, value: Any, pointer: Any, align: int) -> None:
    builder.store(value, pointer).align = align


def _data(context: Any, builder: Any, kind: Any, array: Any) -> Any:
    return context.make_array(kind)(context, builder, array).data


class _Row:
    """A satellite's lanes and those of its neighbours, with the links between, as generated code."""

    def __init__(self, context: Any, builder: Any, kinds: Any, arguments: Any) -> None:
        costs, first, _, neighbour, cost, row, turn = arguments[:7]
        self.builder = builder
        self.vectors = len(kinds[2])
        array = context.make_array(kinds[0])(context, builder, costs)
        self.costs = array.data
        width = builder.extract_value(array.shape, 1)
        table = context.make_array(kinds[3])(context, builder, neighbour)
        neighbours, links = table.data, _data(context, builder, kinds[4], cost)
        start = builder.mul(row, builder.extract_value(table.shape, 1))
        start = builder.add(start, builder.mul(turn, _INT(_SLOTS)))
        slots = [builder.add(start, _INT(slot)) for slot in range(_SLOTS)]
        self.satellites = [builder.load(builder.gep(neighbours, [slot]), typ=_INDEX) for slot in slots]
        self.links = [_splat(builder, builder.load(builder.gep(links, [slot]), typ=ir.DoubleType())) for slot in slots]
        rows = [row, *(builder.sext(satellite, _INT) for satellite in self.satellites)]
        self.own, *self.others = [builder.add(builder.mul(each, width), first) for each in rows]

    def pointer(self, vector: int) -> Any:
        return _vector_at(self.builder, self.costs, self.builder.add(self.own, _INT(_LANES * vector)), _ROW)

    def through(self, slot: int, vector: int) -> Any:
        """Costs through the neighbour in a slot."""
        index = self.builder.add(self.others[slot], _INT(_LANES * vector))
        return self.builder.fadd(
            _load(self.builder, _vector_at(self.builder, self.costs, index, _ROW)), self.links[slot]
        )


@_operation
def _relax(typing: Any, costs: Any, first: Any, groups: Any, neighbour: Any, cost: Any, row: Any, turn: Any) -> Any:
    """Lower the lanes of a row, from `first` on, to the least over four of its neighbours; not 0 if any fell."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        rows = _Row(context, builder, signature.args, arguments)
        fell = _INT(0)
        for vector in range(rows.vectors):
            before = least = _load(builder, rows.pointer(vector))
            for slot in range(_SLOTS):
                through = rows.through(slot, vector)
                least = builder.select(builder.fcmp_ordered("<", through, least), through, least)
            lanes = builder.bitcast(builder.fcmp_ordered("<", least, before), ir.IntType(_LANES))
            fell = builder.or_(fell, builder.zext(lanes, _INT))
            _store(builder, least, rows.pointer(vector), 8)
        return fell

    return types.int64(costs, types.intp, groups, neighbour, cost, types.intp, types.intp), generate


@_operation
def _finish(
    typing: Any,
    costs: Any,
    first: Any,
    groups: Any,
    neighbour: Any,
    cost: Any,
    row: Any,
    turn: Any,
    costs_out: Any,
    hops_out: Any,
    start: Any,
) -> Any:
    """Write a row's settled lanes out, from flat index `start` on, and those of their next hops that are here.

    The hop is the first of these four neighbours that attains the least. Where none does it stays what it was, and
    where there is no way it is none.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        rows = _Row(context, builder, signature.args, arguments)
        costs_data = _data(context, builder, signature.args[7], arguments[7])
        hops_data = _data(context, builder, signature.args[8], arguments[8])
        nowhere = ir.Constant(_ROW, [float("inf")] * _LANES)
        for vector in range(rows.vectors):
            index = builder.add(arguments[9], _INT(_LANES * vector))
            hops = _vector_at(builder, hops_data, index, _HOPS)
            hop = builder.load(hops, typ=_HOPS)
            hop.align = 4
            least = _load(builder, rows.pointer(vector))
            for slot in reversed(range(_SLOTS)):
                attains = builder.fcmp_ordered("<=", rows.through(slot, vector), least)
                hop = builder.select(attains, _splat(builder, rows.satellites[slot]), hop)
            reached = builder.fcmp_ordered("<", least, nowhere)
            hop = builder.select(reached, hop, _splat(builder, _INDEX(UNREACHABLE)))
            _store(builder, least, _vector_at(builder, costs_data, index, _ROW), 8)
            _store(builder, hop, hops, 4)
        return context.get_dummy_value()

    index = types.intp
    return types.none(costs, index, groups, neighbour, cost, index, index, costs_out, hops_out, index), generate


@kernel()
def _sweep(
    costs: Floats,
    first: int,
    groups: tuple[int, ...],
    neighbour: Ints32,
    cost: Floats,
    turns: Ints32,
    order: Ints32,
    backwards: bool,
) -> int:
    """Relax all rows; 0 if none fell."""
    fell = 0
    count = len(order)
    for i in range(count):
        row = order[count - 1 - i] if backwards else order[i]
        fell |= _relax(costs, first, groups, neighbour, cost, row, 0)
        for turn in range(1, turns[row]):
            fell |= _relax(costs, first, groups, neighbour, cost, row, turn)
    return fell


@kernel()
def _settle(
    offset: Ints,
    satellite: Ints32,
    last_leg: Floats,
    neighbour: Ints32,
    cost: Floats,
    turns: Ints32,
    orders: Ints32,
    groups: tuple[int, ...],
    first: int,
    most_sweeps: int,
    costs: Floats,
    hops: Ints32,
) -> bool:
    """Costs and hops of as many targets as `groups` has lanes, those from `first` on; False if sweeps are too few.

    Works in place while all costs fit the cache, else on columns of its own.
    """
    count, width = costs.shape
    lanes = _LANES * len(groups)
    last = min(first + lanes, len(offset) - 1)
    in_place = costs.size <= _IN_CACHE
    table = costs if in_place else np.empty((count, lanes))
    column = first if in_place else 0
    for row in range(count):
        table[row, column : column + lanes] = np.inf
    for target in range(first, last):
        lane = column + target - first
        for i in range(offset[target], offset[target + 1]):
            table[satellite[i], lane] = min(table[satellite[i], lane], last_leg[i])
    sweeps, fell = 0, 1
    while fell:
        if sweeps == most_sweeps:
            return False
        fell = _sweep(table, column, groups, neighbour, cost, turns, orders[sweeps // 2 % 2], sweeps % 2 == 1)
        sweeps += 1
    for row in range(count):
        hops[row, first : first + lanes] = TO_TARGET
        for turn in range(turns[row] - 1, -1, -1):
            _finish(table, column, groups, neighbour, cost, row, turn, costs, hops, row * width + first)
    for target in range(first, last):
        for i in range(offset[target], offset[target + 1]):
            if last_leg[i] == costs[satellite[i], target] and last_leg[i] < np.inf:
                hops[satellite[i], target] = TO_TARGET
    return True


@kernel()
def _sweep_all(
    neighbour: Ints32,
    cost: Floats,
    offset: Ints,
    satellite: Ints32,
    last_leg: Floats,
    wide: int,
    narrow: int,
    most_sweeps: int,
    costs: Floats,
    hops: Ints32,
) -> bool:
    """Fill `costs` and `hops` in `wide` and `narrow` blocks of targets; False as in `sweep_paths`."""
    count, degree = neighbour.shape
    slots = _SLOTS * -(-degree // _SLOTS)
    others = np.empty((count, slots), dtype=np.int32)
    links = np.full((count, slots), np.inf)
    turns = np.empty(count, dtype=np.int32)
    least, most = np.inf, 0.0
    for i in range(count):
        used = 0
        for slot in range(degree):
            if neighbour[i, slot] >= 0 and cost[i, slot] < np.inf:
                others[i, used], links[i, used] = neighbour[i, slot], cost[i, slot]
                least = min(least, cost[i, slot])
                most = max(most, cost[i, slot])
                used += 1
        others[i, used:] = i
        turns[i] = max(1, -(-used // _SLOTS))
    for leg in last_leg:
        if leg < np.inf:
            most = max(most, leg)
    # Every link must add to the cost of every path: with one that is lost in rounding, hops could go in circles.
    if not least > most * count * _ROUNDING:
        return False
    orders, patience = _plane_orders(others), min(_PATIENCE, most_sweeps)
    block = 0
    while block < wide + narrow:
        first = _LANES * (len(_WIDE) * min(block, wide) + len(_NARROW) * max(0, block - wide))
        if block < wide:
            settled = _settle(
                offset, satellite, last_leg, others, links, turns, orders, _WIDE, first, patience, costs, hops
            )
        else:
            settled = _settle(
                offset, satellite, last_leg, others, links, turns, orders, _NARROW, first, patience, costs, hops
            )
        if settled:
            block += 1
        elif patience == most_sweeps:
            return False
        else:
            orders, patience = _wave_orders(others, links), most_sweeps
    return True


@kernel()
def _plane_orders(neighbour: Ints32) -> Ints32:
    """(2, N) satellites by number, and by number with every plane turned round.

    A plane here is a run of satellites of which each is linked to the next.
    """
    count = len(neighbour)
    orders = np.empty((2, count), dtype=np.int32)
    start = 0
    for i in range(count):
        orders[0, i] = i
        linked = False
        for slot in range(neighbour.shape[1]):
            linked |= neighbour[i, slot] == i + 1
        if not linked:
            for j in range(start, i + 1):
                orders[1, j] = start + i - j
            start = i + 1
    return orders


@kernel()
def _wave_orders(neighbour: Ints32, cost: Floats) -> Ints32:
    """(2, N) satellites by their distance from one at the edge of the graph, and from one half-way across it."""
    count = len(neighbour)
    orders = np.empty((2, count), dtype=np.int32)
    offset, root, leg = np.array([0, 1]), np.zeros(1, dtype=np.int32), np.zeros(1)
    away = bucket_paths(neighbour, cost, offset, root, leg)[0][0]
    root[0] = _farthest(away)
    away = bucket_paths(neighbour, cost, offset, root, leg)[0][0]
    orders[0] = np.argsort(away)
    half = away[_farthest(away)] / 2.0
    for i in range(count):
        if abs(away[i] - half) < abs(away[root[0]] - half):
            root[0] = i
    orders[1] = np.argsort(bucket_paths(neighbour, cost, offset, root, leg)[0][0])
    return orders


@kernel()
def _farthest(away: Floats) -> int:
    farthest = 0
    for i in range(len(away)):
        if away[farthest] < away[i] < np.inf or away[farthest] == np.inf:
            farthest = i
    return farthest


def sweep_paths(
    neighbour: Ints32, cost: Floats, offset: Ints, satellite: Ints32, last_leg: Floats, most_sweeps: int
) -> tuple[Floats, Ints32] | None:
    """Least costs and next hops (M, N) from every satellite to every target.

    neighbour, cost              (N, D): a symmetric graph; −1 where there is no link
    offset, satellite, last_leg  the targets' last legs, as in `Targets`

    None when `most_sweeps` did not settle all costs, or a link is so cheap that it can be lost in rounding.
    """
    targets = len(offset) - 1
    wide, rest = divmod(targets, _LANES * len(_WIDE))
    if rest >= _WIDE_FROM:
        wide, rest = wide + 1, 0
    narrow = -(-rest // _LANES)
    width = _LANES * (wide * len(_WIDE) + narrow)
    # Rows that start a multiple of half a kilobyte apart would all go to the same few lines of the cache.
    width += _LANES if width % (_LANES * 8) == 0 else 0
    costs = np.empty((len(neighbour), width))
    hops = np.empty((len(neighbour), width), dtype=np.int32)
    if not _sweep_all(neighbour, cost, offset, satellite, last_leg, wide, narrow, most_sweeps, costs, hops):
        return None
    return costs.T[:targets], hops.T[:targets]
