"""The variables of a dataset: their names, dimensions, units and meaning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from skyhaul.network import Reason, slot_start
from skyhaul.types import Times

if TYPE_CHECKING:
    from skyhaul.network import Paths, Plan

AnyArray = npt.NDArray[Any]

TIME_UNITS = "microseconds since 1970-01-01 00:00:00"


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable: `units` as UDUNITS writes them, `standard_name` from the CF table where it has one.

    `column` is the column of `Paths` it comes from, and `factor` turns that column's unit into `units`.
    """

    name: str
    dtype: str
    units: str
    long_name: str
    column: str = ""
    factor: float = 1.0
    standard_name: str = ""
    comment: str = ""

    @property
    def missing(self) -> float | int:
        """What stands where there is no path."""
        return float("nan") if self.dtype.startswith("f") else -1

    def attributes(self) -> dict[str, Any]:
        """The attributes of the CF conventions."""
        named = {"long_name": self.long_name, "standard_name": self.standard_name, "units": self.units}
        found: dict[str, Any] = {key: value for key, value in named.items() if value}
        if self.name == "outage_cause":
            found["flag_values"] = np.array([reason.value for reason in Reason], dtype=np.int8)
            found["flag_meanings"] = " ".join(reason.name.lower() for reason in Reason)
        if self.comment:
            found["comment"] = self.comment
        return found


_MS = 1e3  # seconds to milliseconds
_INDEX = "index along the dimension {}; -1 without a path"

SAMPLES = (
    Variable("rtt", "f4", "ms", "round-trip time from terminal to point of presence", "rtt_s", _MS),
    Variable("delay_up", "f4", "ms", "one-way delay from terminal to point of presence", "delay_up_s", _MS),
    Variable("delay_down", "f4", "ms", "one-way delay from point of presence to terminal", "delay_down_s", _MS),
    Variable("access_delay", "f4", "ms", "one-way propagation delay, terminal to satellite", "access_s", _MS),
    Variable("laser_delay", "f4", "ms", "one-way propagation delay between satellites", "laser_s", _MS),
    Variable("feeder_delay", "f4", "ms", "one-way propagation delay, satellite to gateway", "feeder_s", _MS),
    Variable("fibre_delay", "f4", "ms", "one-way propagation delay, gateway to point of presence", "fibre_s", _MS),
    Variable("rate_up", "f4", "bit s-1", "rate from terminal to satellite", "rate_up_bps"),
    Variable("rate_down", "f4", "bit s-1", "rate from satellite to terminal", "rate_down_bps"),
    Variable("loss", "f4", "1", "share of packets lost", "loss"),
    Variable(
        "azimuth",
        "f4",
        "degree",
        "azimuth of the serving satellite, from north through east",
        "azimuth_deg",
        standard_name="platform_azimuth_angle",
    ),
    Variable("elevation", "f4", "degree", "elevation of the serving satellite above the horizon", "elevation_deg"),
    Variable("slant_range", "f4", "m", "distance from terminal to serving satellite", "slant_range_m"),
)

SLOTS = (
    Variable("outage_cause", "i1", "", "why the terminal has no path in the slot; 0 with a path", "cause"),
    Variable("serving_satellite", "i4", "", "serving satellite", "satellite", comment=_INDEX.format("satellite")),
    Variable("serving_gateway", "i4", "", "gateway of the path", "gateway", comment=_INDEX.format("gateway")),
    Variable("serving_pop", "i4", "", "point of presence of the path", "pop", comment=_INDEX.format("pop")),
    Variable("laser_hops", "i2", "1", "laser links of the path; 0 for a bent pipe, -1 without a path", "laser_hops"),
    Variable("candidates", "i4", "1", "satellites that could have served the terminal"),
)


@dataclass(frozen=True, slots=True)
class Block:
    """One slot's results: sample columns (T, K) and slot columns (K,), in the units of the dataset."""

    slot: np.datetime64
    time: Times
    samples: dict[str, AnyArray]
    slots: dict[str, AnyArray]


def block_of(plan: Plan, paths: Paths) -> Block:
    """The columns of the dataset from one slot's plan and paths."""
    samples = {v.name: _column(getattr(paths, v.column), v) for v in SAMPLES}
    slots = {v.name: _column(getattr(paths, v.column), v) for v in SLOTS if v.column}
    slots["candidates"] = plan.candidates.astype(np.int32)
    return Block(slot_start(plan.slot), paths.time, samples, slots)


def _column(values: AnyArray, variable: Variable) -> AnyArray:
    scaled = values if variable.factor == 1.0 else values * variable.factor
    return np.asarray(scaled, dtype=variable.dtype)
