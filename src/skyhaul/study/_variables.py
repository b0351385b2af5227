"""The variables of a dataset: their names, dimensions, units and meaning."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from skyhaul.control.decision import Code
from skyhaul.control.grants import REFUSALS, Leases, Ruling
from skyhaul.network import Reason, slot_start
from skyhaul.types import Floats, Times

if TYPE_CHECKING:
    from skyhaul.earth import Sites
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
        if self.name in FLAGS:
            values = [value for value, meaning in enumerate(FLAGS[self.name]) if meaning]
            found["flag_values"] = np.array(values, dtype=np.int8)
            found["flag_meanings"] = " ".join(FLAGS[self.name][value] for value in values)
        if self.comment:
            found["comment"] = self.comment
        return found


def _meanings(kind: type[IntEnum]) -> tuple[str, ...]:
    """Names of the values 0, 1, …; empty for those that mean nothing."""
    known = {member.value: member.name.lower() for member in kind}
    return tuple(known.get(value, "") for value in range(max(known) + 1))


# What each value of a variable means; -1 means that there is none.
FLAGS: dict[str, tuple[str, ...]] = {
    "outage_cause": _meanings(Reason),
    "ruling": _meanings(Ruling),
    "disablement_code": _meanings(Code),
    "refusal_rule": REFUSALS,
}

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
    Variable("outage_cause", "i1", "", "why the terminal has no path when the slot starts; 0 with a path", "cause"),
    Variable("serving_satellite", "i4", "", "serving satellite", "satellite", comment=_INDEX.format("satellite")),
    Variable("serving_gateway", "i4", "", "gateway of the path", "gateway", comment=_INDEX.format("gateway")),
    Variable("serving_pop", "i4", "", "point of presence of the path", "pop", comment=_INDEX.format("pop")),
    Variable("laser_hops", "i2", "1", "laser links of the path; 0 for a bent pipe, -1 without a path", "laser_hops"),
    Variable("candidates", "i4", "1", "satellites that could have served the terminal"),
    Variable("ruling", "i1", "", "whether the terminal may be served when the slot starts"),
    Variable("disablement_code", "i1", "", "code that the terminal shows when the slot starts"),
    Variable(
        "refusal_rule",
        "i1",
        "",
        "rule that refuses service in the slot; -1 where none does",
        comment="with code 1: the rule that ends the lease inside the slot, or, on probation, refuses a part of the "
        "ellipse of the terminal's position",
    ),
    Variable(
        "country_alert", "i1", "", "58 unsupported, 83 restricted, 92 unlicensed country, by refusal_rule; 0 none"
    ),
    Variable("lease_end", "f8", "s", "end of the lease after the start of the slot; not a number without one"),
    Variable(
        "rate_limit", "f4", "bit s-1", "highest rate each way that the lease allows; not a number without a limit"
    ),
    Variable("cell", "i8", "", "H3 resolution-5 cell that the terminal is in, and its lease for"),
    Variable("terminal_latitude", "f8", "degrees_north", "latitude of the terminal in the middle of the slot"),
    Variable("terminal_longitude", "f8", "degrees_east", "longitude of the terminal in the middle of the slot"),
    Variable("terminal_speed", "f4", "m s-1", "highest speed of the terminal over the ground during the slot"),
)


@dataclass(frozen=True, slots=True)
class Block:
    """One slot's results: sample columns (T, K) and slot columns (K,), in the units of the dataset."""

    slot: np.datetime64
    time: Times
    samples: dict[str, AnyArray]
    slots: dict[str, AnyArray]


def block_of(plan: Plan, paths: Paths, leases: Leases, sites: Sites, speed_m_s: Floats) -> Block:
    """The columns of the dataset from one slot's plan, paths and leases, and from where terminals are and how fast."""
    samples = {v.name: _column(getattr(paths, v.column), v) for v in SAMPLES}
    lease_end = (leases.ends - leases.start) / np.timedelta64(1, "s")
    values: dict[str, AnyArray] = {v.name: getattr(paths, v.column) for v in SLOTS if v.column}
    values |= {
        "candidates": plan.candidates,
        "ruling": leases.ruling,
        "disablement_code": leases.code,
        "refusal_rule": leases.rule,
        "country_alert": leases.alert,
        "lease_end": lease_end,
        "rate_limit": np.where(np.isinf(leases.rate_bps), np.nan, leases.rate_bps),
        "cell": leases.cell,
        "terminal_latitude": sites.latitude_deg,
        "terminal_longitude": sites.longitude_deg,
        "terminal_speed": speed_m_s,
    }
    return Block(slot_start(plan.slot), paths.time, samples, {v.name: _column(values[v.name], v) for v in SLOTS})


def _column(values: AnyArray, variable: Variable) -> AnyArray:
    scaled = values if variable.factor == 1.0 else values * variable.factor
    return np.asarray(scaled, dtype=variable.dtype)
