"""Where units were seen, and whether they were served: what a network keeps of its sessions, slot by slot."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

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
    covers: Times
    source: str

    def __post_init__(self) -> None:
        columns = (self.time, self.latitude_deg, self.longitude_deg, self.granted, self.served, self.code, self.rule)
        if any(len(column) != len(self.unit) for column in columns):
            raise ControlError("columns of different lengths", where=self.source, mend="give a row for every sighting")

    @classmethod
    def joined(cls, parts: Sequence[Sightings]) -> Sightings:
        """The sightings of several sources together; of none, none."""
        units = tuple(sorted({unit for part in parts for unit in part.units}))
        rules = tuple(sorted({rule for part in parts for rule in part.rules}))
        unit_of, rule_of = ({name: k for k, name in enumerate(names)} for names in (units, rules))

        def column(values: Iterable[Any], kind: Any) -> Any:
            return np.concatenate([np.empty(0, dtype=kind), *values]).astype(kind, copy=False)

        return cls(
            units=units,
            rules=rules,
            unit=column((np.array([unit_of[u] for u in p.units], dtype=np.int64)[p.unit] for p in parts), np.int64),
            time=column((p.time for p in parts), "datetime64[ns]"),
            latitude_deg=column((p.latitude_deg for p in parts), np.float64),
            longitude_deg=column((p.longitude_deg for p in parts), np.float64),
            granted=column((p.granted for p in parts), np.bool_),
            served=column((p.served for p in parts), np.bool_),
            code=column((p.code for p in parts), np.int64),
            rule=column(
                (np.array([*(rule_of[r] for r in p.rules), -1], dtype=np.int64)[p.rule] for p in parts), np.int64
            ),
            covers=np.concatenate([np.empty((0, 2), dtype="datetime64[ns]"), *(p.covers for p in parts)]),
            source=", ".join(part.source for part in parts),
        )

    def within(self, area: BaseGeometry, begin: np.datetime64, end: np.datetime64) -> Ints:
        """Rows in an area (its border included) and in [begin, end), in order of time."""
        begin, end = utc(begin), utc(end)
        shapely.prepare(area)
        rows = np.flatnonzero((self.time >= begin) & (self.time < end))
        inside = shapely.intersects_xy(area, self.longitude_deg[rows], self.latitude_deg[rows])
        there: Ints = rows[inside]
        order = np.lexsort((self.unit[there], self.time[there]))
        return there[order].astype(np.int64, copy=False)
