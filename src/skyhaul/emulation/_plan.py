"""What an engine is told of each direction before it starts, and what it tells afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from skyhaul.emulation._settings import Cause, DirectionSettings
from skyhaul.emulation._table import LinkTable
from skyhaul.types import Ints

LARGEST_PACKET = 65_536 + 64  # an IP packet with its virtio and Ethernet headers
LATENESS_BINS = 4096  # of 1 µs; the last holds all that was later


Fates: TypeAlias = npt.NDArray[np.void]
FATE = np.dtype(
    [
        ("lost", np.uint64),
        *((name, np.int64) for name in ("direction", "serial", "segments", "wire_bytes")),
        *((name, np.int64) for name in ("arrival", "departure", "release", "written", "cause")),
    ],
    align=True,
)
"""What became of a run of segments of one packet: `serial` counts segments as they came, bit i of `lost` is segment i
of the run, `written` is when it was handed to the receiving device; times are CLOCK_MONOTONIC in ns."""


@dataclass(frozen=True, slots=True)
class DirectionPlan:
    """What an engine needs to know of a direction before it starts.

    fd_in, fd_out                 devices that packets come from and go to
    virtio_bytes, ethernet_bytes  headers before each IP packet
    pieces, packet_bytes          room for what is queued or on the way; beyond it packets are dropped (`MEMORY`)
    rows                          room for tables published later; at least those of `table`
    """

    settings: DirectionSettings
    table: LinkTable
    fd_in: int = -1
    fd_out: int = -1
    virtio_bytes: int = 0
    ethernet_bytes: int = 0
    pieces: int = 1 << 15
    packet_bytes: int = 64 << 20
    rows: int = 0


@dataclass(frozen=True, slots=True)
class DirectionReport:
    """What a direction has done so far.

    segments, wire_bytes   by `Cause`
    reads, writes          packets taken from and given to the devices (a super-packet is one)
    write_errors           packets that the receiving device refused
    lateness_us            how many packets were written 0-1, 1-2, ... microseconds after their time; the last bin
                           holds the rest
    late_max_ns            the latest of all
    """

    segments: tuple[int, ...]
    wire_bytes: tuple[int, ...]
    reads: int
    writes: int
    write_errors: int
    lateness_us: Ints
    late_max_ns: int

    @property
    def offered(self) -> int:
        """Segments that came and whose fate is decided."""
        return sum(self.segments)

    def lateness_quantile_us(self, share: float) -> float:
        """The lateness in microseconds that `share` of the packets did not exceed; 0 when there were none."""
        total = int(self.lateness_us.sum())
        if total == 0:
            return 0.0
        return float(np.searchsorted(np.cumsum(self.lateness_us), share * total) + 1)

    def dropped(self, *causes: Cause) -> int:
        """Segments with one of these causes; all but the delivered when none is named."""
        return sum(self.segments[cause] for cause in causes or [c for c in Cause if c is not Cause.DELIVERED])


class Loop(Protocol):
    """An engine's loop, whatever it is written in. All but `run` may be called from any thread."""

    def run(self) -> None:
        """Serve every direction until `stop`."""

    @property
    def running(self) -> bool:
        """Whether `run` has come as far as carrying packets: compiling may take its time before."""

    def stop(self) -> None: ...

    def close(self) -> None:
        """Give back what the loop holds; after `run` has ended."""

    def publish(self, direction: int, table: LinkTable) -> None:
        """Give a direction a new table; it is followed at once."""

    def report(self, direction: int) -> DirectionReport: ...

    def take_fates(self) -> Fates:
        """The fates noted since the last call, an array of `FATE`."""

    @property
    def missed_fates(self) -> int:
        """Fates that found the log full."""
