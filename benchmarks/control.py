"""Service control: decisions one by one and in bulk, a border that moves, and whom units reached."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import shapely
from tests.control.maps import countries

from benchmarks._timing import Goal, Result, Row
from skyhaul.control.custody import CustodyRecord, standing_events
from skyhaul.control.decision import (
    Compiled,
    Fleet,
    Position,
    Positions,
    changed_cells,
    compile_facts,
    decide,
    decide_many,
)
from skyhaul.control.facts import (
    Account,
    Area,
    CustodyEvent,
    Fact,
    Facts,
    Layer,
    Licence,
    Plan,
    PlanKind,
    ServiceClass,
    Step,
    Terminal,
    TypeApproval,
    utc,
)
from skyhaul.earth import cells_of
from skyhaul.types import Floats

TERMINALS = 1_000_000
EVENTS = 1_000_000
ONE_BY_ONE = 4_000
NOW = utc("2024-02-17T12:00:12Z")
_THEN = utc("2024-02-17T12:00:27Z")
_LONG_AGO = utc("2024-01-01")
_ELLIPSE_M = 50.0  # what ranging by two satellites over two slots comes to


def _said(id_: str, at: np.datetime64 = _LONG_AGO) -> dict[str, Any]:
    return {"id": id_, "valid_from": at, "recorded_at": at, "source": "drawn", "author": "clerk"}


def _world() -> list[Fact]:
    """The world's countries at 1:50 m, each with an office; two of three have licensed the service."""
    found: list[Fact] = []
    for number, (name, shape) in enumerate(countries().items()):
        office = f"office of {name}"
        found.append(Area(layer=Layer.LICENCE, name=name, holder=office, shape=shape, **_said(f"area {name}")))
        if number % 3:
            classes = (ServiceClass.FIXED, ServiceClass.LAND_MOBILE)
            found.append(Licence(authority=office, territory=name, service_classes=classes, **_said(f"licence {name}")))
            found.append(TypeApproval(authority=office, model="mark 2", **_said(f"approval {name}")))
    return found


def _units(count: int) -> list[Fact]:
    """Terminals with an account each, of which a third roams and one in a thousand is another model."""
    plans = [Plan(kind=kind, home="France", roams_to=("*",)) for kind in (PlanKind.MOBILE, PlanKind.ROAMING)]
    found: list[Fact] = []
    for n in range(count):
        found.append(Account(account=f"A{n}", party="Ada", plan=plans[n % 3 == 0], **_said(f"account {n}")))
        model = "mark 1" if n % 1_000 == 0 else "mark 2"
        found.append(
            Terminal(terminal=f"U{n}", public_key=bytes(32), model=model, account=f"A{n}", **_said(f"unit {n}"))
        )
    return found


def _places(count: int, seed: int) -> Floats:
    """(2, count) latitude and longitude in countries, evenly by area of land."""
    random = np.random.default_rng(seed)
    land = shapely.union_all([area.shape for area in _world() if isinstance(area, Area) and area.name != "Antarctica"])
    shapely.prepare(land)
    found: list[Floats] = []
    while sum(part.shape[1] for part in found) < count:
        longitude = random.uniform(-180, 180, count)
        latitude = np.degrees(np.arcsin(random.uniform(-1, 1, count)))
        keep = shapely.contains_xy(land, longitude, latitude)
        found.append(np.vstack([latitude[keep], longitude[keep]]))
    return np.ascontiguousarray(np.hstack(found)[:, :count])


@dataclass(frozen=True, slots=True)
class _Fleet:
    """A million terminals that are there, with their places and cells."""

    facts: Facts
    compiled: Compiled
    fleet: Fleet
    places: Floats
    positions: Positions


def _seconds(work: Callable[[], object], rounds: int = 5) -> float:
    """The median of some rounds, after one that is not counted."""
    work()
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return median(times)


def _one_by_one(places: Floats) -> tuple[list[Row], float]:
    """Each decision on another terminal at another place: what is worked out once a terminal is in it."""
    facts = Facts([*_world(), *_units(ONE_BY_ONE)])
    compiled = compile_facts(facts, NOW)
    decide(compiled, "U0", Position(0.0, 0.0), NOW)  # draws the tiles
    shapes = [area.shape for area in facts.of_kind(Area)]
    tree = shapely.STRtree(shapes)
    for shape in shapes:
        shapely.prepare(shape)
    first: list[int] = []
    again: list[int] = []
    exact: list[int] = []
    for n in range(ONE_BY_ONE):
        position = Position(float(places[0, n]), float(places[1, n]), _ELLIPSE_M, _ELLIPSE_M)
        for times in (first, again):
            start = time.perf_counter_ns()
            decide(compiled, f"U{n}", position, NOW)
            times.append(time.perf_counter_ns() - start)
        start = time.perf_counter_ns()
        point = shapely.Point(places[1, n], places[0, n])
        [shape for shape in tree.query(point) if shapely.intersects(shapes[shape], point)]
        exact.append(time.perf_counter_ns() - start)
    own = median(again)
    work = f"one decision with reasons, {ONE_BY_ONE:,} places on land, 241 countries"
    rows = [
        Row(work, "Skyhaul, a terminal asked for again", own / 1e6, None, _nine_in_ten(again)),
        Row(work, "Skyhaul, a terminal's first", median(first) / 1e6, median(first) / own, _nine_in_ten(first)),
        Row(work, "shapely, which country it is in, nothing else", median(exact) / 1e6, median(exact) / own),
    ]
    return rows, own / 1e3


def _nine_in_ten(times_ns: Sequence[int]) -> str:
    return f"nine in ten within {np.quantile(times_ns, 0.9) / 1e3:.0f} µs"


def _many(count: int, places: Floats) -> _Fleet:
    facts = Facts([*_world(), *_units(count)])
    compiled = compile_facts(facts, NOW)
    fleet = Fleet(compiled, [f"U{n}" for n in range(count)])
    positions = Positions.at(places[0], places[1], semi_major_m=_ELLIPSE_M)
    return _Fleet(facts, compiled, fleet, places, positions)


def _bulk(many: _Fleet) -> tuple[list[Row], float]:
    count = len(many.fleet)
    verdicts = decide_many(many.compiled, many.fleet, many.positions, NOW)
    near = int(np.count_nonzero(verdicts.undecided))
    two = _seconds(lambda: decide_many(many.compiled, many.fleet, many.positions, NOW), 21)
    one = _seconds(lambda: decide_many(many.compiled, many.fleet, many.positions, NOW, workers=1), 5)
    shapes = [area.shape for area in many.facts.of_kind(Area)]

    def exact() -> None:
        longitude, latitude = many.places[1], many.places[0]
        for shape in shapes:
            west, south, east, north = shape.bounds
            inside = (longitude >= west) & (longitude <= east) & (latitude >= south) & (latitude <= north)
            shapely.contains_xy(shape, longitude[inside], latitude[inside])

    alone = _seconds(exact, 1)
    work = f"{count:,} terminals with ellipses of {_ELLIPSE_M:g} m, {near:,} of them over a border"
    return [
        Row(work, "Skyhaul, two threads", two * 1e3, None, f"{count / two / 1e6:.1f} million a second"),
        Row(work, "Skyhaul, one thread", one * 1e3, one / two),
        Row(work, "shapely, which country each is in and nothing else, one thread", alone * 1e3, alone / two),
    ], count / two


def _border_change(many: _Fleet) -> tuple[list[Row], float]:
    """A country's border moves 20 km: from the fact to new answers for every terminal it touches."""
    area = next(a for a in many.facts.of_kind(Area) if a.name == "France")
    moved = shapely.affinity.translate(area.shape, xoff=0.25)
    cells = cells_of(many.places[0], many.places[1])
    decide_many(many.compiled, many.fleet, many.positions, NOW)
    steps: dict[str, float] = {}
    begun = time.perf_counter()

    def step(name: str, start: float) -> float:
        now = time.perf_counter()
        steps[name] = now - start
        return now

    clock = begun
    many.facts.add(
        replace(area, id="area France moved", subject=area.key, shape=moved, valid_from=_THEN, recorded_at=_THEN)
    )
    compiled = compile_facts(many.facts, _THEN, many.compiled)
    clock = step("compile on, with one polygon drawn", clock)
    touched = changed_cells(many.compiled.at(NOW), compiled.at(_THEN), margin_m=_ELLIPSE_M)
    assert touched is not None
    clock = step("name the cells it touches", clock)
    fleet = many.fleet.recompiled(compiled)
    rows = np.flatnonzero(np.isin(cells, touched))
    some = fleet.take(rows)
    positions = Positions.at(many.places[0, rows], many.places[1, rows], semi_major_m=_ELLIPSE_M)
    clock = step("find their terminals", clock)
    decide_many(compiled, some, positions, _THEN)
    step("decide on them again", clock)
    total = time.perf_counter() - begun
    work = f"a border moves: {len(touched):,} cells, {len(rows):,} of {len(many.fleet):,} terminals"
    return [
        Row(work, "Skyhaul, all of it", total * 1e3, None),
        *(Row(work, f"of which: {name}", seconds * 1e3, seconds / total) for name, seconds in steps.items()),
    ], total


def _events(count: int) -> list[Fact]:
    """Lots of a hundred units that are split and resold, each unit through some of 5,000 parties, some in circles."""
    random = np.random.default_rng(7)
    found: list[Fact] = []
    number = 0
    minute = np.timedelta64(1, "m")

    def event(at: int, step: Step, **given: str) -> None:
        times = _said(f"e{len(found)}", _LONG_AGO + at * minute)
        found.append(CustodyEvent(step=step, **times, **given))  # type: ignore[arg-type]

    while len(found) < count:
        lot, maker = f"lot {number}", f"P{number % 7}"
        event(0, Step.COMMISSIONING, item=lot, receiver=maker)
        dealer = f"P{random.integers(10, 60)}"
        event(1, Step.SHIPPING, item=lot, giver=maker, receiver=dealer)
        event(2, Step.RECEIVING, item=lot, receiver=dealer)
        for unit in range(100):
            name, holder = f"unit {number}-{unit}", dealer
            event(3, Step.SPLIT, item=name, lot=lot)
            for at in range(4, 4 + int(random.integers(1, 12))):
                following = f"P{random.integers(60, 5_000)}" if at % 5 else dealer
                event(at, Step.TRANSFER, item=name, giver=holder, receiver=following)
                holder = following
        number += 1
    return found[:count]


def _custody() -> tuple[list[Row], float]:
    facts = Facts(_events(EVENTS))
    CustodyRecord.of(facts.of_kind(CustodyEvent)[:1_000]).reaches("P0")  # compiled kernels
    start = time.perf_counter()
    events = standing_events(facts, NOW)
    stood = time.perf_counter()
    record = CustodyRecord.of(events)
    built = time.perf_counter()
    reach = record.reaches("P77", "P78")
    asked = time.perf_counter()
    again = _seconds(lambda: record.reaches("P400"))
    unit = next(iter(reach.reached))
    traced = _seconds(lambda: record.trace(unit))
    work = f"{len(record):,} events of {len(record.items):,} units and lots"
    total = asked - start
    return [
        Row(work, "Skyhaul: from facts to the first answer", total * 1e3, None, f"{len(reach.reached):,} units"),
        Row(work, "of which: which events stand", (stood - start) * 1e3, (stood - start) / total),
        Row(work, "of which: the record of them", (built - stood) * 1e3, (built - stood) / total),
        Row(work, "of which: the question, with the walk through all", (asked - built) * 1e3, (asked - built) / total),
        Row(work, "another question", again * 1e3, again / total),
        Row(work, "the way of one unit", traced * 1e3, traced / total),
    ], total  # fmt: skip


def run(data: Path) -> Result:
    del data
    rows: list[Row] = []

    def add(measured: tuple[Sequence[Row], float]) -> float:
        rows.extend(measured[0])
        return measured[1]

    custody_s = add(_custody())
    places = _places(TERMINALS, 1)
    one_us = add(_one_by_one(places))
    many = _many(TERMINALS, places)
    bulk = add(_bulk(many))
    border_s = add(_border_change(many))
    return Result(
        "Service control",
        "the world's countries at 1:50 m as licence areas, two of three licensed; drawn terminals and custody; two "
        "threads where not said otherwise",
        tuple(rows),
        (
            Goal("one decision with reasons, median, microseconds", one_us, 50.0, at_least=False),
            Goal("decisions in bulk on two cores, million a second", bulk / 1e6, 3.0, at_least=True),
            Goal("a border moves over 1,000,000 terminals, seconds", border_s, 10.0, at_least=False),
            Goal("custody of 1,000,000 events, record and question, seconds", custody_s, 2.0, at_least=False),
        ),
    )
