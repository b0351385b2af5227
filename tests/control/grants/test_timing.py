"""When a change takes effect: at its own instant if it is known in time, at the latest 30 s after it is recorded."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skyhaul.control.decision import Code, Outcome, Position, Positions, Rule, decide
from skyhaul.control.facts import Action, BorderPolicy, Fact, Facts, Policy, Settings, Target, utc
from skyhaul.control.grants import KNOWN_BEFORE, REFUSALS, Grants, LeaseBook, Leases, Ruling, changes
from skyhaul.earth import cells_of
from tests.control.histories import UNITS, day, histories, questions
from tests.control.worlds import MODEL, NORTH, START, area, order, said, world

SLOT = np.timedelta64(15, "s")
FIRST = utc("2024-02-17T12:00:12Z")


def at(seconds: float) -> np.datetime64:
    return FIRST + np.timedelta64(round(seconds * 1e3), "ms")


class Run:
    """Slots of some terminals of the example world at one place."""

    def __init__(self, *more: Fact, units: tuple[str, ...] = ("fixed",), size_m: float = 0.0, where: Any = (49, 12)):
        self.facts = Facts(sorted([*world(), *more], key=lambda fact: fact.recorded_at))
        self.grants = Grants(self.facts, units)
        self.place = np.full(len(units), float(where[0])), np.full(len(units), float(where[1]))
        self.size_m = size_m

    def slot(self, number: int, known_at: np.datetime64 | None = None, *, stale_after_s: float | None = None) -> Leases:
        start = FIRST + number * SLOT
        count = len(self.place[0])
        positions = Positions.at(*self.place, semi_major_m=self.size_m, measured_at=np.full(count, start))
        known = start - KNOWN_BEFORE if known_at is None else known_at
        cell = cells_of(*self.place)
        speed = np.zeros(count)
        return self.grants.leases(start, start + SLOT, positions, speed, cell, known, stale_after_s=stale_after_s)


def suspended(id_: str = "stop", unit: str = "fixed", **given: Any) -> Fact:
    return order(id_, Action.SUSPEND, Target.UNIT, unit, authority="operator", **given)


def served_seconds(run: Run, slots: int, step: float = 1.0) -> list[float]:
    """Instants at which the first terminal may be served."""
    found: list[float] = []
    for number in range(slots):
        leases = run.slot(number)
        end = leases.ends[0]
        if leases.granted[0]:
            seconds = np.arange(15 * number, 15 * (number + 1), step)
            found += [float(second) for second in seconds if at(second) < end]
    return found


def test_a_change_known_in_time_acts_at_its_own_instant_inside_a_slot() -> None:
    run = Run(suspended(valid_from=at(20.5), valid_to=at(50.5), recorded_at=at(-40)))
    assert served_seconds(run, 6, 0.5) == [*np.arange(0, 20.5, 0.5), *np.arange(60, 90, 0.5)]
    cut = run.slot(1)
    assert (cut.ends[0], cut.final_code[0], REFUSALS[cut.rule[0]]) == (at(20.5), Code.ACCOUNT_DISABLED, "order.unit")


@pytest.mark.parametrize(("recorded", "ends"), [(0.0, 15), (0.001, 30), (14.9, 30), (15.0, 30), (15.001, 45)])
def test_a_change_recorded_late_acts_within_two_slots(recorded: float, ends: int) -> None:
    run = Run(suspended(valid_from=at(-100), recorded_at=at(recorded)))
    assert served_seconds(run, 6) == list(range(ends))
    assert ends - recorded <= 30.0


def test_a_permission_that_begins_inside_a_slot_waits_for_the_next() -> None:
    run = Run(suspended(valid_from=START, valid_to=at(16), recorded_at=START))
    assert served_seconds(run, 4) == list(range(30, 60))


def test_a_change_that_leaves_the_answer_ends_no_lease() -> None:
    far = area("zone", "far away", NORTH, valid_from=at(3), valid_to=at(5), recorded_at=START)
    run = Run(far, suspended("other", "boat", valid_from=at(7), recorded_at=START))
    assert served_seconds(run, 3) == list(range(45))
    assert run.slot(0).ends[0] == at(35)  # decided on again at +3 s and +5 s


def test_a_licence_that_ends_inside_a_slot_ends_the_lease() -> None:
    facts = [replace(f, valid_to=at(4)) if f.id == "licence-N" else f for f in world()]
    grants = Grants(Facts(facts), ["fixed"])
    positions = Positions.at([49.0], [12.0])
    leases = grants.leases(at(0), at(15), positions, np.zeros(1), cells_of([49.0], [12.0]), at(-15))
    assert leases.ends[0] == at(4)
    assert (REFUSALS[leases.rule[0]], leases.alert[0]) == ("licence.missing", 92)


def test_short_leases_are_renewed_inside_a_slot_and_old_positions_are_not() -> None:
    policy = Policy(settings=Settings(lease_s=4), **said("policy"))
    assert served_seconds(Run(policy), 2) == list(range(30))
    policy = Policy(settings=Settings(max_position_age_s=9.0), **said("policy"))
    run = Run(policy)
    assert served_seconds(run, 2) == [*range(9), *range(15, 24)]
    assert REFUSALS[run.slot(0).rule[0]] == Rule.POSITION_STALE


def test_a_lease_on_probation_is_not_carried_on() -> None:
    at_border: dict[str, Any] = {"units": ("roaming",), "size_m": 900.0, "where": (48.005, 12.5)}
    run = Run(BorderPolicy(area="claim/Southland", probation_s=6, **said("border")), **at_border)
    leases = run.slot(0)
    assert leases.ruling[0] == Ruling.PROBATION
    assert leases.ends[0] == at(6)
    assert REFUSALS[leases.rule[0]] == "licence.missing"
    assert [change.outcome for change in changes(None, leases)] == [Outcome.UNDECIDED] * 2
    refused = Run(**at_border).slot(0)
    assert (refused.ruling[0], refused.granted[0]) == (Ruling.UNDECIDED, False)
    assert refused.refusal(0).endswith("unlicensed country (92), rule licence.missing, undecided")


def test_a_limit_counts_for_the_whole_of_a_slot() -> None:
    limit = order("slow", Action.LIMIT, Target.UNIT, "fixed", "operator", rate_bps=2e6, valid_from=at(20))
    rates = [Run(replace(limit, recorded_at=START)).slot(number).rate_bps[0] for number in range(3)]
    assert rates == [np.inf, 2e6, 2e6]


def test_only_what_changes_is_told_with_all_its_reasons() -> None:
    run = Run(
        suspended(valid_from=at(20), valid_to=at(40), recorded_at=at(-60)),
        order("slow", Action.LIMIT, Target.UNIT, "mobile", "operator", rate_bps=2e6, valid_from=at(60)),
        units=("fixed", "mobile"),
    )
    before, told = None, []
    for number in range(6):
        leases = run.slot(number)
        told += [(number, change.terminal, change.time, change.code) for change in changes(before, leases)]
        before = leases
    assert told == [
        (0, "fixed", at(0), Code.OKAY),
        (0, "mobile", at(0), Code.OKAY),
        (1, "fixed", at(20), Code.ACCOUNT_DISABLED),
        (3, "fixed", at(45), Code.OKAY),
        (4, "mobile", at(60), Code.OKAY),
    ]
    (limited,) = changes(run.slot(3), run.slot(4))
    assert limited.grant is not None
    assert limited.grant.rate_bps == 2e6
    assert len(limited.reasons) > 3


def test_terminals_that_nobody_decides_on_keep_their_place() -> None:
    run = Run(suspended(valid_from=START), units=("", "fixed", "", "mobile", "stranger"))
    leases = run.slot(0)
    assert leases.granted.tolist() == [True, False, True, True, False]
    assert [REFUSALS[r] if r >= 0 else "" for r in leases.rule] == ["", "order.unit", "", "", "unit.unknown"]
    assert {change.terminal for change in changes(None, leases)} == {"fixed", "mobile", "stranger"}


def test_slots_in_any_order_and_facts_that_grow_give_the_same() -> None:
    stop = suspended(valid_from=at(20), recorded_at=at(10))
    run, grown = Run(stop), Run()
    forwards = [run.slot(number) for number in range(6)]
    backwards = [run.slot(number) for number in reversed(range(6))][::-1]
    grown.slot(0)
    grown.facts.add(stop)
    for one, two, three in zip(forwards, backwards, [grown.slot(number) for number in range(6)], strict=True):
        for other in (two, three):
            assert (one.granted == other.granted).all()
            np.testing.assert_array_equal(one.ends, other.ends)
            assert one.question is not None
            assert other.question is not None
            time = one.start
            assert one.question.decision(0, time).to_json() == other.question.decision(0, time).to_json()


def test_leases_on_facts_that_grow_stale_end_and_come_back_with_fresh_ones() -> None:
    run = Run()

    def leases(number: int, known: float) -> Leases:
        return run.slot(number, known_at=at(known), stale_after_s=30.0)

    good = leases(0, -15)  # the store answers: the lease lasts through its slot
    assert (good.ends[0], bool(good.cut[0])) == (at(15), False)
    cut = leases(1, 0 - 5)
    assert (cut.ends[0], REFUSALS[cut.rule[0]], cut.final_code[0]) == (at(25), "knowledge.stale", Code.UNKNOWN_STATE)
    stale = leases(2, -5)
    assert stale.refusal(0) == "no grant: code 0 UNKNOWN_STATE, rule knowledge.stale"
    assert changes(good, cut) == changes(cut, stale) == ()
    assert leases(3, 30).granted[0]
    policy = Run(Policy(settings=Settings(max_knowledge_age_s=3600.0), **said("policy")))
    assert policy.slot(2, known_at=at(-5), stale_after_s=30.0).granted[0]
    late = policy.slot(0, known_at=at(-4000), stale_after_s=30.0)
    assert REFUSALS[late.rule[0]] == "knowledge.stale"
    assert [change.code for change in changes(None, late)] == [Code.UNKNOWN_STATE]


@settings(max_examples=60, deadline=None)
@given(histories(), st.integers(1, 11), st.lists(questions(), min_size=1, max_size=6))
def test_leases_are_what_decisions_at_each_instant_of_the_slot_say(
    history: list[Fact], hour: int, asked: list[tuple[str, Position | None, np.datetime64, float | None]]
) -> None:
    facts = Facts(history)
    # Facts of these histories begin and end on whole hours: inside this slot, 7 s after its start.
    start = day(hour) - np.timedelta64(7, "s")
    end = start + SLOT
    known = [(unit, replace(place, semi_major_m=0.0, semi_minor_m=0.0)) for unit, place, _, _ in asked if place]
    units = [unit for unit, _ in known] or ["fixed"]
    places = [place for _, place in known] or [Position(49.0, 12.0)]
    speed = np.array([0.0 if v is None else v for _, place, _, v in asked if place] or [0.0])
    latitude, longitude = [p.latitude_deg for p in places], [p.longitude_deg for p in places]
    positions = Positions.at(latitude, longitude, measured_at=np.full(len(places), start))
    leases = Grants(facts, units).leases(start, end, positions, speed, cells_of(latitude, longitude), day(12))
    assert leases.question is not None
    compiled = leases.question.compiled
    for k, unit in enumerate(units):
        going = True
        for time in (start, start + SLOT // 5, day(hour), end - np.timedelta64(1, "ns")):
            decision = decide(compiled, unit, positions[k], time, speed_m_s=float(speed[k]))
            going = going and decision.grant is not None
            assert bool(leases.granted[k] and time < leases.ends[k]) == going
            if not going and time == start:
                assert leases.code[k] == decision.code


@settings(max_examples=120, deadline=None)
@given(
    orders=st.lists(
        st.tuples(st.integers(-60, 240), st.integers(-60, 240), st.one_of(st.none(), st.integers(1, 90))), max_size=4
    ),
    outages=st.lists(st.tuples(st.integers(-20, 240), st.integers(1, 120)), max_size=2),
    restart=st.integers(0, 240),
)
def test_no_order_takes_longer_than_two_slots_whatever_becomes_of_the_store(
    orders: list[tuple[int, int, int | None]], outages: list[tuple[int, int]], restart: int
) -> None:
    """(valid from, recorded, length), store unreachable (from, length), the network starts anew."""
    facts = [
        suspended(
            f"stop-{n}",
            valid_from=at(begin),
            valid_to=None if length is None else at(begin + length),
            recorded_at=at(recorded) + np.timedelta64(n, "ns"),
        )
        for n, (begin, recorded, length) in enumerate(orders)
    ]
    run, book = Run(*facts), LeaseBook(1)
    for second in range(0, 240):
        if second == restart:
            book = LeaseBook(1)
        if second % 15 == 0:  # a slot starts: what was heard of the store by the start of the one before counts
            heard = float(second - 15)
            for begin, length in sorted(outages, reverse=True):
                if begin <= heard < begin + length:
                    heard = float(begin)
            book.renew(run.slot(second // 15, known_at=at(heard)))
        served = book.served(at(second))[0]
        forbidden = any(
            begin <= second < (np.inf if length is None else begin + length) and recorded + 30 <= second
            for begin, recorded, length in orders
        )
        assert not (served and forbidden), second
        lost = any(begin + 30 <= second < begin + length for begin, length in outages)
        assert not (served and lost), second
        if not orders and not outages and not restart < second < restart + 15:
            assert served or second == restart, second


def test_a_model_without_approval_shows_its_own_code() -> None:
    run = Run(order("models", Action.SUSPEND, Target.MODEL, MODEL, authority="operator"), units=UNITS[:1])
    leases = run.slot(0)
    assert leases.refusal(0) == "no grant: code 13 UNSUPPORTED_VERSION, rule order.model"
