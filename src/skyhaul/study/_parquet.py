"""A dataset as one Parquet table: a row for every instant and terminal, with the columns of its slot.

Slots without an instant, which steps above 15 s leave, have no row. The fixed part (places, satellites, snapshot,
provenance) is in the file's key-value metadata as JSON.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from skyhaul.study._layout import (
    Constant,
    Layout,
    Rows,
    Snapshot,
    constants,
    microseconds,
    sample_columns,
    snapshot_constants,
)
from skyhaul.study._variables import FLAGS, SAMPLES, SLOTS, AnyArray, Block, Variable

METADATA_KEY = "skyhaul"
NAMED = {"serving_gateway": "gateway", "serving_pop": "pop"}


class ParquetSink:
    """Writes to `path`, which must not be there yet.

    Rows are ordered by terminal, then time, within a row group, and row groups by time.
    """

    def __init__(self, path: Path, layout: Layout) -> None:
        import pyarrow.parquet

        self._layout = layout
        count = len(layout.terminals)
        columns: dict[str, tuple[str, tuple[int, ...]]] = {v.name: (v.dtype, (count,)) for v in (*SAMPLES, *SLOTS)}
        columns |= {"time": ("i8", ()), "slot_index": ("i4", ()), "slot": ("i8", ())}
        self._rows = Rows(columns, layout.rows("time"))
        self._slots = 0
        self._dictionaries = {
            "terminal": layout.terminals.name,
            **FLAGS,
            "serving_satellite": layout.satellite_name,
            "serving_gateway": layout.gateways.name,
            "serving_pop": layout.pops.name,
        }
        self._schema = self._make_schema()
        self._writer: Any = pyarrow.parquet.ParquetWriter(path, self._schema, compression="zstd")

    def append(self, block: Block) -> None:
        """Take one slot."""
        count = len(block.time)
        slots = {name: np.broadcast_to(column, (count, *column.shape)) for name, column in block.slots.items()}
        start = np.full(count, microseconds(block.slot), dtype=np.int64)
        columns = sample_columns(block, self._slots) | {"slot": start} | slots
        self._write(self._rows.add(columns))
        self._slots += 1

    def close(self, snapshot: Snapshot | None) -> None:
        """Write what is left, and the fixed part."""
        self._write(self._rows.rest())
        fixed: dict[str, Any] = {
            "provenance": dict(self._layout.provenance),
            "constants": [_document(constant) for constant in constants(self._layout)],
        }
        if snapshot is not None:
            fixed["constants"] += [_document(constant) for constant in snapshot_constants(snapshot)]
        text = json.dumps(fixed, separators=(",", ":"), ensure_ascii=False)
        self._writer.add_key_value_metadata({METADATA_KEY: text})
        self._writer.close()

    def abort(self) -> None:
        """Let go of the file."""
        self._writer.close()

    def _make_schema(self) -> Any:
        import pyarrow as pa

        name = pa.dictionary(pa.int32(), pa.string())
        instant = pa.timestamp("us", tz="UTC")
        fields = [pa.field("time", instant), pa.field("slot", instant), pa.field("terminal", name)]
        for variable in (*SAMPLES, *SLOTS):
            kind = name if variable.name in self._dictionaries else pa.from_numpy_dtype(np.dtype(variable.dtype))
            about = {key: str(value) for key, value in (("units", variable.units), ("about", variable.long_name))}
            fields.append(pa.field(variable.name, kind, metadata=about))
            if variable.name == "serving_satellite":
                fields.append(pa.field("catalog_number", pa.int64(), metadata={"about": "of the serving satellite"}))
        return pa.schema(fields)

    def _write(self, chunks: list[dict[str, AnyArray]]) -> None:
        import pyarrow as pa

        for chunk in chunks:
            count = len(self._layout.terminals)
            instants = len(chunk["time"])
            utc = pa.timestamp("us", tz="UTC")
            columns: dict[str, Any] = {
                "time": pa.array(np.tile(chunk["time"], count)).cast(utc),
                "slot": pa.array(np.tile(chunk["slot"], count)).cast(utc),
                "terminal": self._named("terminal", np.repeat(np.arange(count, dtype=np.int32), instants)),
            }
            for variable in (*SAMPLES, *SLOTS):
                columns |= self._columns(variable, chunk[variable.name].T.reshape(-1))
            table = pa.table([columns[field.name] for field in self._schema], schema=self._schema)
            self._writer.write_table(table, row_group_size=max(1, len(table)))

    def _columns(self, variable: Variable, values: AnyArray) -> dict[str, Any]:
        import pyarrow as pa

        if variable.name not in self._dictionaries:
            # Null, not NaN, is what tables of this format know as missing.
            missing = np.isnan(values) if variable.dtype.startswith("f") else values < 0
            return {variable.name: pa.array(values, mask=missing)}
        columns = {variable.name: self._named(variable.name, values)}
        if variable.name == "serving_satellite":
            number = self._layout.catalog_number[np.maximum(values, 0)].astype(np.int64)
            columns["catalog_number"] = pa.array(number, mask=values < 0)
        return columns

    def _named(self, column: str, index: AnyArray) -> Any:
        import pyarrow as pa

        # Only the names in use: a dictionary is written whole with every row group.
        used, local = np.unique(index[index >= 0], return_inverse=True)
        codes = np.zeros(len(index), dtype=np.int32)
        codes[index >= 0] = local
        names = pa.array([self._dictionaries[column][i] for i in used], type=pa.string())
        return pa.DictionaryArray.from_arrays(pa.array(codes, mask=index < 0), names)


def _document(constant: Constant) -> dict[str, Any]:
    return {
        "name": constant.name,
        "dimensions": list(constant.dimensions),
        "dtype": constant.values.dtype.str,
        "values": constant.values.tolist(),
        "attributes": dict(constant.attributes),
    }
