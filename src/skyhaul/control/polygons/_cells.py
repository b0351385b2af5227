"""H3 cells that a region of the map touches: the unit in which grants are decided again after a change."""

from __future__ import annotations

import h3.api.basic_int as h3
import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from skyhaul.control.polygons._ellipse import SMALLEST_RADIUS_M
from skyhaul.control.polygons._rings import cut_at_180
from skyhaul.earth import BEAM_CELL_RESOLUTION
from skyhaul.types import CellIds

# Cell edges are straight on H3's projection and bow against a straight line on the map, at 85° by 18 m on the 10 km of
# an edge (sagitta L² tan φ / 8 R); the fill compares straight lines, so a region is widened by more than that.
_BOW_M = 50.0

# Nearer to a pole than half a degree a region takes the whole cap of some 40 cells, as
# longitude loses its length there.
_CAP_DEG = 89.5

# H3 takes an edge of more than 180° of longitude for one across 180°; pieces of 60° stay far from that.
_STRIP_DEG = 60.0


def touched_cells(region: BaseGeometry, margin_m: float = 0.0) -> CellIds:
    """(C,) H3 resolution-5 cells that have a place within `margin_m` of a region of the map, ascending.

    Never one too few; a cell whose corner the widened region only almost meets may be there too. Source of the fill:
    H3's polygonToCellsExperimental, containment mode "overlap".
    """
    cells: set[int] = set()
    for part in shapely.get_parts(_widened(region, margin_m + _BOW_M)):
        for west in np.arange(-180.0, 180.0, _STRIP_DEG):
            strip = part.intersection(shapely.box(west, -90.0, west + _STRIP_DEG, 90.0))
            for piece in shapely.get_parts(strip):
                if piece.geom_type == "Polygon" and piece.area > 0.0:
                    cells.update(h3.h3shape_to_cells_experimental(_latlng(piece), BEAM_CELL_RESOLUTION, "overlap"))
    return np.array(sorted(cells), dtype=np.uint64)


def _widened(region: BaseGeometry, margin_m: float) -> BaseGeometry:
    margin_deg = np.degrees(margin_m / SMALLEST_RADIUS_M)
    earth = shapely.box(-540.0, -90.0, 540.0, 90.0)
    wide = []
    for part in shapely.get_parts(region):
        _, south, _, north = part.bounds
        reach = max(-south, north) + margin_deg
        if reach > _CAP_DEG:
            cap = shapely.box(-180.0, _CAP_DEG, 180.0, 90.0)
            wide += [cap] if north + margin_deg > _CAP_DEG else []
            wide += [shapely.transform(cap, np.negative)] if south - margin_deg < -_CAP_DEG else []
        narrow = np.array([np.cos(np.radians(min(reach, _CAP_DEG))), 1.0])
        grown = shapely.transform(part, lambda xy, narrow=narrow: xy * narrow).buffer(margin_deg)
        wide.append(cut_at_180(shapely.transform(grown, lambda xy, narrow=narrow: xy / narrow).intersection(earth)))
    return shapely.union_all(wide)


def _latlng(piece: BaseGeometry) -> h3.LatLngPoly:
    rings = [shapely.get_coordinates(ring)[:, ::-1].tolist() for ring in shapely.get_rings(piece)]
    return h3.LatLngPoly(*rings)
