"""The leases that are out: whatever happens to the store, the clock and the process, nobody is served without one."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skyhaul.control.grants import LIVE_KNOWLEDGE_AGE_S, LeaseBook, Leases
from skyhaul.errors import ControlError
from skyhaul.types import Bools

ZERO = np.datetime64("2024-02-17T12:00:12", "ns")
COUNT = 3
CELL = np.array([7, 8, 9], dtype=np.uint64)


def at(seconds: float) -> np.datetime64:
    return ZERO + np.timedelta64(round(seconds * 1e3), "ms")


def leases(start: float, known: float, granted: tuple[bool, ...] = (True,) * COUNT, length: float = 30.0) -> Leases:
    """Leases of the slot that starts then, each `length` long."""
    free = Leases.unlimited(at(start), at(start + 15), CELL)
    may = np.array(granted)
    ends = np.where(may, at(start + length), np.datetime64("NaT", "ns"))
    return replace(free, known_at=at(known), granted=may, ends=ends)


def book(*renewals: Leases, age: float | None = None) -> LeaseBook:
    found = LeaseBook(COUNT, max_knowledge_age_s=age)
    for renewal in renewals:
        assert found.renew(renewal)
    return found


@dataclass
class Entry:
    """What the model keeps of a renewal that was taken over."""

    start: float
    granted: list[bool]
    until: list[float]


class Model:
    """The rules of the book, written down once more the long way."""

    def __init__(self, age: float) -> None:
        self.age, self.now, self.entries = age, -np.inf, list[Entry]()
        self.known = -np.inf

    def renew(self, start: float, known: float, granted: tuple[bool, ...], length: float) -> bool:
        if known < self.known or (self.entries and start < self.entries[-1].start):
            return False
        self.known = known
        until = min(start + length, known + self.age)
        self.entries.append(Entry(start, [may and until > start for may in granted], [until] * COUNT))
        return True

    def revoke(self, terminal: int, time: float) -> None:
        standing = [entry for entry in self.entries if entry.start <= self.now][-1:]
        for entry in standing:
            entry.until[terminal] = min(entry.until[terminal], max(time, self.now))
        for entry in self.entries:
            if entry.start > self.now:
                entry.granted[terminal] = False

    def served(self, time: float) -> list[bool]:
        self.now = max(self.now, time)
        standing = [entry for entry in self.entries if entry.start <= self.now][-1:]
        return [any(entry.granted[k] and self.now < entry.until[k] for entry in standing) for k in range(COUNT)]


SECONDS = st.integers(-20, 240).map(lambda n: n / 2)
EVENTS = st.one_of(
    st.tuples(
        st.just("renew"),
        st.integers(0, 8).map(lambda n: 15.0 * n),
        SECONDS,
        st.tuples(*[st.booleans()] * COUNT),
        st.sampled_from((30.0, 15.0, 4.5)),
    ),
    st.tuples(st.just("revoke"), st.integers(0, COUNT - 1), SECONDS),
    st.tuples(st.just("ask"), SECONDS),
    st.tuples(st.just("restart")),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(EVENTS, max_size=40), st.sampled_from((10.0, 30.0, 45.0)))
def test_whatever_happens_the_book_keeps_its_rules(events: list[tuple[object, ...]], age: float) -> None:
    found, model = LeaseBook(COUNT, max_knowledge_age_s=age), Model(age)
    for event in events:
        match event:
            case ("renew", float(start), float(known), tuple(granted), float(length)):
                taken = found.renew(leases(start, known, granted, length))
                assert taken == model.renew(start, known, granted, length)
            case ("revoke", int(terminal), float(time)):
                found.revoke(terminal, at(time))
                model.revoke(terminal, time)
            case ("ask", float(time)):
                served = found.served(at(time))
                assert served.tolist() == model.served(time)
                newest = max((max(entry.until) for entry in model.entries), default=-np.inf)
                assert not served.any() or model.now < min(newest, model.known + age)
            case _:
                found, model = LeaseBook(COUNT, max_knowledge_age_s=age), Model(age)


def seconds_served(found: LeaseBook, first: int, last: int) -> list[int]:
    return [second for second in range(first, last) if found.served(at(second)).any()]


def test_a_new_book_serves_nobody_until_something_is_decided_from_fresh_facts() -> None:
    found = LeaseBook(COUNT)
    assert not found.served(at(0)).any()
    found.renew(leases(15, known=-20))  # facts of 35 s before the slot: too old for any of it
    assert seconds_served(found, 0, 60) == []
    again = book(leases(15, known=0))
    assert seconds_served(again, 0, 60) == list(range(15, 30))


def test_with_the_store_unreachable_leases_run_out_and_none_comes_back() -> None:
    found = book(leases(0, known=-15), leases(15, known=0))
    for slot in range(2, 8):  # planning goes on with what was known last
        found.renew(leases(15.0 * slot, known=0))
    assert seconds_served(found, 0, 120) == list(range(30))
    found.renew(leases(120, known=110))
    assert seconds_served(found, 120, 160) == list(range(120, 140))


def test_no_lease_outlives_what_a_change_may_take_to_act() -> None:
    assert LIVE_KNOWLEDGE_AGE_S == 30.0
    found = book(leases(0, known=-15, length=600))
    assert found.served(at(0)).all()
    assert (found.ends == at(15)).all()
    assert not found.served(at(15)).any()
    assert np.isnat(found.ends).all()


def test_a_refusal_ends_a_lease_when_its_slot_starts_and_not_before() -> None:
    found = book(leases(0, known=-5), leases(15, known=0, granted=(False, True, True)))
    assert found.served(at(14.999)).tolist() == [True, True, True]
    assert found.served(at(15)).tolist() == [False, True, True]


def test_a_lease_ends_at_its_end_inside_a_slot() -> None:
    found = book(leases(0, known=-5, length=7.5))
    assert found.served(at(7.499)).all()
    assert not found.served(at(7.5)).any()


def test_a_clock_that_is_set_back_brings_no_lease_back() -> None:
    found = book(leases(0, known=-5))
    assert not found.served(at(40)).any()
    assert not found.served(at(5)).any()


def test_what_was_decided_from_older_facts_is_passed_over() -> None:
    found = book(leases(0, known=-5, granted=(False,) * COUNT))
    assert not found.renew(leases(0, known=-6))
    assert not found.renew(leases(-15, known=0))
    assert not found.served(at(1)).any()


def test_a_lease_is_for_its_cell_only() -> None:
    found = book(leases(0, known=-5))
    moved: Bools = found.served(at(1), np.array([7, 7, 9], dtype=np.uint64))
    assert moved.tolist() == [True, False, True]


def test_a_lease_that_is_revoked_does_not_come_back_with_slots_planned_before() -> None:
    found = book(leases(0, known=-5), leases(15, known=-3))
    found.served(at(4))
    found.revoke(1, at(5))
    assert found.served(at(4.5)).tolist() == [True, True, True]
    assert found.served(at(5)).tolist() == [True, False, True]
    assert found.served(at(16)).tolist() == [True, False, True]
    found.renew(leases(30, known=20))
    assert found.served(at(30)).all()


def test_leases_of_other_terminals_or_of_nobody_are_refused() -> None:
    with pytest.raises(ControlError, match="leases of 3 terminals"):
        LeaseBook(2).renew(leases(0, known=0))
    with pytest.raises(ControlError, match="rest on no facts"):
        LeaseBook(COUNT).renew(Leases.unlimited(at(0), at(15), CELL))
    with pytest.raises(ControlError, match="more than no seconds"):
        LeaseBook(COUNT, max_knowledge_age_s=0.0)
