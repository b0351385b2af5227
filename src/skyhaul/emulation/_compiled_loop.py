"""The engine's loop, compiled: one thread reads, serves and writes for every direction, and never calls Python.

libc is called through `ExternalFunction`, which leaves the kernels cacheable on disk; ctypes addresses would not.
Numba keys its cache by the file of the outermost kernel alone: after a change to one that is called from here, this
file's time must change too (`touch`), or the old machine code runs on. An installation sets the times of all files.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types

from skyhaul._kernel import kernel
from skyhaul.emulation._compiled_direction import (
    advance,
    count_bits,
    drop,
    event_after,
    first_due,
    free_done,
    offer,
    piece_bytes,
    take,
    tell,
)
from skyhaul.emulation._compiled_packets import cut_header, shape_of
from skyhaul.emulation._compiled_rows import use_newest_table
from skyhaul.emulation._layout import RUNNING, STOP, WAKES
from skyhaul.emulation._plan import LARGEST_PACKET, LATENESS_BINS
from skyhaul.emulation._settings import Cause

_clock_gettime: Any = types.ExternalFunction("clock_gettime", types.int32(types.int32, types.uintp))
_read: Any = types.ExternalFunction("read", types.intp(types.int32, types.uintp, types.uintp))
_write: Any = types.ExternalFunction("write", types.intp(types.int32, types.uintp, types.uintp))
_writev: Any = types.ExternalFunction("writev", types.intp(types.int32, types.uintp, types.int32))
_epoll_wait: Any = types.ExternalFunction("epoll_wait", types.int32(types.int32, types.uintp, types.int32, types.int32))
_epoll_ctl: Any = types.ExternalFunction("epoll_ctl", types.int32(types.int32, types.int32, types.int32, types.uintp))
# epoll_pwait2 by number: its glibc name (2.35) is younger than systems that this runs on.
_clock_nanosleep: Any = types.ExternalFunction(
    "clock_nanosleep", types.int32(types.int32, types.int32, types.uintp, types.uintp)
)
_syscall: Any = types.ExternalFunction(
    "syscall", types.int64(types.int64, types.int64, types.int64, types.int64, types.int64, types.int64, types.int64)
)
_INT_POINTER: Any = types.CPointer
_errno: Any = types.ExternalFunction("__errno_location", _INT_POINTER(types.int32)())

EPOLL_PWAIT2 = 441  # the same on every architecture (Linux 5.11)
MAX_EVENTS = 256
BATCH = 16  # packets of one direction in a row, before the others have their turn
# From the sixth time in a row that there was a packet to move within 0.25 ms of the last, packets are let gather for
# 0.1 ms: to wake, or to spin, for each of 30,000 a second costs twice the processor time. Sparse traffic is never late
# for it, nor is anything where the loop spins always.
CROWD, CROWD_NS, NAP_NS, SPIN_MOST_NS = 6, 250_000, 100_000, 1_000_000
LAG_STEP_NS = 500
# Packets' bytes go round in this much of their room while a sixteenth of it holds what is on the way: what is used
# again is in the caches, and memory that is never touched costs nothing. A burst finds as much free after each lap.
LAP_BYTES = 16 << 20
IDLE_NS = 100_000_000  # a loop with nothing to do looks for a new table or the order to stop this often

_MONOTONIC = 1
_EAGAIN, _EINTR, _EIO = 11, 4, 5
_EPOLL_CTL_DEL = 2
_DEAD_AFTER = 1000  # errors in a row from a device, after which it is not waited for any more
_DELIVERED, _LOSS, _MEMORY = int(Cause.DELIVERED), int(Cause.LOSS), int(Cause.MEMORY)
_NEVER = 1 << 62
_U0, _U1 = np.uint64(0), np.uint64(1)


@kernel()
def clock(spec: Any) -> Any:
    """CLOCK_MONOTONIC in ns; `spec` is room for a struct timespec."""
    _clock_gettime(np.int32(_MONOTONIC), spec.ctypes.data)
    return spec[0] * 1_000_000_000 + spec[1]


@kernel()
def place(s: Any, pieces: Any) -> Any:
    """Where the next packet's bytes may go, with room for the largest, or -1."""
    if s.head == s.tail:
        s.byte_tail = 0
        return s.byte_base if s.byte_room >= LARGEST_PACKET else -1
    head = pieces[s.piece_base + (s.head & s.piece_mask)].offset - s.byte_base
    if s.byte_tail > head:
        if s.byte_tail >= LAP_BYTES and 16 * (s.byte_tail - head) < head:
            s.byte_tail = 0
            return s.byte_base
        if s.byte_room - s.byte_tail >= LARGEST_PACKET:
            return s.byte_base + s.byte_tail
        if head <= LARGEST_PACKET:
            return -1
        s.byte_tail = 0
        return s.byte_base
    return s.byte_base + s.byte_tail if head - s.byte_tail > LARGEST_PACKET else -1


@kernel()
def read_some(s: Any, d: int, rows: Any, pieces: Any, lanes: Any, packets: Any, spare: Any, log: Any, control: Any,
              spec: Any) -> Any:  # fmt: skip
    """Read up to `BATCH` packets, each stamped after its own read; how many there were, or -errno."""
    for got in range(BATCH):
        where = place(s, pieces)
        if where >= 0:
            size = _read(np.int32(s.fd_in), packets.ctypes.data + where, np.uintp(LARGEST_PACKET))
        else:
            size = _read(np.int32(s.fd_in), spare.ctypes.data, np.uintp(LARGEST_PACKET))
        if size <= 0:
            if got > 0:
                return got
            return -np.int64(_errno()[0]) if size < 0 else -_EIO
        now = clock(spec)
        s.reads += 1
        if where < 0:
            segments, wire, last, header = shape_of(spare, 0, size, s.virtio_bytes, s.ethernet_bytes)
            serial = s.offered
            s.offered += segments
            drop(s, d, log, control, _MEMORY, serial, segments, (segments - 1) * wire + last, now, now)
            continue
        segments, wire, last, header = shape_of(packets, where, size, s.virtio_bytes, s.ethernet_bytes)
        if offer(s, d, now, wire, last, segments, where, size, header, rows, pieces, lanes, log, control) > 0:
            s.byte_tail = where - s.byte_base + ((size + 15) & ~15)
    return BATCH


@kernel()
def write_piece(s: Any, p: Any, packets: Any, out: Any, vector: Any) -> None:
    """Write what is left of a piece: as it came, or as one cut for each run of segments that were not lost."""
    base = packets.ctypes.data
    if p.lost == _U0 and p.segments == p.packet_segments:
        s.writes += 1
        if _write(np.int32(s.fd_out), base + p.offset, np.uintp(p.length)) < 0:
            s.write_errors += 1
        return
    segment = 0
    while segment < p.segments:
        if p.lost >> np.uint64(segment) & _U1:
            segment += 1
            continue
        end = segment + 1
        while end < p.segments and p.lost >> np.uint64(end) & _U1 == _U0:
            end += 1
        header, begin, payload = cut_header(
            packets, p.offset, p.length, s.virtio_bytes, s.ethernet_bytes, p, p.first + segment, end - segment, out
        )
        vector[0], vector[1], vector[2], vector[3] = out.ctypes.data, header, base + begin, payload
        s.writes += 1
        if _writev(np.int32(s.fd_out), vector.ctypes.data, np.int32(2)) < 0:
            s.write_errors += 1
        segment = end


@kernel()
def release(s: Any, d: int, rows: Any, pieces: Any, lanes: Any, packets: Any, lateness: Any, log: Any, control: Any,
            out: Any, vector: Any, spec: Any) -> Any:  # fmt: skip
    """Serve and write what is due, at most `BATCH` pieces, and find out when there is more to do; how many pieces."""
    now = clock(spec)
    advance(s, d, now, rows, pieces, lanes, log, control)
    count = 0
    while count < BATCH:
        lane = first_due(s, d, pieces, lanes)
        if lane < 0:
            break
        p = pieces[s.piece_base + (lanes[lane].first & s.piece_mask)]
        if p.release > now:
            now = clock(spec)
            if p.release > now:
                break
        gone = count_bits(p.lost)
        if gone < p.segments:
            now = clock(spec)
            late = now - p.release
            s.late_sum += late
            s.late_max = max(s.late_max, late)
            lateness[d, min(late // 1000, LATENESS_BINS - 1)] += 1
            write_piece(s, p, packets, out, vector)
        cause = _LOSS if gone == p.segments else _DELIVERED
        tell(
            log, control, d, p.serial, p.segments, piece_bytes(p), p.arrival, p.departure, p.release, now, cause, p.lost
        )
        take(s, lane, pieces, lanes)
        count += 1
    free_done(s, pieces)
    s.next_event = event_after(s, d, pieces, lanes)
    return count


@kernel()
def nap(spec: Any) -> None:
    """Sleep for `NAP_NS`, whatever comes."""
    spec[0], spec[1] = 0, NAP_NS
    _clock_nanosleep(np.int32(_MONOTONIC), np.int32(0), spec.ctypes.data, np.uintp(0))


@kernel()
def wait(epoll_fd: int, events: Any, spec: Any, wait_ns: int, fine: bool) -> Any:
    """Wait for packets or for a time; the number of devices that can be read."""
    if not fine:
        return _epoll_wait(np.int32(epoll_fd), events.ctypes.data, np.int32(MAX_EVENTS), np.int32(wait_ns // 1_000_000))
    spec[0], spec[1] = wait_ns // 1_000_000_000, wait_ns % 1_000_000_000
    return _syscall(EPOLL_PWAIT2, epoll_fd, events.ctypes.data, MAX_EVENTS, spec.ctypes.data, 0, 0)


@kernel()
def run_loop(
    epoll_fd: int,
    wake_fd: int,
    event_words: int,
    fd_word: int,
    fine: bool,
    spin_ns: int,
    direction_of: Any,
    states: Any,
    rows: Any,
    pieces: Any,
    lanes: Any,
    packets: Any,
    lateness: Any,
    log: Any,
    control: Any,
) -> None:
    """Run until told to stop. `events` of epoll are `event_words` 32-bit words each, the fd being word `fd_word`."""
    spec = np.zeros(2, np.int64)
    spare = np.zeros(LARGEST_PACKET, np.uint8)
    out = np.zeros(1024, np.uint8)
    vector = np.zeros(4, np.uintp)
    events = np.zeros(MAX_EVENTS * event_words, np.int32)
    readable = np.zeros(states.size, np.uint8)
    errors = np.zeros(states.size, np.int64)
    lag, crowd, worked = spin_ns, 0, 0
    control[RUNNING] = 1
    while control[STOP] == 0:
        earliest, busy, moved = _NEVER, False, 0
        now = clock(spec)
        for d in range(states.size):
            s = states[d]
            if s.published != s.seen:
                use_newest_table(s, rows)
                s.next_event = now
            if readable[d]:
                got = read_some(s, d, rows, pieces, lanes, packets, spare, log, control, spec)
                readable[d] = got == BATCH
                if got > 0:
                    errors[d] = 0
                    busy = True
                    moved += got
                elif got != -_EAGAIN and got != -_EINTR:
                    errors[d] += 1
                    if errors[d] == _DEAD_AFTER:
                        _epoll_ctl(np.int32(epoll_fd), np.int32(_EPOLL_CTL_DEL), np.int32(s.fd_in), np.uintp(0))
                s.next_event = now
            if s.next_event <= now:
                moved += release(s, d, rows, pieces, lanes, packets, lateness, log, control, out, vector, spec)
            earliest = min(earliest, s.next_event)
        pause = 0
        now = clock(spec)
        if moved > 0:
            crowd = crowd + 1 if now - worked < CROWD_NS else 0
            worked = now
        if crowd >= CROWD and spin_ns <= SPIN_MOST_NS:
            nap(spec)
            if clock(spec) - worked > CROWD_NS:
                crowd = 0
        elif not busy:
            pause = min(earliest - now - min(lag, spin_ns), IDLE_NS)
        if pause > 0:
            control[WAKES] += 1
        ready = wait(epoll_fd, events, spec, max(0, pause), fine)
        if pause > 0 and ready == 0:
            # How late a sleep ends, all but one time in nine: spin for that long, and no longer.
            lag = max(0, lag + (LAG_STEP_NS * 8 if clock(spec) - now - pause > lag else -LAG_STEP_NS))
        for i in range(ready):
            fd = events[i * event_words + fd_word]
            if fd == wake_fd:
                _read(np.int32(fd), spec.ctypes.data, np.uintp(8))
            else:
                readable[direction_of[fd]] = 1
