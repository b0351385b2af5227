"""Elements as the sgp4 package reads them, and its own verification set."""

from __future__ import annotations

import gzip
from importlib.resources import files
from pathlib import Path

import numpy as np
from sgp4.api import Satrec, SatrecArray

from skyhaul.types import Bytes, Floats, Times

_J2000 = np.datetime64("2000-01-01T12:00:00", "ns")
_DAY_NS = 86_400_000_000_000

TWO_SETS = """\
STARLINK-1008
1 44714U 19074B   24198.73465956  .00000029  00000+0  20873-4 0  9994
2 44714  53.0559   4.4051 0001579 130.2044 229.9084 15.06403191258176
0 STARLINK-1007
1 44713U 19074A   24198.91667824  .01447048  00000+0  19954-1 0  9993
2 44713  53.0540   0.4655 0001369  59.1819 252.4168 15.54032096  5749
"""


def sgp4_lines(path: Path) -> list[tuple[str, str]]:
    """Pairs of lines 1 and 2 of a gzipped file."""
    lines = [line for line in gzip.decompress(path.read_bytes()).decode().splitlines() if line[:2] in ("1 ", "2 ")]
    return list(zip(lines[::2], lines[1::2], strict=True))


def satrecs(path: Path) -> list[Satrec]:
    return [Satrec.twoline2rv(one, two) for one, two in sgp4_lines(path)]


def ask_sgp4(satellites: list[Satrec], times: Times) -> tuple[Floats, Floats, Bytes]:
    """Positions (T, 3, N) km, velocities and error codes (T, N) from the compiled SatrecArray."""
    ns = (times - _J2000).astype(np.int64)
    day, rest = np.divmod(ns, _DAY_NS)
    error, position, velocity = SatrecArray(satellites).sgp4(2451545.0 + day, rest / _DAY_NS)
    return position.transpose(1, 2, 0), velocity.transpose(1, 2, 0), error.T


def verification_text() -> str:
    """The element sets of AIAA 2006-6753 as the sgp4 package carries them."""
    return (files("sgp4") / "SGP4-VER.TLE").read_text()


def verification_output() -> dict[int, Floats]:
    """Of each satellite the rows of its test run: minutes, position km and velocity km/s in TEME."""
    runs: dict[int, list[list[float]]] = {}
    rows: list[list[float]] = []
    for line in (files("sgp4") / "tcppver.out").read_text().splitlines():
        fields = line.split()
        if len(fields) == 2 and fields[1] == "xx":
            rows = runs.setdefault(int(fields[0]), [])
        elif len(fields) >= 7:
            rows.append([float(field) for field in fields[:7]])
    return {number: np.array(rows) for number, rows in runs.items()}
