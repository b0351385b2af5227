"""One walk through all custody events: who has what after each, where the record has a gap, whom it ever touched."""

from __future__ import annotations

import numpy as np

from skyhaul._kernel import kernel
from skyhaul.types import Bools, Bytes, Ints, Ints32

# Steps as numbers, in the order of `Step`.
COMMISSIONING, SHIPPING, RECEIVING, TRANSFER, SPLIT, DESTROYING = range(6)

NOBODY_KNOWN = -1  # a party that is not recorded
NOT_YET = -2  # before the first event of an item
DESTROYED = -3
AT_REST = -4  # not under way to anybody

# What is not known just before an event.
(
    NO_GAP,
    NO_BEGINNING,
    OTHER_GIVER,
    UNKNOWN_GIVER,
    OTHER_RECEIVER,
    NOT_RECEIVED,
    MADE_TWICE,
    SPLIT_TWICE,
    AFTER_THE_END,
    IN_A_CIRCLE,
) = range(10)

NEVER = np.iinfo(np.int64).max


@kernel()
def lots_first(lot: Ints32) -> tuple[Ints32, Bools]:
    """An order of items in which every lot comes before its parts, and which items are parts of themselves.

    lot (I,)   the item that each was split from, or -1
    """
    count = len(lot)
    order = np.empty(count, dtype=np.int32)
    circular = np.zeros(count, dtype=np.bool_)
    state = np.zeros(count, dtype=np.int8)  # 0 not seen, 1 on the path, 2 in the order
    path = np.empty(count, dtype=np.int32)
    filled = 0
    for start in range(count):
        length = 0
        at = start
        while at >= 0 and state[at] == 0:
            state[at] = 1
            path[length] = at
            length += 1
            at = lot[at]
        if at >= 0 and state[at] == 1:
            first = at
            circular[at] = True
            at = lot[at]
            while at != first:
                circular[at] = True
                at = lot[at]
        for i in range(length - 1, -1, -1):
            state[path[i]] = 2
            order[filled] = path[i]
            filled += 1
    return order, circular


@kernel()
def walk(
    order: Ints32,
    circular: Bools,
    offset: Ints,
    time: Ints,
    step: Bytes,
    giver: Ints32,
    receiver: Ints32,
    lot: Ints32,
    taken_from: Ints32,
    holder: Ints32,
    under_way: Ints32,
    gap: Bytes,
) -> None:
    """Fill in, after each event (E,), who holds the item and whom it is under way to, and the gap before each event.

    offset (I + 1)   events of item i are offset[i] to offset[i + 1], in order
    lot (E,)         for splits, the lot's item
    taken_from (I,)  the item that each was first split from, or -1
    """
    for item in order:
        has, to = NOT_YET, AT_REST
        split = False
        for e in range(offset[item], offset[item + 1]):
            what, out, into = int(step[e]), int(giver[e]), int(receiver[e])
            hole = NO_GAP
            if has == DESTROYED:
                hole = AFTER_THE_END
            elif has == NOT_YET and what not in (COMMISSIONING, SPLIT):
                hole = NO_BEGINNING
            if what == COMMISSIONING:
                if has != NOT_YET:
                    hole = MADE_TWICE
                has, to = into, AT_REST
            elif what == SPLIT:
                if split:
                    hole = SPLIT_TWICE
                elif circular[item]:
                    hole = IN_A_CIRCLE
                    has = NOBODY_KNOWN
                else:
                    split = True
                    has, to = _state_at(lot[e], time[e], offset, time, taken_from, circular, holder, under_way)
                    if has == NOT_YET:
                        hole, has = NO_BEGINNING, NOBODY_KNOWN
            else:
                if hole == NO_GAP:
                    hole = _gap_before(what, out, into, has, to)
                if what == SHIPPING:
                    has, to = out, into
                elif what == DESTROYING:
                    has, to = DESTROYED, AT_REST
                else:
                    has, to = into, AT_REST
            holder[e], under_way[e], gap[e] = has, to, hole


@kernel()
def _gap_before(what: int, out: int, into: int, has: int, to: int) -> int:
    """What is not known between the last event, after which `has` has the item on its way `to`, and the next."""
    if what == RECEIVING and to != AT_REST:
        if to != NOBODY_KNOWN and to != into:
            return OTHER_RECEIVER
        return OTHER_GIVER if out != NOBODY_KNOWN and out != has else NO_GAP
    if to != AT_REST:
        return NOT_RECEIVED
    if what == DESTROYING and out == NOBODY_KNOWN:
        return NO_GAP
    if out == NOBODY_KNOWN or has == NOBODY_KNOWN:
        return UNKNOWN_GIVER
    return OTHER_GIVER if out != has else NO_GAP


@kernel()
def _state_at(
    item: int,
    instant: int,
    offset: Ints,
    time: Ints,
    taken_from: Ints32,
    circular: Bools,
    holder: Ints32,
    under_way: Ints32,
) -> tuple[int, int]:
    """Who has an item, and whom it is under way to, after its events up to an instant; before its first it is where
    the lot is that it will be split from."""
    while item >= 0:
        last = -1
        for e in range(offset[item], offset[item + 1]):
            if time[e] > instant:
                break
            last = e
        if last >= 0:
            return int(holder[last]), int(under_way[last])
        item = -1 if circular[item] else int(taken_from[item])
    return NOT_YET, AT_REST


@kernel()
def touch(
    order: Ints32,
    circular: Bools,
    offset: Ints,
    time: Ints,
    step: Bytes,
    giver: Ints32,
    receiver: Ints32,
    lot: Ints32,
    first_split: Ints,
    under_way: Ints32,
    gap: Bytes,
    sought: Bools,
    touched: Ints,
    sent: Ints,
    hole: Ints,
) -> None:
    """Fill in for each item (I,) when it was first with a sought party, first sent to one, and first not accounted for;
    NEVER where it was not. Parts have what their lot had up to first_split (I,), an event or -1; sought (parties,)."""
    for item in order:
        with_, to, lost = NEVER, NEVER, NEVER
        for e in range(offset[item], offset[item + 1]):
            what, out, into = step[e], giver[e], receiver[e]
            if e == first_split[item] and not circular[item]:
                if touched[lot[e]] <= time[e]:
                    with_ = min(with_, touched[lot[e]])
                if sent[lot[e]] <= time[e]:
                    to = min(to, sent[lot[e]])
                if hole[lot[e]] <= time[e]:
                    lost = min(lost, hole[lot[e]])
            if what != SPLIT and out >= 0 and sought[out]:
                with_ = min(with_, time[e])
            if into >= 0 and sought[into]:
                if what == SHIPPING:
                    to = min(to, time[e])
                elif what not in (SPLIT, DESTROYING):
                    with_ = min(with_, time[e])
            if gap[e] != NO_GAP:
                lost = min(lost, time[e])
        last = offset[item + 1] - 1
        if last >= offset[item] and under_way[last] != AT_REST:
            lost = min(lost, time[last])
        touched[item], sent[item], hole[item] = with_, to, lost
