"""Orbital elements from the content of a file, whatever its format."""

from __future__ import annotations

import gzip
import hashlib
import re
import zlib
from collections import Counter
from dataclasses import dataclass

import numpy as np

from skyhaul.errors import ElementsError
from skyhaul.orbits._elements import Elements
from skyhaul.orbits._gravity import DEEP_SPACE_PERIOD_MIN, EARTH_RADIUS_KM, MINUTES_PER_DAY, altitude_km
from skyhaul.orbits._omm import read_omm
from skyhaul.orbits._rows import Problem, Rows, columns
from skyhaul.orbits._tle import read_tle

_CENTIDAY_NS = 864_000_000_000
_MEND = "expected OMM (CSV, JSON, XML, KVN) or two-line elements, gzipped or not"


@dataclass(frozen=True, slots=True)
class Parsed:
    """Elements, and what is to be known about them.

    format   "tle", "csv", "json", "xml" or "kvn"
    sha256   hash of the content, as it was before it was unpacked
    """

    elements: Elements
    problems: tuple[Problem, ...]
    format: str
    source: str
    sha256: str

    @property
    def skipped(self) -> int:
        """Bad sets that were left out."""
        return sum(problem.kind == "bad" for problem in self.problems)

    def counts(self) -> dict[str, int]:
        """How many problems there are of each kind."""
        return dict(Counter(problem.kind for problem in self.problems))


def parse_elements(data: bytes, source: str, *, skip_bad: bool = False) -> Parsed:
    """Elements from OMM in CSV, JSON, XML or KVN, or from two- or three-line sets, gzipped or not.

    Of a satellite that is there twice the newest set is kept. Bad sets raise `ElementsError` with their line, or are
    left out and counted with `skip_bad`. An empty, broken or foreign file raises `ElementsError`.
    """
    sha256 = hashlib.sha256(data).hexdigest()
    text = _text(data, source)
    kind = _kind(text, source)
    rows = Rows(skip_bad)
    if kind == "tle":
        read_tle(text, source, rows)
    else:
        read_omm(text, kind, source, rows)
    if not rows.rows:
        bad = f": all {len(rows.problems)} sets are bad" if rows.problems else ""
        raise ElementsError(f"no elements{bad}", where=source, mend=_MEND)
    newest, older = _newest(rows, source)
    elements = columns(rows.rows[k] for k in newest)
    problems = (*rows.problems, *older, *_odd(elements, source))
    return Parsed(elements, problems, kind, source, sha256)


def _text(data: bytes, source: str) -> str:
    if not data.strip():
        raise ElementsError("the file is empty", where=source, mend=_MEND)
    if data[:2] == b"\x1f\x8b":
        try:
            data = gzip.decompress(data)
        except (EOFError, OSError, zlib.error) as error:
            what = "ends too early" if isinstance(error, EOFError) else "is damaged"
            raise ElementsError(f"the gzip file {what}", where=source, mend="fetch it again") from None
        if not data.strip():
            raise ElementsError("the file is empty once unpacked", where=source, mend=_MEND)
    if b"\0" in data:
        raise ElementsError("the file is not text", where=source, mend=_MEND)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _kind(text: str, source: str) -> str:
    head = text.lstrip()[:2000]
    first = head.splitlines()[0]
    if head[0] in "[{":
        return "json"
    if head[0] == "<":
        if re.match(r"<!doctype html|<html", head, re.IGNORECASE):
            raise ElementsError("is a web page, not elements", where=source, mend=_MEND)
        return "xml"
    if re.search(r"^\s*CCSDS_OMM_VERS\s*=", head, re.MULTILINE):
        return "kvn"
    if re.search(r"^[12] .{50}", head, re.MULTILINE):
        return "tle"
    if "," in first and re.search(r"MEAN_|EPOCH|NORAD|OBJECT", first, re.IGNORECASE):
        return "csv"
    raise ElementsError(f"begins with {first[:24]!r}", where=source, mend=_MEND)


def _newest(rows: Rows, source: str) -> tuple[list[int], list[Problem]]:
    """Which rows to keep, in the file's order, and a problem for each older set. Number 0 stands for none."""
    best: dict[int, int] = {}
    older = []
    for k, row in enumerate(rows.rows):
        key = row.catalog_number or -1 - k
        rival = best.get(key)
        if rival is None:
            best[key] = k
            continue
        late, early = (k, rival) if row.epoch_ns > rows.rows[rival].epoch_ns else (rival, k)
        best[key] = late
        text = f"{row.name} ({key}) is there twice: the set of {rows.where[late].removeprefix(source + ':')} is newer"
        older.append(Problem("duplicate", rows.where[early], text))
    return sorted(best.values()), older


def _odd(elements: Elements, source: str) -> list[Problem]:
    problems = []
    period = MINUTES_PER_DAY / elements.mean_motion_rev_day
    deep = int(np.count_nonzero(period >= DEEP_SPACE_PERIOD_MIN))
    if deep:
        text = f"{deep} with a period of 225 min or more: deep space, propagated one by one"
        problems.append(Problem("deep-space", source, text))
    height = altitude_km(elements.mean_motion_rev_day, elements.eccentricity, elements.inclination_deg)
    perigee = (height + EARTH_RADIUS_KM) * (1.0 - elements.eccentricity) - EARTH_RADIUS_KM
    # Below 120 km no satellite completes another revolution.
    low = np.flatnonzero(perigee < 120.0)
    if len(low):
        names = ", ".join(elements.name[k] for k in low[:3])
        problems.append(Problem("decayed", source, f"{len(low)} with a perigee below 120 km, such as {names}"))
    ns = elements.epoch.astype(np.int64)
    if len(elements) >= 3 and not (ns % _CENTIDAY_NS).any():
        problems.append(
            Problem(
                "invented", source, "every epoch is a round part of a day: these elements look made up, not tracked"
            )
        )
    return problems
