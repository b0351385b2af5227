"""Borders decide exactly; where the ellipse crosses one and the answer differs, nothing is decided."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import shapely
from shapely.geometry.base import BaseGeometry

from skyhaul.control.decision import Code, Decision, Note, Outcome, Position, Rule, compile_facts
from skyhaul.control.facts import (
    Action,
    BorderPolicy,
    Fact,
    Facts,
    Licence,
    Target,
    TypeApproval,
)
from skyhaul.control.polygons import planar_polygon
from skyhaul.errors import ControlError
from tests.control.worlds import FIXED, MODEL, NOW, account, area, ask, known, order, said, terminal

# One metre of latitude, in degrees, near 48° N (WGS-84: 111,195 m a degree at 48°).
METRE = 1 / 111_195


def near_border(metres: float, size: float = 0.0) -> Position:
    """A place so far north of the border of Northland with Southland."""
    return Position(48.0 + metres * METRE, 11.5, size, size)


def rules(decision: Decision) -> list[str]:
    return [reason.rule for reason in decision.reasons]


def test_without_an_ellipse_a_centimetre_decides() -> None:
    assert ask(known(), "roaming", near_border(0.01)).outcome is Outcome.PERMITTED
    assert ask(known(), "roaming", near_border(-0.01)).outcome is Outcome.REFUSED


def test_on_a_common_border_both_territories_count() -> None:
    decision = ask(known(), "roaming", near_border(0.0))
    assert (decision.outcome, decision.code) == (Outcome.REFUSED, Code.BLOCKED_COUNTRY)
    assert Note.LICENCE_HELD in rules(decision)
    assert Rule.LICENCE_MISSING in rules(decision)


@pytest.mark.parametrize(
    ("metres", "outcome"), [(101, "permitted"), (98, "undecided"), (-98, "undecided"), (-101, "refused")]
)
def test_an_ellipse_that_reaches_over_the_border_leaves_it_undecided(metres: float, outcome: str) -> None:
    decision = ask(known(), "roaming", near_border(metres, 100.0))
    assert decision.outcome == outcome
    assert (decision.grant is not None) is (outcome == "permitted")
    assert decision.code is (Code.OKAY if outcome == "permitted" else Code.BLOCKED_COUNTRY)
    assert (Note.POSITION_UNDECIDED in rules(decision)) is (outcome == "undecided")


def test_the_axes_and_azimuth_of_an_ellipse_matter() -> None:
    along = Position(48.0 + 50 * METRE, 11.5, 1000.0, 10.0, 90.0)
    assert ask(known(), "roaming", along).outcome is Outcome.PERMITTED
    assert ask(known(), "roaming", replace(along, azimuth_deg=0.0)).outcome is Outcome.UNDECIDED
    assert ask(known(), "roaming", replace(along, azimuth_deg=180.0)).outcome is Outcome.UNDECIDED


def test_a_border_over_which_the_answer_is_the_same_leaves_nothing_undecided() -> None:
    decision = ask(known(), "roaming", Position(48.1, 12.0, 100.0, 100.0))
    assert decision.outcome is Outcome.PERMITTED
    assert Note.POSITION_UNDECIDED not in rules(decision)


def test_refused_on_both_sides_is_refused_with_the_stricter_code() -> None:
    quiet = order("quiet", Action.SUSPEND, Target.AREA, "zone/Marches")
    decision = ask(known(quiet, without=("licence-N",)), "roaming", Position(48.1, 12.0, 100.0, 100.0))
    assert (decision.outcome, decision.code) == (Outcome.REFUSED, Code.BLOCKED_COUNTRY)


def test_a_hole_is_another_place() -> None:
    ring = shapely.box(11, 48.5, 13, 49.5) - shapely.box(11.9, 48.9, 12.1, 49.1)
    compiled = known(area("zone", "ring", ring), order("o", Action.SUSPEND, Target.AREA, "zone/ring"))
    assert ask(compiled, "roaming", Position(49.0, 12.0)).code is Code.OKAY
    assert ask(compiled, "roaming", Position(49.0, 12.2)).code is Code.BLOCKED_AREA
    assert ask(compiled, "roaming", Position(49.0, 12.1, 50.0, 50.0)).outcome is Outcome.UNDECIDED


def test_an_enclave_inside_the_ellipse_counts() -> None:
    house = shapely.box(12.0, 49.0, 12.0002, 49.0002)
    compiled = known(area("zone", "house", house), order("o", Action.SUSPEND, Target.AREA, "zone/house"))
    beside = Position(49.0001, 12.001)
    assert ask(compiled, "roaming", beside).code is Code.OKAY
    assert (
        ask(compiled, "roaming", replace(beside, semi_major_m=200.0, semi_minor_m=200.0)).outcome is Outcome.UNDECIDED
    )


def around(shape: BaseGeometry) -> list[Fact]:
    """The world of one country of any shape."""
    return [
        area("licence", "Country", shape, "Office"),
        Licence(authority="Office", territory="Country", **said("licence")),
        TypeApproval(authority="Office", model=MODEL, **said("approval")),
        account("A", replace(FIXED, home="Country", max_distance_m=3e7)),
        terminal("t", "A"),
    ]


ACROSS_180 = planar_polygon([np.array([[175.0, -10], [185, -10], [185, 10], [175, 10], [175, -10]])])


@pytest.mark.parametrize(
    ("shape", "latitude", "longitude", "size", "outcome"),
    [
        (ACROSS_180, 0.0, 180.0, 0.0, "permitted"),
        (ACROSS_180, 0.0, -180.0, 0.0, "permitted"),
        (ACROSS_180, 0.0, 179.9999, 100.0, "permitted"),
        (ACROSS_180, 0.0, -180.0, 5000.0, "permitted"),
        (ACROSS_180, 10.0001, -180.0, 0.0, "refused"),
        (ACROSS_180, 10.0001, -180.0, 100.0, "undecided"),
        (ACROSS_180, 0.0, -175.0005, 100.0, "undecided"),
        (ACROSS_180, 0.0, -174.99, 100.0, "refused"),
        (shapely.box(175, -10, 180, 10), 0.0, -180.0, 0.0, "permitted"),
        (shapely.box(175, -10, 180, 10), 0.0, -179.9999, 100.0, "undecided"),
        (shapely.box(-180, 80, 180, 90), 90.0, 0.0, 0.0, "permitted"),
        (shapely.box(-180, 80, 180, 90), 90.0, 123.0, 500.0, "permitted"),
        (shapely.box(-180, 80, 180, 90), 89.9999, 179.0, 500.0, "permitted"),
        (shapely.box(-180, 80, 180, 90), 80.001, 0.0, 500.0, "undecided"),
        (shapely.box(0, 80, 90, 90), 90.0, -50.0, 0.0, "permitted"),
        (shapely.box(0, 80, 90, 90), 89.9999, 45.0, 500.0, "undecided"),
        (shapely.box(-180, -90, 180, -80), -90.0, 0.0, 500.0, "permitted"),
    ],
)
def test_the_antimeridian_and_the_poles(
    shape: BaseGeometry, latitude: float, longitude: float, size: float, outcome: str
) -> None:
    compiled = compile_facts(Facts(around(shape)), NOW)
    assert ask(compiled, "t", Position(latitude, longitude, size, size)).outcome == outcome


def border_policy(where: str, seconds: int = 15) -> BorderPolicy:
    return BorderPolicy(area=where, probation_s=seconds, **said(f"probation-{where}"))


def test_where_policy_says_so_an_undecided_terminal_has_a_lease_on_probation() -> None:
    decision = ask(known(border_policy("licence/Southland", 10)), "roaming", near_border(50, 100.0))
    assert (decision.outcome, decision.code) == (Outcome.UNDECIDED, Code.OKAY)
    assert decision.grant is not None
    assert decision.grant.probation
    assert decision.grant.ends - decision.grant.begins == np.timedelta64(10, "s")
    assert Note.POSITION_PROBATION in rules(decision)


def test_probation_is_for_terminals_whose_centre_is_permitted() -> None:
    compiled = known(border_policy("licence/Southland"))
    assert ask(compiled, "roaming", near_border(-50, 100.0)).grant is None


def test_probation_needs_a_policy_over_every_refused_part() -> None:
    compiled = known(border_policy("licence/Northland"))
    assert ask(compiled, "roaming", near_border(50, 100.0)).grant is None


def test_nobody_is_on_probation_where_an_order_refuses() -> None:
    quiet = order("quiet", Action.SUSPEND, Target.AREA, "zone/Marches")
    compiled = known(quiet, border_policy("zone/Marches"))
    decision = ask(compiled, "roaming", Position(48.1 + 50 * METRE, 12.0, 100.0, 100.0))
    assert (decision.outcome, decision.code, decision.grant) == (Outcome.UNDECIDED, Code.BLOCKED_AREA, None)


@pytest.mark.parametrize(("metres", "outcome"), [(49_800, "permitted"), (50_050, "undecided"), (50_200, "refused")])
def test_the_distance_of_a_plan_is_a_border_too(metres: float, outcome: str) -> None:
    # 111,195 m a degree on the mean sphere, of which distances from the service address are measured.
    place = Position(49.0 + metres / 111_195.08, 12.0, 100.0, 100.0)
    decision = ask(known(), "fixed", place)
    assert decision.outcome == outcome
    assert decision.code is (Code.OKAY if outcome == "permitted" else Code.TOO_FAR_FROM_SERVICE_ADDRESS)


def test_a_terminals_place_is_in_no_text() -> None:
    place = Position(48.000123, 12.345678, 100.0, 100.0)
    decision = ask(known(), "roaming", place)
    for part in ("48.0001", "12.3456", "48000", "12345"):
        assert part not in decision.to_json()
    for bad in ((91.25, 12.3456), (48.1, 181.25)):
        with pytest.raises(ControlError) as caught:
            Position(*bad)
        assert not any(digit.isdigit() for digit in str(caught.value).replace("90", "").replace("180", ""))


@pytest.mark.parametrize("axes", [(10.0, 20.0), (-1.0, -1.0), (float("inf"), 1.0), (float("nan"), 0.0)])
def test_an_ellipse_that_is_none_is_refused(axes: tuple[float, float]) -> None:
    with pytest.raises(ControlError, match="position: no ellipse"):
        Position(48.0, 12.0, *axes)
