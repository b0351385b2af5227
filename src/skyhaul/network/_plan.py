"""Who serves whom in one slot, and by which rules that was decided."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np

from skyhaul.network._lasers import LASER_CLEARANCE_M, LASER_RANGE_M
from skyhaul.network._reasons import Reason
from skyhaul.types import Bytes, CellIds, Floats, Ints, Ints32, Times

Strategy: TypeAlias = Literal["highest", "sticky", "balanced", "observed"]
STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)
LaserUse: TypeAlias = Literal["when-needed", "never", "always"]

NONE = -1  # no satellite, gateway, beam or channel


@dataclass(frozen=True, slots=True)
class Rules:
    """What every plan must keep, and how it chooses among what is allowed.

    strategy             `highest`: the highest satellite. `sticky`: the one held, else the one that stays longest.
                         `balanced`: the one with the fewest beams in use, then the highest. `observed`: drawn as
                         real terminals were seen to be served (docs/calibration.md).
    gso_separation_deg   least angle between a serving satellite and the geostationary arc, over the whole slot. Under
                         `observed` two thirds of it are the bar, and nearness to the arc is a dislike beyond, as in
                         the data.
    beams_per_satellite  cells a satellite can serve at once: 3 arrays x 8 beams x 2 polarisations (filing analyses).
    channels             user downlink channels (Humphreys et al. 2023).
    lasers               `when-needed`: laser paths for cells without a bent pipe; `always`: laser paths compete with
                         bent pipes by delay; `never`.
    laser_range_m        longest laser link (operator talk, 2024-01).
    laser_clearance_m    lowest height above the ground that a laser beam may pass.
    """

    strategy: Strategy = "observed"
    gso_separation_deg: float = 18.0
    beams_per_satellite: int = 48
    channels: int = 8
    lasers: LaserUse = "when-needed"
    laser_range_m: float = LASER_RANGE_M
    laser_clearance_m: float = LASER_CLEARANCE_M


@dataclass(frozen=True, slots=True)
class Plan:
    """One slot's plan: cell → satellite, beam, channel → (lasers) → gateway → PoP, or the reason why not.

    Of the C cells with terminals, ascending by id:
    cell, satellite, beam, channel          satellite is an index into the constellation, or -1
    exit_satellite, gateway                 the satellite above the gateway: the serving one on a bent pipe
    route_offset, route                     satellites from serving to exit, both included, for each cell
    cell_reason                             why, where satellite is -1

    Of the K terminals:
    terminal_cell                           index into `cell`
    pop                                     the PoP that carries its traffic in this slot
    reason                                  `Reason.SERVED`, or why not
    candidates                              satellites that could have served it
    lease_end                               datetime64[ns] from which on the grant does not hold: a path ends there if
                                            that is inside the slot; NaT where nothing ends
    rate_cap_bps                            highest rate each way that the grant allows; inf where it sets none

    Of the V satellites that rose above some terminal's mask, ordered by terminal and satellite:
    seen_terminal, seen_satellite, seen_reason
    """

    slot: int
    cell: CellIds
    satellite: Ints32
    beam: Ints32
    channel: Ints32
    exit_satellite: Ints32
    gateway: Ints32
    route_offset: Ints
    route: Ints32
    cell_reason: Bytes
    terminal_cell: Ints
    pop: Ints
    reason: Bytes
    candidates: Ints
    lease_end: Times
    rate_cap_bps: Floats
    seen_terminal: Ints32
    seen_satellite: Ints32
    seen_reason: Bytes

    def served(self, terminal: int) -> bool:
        """Whether the terminal has a path when this slot starts; `lease_end` may end it before the slot ends."""
        return int(self.reason[terminal]) == Reason.SERVED

    def laser_hops(self) -> Ints:
        """(C,) laser links on each cell's path: 0 for a bent pipe, -1 for a cell without service."""
        return np.asarray(np.diff(self.route_offset) - 1, dtype=np.int64)

    def route_of_cell(self, cell: int) -> Ints32:
        """The satellites a cell's traffic crosses, serving satellite first; empty without service."""
        return self.route[self.route_offset[cell] : self.route_offset[cell + 1]]

    def held_satellite(self, cells: CellIds) -> Ints32:
        """The satellite that serves each of `cells` in this slot, -1 for a cell that is not in the plan."""
        held = np.full(len(cells), NONE, dtype=np.int32)
        if len(self.cell):
            at = np.minimum(np.searchsorted(self.cell, cells), len(self.cell) - 1)
            known = self.cell[at] == cells
            held[known] = self.satellite[at[known]]
        return held
