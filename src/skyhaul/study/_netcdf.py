"""Arrays in one netCDF-4 file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from skyhaul.study._layout import Constant, Layout
from skyhaul.study._variables import AnyArray

_DEFLATE: dict[str, Any] = {"zlib": True, "complevel": 1, "shuffle": True}


class NetcdfStore:
    """Makes the file `path`."""

    def __init__(self, path: Path, layout: Layout) -> None:
        import netCDF4

        self._file = netCDF4.Dataset(path, "w", format="NETCDF4")
        self._file.setncatts(dict(layout.provenance))

    def constant(self, constant: Constant) -> None:
        """Write a whole array, or a single value."""
        for dimension, size in zip(constant.dimensions, constant.values.shape, strict=True):
            if dimension not in self._file.dimensions:
                self._file.createDimension(dimension, size)
        text = constant.values.dtype.kind == "U"
        made = self._file.createVariable(
            constant.name,
            str if text else constant.values.dtype,
            constant.dimensions,
            **({} if text or not constant.dimensions else _DEFLATE),
        )
        made.setncatts(dict(constant.attributes))
        made[...] = constant.values.astype(object) if text else constant.values

    def array(
        self, name: str, dimensions: tuple[str, ...], dtype: str, chunks: tuple[int, ...], attributes: Mapping[str, Any]
    ) -> None:
        """Make an array that is still empty along its first dimension."""
        if dimensions[0] not in self._file.dimensions:
            self._file.createDimension(dimensions[0], None)
        fill = np.dtype(dtype).type(np.nan) if dtype.startswith("f") else None
        made = self._file.createVariable(
            # Whole chunks are written: HDF5's cache of them, 64 MiB a variable, would only hold them back.
            name,
            dtype,
            dimensions,
            chunksizes=chunks,
            fill_value=fill,
            chunk_cache=1,
            **_DEFLATE,
        )
        made.setncatts(dict(attributes))

    def extend(self, start: int, columns: Mapping[str, AnyArray]) -> None:
        """Write rows from `start` on, past the end of each array."""
        for name, values in columns.items():
            self._file[name][start : start + len(values)] = values

    def finish(self) -> None:
        """Close, complete."""
        self._file.close()

    def abort(self) -> None:
        """Close; what was written is thrown away."""
        if self._file.isopen():
            self._file.close()
