"""Giving each cell one satellite and each satellite one gateway, within beams and antennas."""

from __future__ import annotations

import numpy as np

from skyhaul._kernel import kernel
from skyhaul.network._reasons import Reason
from skyhaul.types import Bytes, Floats, Ints, Ints32

_NO_GATEWAY = int(Reason.NO_GATEWAY)
_NO_ANTENNA = int(Reason.NO_ANTENNA)
_NO_BEAM = int(Reason.NO_BEAM)
_NOT_CHOSEN = int(Reason.NOT_CHOSEN)
_SERVED = int(Reason.SERVED)


@kernel()
def best_gateway(
    satellite: int,
    pop: int,
    feeder_offset: Ints,
    feeder_gateway: Ints32,
    feeder_delay_s: Floats,
    fibre_s: Floats,
    antennas: Ints,
    antennas_used: Ints,
    satellite_gateway: Ints32,
) -> int:
    """The gateway that brings a satellite's traffic to a PoP soonest; -1 if none is in view, -2 if none has an antenna.

    A satellite talks to one gateway in a slot: one that has a gateway already keeps it.
    """
    found = -1
    best = np.inf
    for i in range(feeder_offset[satellite], feeder_offset[satellite + 1]):
        gateway = feeder_gateway[i]
        delay = feeder_delay_s[i] + fibre_s[gateway, pop]
        if not delay < np.inf:
            continue
        if satellite_gateway[satellite] == gateway:
            return int(gateway)
        if satellite_gateway[satellite] >= 0 or antennas_used[gateway] >= antennas[gateway]:
            if found == -1:
                found = -2
        elif delay < best:
            best = delay
            found = gateway
    return int(found)


@kernel()
def soonest_feeders(
    pops: Ints,
    feeder_offset: Ints,
    feeder_gateway: Ints32,
    feeder_delay_s: Floats,
    fibre_s: Floats,
    antennas: Ints,
    antennas_used: Ints,
    satellite_gateway: Ints32,
) -> tuple[Floats, Ints32]:
    """Of each satellite the gateway that brings traffic to each of `pops` (P,) soonest: delays and gateways (P, N).

    ∞ and -1 for a satellite without a gateway that has an antenna left.
    """
    satellites = len(feeder_offset) - 1
    cost = np.full((len(pops), satellites), np.inf)
    via = np.full((len(pops), satellites), -1, dtype=np.int32)
    for row in range(len(pops)):
        for satellite in range(satellites):
            gateway = best_gateway(
                satellite,
                pops[row],
                feeder_offset,
                feeder_gateway,
                feeder_delay_s,
                fibre_s,
                antennas,
                antennas_used,
                satellite_gateway,
            )
            if gateway < 0:
                continue
            via[row, satellite] = gateway
            for i in range(feeder_offset[satellite], feeder_offset[satellite + 1]):
                if feeder_gateway[i] == gateway:
                    cost[row, satellite] = feeder_delay_s[i] + fibre_s[gateway, pops[row]]
    return cost, via


@kernel()
def assign_bent_pipes(
    cell_order: Ints,
    cell_pop: Ints,
    candidate_offset: Ints,
    candidate_satellite: Ints32,
    feeder_offset: Ints,
    feeder_gateway: Ints32,
    feeder_delay_s: Floats,
    fibre_s: Floats,
    antennas: Ints,
    beams_per_satellite: int,
    balanced: bool,
    antennas_used: Ints,
    satellite_gateway: Ints32,
    beams_used: Ints32,
    reason: Bytes,
    chosen: Ints,
    beam: Ints32,
) -> None:
    """Serve cells in `cell_order`, each by the first of its candidates that has a beam and a gateway.

    Candidates of cell c are candidate_offset[c] … candidate_offset[c+1], best first. With `balanced` the one with the
    fewest beams in use is taken, and the order breaks ties. Written are `antennas_used` (G,), `satellite_gateway` (N,),
    `beams_used` (N,), `reason` (V,), `chosen` (C,; a candidate's index, or -1) and `beam` (C,).
    """
    for cell in cell_order:
        pop = cell_pop[cell]
        pick = -1
        pick_gateway = -1
        for i in range(candidate_offset[cell], candidate_offset[cell + 1]):
            satellite = candidate_satellite[i]
            gateway = best_gateway(
                satellite,
                pop,
                feeder_offset,
                feeder_gateway,
                feeder_delay_s,
                fibre_s,
                antennas,
                antennas_used,
                satellite_gateway,
            )
            if gateway == -1:
                reason[i] = _NO_GATEWAY
            elif gateway == -2:
                reason[i] = _NO_ANTENNA
            elif beams_used[satellite] >= beams_per_satellite:
                reason[i] = _NO_BEAM
            else:
                reason[i] = _NOT_CHOSEN
                fewer = pick >= 0 and balanced and beams_used[satellite] < beams_used[candidate_satellite[pick]]
                if pick < 0 or fewer:
                    pick = i
                    pick_gateway = gateway
        chosen[cell] = pick
        if pick >= 0:
            satellite = candidate_satellite[pick]
            reason[pick] = _SERVED
            beam[cell] = beams_used[satellite]
            beams_used[satellite] += 1
            if satellite_gateway[satellite] < 0:
                satellite_gateway[satellite] = pick_gateway
                antennas_used[pick_gateway] += 1
