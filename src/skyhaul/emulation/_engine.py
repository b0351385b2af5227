"""The engine: one thread that carries the packets of all links, compiled where it can be, in plain Python elsewhere."""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import struct
import threading
import time
from collections.abc import Sequence

from skyhaul.emulation._plain_loop import PlainLoop
from skyhaul.emulation._plan import DirectionPlan, DirectionReport, Fates, Loop
from skyhaul.emulation._table import LinkTable
from skyhaul.errors import SkyhaulError

# Between 60 and 150 µs of spinning before each event the wake-up error falls most for the CPU it costs (measured).
SPIN_NS = 100_000
_FOREVER_NS = 1 << 60
_PR_SET_TIMERSLACK = 29
# sched_setattr(2) by number, for glibc has it from 2.41 only. A thread that asks for short turns is let run sooner when
# it wakes beside others that are busy (Linux 6.12): beside TCP at 500 Mbit/s the 99th percentile of the delay error
# fell to a quarter. Older kernels take the request and leave it at that.
_SCHED_SETATTR = {"x86_64": 314, "aarch64": 274}
_TURN_NS = 100_000


class Engine:
    """Carries the packets of the directions in `plans` from `start` to `stop`.

    kind      `auto`: compiled, or in plain Python where that fails (`why_plain` says why); or one of the two
    spin_ns   how long before an event the thread stops sleeping and spins
    precise   spin always, on a core of its own
    log_room  fates kept for `take_fates` (0: none)
    """

    def __init__(
        self,
        plans: Sequence[DirectionPlan],
        *,
        kind: str = "auto",
        spin_ns: int = SPIN_NS,
        precise: bool = False,
        log_room: int = 0,
    ) -> None:
        self._plans, self._log_room = plans, log_room
        self._spin_ns = _FOREVER_NS if precise else spin_ns
        self._precise = precise
        self._kind = kind
        self.why_plain = ""
        self._failure: BaseException | None = None
        self._loop = self._plain() if kind == "python" else self._compiled()
        self._thread = self._new_thread()

    def _compiled(self) -> Loop:
        try:
            from skyhaul.emulation._compiled_engine import CompiledLoop

            return CompiledLoop(self._plans, self._log_room, self._spin_ns)
        except Exception as error:  # Numba fails in many ways where it cannot compile or keep what it compiled
            return self._fall_back(error)

    def _plain(self) -> Loop:
        return PlainLoop(self._plans, self._log_room, self._spin_ns)

    def _fall_back(self, error: BaseException) -> Loop:
        if self._kind != "auto" or self.why_plain:
            raise SkyhaulError(f"the engine does not run: {error}", mend="try --engine python") from error
        self.why_plain = str(error).partition("\n")[0] or repr(error)
        return self._plain()

    def _new_thread(self) -> threading.Thread:
        return threading.Thread(target=self._run, name="skyhaul-engine", daemon=True)

    @property
    def is_plain(self) -> bool:
        """Whether the loop in plain Python carries the packets."""
        return isinstance(self._loop, PlainLoop)

    def start(self) -> None:
        """Carry packets from now on; the first time on a machine the loop is compiled before this returns."""
        self._thread.start()
        while not self._loop.running:
            if self._failure is None:
                time.sleep(0.001)
                continue
            failure, self._failure = self._failure, None
            self._loop = self._fall_back(failure)
            self._thread = self._new_thread()
            self._thread.start()

    def stop(self) -> None:
        """Stop carrying packets; what is queued or on the way is lost."""
        self._loop.stop()
        self._thread.join()
        self._loop.close()
        if self._failure is not None:
            raise SkyhaulError(f"the engine failed: {self._failure!r}") from self._failure

    def publish(self, direction: int, table: LinkTable) -> None:
        """Let a direction follow a new table from now on; its times are CLOCK_MONOTONIC in ns."""
        self._loop.publish(direction, table)

    def report(self, direction: int) -> DirectionReport:
        return self._loop.report(direction)

    def take_fates(self) -> Fates:
        return self._loop.take_fates()

    @property
    def missed_fates(self) -> int:
        return self._loop.missed_fates

    def _run(self) -> None:
        _ask_for_short_turns()
        # Timer slack of 1 ns instead of 50 µs for this thread (prctl(2)): every wake-up is that much less late.
        ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0)
        if self._precise:
            with contextlib.suppress(OSError):
                os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
        try:
            self._loop.run()
        except BaseException as error:
            self._failure = error


def _ask_for_short_turns() -> None:
    number = _SCHED_SETATTR.get(platform.machine())
    if number is None or os.sched_getscheduler(0) != os.SCHED_OTHER:
        return  # whoever started it under another policy (chrt) keeps that
    # struct sched_attr: size, policy (SCHED_OTHER), flags, nice, priority, runtime, deadline, period.
    nice = os.getpriority(os.PRIO_PROCESS, 0)
    attributes = struct.pack("=IIQiIQQQ", 48, 0, 0, nice, 0, _TURN_NS, 0, 0)
    ctypes.CDLL(None).syscall(number, 0, attributes, 0)
