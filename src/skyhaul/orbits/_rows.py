"""From the fields of one satellite, as a file writes them, to columns of all."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Literal, NamedTuple

import numpy as np

from skyhaul.errors import ElementsError
from skyhaul.orbits._elements import Elements

DAY_NS = 86_400_000_000_000
_UNIX_DAY = date(1970, 1, 1).toordinal()
# CCSDS 502.0-B-3, 7.4.3: no blanks, no "nan", no "_" between digits, which float() would take.
_REAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
# Up to nine digits (the same, table 4-3), or the letter and four digits of Space-Track's Alpha-5.
_CATALOG_NUMBER = re.compile(r"(\d{1,9})(?:\.0*)?|([A-HJ-NP-Z])(\d{4})", re.ASCII)
# Letters stand for the first two digits of six: A = 10 … Z = 33, without I and O.
_ALPHA5 = {letter: 10 + k for k, letter in enumerate("ABCDEFGHJKLMNPQRSTUVWXYZ")}
_LINE_BREAKING = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
# What SGP4 must not be given (the same, 4.2.4.7).
_OTHER_THEORIES = {"4": "SGP4-XP", "6": "special perturbations"}


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
    """Something about element sets that their reader should know.

    kind        "bad": left out; "duplicate": an older set left out; "deep-space", "decayed", "invented": kept
    where       FILE:LINE, or FILE for what concerns all of it
    satellites  how many sets it concerns
    """

    kind: Literal["bad", "duplicate", "deep-space", "decayed", "invented"]
    where: str
    text: str
    satellites: int = 1


class Rows:
    """Collects rows, and the bad ones as problems where those may be skipped."""

    def __init__(self, skip_bad: bool) -> None:
        self.skip_bad = skip_bad
        self.rows: list[Row] = []
        self.where: list[str] = []
        self.problems: list[Problem] = []

    def add(self, row: Row, where: str) -> bool:
        """Keep a row if its values can be elements, and say whether."""
        fault = _fault(row)
        if fault:
            self.bad(fault, where)
            return False
        self.rows.append(row)
        self.where.append(where)
        return True

    def bad(self, text: str, where: str) -> None:
        """A row that cannot be used: a problem when such may be skipped, else `ElementsError`."""
        if not self.skip_bad:
            raise ElementsError(text, where=where, mend="correct it, or leave bad sets out with --skip-bad")
        self.problems.append(Problem("bad", where, text))


def one_line(text: str) -> str:
    """A text without control characters and blanks around it: names and errors are printed on one line."""
    return text.strip() if text.isprintable() else _LINE_BREAKING.sub(" ", text).strip()


def real(field: str, text: str) -> float:
    """A decimal number. ValueError for anything else."""
    if not _REAL.fullmatch(text.strip()):
        raise ValueError(f"{field} is {text!r}, expected a number")
    return float(text)


def catalog_number(text: str) -> int:
    """A catalogue number, plain or Alpha-5. ValueError for anything else."""
    match = _CATALOG_NUMBER.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"catalogue number is {text!r}, expected up to nine digits, or a letter and four")
    plain, letter, rest = match.groups()
    return int(plain) if plain else _ALPHA5[letter] * 10_000 + int(rest)


def refuse_other_theories(ephemeris_type: str) -> None:
    """ValueError where elements say that they are made for another theory than SGP4."""
    theory = _OTHER_THEORIES.get(ephemeris_type.strip())
    if theory:
        raise ValueError(f"ephemeris type {ephemeris_type.strip()}: elements for {theory}, expected SGP4")


def midnight_ns(day: date) -> int:
    """Nanoseconds from 1970 to the first instant of a day, UTC."""
    return (day.toordinal() - _UNIX_DAY) * DAY_NS


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
    for field in ("raan_deg", "argument_of_perigee_deg", "mean_anomaly_deg"):
        if abs(getattr(row, field)) > 360.0:
            return f"{field} is {getattr(row, field)}, expected -360 to 360"
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
