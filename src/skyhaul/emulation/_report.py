"""`--report DIR`: every packet of a run as Parquet, the summary as JSON, and a picture of each direction."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from skyhaul.emulation._plan import FATE, Fates
from skyhaul.emulation._settings import Cause
from skyhaul.errors import OutputError
from skyhaul.types import Floats

DIRECTIONS = ("up", "down")
_GROUP = 1 << 16  # fates of one row group
_POINTS = 20_000  # of a picture: more are only ink
_BIN_S = 0.1


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


def write_report(folder: Path, summary: dict[str, Any]) -> None:
    """Write `summary.json`, and `up.png` and `down.png` from the packets that are in the folder."""
    import pandas as pd

    (folder / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    packets = pd.read_parquet(folder / "packets.parquet")
    for direction in DIRECTIONS:
        _draw(folder / f"{direction}.png", direction, packets[packets["direction"] == direction])


def _draw(path: Path, direction: str, packets: Any) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, (delay, rate, drops) = plt.subplots(3, 1, figsize=(10, 9), sharex=True, layout="constrained")
    delivered = packets[packets["cause"] == "delivered"]
    some = delivered.iloc[:: max(1, len(delivered) // _POINTS)]
    delay.plot(some["arrival_s"], (some["written_s"] - some["arrival_s"]) * 1e3, ".", ms=2, label="given")
    delay.plot(some["arrival_s"], (some["release_s"] - some["arrival_s"]) * 1e3, ".", ms=1, label="asked of the link")
    delay.set(ylabel="one-way delay, ms", title=f"{direction}: what each packet was to take, and took", ylim=(0, None))
    delay.legend(loc="upper right")
    end = float(packets["arrival_s"].max()) if len(packets) else 1.0
    edges = np.arange(0.0, end + 2 * _BIN_S, _BIN_S)
    rate.step(
        edges[:-1], _per_bin(packets["arrival_s"], packets["wire_bytes"], edges) * 8e-6, where="post", label="came"
    )
    rate.step(
        edges[:-1], _per_bin(delivered["written_s"], delivered["wire_bytes"], edges) * 8e-6, where="post", label="left"
    )
    rate.set(ylabel="Mbit/s", ylim=(0, None))
    rate.legend(loc="upper right")
    for cause in Cause:
        if cause is Cause.DELIVERED:
            continue
        gone = packets[packets["cause"] == cause.name.lower()]
        count = gone["packets"] if cause is not Cause.LOSS else packets["lost"]
        times = gone["departure_s"] if cause is not Cause.LOSS else packets["departure_s"]
        if count.sum():
            drops.step(edges[:-1], _per_bin(times, count, edges), where="post", label=cause.name.lower())
    drops.set(xlabel="time from the start, s", ylabel="packets dropped per s", ylim=(0, None))
    if drops.get_legend_handles_labels()[0]:
        drops.legend(loc="upper right")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _per_bin(times: Any, amounts: Any, edges: Floats) -> Floats:
    counts, _ = np.histogram(np.asarray(times), edges, weights=np.asarray(amounts, np.float64))
    return np.asarray(counts / _BIN_S)


def _words(numbers: Any, words: Any) -> Any:
    import pyarrow as pa

    return pa.DictionaryArray.from_arrays(pa.array(numbers.astype(np.int8)), pa.array(list(words)))
