"""Mean orbital elements of many satellites, one array per column."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from skyhaul.types import Bools, Floats, Ints, Times


@dataclass(frozen=True, slots=True)
class Elements:
    """Mean elements for SGP4 (CCSDS 502.0-B OMM, theory SGP4, frame TEME), N satellites.

    Units are those of an OMM. `shell`, `plane` and `index_in_plane` are set by Walker generators and are -1 for
    elements read from a file, whose shells and planes are found by clustering.
    """

    name: tuple[str, ...]
    catalog_number: Ints
    international_designator: tuple[str, ...]
    epoch: Times  # UTC
    mean_motion_rev_day: Floats  # Kozai, as in TLE and OMM
    eccentricity: Floats
    inclination_deg: Floats
    raan_deg: Floats
    argument_of_perigee_deg: Floats
    mean_anomaly_deg: Floats
    bstar_per_er: Floats  # 1/earth radii
    mean_motion_dot_rev_day2: Floats  # as written in a TLE: half the first derivative
    mean_motion_ddot_rev_day3: Floats  # as written in a TLE: a sixth of the second derivative
    shell: Ints
    plane: Ints
    index_in_plane: Ints

    def __len__(self) -> int:
        return len(self.name)

    def sha256(self) -> str:
        """Hash of every column: the same for the same elements, wherever they come from."""
        digest = hashlib.sha256()
        for field in fields(self):
            column = getattr(self, field.name)
            text = "\n".join(column).encode() if isinstance(column, tuple) else column.tobytes()
            digest.update(f"{field.name} {len(text)}\n".encode() + text)
        return digest.hexdigest()

    def select(self, which: Ints | Bools) -> Elements:
        """The satellites of a boolean mask (N,) or an index array, in that order."""
        index = np.flatnonzero(which) if which.dtype == np.bool_ else which
        columns: dict[str, object] = {}
        for field in fields(self):
            column = getattr(self, field.name)
            columns[field.name] = tuple(column[i] for i in index) if isinstance(column, tuple) else column[index]
        return replace(self, **columns)  # type: ignore[arg-type]

    @staticmethod
    def concatenate(parts: Sequence[Elements]) -> Elements:
        """All satellites of `parts`, in order."""
        columns: dict[str, object] = {}
        for field in fields(Elements):
            values = [getattr(part, field.name) for part in parts]
            if isinstance(values[0], tuple):
                columns[field.name] = tuple(x for value in values for x in value)
            else:
                columns[field.name] = np.concatenate(values)
        return Elements(**columns)  # type: ignore[arg-type]
