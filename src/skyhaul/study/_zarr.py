"""Arrays in a Zarr store, format 2, which every Zarr reader knows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from skyhaul.study._layout import Constant, Layout
from skyhaul.study._variables import AnyArray


class ZarrStore:
    """Makes the folder `path`."""

    def __init__(self, path: Path, layout: Layout) -> None:
        import zarr

        self._path = path
        self._sizes = {"terminal": len(layout.terminals)}
        self._group: Any = zarr.open_group(path, mode="w-", zarr_format=2)
        self._group.attrs.update(dict(layout.provenance))

    def constant(self, constant: Constant) -> None:
        """Write a whole array, or a single value."""
        array = self._group.create_array(
            constant.name,
            shape=constant.values.shape,
            chunks=tuple(max(1, size) for size in constant.values.shape),
            dtype=constant.values.dtype,
            fill_value="" if constant.values.dtype.kind == "U" else None,
        )
        array[...] = constant.values
        array.attrs.update(dict(constant.attributes) | {"_ARRAY_DIMENSIONS": list(constant.dimensions)})

    def array(
        self, name: str, dimensions: tuple[str, ...], dtype: str, chunks: tuple[int, ...], attributes: Mapping[str, Any]
    ) -> None:
        """Make an array that is still empty along its first dimension."""
        shape = (0, *(self._sizes[dimension] for dimension in dimensions[1:]))
        # In format 2 the fill value doubles as the mark of missing data: whole numbers have none.
        fill = float("nan") if dtype.startswith("f") else None
        array = self._group.create_array(name, shape=shape, chunks=chunks, dtype=dtype, fill_value=fill)
        plain = {key: value.tolist() if isinstance(value, np.ndarray) else value for key, value in attributes.items()}
        array.attrs.update(plain | {"_ARRAY_DIMENSIONS": list(dimensions)})

    def extend(self, start: int, columns: Mapping[str, AnyArray]) -> None:
        """Write rows from `start` on, past the end of each array."""
        for name, values in columns.items():
            array = self._group[name]
            array.resize((start + len(values), *array.shape[1:]))
            array[start:] = values

    def finish(self) -> None:
        """Close, complete."""
        import zarr

        zarr.consolidate_metadata(self._path, zarr_format=2)

    def abort(self) -> None:
        """Nothing is held open."""
