"""The compiled loop as an object: its arrays, its epoll, its reports."""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import select
from collections.abc import Sequence

import numpy as np

from skyhaul.emulation._compiled_loop import EPOLL_PWAIT2, run_loop
from skyhaul.emulation._layout import LOG_MISSED, RUNNING, STOP
from skyhaul.emulation._memory import Memory
from skyhaul.emulation._plan import DirectionPlan, DirectionReport, Fates
from skyhaul.emulation._table import LinkTable

# struct epoll_event is packed on x86-64 alone: 32-bit words of one, and which of them holds the descriptor.
_EVENT_WORDS, _FD_WORD = (3, 1) if platform.machine() in ("x86_64", "AMD64") else (4, 2)


class CompiledLoop:
    """Serves the directions of `plans`, spinning for `spin_ns` before each event."""

    def __init__(self, plans: Sequence[DirectionPlan], log_room: int, spin_ns: int) -> None:
        self._memory = Memory(plans, log_room)
        self._spin_ns = spin_ns
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._epoll = select.epoll()
        self._epoll.register(self._wake, select.EPOLLIN)
        self._direction_of = np.full(max((plan.fd_in for plan in plans), default=0) + 1, -1, np.int64)
        for index, plan in enumerate(plans):
            self._epoll.register(plan.fd_in, select.EPOLLIN)
            self._direction_of[plan.fd_in] = index

    def run(self) -> None:
        memory = self._memory
        run_loop(
            self._epoll.fileno(),
            self._wake,
            _EVENT_WORDS,
            _FD_WORD,
            has_fine_epoll(),
            self._spin_ns,
            self._direction_of,
            memory.states,
            memory.rows,
            memory.pieces,
            memory.lanes,
            memory.packets,
            memory.lateness,
            memory.log,
            memory.control,
        )

    @property
    def running(self) -> bool:
        return bool(self._memory.control[RUNNING])

    def stop(self) -> None:
        self._memory.control[STOP] = 1
        os.eventfd_write(self._wake, 1)

    def close(self) -> None:
        self._epoll.close()
        os.close(self._wake)

    def publish(self, direction: int, table: LinkTable) -> None:
        self._memory.publish(direction, table)
        os.eventfd_write(self._wake, 1)

    def report(self, direction: int) -> DirectionReport:
        state = self._memory.states[direction]
        return DirectionReport(
            tuple(state["segments"].tolist()),
            tuple(state["bytes"].tolist()),
            int(state["reads"]),
            int(state["writes"]),
            int(state["write_errors"]),
            self._memory.lateness[direction].copy(),
            int(state["late_max"]),
        )

    def take_fates(self) -> Fates:
        return self._memory.take_fates()

    @property
    def missed_fates(self) -> int:
        return int(self._memory.control[LOG_MISSED])


def has_fine_epoll() -> bool:
    """Whether the kernel has epoll_pwait2, which waits to the nanosecond (Linux 5.11)."""
    libc = ctypes.CDLL(None, use_errno=True)
    return bool(libc.syscall(EPOLL_PWAIT2, -1, 0, 0, 0, 0, 0) >= 0 or ctypes.get_errno() != errno.ENOSYS)
