"""How far from the arc of geostationary satellites a site looks."""

from __future__ import annotations

import numpy as np

from skyhaul.earth import Sites
from skyhaul.types import Floats, Ints, Ints32

# Radius at which a circular orbit keeps pace with the Earth, (GM / ω²)^(1/3): 42,164.17 km.
# GM and ω: NGA.STND.0036_1.0.0_WGS84 (2014), table 3.1.
GEOSTATIONARY_RADIUS_M = (3.986004418e14 / 7.292115e-5**2) ** (1.0 / 3.0)


class GsoArc:
    """The geostationary arc as K sites see it: the part of the circle above the geodetic horizon.

    sites           the places
    half_width_rad  (K,) half of its length in longitude, the middle being the site's own meridian; negative where all
                    of it lies below the horizon, which at sea level is beyond 81.3° of latitude
    """

    def __init__(self, sites: Sites) -> None:
        self.sites = sites
        longitude = np.arctan2(sites.position_m[:, 1], sites.position_m[:, 0])
        # Each site turned to the meridian of 0°, where all of its geometry lies in the plane of x and z.
        self._cos_turn, self._sin_turn = np.cos(longitude), np.sin(longitude)
        self._out = np.hypot(sites.position_m[:, 0], sites.position_m[:, 1])
        self._above = np.ascontiguousarray(sites.position_m[:, 2])
        up_out = sites.up[:, 0] * self._cos_turn + sites.up[:, 1] * self._sin_turn
        # A point of the arc at longitude λ is above the horizon when up · (point − site) ≥ 0.
        least = np.einsum("ka,ka->k", sites.up, sites.position_m)
        reach = np.maximum(up_out, 0.0) * GEOSTATIONARY_RADIUS_M
        cosine = np.divide(least, reach, out=np.full(len(sites), 2.0), where=reach > 0.0)
        self.half_width_rad = np.where(cosine <= 1.0, np.arccos(np.clip(cosine, -1.0, 1.0)), -1.0)

    def separation_deg(self, site: Ints | Ints32, position_m: Floats, satellite: Ints | Ints32) -> Floats:
        """Smallest angle (V,) at site `site[v]` from satellite `satellite[v]` to any point of the site's arc.

        Satellites at Earth-fixed positions (3, N). 180 where the site sees nothing of the arc, so that no least
        separation forbids a satellite there; not a number for a satellite without a position. Good to 0.0001°. Fastest
        when the pairs come site by site, as from `Visibility.pairs`.
        """
        from skyhaul.radio._gso_kernel import separations  # compiles, so only when pairs are asked about

        return separations(
            self._cos_turn,
            self._sin_turn,
            self._out,
            self._above,
            self.half_width_rad,
            GEOSTATIONARY_RADIUS_M,
            np.ascontiguousarray(site, dtype=np.int64),
            np.ascontiguousarray(position_m, dtype=np.float64),
            np.ascontiguousarray(satellite, dtype=np.int64),
        )


def gso_separation_deg(sites: Sites, site: Ints | Ints32, position_m: Floats, satellite: Ints | Ints32) -> Floats:
    """Smallest angle (V,) at site `site[v]` between satellite `satellite[v]` and the geostationary arc.

    `GsoArc(sites).separation_deg`, which see; keep a `GsoArc` when the same sites are asked about again and again.
    """
    return GsoArc(sites).separation_deg(site, position_m, satellite)
