"""Fixed places on the ground."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from skyhaul.earth._geodesy import geodetic_to_ecef, local_axes
from skyhaul.errors import InputError
from skyhaul.types import Floats


@dataclass(frozen=True, slots=True)
class Sites:
    """K named places on the WGS-84 ellipsoid.

    latitude_deg, longitude_deg, height_m   (K,) geodetic
    position_m                              (K, 3) Earth-fixed
    east, north, up                         (K, 3) unit vectors of the local horizon
    """

    name: tuple[str, ...]
    latitude_deg: Floats
    longitude_deg: Floats
    height_m: Floats
    position_m: Floats
    east: Floats
    north: Floats
    up: Floats

    def __len__(self) -> int:
        return len(self.name)

    @classmethod
    def at(
        cls,
        latitude_deg: Sequence[float] | Floats,
        longitude_deg: Sequence[float] | Floats,
        height_m: Sequence[float] | Floats | float = 0.0,
        name: Sequence[str] = (),
    ) -> Sites:
        """Places from geodetic coordinates; names default to `0`, `1`, …

        Raises InputError naming the place whose latitude is beyond ±90°, whose longitude is beyond ±360° or whose
        height is not finite.
        """
        latitude = np.atleast_1d(np.asarray(latitude_deg, dtype=np.float64))
        longitude = np.atleast_1d(np.asarray(longitude_deg, dtype=np.float64))
        height = np.array(np.broadcast_to(np.asarray(height_m, dtype=np.float64), latitude.shape))
        names = tuple(name) or tuple(str(i) for i in range(len(latitude)))
        good = (np.abs(latitude) <= 90.0) & (np.abs(longitude) <= 360.0) & np.isfinite(height)
        if not good.all():
            at = int(np.flatnonzero(~good)[0])
            raise InputError(
                f"no place on Earth: latitude {latitude[at]}, longitude {longitude[at]}, height {height[at]} m",
                where=f"place {names[at]}",
                mend="latitude within ±90°, longitude within ±360°, all finite",
            )
        east, north, up = local_axes(latitude, longitude)
        position = geodetic_to_ecef(latitude, longitude, height)
        return cls(names, latitude, longitude, height, position, east, north, up)
