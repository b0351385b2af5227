"""Orbit mean-elements messages (CCSDS 502.0-B-3) in XML and KVN, and in the CSV and JSON of public catalogues."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, timedelta
from typing import Any, TypeAlias
from xml.parsers import expat

from skyhaul.errors import ElementsError
from skyhaul.orbits._rows import (
    DAY_NS,
    Problem,
    Row,
    Rows,
    catalog_number,
    midnight_ns,
    one_line,
    real,
    refuse_other_theories,
)

Pairs: TypeAlias = Iterable[tuple[str, Any]]  # keywords and values of a message, as it has them
Reader: TypeAlias = Callable[[str, str, Rows], Iterator[tuple[str, Pairs]]]  # yields where each message starts, too

_ORBIT = ("MEAN_MOTION", "ECCENTRICITY", "INCLINATION", "RA_OF_ASC_NODE", "ARG_OF_PERICENTER", "MEAN_ANOMALY")
_DERIVATIVES = ("MEAN_MOTION_DOT", "MEAN_MOTION_DDOT")
# BSTAR: "required for SGP4" (table 4-3); without it a satellite would fly without drag and nobody know.
_REQUIRED = ("EPOCH", *_ORBIT, "BSTAR")
# What a message may say of itself, where SGP4 can use it; a message that says nothing is taken as that.
_ALLOWED = {
    "MEAN_ELEMENT_THEORY": ("SGP4", "SGP/SGP4", "SGP"),
    "REF_FRAME": ("TEME",),
    "TIME_SYSTEM": ("UTC",),
    "CENTER_NAME": ("EARTH",),
}
_ISO = re.compile(r"(\d{4})-(?:(\d\d)-(\d\d)|(\d{3}))[T ](\d\d):(\d\d):(\d\d)(?:\.(\d*))?Z?", re.ASCII)
# The years that nanoseconds in 64 bits hold, from the first satellite on.
_YEARS = range(1957, 2262)
# Keywords that a message may repeat (7.3.8).
_REPEATABLE = ("COMMENT", "USER_DEFINED_")
# Units, which KVN of issue 2 of the standard may show behind a number; "[+]" behind a name is part of it.
_UNITS = re.compile(r"\s*\[[^]]*\]$")
_BLANKS = re.compile(r"\s*")
_BETWEEN_OBJECTS = re.compile(r"[\s\[,]*")


def read_omm(text: str, kind: str, source: str, rows: Rows) -> None:
    """Add every message of a text to `rows`; `kind` is "csv", "json", "xml" or "kvn"."""
    for where, pairs in _READERS[kind](text, source, rows):
        try:
            fields = _fields(pairs)
            row = _row(fields)
        except ValueError as error:
            rows.bad(str(error), where)
            continue
        kept = rows.add(row, where)
        decay = fields.get("DECAY_DATE") or fields.get("USER_DEFINED_DECAY_DATE")
        if kept and decay:
            rows.problems.append(Problem("decayed", where, f"{row.name} decayed on {decay}"))


def epoch_ns(text: str) -> int:
    """Nanoseconds since 1970 of a UTC date and time (month and day, or day of the year). ValueError if it is none."""
    match = _ISO.fullmatch(text)
    if match is None:
        raise ValueError(f"EPOCH is {text!r}, expected a UTC date and time like 2024-02-17T15:59:42.000000")
    year, month, day, yearday, hour, minute, second, fraction = match.groups()
    try:
        midnight = date(int(year), int(month or 1), int(day or 1)) + timedelta(days=int(yearday or 1) - 1)
    except (ValueError, OverflowError):
        midnight = date.min
    if midnight.year != int(year) or midnight.year not in _YEARS:
        raise ValueError(f"EPOCH is {text!r}, which is no day from {_YEARS[0]} to {_YEARS[-1]}")
    if int(hour) > 23 or int(minute) > 59 or int(second) > 60:
        raise ValueError(f"EPOCH is {text!r}, which is no time of day")
    seconds = int(hour) * 3600 + int(minute) * 60 + int(second)
    return midnight_ns(midnight) + seconds * (DAY_NS // 86_400) + int((fraction or "")[:9].ljust(9, "0"))


def _fields(pairs: Pairs) -> dict[str, str]:
    """What a message says, as text. ValueError where it says something twice."""
    fields: dict[str, str] = {}
    for keyword, value in pairs:
        name = one_line(keyword).upper()
        if name in fields and not name.startswith(_REPEATABLE):
            raise ValueError(f"{name} is there twice")
        fields[name] = "" if value is None else one_line(str(value))
    return fields


def _row(fields: Mapping[str, str]) -> Row:
    for field, allowed in _ALLOWED.items():
        said = fields.get(field, "").upper()
        if said and said not in allowed:
            raise ValueError(f"{field} is {said}, expected {allowed[0]}")
    refuse_other_theories(fields.get("EPHEMERIS_TYPE", ""))
    missing = [field for field in _REQUIRED if not fields.get(field)]
    if missing:
        raise ValueError(f"no {', '.join(missing)}")
    number = catalog_number(fields.get("NORAD_CAT_ID") or "0")
    designator = fields.get("OBJECT_ID", "")
    return Row(
        fields.get("OBJECT_NAME") or str(number),
        number,
        # 1998-067A is written 98067A in element sets.
        designator[2:4] + designator[5:] if re.match(r"\d{4}-\d{3}", designator) else designator,
        epoch_ns(fields["EPOCH"]),
        *(real(field, fields[field]) for field in (*_ORBIT, "BSTAR")),
        *(real(field, fields.get(field) or "0") for field in _DERIVATIVES),
    )


def _csv(text: str, source: str, rows: Rows) -> Iterator[tuple[str, Pairs]]:
    """Every line is a record: no field of an OMM holds a line end, and a stray quote must not swallow the rest."""
    header: list[str] = []
    for line, raw in enumerate(text.split("\n"), start=1):
        if not raw.strip():
            continue
        where = f"{source}:{line}"
        try:
            (values,) = csv.reader([raw], strict=True)
        except csv.Error as error:
            rows.bad(f"cannot be read as CSV: {error}", where)
            continue
        if not header:
            header = _header(values, where)
        elif len(values) != len(header):
            rows.bad(f"{len(values)} fields, expected {len(header)}", where)
        else:
            yield where, zip(header, values, strict=True)


def _header(values: list[str], where: str) -> list[str]:
    header = [value.strip().upper() for value in values]
    missing = [field for field in _REQUIRED if field not in header]
    if missing:
        mend = "the first line names the fields of an OMM, as in CelesTrak's CSV"
        raise ElementsError(f"no column {', '.join(missing)}", where=where, mend=mend)
    return header


def _json(text: str, source: str, rows: Rows) -> Iterator[tuple[str, Pairs]]:
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError) as error:  # ValueError: also a number of more than 4,300 digits
        flaw, line = (error.msg, f":{error.lineno}") if isinstance(error, json.JSONDecodeError) else (str(error), "")
        raise ElementsError(f"cannot be read as JSON: {flaw}", where=f"{source}{line}", mend="fetch it again") from None
    # A second pass over what is now known to be sound finds the line of each object, and keys that are there twice.
    several = isinstance(whole, list)
    between = _BETWEEN_OBJECTS if several else _BLANKS
    decoder = json.JSONDecoder(object_pairs_hook=tuple)
    position, line_number = 0, 1
    for k in range(len(whole) if several else 1):
        gap = between.match(text, position)
        start = gap.end() if gap else position
        value, end = decoder.raw_decode(text, start)
        line_number += text.count("\n", position, start)
        where = f"{source}:{line_number}, object {k + 1}"
        line_number += text.count("\n", start, end)
        position = end
        if isinstance(value, tuple):
            yield where, value
        else:
            rows.bad(f"{str(value)[:24]} is not an object", where)


def _xml(text: str, source: str, _: Rows) -> Iterator[tuple[str, Pairs]]:
    """A message from each <segment>, of which an <omm> has one, whatever holds it: <omm>, <ndm> or both."""
    messages: list[tuple[str, list[tuple[str, str]]]] = []
    inside: list[str] = []
    said: list[str] = []
    parser = expat.ParserCreate("utf-8")

    def start(tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(":")[2].upper()
        if name == "SEGMENT":
            messages.append((f"{source}:{parser.CurrentLineNumber}", []))
        inside.append(f"USER_DEFINED_{attributes.get('parameter', '')}" if name == "USER_DEFINED" else name)
        said.clear()

    def end(_: str) -> None:
        name, value = inside.pop(), "".join(said).strip()
        if value and "SEGMENT" in inside:
            messages[-1][1].append((name, value))
        said.clear()

    def entity(*_: Any) -> None:
        where = f"{source}:{parser.CurrentLineNumber}"
        mend = "write the message without a document type"
        raise ElementsError("declares an entity, which no message needs", where=where, mend=mend)

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler, parser.EntityDeclHandler = said.append, entity
    try:
        parser.Parse(text.encode("utf-8"), True)
    except expat.ExpatError as error:
        flaw = expat.errors.messages[error.code]
        where = f"{source}:{error.lineno}"
        raise ElementsError(f"cannot be read as XML: {flaw}", where=where, mend="fetch it again") from None
    yield from messages


def _kvn(text: str, source: str, rows: Rows) -> Iterator[tuple[str, Pairs]]:
    """A message begins with CCSDS_OMM_VERS or, in lists without that, with the next OBJECT_NAME."""
    where = ""
    pairs: list[tuple[str, str]] = []
    sound = True
    for number, line in enumerate(text.split("\n"), start=1):
        keyword, equals, value = (part.strip() for part in line.partition("="))
        if not line.strip() or keyword.split()[:1] == ["COMMENT"]:
            continue
        here = f"{source}:{number}"
        if keyword == "CCSDS_OMM_VERS" or (keyword == "OBJECT_NAME" and keyword in dict(pairs)):
            if pairs and sound:
                yield where, pairs
            pairs, sound = [], True
        if not pairs:
            where = here
        if sound and (not equals or len(keyword.split()) != 1):
            rows.bad(f"expected KEYWORD = value, got {line.strip()[:24]!r}", here)
            sound = False
        is_number = keyword in _REQUIRED or keyword in _DERIVATIVES
        pairs.append((keyword, _UNITS.sub("", value) if is_number else value))
    if pairs and sound:
        yield where, pairs


_READERS: dict[str, Reader] = {"csv": _csv, "json": _json, "xml": _xml, "kvn": _kvn}
