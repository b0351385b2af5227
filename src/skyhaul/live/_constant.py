"""A source of tables that never change: links of any terminals, and fibre between their points of presence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from skyhaul.errors import NotFoundError
from skyhaul.live._tables import Bounds, PathState, Publish

if TYPE_CHECKING:
    from skyhaul.emulation import LinkTable


@dataclass(frozen=True, slots=True)
class ConstantSource:
    """Links whose delay, rate and loss stay as they are.

    homes        each terminal's point of presence
    delay_ns     one way between a terminal and its PoP; backbone_delay_ns: between two PoPs
    """

    homes: Mapping[str, str]
    delay_ns: int = 20_000_000
    rate_bps: float = 100e6
    loss: float = 0.0
    backbone_delay_ns: int = 5_000_000

    def ready(self) -> None:
        pass

    @property
    def terminals(self) -> tuple[str, ...]:
        return tuple(self.homes)

    @property
    def pops(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.homes.values()))

    def home(self, terminal: int) -> str:
        return self.homes[self.terminals[terminal]]

    def backbone_ns(self, one: str, other: str) -> int:
        for pop in (one, other):
            if pop not in self.pops:
                raise NotFoundError(f"there is no point of presence '{pop}'", mend=f"one of {', '.join(self.pops)}")
        return 0 if one == other else self.backbone_delay_ns

    def bounds(self, direction: int) -> Bounds:
        return Bounds(self.rate_bps, self.delay_ns, 1)

    def start(self, now_ns: int) -> None:
        pass

    def window(self, direction: int, now_ns: int) -> LinkTable:
        from skyhaul.emulation import LinkTable

        return LinkTable.constant(self.delay_ns, self.rate_bps, self.loss)

    def state(self, terminal: int, now_ns: int) -> PathState:
        rtt_s, rate, loss = 2e-9 * self.delay_ns, self.rate_bps, self.loss
        return PathState(True, "", "served", "", "", self.home(terminal), 0, rtt_s, rate, rate, loss, loss, 1 << 62)

    def follow(self, publish: Publish) -> None:
        pass

    def stop(self) -> None:
        pass

    def summary(self) -> dict[str, Any]:
        return {"about": "links that do not change"}

    def close(self) -> None:
        pass
