"""One direction of a link, compiled: decision for decision the same as `_direction`, on records in flat arrays.

The arrays are shared by all directions of an engine; a direction's record holds where its part begins.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from skyhaul._kernel import kernel
from skyhaul.emulation._chance import GOLDEN, MIX_1, MIX_2
from skyhaul.emulation._compiled_rows import delay_at, find_row, use_newest_table
from skyhaul.emulation._direction import MAX_LANES, MAX_PIECE, NEVER
from skyhaul.emulation._layout import LOG_HEAD, LOG_MISSED, LOG_TAIL
from skyhaul.emulation._settings import Cause

_NEVER = NEVER
_ROUNDING_NS = 1e-3
_NONE, _DROPPED, _ENTERED = 0, 1, 2
_DELIVERED, _QUEUE, _CODEL, _LOSS = int(Cause.DELIVERED), int(Cause.QUEUE), int(Cause.CODEL), int(Cause.LOSS)
_OUTAGE, _MEMORY = int(Cause.OUTAGE), int(Cause.MEMORY)
_GOLDEN, _MIX_1, _MIX_2 = np.uint64(GOLDEN), np.uint64(MIX_1), np.uint64(MIX_2)
_U1, _U11, _U27, _U30, _U31 = np.uint64(1), np.uint64(11), np.uint64(27), np.uint64(30), np.uint64(31)
_U0 = np.uint64(0)


@kernel()
def uniform(seed: Any, draw: int) -> float:
    """`_chance.uniform`."""
    z = seed + (np.uint64(draw) + _U1) * _GOLDEN
    z = (z ^ (z >> _U30)) * _MIX_1
    z = (z ^ (z >> _U27)) * _MIX_2
    return float((z ^ (z >> _U31)) >> _U11) * 2.0**-53


@kernel()
def tell(
    log: Any,
    control: Any,
    direction: int,
    serial: int,
    segments: int,
    wire_bytes: int,
    arrival: int,
    departure: int,
    release: int,
    written: int,
    cause: int,
    lost: Any,
) -> None:
    """Note a fate for Python, or count it as missed when Python has not kept up."""
    if log.size == 0:
        return
    head = control[LOG_HEAD]
    if head - control[LOG_TAIL] >= log.size:
        control[LOG_MISSED] += 1
        return
    fate = log[head % log.size]
    fate.direction, fate.serial, fate.segments, fate.wire_bytes = direction, serial, segments, wire_bytes
    fate.arrival, fate.departure, fate.release, fate.written = arrival, departure, release, written
    fate.cause, fate.lost = cause, lost
    control[LOG_HEAD] = head + 1


@kernel()
def drop(
    s: Any,
    d: int,
    log: Any,
    control: Any,
    cause: int,
    serial: int,
    segments: int,
    size: int,
    arrival: int,
    now: int,
) -> None:
    """Count and note segments that go no further."""
    s.segments[cause] += segments
    s.bytes[cause] += size
    tell(log, control, d, serial, segments, size, arrival, now, 0, 0, cause, _U0)


@kernel()
def piece_bytes(p: Any) -> Any:
    return (p.segments - 1) * p.segment_bytes + p.last_bytes


@kernel()
def count_bits(word: Any) -> int:
    bits = 0
    while word != _U0:
        word &= word - _U1
        bits += 1
    return bits


@kernel()
def draw_losses(s: Any, segments: int, loss: float) -> Any:
    lost = _U0
    leave, enter = 0.0, 0.0
    if s.bursts:
        leave = 1.0 / s.mean_burst
        enter = leave * max(0.0, loss - s.good_loss) / max(s.bad_loss - loss, 1e-300)
    for segment in range(segments):
        chance = loss
        if s.bursts:
            chance = s.bad_loss if s.bad else s.good_loss
            step = uniform(s.seed, s.draws + 2 * segment + 1)
            s.bad = int(step >= leave) if s.bad else int(step < enter)
        if uniform(s.seed, s.draws + 2 * segment) < chance:
            lost |= _U1 << np.uint64(segment)
    return lost


@kernel()
def control_law(time: int, count: int, interval: int) -> int:
    return time + int(interval / math.sqrt(count))


@kernel()
def codel_drops(s: Any, p: Any, now: int) -> bool:
    """Whether the head segment is dropped; the RFC's two loops, unrolled to one step a segment."""
    size = p.segment_bytes if p.segments > 1 else p.last_bytes
    ok = False
    if now - p.arrival < s.codel_target or s.waiting_bytes - size <= s.mtu:
        s.first_above = 0
    elif s.first_above == 0:
        s.first_above = now + s.codel_interval
    else:
        ok = now >= s.first_above
    pending = s.pending
    s.pending = _NONE
    if pending == _ENTERED:
        return False
    if pending == _DROPPED:
        if not ok:
            s.dropping = 0
            return False
        s.drop_next = control_law(s.drop_next, s.drop_count, s.codel_interval)
    if s.dropping:
        s.dropping = int(ok)
        if ok and now >= s.drop_next:
            s.drop_count += 1
            s.pending = _DROPPED
            return True
        return False
    if not ok:
        return False
    grown = s.drop_count - s.last_count
    recent = now - s.drop_next < 16 * s.codel_interval
    s.drop_count = grown if grown > 1 and recent else 1
    s.last_count = s.drop_count
    s.drop_next = control_law(now, s.drop_count, s.codel_interval)
    s.dropping = 1
    s.pending = _ENTERED
    return True


@kernel()
def survives_codel(s: Any, d: int, p: Any, now: int, log: Any, control: Any) -> bool:
    if not s.codel:
        return True
    while codel_drops(s, p, now):
        size = p.segment_bytes if p.segments > 1 else p.last_bytes
        drop(s, d, log, control, _CODEL, p.serial, 1, size, p.arrival, now)
        s.waiting_bytes -= size
        p.serial += 1
        p.first += 1
        p.segments -= 1
        if p.segments == 0:
            p.done = 1
            s.served += 1
            return False
    return True


@kernel()
def deliver(s: Any, d: int, p: Any, rows: Any, base: int, pieces: Any, lanes: Any) -> None:
    departure = s.free
    loss = rows[base + s.row].loss
    p.lost = _U0
    if loss > 0:
        p.lost = draw_losses(s, p.segments, loss)
    else:
        s.bad = 0
    s.draws += 2 * p.segments
    release = departure + delay_at(s, rows, base, departure)
    choice = d * MAX_LANES
    end = choice + s.lanes
    while choice + 1 < end and lanes[choice].last_release > release:
        choice += 1
    lane = lanes[choice]
    release = max(release, lane.last_release)
    p.departure, p.release, p.next = departure, release, -1
    lane.last_release = release
    if lane.first < 0:
        lane.first = s.served
    else:
        pieces[s.piece_base + (lane.last & s.piece_mask)].next = s.served
    lane.last = s.served
    size = piece_bytes(p)
    leave_queue(s, size)
    gone = count_bits(p.lost)
    gone_bytes = gone * p.segment_bytes
    if gone and p.lost >> np.uint64(p.segments - 1):
        gone_bytes += p.last_bytes - p.segment_bytes
    s.segments[_LOSS] += gone
    s.bytes[_LOSS] += gone_bytes
    s.segments[_DELIVERED] += p.segments - gone
    s.bytes[_DELIVERED] += size - gone_bytes


@kernel()
def leave_queue(s: Any, size: int) -> None:
    s.served += 1
    s.waiting_bytes -= size
    s.left = -1.0


@kernel()
def serve(s: Any, d: int, p: Any, start: int, rows: Any, pieces: Any, lanes: Any, log: Any, control: Any) -> bool:
    """Send the head piece from `start` on; False: the table as it is never lets it end."""
    base = s.row_base + (s.seen & 1) * s.row_room
    if start > s.free:
        s.free = start
        s.free_part = 0.0
    if s.left < 0:
        find_row(s, rows, base, start)
        if (rows[base + s.row].out == 0 or s.hold) and not survives_codel(s, d, p, start, log, control):
            return True
        s.left = float(piece_bytes(p))
    now = start
    while True:
        end = find_row(s, rows, base, now)
        out = rows[base + s.row].out != 0
        if out and not s.hold:
            size = piece_bytes(p)
            leave_queue(s, size)
            p.done = 1
            drop(s, d, log, control, _OUTAGE, p.serial, p.segments, size, p.arrival, now)
            s.free = now
            s.free_part = 0.0
            return True
        rate = 0.0 if out else rows[base + s.row].rate
        if rate > 0:
            need = s.left * 8e9 / rate + s.free_part
            if need <= end - now + _ROUNDING_NS:
                whole = min(int(need), end - now)
                s.free = now + whole
                s.free_part = max(0.0, need - whole) % 1.0
                deliver(s, d, p, rows, base, pieces, lanes)
                return True
            s.left = max(0.0, s.left - (end - now - s.free_part) * rate / 8e9)
        s.free_part = 0.0
        if end == _NEVER:
            s.free = now
            s.stalled = 1
            return False
        now = end
        s.free = end


@kernel()
def advance(s: Any, d: int, time: int, rows: Any, pieces: Any, lanes: Any, log: Any, control: Any) -> None:
    """Serve everything whose transmission begins at `time` or before."""
    while s.served < s.tail:
        p = pieces[s.piece_base + (s.served & s.piece_mask)]
        start = s.free if s.left >= 0 else max(s.free, p.arrival)
        if start > time or not serve(s, d, p, start, rows, pieces, lanes, log, control):
            return


@kernel()
def piece_segments(s: Any, rows: Any, time: int, segment_bytes: int) -> int:
    base = s.row_base + (s.seen & 1) * s.row_room
    find_row(s, rows, base, time)
    rate = rows[base + s.row].rate
    if rate == math.inf:
        return MAX_PIECE
    return max(1, min(MAX_PIECE, int(rate * s.burst / (8e9 * segment_bytes))))


@kernel()
def offer(
    s: Any,
    d: int,
    time: int,
    segment_bytes: int,
    last_bytes: int,
    segments: int,
    offset: int,
    length: int,
    header: int,
    rows: Any,
    pieces: Any,
    lanes: Any,
    log: Any,
    control: Any,
) -> int:
    """A packet comes, its bytes at `offset`; returns how many leading segments the queue took."""
    advance(s, d, time, rows, pieces, lanes, log, control)
    serial = s.offered
    s.offered += segments
    room = s.queue_bytes - s.waiting_bytes
    if s.served == s.tail and s.free <= time:
        room += segment_bytes
    taken = segments
    if (segments - 1) * segment_bytes + last_bytes > room:
        taken = min(segments - 1, max(0, room // segment_bytes))
        size = (segments - taken - 1) * segment_bytes + last_bytes
        drop(s, d, log, control, _QUEUE, serial + taken, segments - taken, size, time, time)
    if taken == 0:
        return 0
    most = piece_segments(s, rows, max(time, s.free), segment_bytes)
    first = 0
    while first < taken:
        if s.tail - s.head > s.piece_mask:
            left = taken - first
            size = (left - 1) * segment_bytes + (last_bytes if taken == segments else segment_bytes)
            drop(s, d, log, control, _MEMORY, serial + first, left, size, time, time)
            return first
        count = min(most, taken - first)
        p = pieces[s.piece_base + (s.tail & s.piece_mask)]
        p.serial, p.arrival, p.first, p.segments = serial + first, time, first, count
        p.segment_bytes = segment_bytes
        p.last_bytes = last_bytes if first + count == segments else segment_bytes
        p.offset, p.length, p.header, p.packet_segments = offset, length, header, segments
        p.done = 0
        s.tail += 1
        s.waiting_bytes += piece_bytes(p)
        first += count
    return taken


@kernel()
def first_due(s: Any, d: int, pieces: Any, lanes: Any) -> int:
    """The lane whose head is released first, or -1 when nothing is on the way."""
    best, when = -1, _NEVER
    for lane in range(d * MAX_LANES, d * MAX_LANES + s.lanes):
        first = lanes[lane].first
        if first >= 0:
            release = pieces[s.piece_base + (first & s.piece_mask)].release
            if release < when:
                best, when = lane, release
    return best


@kernel()
def take(s: Any, lane: int, pieces: Any, lanes: Any) -> None:
    """Take the head of a lane off, and free what is no longer needed."""
    p = pieces[s.piece_base + (lanes[lane].first & s.piece_mask)]
    p.done = 1
    lanes[lane].first = p.next
    free_done(s, pieces)


@kernel()
def free_done(s: Any, pieces: Any) -> None:
    while s.head < s.served and pieces[s.piece_base + (s.head & s.piece_mask)].done:
        s.head += 1
    if s.head == s.tail:
        s.byte_tail = 0


@kernel()
def event_after(s: Any, d: int, pieces: Any, lanes: Any) -> int:
    """When `advance` or `first_due` will next have something to do."""
    event = _NEVER
    lane = first_due(s, d, pieces, lanes)
    if lane >= 0:
        event = pieces[s.piece_base + (lanes[lane].first & s.piece_mask)].release
    if s.served < s.tail and not s.stalled:
        p = pieces[s.piece_base + (s.served & s.piece_mask)]
        event = min(event, max(s.free, p.arrival))
    return event


@kernel()
def run_arrivals(
    s: Any,
    rows: Any,
    pieces: Any,
    lanes: Any,
    log: Any,
    control: Any,
    times: Any,
    segment_bytes: Any,
    last_bytes: Any,
    segments: Any,
    until: int,
) -> None:
    """Offer a recorded sequence of arrivals to one direction, taking what is due on the way, to the time `until`."""
    for i in range(times.size + 1):
        time = times[i] if i < times.size else until
        use_newest_table(s, rows)
        while True:
            advance(s, 0, time, rows, pieces, lanes, log, control)
            lane = first_due(s, 0, pieces, lanes)
            if lane < 0:
                break
            p = pieces[s.piece_base + (lanes[lane].first & s.piece_mask)]
            if p.release > time:
                break
            cause = _LOSS if count_bits(p.lost) == p.segments else _DELIVERED
            tell(
                log, control, 0, p.serial, p.segments, piece_bytes(p), p.arrival, p.departure, p.release, p.release,
                cause, p.lost,
            )  # fmt: skip
            take(s, lane, pieces, lanes)
        free_done(s, pieces)
        if i < times.size:
            offer(
                s, 0, time, segment_bytes[i], last_bytes[i], segments[i], 0, 0, 0, rows, pieces, lanes, log, control
            )  # fmt: skip
