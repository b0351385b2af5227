"""What takes a dish off the network, and the list it keeps of that."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from skyhaul.network import Reason

_KEPT = 1000  # finished outages that a dish remembers


class Cause(IntEnum):
    """Why a dish is off the network; numbers of `DishOutage.Cause`."""

    UNKNOWN = 0
    BOOTING = 1
    STOWED = 2
    THERMAL_SHUTDOWN = 3
    NO_SCHEDULE = 4
    NO_SATS = 5
    OBSTRUCTED = 6
    NO_DOWNLINK = 7
    NO_PINGS = 8
    ACTUATOR_ACTIVITY = 9
    CABLE_TEST = 10
    SLEEPING = 11
    SKY_SEARCH = 13


# What a dish can tell of the network's reasons: it knows whether it hears satellites, and whether it is told to send.
CAUSE_OF: dict[Reason | None, Cause | None] = {
    Reason.SERVED: None,
    Reason.NO_SATELLITE: Cause.NO_SATS,
    Reason.ELEVATION: Cause.NO_SATS,
    Reason.SATELLITE_OUT: Cause.NO_SATS,
    Reason.GSO_ARC: Cause.NO_SATS,
    Reason.OBSTRUCTED: Cause.OBSTRUCTED,
    Reason.NO_GATEWAY: Cause.NO_SCHEDULE,
    Reason.NO_ANTENNA: Cause.NO_SCHEDULE,
    Reason.NO_BEAM: Cause.NO_SCHEDULE,
    Reason.NOT_CHOSEN: Cause.NO_SCHEDULE,
    Reason.NO_GRANT: Cause.NO_SCHEDULE,
    Reason.POP_OUT: Cause.NO_PINGS,
    None: Cause.NO_SCHEDULE,
}

# Causes of the event log: the first thirteen in another order than `Cause`, and none for some.
EVENT_REASON = {
    Cause.UNKNOWN: 1,
    Cause.BOOTING: 2,
    Cause.STOWED: 3,
    Cause.THERMAL_SHUTDOWN: 4,
    Cause.NO_SCHEDULE: 5,
    Cause.NO_SATS: 6,
    Cause.OBSTRUCTED: 7,
    Cause.NO_DOWNLINK: 8,
    Cause.NO_PINGS: 9,
    Cause.SLEEPING: 10,
    Cause.SKY_SEARCH: 19,
}
# What its holder or its own start brings about is an advisory, the rest a caution: a choice of this project.
ADVISED = (Cause.BOOTING, Cause.STOWED, Cause.SLEEPING)


@dataclass(frozen=True, slots=True)
class Outage:
    """A time off the network for one cause. `switched`: another satellite served afterwards than before."""

    cause: Cause
    start_ns: int
    end_ns: int
    switched: bool = False

    @property
    def duration_ns(self) -> int:
        return self.end_ns - self.start_ns


class Outages:
    """The outages of a dish since it started, oldest first: at most the last thousand, and the one that goes on."""

    def __init__(self) -> None:
        self.now: Outage | None = None
        self._past: deque[Outage] = deque(maxlen=_KEPT)
        self._before = -1

    def __iter__(self) -> Iterator[Outage]:
        yield from self._past
        if self.now is not None:
            yield self.now

    def note(self, cause: Cause | None, time_ns: int, satellite: int) -> None:
        """What holds from an instant on: the cause, or None and the satellite that serves."""
        if self.now is not None and cause != self.now.cause:
            switched = cause is None and satellite != self._before and self._before != -1
            self._past.append(Outage(self.now.cause, self.now.start_ns, time_ns, switched))
            self.now = None
        if cause is None:
            self._before = satellite
        else:
            self.now = Outage(cause, self.now.start_ns if self.now else time_ns, time_ns)

    def since_last_s(self, time_ns: int, duration_s: float) -> float | None:
        """Seconds since the end of the last outage of at least this duration; None if there was none."""
        ends = [outage.end_ns for outage in self if outage.duration_ns >= duration_s * 1e9]
        return (time_ns - max(ends)) / 1e9 if ends else None
