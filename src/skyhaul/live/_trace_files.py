"""Traces in files: Skyhaul's datasets, its own JSON and Parquet, tables of measurements (CSV), mahimahi's traces."""

from __future__ import annotations

import gzip
import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from skyhaul.emulation import LinkTable, read_mahimahi
from skyhaul.errors import InputError, OutputError, SkyhaulError
from skyhaul.live._path_tables import Span
from skyhaul.live._trace_csv import csv_text, read_csv
from skyhaul.live._traces import Trace, plain_trace, trace_of_dataset

FORMAT = "skyhaul-trace"
VERSION = 1
METADATA_KEY = b"skyhaul_trace"
SUFFIXES = (".json", ".parquet", ".csv")
_COLUMNS = ("time_ns", "delay_ns", "rate_bps", "loss", "outage")
_LARGEST = 256 << 20  # bytes of a text: a day of probes every 10 ms is 200 MB


def read_trace(
    path: Path, *, terminal: str | None = None, delay_ns: int = 0, down: Path | None = None, up_share: float = 0.5
) -> Trace:
    """The trace of a file, by its suffix; `.gz` may follow that of a text.

    .nc, .zarr, .parquet   a dataset of `skyhaul simulate`: the link of `terminal`
    .parquet, .json        what `write_trace` wrote
    .csv                   measurements (`read_csv`); a round-trip time's `up_share` is the way up
    any other              mahimahi's packet-delivery trace, up; `down` is that of the other direction, without it the
                           file of the same name with `down` for `up` if there is one, else the same; `delay_ns` one way

    Raises InputError, NotFoundError.
    """
    if not path.exists():
        raise InputError("no such file", where=str(path))
    suffix = path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix
    if suffix in (".nc", ".zarr") or (suffix == ".parquet" and not _is_own(path)):
        return trace_of_dataset(path, terminal)
    try:
        if suffix == ".parquet":
            return _read_parquet(path)
        if suffix == ".json":
            return _of_document(_parsed(_text(path), path), str(path))
        if suffix == ".csv":
            return read_csv(_text(path), str(path), path.name, up_share)
    except SkyhaulError:
        raise
    except (ValueError, TypeError, KeyError, OverflowError, MemoryError) as error:
        raise InputError(f"is no trace: {error}", where=str(path)) from None
    return _read_mahimahi(path, down, delay_ns)


def write_trace(trace: Trace, path: Path, *, overwrite: bool = False) -> None:
    """Write a trace as JSON, Parquet or CSV, by the suffix. Raises OutputError."""
    if path.suffix == ".json":
        write_text(path, json.dumps(_document(trace), separators=(",", ":")) + "\n", overwrite=overwrite)
    elif path.suffix == ".csv":
        write_text(path, csv_text(trace), overwrite=overwrite)
    elif path.suffix == ".parquet":
        check_new(path, overwrite=overwrite)
        _write_parquet(trace, path)
    else:
        raise OutputError("unknown format of trace", where=str(path), mend=f"end it in {', '.join(SUFFIXES)}")


def check_new(path: Path, *, overwrite: bool) -> None:
    """Refuse to write where something is, or where there is no folder."""
    if not path.parent.is_dir():
        raise OutputError("no such folder", where=str(path.parent), mend="make it, or write elsewhere")
    if path.is_dir() or (path.exists() and not overwrite):
        raise OutputError("is there already", where=str(path), mend="give another name, or --overwrite")


def write_text(path: Path, text: str, *, overwrite: bool, mode: int = 0o644) -> None:
    """Write a text whole or not at all."""
    check_new(path, overwrite=overwrite)
    partial = path.with_name(f".{path.name}.part")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.chmod(mode)
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise OutputError(f"cannot be written: {error.strerror}", where=str(path)) from error


def _text(path: Path) -> str:
    try:
        if path.suffix == ".gz":
            with gzip.open(path) as file:
                data = file.read(_LARGEST + 1)
        else:
            with path.open("rb") as plain:
                data = plain.read(_LARGEST + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"cannot be read: {getattr(error, 'strerror', None) or error}", where=str(path)) from None
    if len(data) > _LARGEST:
        raise InputError(f"more than {_LARGEST >> 20} MiB of text", where=str(path), mend="import it as Parquet")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"expected UTF-8 text, got byte {error.start}", where=str(path)) from None


def _parsed(text: str, path: Path) -> Any:
    try:
        return json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        place = f"{path}:{error.lineno}" if isinstance(error, json.JSONDecodeError) else str(path)
        raise InputError("expected JSON", where=place) from None


def _document(trace: Trace) -> dict[str, Any]:
    return _head(trace) | {side: _columns(table) for side, table in (("up", trace.up), ("down", trace.down))}


def _head(trace: Trace) -> dict[str, Any]:
    spans = [[s.time_ns, s.code, s.cause, s.satellite, s.gateway, s.pop, s.laser_hops] for s in trace.spans]
    facts = {"name": trace.name, "about": trace.about, "start": trace.start, "length_ns": trace.length_ns}
    return {"format": FORMAT, "version": VERSION, **facts, "spans": spans}


def _columns(table: LinkTable) -> dict[str, list[Any]]:
    return {
        "time_ns": table.time_ns.tolist(),
        "delay_ns": table.delay_ns.tolist(),
        "rate_bps": [rate if np.isfinite(rate) else None for rate in table.rate_bps.tolist()],
        "loss": table.loss.tolist(),
        "outage": table.outage.astype(int).tolist(),
    }


def _of_document(document: Any, where: str) -> Trace:
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise InputError(f'is no trace: it has no format "{FORMAT}"', where=where)
    if document.get("version") != VERSION:
        raise InputError(f"is a trace of version {document.get('version')}", where=where, mend=f"this reads {VERSION}")
    sides = {}
    for side in ("up", "down"):
        columns = document.get(side)
        columns = columns if isinstance(columns, dict) else {}
        lacking = [name for name in _COLUMNS if name not in columns]
        if lacking:
            raise InputError(f"has no {lacking[0]}", where=f"{where}: {side}")
        arrays = {name: _numbers(columns[name], f"{where}: {side}.{name}") for name in _COLUMNS}
        sides[side] = _table(arrays, int(document.get("length_ns", 0)), f"{where}: {side}")
    return _trace(document, sides, where)


def _numbers(column: Any, where: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    try:
        return np.array([np.inf if value is None else float(value) for value in column], np.float64)
    except (TypeError, ValueError):
        raise InputError("expected a list of numbers", where=where) from None


def _table(arrays: dict[str, Any], length_ns: int, where: str) -> LinkTable:
    try:
        for name in ("time_ns", "delay_ns"):
            if not np.isfinite(arrays[name]).all():
                raise InputError(f"{name} that are no numbers")
        if arrays["time_ns"].size and arrays["time_ns"][0] != 0:
            raise InputError("the first time is not 0")
        if length_ns <= 0:
            raise InputError("the trace lasts no time", mend="length_ns above 0")
        return LinkTable(
            arrays["time_ns"].astype(np.int64),
            arrays["delay_ns"].astype(np.int64),
            arrays["rate_bps"].astype(np.float64),
            arrays["loss"].astype(np.float64),
            arrays["outage"].astype(np.float64) != 0,
            length_ns,
        )
    except InputError as error:
        place = f"{where}: {error.where}" if error.where else where
        raise InputError(error.what, where=place, mend=error.mend) from None


def _trace(head: dict[str, Any], sides: dict[str, LinkTable], where: str) -> Trace:
    try:
        spans = tuple(
            Span(int(time), str(code), str(cause), str(satellite), str(gateway), str(pop), int(hops))
            for time, code, cause, satellite, gateway, pop, hops in head["spans"]
        )
    except (TypeError, ValueError, KeyError):
        raise InputError("expected a list of [time_ns, code, cause, …]", where=f"{where}: spans") from None
    name, about, start = (str(head.get(key, "")) for key in ("name", "about", "start"))
    if not spans:
        return plain_trace(name, about, sides["up"], sides["down"], start)
    return Trace(name, about, start, sides["up"], sides["down"], spans)


def _is_own(path: Path) -> bool:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return METADATA_KEY in (pq.read_metadata(path).metadata or {})
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"cannot be read as Parquet: {error}", where=str(path)) from None


def _write_parquet(trace: Trace, path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    parts = []
    for side, table in (("up", trace.up), ("down", trace.down)):
        columns = {name: pa.array(getattr(table, name)) for name in _COLUMNS}
        direction = pa.array([side] * table.time_ns.size).dictionary_encode()
        parts.append(pa.table({"direction": direction, **columns}))
    joined = pa.concat_tables(parts).unify_dictionaries()
    partial = path.with_name(f".{path.name}.part")
    try:
        pq.write_table(
            joined.replace_schema_metadata({METADATA_KEY: json.dumps(_head(trace))}), partial, compression="zstd"
        )
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise OutputError(f"cannot be written: {error.strerror or error}", where=str(path)) from error


def _read_parquet(path: Path) -> Trace:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"cannot be read as Parquet: {error}", where=str(path)) from None
    head = json.loads(table.schema.metadata[METADATA_KEY])
    direction = np.array(table["direction"].to_pylist())
    sides = {}
    for side in ("up", "down"):
        arrays = {name: table[name].to_numpy()[direction == side] for name in _COLUMNS}
        sides[side] = _table(arrays, int(head["length_ns"]), f"{path}: {side}")
    return _trace(head, sides, str(path))


def _read_mahimahi(path: Path, down: Path | None, delay_ns: int) -> Trace:
    if down is None:
        twin = path.with_name(path.name.replace("up", "down"))
        down = twin if twin.exists() else path
    up_table, down_table = (read_mahimahi(file, delay_ns=delay_ns) for file in (path, down))
    if up_table.period_ns != down_table.period_ns:
        # Each repeats by itself; together they repeat after the longer one.
        length = max(up_table.period_ns, down_table.period_ns)
        up_table, down_table = (_lasting(table, length) for table in (up_table, down_table))
    files = path.name if down == path else f"{path.name}, {down.name}"
    return plain_trace(path.stem, f"mahimahi {files}", up_table, down_table)


def _lasting(table: LinkTable, length_ns: int) -> LinkTable:
    """A repeating table as one that repeats after `length_ns`."""
    if table.period_ns == length_ns:
        return table
    part = table.window(0, length_ns - 1)
    keep = (part.time_ns >= 0) & (part.time_ns < length_ns)
    return LinkTable(
        part.time_ns[keep], part.delay_ns[keep], part.rate_bps[keep], part.loss[keep], part.outage[keep], length_ns
    )
