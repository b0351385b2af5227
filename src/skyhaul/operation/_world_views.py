"""What carries the traffic, as columns: satellites, cells, gateways, points of presence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skyhaul.network import Outages, Reason
from skyhaul.operation._snapshot import Snapshot
from skyhaul.types import Bools, Bytes, CellIds, Floats, Ints, Ints32

IDLE, SERVING, OUT = 0, 1, 2


@dataclass(frozen=True, slots=True)
class SatelliteColumns:
    """N satellites in the running slot.

    state               (N,) 0 idle, 1 serving, 2 out of service
    serving_cells, serving_terminals   (N,)
    gateway             (N,) index of the gateway that it talks to, -1 for none
    """

    state: Bytes
    serving_cells: Ints
    serving_terminals: Ints
    gateway: Ints32


def satellite_columns(snapshot: Snapshot) -> SatelliteColumns:
    """What each satellite does."""
    count = len(snapshot.world.elements)
    plan = snapshot.current
    gateway = np.full(count, -1, dtype=np.int32)
    if plan is None:
        return SatelliteColumns(np.zeros(count, np.int8), np.zeros(count, np.int64), np.zeros(count, np.int64), gateway)
    held = plan.plan.satellite >= 0
    cells = np.bincount(plan.plan.satellite[held], minlength=count)
    states = snapshot.states
    assert states is not None
    terminals = np.bincount(states.satellite[states.satellite >= 0], minlength=count)
    gateway[plan.plan.exit_satellite[held]] = plan.plan.gateway[held]
    state = np.where(cells > 0, np.int8(SERVING), np.int8(IDLE))
    state[plan.outages.satellite] = OUT
    return SatelliteColumns(state, cells, terminals, gateway)


@dataclass(frozen=True, slots=True)
class CellColumns:
    """C cells with terminals, ascending by id.

    reason      (C,) `Reason.SERVED` if any terminal has a path, else why none has
    terminals, served, refused   (C,) how many there are, have a path, may not be served
    satellite, gateway           (C,) who serves it, -1 for none
    rate_down_bps                (C,) what the beam carries to all of them together, 0 for none
    load        (C,) terminals that share the beam
    """

    cell: CellIds
    reason: Bytes
    terminals: Ints
    served: Ints
    refused: Ints
    satellite: Ints32
    gateway: Ints32
    rate_down_bps: Floats
    load: Ints


def cell_columns(snapshot: Snapshot) -> CellColumns | None:
    """The cells of the running slot; None without a plan."""
    plan, states = snapshot.current, snapshot.states
    if plan is None or states is None:
        return None
    own = plan.plan
    count = len(own.cell)
    served, refused = states.cause == Reason.SERVED, states.cause == Reason.NO_GRANT
    carried = np.bincount(own.terminal_cell[served], minlength=count)
    reason = own.cell_reason.copy()
    gone = (reason == Reason.SERVED) & (carried == 0)
    reason[gone] = Reason.NO_GRANT
    rate = np.bincount(own.terminal_cell[served], weights=states.rate_down_bps[served], minlength=count)
    return CellColumns(
        cell=own.cell,
        reason=reason,
        terminals=np.bincount(own.terminal_cell, minlength=count),
        served=carried,
        refused=np.bincount(own.terminal_cell[refused], minlength=count),
        satellite=own.satellite,
        gateway=own.gateway,
        rate_down_bps=np.asarray(rate, dtype=np.float64),
        load=carried,
    )


@dataclass(frozen=True, slots=True)
class GatewayColumns:
    """G gateways: antennas they have, and in use; terminals whose traffic they carry; whether they are out."""

    antennas: Ints
    in_use: Ints
    terminals: Ints
    out: Bools


@dataclass(frozen=True, slots=True)
class PopColumns:
    """P points of presence: terminals whose traffic they carry; whether they are out."""

    terminals: Ints
    out: Bools


def gateway_columns(snapshot: Snapshot) -> GatewayColumns:
    ground = snapshot.world.ground
    count = len(ground.gateways)
    plan, states, out = snapshot.current, snapshot.states, _outages(snapshot)
    if plan is None or states is None:
        none = np.zeros(count, dtype=np.int64)
        return GatewayColumns(ground.antennas, none, none, out.gateway)
    held = plan.plan.exit_satellite >= 0
    pairs = np.unique(np.stack([plan.plan.exit_satellite[held], plan.plan.gateway[held]]), axis=1)
    return GatewayColumns(
        ground.antennas,
        np.bincount(pairs[1], minlength=count),
        np.bincount(states.gateway[states.gateway >= 0], minlength=count),
        out.gateway,
    )


def pop_columns(snapshot: Snapshot) -> PopColumns:
    count = len(snapshot.world.ground.pops)
    states, out = snapshot.states, _outages(snapshot)
    if states is None:
        return PopColumns(np.zeros(count, dtype=np.int64), out.pop)
    return PopColumns(np.bincount(states.pop[states.pop >= 0], minlength=count), out.pop)


def _outages(snapshot: Snapshot) -> Outages:
    if snapshot.current is not None:
        return snapshot.current.outages
    world = snapshot.world
    return Outages.none(len(world.elements), len(world.ground.gateways), len(world.ground.pops))
