"""SGP4 against the sgp4 package's compiled array."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from sgp4.api import Satrec, SatrecArray

from benchmarks._timing import Goal, Result, in_turns, on_one_core, rows_of
from skyhaul.orbits import Constellation, Elements
from skyhaul.sources import read_elements


def satrecs(path: Path) -> list[Satrec]:
    """The satellites of a two- or three-line file, as the sgp4 package reads them."""
    import gzip

    lines = [line for line in gzip.decompress(path.read_bytes()).decode().splitlines() if line[:2] in ("1 ", "2 ")]
    return [Satrec.twoline2rv(one, two) for one, two in zip(lines[::2], lines[1::2], strict=True)]


def run(data: Path) -> Result:
    path = data / "tle" / "starlink_2026-06-13.tle.gz"
    elements: Elements = read_elements(path).elements
    constellation = Constellation(elements)
    peers = SatrecArray(satrecs(path))
    start = np.datetime64("2026-06-13T20:00:12", "ns")
    batch = start + np.arange(40) * np.timedelta64(15, "s")
    jd = np.full(40, 2461205.0)
    fraction = (batch - np.datetime64("2026-06-13T12:00:00", "ns")).astype(np.int64) / 86_400e9

    sky = constellation.at(batch)
    many = in_turns(
        {
            "Skyhaul, memory used again": on_one_core(lambda: constellation.at(batch, into=sky)),
            "Skyhaul, fresh memory": on_one_core(lambda: constellation.at(batch)),
            "Skyhaul, fresh memory, positions only": on_one_core(lambda: constellation.at(batch, velocity=False)),
            "Skyhaul, memory used again, two threads": lambda: constellation.at(batch, into=sky),
            "sgp4 SatrecArray": lambda: peers.sgp4(jd, fraction),
        },
        rounds=9,
    )
    one = in_turns(
        {
            "Skyhaul": lambda: constellation.at(start),
            "Skyhaul, positions only": lambda: constellation.at(start, velocity=False),
            "sgp4 SatrecArray": lambda: peers.sgp4(jd[:1], fraction[:1]),
        },
        rounds=41,
    )
    ratios = [timing["sgp4 SatrecArray"].median_s / next(iter(timing.values())).median_s for timing in (many, one)]
    return Result(
        "Orbits: SGP4, positions and velocities",
        f"{len(elements):,} Starlink satellites of 2026-06-13; Skyhaul's are Earth-fixed, the sgp4 package's "
        "in TEME. One thread where not said otherwise; this machine's two cores may be threads of one",
        (*rows_of("40 instants in a call", many), *rows_of("one instant in a call", one)),
        (
            Goal("batch against sgp4, times as fast", ratios[0], 10.0, at_least=True),
            Goal("one snapshot against sgp4, times as fast", ratios[1], 5.0, at_least=True),
        ),
    )
