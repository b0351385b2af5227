"""Laser links from a list of pairs."""

from __future__ import annotations

import csv
from pathlib import Path

from skyhaul.errors import InputError
from skyhaul.network import Links
from skyhaul.orbits import Elements


def read_links(path: Path, elements: Elements) -> Links:
    """The laser links of a CSV file: two satellites a line, by name or catalogue number; a header line is allowed.

    `InputError` with the line of a satellite that is not among the elements, or of a line that is no pair.
    """
    known: dict[str, int] = {str(number): k for k, number in enumerate(elements.catalog_number.tolist())}
    known |= {name: k for k, name in enumerate(elements.name)}
    pairs = []
    try:
        with path.open(newline="", encoding="utf-8-sig") as lines:
            for number, row in enumerate(csv.reader(lines), start=1):
                ends = [field.strip() for field in row]
                if not any(ends) or (number == 1 and not any(end in known for end in ends)):
                    continue
                where = f"{path}:{number}"
                if len(ends) != 2:
                    raise InputError(f"{len(ends)} fields, expected two satellites", where=where)
                for end in ends:
                    if end not in known:
                        raise InputError(f"no satellite {end!r} among the elements", where=where)
                if ends[0] == ends[1]:
                    raise InputError(f"links {ends[0]!r} to itself", where=where, mend="name two satellites")
                pairs.append((known[ends[0]], known[ends[1]]))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"cannot be read as CSV: {error}", where=str(path)) from None
    if not pairs:
        raise InputError("holds no pair of satellites", where=str(path), mend="write two names or numbers a line")
    return Links.of(pairs)
