"""The demand: user terminals, grouped into the cells that beams point at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from skyhaul.earth import Sites, cells_of
from skyhaul.radio import ObstructionMask
from skyhaul.types import Bools, CellIds, Floats, Ints


@dataclass(frozen=True, slots=True)
class Terminals:
    """K user terminals.

    sites         where they are
    cell          (K,) H3 resolution-5 cell of each
    pop           (K,) index of the point of presence its traffic leaves by
    pinned        (K,) whether that PoP was asked for by name: a pinned terminal is not re-homed when its PoP fails
    mask_deg      (K,) lowest elevation each may be served at
    obstruction   the sky each cannot see, or None
    key           (K,) a number that stays with a terminal, for its random draws
    """

    sites: Sites
    cell: CellIds
    pop: Ints
    pinned: Bools
    mask_deg: Floats
    obstruction: tuple[ObstructionMask | None, ...]
    key: Ints

    def __len__(self) -> int:
        return len(self.sites)

    @classmethod
    def at(
        cls,
        sites: Sites,
        pop: Ints,
        *,
        pinned: Bools | None = None,
        mask_deg: float | Floats = 25.0,  # FCC; never below in two hours of measurements at three places
        obstruction: Sequence[ObstructionMask | None] = (),
        key: Ints | None = None,
    ) -> Terminals:
        """Terminals at `sites`, each with the index of its PoP; the other columns take their defaults."""
        count = len(sites)
        return cls(
            sites=sites,
            cell=cells_of(sites.latitude_deg, sites.longitude_deg),
            pop=np.asarray(pop, dtype=np.int64),
            pinned=np.zeros(count, dtype=np.bool_) if pinned is None else pinned,
            mask_deg=np.array(np.broadcast_to(np.asarray(mask_deg, dtype=np.float64), (count,))),
            obstruction=tuple(obstruction) or (None,) * count,
            key=np.arange(count, dtype=np.int64) if key is None else key,
        )
