"""Reading a dataset back, whatever its format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from skyhaul.errors import InputError, SkyhaulError
from skyhaul.study._layout import clock_attributes
from skyhaul.study._parquet import METADATA_KEY, NAMED
from skyhaul.study._variables import FLAGS, SAMPLES, SLOTS, AnyArray

if TYPE_CHECKING:
    import xarray as xr


def open_dataset(path: Path | str) -> xr.Dataset:
    """A dataset that `DatasetWriter` wrote: netCDF, Zarr or Parquet, with the same variables from each.

    netCDF and Zarr are read when a variable is used, Parquet at once. Raises InputError.
    """
    path = Path(path)
    if not path.exists():
        raise InputError("no such dataset", where=str(path))
    try:
        dataset = _open(path)
    except SkyhaulError:
        raise
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise InputError(f"cannot be read as a dataset: {error}", where=str(path)) from error
    lacking = [name for name in ("rtt", "outage_cause", "slot_index") if name not in dataset]
    if lacking:
        dataset.close()
        raise InputError(f"is no Skyhaul dataset: it has no variable {lacking[0]}", where=str(path))
    return dataset


def _open(path: Path) -> xr.Dataset:
    import xarray as xr

    if path.suffix == ".zarr":
        return _with_coordinates(xr.open_zarr(path))
    if path.suffix == ".parquet":
        return _with_coordinates(_from_table(path))
    if path.suffix == ".nc":
        return _with_coordinates(xr.open_dataset(path, engine="netcdf4"))
    raise InputError("unknown format", where=str(path), mend="a dataset ends in .nc, .zarr or .parquet")


def _with_coordinates(dataset: xr.Dataset) -> xr.Dataset:
    wanted = ("unit", "latitude", "longitude", "height", "slot_index", "catalog_number", "snapshot_time")
    places = [f"{kind}_{axis}" for kind in ("gateway", "pop") for axis in ("latitude", "longitude", "height")]
    found = dataset.set_coords([name for name in (*wanted, *places) if name in dataset])
    for name in ("terminal", "unit", "satellite", "gateway", "pop"):
        if name in found.coords and found[name].dtype.kind != "U":
            names = (found[name].dims, found[name].values.astype(np.str_), found[name].attrs)
            found = found.assign_coords({name: names})
    return found


def _from_table(path: Path) -> xr.Dataset:
    import pyarrow.parquet
    import xarray as xr

    metadata = pyarrow.parquet.read_metadata(path).metadata or {}
    if METADATA_KEY.encode() not in metadata:
        raise InputError("is no Skyhaul dataset", where=str(path))
    fixed = json.loads(metadata[METADATA_KEY.encode()])
    table = pyarrow.parquet.read_table(path)
    variables: dict[str, Any] = {}
    for constant in fixed["constants"]:
        values = np.array(constant["values"], dtype=np.dtype(constant["dtype"]))
        variables[constant["name"]] = (constant["dimensions"], values, constant["attributes"])
    known = {name: variables[name][1] for name in ("terminal", "catalog_number", "gateway", "pop")}
    instants = table["time"].cast("int64").to_numpy()
    time, at = np.unique(instants, return_inverse=True)
    terminal = _codes(table["terminal"], known["terminal"])
    slots, slot_at = np.unique(table["slot"].cast("int64").to_numpy(), return_inverse=True)
    slot_index = np.zeros(len(time), dtype=np.int32)
    slot_index[at] = slot_at
    variables["time"] = ("time", time, clock_attributes("instant, UTC"))
    variables["slot"] = ("slot", slots, clock_attributes("start of the 15-s slot, UTC"))
    variables["slot_index"] = ("time", slot_index, {"long_name": "index of the slot that holds the instant"})
    for axis, index, kinds in (("time", at, SAMPLES), ("slot", slot_at, SLOTS)):
        for variable in kinds:
            column = _column(table, variable.name, known).astype(variable.dtype)
            shaped = np.full((len(time if axis == "time" else slots), len(known["terminal"])), variable.missing)
            shaped = shaped.astype(variable.dtype)
            shaped[index, terminal] = column
            variables[variable.name] = ((axis, "terminal"), shaped, variable.attributes())
    return xr.decode_cf(xr.Dataset(variables, attrs=fixed["provenance"]))


def _column(table: Any, name: str, known: dict[str, AnyArray]) -> AnyArray:
    if name in FLAGS:
        return _codes(table[name], np.array(FLAGS[name]))
    if name == "serving_satellite":
        return _codes(table["catalog_number"], known["catalog_number"])
    if name in NAMED:
        return _codes(table[name], known[NAMED[name]])
    column = table[name]
    floating = str(column.type) in ("float", "double")
    return np.asarray(column.fill_null(float("nan") if floating else -1).to_numpy())


def _codes(column: Any, known: AnyArray) -> AnyArray:
    """Index of each value in `known`, -1 for null."""
    import pyarrow as pa
    from pyarrow import compute

    values = pa.array(known.tolist())
    return np.asarray(compute.index_in(column.cast(values.type), value_set=values).fill_null(-1).to_numpy())
