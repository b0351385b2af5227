"""Areas on the ground, in layers that change over time and do not know of each other."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from shapely.geometry.base import BaseGeometry

from skyhaul.control.facts._fact import Fact
from skyhaul.errors import ControlError


class Layer(StrEnum):
    """The independent sets of polygons: no layer is truth about another."""

    CLAIM = "claim"  # who claims the ground
    CONTROL = "control"  # who holds it
    LICENCE = "licence"  # whose licence counts there
    OCEAN = "ocean"  # open sea
    ZONE = "zone"  # an area that an order, list or policy speaks of


class AreaRef(NamedTuple):
    """The name of an area within its layer, written `zone/East line`."""

    layer: Layer
    name: str

    def __str__(self) -> str:
        return f"{self.layer}/{self.name}"

    @classmethod
    def parse(cls, text: str, where: str = "") -> AreaRef:
        """The reference that `str` wrote. Raises ControlError for an unknown layer or no name."""
        layer, _, name = text.partition("/")
        if layer not in tuple(Layer) or not name.strip():
            raise ControlError(
                f"“{text}” names no area",
                where=where,
                mend=f"write LAYER/NAME with a layer of {', '.join(Layer)}",
            )
        return cls(Layer(layer), name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Area(Fact):
    """One polygon of a layer; several facts with one layer and name make one area together.

    name     of the territory or zone
    holder   who claims or controls it, or the authority whose licence counts there; empty for ocean and zones
    shape    polygon or multipolygon in the plane of longitude and latitude (deg), its border included; cut at ±180°
             as `read_geojson` makes it
    """

    layer: Layer
    name: str
    holder: str = ""
    shape: BaseGeometry = field(repr=False)

    def __post_init__(self) -> None:
        Fact.__post_init__(self)
        if not self.name.strip():
            self.refuse("has no name", "name the territory or zone")
        if self.layer in (Layer.CLAIM, Layer.CONTROL, Layer.LICENCE) and not self.holder:
            self.refuse(f"a {self.layer} area without a holder", "say who claims, controls or licenses it")
        west, south, east, north = self.shape.bounds if not self.shape.is_empty else (1.0, 1.0, 0.0, 0.0)
        if self.shape.geom_type not in ("Polygon", "MultiPolygon") or not west < east or not south < north:
            self.refuse(f"its shape is no area but {self.shape.geom_type}", "give a polygon with an inside")
        if west < -180 or east > 180 or south < -90 or north > 90:
            self.refuse("its shape leaves the map of ±180° and ±90°", "read it with read_geojson, which cuts at 180°")

    @property
    def ref(self) -> AreaRef:
        """Its name within its layer."""
        return AreaRef(self.layer, self.name)
