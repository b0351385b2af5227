"""One direction of a link as a state machine in virtual time: queue, serialiser, loss, delay, order.

Packets are offered with the time they came; what becomes of each follows from the offers alone, never from when
anybody looks. This is the plain form, the oracle of the compiled one (`_compiled_direction`) and the fall-back.

A segment is one packet on the wire. A super-packet (segmentation offload) is offered as the segments it stands for and
served in pieces: runs of segments of at most `burst_ns` of link time, so that a slow link is as exact as without
offload. Queue and loss count segments; CoDel drops them one by one from the head piece.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from skyhaul.emulation._chance import uniform
from skyhaul.emulation._packets import Shape
from skyhaul.emulation._settings import Cause, Codel, DirectionSettings
from skyhaul.emulation._table import LinkTable

NEVER = 1 << 62
MAX_PIECE = 64  # segments of a piece: their losses are bits of one word
_ROUNDING_NS = 1e-3  # what rounding may add up to; it must not cost a wait for the next row
MAX_LANES = 8  # how many packets deep overtaking can go; each lane is in order


@dataclass(slots=True)
class Piece:
    """A run of segments of one packet that is served as one.

    serial          number of its first segment, in order of arrival
    first           index of that segment in its packet
    segments        how many
    segment_bytes   wire bytes of each but the last, and of the last
    departure_ns    when its last bit has left the sender; `release_ns`: when it is to reach the receiver
    lost            bit i: segment i is lost on the way
    shape, packet   of the packet it belongs to
    """

    serial: int
    arrival_ns: int
    first: int
    segments: int
    segment_bytes: int
    last_bytes: int
    shape: Shape
    packet: bytes
    departure_ns: int = 0
    release_ns: int = 0
    lost: int = 0

    @property
    def wire_bytes(self) -> int:
        return (self.segments - 1) * self.segment_bytes + self.last_bytes

    @property
    def fate(self) -> Fate:
        """Served; LOSS when every segment was lost on the way."""
        cause = Cause.LOSS if self.lost.bit_count() == self.segments else Cause.DELIVERED
        return Fate(
            self.serial,
            self.segments,
            self.wire_bytes,
            self.arrival_ns,
            self.departure_ns,
            self.release_ns,
            cause,
            self.lost,
        )


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a run of segments: decided at `departure_ns`, due at the receiver at `release_ns` if served."""

    serial: int
    segments: int
    wire_bytes: int
    arrival_ns: int
    departure_ns: int
    release_ns: int
    cause: Cause
    lost: int


class Direction:
    """One direction: `offer` what comes, then take what is `due`; `dropped` is told what never will be."""

    def __init__(
        self, settings: DirectionSettings, table: LinkTable, dropped: Callable[[Fate], None] | None = None
    ) -> None:
        self.settings = settings
        self.segments = [0] * len(Cause)
        self.bytes = [0] * len(Cause)
        self.offered = 0
        self._dropped = dropped
        self._waiting: deque[Piece] = deque()
        self._waiting_bytes = 0
        self._left = -1.0  # bytes of the head piece still to be sent; below 0: not begun
        self._free_ns = -NEVER
        self._free_part = 0.0  # of a nanosecond, so that a busy link loses none to rounding
        self._stalled = False
        self._lanes: list[deque[Piece]] = [deque() for _ in range(MAX_LANES if settings.reorder else 1)]
        self._lane_last = [-NEVER] * len(self._lanes)
        self._draws = 0
        self._bad = False
        self._dropping = False
        self._drop_next = 0
        self._drop_count = 0
        self._last_count = 0
        self._first_above = 0
        self._pending = _NONE
        self.use(table)

    def use(self, table: LinkTable) -> None:
        """Follow `table` from here on; what has been served stays served."""
        self._time = [int(t) for t in table.time_ns]
        self._delay = [int(d) for d in table.delay_ns]
        self._rate = [float(r) for r in table.rate_bps]
        self._loss = [float(p) for p in table.loss]
        self._out = [bool(o) for o in table.outage]
        self._period = table.period_ns
        self._row, self._turn = 0, 0
        if self._stalled:
            self._free_ns = max(self._free_ns, self._time[0])
            self._stalled = False

    def offer(self, time_ns: int, shape: Shape, packet: bytes = b"") -> int:
        """A packet comes; returns how many of its leading segments the queue took. Times never fall between calls."""
        self.advance(time_ns)
        segments, segment_bytes, last_bytes = shape.segments, shape.segment_bytes, shape.last_bytes
        serial = self.offered
        self.offered += segments
        room = self.settings.queue_bytes - self._waiting_bytes
        if not self._waiting and self._free_ns <= time_ns:
            room += segment_bytes  # the first goes to the idle link, and does not wait
        taken = segments
        if (segments - 1) * segment_bytes + last_bytes > room:
            taken = min(segments - 1, max(0, room // segment_bytes))
            size = (segments - taken - 1) * segment_bytes + last_bytes
            self._drop(Cause.QUEUE, serial + taken, segments - taken, size, time_ns, time_ns)
        most = self._piece_segments(max(time_ns, self._free_ns), segment_bytes) if taken else 1
        for first in range(0, taken, most):
            count = min(most, taken - first)
            last = last_bytes if first + count == segments else segment_bytes
            piece = Piece(serial + first, time_ns, first, count, segment_bytes, last, shape, packet)
            self._waiting.append(piece)
            self._waiting_bytes += piece.wire_bytes
        return taken

    def advance(self, time_ns: int) -> None:
        """Serve everything whose transmission begins at `time_ns` or before."""
        while self._waiting:
            start = self._free_ns if self._left >= 0 else max(self._free_ns, self._waiting[0].arrival_ns)
            if start > time_ns or not self._serve(self._waiting[0], start):
                return

    def due(self, time_ns: int) -> Piece | None:
        """The next piece whose release time has come, or none."""
        lane = min(self._lanes, key=_head_release)
        return lane.popleft() if lane and lane[0].release_ns <= time_ns else None

    @property
    def next_event_ns(self) -> int:
        """When `advance` or `due` will next have something to do."""
        event = min(_head_release(lane) for lane in self._lanes)
        if self._waiting and not self._stalled:
            event = min(event, max(self._free_ns, self._waiting[0].arrival_ns))
        return event

    @property
    def queued_bytes(self) -> int:
        """Wire bytes that wait for the rate, the packet that is being sent included."""
        return self._waiting_bytes

    def _piece_segments(self, time_ns: int, segment_bytes: int) -> int:
        self._find_row(time_ns)
        rate = self._rate[self._row]
        if rate == math.inf:
            return MAX_PIECE
        return max(1, min(MAX_PIECE, int(rate * self.settings.burst_ns / (8e9 * segment_bytes))))

    def _serve(self, piece: Piece, start: int) -> bool:
        """Send the head piece from `start` on; False: the table as it is never lets it end."""
        if start > self._free_ns:
            self._free_ns, self._free_part = start, 0.0
        hold = self.settings.hold_outage
        if self._left < 0:
            self._find_row(start)
            if (not self._out[self._row] or hold) and not self._survives_codel(piece, start):
                return True
            self._left = float(piece.wire_bytes)
        now = start
        while True:
            end = self._find_row(now)
            out = self._out[self._row]
            if out and not hold:
                self._leave_queue(piece)
                self._drop(Cause.OUTAGE, piece.serial, piece.segments, piece.wire_bytes, piece.arrival_ns, now)
                self._free_ns, self._free_part = now, 0.0
                return True
            rate = 0.0 if out else self._rate[self._row]
            if rate > 0:
                need = self._left * 8e9 / rate + self._free_part
                if need <= end - now + _ROUNDING_NS:
                    whole = min(int(need), end - now)
                    self._free_ns, self._free_part = now + whole, max(0.0, need - whole) % 1.0
                    self._deliver(piece)
                    return True
                self._left = max(0.0, self._left - (end - now - self._free_part) * rate / 8e9)
            self._free_part = 0.0
            if end == NEVER:
                self._free_ns = now
                self._stalled = True
                return False
            self._free_ns = now = end

    def _deliver(self, piece: Piece) -> None:
        departure = self._free_ns
        loss = self._loss[self._row]
        if loss > 0:
            piece.lost = self._draw_losses(piece.segments, loss)
        else:
            self._bad = False
        self._draws += 2 * piece.segments
        release = departure + self._delay_at(departure)
        lane = 0
        while lane + 1 < len(self._lanes) and self._lane_last[lane] > release:
            lane += 1
        release = max(release, self._lane_last[lane])
        piece.departure_ns, piece.release_ns = departure, release
        self._lane_last[lane] = release
        self._lanes[lane].append(piece)
        self._leave_queue(piece)
        gone = piece.lost.bit_count()
        gone_bytes = gone * piece.segment_bytes
        if piece.lost >> (piece.segments - 1):
            gone_bytes += piece.last_bytes - piece.segment_bytes
        self.segments[Cause.LOSS] += gone
        self.bytes[Cause.LOSS] += gone_bytes
        self.segments[Cause.DELIVERED] += piece.segments - gone
        self.bytes[Cause.DELIVERED] += piece.wire_bytes - gone_bytes

    def _leave_queue(self, piece: Piece) -> None:
        self._waiting.popleft()
        self._waiting_bytes -= piece.wire_bytes
        self._left = -1.0

    def _drop(self, cause: Cause, serial: int, segments: int, size: int, arrival: int, now: int) -> None:
        self.segments[cause] += segments
        self.bytes[cause] += size
        if self._dropped is not None:
            self._dropped(Fate(serial, segments, size, arrival, now, 0, cause, 0))

    def _find_row(self, time_ns: int) -> int:
        """Move to the row in force at a time, never backwards; returns when that row ends."""
        if self._period:
            ahead = time_ns - self._time[0] - self._turn
            if ahead >= self._period:
                self._row, self._turn = 0, self._turn + ahead // self._period * self._period
        while True:
            end = self._next_time()
            if end > time_ns:
                return end
            self._row += 1
            if self._row == len(self._time):
                self._row = 0
                self._turn += self._period

    def _next_time(self) -> int:
        if self._row + 1 < len(self._time):
            return self._time[self._row + 1] + self._turn
        return self._time[0] + self._turn + self._period if self._period else NEVER

    def _delay_at(self, time_ns: int) -> int:
        end = self._find_row(time_ns)
        begin, delay = self._time[self._row] + self._turn, self._delay[self._row]
        if end == NEVER or time_ns <= begin:
            return delay
        after = self._delay[self._row + 1 if self._row + 1 < len(self._time) else 0]
        return delay + math.floor(float(after - delay) * float(time_ns - begin) / float(end - begin))

    def _draw_losses(self, segments: int, loss: float) -> int:
        bursts, seed = self.settings.bursts, self.settings.seed
        lost = 0
        leave = enter = 0.0
        if bursts is not None:
            leave = 1.0 / bursts.mean_burst
            enter = leave * max(0.0, loss - bursts.good_loss) / max(bursts.bad_loss - loss, 1e-300)
        for segment in range(segments):
            chance = loss
            if bursts is not None:
                chance = bursts.bad_loss if self._bad else bursts.good_loss
                step = uniform(seed, self._draws + 2 * segment + 1)
                self._bad = step >= leave if self._bad else step < enter
            if uniform(seed, self._draws + 2 * segment) < chance:
                lost |= 1 << segment
        return lost

    def _survives_codel(self, piece: Piece, now: int) -> bool:
        """Drop segments off the head as RFC 8289 section 5 has it; False: none is left of the piece."""
        codel = self.settings.codel
        if codel is None:
            return True
        while self._codel_drops(codel, piece, now):
            size = piece.segment_bytes if piece.segments > 1 else piece.last_bytes
            self._drop(Cause.CODEL, piece.serial, 1, size, piece.arrival_ns, now)
            self._waiting_bytes -= size
            piece.serial, piece.first, piece.segments = piece.serial + 1, piece.first + 1, piece.segments - 1
            if piece.segments == 0:
                self._waiting.popleft()
                return False
        return True

    def _codel_drops(self, codel: Codel, piece: Piece, now: int) -> bool:
        """Whether the head segment is dropped; the RFC's two loops, unrolled to one step a segment."""
        size = piece.segment_bytes if piece.segments > 1 else piece.last_bytes
        ok = False
        if now - piece.arrival_ns < codel.target_ns or self._waiting_bytes - size <= self.settings.mtu:
            self._first_above = 0
        elif self._first_above == 0:
            self._first_above = now + codel.interval_ns
        else:
            ok = now >= self._first_above
        pending, self._pending = self._pending, _NONE
        if pending == _ENTERED:
            return False
        if pending == _DROPPED:
            if not ok:
                self._dropping = False
                return False
            self._drop_next = _control_law(self._drop_next, self._drop_count, codel.interval_ns)
        if self._dropping:
            self._dropping = ok
            if ok and now >= self._drop_next:
                self._drop_count += 1
                self._pending = _DROPPED
                return True
            return False
        if not ok:
            return False
        grown = self._drop_count - self._last_count
        recent = now - self._drop_next < 16 * codel.interval_ns
        self._drop_count = self._last_count = grown if grown > 1 and recent else 1
        self._drop_next = _control_law(now, self._drop_count, codel.interval_ns)
        self._dropping = True
        self._pending = _ENTERED
        return True


# What the CoDel step before this one left to be done at the same instant.
_NONE, _DROPPED, _ENTERED = 0, 1, 2


def _control_law(time_ns: int, count: int, interval_ns: int) -> int:
    return time_ns + int(interval_ns / math.sqrt(count))


def _head_release(lane: deque[Piece]) -> int:
    return lane[0].release_ns if lane else NEVER
