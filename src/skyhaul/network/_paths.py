"""The path of every terminal at every instant of a slot: legs, delays, rates and outage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from skyhaul.network._delay import DelayModel, packet_extra_s, slot_extra_s
from skyhaul.network._ground import Ground
from skyhaul.network._plan import NONE, Plan
from skyhaul.network._reasons import Reason
from skyhaul.network._slots import slot_start
from skyhaul.network._terminals import Terminals
from skyhaul.radio import LIGHT_M_S, look_angles_of_pairs
from skyhaul.types import Bools, Bytes, Floats, Ints, Ints32, Times

if TYPE_CHECKING:
    from skyhaul.radio import LinkBudget

Positions = Callable[[Times, Ints32], Floats]
"""Gives Earth-fixed positions (T, 3, U) of the satellites with the given indices (U,) at the given times (T,)."""


@dataclass(frozen=True, slots=True)
class Paths:
    """Path states of K terminals at T instants of one slot; NaN where a terminal has no path.

    A lease that ends inside the slot ends the path: `ends` says when, columns (T, K) are NaN from that instant on, and
    columns (K,) tell of the slot up to there. Who samples between instants (packets, for one) stops at `ends`.

    time                                  (T,) UTC
    ends                                  (K,) datetime64[ns] from which on a path of this slot is no more, for want of
                                          a grant; NaT where it lasts to the slot's end, and where there is none
    cause                                 (K,) `Reason.SERVED`, or why there is no path when the slot starts; see
                                          `cause_at` for each instant
    satellite, gateway, pop, laser_hops   (K,) who carries it; -1 without a path
    access_s, laser_s, feeder_s, fibre_s  (T, K) one-way delays of the legs: terminal–satellite, lasers,
                                          satellite–gateway, gateway–PoP
    delay_up_s, delay_down_s              (T, K) one-way delays terminal → PoP and PoP → terminal of a packet sent then
    rtt_s                                 (T, K) their sum
    rate_up_bps, rate_down_bps            (T, K) the terminal's share of its cell's beam, or what its grant allows
    azimuth_deg, elevation_deg, slant_range_m   (T, K) of the serving satellite
    """

    time: Times
    ends: Times
    cause: Bytes
    satellite: Ints32
    gateway: Ints32
    pop: Ints32
    laser_hops: Ints
    access_s: Floats
    laser_s: Floats
    feeder_s: Floats
    fibre_s: Floats
    delay_up_s: Floats
    delay_down_s: Floats
    rtt_s: Floats
    rate_up_bps: Floats
    rate_down_bps: Floats
    azimuth_deg: Floats
    elevation_deg: Floats
    slant_range_m: Floats

    @property
    def propagation_s(self) -> Floats:
        """(T, K) one-way delay of geometry and fibre alone."""
        return self.access_s + self.laser_s + self.feeder_s + self.fibre_s

    @property
    def cause_at(self) -> Bytes:
        """(T, K) `Reason.SERVED`, or why there is no path at each instant: `Reason.NO_GRANT` from `ends` on."""
        cause = np.array(np.broadcast_to(self.cause, (len(self.time), len(self.cause))))
        cause[_over(self.time, self.ends)] = Reason.NO_GRANT
        return cause

    @property
    def loss(self) -> Floats:
        """(T, K) share of packets lost: 1 without a path, else 0; the model has no loss but outage."""
        return np.where(self.cause_at == Reason.SERVED, 0.0, 1.0)


def trace_paths(
    plan: Plan,
    times: Times,
    positions: Positions,
    ground: Ground,
    terminals: Terminals,
    delay: DelayModel,
    budget: LinkBudget,
    seed: int,
) -> Paths:
    """Follow the plan's paths at the given instants (T,) of its slot; `terminals` where they are in it."""
    count, instants = len(terminals), len(times)
    cell = plan.terminal_cell
    served = plan.reason == Reason.SERVED
    hops = plan.laser_hops()
    own = np.flatnonzero(served)
    longest = int(hops[cell[own]].max(initial=0)) + 1

    # Routes padded with their last satellite: the added hops have no length.
    step = np.minimum(np.arange(longest)[:, None], hops[cell[own]])
    route = plan.route[plan.route_offset[cell[own]] + step]  # (longest, served)
    used, local = np.unique(route, return_inverse=True)
    local = local.reshape(route.shape)
    place = positions(times, used.astype(np.int32)).transpose(0, 2, 1)  # (T, U, 3)

    site = terminals.sites.position_m[own]
    station = ground.gateways.position_m[plan.gateway[cell[own]]]
    access, lasers, feeder, fibre = (np.full((instants, count), np.nan) for _ in range(4))
    access[:, own] = _length(place[:, local[0]] - site) / LIGHT_M_S
    feeder[:, own] = _length(place[:, local[-1]] - station) / LIGHT_M_S
    links = place[:, local[1:]] - place[:, local[:-1]]  # (T, longest-1, served, 3)
    lasers[:, own] = _length(links).sum(axis=1) / LIGHT_M_S
    fibre[:, own] = ground.fibre_s[plan.gateway[cell[own]], plan.pop[own]]

    azimuth, elevation, slant = (np.full((instants, count), np.nan) for _ in range(3))
    pair = np.arange(len(own))
    for t in range(instants):
        look = look_angles_of_pairs(terminals.sites, own, place[t, local[0]].T, pair)
        azimuth[t, own], elevation[t, own] = look.azimuth_deg, look.elevation_deg
        slant[t, own] = look.slant_range_m

    propagation = access + lasers + feeder + fibre
    laser_hops = np.where(served, hops[cell], NONE)
    slot_up, slot_down = slot_extra_s(delay, seed, plan.slot, terminals.key, laser_hops)
    packet_up, packet_down = packet_extra_s(delay, seed, times, terminals.key)
    up = propagation + delay.fixed_up_s + slot_up + packet_up
    down = propagation + delay.fixed_down_s + slot_down + packet_down

    sharers = np.bincount(cell[own], minlength=len(plan.cell))
    share = np.full(count, np.nan)
    share[own] = 1.0 / sharers[cell[own]]
    rate_up, rate_down = budget.up_bps(slant) * share, budget.down_bps(slant) * share
    if np.isfinite(plan.rate_cap_bps).any():
        rate_up, rate_down = np.minimum(rate_up, plan.rate_cap_bps), np.minimum(rate_down, plan.rate_cap_bps)
    inside = served & (plan.lease_end < slot_start(plan.slot + 1))
    ends = np.where(inside, plan.lease_end, np.datetime64("NaT", "ns"))
    if inside.any():
        over = _over(times, ends)
        for column in (access, lasers, feeder, fibre, up, down, rate_up, rate_down, azimuth, elevation, slant):
            column[over] = np.nan
    return Paths(
        time=times,
        ends=ends,
        cause=plan.reason,
        satellite=np.where(served, plan.satellite[cell], NONE).astype(np.int32),
        gateway=np.where(served, plan.gateway[cell], NONE).astype(np.int32),
        pop=np.where(served, plan.pop, NONE).astype(np.int32),
        laser_hops=laser_hops,
        access_s=access,
        laser_s=lasers,
        feeder_s=feeder,
        fibre_s=fibre,
        delay_up_s=up,
        delay_down_s=down,
        rtt_s=up + down,
        rate_up_bps=rate_up,
        rate_down_bps=rate_down,
        azimuth_deg=azimuth,
        elevation_deg=elevation,
        slant_range_m=slant,
    )


def _over(times: Times, ends: Times) -> Bools:
    """(T, K) where a path is no more."""
    return np.asarray(times[:, None] >= ends)  # never, where the end is not a time


def _length(vector: Floats) -> Floats:
    return np.asarray(np.sqrt(np.einsum("...i,...i->...", vector, vector)))
