"""What does not change about one direction of a link while it runs: its queue, its loss process, its rules."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from skyhaul.errors import InputError

UNBOUNDED = 1 << 60  # bytes of a queue without a limit


class Cause(IntEnum):
    """What became of a segment."""

    DELIVERED = 0
    QUEUE = 1  # the queue was full when it came (drop-tail)
    CODEL = 2  # CoDel dropped it at the head of the queue
    LOSS = 3  # lost on the way, after it had used the link's time
    OUTAGE = 4  # the link was out, and the rule is to drop
    MEMORY = 5  # the engine had no room left for it: a limit of the emulator, not of the link


@dataclass(frozen=True, slots=True)
class Codel:
    """Controlled Delay (RFC 8289): target and interval, with that RFC's defaults (sections 4.2 and 4.3)."""

    target_ns: int = 5_000_000
    interval_ns: int = 100_000_000

    def __post_init__(self) -> None:
        if not 0 < self.target_ns <= self.interval_ns:
            raise InputError(
                f"CoDel with a target of {self.target_ns} ns and an interval of {self.interval_ns} ns",
                mend="the target is above 0 and at most the interval",
            )


@dataclass(frozen=True, slots=True)
class GilbertElliott:
    """Loss in bursts: a chain of a good and a bad state, one step a segment (Gilbert 1960, Elliott 1963).

    mean_burst   mean stay in the bad state, segments, at least 1
    bad_loss     share lost in the bad state
    good_loss    share lost in the good state, below `bad_loss`

    The mean loss is the link table's, and may change over time: the chance to enter the bad state follows from it.
    """

    mean_burst: float
    bad_loss: float = 1.0
    good_loss: float = 0.0

    def __post_init__(self) -> None:
        if not self.mean_burst >= 1:
            raise InputError(f"a mean burst of {self.mean_burst} segments", mend="at least 1")
        if not 0 <= self.good_loss < self.bad_loss <= 1:
            raise InputError(
                f"loss of {self.good_loss} in the good and {self.bad_loss} in the bad state",
                mend="0 <= good < bad <= 1",
            )


@dataclass(frozen=True, slots=True)
class DirectionSettings:
    """One direction's rules.

    queue_bytes   what may wait for transmission, in bytes of IP packets; a packet that finds the link idle never waits
    codel         CoDel at the head of the queue, or none: drop-tail alone
    bursts        loss in bursts, or none: every segment is lost or not by itself
    hold_outage   in an outage packets wait (True), or whatever would be sent is lost (False)
    reorder       packets may overtake when the delay falls (True), or keep their order (False)
    seed          of the loss process; the same seed and the same traffic lose the same segments
    burst_ns      a super-packet is served in pieces of at most this much link time (0: segment by segment)
    mtu           largest segment, bytes; CoDel never empties a queue below it
    """

    queue_bytes: int = UNBOUNDED
    codel: Codel | None = None
    bursts: GilbertElliott | None = None
    hold_outage: bool = False
    reorder: bool = False
    seed: int = 0
    burst_ns: int = 250_000
    mtu: int = 1500

    def __post_init__(self) -> None:
        if self.queue_bytes < 0 or self.burst_ns < 0:
            raise InputError("a queue or a burst below 0", mend="0 or more")
        if not 0 <= self.seed < 1 << 64:
            raise InputError(f"the seed {self.seed} does not fit 64 bits", mend="0 to 2^64 - 1")
