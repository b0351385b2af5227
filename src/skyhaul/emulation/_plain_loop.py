"""The engine's loop in plain Python: the same behaviour as the compiled one, where nothing can be compiled."""

from __future__ import annotations

import os
import select
import time
from collections import deque
from collections.abc import Sequence

import numpy as np

from skyhaul.emulation._direction import NEVER, Direction, Fate, Piece
from skyhaul.emulation._packets import Framing, cut, runs, shape_of
from skyhaul.emulation._plan import FATE, LARGEST_PACKET, LATENESS_BINS, DirectionPlan, DirectionReport, Fates
from skyhaul.emulation._table import LinkTable

_BATCH = 16
_IDLE_NS = 100_000_000
_LARGEST_SELECT = 1024  # FD_SETSIZE
_DEAD_AFTER = 1000  # errors in a row from a device, after which it is not waited for any more


class _Port:
    """One direction with its devices."""

    def __init__(self, index: int, plan: DirectionPlan, log: deque[tuple[int, ...]] | None) -> None:
        self.index = index
        self.plan = plan
        self.framing = Framing(plan.virtio_bytes, plan.ethernet_bytes)
        self.log = log
        self.direction = Direction(plan.settings, plan.table, None if log is None else self.note)
        self.newest: LinkTable | None = None
        self.next_event = NEVER
        self.errors = 0
        self.reads = self.writes = self.write_errors = self.late_max = 0
        self.lateness = [0] * LATENESS_BINS

    def note(self, fate: Fate, written: int = 0) -> None:
        if self.log is not None:
            self.log.append(
                (
                    fate.lost,
                    self.index,
                    fate.serial,
                    fate.segments,
                    fate.wire_bytes,
                    fate.arrival_ns,
                    fate.departure_ns,
                    fate.release_ns,
                    written,
                    int(fate.cause),
                )
            )

    def read_some(self) -> None:
        framing, direction, fd = self.framing, self.direction, self.plan.fd_in
        try:
            for _ in range(_BATCH):
                packet = os.read(fd, LARGEST_PACKET)
                now = time.monotonic_ns()
                if not packet:
                    raise EOFError
                self.errors = 0
                self.reads += 1
                direction.offer(now, shape_of(packet, framing), packet)
        except BlockingIOError:
            return
        except (OSError, EOFError):
            self.errors += 1

    def release(self) -> None:
        direction = self.direction
        now = time.monotonic_ns()
        direction.advance(now)
        for _ in range(_BATCH):
            piece = direction.due(now)
            if piece is None:
                now = time.monotonic_ns()
                piece = direction.due(now)
                if piece is None:
                    break
            now = time.monotonic_ns()
            if piece.lost.bit_count() < piece.segments:
                late = now - piece.release_ns
                self.late_max = max(self.late_max, late)
                self.lateness[min(late // 1000, LATENESS_BINS - 1)] += 1
                self.write(piece)
            if self.log is not None:
                self.note(piece.fate, now)
        self.next_event = direction.next_event_ns

    def write(self, piece: Piece) -> None:
        for first, segments in runs(piece.lost, piece.segments):
            self.writes += 1
            try:
                os.write(self.plan.fd_out, cut(piece.packet, self.framing, piece.shape, piece.first + first, segments))
            except OSError:
                self.write_errors += 1


class PlainLoop:
    """Serves the directions of `plans`, spinning for `spin_ns` before each event."""

    def __init__(self, plans: Sequence[DirectionPlan], log_room: int, spin_ns: int) -> None:
        self._log: deque[tuple[int, ...]] | None = deque() if log_room else None
        self._log_room = log_room
        self._ports = [_Port(index, plan, self._log) for index, plan in enumerate(plans)]
        self._spin_ns = spin_ns
        self.running = False
        self._stopping = False
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def run(self) -> None:
        by_fd = {port.plan.fd_in: port for port in self._ports}
        waiter = _Waiter([*by_fd, self._wake])
        readable = list(by_fd)
        self.running = True
        while not self._stopping:
            for fd in readable:
                if fd == self._wake:
                    os.eventfd_read(fd)
                else:
                    port = by_fd[fd]
                    port.read_some()
                    port.next_event = 0
                    if port.errors == _DEAD_AFTER:
                        waiter.forget(fd)
            earliest = NEVER
            now = time.monotonic_ns()
            for port in self._ports:
                if port.newest is not None:
                    table, port.newest = port.newest, None
                    port.direction.use(table)
                    port.next_event = 0
                if port.next_event <= now:
                    port.release()
                earliest = min(earliest, port.next_event)
            pause = min(earliest - time.monotonic_ns() - self._spin_ns, _IDLE_NS)
            readable = waiter.wait(max(0, pause))
        waiter.close()

    def stop(self) -> None:
        self._stopping = True
        os.eventfd_write(self._wake, 1)

    def close(self) -> None:
        os.close(self._wake)

    def publish(self, direction: int, table: LinkTable) -> None:
        self._ports[direction].newest = table
        os.eventfd_write(self._wake, 1)

    def report(self, direction: int) -> DirectionReport:
        port = self._ports[direction]
        return DirectionReport(
            tuple(port.direction.segments),
            tuple(port.direction.bytes),
            port.reads,
            port.writes,
            port.write_errors,
            np.array(port.lateness, np.int64),
            port.late_max,
        )

    def take_fates(self) -> Fates:
        log = self._log or ()
        return np.array([self._log.popleft() for _ in range(len(log)) if self._log], FATE)

    @property
    def missed_fates(self) -> int:
        return 0


class _Waiter:
    """Waits for devices to the microsecond with select, or to the millisecond with epoll where there are too many."""

    def __init__(self, fds: list[int]) -> None:
        self._fds = fds
        self._epoll: select.epoll | None = None
        if max(fds) >= _LARGEST_SELECT:
            self._epoll = select.epoll()
            for fd in fds:
                self._epoll.register(fd, select.EPOLLIN)

    def wait(self, pause_ns: int) -> list[int]:
        if self._epoll is None:
            return select.select(self._fds, (), (), pause_ns / 1e9)[0]
        # epoll rounds up to whole milliseconds: wait for the whole ones only, and spin through the rest.
        return [fd for fd, _ in self._epoll.poll(pause_ns // 1_000_000 / 1000)]

    def forget(self, fd: int) -> None:
        self._fds.remove(fd)
        if self._epoll is not None:
            self._epoll.unregister(fd)

    def close(self) -> None:
        if self._epoll is not None:
            self._epoll.close()
