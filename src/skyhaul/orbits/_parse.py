"""Orbital elements from the content of a file, whatever its format."""

from __future__ import annotations

import codecs
import gzip
import hashlib
import io
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

# A message takes about 2 kB as XML, its largest form: room for a quarter of a million satellites.
LARGEST_ELEMENTS_BYTES = 512 * 1024 * 1024
_HOUR_NS = 3_600_000_000_000
_CENTIDAY_NS = 864_000_000_000
# A two-line set writes the epoch to 1e-8 days: an hour is off by up to half of that.
_ROUNDING_NS = 432_000
# Entry interface, 400,000 ft, where re-entry is taken to begin: NASA-STD-8719.14, assessment of re-entry survival.
_REENTRY_KM = 122.0
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
        """How many sets have a problem of each kind."""
        counts: Counter[str] = Counter()
        for problem in self.problems:
            counts[problem.kind] += problem.satellites
        return dict(counts)


def parse_elements(data: bytes, source: str, *, skip_bad: bool = False) -> Parsed:
    """Elements from OMM in CSV, JSON, XML or KVN, or from two- or three-line sets, gzipped or not.

    Of a satellite that is there twice the newest set is kept. Bad sets raise `ElementsError` with their line, or are
    left out and counted with `skip_bad`. An empty, broken or foreign file raises `ElementsError`.
    """
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
    newest, older = _newest(rows)
    elements = columns(rows.rows[k] for k in newest)
    problems = (*rows.problems, *older, *_odd(elements, source))
    return Parsed(elements, problems, kind, source, hashlib.sha256(data).hexdigest())


def _text(data: bytes, source: str) -> str:
    """The content as text whose lines end in a line feed."""
    if data[:2] == b"\x1f\x8b":
        data = _unpacked(data, source)
    if len(data) > LARGEST_ELEMENTS_BYTES:
        mend = "no list of elements is that large; cut it into parts if it is one"
        raise ElementsError(f"over {LARGEST_ELEMENTS_BYTES >> 20} MiB", where=source, mend=mend)
    encoding = "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    if "\0" in text:
        raise ElementsError("the file is not text", where=source, mend=_MEND)
    if not text.strip():
        raise ElementsError("the file is empty", where=source, mend=_MEND)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _unpacked(data: bytes, source: str) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            return file.read(LARGEST_ELEMENTS_BYTES + 1)
    except (EOFError, OSError, zlib.error) as error:
        what = "ends too early" if isinstance(error, EOFError) else "is damaged"
        raise ElementsError(f"the gzip file {what}", where=source, mend="fetch it again") from None


def _kind(text: str, source: str) -> str:
    head = text.lstrip()[:4000]
    first = head.split("\n", 1)[0]
    if head[0] in "[{":
        return "json"
    if head[0] == "<":
        if re.search(r"<!doctype html|<html", head, re.IGNORECASE):
            raise ElementsError("is a web page, not elements", where=source, mend=_MEND)
        return "xml"
    if re.search(r"^\s*(CCSDS_OMM_VERS|OBJECT_NAME)\s*=", head, re.MULTILINE):
        return "kvn"
    if re.search(r"^[12] .{50}", head, re.MULTILINE):
        return "tle"
    if "," in first and re.search(r"MEAN_|EPOCH|NORAD|OBJECT", first, re.IGNORECASE):
        return "csv"
    raise ElementsError(f"begins with {first[:24]!r}", where=source, mend=_MEND)


def _newest(rows: Rows) -> tuple[list[int], list[Problem]]:
    """Which rows to keep, in the file's order, and a problem for each other set. Number 0 stands for none."""
    best: dict[int, int] = {}
    others = []
    for k, row in enumerate(rows.rows):
        key = row.catalog_number or -1 - k
        rival = best.setdefault(key, k)
        if rival == k:
            continue
        kept, left = (k, rival) if row.epoch_ns > rows.rows[rival].epoch_ns else (rival, k)
        best[key] = kept
        text = f"{row.name} ({key}) is there twice: kept is the newest set, of {rows.where[kept]}"
        others.append(Problem("duplicate", rows.where[left], text))
    return sorted(best.values()), others


def _odd(elements: Elements, source: str) -> list[Problem]:
    problems = []
    deep = int(np.count_nonzero(elements.mean_motion_rev_day <= MINUTES_PER_DAY / DEEP_SPACE_PERIOD_MIN))
    if deep:
        text = f"{deep} with a period of 225 min or more: deep space, propagated one by one"
        problems.append(Problem("deep-space", source, text, deep))
    height = altitude_km(elements.mean_motion_rev_day, elements.eccentricity, elements.inclination_deg)
    perigee = (height + EARTH_RADIUS_KM) * (1.0 - elements.eccentricity) - EARTH_RADIUS_KM
    low = np.flatnonzero(~(perigee >= _REENTRY_KM))
    if len(low):
        names = ", ".join(elements.name[k] for k in low[:3])
        text = f"{len(low)} with a perigee below {_REENTRY_KM:g} km, such as {names}"
        problems.append(Problem("decayed", source, text, len(low)))
    ns = elements.epoch.astype(np.int64)
    hourly = (ns + _ROUNDING_NS) % _HOUR_NS <= 2 * _ROUNDING_NS
    if len(elements) >= 3 and ((ns % _CENTIDAY_NS == 0) | hourly).all():
        text = "every epoch is a round part of a day: these elements look made up, not tracked"
        problems.append(Problem("invented", source, text, len(elements)))
    return problems
