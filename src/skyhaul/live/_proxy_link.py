"""A terminal's link for streams and datagrams in place of packets: what `skyhaul proxy` can do of it without rights.

Both directions are the state machine of the engine's plain form (`skyhaul.emulation.Direction`) with the same tables:
bytes are cut into packets of the link's size, served at its rate in virtual time, shared by all connections, and held
for its delay. Datagrams are packets: queued up to the queue's end, lost by the link's loss and in its outages.

A stream through a proxy is two TCP connections, whose senders are answered at once: what a loss does to a real sender's
window cannot be shown. A lost segment holds its stream up for a round trip, as its repetition would, and nothing else;
an outage holds everything until its end.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from skyhaul.emulation import Direction, DirectionSettings, LinkTable, Shape
from skyhaul.emulation._direction import NEVER, Piece
from skyhaul.live._status import StatusLine
from skyhaul.live._tables import TableSource

MTU = 1500
STREAM_HEADERS = 52  # IPv4 (RFC 791) 20, TCP (RFC 9293) 20 with time stamps (RFC 7323) 12
DATAGRAM_HEADERS = 28  # IPv4 20, UDP (RFC 768) 8
BARE_SEGMENT = 40  # SYN, FIN: IPv4 and TCP without data
QUEUE_NS = 100_000_000  # at the highest rate, as `skyhaul link` has it
_SEGMENT_DATA = MTU - STREAM_HEADERS
_LEAST_QUEUE = 16 * MTU
_LEAST_SHARE = 4 * MTU
_UNDELIVERED = 1 << 20  # bytes that may wait for a receiver that does not read
_MOST_AT_ONCE = 1 << 16
_PATIENCE_S = 0.005

Deliver = Callable[[bytes], None]


@dataclass(slots=True)
class Flow:
    """One direction of one connection: its bytes are delivered in order.

    deliver   takes what has arrived; held: bytes it has not passed on yet
    """

    way: int
    deliver: Deliver
    held: Callable[[], int] = lambda: 0
    queued: int = 0
    ready_ns: int = 0
    pending: deque[tuple[int, bytes]] = field(default_factory=deque)


@dataclass(slots=True)
class _Packet:
    """What was offered as one packet: of a stream, or a datagram."""

    data: bytes
    flow: Flow
    datagram: bool
    lost: bool = False


class ProxyLink:
    """One terminal's link. Everything is called in the event loop but `use`, which may come from any thread."""

    def __init__(self, source: TableSource, terminal: int = 0, status: StatusLine | None = None) -> None:
        now = time.monotonic_ns()
        self._source, self._terminal, self._status = source, terminal, status
        self._loop = asyncio.get_running_loop()
        self._tables = [source.window(2 * terminal + way, now) for way in range(2)]
        self._directions = [
            Direction(DirectionSettings(hold_outage=True, seed=way, mtu=MTU), table)
            for way, table in enumerate(self._tables)
        ]
        self.queue_bytes = [
            int(max(_LEAST_QUEUE, min(source.bounds(2 * terminal + way).rate_bps, 10e9) / 8e9 * QUEUE_NS))
            for way in range(2)
        ]
        self._packets: tuple[dict[int, _Packet], dict[int, _Packet]] = ({}, {})
        self._timer: asyncio.TimerHandle | None = None
        self._room = asyncio.Event()
        self.flows = 0
        self.delivered_bytes = [0, 0]
        self.dropped = [0, 0]

    def use(self, direction: int, table: LinkTable) -> None:
        """Follow a new window: `TableSource.follow` calls this."""
        if direction // 2 == self._terminal:
            self._loop.call_soon_threadsafe(self._follow, direction % 2, table)

    def _follow(self, way: int, table: LinkTable) -> None:
        self._directions[way].use(table)
        self._tables[way] = table
        self._serve()

    def portion(self, way: int) -> int:
        """How many bytes of a stream to read at a time, so that a slow link is shared in small turns."""
        return min(_MOST_AT_ONCE, max(_SEGMENT_DATA, self._share(way) // 2))

    async def carry(self, flow: Flow, data: bytes) -> None:
        """Send bytes of a stream; returns when the link has room for more of it."""
        direction = self._directions[flow.way]
        while flow.queued >= self._share(flow.way) or flow.held() > _UNDELIVERED:
            self._room.clear()
            try:
                await asyncio.wait_for(self._room.wait(), _PATIENCE_S)
            except TimeoutError:
                self._serve()
        segments = -(-len(data) // _SEGMENT_DATA)
        last = len(data) - (segments - 1) * _SEGMENT_DATA + STREAM_HEADERS
        self._offer(direction, Shape(segments, MTU if segments > 1 else last, last), _Packet(data, flow, False))

    async def signal(self, way: int) -> None:
        """Send a segment without data, and wait until it has arrived."""
        arrived = self._loop.create_future()

        def deliver(_: bytes) -> None:
            if not arrived.done():
                arrived.set_result(None)

        self._offer(self._directions[way], Shape.single(BARE_SEGMENT), _Packet(b"", Flow(way, deliver), False))
        await arrived

    def send_datagram(self, flow: Flow, data: bytes, size: int | None = None) -> bool:
        """Send a datagram; False where the queue or an outage drops it at once. `size`: of its content, if not all."""
        direction, now = self._directions[flow.way], time.monotonic_ns()
        direction.advance(now)
        size = (len(data) if size is None else size) + DATAGRAM_HEADERS
        full = direction.queued_bytes > 0 and direction.queued_bytes + size > self.queue_bytes[flow.way]
        if full or _is_out(self._tables[flow.way], now, now):
            self._count(flow.way, 0, 1, 1, 0)
            return False
        segments = -(-size // MTU)
        shape = Shape(segments, MTU if segments > 1 else size, size - (segments - 1) * MTU)
        self._offer(direction, shape, _Packet(data, flow, True))
        return True

    def rtt_s(self) -> float:
        """Round trip of a packet sent now."""
        now = np.array([time.monotonic_ns()])
        return float(sum(table.delay_at(now)[0] for table in self._tables)) * 1e-9

    def close(self) -> None:
        """Deliver nothing more."""
        if self._timer is not None:
            self._timer.cancel()

    def _share(self, way: int) -> int:
        return max(_LEAST_SHARE, self.queue_bytes[way] // max(1, self.flows))

    def _offer(self, direction: Direction, shape: Shape, packet: _Packet) -> None:
        self._packets[packet.flow.way][direction.offered] = packet
        if not packet.datagram:
            packet.flow.queued += len(packet.data)
        direction.offer(time.monotonic_ns(), shape)
        self._serve()

    def _serve(self) -> None:
        """Deliver what is due, and come back when something is next."""
        now = time.monotonic_ns()
        for way, direction in enumerate(self._directions):
            direction.advance(now)
            while (piece := direction.due(now)) is not None:
                self._arrive(way, piece, now)
        next_ns = min(direction.next_event_ns for direction in self._directions)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if next_ns < NEVER:
            self._timer = self._loop.call_later(max(0, next_ns - now) * 1e-9, self._serve)

    def _arrive(self, way: int, piece: Piece, now: int) -> None:
        serial = piece.serial - piece.first
        packet = self._packets[way][serial]
        flow, segments = packet.flow, piece.shape.segments
        last = piece.first + piece.segments == segments
        if last:
            del self._packets[way][serial]
        waited = piece.departure_ns - piece.arrival_ns
        if packet.datagram:
            lost = bool(piece.lost) or _is_out(self._tables[way], piece.arrival_ns, piece.departure_ns)
            packet.lost = packet.lost or lost
            self._count(way, 0 if lost else piece.wire_bytes, piece.segments, piece.segments if lost else 0, waited)
            if last and not packet.lost:
                flow.deliver(packet.data)
            return
        begin = piece.first * _SEGMENT_DATA
        data = packet.data[begin : begin + piece.segments * _SEGMENT_DATA]
        flow.queued -= len(data)
        self._count(way, piece.wire_bytes, piece.segments, piece.lost.bit_count(), waited)
        held_ns = int(self.rtt_s() * 1e9) if piece.lost else 0
        flow.ready_ns = max(flow.ready_ns, piece.release_ns + held_ns)
        flow.pending.append((flow.ready_ns, data))
        self._pass_on(flow, now)
        self._room.set()

    def _pass_on(self, flow: Flow, now: int) -> None:
        while flow.pending and flow.pending[0][0] <= now:
            flow.deliver(flow.pending.popleft()[1])
        if flow.pending:
            later = flow.pending[0][0] - now
            self._loop.call_later(later * 1e-9, lambda: self._pass_on(flow, time.monotonic_ns()))

    def _count(self, way: int, wire_bytes: int, packets: int, lost: int, waited_ns: int) -> None:
        self.delivered_bytes[way] += wire_bytes
        self.dropped[way] += lost
        if self._status is not None:
            self._status.count(way, wire_bytes, packets, lost, waited_ns)


def _is_out(table: LinkTable, begin_ns: int, end_ns: int) -> bool:
    """Whether the link is out at some time from `begin_ns` to `end_ns`."""
    first = max(0, int(np.searchsorted(table.time_ns, begin_ns, side="right")) - 1)
    last = max(first + 1, int(np.searchsorted(table.time_ns, end_ns, side="right")))
    return bool(table.outage[first:last].any())
