"""A border that moves by the day flips what it passes over, at its instant, and nothing else."""

from __future__ import annotations

import h3.api.basic_int as h3
import numpy as np
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from skyhaul.control.decision import (
    Code,
    Compiled,
    Fleet,
    Position,
    Positions,
    changed_cells,
    compile_facts,
    decide,
    decide_many,
)
from skyhaul.control.facts import Facts, Licence
from skyhaul.earth import BEAM_CELL_RESOLUTION
from tests.control.histories import day
from tests.control.worlds import area, said, world

WEST, EAST = 10.0, 14.0
_PLACES = [(48.02 + 0.0613 * i, 10.03 + 0.0787 * ((i * 7) % 50)) for i in range(30)]


@st.composite
def fronts(draw: st.DrawFn) -> list[list[float]]:
    """For each of some days the latitude of a line at five longitudes."""
    latitude = st.floats(48.0, 50.0).map(lambda value: round(value, 3))
    return draw(st.lists(st.lists(latitude, min_size=5, max_size=5), min_size=2, max_size=5))


def held(line: list[float]) -> shapely.Polygon:
    """The ground north of the line, up to 50.5° N."""
    across = list(zip(np.linspace(WEST, EAST, 5), line, strict=True))
    return shapely.Polygon([*across, (EAST, 50.5), (WEST, 50.5)])


def daily(lines: list[list[float]]) -> Compiled:
    """The world, where Northland's licence counts only where Northland alone is in control, a map a day."""
    facts = [f for f in world() if f.id not in ("licence-N", "control-Northland", "control-Southland")]
    facts.append(
        Licence(authority="Northland Office", territory="Northland", only_controlled_by=("Northland",), **said("L"))
    )
    for n, line in enumerate(lines):
        last = n == len(lines) - 1
        times = {"valid_from": day(n), "valid_to": None if last else day(n + 1)}
        facts.append(area("control", "Northland", held(line), "Northland", id=f"map-{n}", **times))
    return compile_facts(Facts(facts), day(30))


@settings(max_examples=40, deadline=None)
@given(fronts(), st.integers(0, 29), st.integers(0, 5 * 24 * 60))
def test_a_parked_terminal_has_the_answer_of_the_days_map(lines: list[list[float]], place: int, minute: int) -> None:
    latitude, longitude = _PLACES[place]
    at = day(0) + np.timedelta64(minute, "m")
    today = held(lines[min(minute // (24 * 60), len(lines) - 1)])
    decision = decide(daily(lines), "fixed", Position(latitude, longitude), at)
    inside = shapely.intersects_xy(today, longitude, latitude) and latitude <= 50.0
    away = Code.TOO_FAR_FROM_SERVICE_ADDRESS
    assert (decision.code in (Code.OKAY, away)) == inside
    midnight = day(minute // (24 * 60) + 1)
    if decision.grant is not None and minute // (24 * 60) < len(lines) - 1:
        assert decision.grant.ends <= midnight, "no lease reaches into another map"


@settings(max_examples=30, deadline=None)
@given(fronts())
def test_every_terminal_whose_answer_changes_is_in_a_changed_cell(lines: list[list[float]]) -> None:
    compiled = daily(lines)
    places = Positions.at([p[0] for p in _PLACES], [p[1] for p in _PLACES])
    fleet = Fleet(compiled, ["roaming"] * len(_PLACES))
    before = decide_many(compiled, fleet, places, day(0)).code.copy()
    after = decide_many(compiled, fleet, places, day(1)).code
    cells = changed_cells(compiled.at(day(0)), compiled.at(day(1)), margin_m=0.0)
    assert cells is not None
    for (latitude, longitude), was, now in zip(_PLACES, before, after, strict=True):
        cell = h3.latlng_to_cell(latitude, longitude, BEAM_CELL_RESOLUTION)
        assert was == now or cell in cells
    moved = held(lines[0]).symmetric_difference(held(lines[1]))
    if moved.area == 0.0:
        assert len(cells) == 0


@settings(max_examples=30, deadline=None)
@given(fronts(), st.integers(0, 4))
def test_many_at_once_on_a_days_map_are_as_one_by_one(lines: list[list[float]], number: int) -> None:
    compiled = daily(lines)
    at = day(number) + np.timedelta64(1, "h")
    places = Positions.at([p[0] for p in _PLACES], [p[1] for p in _PLACES], semi_major_m=800.0)
    fleet = Fleet(compiled, ["roaming"] * len(_PLACES))
    codes = decide_many(compiled, fleet, places, at).code
    assert codes.tolist() == [int(decide(compiled, "roaming", places[k], at).code) for k in range(len(_PLACES))]
