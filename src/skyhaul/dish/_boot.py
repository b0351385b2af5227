"""From power to service: the steps that a dish goes through before it is on the network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from skyhaul.dish._outages import Cause

Step: TypeAlias = Literal[
    "rf_ready",
    "gps_valid",
    "attitude_initialization",
    "ekf_converged",
    "burst_detected",
    "initial_network_entry",
    "network_schedule",
    "first_cplane",
    "first_pop_ping",
    "stable_connection",
]
STEPS: tuple[Step, ...] = get_args(Step)


@dataclass(frozen=True, slots=True)
class BootTimes:
    """Least seconds from one step to the next.

    Dishes report the steps, in this order, and how long each took; no measurement of that is public. The first four
    make up the 59 s of BOOTING that the event log of one real dish shows; their shares and the rest are free
    parameters.
    """

    rf_ready: float = 20.0
    gps_valid: float = 20.0
    attitude_initialization: float = 10.0
    ekf_converged: float = 9.0
    burst_detected: float = 6.0
    initial_network_entry: float = 3.0
    network_schedule: float = 0.0
    first_cplane: float = 1.0
    first_pop_ping: float = 1.0
    stable_connection: float = 5.0


_ON_SEARCH = STEPS.index("burst_detected")
_NEEDS_SKY = ("burst_detected", "initial_network_entry")
# The step a dish waits for, and what it says meanwhile.
_WAITING: dict[Step, Cause | None] = {
    "rf_ready": Cause.BOOTING,
    "gps_valid": Cause.BOOTING,
    "attitude_initialization": Cause.BOOTING,
    "ekf_converged": Cause.BOOTING,
    "burst_detected": Cause.SKY_SEARCH,
    "initial_network_entry": Cause.SKY_SEARCH,
    "network_schedule": Cause.NO_SCHEDULE,
    "first_cplane": Cause.NO_SCHEDULE,
    "first_pop_ping": Cause.NO_PINGS,
    "stable_connection": None,
}
# What is missing first is what a dish says: without satellites nobody speaks of a schedule.
_FIRST_TO_LAST = (
    Cause.BOOTING,
    Cause.NO_SATS,
    Cause.OBSTRUCTED,
    Cause.SKY_SEARCH,
    Cause.NO_SCHEDULE,
    Cause.NO_PINGS,
    None,
)


class Boot:
    """How far a dish has come. Its clock is seconds since the dish started.

    `reached` holds the second at which each step was first reached since then. A dish that was stowed or asleep
    searches the sky anew: it waits for those steps again, without telling new times. `at_once` lets the first way
    through the steps take no longer than the network does.
    """

    def __init__(self, times: BootTimes, reached: Mapping[str, float] | None = None, *, at_once: bool = False) -> None:
        self._times = times
        self._at_once = at_once
        self.reached: dict[Step, float] = {step: reached[step] for step in STEPS if reached and step in reached}
        self._next = len(self.reached)
        self._since_s = max(self.reached.values(), default=0.0)

    @property
    def waits_for(self) -> Step | None:
        """The next step; None when all are done."""
        return STEPS[self._next] if self._next < len(STEPS) else None

    @property
    def starting(self) -> bool:
        """Whether the dish does not know yet which way it looks."""
        return self._next < _ON_SEARCH

    def has(self, step: Step) -> bool:
        """Whether the step is done."""
        return self._next > STEPS.index(step)

    def search(self, now_s: float) -> None:
        """Radio off, or just on again: the sky is to be searched from now."""
        if not self.starting:
            self._next, self._since_s, self._at_once = _ON_SEARCH, now_s, False

    def advance(self, now_s: float, path: Cause | None) -> Cause | None:
        """Go on as far as time and sky allow, and say what stands in the way; `path` is what the network says."""
        while (step := self.waits_for) is not None:
            due = self._since_s + (0.0 if self._at_once else float(getattr(self._times, step)))
            if now_s < due or self._held(step, path):
                break
            self._since_s = due if self.starting else now_s  # the sky and the network may have kept it waiting
            self.reached.setdefault(step, self._since_s)
            self._next += 1
        waiting = _WAITING[step] if step is not None else None
        return min(waiting, path, key=_FIRST_TO_LAST.index)

    def _held(self, step: Step, path: Cause | None) -> bool:
        if step in _NEEDS_SKY:
            return path in (Cause.NO_SATS, Cause.OBSTRUCTED)
        if step in ("network_schedule", "first_cplane"):
            return path not in (None, Cause.NO_PINGS)
        return step in ("first_pop_ping", "stable_connection") and path is not None
