"""Applications from tables and lists, each row for itself; and the register of a list as a table."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from skyhaul.control._canonical import canonical_json
from skyhaul.control._instants import instant_text
from skyhaul.control.facts import Application, Fact, fact_from_document
from skyhaul.control.lists._entries import Entry, ListRegister
from skyhaul.errors import ControlError

# Columns that are read; `list` is the field `name` of an application.
APPLICATION_COLUMNS = (
    "id",
    "list",
    "terminal",
    "kit_number",
    "account",
    "holder",
    "holder_kind",
    "shown",
    "evidence",
    "address",
    "sponsor",
    "valid_from",
    "valid_to",
    "source",
)
# Columns that are written as well, and passed over when they are read: what became of the application.
STATE_COLUMNS = ("state", "since", "reason", "listing", "approved_by", "listed_from", "listed_to")

BYTES_MAX = 64_000_000  # of one file; a row has some 200 bytes, so some 300,000 rows
_MEND_JSON = 'give a list of objects, or {"applications": [ … ]}'
_FLAGS = {"": False, "no": False, "false": False, "0": False, "yes": True, "true": True, "1": True}


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that was not taken: where it stands, and why with the mend."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


def read_applications(
    data: bytes,
    where: str,
    *,
    author: str,
    recorded_at: np.datetime64,
    register: ListRegister | None = None,
    defaults: Mapping[str, str] | None = None,
) -> tuple[list[Application], list[Rejected]]:
    """Applications of a CSV table with a header, or of JSON objects with the same names, and the rows rejected.

    Rows without an id are named after their content, so that a row is taken once however often it is given.
    `defaults` stand in for columns that are empty or not there; valid_from is by default recorded_at. With a
    `register`, rows of lists that are not recorded and rows already recorded are rejected too. Raises ControlError for
    a file that is neither, and for columns that are not known: then no row is good.
    """
    if len(data) > BYTES_MAX:
        raise ControlError(f"has more than {BYTES_MAX:,} bytes", where=where, mend="split it")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ControlError(f"is not text: byte {error.start} is not UTF-8", where=where, mend="save it as UTF-8") from (
            None
        )
    rows = _json_rows(text, where) if text.lstrip()[:1] in ("[", "{") else _csv_rows(text, where)
    taken: set[str] = set()
    lists = {list_.name for list_ in register.lists()} if register is not None else None
    good: list[Application] = []
    bad: list[Rejected] = []
    for place, row in rows:
        try:
            if isinstance(row, ControlError):
                raise row
            if not isinstance(row, Mapping):
                raise ControlError(f"no application but {str(row)[:40]}", mend="an object with names and values")
            application = _application(row, author, recorded_at, defaults or {})
            if lists is not None and application.name not in lists:
                mend = f"there are {', '.join(sorted(lists))}" if lists else "record the list first"
                raise ControlError(f"no allow-list “{application.name}” is recorded", mend=mend)
            if application.id in taken or (register is not None and register.facts.with_id(application.id)):
                raise ControlError(f"{application.id} is recorded already", mend="give each application its own id")
        except ControlError as error:
            bad.append(Rejected(place, _one_line(error)))
        else:
            taken.add(application.id)
            good.append(application)
    return good, bad


def write_entries(entries: Iterable[Entry], form: str) -> str:
    """The register of a list as `csv` or `json`: columns that `read_applications` reads, and what became of each."""
    rows = [_row(entry) for entry in entries]
    if form == "json":
        return json.dumps({"applications": rows}, indent=2, ensure_ascii=False) + "\n"
    out = io.StringIO()
    writer = csv.DictWriter(out, (*APPLICATION_COLUMNS, *STATE_COLUMNS), lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return out.getvalue()


def _csv_rows(text: str, where: str) -> Iterator[tuple[str, Any]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        _check_columns(header, where)
        for cells in reader:
            place = f"{where}:{reader.line_num}"
            if not any(cells):
                continue
            if len(cells) != len(header):
                what = f"{len(cells)} cells under {len(header)} columns"
                yield place, ControlError(what, mend="quote cells that hold commas")
                continue
            yield place, {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
    except csv.Error as error:
        mend = "quote cells that hold commas or quotes"
        raise ControlError(f"no CSV: {error}", where=f"{where}:{reader.line_num}", mend=mend) from None


def _json_rows(text: str, where: str) -> Iterator[tuple[str, Any]]:
    try:
        root = json.loads(text)
    except RecursionError:
        raise ControlError("is nested too deep", where=where, mend=_MEND_JSON) from None
    except json.JSONDecodeError as error:
        raise ControlError(f"no JSON: {error.msg}", where=f"{where}:{error.lineno}", mend=_MEND_JSON) from None
    except ValueError as error:
        raise ControlError(f"no JSON: {str(error).partition(';')[0]}", where=where, mend=_MEND_JSON) from None
    if isinstance(root, dict):
        root = root.get("applications")
    if not isinstance(root, list):
        raise ControlError("is no list of applications", where=where, mend=_MEND_JSON)
    for number, row in enumerate(root, 1):
        yield f"{where}, application {number}", row


def _check_columns(header: Sequence[str], where: str) -> None:
    known = (*APPLICATION_COLUMNS, *STATE_COLUMNS)
    for name in header:
        if name not in known:
            raise ControlError(
                f"no column is named “{name[:40]}”", where=f"{where}:1", mend=f"columns: {', '.join(known)}"
            )
        if header.count(name) > 1:
            raise ControlError(f"column {name} is there twice", where=f"{where}:1", mend="give it once")
    if not header:
        raise ControlError("is empty", where=where, mend=f"begin with a line of columns: {', '.join(known)}")


def _application(
    row: Mapping[str, Any], author: str, recorded_at: np.datetime64, defaults: Mapping[str, str]
) -> Application:
    for name in row:
        if name not in APPLICATION_COLUMNS and name not in STATE_COLUMNS:
            raise ControlError(
                f"no column is named “{str(name)[:40]}”", mend=f"columns: {', '.join(APPLICATION_COLUMNS)}"
            )
    given: dict[str, Any] = {}
    for name in APPLICATION_COLUMNS:
        value = row.get(name)
        if value in (None, ""):
            value = defaults.get(name)
        if value not in (None, ""):
            given["name" if name == "list" else name] = value
    if isinstance(given.get("shown"), str):
        shown = _FLAGS.get(given["shown"].casefold())
        if shown is None:
            raise ControlError(f"shown is “{given['shown'][:20]}”", mend="write yes or no")
        given["shown"] = shown
    given.setdefault("valid_from", instant_text(recorded_at))
    given.setdefault("id", named_after(given))
    document = {"kind": Application.__name__, **given, "author": author, "recorded_at": recorded_at}
    application = fact_from_document(document)
    assert isinstance(application, Application)
    return application


def named_after(content: Mapping[str, Any]) -> str:
    """The id of an application that was given none: equal content has equal names."""
    plain = {name: value for name, value in content.items() if name not in ("id", "valid_from", "source")}
    return f"application-{hashlib.sha256(canonical_json(plain).encode()).hexdigest()[:12]}"


def _row(entry: Entry) -> dict[str, Any]:
    asked, listing, application = entry.asked, entry.listing, entry.application
    return {
        "id": entry.id,
        "list": asked.name,
        "terminal": asked.terminal,
        "kit_number": asked.kit_number,
        "account": asked.account,
        "holder": asked.holder,
        "holder_kind": str(entry.holder_kind),
        "shown": asked.shown,
        "evidence": asked.evidence,
        "address": application.address if application else "",
        "sponsor": asked.sponsor,
        "valid_from": instant_text(asked.valid_from),
        "valid_to": _end(application or asked),
        "source": asked.source,
        "state": str(entry.state),
        "since": instant_text(entry.since),
        "reason": entry.reason,
        "listing": listing.id if listing else "",
        "approved_by": listing.approved_by if listing else "",
        "listed_from": instant_text(listing.valid_from) if listing else "",
        "listed_to": _end(listing) if listing else "",
    }


def _end(fact: Fact) -> str:
    return "" if fact.valid_to is None else instant_text(fact.valid_to)


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _one_line(error: ControlError) -> str:
    return " ".join(str(error).split())
