"""The ground segment: gateways, points of presence and the fibre between them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from skyhaul.earth import Sites, great_circle_m
from skyhaul.errors import GroundError
from skyhaul.network._fibre import FibreLine, backbone_delays_s, gateway_delays_s
from skyhaul.network._names import find_name
from skyhaul.types import Floats, Ints

# Lowest elevation of gateway antennas: 25°, and down to 5° above 62° of latitude. FCC 21-48 (2021-04-27), which grants
# SpaceX's third modification.
GATEWAY_MASK_DEG = 25.0
POLAR_GATEWAY_MASK_DEG = 5.0
POLAR_LATITUDE_DEG = 62.0

# Antennas of a small site in the legend of the Starlink community's map of gateways, 2023-10-10.
GATEWAY_ANTENNAS = 8


def gateway_mask_deg(latitude_deg: npt.ArrayLike) -> Floats:
    """The elevation in degrees below which a gateway at a latitude does not serve, the same shape.

    25° up to 62° of latitude north or south, 5° above (FCC 21-48).
    """
    polar = np.abs(np.asarray(latitude_deg, dtype=np.float64)) > POLAR_LATITUDE_DEG
    return np.where(polar, POLAR_GATEWAY_MASK_DEG, GATEWAY_MASK_DEG)


@dataclass(frozen=True, slots=True)
class Ground:
    """G gateways, P points of presence (PoPs), and the fibre that joins them.

    gateways    G sites with names of their own
    antennas    (G,) satellites that a gateway can track at once
    mask_deg    (G,) lowest elevation of its antennas
    pops        P sites with names of their own
    fibre_s     (G, P) one-way seconds from gateway to PoP
    backbone_s  (P, P) one-way seconds from PoP to PoP, 0 on the diagonal

    Delays are by cable, 1.3 great circles at a group index of 1.468, where no line is given. See `Ground.of` for lines.
    """

    gateways: Sites
    antennas: Ints
    mask_deg: Floats
    pops: Sites
    fibre_s: Floats
    backbone_s: Floats

    @classmethod
    def of(
        cls,
        gateways: Sites,
        pops: Sites,
        *,
        antennas: Sequence[int] | Ints | None = None,
        mask_deg: Sequence[float] | Floats | None = None,
        access: Sequence[FibreLine] = (),
        backbone: Sequence[FibreLine] = (),
    ) -> Ground:
        """A ground segment from its places.

        antennas  (G,) at least 1; 8 when not given
        mask_deg  (G,) from 0 to below 90; by latitude (`gateway_mask_deg`) when not given
        access    lines gateway → PoP. A gateway that has any reaches other PoPs only over them and the backbone
        backbone  lines PoP – PoP. A pair that no chain of lines joins has a cable of its own

        `GroundError` for an empty list, a name twice in one list, or a value out of its range.
        """
        _check_names(gateways, "gateway")
        _check_names(pops, "PoP")
        count = np.full(len(gateways), GATEWAY_ANTENNAS) if antennas is None else np.asarray(antennas)
        mask = gateway_mask_deg(gateways.latitude_deg) if mask_deg is None else np.asarray(mask_deg, dtype=np.float64)
        if count.shape != (len(gateways),) or mask.shape != (len(gateways),):
            raise GroundError(
                f"{count.size} antenna counts and {mask.size} masks for {len(gateways)} gateways", mend="give one each"
            )
        _check_each(gateways, count >= 1, count, "antennas", "at least 1")
        _check_each(gateways, (mask >= 0.0) & (mask < 90.0), mask, "mask_deg", "from 0 to below 90")
        for line in (*access, *backbone):
            if not 0.0 <= line.delay_s < np.inf:
                raise GroundError(f"a line's delay is {line.delay_s} s", mend="give seconds, one way, 0 or more")
        backbone_s = backbone_delays_s(pops, backbone)
        return cls(
            gateways=gateways,
            antennas=count.astype(np.int64),
            mask_deg=mask,
            pops=pops,
            fibre_s=gateway_delays_s(gateways, pops, backbone_s, access),
            backbone_s=backbone_s,
        )

    def sha256(self) -> str:
        """Hash of every place, antenna, mask and delay: the same for the same ground segment."""
        digest = hashlib.sha256("\n".join((*self.gateways.name, "", *self.pops.name)).encode())
        for column in (
            self.gateways.position_m,
            self.antennas,
            self.mask_deg,
            self.pops.position_m,
            self.fibre_s,
            self.backbone_s,
        ):
            digest.update(column.tobytes())
        return digest.hexdigest()

    def gateway(self, name: str) -> int:
        """The index of a gateway by name; `NotFoundError` lists near names."""
        return find_name(name, self.gateways.name, "gateway")

    def pop(self, name: str) -> int:
        """The index of a PoP by name; `NotFoundError` lists near names."""
        return find_name(name, self.pops.name, "PoP")

    def nearest_pop(self, sites: Sites) -> Ints:
        """The PoP nearest to each site by great circle: (K,) indices."""
        distance_m = great_circle_m(
            sites.latitude_deg[:, None],
            sites.longitude_deg[:, None],
            self.pops.latitude_deg[None, :],
            self.pops.longitude_deg[None, :],
        )
        nearest: Ints = np.argmin(distance_m, axis=1)
        return nearest


def _check_names(sites: Sites, kind: str) -> None:
    if len(sites) == 0:
        raise GroundError(
            f"the ground segment has no {kind}", mend=f"add at least one {kind}, in a file of its own if you like"
        )
    if len(set(sites.name)) < len(sites):
        twice = next(name for name in sites.name if sites.name.count(name) > 1)
        raise GroundError(f"two {kind}s are named “{twice}”", mend="give each a name of its own")


def _check_each(
    gateways: Sites, good: npt.NDArray[np.bool_], value: npt.NDArray[np.generic], field: str, range_: str
) -> None:
    if not good.all():
        worst = int(np.argmin(good))
        raise GroundError(f"{field} of gateway “{gateways.name[worst]}” is {value[worst]}", mend=f"give {range_}")
