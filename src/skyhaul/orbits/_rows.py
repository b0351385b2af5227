"""From the fields of one satellite, as a file writes them, to columns of all."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from skyhaul.errors import ElementsError
from skyhaul.orbits._elements import Elements


class Row(NamedTuple):
    """The mean elements of one satellite, in the order and units of `Elements`; the epoch in ns since 1970."""

    name: str
    catalog_number: int
    international_designator: str
    epoch_ns: int
    mean_motion_rev_day: float
    eccentricity: float
    inclination_deg: float
    raan_deg: float
    argument_of_perigee_deg: float
    mean_anomaly_deg: float
    bstar_per_er: float
    mean_motion_dot_rev_day2: float
    mean_motion_ddot_rev_day3: float


@dataclass(frozen=True, slots=True)
class Problem:
    """Something about an element set that its reader should know.

    kind    "bad": left out; "duplicate": an older set left out; "deep-space", "decayed", "invented": kept
    where   FILE:LINE, or FILE for what concerns all of it
    """

    kind: Literal["bad", "duplicate", "deep-space", "decayed", "invented"]
    where: str
    text: str


class Rows:
    """Collects rows, and the bad ones as problems where those may be skipped."""

    def __init__(self, skip_bad: bool) -> None:
        self.skip_bad = skip_bad
        self.rows: list[Row] = []
        self.where: list[str] = []
        self.problems: list[Problem] = []

    def add(self, row: Row, where: str) -> None:
        """Keep a row if its values can be elements."""
        fault = _fault(row)
        if fault:
            self.bad(fault, where)
        else:
            self.rows.append(row)
            self.where.append(where)

    def bad(self, text: str, where: str) -> None:
        """A row that cannot be used: a problem when such may be skipped, else `ElementsError`."""
        if not self.skip_bad:
            raise ElementsError(text, where=where, mend="correct it, or leave bad sets out with --skip-bad")
        self.problems.append(Problem("bad", where, text))


def _fault(row: Row) -> str:
    numbers = row[4:]
    if not all(map(math.isfinite, numbers)):
        field = Row._fields[4 + [math.isfinite(number) for number in numbers].index(False)]
        return f"{field} is not a finite number"
    if not 0.0 <= row.eccentricity < 1.0:
        return f"eccentricity is {row.eccentricity}, expected 0 to below 1"
    if not 0.0 <= row.inclination_deg <= 180.0:
        return f"inclination_deg is {row.inclination_deg}, expected 0 to 180"
    if not 0.0 < row.mean_motion_rev_day < 20.0:
        return f"mean_motion_rev_day is {row.mean_motion_rev_day}, expected above 0 and below 20"
    if not 0 <= row.catalog_number < 1_000_000_000:
        return f"catalogue number is {row.catalog_number}, expected 0 to 999999999"
    return ""


def columns(rows: Iterable[Row]) -> Elements:
    """Rows as columns; shell, plane and place in it unknown."""
    transposed = list(zip(*rows, strict=True))
    unknown = np.full(len(transposed[0]), -1, dtype=np.int64)
    numbers = [np.array(column, dtype=np.float64) for column in transposed[4:]]
    return Elements(
        transposed[0],
        np.array(transposed[1], dtype=np.int64),
        transposed[2],
        np.array(transposed[3], dtype=np.int64).astype("datetime64[ns]"),
        *numbers,  # type: ignore[arg-type]  # nine columns of floats, as in Row
        *[unknown] * 3,
    )
