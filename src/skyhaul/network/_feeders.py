"""Which gateways each satellite could use over a whole slot."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skyhaul.network._ground import Ground
from skyhaul.radio import LIGHT_M_S, SiteIndex, look_angles_of_pairs
from skyhaul.types import Bools, Floats, Ints, Ints32


@dataclass(frozen=True, slots=True)
class Feeders:
    """Satellite–gateway pairs in view of each other for the whole slot, grouped by satellite.

    offset       (N+1,) the pairs of satellite n are offset[n] … offset[n+1]
    gateway      (F,) ascending within a satellite
    delay_s      (F,) one way, at the slot's start
    """

    offset: Ints
    gateway: Ints32
    delay_s: Floats


def find_feeders(
    ground: Ground, index: SiteIndex, start_m: Floats, end_m: Floats, satellite_out: Bools, gateway_out: Bools
) -> Feeders:
    """Pairs above the gateway's mask at both ends of the slot, without failed satellites (N,) and gateways (G,)."""
    seen = index.visible(start_m)
    gateway, satellite = seen.pairs()
    range_m = seen.slant_range_m
    good = ~(satellite_out[satellite] | gateway_out[gateway])
    gateway, satellite, range_m = gateway[good], satellite[good], range_m[good]
    ends = look_angles_of_pairs(ground.gateways, gateway, end_m, satellite)
    stays = ends.elevation_deg >= ground.mask_deg[gateway]
    gateway, satellite, range_m = gateway[stays], satellite[stays], range_m[stays]

    order = np.argsort(satellite, kind="stable")  # pairs come gateway by gateway
    count = np.bincount(satellite, minlength=start_m.shape[1])
    offset = np.concatenate(([0], np.cumsum(count))).astype(np.int64)
    return Feeders(offset, gateway[order].astype(np.int32), range_m[order].astype(np.float64) / LIGHT_M_S)
