"""Orbit mean-elements messages (CCSDS 502.0-B-3) in XML and KVN, and in the CSV and JSON of public catalogues."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias
from xml.parsers import expat

import numpy as np

from skyhaul.errors import ElementsError
from skyhaul.orbits._rows import Row, Rows
from skyhaul.orbits._tle import catalog_number

Message: TypeAlias = tuple[str, Mapping[str, Any]]  # where it starts, and its fields

_REQUIRED = (
    "EPOCH",
    "MEAN_MOTION",
    "ECCENTRICITY",
    "INCLINATION",
    "RA_OF_ASC_NODE",
    "ARG_OF_PERICENTER",
    "MEAN_ANOMALY",
)
# What a message may say of itself, where SGP4 can use it; a message that says nothing is taken as that.
_ALLOWED = {
    "MEAN_ELEMENT_THEORY": ("SGP4", "SGP/SGP4", "SGP"),
    "REF_FRAME": ("TEME",),
    "TIME_SYSTEM": ("UTC",),
    "CENTER_NAME": ("EARTH",),
}
_ISO = re.compile(r"(\d{4})-(?:(\d{2})-(\d{2})|(\d{3}))(?:[T ](\d{2}):(\d{2}):(\d{2})(?:\.(\d*))?)?Z?")
_KVN = re.compile(r"\s*([A-Z][A-Z0-9_]*)\s*=\s*(.*?)\s*(?:\[[^\]]*\])?\s*")


def read_omm(text: str, kind: str, source: str, rows: Rows) -> None:
    """Add every message of a text to `rows`; `kind` is "csv", "json", "xml" or "kvn"."""
    for where, fields in _READERS[kind](text, source):
        try:
            row = _row(fields)
        except (ValueError, KeyError) as error:
            rows.bad(str(error.args[0]) if error.args else "cannot be read", where)
            continue
        rows.add(row, where)


def epoch_ns(text: str) -> int:
    """Nanoseconds since 1970 of a UTC date and time (month and day, or day of the year). ValueError if it is none."""
    match = _ISO.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"EPOCH is {text!r}, expected a UTC date and time like 2024-02-17T15:59:42.000000")
    year, month, day, yearday, hour, minute, second, fraction = match.groups()
    if yearday is None:
        date = np.datetime64(f"{year}-{month}-{day}", "D")
    else:
        date = np.datetime64(f"{year}-01-01", "D") + (int(yearday) - 1)
    seconds = int(hour or 0) * 3600 + int(minute or 0) * 60 + int(second or 0)
    if int(hour or 0) > 23 or int(minute or 0) > 59 or int(second or 0) > 60:
        raise ValueError(f"EPOCH is {text!r}, which is no time of day")
    rest = int((fraction or "")[:9].ljust(9, "0"))
    return int(date.astype("datetime64[ns]").astype(np.int64)) + seconds * 1_000_000_000 + rest


def _row(fields: Mapping[str, Any]) -> Row:
    missing = [field for field in _REQUIRED if fields.get(field) in (None, "")]
    if missing:
        raise ValueError(f"no {missing[0]}")
    for field, allowed in _ALLOWED.items():
        said = str(fields.get(field) or allowed[0]).strip().upper()
        if said not in allowed:
            raise ValueError(f"{field} is {said}, expected {allowed[0]}")
    number = str(fields.get("NORAD_CAT_ID") or "0")
    designator = str(fields.get("OBJECT_ID") or "")
    return Row(
        str(fields.get("OBJECT_NAME") or number).strip(),
        _number("NORAD_CAT_ID", number, catalog_number),
        # 1998-067A is written 98067A in element sets.
        designator[2:4] + designator[5:].strip() if re.match(r"\d{4}-\d{3}", designator) else designator.strip(),
        epoch_ns(str(fields["EPOCH"])),
        *(_number(field, fields[field]) for field in _REQUIRED[1:]),
        *(_number(field, fields.get(field) or 0.0) for field in ("BSTAR", "MEAN_MOTION_DOT", "MEAN_MOTION_DDOT")),
    )


def _number(field: str, value: Any, convert: Callable[[Any], Any] = float) -> Any:
    try:
        return convert(value)
    except (TypeError, ValueError):
        raise ValueError(f"{field} is {value!r}, expected a number") from None


def _csv(text: str, source: str) -> Iterator[Message]:
    reader = csv.DictReader(io.StringIO(text, newline=""))
    columns = [column.strip().upper() for column in reader.fieldnames or ()]
    missing = [field for field in _REQUIRED if field not in columns]
    if missing:
        raise ElementsError(
            f"no column {', '.join(missing)}", where=f"{source}:1", mend="the header names OMM fields: CelesTrak's CSV"
        )
    reader.fieldnames = columns
    while True:
        line = reader.line_num + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise ElementsError(f"cannot be read as CSV: {error}", where=f"{source}:{line}") from error
        yield f"{source}:{line}", fields


def _json(text: str, source: str) -> Iterator[Message]:
    try:
        data = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        line = f":{error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise ElementsError(f"cannot be read as JSON: {error}", where=f"{source}{line}") from None
    for k, fields in enumerate(data if isinstance(data, list) else [data], start=1):
        upper = {str(key).upper(): value for key, value in fields.items()} if isinstance(fields, dict) else {}
        yield f"{source}: object {k}", upper


def _xml(text: str, source: str) -> Iterator[Message]:
    messages: list[Message] = []
    fields: dict[str, str] = {}
    inside: list[str] = []
    parser = expat.ParserCreate()

    def start(tag: str, _: dict[str, str]) -> None:
        name = tag.rpartition(":")[2].upper()
        if name == "OMM":
            fields.clear()
            messages.append((f"{source}:{parser.CurrentLineNumber}", {}))
        inside.append(name)

    def end(_: str) -> None:
        if inside.pop() == "OMM":
            messages[-1] = (messages[-1][0], dict(fields))

    def characters(data: str) -> None:
        fields[inside[-1]] = fields.get(inside[-1], "") + data.strip()

    def entity(*_: Any) -> None:
        raise ElementsError("declares an entity, which no message needs", where=source)

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler, parser.EntityDeclHandler = characters, entity
    try:
        parser.Parse(text.encode("utf-8"), True)
    except expat.ExpatError as error:
        message = expat.errors.messages[error.code]
        raise ElementsError(f"cannot be read as XML: {message}", where=f"{source}:{error.lineno}") from None
    yield from messages


def _kvn(text: str, source: str) -> Iterator[Message]:
    where = ""
    fields: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("COMMENT"):
            continue
        match = _KVN.fullmatch(line)
        if match is None:
            raise ElementsError(f"expected KEYWORD = value, got {line.strip()[:24]!r}", where=f"{source}:{number}")
        if match[1] == "CCSDS_OMM_VERS" and fields:
            yield where, fields
            fields = {}
        if not fields:
            where = f"{source}:{number}"
        fields[match[1]] = match[2]
    if fields:
        yield where, fields


_READERS: dict[str, Callable[[str, str], Iterator[Message]]] = {"csv": _csv, "json": _json, "xml": _xml, "kvn": _kvn}
