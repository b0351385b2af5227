"""How each strategy ranks the satellites that a cell may use."""

from __future__ import annotations

import numpy as np

from skyhaul.earth import Sites
from skyhaul.network._candidates import Candidates, between
from skyhaul.radio import look_angles_of_pairs
from skyhaul.types import Bools, Floats, Ints32

_LOOK_AHEAD = np.arange(4.0, 64.0, 4.0)  # in slots: a pass above 25° lasts 4 minutes at 550 km, 13 at 1,300 km
_HOLD = 1e6  # above any look-ahead: the held satellite comes first


def remaining_slots(
    sites: Sites, mask_deg: Floats, terminal: Ints32, satellite: Ints32, start_m: Floats, end_m: Floats
) -> Floats:
    """(V,) slots until each satellite sinks below its terminal's mask, to about a minute, 60 at most.

    Positions are carried on along the great circle of the slot, on the turning Earth: good to some km over minutes,
    enough to rank satellites by how long they stay.
    """
    first, last = start_m[:, satellite], end_m[:, satellite]
    own = np.arange(len(satellite), dtype=np.int64)
    stays = np.ones(len(satellite), dtype=np.bool_)
    slots = np.zeros(len(satellite))
    for ahead in _LOOK_AHEAD:
        look = look_angles_of_pairs(sites, terminal, between(first, last, ahead), own)
        stays &= look.elevation_deg >= mask_deg[terminal]
        slots[stays] = ahead
        if not stays.any():
            break
    return slots


def sticky_score(
    sites: Sites, mask_deg: Floats, pairs: Candidates, held: Bools, start_m: Floats, end_m: Floats
) -> Floats:
    """(V,) the held satellite first; where none is held, the one that stays longest, then the highest."""
    score = np.where(held, _HOLD, 0.0) + pairs.elevation_deg / 90.0
    bereft = np.ones(len(sites), dtype=np.bool_)
    bereft[pairs.terminal[held]] = False
    ask = bereft[pairs.terminal]
    score[ask] += remaining_slots(sites, mask_deg, pairs.terminal[ask], pairs.satellite[ask], start_m, end_m)
    return np.asarray(score)
