"""Rows of CSV and JSON files, each with its number, so that what is wrong with one can be said."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from skyhaul.errors import ControlError

# Longest cell of a CSV file: more than any field of a fact has, and less than a file without line ends.
_CELL_MAX = 1_000_000

_MEND = "CSV with a line of column names, a JSON list of objects, or one JSON object a line (.jsonl)"


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row: its number (of the line of a CSV or .jsonl file, else of the item, counted from 1) and what it says;
    `error` where it is no row.

    values   text by column of a CSV file, else JSON values by field
    """

    number: int
    values: dict[str, Any] = field(default_factory=dict)
    error: ControlError | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a file; `typed` where values have JSON's types and are not all text."""

    path: Path
    rows: tuple[TableRow, ...]
    typed: bool


def read_table(path: str | Path, columns: Sequence[str] = ()) -> Table:
    """The rows of a CSV, JSON or JSON-lines file, by the ending of its name.

    A JSON file may hold an object with one list, such as {"facts": […]}. `columns` are those a CSV file must have.
    Raises ControlError, naming file and mend, for what is no table at all; what is wrong with one row stands in it.
    """
    path = Path(path)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ControlError(f"cannot read: {error.strerror}", where=str(path), mend="check the path") from None
    except UnicodeDecodeError as error:
        raise ControlError(f"is not text: byte {error.start} is not UTF-8", where=str(path), mend=_MEND) from None
    match path.suffix.lower():
        case ".csv":
            return Table(path, tuple(_csv_rows(text, path, columns)), typed=False)
        case ".json":
            return Table(path, tuple(_json_rows(text, path)), typed=True)
        case ".jsonl" | ".ndjson":
            return Table(path, tuple(_line_rows(text, path)), typed=True)
        case other:
            raise ControlError(f"a file that ends in “{other[:20]}”", where=str(path), mend=_MEND)


def _csv_rows(text: str, path: Path, columns: Sequence[str]) -> Iterator[TableRow]:
    before = csv.field_size_limit(_CELL_MAX)
    try:
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        header = [name.strip() for name in next(reader, [])]
        _check_header(header, path, columns)
        while True:
            number = reader.line_num + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield TableRow(number, error=ControlError(f"no CSV: {error}", mend="quote cells as RFC 4180 does"))
                continue
            if not cells:
                continue
            if len(cells) != len(header):
                what = f"{len(cells)} cells for {len(header)} columns"
                yield TableRow(number, error=ControlError(what, mend="a cell for every column"))
            else:
                yield TableRow(number, {n: c.strip() for n, c in zip(header, cells, strict=True) if c.strip()})
    except csv.Error as error:
        raise ControlError(f"no CSV: {error}", where=str(path), mend=_MEND) from None
    finally:
        csv.field_size_limit(before)


def _check_header(header: list[str], path: Path, columns: Sequence[str]) -> None:
    if not any(header):
        raise ControlError("is empty", where=str(path), mend=_MEND)
    for name in header:
        if header.count(name) > 1:
            raise ControlError(f"column {_shown(name)} is there twice", where=f"{path}:1", mend="name each once")
    for column in columns:
        if column not in header:
            found = _shown(", ".join(header))
            raise ControlError(f"no column {column}, but {found}", where=f"{path}:1", mend="begin with column names")


def _json_rows(text: str, path: Path) -> Iterator[TableRow]:
    root = _parsed(text, str(path))
    if isinstance(root, dict):
        lists = [value for value in root.values() if isinstance(value, list)]
        root = lists[0] if len(root) == 1 and lists else [root]
    if not isinstance(root, list):
        raise ControlError("holds no list", where=str(path), mend=_MEND)
    for number, item in enumerate(root, 1):
        yield _object(number, item)


def _line_rows(text: str, path: Path) -> Iterator[TableRow]:
    read = 0
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                yield _object(number, _parsed(line, ""))
                read += 1
            except ControlError as error:
                if not read:
                    raise ControlError(error.what, where=f"{path}:{number}", mend=_MEND) from None
                yield TableRow(number, error=error)


def _object(number: int, item: Any) -> TableRow:
    if isinstance(item, dict):
        return TableRow(number, item)
    return TableRow(number, error=ControlError(f"no object: {_shown(str(item))}", mend='write {"field": value, …}'))


def _parsed(text: str, where: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_constant)
    except RecursionError:
        raise ControlError("is nested too deep", where=where, mend=_MEND) from None
    except json.JSONDecodeError as error:
        place = f"{where}:{error.lineno}" if where else ""
        raise ControlError(f"no JSON: {error.msg}, column {error.colno}", where=place, mend=_MEND) from None
    except ValueError as error:  # a number of more digits than Python reads
        raise ControlError(f"no JSON: {str(error).partition(';')[0]}", where=where, mend=_MEND) from None


def _no_constant(name: str) -> NoReturn:
    raise json.JSONDecodeError(f"{name} is no number in JSON", "", 0)


def _shown(text: str) -> str:
    text = " ".join(text.split())
    return f"“{text}”" if len(text) <= 60 else f"“{text[:57]}…”"
