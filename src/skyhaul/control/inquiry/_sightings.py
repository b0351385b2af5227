"""Where units were seen, and whether they were served: what a network keeps of its sessions, slot by slot."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from skyhaul.control._instants import utc
from skyhaul.errors import ControlError
from skyhaul.types import Bools, Floats, Ints, Times


@dataclass(frozen=True, slots=True)
class Sightings:
    """N sightings of units, each at the start of a slot.

    units, rules                 names
    unit                         (N,) index into `units`
    time                         (N,) start of the slot
    latitude_deg, longitude_deg  (N,) where it was then
    granted                      (N,) whether it had a grant
    served                       (N,) whether it had a path, which needs a grant and a satellite
    code                         (N,) what it showed
    rule                         (N,) index into `rules` of what refused it, or -1
    slot_s                       length of a slot
    covers                       (C, 2) intervals [from, to) in which all sightings of this source are kept
    source                       what keeps them
    """

    units: tuple[str, ...]
    rules: tuple[str, ...]
    unit: Ints
    time: Times
    latitude_deg: Floats
    longitude_deg: Floats
    granted: Bools
    served: Bools
    code: Ints
    rule: Ints
    slot_s: float
    covers: Times
    source: str

    def __post_init__(self) -> None:
        columns = (self.time, self.latitude_deg, self.longitude_deg, self.granted, self.served, self.code, self.rule)
        if any(len(column) != len(self.unit) for column in columns):
            raise ControlError("columns of different lengths", where=self.source, mend="give a row for every sighting")

    def within(self, area: BaseGeometry, begin: np.datetime64, end: np.datetime64) -> Ints:
        """Rows in an area (its border included) and in [begin, end), in order of time."""
        begin, end = utc(begin), utc(end)
        shapely.prepare(area)
        rows = np.flatnonzero((self.time >= begin) & (self.time < end))
        inside = shapely.intersects_xy(area, self.longitude_deg[rows], self.latitude_deg[rows])
        there: Ints = rows[inside]
        order = np.lexsort((self.unit[there], self.time[there]))
        return there[order].astype(np.int64, copy=False)
