"""Who served a Belgian dish in 500 slots of 2024-07-17, and who else could have."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from skyhaul.earth import Sites
from skyhaul.network import OBSERVED_GSO_SHARE, Rules
from skyhaul.orbits import Constellation, altitude_km
from skyhaul.radio import GsoArc, look_angles
from skyhaul.sources import read_elements
from skyhaul.types import Times

from .logit import Bools, Floats, Ints

# Where the ranges in the data put the dish (README of the data); the town is at 50.67 N, 4.61 E.
LATITUDE_DEG, LONGITUDE_DEG = 51.06, 4.42
MASK_DEG = 25.0
BAR_DEG = OBSERVED_GSO_SHARE * Rules().gso_separation_deg
# Of 452 chances of satellites below this, 3 were taken: they are on their way up or serve telephones.
LOWEST_ALTITUDE_KM = 440.0
LOWEST_DEG = 17.0  # the data list from 20° on, by elements a little older
SLOT = np.timedelta64(15, "s")


@dataclass(frozen=True, slots=True)
class Candidates:
    """V satellites above 17° at the start of one of S slots, ordered by slot and satellite.

    slot, satellite          (V,) numbers from 0 of slots and of satellites in the element set
    catalog_number           (V,)
    in_service               (V,) whether the satellite is high enough to be in service
    elevation_deg            (V,) in the middle of the slot
    start_deg, end_deg       (V,) elevation at its ends
    azimuth_deg              (V,) in the middle
    slant_range_m            (V,) in the middle
    gso_deg                  (V,) least separation from the geostationary arc, of the two ends and the middle
    gso_start_deg            (V,) the same at the start
    served                   (V,) whether it served in that slot
    held                     (V,) whether it served in the slot before
    listed                   (V,) whether the data list it as seen by the dish, whose field of view is a tilted cone
    listed_elevation_deg     (V,) as the data give it, at the start; NaN where not listed
    """

    slot: Ints
    satellite: Ints
    catalog_number: Ints
    in_service: Bools
    elevation_deg: Floats
    start_deg: Floats
    end_deg: Floats
    azimuth_deg: Floats
    slant_range_m: Floats
    gso_deg: Floats
    gso_start_deg: Floats
    served: Bools
    held: Bools
    listed: Bools
    listed_elevation_deg: Floats

    def usable(self) -> Bools:
        """(V,) in service, above the mask for the whole slot, and not barred by the geostationary arc."""
        above = (self.start_deg >= MASK_DEG) & (self.end_deg >= MASK_DEG)
        return np.asarray(self.in_service & above & (self.gso_deg >= BAR_DEG))


@dataclass(frozen=True, slots=True)
class Record:
    """The serving satellite of each slot, and how the identification changes within slots.

    start      (S,) slot starts
    serving    (S,) satellite numbers
    inside     changes of the serving satellite that are not at a slot's start
    """

    start: Times
    serving: Ints
    inside: int


def read_record(data: Path, names: dict[str, int]) -> Record:
    """The serving satellite of each slot; `names` numbers the satellites."""
    table = pd.read_csv(data / "serving_satellite_2024-07-17" / "ucl_serving.csv.gz")
    time = pd.to_datetime(table["Timestamp"], utc=True).dt.tz_localize(None).to_numpy("datetime64[ns]")
    satellite = table["Connected_Satellite"].map(names).to_numpy(np.int64)
    phase = np.timedelta64(12, "s")
    of_slot = ((time - phase - np.datetime64(0, "ns")) // SLOT).astype(np.int64)
    start, first = np.unique(of_slot, return_index=True)
    change = np.flatnonzero(np.diff(satellite)) + 1
    inside = int(np.count_nonzero(of_slot[change] == of_slot[change - 1]))
    starts = np.datetime64(0, "ns") + phase + start.astype(np.int64) * SLOT
    return Record(starts, np.asarray(satellite[first], dtype=np.int64), inside)


def read_candidates(data: Path) -> tuple[Candidates, Record]:
    """All satellites above the dish in all slots, by the elements of the day."""
    elements = read_elements(data / "tle" / "starlink_2024-07-16.tle.gz").elements
    names = {name: i for i, name in enumerate(elements.name)}
    record = read_record(data, names)
    listed = _listed(data, names, record)

    site = Sites.at([LATITUDE_DEG], [LONGITUDE_DEG])
    arc = GsoArc(site)
    constellation = Constellation(elements)
    altitude = altitude_km(elements.mean_motion_rev_day, elements.eccentricity, elements.inclination_deg)
    parts: list[dict[str, npt.NDArray[Any]]] = []
    for slot, start in enumerate(record.start):
        sky = constellation.at(start + np.array([0, 7500, 15000]) * np.timedelta64(1, "ms"), velocity=False).position_m
        looks = [look_angles(site, position) for position in sky]
        up = np.flatnonzero(looks[0].elevation_deg[0] >= LOWEST_DEG)
        gso = np.array([arc.separation_deg(np.zeros(len(up), dtype=np.int64), position, up) for position in sky])
        previous = record.serving[slot - 1] if slot else -1
        elevation = np.array([listed.get((slot, int(n)), np.nan) for n in up])
        parts.append(
            {
                "slot": np.full(len(up), slot),
                "satellite": up,
                "catalog_number": elements.catalog_number[up],
                "in_service": altitude[up] >= LOWEST_ALTITUDE_KM,
                "elevation_deg": looks[1].elevation_deg[0, up],
                "start_deg": looks[0].elevation_deg[0, up],
                "end_deg": looks[2].elevation_deg[0, up],
                "azimuth_deg": looks[1].azimuth_deg[0, up],
                "slant_range_m": looks[1].slant_range_m[0, up],
                "gso_deg": gso.min(axis=0),
                "gso_start_deg": gso[0],
                "served": up == record.serving[slot],
                "held": up == previous,
                "listed": np.isfinite(elevation),
                "listed_elevation_deg": elevation,
            }
        )
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return Candidates(**columns), record


def _listed(data: Path, names: dict[str, int], record: Record) -> dict[tuple[int, int], float]:
    table = pd.read_csv(data / "serving_satellite_2024-07-17" / "ucl_visible.csv.gz")
    time = pd.to_datetime(table["timestamp"], utc=True).dt.tz_localize(None).to_numpy("datetime64[ns]")
    slot = np.searchsorted(record.start, time)
    satellite = table["satellite"].map(names).to_numpy(np.int64)
    rows = zip(slot.tolist(), satellite.tolist(), table["elevation_deg"].tolist(), strict=True)
    return {(at, number): elevation for at, number, elevation in rows}
