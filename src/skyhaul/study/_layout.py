"""What a dataset holds before its first slot: places, satellites, provenance, and the size of its chunks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from skyhaul.earth import Sites
from skyhaul.study._variables import SAMPLES, SLOTS, TIME_UNITS, AnyArray, Block, Variable
from skyhaul.types import Floats, Ints, Ints32

# Numbers of one variable in a chunk: 1 MiB, what Zarr's guide advises at the least, so that buffers stay small.
_CHUNK = 1 << 18
_LEAST_ROWS = 64


@dataclass(frozen=True, slots=True)
class Layout:
    """The fixed part of a dataset.

    samples, slots   how many of each are to come, as far as known; they bound the chunks
    provenance       attributes of the whole: version, seed, hashes, element age
    units            ids of the terminals in the registry; their names where there are none
    """

    terminals: Sites
    gateways: Sites
    pops: Sites
    satellite_name: tuple[str, ...]
    catalog_number: Ints
    provenance: Mapping[str, str | int | float]
    samples: int
    slots: int
    units: tuple[str, ...] = ()

    def rows(self, axis: str) -> int:
        """Instants, or slots, of one chunk."""
        expected = self.samples if axis == "time" else self.slots
        return max(1, min(expected, max(_LEAST_ROWS, _CHUNK // max(1, len(self.terminals)))))

    def terminals_per_chunk(self, axis: str) -> int:
        """Terminals of one chunk."""
        return max(1, min(len(self.terminals), _CHUNK // self.rows(axis)))


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The sky and the paths at one instant, for maps.

    latitude_deg, longitude_deg, height_m   (N,) of every satellite
    path                                    (K, H) satellites of each terminal's path in order, then -1
    """

    time: np.datetime64
    latitude_deg: Floats
    longitude_deg: Floats
    height_m: Floats
    path: Ints32


class Rows:
    """Rows on their way into chunks: filled slot by slot, taken out a whole chunk at a time."""

    def __init__(self, variables: Mapping[str, tuple[str, tuple[int, ...]]], capacity: int) -> None:
        self._columns = {name: np.empty((capacity, *shape), dtype=dtype) for name, (dtype, shape) in variables.items()}
        self._capacity = capacity
        self._filled = 0
        self.written = 0

    def add(self, columns: Mapping[str, AnyArray]) -> list[dict[str, AnyArray]]:
        """Add rows; returns the chunks that became full."""
        count = len(next(iter(columns.values())))
        full: list[dict[str, AnyArray]] = []
        done = 0
        while done < count:
            take = min(count - done, self._capacity - self._filled)
            for name, column in self._columns.items():
                column[self._filled : self._filled + take] = columns[name][done : done + take]
            self._filled += take
            done += take
            if self._filled == self._capacity:
                full.append(self._take())
        return full

    def rest(self) -> list[dict[str, AnyArray]]:
        """The rows that do not fill a chunk."""
        return [self._take()] if self._filled else []

    def _take(self) -> dict[str, AnyArray]:
        taken = {name: column[: self._filled].copy() for name, column in self._columns.items()}
        self._filled = 0
        return taken


def sample_rows(layout: Layout) -> Rows:
    """Buffer of the variables over (time, terminal), with `time` and `slot_index`."""
    return Rows({"time": ("i8", ()), "slot_index": ("i4", ())} | _over_terminals(SAMPLES, layout), layout.rows("time"))


def slot_rows(layout: Layout) -> Rows:
    """Buffer of the variables over (slot, terminal), with `slot`."""
    return Rows({"slot": ("i8", ())} | _over_terminals(SLOTS, layout), layout.rows("slot"))


def _over_terminals(variables: tuple[Variable, ...], layout: Layout) -> dict[str, tuple[str, tuple[int, ...]]]:
    return {variable.name: (variable.dtype, (len(layout.terminals),)) for variable in variables}


def microseconds(time: AnyArray | np.datetime64) -> AnyArray:
    """UTC instants as whole microseconds since 1970."""
    return np.asarray(np.asarray(time).astype("datetime64[us]").astype(np.int64))


def sample_columns(block: Block, slot_index: int) -> dict[str, AnyArray]:
    """A block's rows of `sample_rows`."""
    index = np.full(len(block.time), slot_index, dtype=np.int32)
    return {"time": microseconds(block.time), "slot_index": index} | block.samples


def slot_columns(block: Block) -> dict[str, AnyArray]:
    """A block's row of `slot_rows`."""
    return {"slot": microseconds(block.slot)[None]} | {name: column[None] for name, column in block.slots.items()}


@dataclass(frozen=True, slots=True)
class Constant:
    """A variable that is written once."""

    name: str
    dimensions: tuple[str, ...]
    values: AnyArray
    attributes: Mapping[str, str]


def constants(layout: Layout) -> list[Constant]:
    """Names and places of terminals, satellites, gateways and PoPs; each name is a coordinate of its dimension."""
    return [
        _names("terminal", layout.terminals.name, "user terminal"),
        *_places("terminal", "", layout.terminals),
        Constant(
            "unit",
            ("terminal",),
            np.array(layout.units or layout.terminals.name, dtype=np.str_),
            {"long_name": "id of the terminal in the registry"},
        ),
        _names("satellite", layout.satellite_name, "satellite"),
        Constant(
            "catalog_number",
            ("satellite",),
            layout.catalog_number.astype(np.int64),
            {"long_name": "catalogue number of the satellite"},
        ),
        _names("gateway", layout.gateways.name, "gateway"),
        *_places("gateway", "gateway_", layout.gateways),
        _names("pop", layout.pops.name, "point of presence"),
        *_places("pop", "pop_", layout.pops),
    ]


def snapshot_constants(snapshot: Snapshot) -> list[Constant]:
    """The variables of a snapshot."""
    over = ("satellite",)
    latitude = {"units": "degrees_north", "long_name": "latitude below the satellite at snapshot_time"}
    longitude = {"units": "degrees_east", "long_name": "longitude below the satellite at snapshot_time"}
    height = {"units": "m", "long_name": "height of the satellite above the WGS-84 ellipsoid at snapshot_time"}
    path = {"long_name": "satellites of the terminal's path at snapshot_time, in order; -1 after the last"}
    return [
        Constant("satellite_latitude", over, snapshot.latitude_deg.astype(np.float32), latitude),
        Constant("satellite_longitude", over, snapshot.longitude_deg.astype(np.float32), longitude),
        Constant("satellite_height", over, snapshot.height_m.astype(np.float32), height),
        Constant("path_satellite", ("terminal", "hop"), snapshot.path.astype(np.int32), path),
        Constant("snapshot_time", (), microseconds(snapshot.time), clock_attributes("instant of the snapshot, UTC")),
    ]


def clock_attributes(long_name: str) -> dict[str, str]:
    """Attributes of a time in whole microseconds."""
    return {"standard_name": "time", "long_name": long_name, "units": TIME_UNITS, "calendar": "standard"}


def _names(dimension: str, names: tuple[str, ...], long_name: str) -> Constant:
    return Constant(dimension, (dimension,), np.array(names, dtype=np.str_), {"long_name": f"name of the {long_name}"})


def _places(dimension: str, prefix: str, sites: Sites) -> list[Constant]:
    over = (dimension,)
    return [
        Constant(
            f"{prefix}latitude",
            over,
            sites.latitude_deg,
            {"standard_name": "latitude", "units": "degrees_north", "long_name": f"latitude of the {dimension}"},
        ),
        Constant(
            f"{prefix}longitude",
            over,
            sites.longitude_deg,
            {"standard_name": "longitude", "units": "degrees_east", "long_name": f"longitude of the {dimension}"},
        ),
        Constant(
            f"{prefix}height",
            over,
            sites.height_m,
            {"units": "m", "positive": "up", "long_name": f"height of the {dimension} above the WGS-84 ellipsoid"},
        ),
    ]
