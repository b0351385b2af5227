"""The report of an inquiry, for people and for programs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skyhaul.control._codes import Code
from skyhaul.control._instants import instant_text
from skyhaul.control.facts import Statement
from skyhaul.control.inquiry._ground import Bearing
from skyhaul.control.inquiry._units import UnitUse

_MOST_ITEMS, _MOST_CELLS = 40, 12


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that the records cannot show: what, and the items it concerns."""

    text: str
    items: tuple[str, ...] = ()

    def document(self) -> dict[str, object]:
        """In JSON's own types."""
        return {"text": self.text, "items": list(self.items)}

    def line(self) -> str:
        """A line of the page, with the first of many items."""
        shown = "; ".join(self.items[:_MOST_ITEMS])
        more = f" and {len(self.items) - _MOST_ITEMS} more" if len(self.items) > _MOST_ITEMS else ""
        return f"- {self.text}" + (f": {shown}{more}" if shown else "")


@dataclass(frozen=True, slots=True)
class Inquiry:
    """What the records show of an area and a time, as known at a time, and what they cannot show.

    area         its name
    cells        H3 cells that it touches, in hex
    sources      what kept the sightings
    bearings     facts that bear on the area
    units        units seen there
    statements   what people said of the area, of these units, or of who had them
    gaps         what the records cannot show
    """

    area: str
    begin: np.datetime64
    end: np.datetime64
    known_at: np.datetime64
    cells: tuple[str, ...]
    sources: tuple[str, ...]
    bearings: tuple[Bearing, ...]
    units: tuple[UnitUse, ...]
    statements: tuple[Statement, ...]
    gaps: tuple[Gap, ...]

    def document(self) -> dict[str, object]:
        """In JSON's own types. Places are cells; nothing is finer."""
        return {
            "area": self.area,
            "from": instant_text(self.begin),
            "to": instant_text(self.end),
            "known_at": instant_text(self.known_at),
            "cells": list(self.cells),
            "sightings_from": list(self.sources),
            "facts": [bearing.document() for bearing in self.bearings],
            "units": [unit.document() for unit in self.units],
            "statements": [_statement(statement) for statement in self.statements],
            "cannot_show": [gap.document() for gap in self.gaps],
        }

    def markdown(self) -> str:
        """A page of text."""
        span = f"{instant_text(self.begin)} to {instant_text(self.end)}"
        lines = [
            f"# {self.area}, {span}",
            "",
            f"As known at {instant_text(self.known_at)}. Places are H3 cells; the area touches {_few(self.cells)}.",
            "",
            "## Units seen here",
            "",
            *(line for unit in self.units for line in _unit_lines(unit)),
        ]
        if not self.units:
            lines += ["None on record.", ""]
        lines += ["## What the records cannot show", ""]
        for gap in self.gaps:
            lines.append(gap.line())
        lines += ["", "## What was in force here", ""]
        for bearing in self.bearings:
            late = f", recorded only {instant_text(bearing.fact.recorded_at)}" if bearing.late else ""
            when = f"{instant_text(bearing.begin)} to {instant_text(bearing.end)}"
            lines.append(f"- {when}: {bearing.text} [{bearing.fact.id}; {bearing.fact.source}{late}]")
        if self.statements:
            lines += [
                "",
                "## What was said of it",
                "",
                "Nothing decides between statements that dispute each other.",
                "",
            ]
            lines += [_statement_line(statement) for statement in self.statements]
        return "\n".join(lines) + "\n"


def _few(cells: tuple[str, ...]) -> str:
    return ", ".join(cells) if len(cells) <= _MOST_CELLS else f"{len(cells)} of them"


def _unit_lines(unit: UnitUse) -> list[str]:
    served = "never served"
    if unit.first is not None and unit.last is not None:
        first, last = instant_text(unit.first), instant_text(unit.last)
        served = f"served in {unit.served_slots} slots, the first at {first}, the last at {last}"
    refused = [
        f"  - refused in {slots} slots: {code} {Code(code).name}" + (f", {rule}" if rule else "")
        for (code, rule), slots in sorted(unit.refused.items())
    ]
    unreached = [f"  - granted without a satellite in {unit.unreached_slots} slots"] if unit.unreached_slots else []
    return [
        f"- **{unit.unit}**: {served}",
        *refused,
        *unreached,
        f"  - cells: {', '.join(unit.cells[:_MOST_CELLS])}"
        + (f" and {len(unit.cells) - _MOST_CELLS} more" if len(unit.cells) > _MOST_CELLS else ""),
        f"  - registry: held by {', '.join(unit.registered) or 'nobody recorded'}; "
        f"account {', '.join(unit.accounts) or 'none'}",
        f"  - custody: {unit.hands.way}",
        *(f"  - not known {text}" for text in unit.hands.unknown),
        *(
            f"  - decided for {instant_text(d.time)}: {d.code} {Code(d.code).name}, entry {d.entry} of the log"
            for d in unit.decisions
        ),
        "",
    ]


def _statement_line(statement: Statement) -> str:
    to = [f"answers {other}" for other in statement.answers] + [f"disputes {other}" for other in statement.disputes]
    related = f" ({', '.join(to)})" if to else ""
    when = instant_text(statement.valid_from)
    return f"- {when}, {statement.speaker}: {statement.says}{related} [{statement.id}; {statement.source}]"


def _statement(statement: Statement) -> dict[str, object]:
    return {
        "id": statement.id,
        "when": instant_text(statement.valid_from),
        "speaker": statement.speaker,
        "says": statement.says,
        "answers": list(statement.answers),
        "disputes": list(statement.disputes),
        "source": statement.source,
    }
