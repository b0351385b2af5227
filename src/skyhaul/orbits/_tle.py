"""Two- and three-line element sets (AIAA 2006-6753, appendix B; Alpha-5 numbers of Space-Track, 2020)."""

from __future__ import annotations

import numpy as np

from skyhaul.orbits._rows import Row, Rows

_DAY_NS = 86_400_000_000_000
_LENGTH = 69
# Letters stand for the first two digits of six: A = 10 … Z = 33, without I and O.
_ALPHA5 = {letter: 10 + k for k, letter in enumerate("ABCDEFGHJKLMNPQRSTUVWXYZ")}
# Digits count as themselves, a minus sign as one, all else as nothing.
_WEIGHT = np.zeros(256, dtype=np.int64)
_WEIGHT[ord("0") : ord("9") + 1] = np.arange(10)
_WEIGHT[ord("-")] = 1


def catalog_number(text: str) -> int:
    """A catalogue number of five characters, plain or Alpha-5. ValueError for anything else."""
    text = text.strip()
    if text[:1] in _ALPHA5 and len(text) == 5:
        return _ALPHA5[text[0]] * 10_000 + int(text[1:])
    return int(text)


def read_tle(text: str, source: str, rows: Rows) -> None:
    """Add every set of a text to `rows`: pairs of lines, each after a line with a name or not."""
    name, name_line, first, first_line = "", 0, "", 0
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.rstrip()
        if not line:
            continue
        if line.startswith("1 ") and len(line) >= 60:
            if first:
                rows.bad("expected line 2 of a set, got another line 1", f"{source}:{number}")
            first, first_line = line, number
        elif line.startswith("2 ") and len(line) >= 60:
            if first:
                _add(name, first, line, f"{source}:{first_line}", f"{source}:{number}", rows)
            else:
                rows.bad("line 2 of a set without its line 1", f"{source}:{number}")
            name, name_line, first = "", 0, ""
        else:
            if first:
                rows.bad(f"expected line 2 of a set, got {line[:24]!r}", f"{source}:{number}")
                first = ""
            elif name:
                rows.bad(f"a name without elements: {name[:24]!r}", f"{source}:{name_line}")
            name, name_line = line.removeprefix("0 ").strip(), number
    if first:
        rows.bad("line 1 of a set without its line 2: the file ends here", f"{source}:{first_line}")
    elif name:
        rows.bad(f"a name without elements: {name[:24]!r}", f"{source}:{name_line}")


def checksum(line: str) -> int:
    """The checksum of a line's first 68 characters: digits summed modulo 10, with a minus sign as 1."""
    return int(_WEIGHT[np.frombuffer(line[: _LENGTH - 1].encode("latin-1", "replace"), dtype=np.uint8)].sum()) % 10


def _add(name: str, one: str, two: str, where_one: str, where_two: str, rows: Rows) -> None:
    for line, where in ((one, where_one), (two, where_two)):
        if len(line) != _LENGTH:
            rows.bad(f"{len(line)} characters, expected {_LENGTH}", where)
            return
        if line[-1] != str(checksum(line)):
            rows.bad(f"checksum is {line[-1]}, expected {checksum(line)}", where)
            return
    if one[2:7] != two[2:7]:
        rows.bad(f"lines of two satellites: {one[2:7].strip()} and {two[2:7].strip()}", where_two)
        return
    try:
        number = catalog_number(one[2:7])
        row = Row(
            name or str(number),
            number,
            one[9:17].strip(),
            _epoch_ns(one[18:32]),
            float(two[52:63]),
            float("." + two[26:33].replace(" ", "0")),
            float(two[8:16]),
            float(two[17:25]),
            float(two[34:42]),
            float(two[43:51]),
            _assumed_point(one[53:61]),
            float(one[33:43].replace(" ", "") or 0.0),
            _assumed_point(one[44:52]),
        )
    except ValueError as error:
        rows.bad(f"cannot be read: {error}", where_one)
        return
    rows.add(row, where_one)


def _epoch_ns(text: str) -> int:
    """Nanoseconds since 1970 of a two-digit year and a day of the year with fraction: an exact number."""
    year = int(text[:2].replace(" ", "0"))
    year += 2000 if year < 57 else 1900
    whole, _, fraction = text[2:].strip().partition(".")
    day = int(whole)
    if not 1 <= day <= 366:
        raise ValueError(f"day {day} of the year")
    start = int(np.datetime64(f"{year}-01-01", "ns").astype(np.int64))
    digits = fraction.strip()[:11].ljust(11, "0")
    return start + (day - 1) * _DAY_NS + int(digits) * (_DAY_NS // 10**11)


def _assumed_point(text: str) -> float:
    """A number like ` 14149-2`: a sign, digits behind an assumed decimal point, and a power of ten."""
    digits, power = text[:-2].strip(), text[-2:].strip()
    if not digits and not power:
        return 0.0
    sign, digits = ("-", digits[1:]) if digits[:1] == "-" else ("", digits.removeprefix("+"))
    return float(f"{sign}.{digits}e{power or 0}")
