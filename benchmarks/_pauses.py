"""When the machine itself stood still: a sleeper on every core that notes when it was woken late.

A virtual machine is stopped now and then by what runs it, and a busy one lets everybody wait. What is measured in such
a moment is the machine; what is judged by its exactness leaves those moments out, for every way alike, and says how
many they were.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from types import TracebackType

import numpy as np

from skyhaul.types import Bools, Ints

LATE_NS = 1_000_000
_BODY = """
import os, sys, time
core, late = int(sys.argv[1]), int(sys.argv[2])
os.sched_setaffinity(0, {core})
policy = os.sched_getscheduler(0)
if policy != os.SCHED_OTHER:  # before what is measured, to see the machine's pauses and not its turns
    os.sched_setscheduler(0, policy, os.sched_param(os.sched_getparam(0).sched_priority + 1))
out, last = open(sys.argv[3], "w", buffering=1), time.clock_gettime_ns(time.CLOCK_REALTIME)
while True:
    time.sleep(0.001)
    now = time.clock_gettime_ns(time.CLOCK_REALTIME)
    if now - last > 1_000_000 + late:
        out.write(f"{last} {now}\\n")
    last = now
"""


class Pauses:
    """Notes the machine's pauses while it is open; in a `with`.

    folder   a place of its own for what is noted
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._sleepers: list[subprocess.Popen[bytes]] = []
        self._begin = 0

    def __enter__(self) -> Pauses:
        for core in os.sched_getaffinity(0):
            words = [sys.executable, "-S", "-c", _BODY, str(core), str(LATE_NS), f"{self._folder}/pauses-{core}"]
            self._sleepers.append(subprocess.Popen(words))
        time.sleep(0.2)
        self._begin = time.time_ns()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for sleeper in self._sleepers:
            sleeper.kill()
            sleeper.wait()

    def found(self) -> Ints:
        """(P, 2) CLOCK_REALTIME ns of starts and ends, so far, in order."""
        rows: list[list[int]] = []
        for core in os.sched_getaffinity(0):
            with contextlib.suppress(FileNotFoundError), open(f"{self._folder}/pauses-{core}") as file:  # noqa: PTH123
                rows += [[int(word) for word in line.split()] for line in file if line.count(" ") == 1]
        return np.array(sorted(rows), np.int64).reshape(-1, 2)

    def share(self) -> float:
        """How much of the time so far was one."""
        reached, total = self._begin, 0
        for start, end in self.found().tolist():
            total += max(0, end - max(start, reached))
            reached = max(reached, end)
        return total / max(1, time.time_ns() - self._begin)


def touched(pauses: Ints, from_ns: Ints, to_ns: Ints) -> Bools:
    """Which of the spans of time meet a pause; same shapes."""
    if not pauses.size:
        return np.zeros(from_ns.shape, np.bool_)
    ends = np.maximum.accumulate(pauses[:, 1])
    # The first pause that has not ended when the span begins.
    first = np.searchsorted(ends, from_ns, side="left")
    starts = np.append(pauses[:, 0], np.iinfo(np.int64).max)
    return np.asarray(starts[first] <= to_ns)
