"""What a plan has given away while it is being made."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skyhaul.network._plan import NONE
from skyhaul.types import Ints, Ints32


@dataclass(slots=True)
class SlotState:
    """What a plan has given away so far: it is filled cell by cell and then thrown away."""

    satellite: Ints32  # (C,)
    beam: Ints32  # (C,)
    exit_satellite: Ints32  # (C,)
    gateway: Ints32  # (C,)
    routes: list[Ints32]  # C of them
    beams_used: Ints32  # (N,)
    satellite_gateway: Ints32  # (N,)
    antennas_used: Ints  # (G,)

    @classmethod
    def empty(cls, cells: int, satellites: int, gateways: int) -> SlotState:
        """Nothing given away yet."""
        return cls(
            satellite=np.full(cells, NONE, dtype=np.int32),
            beam=np.full(cells, NONE, dtype=np.int32),
            exit_satellite=np.full(cells, NONE, dtype=np.int32),
            gateway=np.full(cells, NONE, dtype=np.int32),
            routes=[np.empty(0, dtype=np.int32)] * cells,
            beams_used=np.zeros(satellites, dtype=np.int32),
            satellite_gateway=np.full(satellites, NONE, dtype=np.int32),
            antennas_used=np.zeros(gateways, dtype=np.int64),
        )
