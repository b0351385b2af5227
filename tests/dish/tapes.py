"""Feeds that a test writes: what the system says is set by hand, and time passes when the test says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from skyhaul.control.decision import Code
from skyhaul.dish import DishState, Place, Sight
from skyhaul.network import Reason

SECOND = 1_000_000_000
START = int(np.datetime64("2024-02-17T12:00:12", "ns").astype(np.int64))
SERVED = DishState(
    time_ns=START,
    cause=Reason.SERVED,
    code=Code.OKAY,
    rtt_s=0.030,
    satellite=44713,
    gateway=3,
    pop=1,
    pop_name="Warsaw",
    cell=0x851E68FFFFFFFFF,
    sight=Sight(40.0, 60.0),
    place=Place(50.45, 30.52, 179.0),
)
SLOT = 15 * SECOND


def without(cause: Reason | None, code: Code = Code.OKAY, sight: Sight | None = None) -> DishState:
    """A state without a path."""
    return DishState(START, cause, code, sight=sight, place=SERVED.place, cell=SERVED.cell)


@dataclass
class Tape:
    """Says `says(seconds since START)` of every terminal; `now_s` is the system's time, seconds since START."""

    says: Callable[[float], DishState] = field(default=lambda _: SERVED)
    now_s: float = 0.0

    def now_ns(self) -> int:
        return START + round(self.now_s * SECOND)

    def state(self, terminal: str, time_ns: int) -> DishState:
        slot_end = START + ((time_ns - START) // SLOT + 1) * SLOT
        return replace(self.says((time_ns - START) / SECOND), time_ns=time_ns, slot_end_ns=slot_end)
