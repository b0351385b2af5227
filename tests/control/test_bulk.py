"""Many at once give the answers of one by one, and a change is told to the cells it touches and no others."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from skyhaul.control.decision import (
    EVIDENCE,
    RULES,
    Code,
    Compiled,
    Fleet,
    Outcome,
    Positions,
    Verdicts,
    changed_cells,
    compile_facts,
    decide,
    decide_many,
)
from skyhaul.control.decision._bulk_kernels import number_keys
from skyhaul.control.facts import (
    Action,
    Fact,
    Facts,
    Licence,
    Order,
    Policy,
    Precedence,
    Settings,
    Target,
    TypeApproval,
    utc,
)
from skyhaul.earth import cells_of
from skyhaul.errors import ControlError
from tests.control.histories import UNITS, day, histories
from tests.control.worlds import MODEL, NORTH, NOW, SOUTH, area, known, order, said, terminal, world


def scattered(rng: np.random.Generator, count: int, time: np.datetime64) -> tuple[Positions, Any]:
    """Places all over the example world, half of them within a kilometre of a border, with ellipses of all sizes,
    ages and kinds of evidence; and speeds."""
    latitude, longitude = rng.uniform(45.5, 50.5, count), rng.uniform(9.5, 18.5, count)
    near = rng.random(count) < 0.5
    latitude[near] = rng.choice([46, 48, 47.9, 48.1, 50], near.sum()) + rng.normal(0, 0.004, near.sum())
    latitude[::17], longitude[::13] = 48.0, 14.0
    latitude[::29] = np.nan
    size = rng.choice([0.0, 30.0, 800.0, 12_000.0], count, p=[0.5, 0.3, 0.15, 0.05])
    positions = Positions.at(
        latitude,
        longitude,
        semi_major_m=size,
        semi_minor_m=size * rng.random(count),
        azimuth_deg=rng.uniform(0, 180, count),
        measured_at=time
        - rng.choice([-1, 0, 30, 59, 60], count, p=[0.02, 0.6, 0.2, 0.1, 0.08]).astype("timedelta64[s]"),
        evidence=rng.choice(len(EVIDENCE), count, p=[0.9, 0.05, 0.05]),
    )
    return positions, rng.choice([np.nan, 0.0, 10.0, 15.0, 20.0, 40.0, 60.0], count)


def assert_alike(
    compiled: Compiled, fleet: Fleet, positions: Positions, time: Any, speed: Any, found: Verdicts
) -> None:
    for k, name in enumerate(fleet.terminal):
        one = decide(compiled, name, positions[k], time, speed_m_s=float(speed[k]))
        row = (found.code[k], bool(found.served[k]), bool(found.undecided[k]))
        assert row == (one.code, one.grant is not None, one.outcome is Outcome.UNDECIDED)
        first = next((reason.rule for reason in one.reasons if reason.refuses), None)
        assert (None if found.refused_by[k] < 0 else RULES[found.refused_by[k]]) == first
        if one.grant is None:
            assert np.isnat(found.lease_ends[k])
        else:
            assert found.lease_ends[k] == one.grant.ends
            assert found.rate_bps[k] == (np.inf if one.grant.rate_bps is None else one.grant.rate_bps)


@settings(max_examples=25, deadline=None)
@given(histories(), st.integers(0, 12), st.integers(0, 2**32 - 1))
def test_many_at_once_are_decided_as_one_by_one(history: list[Fact], hour: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    compiled = compile_facts(Facts(history), day(12))
    fleet = Fleet(compiled, rng.choice([*UNITS, "stranger"], 120).tolist())
    for time in (day(hour), day(hour / 2)):
        positions, speed = scattered(rng, len(fleet), time)
        found = decide_many(compiled, fleet, positions, time, speed_m_s=speed)
        assert_alike(compiled, fleet, positions, time, speed, found)


@settings(max_examples=20, deadline=None)
@given(histories(), st.integers(0, 2**32 - 1))
def test_a_fleet_that_is_kept_up_with_the_facts_is_decided_as_a_new_one(history: list[Fact], seed: int) -> None:
    rng = np.random.default_rng(seed)
    facts = Facts(sorted(history, key=lambda fact: fact.recorded_at))
    names = rng.choice([*UNITS, "stranger"], 40).tolist()
    compiled = compile_facts(facts, day(0))
    fleet = Fleet(compiled, names)
    for hour in range(12):
        time = day(hour)
        positions, speed = scattered(rng, len(fleet), time)
        kept = decide_many(compiled, fleet, positions, time, speed_m_s=speed)
        fresh = compile_facts(facts, time)
        new = decide_many(fresh, Fleet(fresh, names), positions, time, speed_m_s=speed)
        for column in ("code", "served", "undecided", "rate_bps", "lease_ends"):
            np.testing.assert_array_equal(getattr(kept, column), getattr(new, column))
        compiled = compile_facts(facts, day(hour + 1), compiled)
        fleet = fleet.recompiled(compiled)


def test_only_what_new_facts_touch_is_worked_out_again() -> None:
    facts = Facts(world())
    before = compile_facts(facts, NOW)
    fleet = Fleet(before, list(UNITS))
    decide_many(before, fleet, Positions.at(np.full(5, 49.0), np.full(5, 12.0)), NOW, speed_m_s=0.0)
    facts.add(order("o", Action.SUSPEND, Target.UNIT, "boat"), order("a", Action.SUSPEND, Target.ACCOUNT, "A-fixed"))
    after = compile_facts(facts, NOW, before)
    kept = fleet.recompiled(after)
    assert [kept.terminal[k] for k in np.flatnonzero(kept.end == 0)] == ["fixed", "boat"]
    found = decide_many(after, kept, Positions.at(np.full(5, 49.0), np.full(5, 12.0)), NOW, speed_m_s=0.0)
    assert found.code.tolist() == [12, 1, 1, 12, 15]
    assert fleet.end.all(), "the fleet before is as it was"


def test_the_number_of_workers_makes_no_difference() -> None:
    compiled = known()
    fleet = Fleet(compiled, ["roaming", "fixed", "boat"] * 500)
    positions, speed = scattered(np.random.default_rng(3), len(fleet), NOW)
    found = [decide_many(compiled, fleet, positions, NOW, speed_m_s=speed, workers=n) for n in (1, 2, 3)]
    for other in found[1:]:
        for column in ("code", "served", "undecided", "rate_bps", "lease_ends"):
            np.testing.assert_array_equal(getattr(found[0], column), getattr(other, column))
    assert {Code.OKAY, Code.UNKNOWN_LOCATION, Code.BLOCKED_COUNTRY} <= set(found[0].code.tolist())
    assert found[0].undecided.any()


def test_nobody_is_decided_where_nobody_is() -> None:
    compiled = known()
    found = decide_many(compiled, Fleet(compiled, []), Positions.at(np.empty(0), np.empty(0)), NOW)
    assert len(found.code) == 0


def test_part_of_a_fleet_is_decided_as_in_the_whole() -> None:
    compiled = known()
    fleet = Fleet(compiled, ["roaming", "fixed", "stranger", "boat"])
    positions = Positions.at([49.0, 49.0, 49.0, 48.0], [12.0, 12.0, 12.0, 16.0])
    whole = decide_many(compiled, fleet, positions, NOW)
    rows = np.array([3, 2])
    part = decide_many(compiled, fleet.take(rows), Positions.at([48.0, 49.0], [16.0, 12.0]), NOW)
    assert part.code.tolist() == whole.code[rows].tolist() == [1, 0]


def test_what_does_not_fit_is_refused_by_name() -> None:
    compiled = known()
    fleet = Fleet(compiled, ["fixed"])
    with pytest.raises(ControlError, match="positions: 2 positions for 1 terminals"):
        decide_many(compiled, fleet, Positions.at([1.0, 2.0], [1.0, 2.0]), NOW)
    with pytest.raises(ControlError, match=r"fleet: the fleet was made of other facts \(use fleet.recompiled"):
        decide_many(known(), fleet, Positions.at([1.0], [1.0]), NOW)
    with pytest.raises(ControlError, match=r"speed 0: a speed of -1\.0"):
        decide_many(compiled, fleet, Positions.at([1.0], [1.0]), NOW, speed_m_s=-1.0)
    with pytest.raises(ControlError, match="position 1: no place on Earth"):
        Positions.at([1.0, 91.0], [1.0, 1.0])
    with pytest.raises(ControlError, match="position 0: no ellipse"):
        Positions.at([1.0], [1.0], semi_major_m=1.0, semi_minor_m=2.0)
    other = known(terminal("new", "A-fixed"))
    assert decide_many(other, fleet.recompiled(other), Positions.at([49.0], [12.0]), NOW).code.tolist() == [1]


@given(st.lists(st.one_of(st.integers(-2, 5), st.integers(0, 2**62)), max_size=60))
def test_equal_keys_have_equal_numbers(keys: list[int]) -> None:
    number = np.empty(len(keys), dtype=np.int32)
    distinct = number_keys(np.array(keys, dtype=np.int64), number)
    known_keys = list(dict.fromkeys(key for key in keys if key >= 0))
    assert distinct.tolist() == known_keys
    assert number.tolist() == [known_keys.index(key) if key >= 0 else -1 for key in keys]


def test_many_distinct_keys_are_numbered() -> None:
    keys = np.random.default_rng(1).permutation(100_000) * 977
    number = np.empty(len(keys), dtype=np.int32)
    distinct = number_keys(keys, number)
    np.testing.assert_array_equal(distinct[number], keys)


def cells_that_differ(old: Compiled, new: Compiled, before: Any, after: Any) -> set[int]:
    """Cells with a place at which some unit is answered otherwise."""
    rng = np.random.default_rng(11)
    latitude, longitude = rng.uniform(45.8, 50.2, 4000), rng.uniform(9.8, 18.2, 4000)
    found: set[int] = set()
    for name in ("roaming", "boat", "fixed"):
        codes = []
        for compiled, time in ((old, before), (new, after)):
            fleet = Fleet(compiled, [name] * len(latitude))
            positions = Positions.at(latitude, longitude)
            codes.append(decide_many(compiled, fleet, positions, time, speed_m_s=5.0))
        differs = (codes[0].code != codes[1].code) | (codes[0].rate_bps != codes[1].rate_bps)
        found |= set(cells_of(latitude[differs], longitude[differs]).tolist())
    return found


@settings(max_examples=25, deadline=None)
@given(histories(), st.tuples(st.integers(0, 12), st.integers(0, 12)), st.booleans())
def test_no_place_outside_the_changed_cells_is_answered_otherwise(
    history: list[Fact], days: tuple[int, int], by_knowledge: bool
) -> None:
    # Facts about units change answers anywhere; here only the world changes.
    names = {"Terminal", "Account", "Party", "Listing", "CustodyEvent", "Withdrawal", "OrderEnd", "Approval"}
    ids = {fact.id for fact in world()}
    of_world = [f for f in history if f.id in ids or type(f).__name__ not in names]
    of_world = [f for f in of_world if not (isinstance(f, Order) and f.target in (Target.UNIT, Target.ACCOUNT))]
    facts = Facts(of_world)
    if by_knowledge:
        old, new, before, after = compile_facts(facts, day(days[0])), compile_facts(facts, day(days[1])), day(6), day(6)
    else:
        old = new = compile_facts(facts, day(12))
        before, after = day(days[0]), day(days[1])
    cells = changed_cells(old.at(before), new.at(after), margin_m=0.0)
    if cells is not None:
        assert cells_that_differ(old, new, before, after) <= set(cells.tolist())


def moved_border() -> Compiled:
    """A world in which Southland's control comes 5 km north at noon on 10 February."""
    noon = utc("2024-02-10T12:00:00Z")
    line = shapely.box(10, 48, 14, 48.045)
    return known(
        Licence(authority="Northland Office", territory="Northland", only_controlled_by=("Northland",), **said("L")),
        area("control", "Northland", NORTH, "Northland", id="before", valid_to=noon),
        area("control", "Northland", NORTH - line, "Northland", id="after", valid_from=noon),
        area("control", "Southland", SOUTH, "Southland", id="s-before", valid_to=noon),
        area("control", "Southland", SOUTH | line, "Southland", id="s-after", valid_from=noon),
        without=("licence-N", "control-Northland", "control-Southland"),
    )


def test_a_border_that_moves_touches_only_the_cells_it_crosses() -> None:
    compiled = moved_border()
    before, after = compiled.at("2024-02-10T11:59:59Z"), compiled.at("2024-02-10T12:00:00Z")
    cells = changed_cells(before, after, margin_m=0.0)
    assert cells is not None
    rng = np.random.default_rng(2)
    crossed = np.unique(cells_of(rng.uniform(48, 48.045, 50_000), rng.uniform(10, 14, 50_000)))
    assert set(crossed.tolist()) <= set(cells.tolist())
    assert len(cells) <= len(crossed) + 3
    wide = changed_cells(before, after)
    assert wide is not None
    assert set(cells.tolist()) < set(wide.tolist())
    unchanged = changed_cells(before, before)
    assert unchanged is not None
    assert len(unchanged) == 0


@pytest.mark.parametrize(
    ("fact", "everywhere"),
    [
        (Licence(authority="Southland Office", territory="Southland", **said("L")), False),
        (TypeApproval(authority="Southland Office", model=MODEL, **said("T")), False),
        (order("o", Action.SUSPEND, Target.CELL, "851e364ffffffff", "operator"), False),
        (order("o", Action.SUSPEND, Target.MODEL, MODEL, "operator", within="zone/Marches"), False),
        (order("o", Action.SUSPEND, Target.MODEL, MODEL, "operator"), True),
        (Precedence(authorities=("a", "b"), **said("P")), True),
        (Policy(settings=Settings(accept_claimed=True), **said("P")), True),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_a_fact_touches(fact: Fact, everywhere: bool) -> None:
    cells = changed_cells(known().at(NOW), known(fact).at(NOW), margin_m=0.0)
    assert (cells is None) is everywhere
    if cells is not None:
        assert 0 < len(cells) < 2000


def test_places_without_a_face_are_told_from_places_of_many_faces() -> None:
    strips = [area("zone", f"strip {n}", shapely.box(10 + n / 50, 48, 10 + (n + 0.7) / 50, 50)) for n in range(150)]
    compiled = known(*strips)
    positions = Positions.at(np.full(301, 49.0), 10 + np.arange(301) / 100, semi_major_m=1.0)
    positions.latitude_deg[::7] = np.nan
    fleet = Fleet(compiled, ["roaming"] * 301)
    found = decide_many(compiled, fleet, positions, NOW, speed_m_s=0.0)
    assert_alike(compiled, fleet, positions, NOW, np.zeros(301), found)
    assert (found.code[::7] == Code.UNKNOWN_LOCATION).all()
