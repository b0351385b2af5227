"""`--report DIR`: every packet of a run as Parquet, what was asked and given as JSON, and pictures of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from skyhaul.emulation._measure import agreement
from skyhaul.emulation._plan import FATE, Fates
from skyhaul.emulation._report_pictures import draw_direction, draw_fidelity
from skyhaul.emulation._settings import Cause
from skyhaul.errors import OutputError
from skyhaul.types import Bools, Floats

DIRECTIONS = ("up", "down")
_GROUP = 1 << 16  # fates of one row group
_APART_S = 0.05  # packets nearer to each other met the same state of the link
_NEAR_S = 1.0  # what the link was to be counts where there were packets that near


@dataclass(frozen=True, slots=True)
class Configured:
    """What one direction of a link was to be, at S instants of a run.

    time_s     (S,) from the start of the run
    delay_ms   (S,) one-way delay without a wait for the rate
    rate_bps   (S,) `inf`: no limit
    outage     (S,) nothing passes
    carriers   (time_s, words) of whoever carried the traffic from then on
    """

    time_s: Floats
    delay_ms: Floats
    rate_bps: Floats
    outage: Bools
    carriers: tuple[tuple[float, str], ...] = ()


class PacketFile:
    """`packets.parquet`: a row for each run of segments of a packet that shared a fate, times in s from `origin_ns`."""

    def __init__(self, folder: Path) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self.origin_ns = 0
        self._waiting: list[Fates] = []
        self._schema = pa.schema(
            [
                ("direction", pa.dictionary(pa.int8(), pa.string())),
                *((name, pa.int64()) for name in ("serial", "packets", "wire_bytes", "lost")),
                *((f"{name}_s", pa.float64()) for name in ("arrival", "departure", "release", "written")),
                ("cause", pa.dictionary(pa.int8(), pa.string())),
            ]
        )
        self.path = folder / "packets.parquet"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._writer = pq.ParquetWriter(self.path, self._schema, compression="zstd")
        except OSError as error:
            raise OutputError(f"cannot be written: {error.strerror or error}", where=str(folder)) from error

    def add(self, fates: Fates) -> None:
        self._waiting.append(fates)
        if sum(part.size for part in self._waiting) >= _GROUP:
            self._write()

    def close(self) -> None:
        self._write()
        self._writer.close()

    def _write(self) -> None:
        import pyarrow as pa

        fates = np.concatenate(self._waiting) if self._waiting else np.zeros(0, FATE)
        self._waiting = []
        columns: list[Any] = [_words(fates["direction"], DIRECTIONS)]
        columns += [pa.array(fates[name]) for name in ("serial", "segments", "wire_bytes")]
        columns.append(pa.array(np.bitwise_count(fates["lost"]).astype(np.int64)))
        for name in ("arrival", "departure", "release", "written"):
            known = fates[name] != 0
            columns.append(pa.array((fates[name] - self.origin_ns) * 1e-9, mask=~known))
        columns.append(_words(fates["cause"], [cause.name.lower() for cause in Cause]))
        self._writer.write_table(pa.table(columns, schema=self._schema))


def write_report(folder: Path, summary: dict[str, Any], configured: Mapping[str, Configured] | None = None) -> None:
    """Write `summary.json`, `report.json` and pictures, from the packets that are in the folder.

    configured   what `up` and `down` were to be, where that is known beside the packets
    """
    import pandas as pd

    (folder / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    packets = pd.read_parquet(folder / "packets.parquet")
    asked = dict(configured or {})
    report: dict[str, Any] = {}
    samples = {}
    for direction in DIRECTIONS:
        part = packets[packets["direction"] == direction]
        report[direction], samples[direction] = compare(part, asked.get(direction))
        draw_direction(folder / f"{direction}.png", direction, part, asked.get(direction))
    draw_fidelity(folder / "fidelity.png", report, samples)
    (folder / "report.json").write_text(json.dumps(report, indent=2) + "\n")


def compare(packets: Any, configured: Configured | None) -> tuple[dict[str, Any], dict[str, Floats]]:
    """What the link was to do against what it did, and the samples that say so.

    packets   the rows of `packets.parquet` of one direction, as a data frame

    The delays compared with the configured ones are those after the wait for the rate, one packet in every 50 ms, so
    that every time counts alike however many packets it had.
    """
    delivered = packets[packets["cause"] == "delivered"]
    error_us = np.asarray(delivered["written_s"] - delivered["release_s"], np.float64) * 1e6
    seconds = float(packets["arrival_s"].max() - packets["arrival_s"].min()) if len(packets) else 0.0
    facts: dict[str, Any] = {
        "packets": int(packets["packets"].sum()),
        "dropped": _dropped(packets),
        "delay_error_us": {name: _quantile(error_us, share) for name, share in _SHARES.items()},
        "early": int(np.count_nonzero(error_us < 0.0)),
        "reordered": _reordered(delivered),
        "mean_rate_mbit": round(float(delivered["wire_bytes"].sum()) * 8e-6 / seconds, 3) if seconds else None,
    }
    samples = {"error_us": error_us, "measured_ms": np.zeros(0), "configured_ms": np.zeros(0)}
    if configured is None or not len(delivered):
        return facts, samples
    at = np.asarray(delivered["departure_s"], np.float64)
    took = np.asarray(delivered["written_s"], np.float64) - at
    _, first = np.unique(np.floor(at / _APART_S), return_index=True)
    samples["measured_ms"] = took[first] * 1e3
    used = np.sort(at[first])
    place = np.searchsorted(used, configured.time_s)
    gap = np.minimum(
        np.abs(configured.time_s - used[np.clip(place - 1, 0, None)]),
        np.abs(configured.time_s - used[np.clip(place, None, used.size - 1)]),
    )
    near = ~configured.outage & (gap <= _NEAR_S)
    samples["configured_ms"] = configured.delay_ms[near]
    found = agreement(samples["measured_ms"], samples["configured_ms"])
    facts["delay_ms"] = {
        name: {label: _quantile(samples[f"{name}_ms"], share) for label, share in _SHARES.items()}
        for name in ("measured", "configured")
    }
    rate = configured.rate_bps[near]
    limited = np.isfinite(rate)
    facts["configured_rate_mbit"] = round(float(rate[limited].mean()) * 1e-6, 3) if limited.any() else None
    facts["outage_s"] = round(float(np.mean(configured.outage)) * _length_s(configured), 3)
    facts["kolmogorov_smirnov"] = (
        None
        if found is None
        else {"statistic": round(found.statistic, 4), "p_value": round(found.p_value, 4), "sizes": list(found.sizes)}
    )
    return facts, samples


_SHARES = {"p1": 0.01, "p50": 0.5, "p99": 0.99}


def _length_s(configured: Configured) -> float:
    return float(np.ptp(configured.time_s)) if configured.time_s.size else 0.0


def _quantile(values: Floats, share: float) -> float | None:
    return round(float(np.quantile(values, share)), 3) if values.size else None


def _dropped(packets: Any) -> dict[str, int]:
    counts = {}
    for cause in Cause:
        if cause is Cause.DELIVERED:
            continue
        gone = packets[packets["cause"] == cause.name.lower()]
        # Packets that were lost one by one are noted on the run of packets they were part of.
        count = int(packets["lost"].sum()) if cause is Cause.LOSS else int(gone["packets"].sum())
        if count:
            counts[cause.name.lower()] = count
    return counts


def _reordered(delivered: Any) -> int:
    written = np.asarray(delivered.sort_values("serial")["written_s"], np.float64)
    return int(np.count_nonzero(np.diff(written) < 0.0))


def _words(numbers: Any, words: Any) -> Any:
    import pyarrow as pa

    return pa.DictionaryArray.from_arrays(pa.array(numbers.astype(np.int8)), pa.array(list(words)))
