"""Which satellite real terminals are given: a logit choice among those that could serve.

Fitted on two hours of a Belgian dish's serving satellites, 2024-07-17 (docs/calibration.md). That such rules weigh
elevation, the angle to the geostationary arc and the satellite's age was first shown by Tanveer et al., "Making sense
of constellations", CoNEXT Companion 2023.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from skyhaul.network._random import Stream, gumbel, uniform_pair
from skyhaul.types import Bools, Floats

# Catalogue numbers of second-generation Starlinks (names from STARLINK-30000 on) among those launched before
# August 2023, and the first number after which there is no other kind: elements of 2024-07-16.
_LARGE_FIRST = np.array([55695, 56287, 56688, 56823, 57290, 57404])
_LARGE_LAST = np.array([55713, 56306, 56709, 56844, 57311, np.iinfo(np.int64).max])

_LAST_SLOT = 2**31 - 1  # slot and catalogue number share 64 bits


@dataclass(frozen=True, slots=True)
class ChoiceModel:
    """Parameters of the choice: natural logarithms of odds, fitted with their standard errors by `calibration/`.

    best_elevation_deg   the elevation that is liked most
    best_weight          how much better it is than the zenith. Between and below, the odds follow a cubic of the zenith
                         angle that is flat at the zenith and at the best elevation: at 25° they are exp(-6) of the best
    gso_weight           from 0° to `gso_free_deg` of separation from the geostationary arc the odds grow by exp(this),
                         with the square of the separation
    gso_free_deg         beyond this separation the arc no longer matters
    held_weight          the satellite of the slot before
    large_weight         a second-generation satellite (96 Gbit/s down against 17 to 23: operator's statements)
    """

    best_elevation_deg: float = 61.2
    best_weight: float = 0.74
    gso_weight: float = 1.06
    gso_free_deg: float = 60.0
    held_weight: float = 1.21
    large_weight: float = 1.40


def is_large(catalog_number: npt.ArrayLike) -> Bools:
    """Whether satellites are second-generation Starlinks, by NORAD catalogue number; the same shape."""
    number = np.asarray(catalog_number, dtype=np.int64)
    launch = np.searchsorted(_LARGE_FIRST, number, side="right") - 1
    return np.asarray((launch >= 0) & (number <= _LARGE_LAST[launch]))


def choice_utility(
    *,
    elevation_deg: Floats,
    gso_separation_deg: Floats,
    held: Bools,
    catalog_number: npt.ArrayLike,
    model: ChoiceModel | None = None,
) -> Floats:
    """(V,) how much each satellite is liked: differences are logarithms of odds.

    elevation_deg        (V,) in the middle of the slot, 25 to 90
    gso_separation_deg   (V,) least over the slot
    held                 (V,) whether it served the cell in the slot before
    catalog_number       (V,) NORAD catalogue numbers
    """
    m = model or ChoiceModel()
    zenith = (90.0 - np.asarray(elevation_deg)) / (90.0 - m.best_elevation_deg)
    off_arc = np.minimum(gso_separation_deg, m.gso_free_deg) / m.gso_free_deg
    liking = m.best_weight * zenith**2 * (3.0 - 2.0 * zenith) + m.gso_weight * off_arc**2
    return np.asarray(liking + m.held_weight * np.asarray(held) + m.large_weight * is_large(catalog_number))


def choice_score(
    *,
    elevation_deg: Floats,
    gso_separation_deg: Floats,
    held: Bools,
    catalog_number: npt.ArrayLike,
    cell: npt.ArrayLike,
    slot: int,
    seed: int,
    model: ChoiceModel | None = None,
) -> Floats:
    """(V,) the utility of each satellite for its cell plus Gumbel noise.

    The highest score of a cell is a draw from the logit choice among its candidates, whichever they are; taking the
    next one where the first is not free is a draw among the rest. The noise of a satellite depends on seed, slot
    number (0 to 2^31), cell (V,) and catalogue number only. Other arguments: see `choice_utility`.
    """
    utility = choice_utility(
        elevation_deg=elevation_deg,
        gso_separation_deg=gso_separation_deg,
        held=held,
        catalog_number=catalog_number,
        model=model,
    )
    if not 0 <= slot <= _LAST_SLOT:
        raise ValueError(f"slot number {slot} is outside 0 to {_LAST_SLOT}")
    name = np.asarray(catalog_number, dtype=np.int64) & np.int64(0xFFFFFFFF) | np.int64(slot) << np.int64(32)
    noise, _ = uniform_pair(seed, Stream.CHOICE, np.asarray(cell), name)
    return utility + gumbel(noise)
