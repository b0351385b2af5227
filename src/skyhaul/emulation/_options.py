"""What a link is to be and what is to run behind it: the words of `skyhaul link`, without NumPy, so that a process can
fork before it has threads."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

from skyhaul.emulation._outages import TimedOutages
from skyhaul.emulation._settings import Codel
from skyhaul.errors import InputError

DEFAULT_QUEUE_NS = 100_000_000
"""A queue of one interval of CoDel (RFC 8289 section 4.3): a worst-case round trip, the classic size of a buffer."""
SMALLEST_MTU = 576  # what every IPv4 host takes (RFC 791, section 3.1)
SMALLEST_MTU_6 = 1280  # RFC 8200, section 5
LARGEST_MTU = 65535
_FASTEST_BPS = 10e9  # TCP windows are not made larger than this rate needs


@dataclass(frozen=True, slots=True)
class Wire:
    """What both ends of a link agree on.

    mtu         largest packet, bytes
    offload     super-packets may cross it whole
    in_flight   most bytes that can be on the way, there and back: TCP's windows are made to hold twice that
    """

    mtu: int
    offload: bool = True
    in_flight: int = 0


@dataclass(frozen=True, slots=True)
class DirectionOptions:
    """One direction: a constant rate or a mahimahi trace, and a constant delay and loss."""

    delay_ns: int = 0
    rate_bps: float = math.inf
    trace: Path | None = None
    loss: float = 0.0


@dataclass(frozen=True, slots=True)
class LinkOptions:
    """A whole link and its program; `up` carries what the program sends.

    command, far    the program behind the link, and one to run at its far end
    queue_ns        what may wait, as time at the direction's highest rate; or `queue_bytes`, where that is not 0
    mean_burst      mean length of a burst of losses, segments (0: each is lost or not by itself)
    outages, on_off scheduled outages; random ones, by mean time on and off in ns
    hold            packets wait out an outage
    offload         super-packets may cross the devices (off: every packet by itself, slower)
    engine          auto, compiled or python
    isolated        no way out to the host's network, even if there could be one
    """

    command: tuple[str, ...]
    far: tuple[str, ...] = ()
    up: DirectionOptions = field(default_factory=DirectionOptions)
    down: DirectionOptions = field(default_factory=DirectionOptions)
    queue_ns: int = DEFAULT_QUEUE_NS
    queue_bytes: int = 0
    codel: Codel | None = None
    mean_burst: float = 0.0
    outages: tuple[TimedOutages, ...] = ()
    on_off: tuple[int, int] | None = None
    hold: bool = False
    reorder: bool = False
    seed: int = 0
    mtu: int = 1500
    offload: bool = True
    engine: str = "auto"
    precise: bool = False
    isolated: bool = False
    pcap: Path | None = None
    report: Path | None = None
    json: bool = False
    quiet: bool = False

    @property
    def wire(self) -> Wire:
        """What the link's two ends agree on."""
        fastest = max(min(side.rate_bps, _FASTEST_BPS) for side in (self.up, self.down))
        return Wire(self.mtu, self.offload, int(fastest / 8e9 * (self.up.delay_ns + self.down.delay_ns)))

    def __post_init__(self) -> None:
        if not self.command:
            raise InputError("no command to run behind the link", mend="skyhaul link … -- COMMAND")
        check_mtu(self.mtu)
        if self.mean_burst and self.mean_burst < 1:
            raise InputError(f"a mean burst of {self.mean_burst} packets", where="--burst", mend="at least 1")
        for direction, name in ((self.up, "up"), (self.down, "down")):
            if self.mean_burst and direction.loss >= 1:
                raise InputError(f"bursts of loss on a link that loses all ({name})", mend="a loss below 100%")


def check_mtu(mtu: int) -> None:
    """InputError for an MTU that a link cannot have."""
    if not SMALLEST_MTU <= mtu <= LARGEST_MTU:
        raise InputError(f"an MTU of {mtu} bytes", where="--mtu", mend=f"between {SMALLEST_MTU} and {LARGEST_MTU}")
