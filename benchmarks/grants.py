"""Grants: the leases of 10,000 terminals, slot after slot, standing still and with orders coming in."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

import numpy as np
import shapely

from benchmarks._timing import Goal, Result, Row
from skyhaul.control.decision import Positions
from skyhaul.control.facts import (
    ANYWHERE,
    Account,
    Action,
    Area,
    Fact,
    Facts,
    Layer,
    Licence,
    Order,
    Plan,
    PlanKind,
    Target,
    Terminal,
    TypeApproval,
    utc,
)
from skyhaul.control.grants import KNOWN_BEFORE, Grants, Leases, changes
from skyhaul.earth import cells_of

COUNT = 10_000
_START = utc("2024-02-17T12:00:12Z")
_LONG_AGO = utc("2024-01-01")
_SLOT = np.timedelta64(15, "s")
_SLOTS = 40


def _said(id_: str, recorded: np.datetime64 = _LONG_AGO) -> dict[str, object]:
    return {"id": id_, "valid_from": recorded, "recorded_at": recorded, "source": "drawn", "author": "clerk"}


def world() -> list[Fact]:
    """A hundred territories of 2° with wavy borders, two thirds of them licensed, ten zones, and the terminals."""
    facts: list[Fact] = []
    for row in range(10):
        for column in range(10):
            name = f"T{row}{column}"
            west, south = 2.0 * column, 36.0 + 2.0 * row
            corners = shapely.segmentize(shapely.box(west, south, west + 2.0, south + 2.0), 0.05)
            shape = shapely.transform(corners, lambda xy: xy + 0.02 * np.sin(40.0 * xy[:, ::-1]))
            common = {"layer": Layer.LICENCE, "name": name, "holder": f"office {name}", "shape": shape}
            facts.append(Area(**common, **_said(f"area-{name}")))  # type: ignore[arg-type]
            if (row + column) % 3:
                facts.append(Licence(authority=f"office {name}", territory=name, **_said(f"licence-{name}")))  # type: ignore[arg-type]
                facts.append(TypeApproval(authority=f"office {name}", model="mark 2", **_said(f"approval-{name}")))  # type: ignore[arg-type]
    for number in range(10):
        zone = shapely.box(2.0 * number + 0.3, 40.0, 2.0 * number + 1.1, 48.0)
        facts.append(Area(layer=Layer.ZONE, name=f"Z{number}", shape=zone, **_said(f"zone-{number}")))  # type: ignore[arg-type]
    plan = Plan(kind=PlanKind.ROAMING, home="T00", roams_to=(ANYWHERE,))
    for number in range(COUNT):
        facts.append(Account(account=f"A-{number}", party="Ada", plan=plan, **_said(f"account-{number}")))  # type: ignore[arg-type]
        given = {"public_key": bytes(32), "model": "mark 2", "account": f"A-{number}"}
        facts.append(Terminal(terminal=f"UT-{number}", **given, **_said(f"unit-{number}")))  # type: ignore[arg-type]
    return facts


def orders(count: int, target: Target) -> list[Fact]:
    """Orders recorded one a slot, over zones or over units."""
    return [
        Order(
            authority="operator",
            action=Action.SUSPEND,
            target=target,
            on=f"zone/Z{number % 10}" if target is Target.AREA else f"UT-{number}",
            reason="drawn",
            legal_basis="none",
            **_said(f"order-{number}", _START + number * _SLOT),  # type: ignore[arg-type]
        )
        for number in range(count)
    ]


def _slots(facts: list[Fact], spread: bool = True) -> tuple[list[float], list[float], int]:
    """Milliseconds of each slot's leases and of the decisions that changed, and how many of those there were."""
    rng = np.random.default_rng(1)
    latitude, longitude = rng.uniform(36.5, 55.5, COUNT), rng.uniform(0.5, 19.5, COUNT)
    positions = Positions.at(latitude, longitude, semi_major_m=60.0)
    cell, speed = cells_of(latitude, longitude), np.zeros(COUNT)
    grants = Grants(Facts(facts), [f"UT-{number}" for number in range(COUNT)])
    before: Leases | None = None
    deciding, recording, changed = [], [], 0
    for number in range(_SLOTS):
        start = _START + number * _SLOT
        begun = time.perf_counter()
        leases = grants.leases(start, start + _SLOT, positions, speed, cell, start - KNOWN_BEFORE)
        decided = time.perf_counter()
        found = changes(before, leases)
        recorded = time.perf_counter()
        if before is not None:
            deciding.append(1e3 * (decided - begun))
            recording.append(1e3 * (recorded - decided))
            changed += len(found)
        before = leases
    return deciding, recording, changed


def run(data: Path) -> Result:
    facts = world()
    rows, goals = [], []
    cases = {
        "nothing new": facts,
        "an order over a unit each slot": [*facts, *orders(_SLOTS, Target.UNIT)],
        "an order over an area each slot": [*facts, *orders(_SLOTS, Target.AREA)],
    }
    for text, case in cases.items():
        deciding, recording, changed = _slots(case)
        slot = statistics.median(deciding)
        rows.append(Row(f"leases of a slot: {text}", "Grants.leases", slot, None, f"longest {max(deciding):.0f} ms"))
        if changed:
            each = sum(recording) / changed
            rows.append(Row("a decision that changed, with reasons", "changes", each, None, f"{changed} of them"))
        goals.append(Goal(f"a slot, {text}, ms", slot, 200.0, at_least=False))
    return Result("Grants", f"{COUNT:,} terminals among 110 areas, slots of 15 s", tuple(rows), tuple(goals))


if __name__ == "__main__":
    for line in run(Path()).rows:
        print(line)
