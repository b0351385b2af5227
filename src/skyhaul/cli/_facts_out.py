"""Facts for people and programs: tables, histories, files that `import` reads back, reports of rejected rows."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import typer

from skyhaul.cli._output import counted, print_json, print_table
from skyhaul.errors import OutputError

if TYPE_CHECKING:
    import numpy as np

    from skyhaul.cli._registry import Desk
    from skyhaul.control.facts import Account, Fact
    from skyhaul.control.registry import Imported

F = TypeVar("F", bound="Fact")

_MOST_ROWS = 500

Columns: TypeAlias = Sequence[tuple[str, Callable[[F], str]]]


def report(imported: Imported, file: Path, rows: int, as_json: bool, *, dry_run: bool = False) -> None:
    """Say what became of the rows of a file; exit 1 where any is rejected."""
    rejected = imported.rejected
    if as_json:
        receipt = imported.receipt
        print_json(
            {
                "file": str(file),
                "rows": rows,
                "recorded": imported.recorded,
                "leaves": [receipt.leaves.start, receipt.leaves.stop] if receipt else None,
                "rejected": [row.document() for row in rejected],
            }
        )
    else:
        for row in rejected:
            # What reads a file names it too: once is enough.
            item = row.item.removeprefix(f"{file}: ") if row.item != str(file) else ""
            print(f"{file}, {replace(row, item=item)}", file=sys.stderr)
        good = rows - len(rejected)
        done = f"{good} would be recorded" if dry_run else f"{imported.recorded} recorded"
        print(f"{file}: {counted(rows, 'row')}, {done}, {len(rejected)} rejected")
    if rejected:
        raise typer.Exit(1)


def export(facts: Sequence[Fact], kind: type[Fact], output: Path | None, *, exact: bool = False) -> None:
    """Write facts as CSV or JSON that `import` reads back; service addresses as cells unless `exact`."""
    from skyhaul.control.registry import columns_of, row_of_fact

    if output is None or output.suffix == ".json":
        text = json.dumps([shown(fact, exact=exact) for fact in facts], indent=1, ensure_ascii=False)
        _write(output, lambda file: file.write(f"{text}\n"))
    elif output.suffix == ".jsonl":
        lines = (json.dumps(shown(fact, exact=exact), ensure_ascii=False) for fact in facts)
        _write(output, lambda file: file.writelines(f"{line}\n" for line in lines))
    elif output.suffix == ".csv":

        def write(file: Any) -> None:
            columns = [name for name in columns_of(kind) if exact or "service_address" not in name]
            writer = csv.DictWriter(file, columns, restval="", extrasaction="ignore", lineterminator="\n")
            writer.writeheader()
            writer.writerows(row_of_fact(fact) for fact in facts)

        _write(output, write)
    else:
        raise OutputError("what format?", where=str(output), mend="end its name in .csv, .json or .jsonl")


def write_text(output: Path, text: str, *, quiet: bool = False) -> None:
    """Write a file, and say so unless `quiet`. Raises OutputError where it cannot be written."""
    _write(output, lambda file: file.write(text), quiet=quiet)


def _write(output: Path | None, write: Callable[[Any], object], *, quiet: bool = False) -> None:
    if output is None:
        write(sys.stdout)
        return
    try:
        with output.open("w", encoding="utf-8", newline="") as file:
            write(file)
    except OSError as error:
        raise OutputError(f"cannot write: {error.strerror}", where=str(output)) from None
    if not quiet:
        print(f"wrote {output}", file=sys.stderr)


def print_facts(facts: Iterable[F], columns: Columns[F], as_json: bool) -> None:
    """Facts as a table for people, or as documents for programs."""
    if as_json:
        print_json([shown(fact) for fact in facts])
        return
    found = list(facts)
    rows = [[show(fact) for _, show in columns] for fact in found[:_MOST_ROWS]]
    print_table([(name, "left") for name, _ in columns], rows)
    more = f", the first {_MOST_ROWS} shown (--json lists all)" if len(found) > _MOST_ROWS else ""
    print(f"{len(found):,} in all{more}")


def print_history(desk: Desk, kind: type[Fact], key: str, as_json: bool, *, exact: bool = False) -> None:
    """All that is said of one kind and key, through all of valid time, and what of it holds at the desk's instant;
    service addresses as cells unless `exact`."""
    from skyhaul.control._instants import FOREVER, instant_text, nanoseconds
    from skyhaul.control.registry import history

    time = nanoseconds(desk.at)
    pieces = history(desk.registry.facts, kind, key, desk.known_at)
    if as_json:
        print_json(
            [
                {
                    "from": instant_text(begin),
                    "to": None if end == FOREVER else instant_text(end),
                    "holds": begin <= time < end,
                    "fact": shown(fact, exact=exact),
                }
                for begin, end, fact in pieces
            ]
        )
        return
    print(f"{kind.__name__} {key} at {instant(desk.at)}, as known at {instant(desk.known_at)}")
    if not pieces:
        print("withdrawn: nothing holds of it at any time")
    for begin, end, fact in pieces:
        until = "on" if end == FOREVER else f"to {instant_text(end)}"
        print(f"{'*' if begin <= time < end else ' '} from {instant_text(begin)} {until}: {fact.id}")
        for name, text in _fields(shown(fact, exact=exact)):
            print(f"      {name:<24} {text}")


def _fields(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What a fact says, by field, for people."""
    for name, value in document.items():
        if name in ("kind", "id", "valid_from", "valid_to") or value in (None, "", [], False):
            continue
        if isinstance(value, dict):
            inner = ", ".join(f"{k} {_words(v)}" for k, v in value.items() if v not in (None, "", [], False))
            yield name, inner if name != "shape" else str(value.get("type", ""))
        else:
            yield name, _words(value)


def _words(value: object) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= 96 else f"{text[:93]}…"


def shown(fact: Fact, *, exact: bool = False) -> dict[str, Any]:
    """A fact's document as everybody may see it: unless `exact`, a service address as the cell it lies in."""
    from skyhaul.control.facts import Account, fact_document

    document = fact_document(fact)
    if isinstance(fact, Account) and not exact:
        document["plan"]["service_address"] = address_cell(fact)
    return document


def address_cell(account: Account) -> str | None:
    """The H3 cell of an account's service address in hex, at the resolution of beams."""
    import h3.api.basic_int as h3

    from skyhaul.earth import BEAM_CELL_RESOLUTION

    address = account.plan.service_address
    return None if address is None else f"{h3.latlng_to_cell(*address, BEAM_CELL_RESOLUTION):x}"


def instant(time: np.datetime64) -> str:
    """An instant in ISO 8601, to a nanosecond where it has them."""
    from skyhaul.control._instants import instant_text

    return instant_text(time)


def span(fact: Fact) -> str:
    """From when to when a fact holds."""
    return f"{instant(fact.valid_from)} {f'to {instant(fact.valid_to)}' if fact.valid_to is not None else 'on'}"
