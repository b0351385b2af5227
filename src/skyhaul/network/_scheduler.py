"""The slot scheduler: who serves whom for the next 15 seconds."""

from __future__ import annotations

from copy import copy

import numpy as np

from skyhaul.earth import great_circle_m
from skyhaul.network._assign import assign_bent_pipes
from skyhaul.network._candidates import Candidates, find_candidates
from skyhaul.network._choice import choice_score
from skyhaul.network._failures import Outages
from skyhaul.network._feeders import Feeders, find_feeders
from skyhaul.network._ground import Ground
from skyhaul.network._laser_paths import LaserMesh, assign_laser_paths
from skyhaul.network._plan import NONE, Plan, Rules
from skyhaul.network._reasons import Reason
from skyhaul.network._slot_state import SlotState
from skyhaul.network._strategies import sticky_score
from skyhaul.network._terminals import Terminals
from skyhaul.radio import GsoArc, SiteIndex
from skyhaul.types import Bools, Bytes, Floats, Ints, Ints32, Times

# Under `observed` this part of the separation is a bar, and what lies between is a matter of taste: of 500 recorded
# slots ten were served from under 18°, two of them from under 12° (docs/calibration.md).
OBSERVED_GSO_SHARE = 2.0 / 3.0


class Scheduler:
    """Plans slots for a ground segment and a set of terminals.

    It holds only what can be worked out once from its arguments (site tables); `plan` is a pure function of its own.
    """

    def __init__(self, ground: Ground, terminals: Terminals, rules: Rules, catalog_number: Ints, seed: int) -> None:
        self.ground = ground
        self.terminals = terminals
        self.rules = rules
        self.catalog_number = catalog_number
        self.seed = seed
        self._terminal_index = SiteIndex(terminals.sites, terminals.mask_deg)
        self._gateway_index = SiteIndex(ground.gateways, ground.mask_deg)
        self._arc = GsoArc(terminals.sites)

    def moved(self, terminals: Terminals) -> Scheduler:
        """A scheduler of the same terminals where they are now; what belongs to the ground is taken over."""
        scheduler = copy(self)
        scheduler.terminals = terminals
        scheduler._terminal_index = SiteIndex(terminals.sites, terminals.mask_deg)
        scheduler._arc = GsoArc(terminals.sites)
        return scheduler

    def plan(
        self,
        slot: int,
        start_m: Floats,
        end_m: Floats,
        outages: Outages,
        *,
        granted: Bools | None = None,
        lease_end: Times | None = None,
        rate_cap_bps: Floats | None = None,
        mesh: LaserMesh | None = None,
        previous: Plan | None = None,
    ) -> Plan:
        """The plan of one slot.

        start_m, end_m   (3, N) Earth-fixed positions at the slot's two ends; NaN for a satellite that is not there
        outages          what is out at any time of the slot
        granted          (K,) terminals that may be served from the slot's start on; all when None. No grant, no beam
        lease_end        (K,) datetime64[ns] when each grant ends; NaT, or None: not in this slot. A grant that ends
                         inside the slot has its beam, which others of the cell may share, and no path from its end on
        rate_cap_bps     (K,) highest rate each way that the grant allows; inf, or None: no limit
        mesh             laser links of the slot; without it there are only bent pipes
        previous         the plan before, for strategies that hold a satellite

        The result does not depend on the order of satellites' neighbours, dictionaries or threads: ties go to the
        lower index.
        """
        terminals = self.terminals
        if granted is None:
            granted = np.ones(len(terminals), dtype=np.bool_)
        pop, pop_lives = self._pops(outages.pop)
        wanted = granted & pop_lives

        soft = self.rules.strategy == "observed"
        least = self.rules.gso_separation_deg * (OBSERVED_GSO_SHARE if soft else 1.0)
        pairs = find_candidates(terminals, self._terminal_index, self._arc, start_m, end_m, outages.satellite, least)
        feeders = find_feeders(self.ground, self._gateway_index, start_m, end_m, outages.satellite, outages.gateway)
        cells, lead, terminal_cell = np.unique(terminals.cell, return_index=True, return_inverse=True)
        lead = _first_wanted(terminal_cell, wanted, terminals.key, lead)
        pair_cell = terminal_cell[pairs.terminal]
        held_satellite = previous.held_satellite(cells) if previous else np.full(len(cells), NONE, dtype=np.int32)
        score = self._score(slot, pairs, held_satellite[pair_cell] == pairs.satellite, start_m, end_m)
        offset, satellite, reason, candidate_of_pair = _by_cell(
            pairs, pair_cell, wanted, terminals.key, score, len(cells)
        )

        state = SlotState.empty(len(cells), start_m.shape[1], len(self.ground.gateways))
        cell_pop = pop[lead]
        # Cells with little choice go first, or others take what only they could have used.
        order = np.lexsort((cells, np.diff(offset)))
        order = order[np.diff(offset)[order] > 0]
        if mesh is None or self.rules.lasers != "always":
            self._bent_pipes(order, cell_pop, offset, satellite, reason, feeders, state)
            order = order[state.satellite[order] == NONE]
        if mesh is not None and len(order):
            assign_laser_paths(
                order, cell_pop, offset, satellite, reason, feeders, self.ground, mesh, self.rules, state
            )

        seen_reason = pairs.reason.copy()
        of_cell = candidate_of_pair >= 0
        seen_reason[of_cell] = reason[candidate_of_pair[of_cell]]
        seen_reason[~granted[pairs.terminal]] = Reason.NO_GRANT
        seen_reason[~pop_lives[pairs.terminal]] = Reason.POP_OUT
        terminal_reason = _terminal_reasons(len(terminals), pairs, seen_reason, state.satellite[pair_cell])
        terminal_reason[~pop_lives] = Reason.POP_OUT
        terminal_reason[~granted] = Reason.NO_GRANT
        could = np.isin(seen_reason, (Reason.SERVED, Reason.NOT_CHOSEN))
        hops = np.array([len(route) for route in state.routes], dtype=np.int64)
        return Plan(
            slot=slot,
            cell=cells,
            satellite=state.satellite,
            beam=state.beam,
            channel=np.where(state.beam >= 0, state.beam % self.rules.channels, NONE).astype(np.int32),
            exit_satellite=state.exit_satellite,
            gateway=state.gateway,
            route_offset=np.concatenate(([0], np.cumsum(hops))).astype(np.int64),
            route=np.concatenate([np.empty(0, dtype=np.int32), *state.routes]).astype(np.int32),
            cell_reason=_cell_reasons(len(cells), terminal_cell, terminal_reason),
            terminal_cell=terminal_cell.astype(np.int64),
            pop=pop,
            reason=terminal_reason,
            candidates=np.bincount(pairs.terminal[could], minlength=len(terminals)).astype(np.int64),
            lease_end=np.full(len(terminals), np.datetime64("NaT", "ns")) if lease_end is None else lease_end,
            rate_cap_bps=np.full(len(terminals), np.inf) if rate_cap_bps is None else rate_cap_bps,
            seen_terminal=pairs.terminal,
            seen_satellite=pairs.satellite,
            seen_reason=seen_reason,
        )

    def _pops(self, pop_out: Bools) -> tuple[Ints, Bools]:
        """Each terminal's PoP in this slot, and whether it has one: the nearest that lives, if its own does not."""
        terminals = self.terminals
        pop = terminals.pop.copy()
        lost = pop_out[pop]
        lives = ~(lost & (terminals.pinned | pop_out.all()))
        for k in np.flatnonzero(lost & lives):
            sites, pops = terminals.sites, self.ground.pops
            distance = great_circle_m(
                sites.latitude_deg[k], sites.longitude_deg[k], pops.latitude_deg, pops.longitude_deg
            )
            pop[k] = int(np.argmin(np.where(pop_out, np.inf, distance)))
        return pop, lives

    def _score(self, slot: int, pairs: Candidates, held: Bools, start_m: Floats, end_m: Floats) -> Floats:
        """(V,) how much the strategy wants each pair."""
        terminals, strategy = self.terminals, self.rules.strategy
        if strategy == "sticky":
            return sticky_score(terminals.sites, terminals.mask_deg, pairs, held, start_m, end_m)
        if strategy == "observed":
            return choice_score(
                elevation_deg=pairs.elevation_deg,
                gso_separation_deg=pairs.gso_separation_deg,
                held=held,
                catalog_number=self.catalog_number[pairs.satellite],
                cell=terminals.cell[pairs.terminal],
                slot=slot,
                seed=self.seed,
            )
        return pairs.elevation_deg

    def _bent_pipes(
        self,
        order: Ints,
        cell_pop: Ints,
        offset: Ints,
        satellite: Ints32,
        reason: Bytes,
        feeders: Feeders,
        state: SlotState,
    ) -> None:
        chosen = np.full(len(state.satellite), NONE, dtype=np.int64)
        beam = np.zeros(len(state.satellite), dtype=np.int32)
        assign_bent_pipes(
            order,
            cell_pop,
            offset,
            satellite,
            feeders.offset,
            feeders.gateway,
            feeders.delay_s,
            self.ground.fibre_s,
            self.ground.antennas,
            self.rules.beams_per_satellite,
            self.rules.strategy == "balanced",
            state.antennas_used,
            state.satellite_gateway,
            state.beams_used,
            reason,
            chosen,
            beam,
        )
        for cell in np.flatnonzero(chosen >= 0):
            state.routes[cell] = satellite[chosen[cell], None]
        cells = np.flatnonzero(chosen >= 0)
        state.satellite[cells] = state.exit_satellite[cells] = satellite[chosen[cells]]
        state.gateway[cells] = state.satellite_gateway[state.satellite[cells]]
        state.beam[cells] = beam[cells]


def _first_wanted(terminal_cell: Ints, wanted: Bools, key: Ints, fallback: Ints) -> Ints:
    """(C,) of each cell the terminal with the lowest key that is to be served: its PoP decides the gateway."""
    lead = np.array(fallback, dtype=np.int64)
    members = np.flatnonzero(wanted)
    members = members[np.argsort(key[members], kind="stable")]
    cells, first = np.unique(terminal_cell[members], return_index=True)
    lead[cells] = members[first]
    return lead


def _by_cell(
    pairs: Candidates, pair_cell: Ints, wanted: Bools, terminal_key: Ints, score: Floats, cells: int
) -> tuple[Ints, Ints32, Bytes, Ints]:
    """Group good pairs by cell and satellite: (offset, satellite, reason, candidate of each pair or -1), best first.

    A satellite that more of the cell's terminals can use comes before one that fewer can; then the score of the one
    with the lowest key counts, then the lower index.
    """
    good = np.flatnonzero((pairs.reason == Reason.SERVED) & wanted[pairs.terminal])
    good = good[np.argsort(terminal_key[pairs.terminal[good]], kind="stable")]
    key = pair_cell[good] * np.int64(2**32) + pairs.satellite[good]
    unique, first, inverse, users = np.unique(key, return_index=True, return_inverse=True, return_counts=True)
    cell, satellite = unique // 2**32, (unique % 2**32).astype(np.int32)
    order = np.lexsort((satellite, -score[good[first]], -users, cell))
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    candidate = np.full(len(pairs.satellite), NONE, dtype=np.int64)
    candidate[good] = rank[inverse]
    offset = np.concatenate(([0], np.cumsum(np.bincount(cell, minlength=cells)))).astype(np.int64)
    reason = np.full(len(order), Reason.NO_GATEWAY, dtype=np.int8)
    return offset, satellite[order], reason, candidate


def _terminal_reasons(count: int, pairs: Candidates, seen_reason: Bytes, cell_satellite: Ints32) -> Bytes:
    """(K,) served, or why not; `cell_satellite` (V,) is the satellite that serves the cell of each pair."""
    furthest = np.full(count, Reason.NO_SATELLITE, dtype=np.int8)
    np.maximum.at(furthest, pairs.terminal, seen_reason)
    # In a served cell the reason of the serving satellite counts, which one of several terminals may not see.
    serving = pairs.satellite == cell_satellite
    in_served_cell = np.zeros(count, dtype=np.bool_)
    in_served_cell[pairs.terminal[cell_satellite >= 0]] = True
    furthest[in_served_cell] = Reason.ELEVATION
    furthest[pairs.terminal[serving]] = seen_reason[serving]
    return furthest


def _cell_reasons(cells: int, terminal_cell: Ints, terminal_reason: Bytes) -> Bytes:
    """(C,) served if any terminal of the cell is, else the furthest reason among them."""
    reason = np.zeros(cells, dtype=np.int8)
    np.maximum.at(reason, terminal_cell, terminal_reason)
    reason[terminal_cell[terminal_reason == Reason.SERVED]] = Reason.SERVED
    return reason
