"""The system's time: real time, faster or slower, from any date, paused and stepped."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from skyhaul.errors import InputError

Wall = Callable[[], int]
"""A clock that never goes back, in nanoseconds from anywhere: `time.monotonic_ns`, or a test's own."""

SECOND_NS = 1_000_000_000
SLOWEST, FASTEST = 0.01, 1_000.0


class _Pace(NamedTuple):
    """From the wall's instant on the system's time runs at a speed; 0 while paused."""

    wall_ns: int
    system_ns: int
    speed: float


class Clock:
    """The system's time as a function of a wall clock. It never goes back, unless it is told to (`jump`).

    Reading takes no lock: the pace is replaced as a whole. Raises InputError for a speed outside 0.01 to 1000.
    """

    def __init__(self, start_ns: int, *, speed: float = 1.0, paused: bool = False, wall: Wall = time.monotonic_ns):
        self._wall = wall
        self._speed = _checked(speed)
        self._mutex = threading.Lock()
        self._pace = _Pace(wall(), start_ns, 0.0 if paused else self._speed)

    def now_ns(self) -> int:
        """UTC, since 1970."""
        pace = self._pace
        return pace.system_ns + int((self._wall() - pace.wall_ns) * pace.speed)

    @property
    def speed(self) -> float:
        """System seconds a second while it runs."""
        return self._speed

    @property
    def paused(self) -> bool:
        return self._pace.speed == 0.0

    def wall_s_until(self, time_ns: int) -> float:
        """Seconds of the wall clock until an instant; 0 when it is over, infinite while paused."""
        left = time_ns - self.now_ns()
        if left <= 0:
            return 0.0
        return math.inf if self.paused else left / SECOND_NS / self._pace.speed

    def set_speed(self, speed: float) -> None:
        """Run at another speed from now on; a paused clock stays paused."""
        with self._mutex:
            self._speed = _checked(speed)
            self._turn(self.now_ns(), self.paused)

    def pause(self) -> None:
        with self._mutex:
            self._turn(self.now_ns(), True)

    def resume(self) -> None:
        with self._mutex:
            self._turn(self.now_ns(), False)

    def go_on_to(self, time_ns: int) -> None:
        """Be at an instant that is not before now. Raises InputError for one that is."""
        with self._mutex:
            now = self.now_ns()
            if time_ns < now:
                raise InputError(f"{now - time_ns} ns back", where="clock", mend="time only goes on; or jump")
            self._turn(time_ns, self.paused)

    def jump(self, time_ns: int) -> None:
        """Be at any instant."""
        with self._mutex:
            self._turn(time_ns, self.paused)

    def _turn(self, system_ns: int, paused: bool) -> None:
        self._pace = _Pace(self._wall(), system_ns, 0.0 if paused else self._speed)


def never_back(wall: Wall) -> Wall:
    """A clock that people and machines set as one that stands where it is set back, until it has caught up."""
    latest = wall()

    def read() -> int:
        nonlocal latest
        latest = max(latest, wall())
        return latest

    return read


def _checked(speed: float) -> float:
    if not SLOWEST <= speed <= FASTEST:
        raise InputError(f"a speed of {speed:g}", where="speed", mend=f"{SLOWEST:g} to {FASTEST:g}; pause for 0")
    return float(speed)
