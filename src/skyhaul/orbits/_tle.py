"""Two- and three-line element sets (AIAA 2006-6753, appendix B; Alpha-5 numbers of Space-Track, 2020)."""

from __future__ import annotations

import re
from datetime import date

from skyhaul.orbits._rows import DAY_NS, Row, Rows, catalog_number, midnight_ns, one_line, real, refuse_other_theories

_LENGTH = 69
# Digits count as themselves, a minus sign as one, all else as nothing.
_WEIGHT = bytes(code - 48 if 48 <= code <= 57 else int(code == 45) for code in range(256))
# What stands at a fixed column, counted from 0, of line 1 and of line 2: elsewhere a shifted field would pass unseen.
_FIXED = (
    {8: " ", 17: " ", 23: ".", 32: " ", 34: ".", 43: " ", 52: " ", 61: " ", 63: " "},
    {7: " ", 11: ".", 16: " ", 20: ".", 25: " ", 33: " ", 37: ".", 42: " ", 46: ".", 51: " ", 54: "."},
)
_EPOCH = re.compile(r"([ \d]\d)([ \d]{2}\d)\.(\d{1,8}) *", re.ASCII)
_ASSUMED_POINT = re.compile(r"([ +-])( *\d*)([ +-]\d)", re.ASCII)
# The beginning of a line that was cut off; a name may begin with "1 " too.
_BEGINNING = re.compile(r"[12] [ \dA-Z][ \d]{4}[A-Z ]? ", re.ASCII)


def read_tle(text: str, source: str, rows: Rows) -> None:
    """Add every set of a text to `rows`: pairs of lines, each after a line with a name or not.

    Lines that begin with # are comments, as in the verification set of AIAA 2006-6753.
    """
    name, name_where, first, first_where = "", "", "", ""
    for number, raw in enumerate(text.split("\n"), start=1):
        line, where = raw.rstrip(), f"{source}:{number}"
        if not line or line.startswith("#"):
            continue
        if _is_line(line, "1"):
            if first:
                rows.bad("expected line 2 of a set, got another line 1", where)
                name = ""
            first, first_where = line, where
        elif _is_line(line, "2"):
            if first:
                _add(name, first, line, first_where, where, rows)
            else:
                rows.bad("line 2 of a set without its line 1", where)
            name, first = "", ""
        else:
            if first:
                rows.bad(f"expected line 2 of a set, got {line[:24]!r}", where)
                first = ""
            elif name:
                rows.bad(f"a name without elements: {name[:24]!r}", name_where)
            name, name_where = one_line(f"{line} ".removeprefix("0 ")), where
    if first:
        rows.bad("line 1 of a set without its line 2: the file ends here", first_where)
    elif name:
        rows.bad(f"a name without elements: {name[:24]!r}", name_where)


def checksum(line: str) -> int:
    """The checksum of a line's first 68 characters: digits summed modulo 10, with a minus sign as 1."""
    return sum(line[: _LENGTH - 1].encode("latin-1", "replace").translate(_WEIGHT)) % 10


def _is_line(line: str, number: str) -> bool:
    return line.startswith(f"{number} ") and (len(line) >= 60 or _BEGINNING.match(line) is not None)


def _add(name: str, one: str, two: str, where_one: str, where_two: str, rows: Rows) -> None:
    for line, where, fixed in ((one, where_one, _FIXED[0]), (two, where_two, _FIXED[1])):
        fault = _line_fault(line, fixed)
        if fault:
            rows.bad(fault, where)
            return
    if one[2:7] != two[2:7]:
        rows.bad(f"lines of two satellites: {one[2:7].strip()} and {two[2:7].strip()}", where_two)
        return
    where = where_one
    try:
        refuse_other_theories(one[62])
        number = catalog_number(one[2:7])
        identity = (name or str(number), number, one[9:17].strip(), _epoch_ns(one[18:32]))
        drag = (
            _assumed_point("B*", one[53:61]),
            real("mean motion dot", one[33:43].replace(" ", "")),
            _assumed_point("mean motion double dot", one[44:52]),
        )
        where = where_two
        orbit = (
            real("mean motion", two[52:63]),
            real("eccentricity", "." + two[26:33].replace(" ", "0")),
            real("inclination", two[8:16]),
            real("right ascension of the node", two[17:25]),
            real("argument of perigee", two[34:42]),
            real("mean anomaly", two[43:51]),
        )
    except ValueError as error:
        rows.bad(str(error), where)
        return
    rows.add(Row(*identity, *orbit, *drag), where_two)  # all that may still be out of range is in line 2


def _line_fault(line: str, fixed: dict[int, str]) -> str:
    if len(line) != _LENGTH:
        return f"{len(line)} characters, expected {_LENGTH}"
    if line[-1] != str(checksum(line)):
        return f"checksum is {line[-1]}, expected {checksum(line)}"
    for column, expected in fixed.items():
        if line[column] != expected:
            return f"column {column + 1} is {line[column]!r}, expected {expected!r}"
    return ""


def _epoch_ns(text: str) -> int:
    """Nanoseconds since 1970 of a two-digit year and a day of the year with fraction: an exact number."""
    match = _EPOCH.fullmatch(text)
    if match is None or not 1 <= int(match[2]) <= 366:
        raise ValueError(f"epoch is {text!r}, expected a year, a day of it and a fraction like 24048.66645833")
    year = int(match[1])
    start = midnight_ns(date(year + (2000 if year < 57 else 1900), 1, 1))
    return start + (int(match[2]) - 1) * DAY_NS + int(match[3].ljust(8, "0")) * (DAY_NS // 10**8)


def _assumed_point(field: str, text: str) -> float:
    """A number like ` 14149-2`: a sign, digits behind an assumed decimal point, and a power of ten. Blanks are 0."""
    if not text.strip():
        return 0.0
    match = _ASSUMED_POINT.fullmatch(text)
    if match is None:
        raise ValueError(f"{field} is {text!r}, expected a number like ' 14149-2'")
    sign, digits, power = match.groups()
    return float(f"{sign.strip()}.{digits.strip() or '0'}e{power.strip()}")
