"""Where the tables of running links come from: the interface between what plans ahead and what carries packets.

No NumPy here: a process that is to make a user namespace must not have the threads that NumPy starts. A source is
opened in the process that stays outside, and used in the one that carries packets, which inherits its descriptor; what
plans is a process of its own and never delays the engine:

    scenario_source(scenario, terminals=(), *, start=None, speed=1.0, live=False) -> TableSource
    trace_source(path, *, names=("trace",), …) -> TableSource

`scenario` is a file, a preset's name or a `Scenario`; no terminals named means all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from skyhaul.emulation import LinkTable

Publish: TypeAlias = "Callable[[int, LinkTable], None]"
"""Takes a direction's number and its new window: `Engine.publish`."""


@dataclass(frozen=True, slots=True)
class PathState:
    """A terminal's path at an instant.

    served         whether there is one; if not, `cause` has the reason in words and `code` its name (`no_grant`)
    satellite, gateway, pop, laser_hops   who carries it; empty and -1 without a path
    rtt_s          of a packet sent then, both ways, without queueing at the link's rate; NaN without a path
    rate_up_bps, rate_down_bps, loss_up, loss_down
    until_ns       CLOCK_MONOTONIC of the next decision: the slot's end; not after the instant where there is none
    """

    served: bool
    cause: str
    code: str
    satellite: str
    gateway: str
    pop: str
    laser_hops: int
    rtt_s: float
    rate_up_bps: float
    rate_down_bps: float
    loss_up: float
    loss_down: float
    until_ns: int


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a direction never exceeds, to make room by: its rate in bit/s, its one-way delay in ns, rows of a window."""

    rate_bps: float
    delay_ns: int
    rows: int


class TableSource(Protocol):
    """The links of some terminals over time. Direction 2·i is terminal i's `up` (what it sends), 2·i + 1 its `down`.

    Times are CLOCK_MONOTONIC in ns. Order of use: `terminals`, `bounds`, `pops`, `home`, `backbone_ns` after `ready`;
    `window` and `state` after `start`; `follow` and `stop` around the engine's run; `close` where it was opened.
    """

    def ready(self) -> None:
        """Wait until the first tables are planned. Raises the error that kept them from being planned."""

    @property
    def terminals(self) -> tuple[str, ...]:
        """The terminals' names."""

    @property
    def pops(self) -> tuple[str, ...]:
        """Names of the points of presence; empty where there are none (a trace)."""

    def home(self, terminal: int) -> str:
        """The point of presence that holds a terminal's addresses for the whole run; empty where there are none."""

    def backbone_ns(self, one: str, other: str) -> int:
        """One-way delay of the fibre between two points of presence."""

    def bounds(self, direction: int) -> Bounds:
        """What to make room for."""

    def start(self, now_ns: int) -> None:
        """Let time 0 of the scenario or trace be `now_ns`; a source that follows the clock keeps the clock's."""

    def window(self, direction: int, now_ns: int) -> LinkTable:
        """States from a second before `now_ns` to at least 5 s after it; an outage from where nothing is planned."""

    def state(self, terminal: int, now_ns: int) -> PathState:
        """A terminal's path at an instant of the window."""

    def follow(self, publish: Publish) -> None:
        """From now on publish every direction's new window in time, in a thread of its own."""

    def stop(self) -> None:
        """End that thread."""

    def summary(self) -> dict[str, Any]:
        """For the report: slots planned, how many were late and by how much at most, least time ahead."""

    def close(self) -> None:
        """End what plans, and wait for it."""
