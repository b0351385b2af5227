"""Whatever a terminal says of its place or of the time gains it nothing that the network has not measured."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from skyhaul.control.decision import (
    EVIDENCE,
    Code,
    Evidence,
    Fleet,
    Position,
    Positions,
    Rule,
    decide,
    decide_many,
)
from skyhaul.control.facts import Policy, Settings
from tests.control.worlds import IN_NORTH, NOW, ask, known, said

MAX_AGE_S = Settings().max_position_age_s

latitudes, longitudes = st.floats(-90, 90), st.floats(-180, 180)
offsets = st.one_of(st.integers(-200, 200), st.integers(-(10**8), 10**8)).map(float)


def position(
    latitude: float, longitude: float, age_s: float | None, evidence: Evidence = Evidence.VERIFIED
) -> Position:
    measured = None if age_s is None else NOW - np.timedelta64(int(age_s * 1e9), "ns")
    return Position(latitude, longitude, measured_at=measured, evidence=evidence)


@settings(max_examples=150, deadline=None)
@given(offsets, st.integers(-999_999_999, 999_999_999))
def test_a_measurement_counts_from_its_instant_for_a_minute(age_s: float, ns: int) -> None:
    """One from the future, of a clock that is ahead or a time that is made up, counts no more than one too old."""
    measured = NOW - np.timedelta64(int(age_s) * 10**9 + ns, "ns")
    age_ns = int((NOW - measured) / np.timedelta64(1, "ns"))
    decision = ask(known(), position=Position(49.0, 12.0, measured_at=measured))
    fresh = 0 <= age_ns < MAX_AGE_S * 1e9
    assert (decision.code == Code.OKAY) == fresh
    if fresh:
        assert decision.grant is not None
        assert decision.grant.ends <= measured + np.timedelta64(int(MAX_AGE_S), "s"), (
            "no lease outlives the measurement"
        )
    else:
        assert decision.code == Code.UNKNOWN_LOCATION
        assert Rule.POSITION_STALE in {reason.rule for reason in decision.reasons if reason.refuses}


@settings(max_examples=100, deadline=None)
@given(latitudes, longitudes, st.one_of(st.none(), offsets), st.sampled_from((Evidence.CLAIMED, Evidence.CONTRADICTED)))
def test_a_claim_is_as_good_as_no_position(
    latitude: float, longitude: float, age_s: float | None, evidence: Evidence
) -> None:
    """Wherever the terminal says it is, at whatever time, it is refused as one without a place, and no place that it
    names is in any reason."""
    claimed = ask(known(), position=position(latitude, longitude, age_s, evidence))
    nowhere = ask(known(), position=None)
    assert claimed.code == nowhere.code == Code.UNKNOWN_LOCATION
    assert claimed.grant is None
    about_place = {r.rule for r in claimed.reasons} - {r.rule for r in nowhere.reasons}
    assert about_place <= {Rule.POSITION_UNVERIFIED, Rule.POSITION_CONTRADICTED}


@settings(max_examples=80, deadline=None)
@given(latitudes, longitudes, st.one_of(st.none(), offsets))
def test_where_policy_takes_claims_a_contradicted_one_still_counts_for_nothing(
    latitude: float, longitude: float, age_s: float | None
) -> None:
    trusting = known(Policy(settings=Settings(accept_claimed=True), **said("policy")))
    refuted = ask(trusting, position=position(latitude, longitude, age_s, Evidence.CONTRADICTED))
    assert (refuted.code, refuted.grant) == (Code.UNKNOWN_LOCATION, None)
    believed = ask(trusting, position=position(49.0, 12.0, age_s, Evidence.CLAIMED))
    measured = ask(trusting, position=position(49.0, 12.0, age_s))
    assert (believed.code, believed.grant) == (measured.code, measured.grant), "but it is no fresher for that"


@settings(max_examples=60, deadline=None)
@given(latitudes, longitudes)
def test_the_network_s_measurement_decides_not_the_place_that_is_claimed(latitude: float, longitude: float) -> None:
    """A terminal measured in Southland that claims any place is refused as one in Southland."""
    measured = Position(47.0, 12.0)
    claim = position(latitude, longitude, None, Evidence.CLAIMED)
    assert ask(known(), position=measured).code == Code.BLOCKED_COUNTRY
    assert ask(known(), position=claim).grant is None


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(offsets, st.integers(0, len(EVIDENCE) - 1)), min_size=1, max_size=40))
def test_in_bulk_as_well(lies: list[tuple[float, int]]) -> None:
    compiled = known()
    measured = np.array([NOW - np.timedelta64(int(age), "s") for age, _ in lies], dtype="datetime64[ns]")
    evidence = np.array([kind for _, kind in lies], dtype=np.int8)
    positions = Positions.at(
        np.full(len(lies), IN_NORTH.latitude_deg), IN_NORTH.longitude_deg, measured_at=measured, evidence=evidence
    )
    verdicts = decide_many(compiled, Fleet(compiled, ["fixed"] * len(lies)), positions, NOW)
    for k in range(len(lies)):
        decision = decide(compiled, "fixed", positions[k], NOW)
        assert verdicts.code[k] == decision.code
        assert verdicts.served[k] == (decision.grant is not None)
        if decision.grant is not None:
            assert verdicts.lease_ends[k] == decision.grant.ends
