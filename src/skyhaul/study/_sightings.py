"""The slots of a dataset as sightings of units, for inquiries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from skyhaul.control.grants import REFUSALS, Ruling
from skyhaul.control.inquiry import Sightings
from skyhaul.errors import InputError

if TYPE_CHECKING:
    import xarray as xr

_SLOT = np.timedelta64(15, "s")


def sightings_of(dataset: xr.Dataset, source: str) -> Sightings:
    """Where each terminal was at the start of each slot, and whether it had a grant and a path then.

    source   what to call the dataset. Raises InputError for one without disablement codes or places.
    """
    needed = (
        "unit",
        "ruling",
        "disablement_code",
        "refusal_rule",
        "outage_cause",
        "terminal_latitude",
        "terminal_longitude",
    )
    lacking = [name for name in needed if name not in dataset]
    if lacking:
        raise InputError(f"has no {lacking[0]}", where=source, mend="write it again with this version")
    slots = dataset["slot"].values.astype("datetime64[ns]")
    columns = {name: dataset[name].values.ravel() for name in needed}
    count = dataset.sizes["terminal"]
    granted = np.isin(columns["ruling"], (Ruling.PERMITTED, Ruling.PROBATION))
    latest = (slots[-1] if len(slots) else np.datetime64("NaT")) + _SLOT
    return Sightings(
        units=tuple(str(name) for name in dataset["unit"].values),
        rules=tuple(REFUSALS),
        unit=np.tile(np.arange(count), len(slots)),
        time=np.repeat(slots, count),
        latitude_deg=columns["terminal_latitude"].astype(np.float64),
        longitude_deg=columns["terminal_longitude"].astype(np.float64),
        granted=granted,
        served=granted & (columns["outage_cause"] == 0),
        code=columns["disablement_code"].astype(np.int64),
        rule=np.where(granted, -1, columns["refusal_rule"]).astype(np.int64),
        covers=np.array([[slots[0], latest]] if len(slots) else np.empty((0, 2)), dtype="datetime64[ns]"),
        source=source,
    )
