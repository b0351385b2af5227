"""Which satellites each terminal could use over a whole slot, and the first test that the others fail."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skyhaul.network._reasons import Reason
from skyhaul.network._terminals import Terminals
from skyhaul.radio import GsoArc, SiteIndex, look_angles_of_pairs
from skyhaul.types import Bools, Bytes, Floats, Ints32

# Elevation over a slot is least at one of its ends, as a pass rises and falls once; the angle to the geostationary arc
# and to an obstruction's edge can be least anywhere, so those are tested at these parts of the slot.
_PARTS = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True, slots=True)
class Candidates:
    """V terminal–satellite pairs with the satellite above the terminal's mask at the slot's start.

    terminal, satellite                        (V,) ascending by terminal, then satellite
    reason                                     (V,) `Reason.SERVED` where the radio path is good for the whole slot
    azimuth_deg, elevation_deg, slant_range_m  (V,) in the middle of the slot
    gso_separation_deg                         (V,) least over the slot
    """

    terminal: Ints32
    satellite: Ints32
    reason: Bytes
    azimuth_deg: Floats
    elevation_deg: Floats
    slant_range_m: Floats
    gso_separation_deg: Floats


def between(start_m: Floats, end_m: Floats, part: float) -> Floats:
    """Positions (3, V) at a part 0…1 of the slot, from those at its ends, along the great circle between them.

    The path of a satellite over 15 s departs from that circle, on the turning Earth, by less than 5 m.
    """
    cosine = np.einsum("iv,iv->v", start_m, end_m)
    cosine /= np.sqrt(np.einsum("iv,iv->v", start_m, start_m) * np.einsum("iv,iv->v", end_m, end_m))
    angle = np.maximum(np.arccos(np.clip(cosine, -1.0, 1.0)), 1e-9)
    return np.asarray((np.sin((1.0 - part) * angle) * start_m + np.sin(part * angle) * end_m) / np.sin(angle))


def find_candidates(
    terminals: Terminals,
    index: SiteIndex,
    arc: GsoArc,
    start_m: Floats,
    end_m: Floats,
    satellite_out: Bools,
    gso_separation_deg: float,
) -> Candidates:
    """Test every satellite above every terminal's mask over a slot that starts and ends with these positions (3, N).

    `satellite_out` (N,) marks failed satellites. `gso_separation_deg` is the least allowed angle to the geostationary
    arc; 0 allows all.
    """
    sites = terminals.sites
    seen = index.visible(start_m)
    terminal, satellite = seen.pairs()
    first, last = start_m[:, satellite], end_m[:, satellite]
    own = np.arange(len(satellite), dtype=np.int64)

    mask = terminals.mask_deg[terminal]
    above = look_angles_of_pairs(sites, terminal, first, own).elevation_deg >= mask
    stays = look_angles_of_pairs(sites, terminal, last, own).elevation_deg >= mask
    middle = look_angles_of_pairs(sites, terminal, between(first, last, 0.5), own)

    separation = np.full(len(satellite), np.inf)
    obstructed = np.zeros(len(satellite), dtype=np.bool_)
    masked = [k for k, mask in enumerate(terminals.obstruction) if mask is not None]
    for part in _PARTS:
        positions = between(first, last, part)
        separation = np.minimum(separation, arc.separation_deg(terminal, positions, own))
        if masked:
            look = look_angles_of_pairs(sites, terminal, positions, own)
            for k in masked:
                mine = terminal == k
                shape = terminals.obstruction[k]
                assert shape is not None
                obstructed[mine] |= shape.blocks(look.azimuth_deg[mine], look.elevation_deg[mine])

    reason = np.full(len(satellite), Reason.SERVED, dtype=np.int8)
    # The last test written is the first one failed.
    reason[separation < gso_separation_deg] = Reason.GSO_ARC
    reason[obstructed] = Reason.OBSTRUCTED
    reason[satellite_out[satellite]] = Reason.SATELLITE_OUT
    reason[~stays] = Reason.ELEVATION
    keep = above  # single precision found the pairs: those on the wrong side of the mask by metres go
    return Candidates(
        terminal[keep].astype(np.int32),
        satellite[keep],
        reason[keep],
        middle.azimuth_deg[keep],
        middle.elevation_deg[keep],
        middle.slant_range_m[keep],
        separation[keep],
    )
