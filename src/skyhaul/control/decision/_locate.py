"""From a position to the faces its ellipse touches: by tiles where no border is near, exactly where one is."""

from __future__ import annotations

from typing import NamedTuple

import shapely
from shapely.geometry.base import BaseGeometry

from skyhaul.control.decision._position import Position
from skyhaul.control.decision._terrain import Terrain
from skyhaul.control.decision._world import Face, View
from skyhaul.control.polygons._ellipse import ellipse_shape, place_shape
from skyhaul.control.polygons._near import clear_class

# Parts of an ellipse below this share of it are rounding of the overlay of two drawings of one border, not ground.
_SLIVER = 1e-9

# Borders are cut off this far outside the ellipse, so that every cut lies outside it.
_AROUND_DEG = 1e-9


class Located(NamedTuple):
    """The face of the centre, every face within the ellipse (the centre's among them), and the patches whose border
    parts them."""

    centre: Face
    faces: tuple[Face, ...]
    crossing: tuple[int, ...]


def locate(terrain: Terrain, view: View, position: Position) -> Located:
    """Which faces a position's ellipse touches. Polygons hold their border."""
    latitude, longitude = position.latitude_deg, position.longitude_deg
    ground = terrain.ground
    class_ = clear_class(latitude, longitude, position.semi_major_m, *ground.tables, terrain.there(view))
    if class_ < 0:
        return _locate_exactly(terrain, view, position)
    patches, border = terrain.of_class(view, class_)
    if border:
        holding = [s for s in border if shapely.intersects_xy(ground.shapes[s], longitude, latitude)]
        patches = tuple(sorted((*patches, *terrain.patches_of(view, holding))))
    face = view.face(patches)
    return Located(face, (face,), ())


def _locate_exactly(terrain: Terrain, view: View, position: Position) -> Located:
    ground, there = terrain.ground, terrain.there(view)
    place = position.latitude_deg, position.longitude_deg
    ellipse = ellipse_shape(*place, position.semi_major_m, position.semi_minor_m, position.azimuth_deg)
    centre = place_shape(*place)
    holding: list[int] = []
    at_centre: list[int] = []
    crossing: list[int] = []
    for s in ground.near(ellipse):
        shape = ground.shapes[s]
        if there[s] and shape.intersects(ellipse):
            if shape.intersects(centre):
                at_centre.append(s)
            (holding if shape.covers(ellipse) else crossing).append(s)
    centre_face = view.face(terrain.patches_of(view, at_centre))
    if not crossing:
        return Located(centre_face, (centre_face,), ())
    faces = {centre_face.patches: centre_face}
    for point in _parts(ellipse, [ground.boundary(s) for s in crossing]):
        here = [s for s in crossing if ground.shapes[s].intersects(point)]
        face = view.face(terrain.patches_of(view, holding + here))
        faces[face.patches] = face
    found = tuple(faces[key] for key in sorted(faces))
    return Located(centre_face, found, terrain.patches_of(view, crossing) if len(found) > 1 else ())


def _parts(ellipse: BaseGeometry, borders: list[BaseGeometry]) -> list[BaseGeometry]:
    """A point inside each of the pieces that borders cut an ellipse into; none of a place without size."""
    if not ellipse.area > 0.0:
        return []
    west, south, east, north = ellipse.bounds
    box = west - _AROUND_DEG, south - _AROUND_DEG, east + _AROUND_DEG, north + _AROUND_DEG
    lines = shapely.union_all([ellipse.boundary, *(shapely.clip_by_rect(border, *box) for border in borders)])
    pieces = shapely.get_parts(shapely.polygonize(shapely.get_parts(lines)))
    least = _SLIVER * ellipse.area
    points = (piece.representative_point() for piece in pieces if piece.area > least)
    return [point for point in points if ellipse.contains(point)]
