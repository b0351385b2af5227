"""Whoever hands in what in which order: the same decisions, and what was known is replayed bit for bit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skyhaul.control.decision import Position, Rule, compile_facts, decide
from skyhaul.control.facts import (
    Action,
    AllowList,
    Fact,
    Facts,
    Licence,
    Precedence,
    Step,
    Target,
    TypeApproval,
    Withdrawal,
    utc,
)
from skyhaul.control.registry import Index, Registry, examine
from skyhaul.errors import ControlError, StoreError
from tests.control.registry.offices import NOW, account, actor, key_of, offices, party, said, terminal
from tests.control.registry.test_door import approval, end, event, order
from tests.control.store.postgresql import Server
from tests.control.worlds import MODEL

PLACES = (Position(49.0, 12.0), Position(47.0, 12.0), Position(48.05, 12.0))
TIMES = tuple(utc(f"2024-0{month}-15") for month in range(1, 8))
UNITS = ("UT-1", "UT-2", "UT-3", "UT-4")

MARCHES = {"target": Target.AREA, "on": "zone/Marches", "within": "licence/Northland"}
SOUTH = {"target": Target.AREA, "on": "licence/Southland"}

# Who hands in what; no two of them are versions of one thing, for of those the last recorded speaks by design.
SUBMISSIONS: dict[str, tuple[str, Fact]] = {
    "party": ("Olga", party("Bo")),
    "account": ("Olga", account("A-3", "Bo")),
    "terminal": ("Olga", terminal("UT-3", "A-3", holder="Bo")),
    "dealer's": ("Dina", terminal("UT-4", "", "Dina", holder="Shop")),
    "southern licence": ("Sven", Licence(authority="Southland Office", territory="Southland", **said("LS", "Sven"))),
    "southern approval": ("Sven", TypeApproval(authority="Southland Office", model=MODEL, **said("TS", "Sven"))),
    "suspended unit": ("Nora", order("o1", valid_from=utc("2024-02-01"), valid_to=utc("2024-05-01"))),
    "serious": ("Nora", order("o2", approvals_needed=1, valid_from=utc("2024-03-01"), **MARCHES)),
    "its approval": ("Nils", approval("a2", "o2", "Nils", valid_from=utc("2024-04-01"))),
    "its end": ("Nils", end("e2", "o2", "Nils", valid_from=utc("2024-06-01"))),
    "operator's cap": ("Olga", order("o3", "Olga", action=Action.SPEED_CAP, speed_cap_m_s=20.0, **SOUTH)),
    "exemption": ("Sven", order("o4", "Sven", action=Action.EXEMPT, exempts=(Rule.PLAN_DISTANCE,), on="UT-3")),
    "precedence": ("Olga", Precedence(authorities=("operator", "Southland Office"), **said("p", "Olga"))),
    "list": ("Nora", AllowList(name="W", authority="Northland Office", area="licence/Northland",
                               **said("W", "Nora", valid_from=utc("2024-07-01")))),
    "sold": ("Dina", event("c1", Step.TRANSFER, "UT-2", giver="Dealer", receiver="Ada")),
    "taken back": ("Sven", Withdrawal(kind="Licence", **said("w", "Sven", subject="LS", valid_from=utc("2024-06-01")))),
}  # fmt: skip

# Of a withdrawal and what it withdraws, the last recorded speaks: these keep their order.
AFTER = {"taken back": "southern licence"}


@dataclass
class Door:
    """A registry without a disk: facts are stamped as they are let in."""

    facts: Facts = field(default_factory=lambda: Facts(offices()))
    index: Index = field(default_factory=Index)
    now: np.datetime64 = NOW

    def hand_in(self, person: str, fact: Fact) -> ControlError | None:
        self.now += np.timedelta64(1, "s")
        who = actor(person)
        signed = who.signed(fact)
        (error,) = examine([signed], who, self.facts, self.index, self.now)
        if error is None:
            self.facts.add(replace(signed, recorded_at=self.now))
        return error


def settled(order_of_names: Sequence[str]) -> Facts:
    """The facts once everything was handed in in an order; what is refused is handed in again later."""
    door = Door()
    waiting = list(order_of_names)
    while waiting:
        left: list[str] = []
        for name in waiting:
            if AFTER.get(name) in (*waiting[waiting.index(name) :], *left) or door.hand_in(*SUBMISSIONS[name]):
                left.append(name)
        assert len(left) < len(waiting), [door.hand_in(*SUBMISSIONS[name]) for name in left]
        waiting = left
    return door.facts


def answers(facts: Facts, known_at: str | np.datetime64 = "2030-01-01") -> list[tuple[Any, ...]]:
    """What is decided about every unit at every place and time, and on which facts."""
    compiled = compile_facts(facts, known_at)
    found = []
    for unit in UNITS:
        for place in PLACES:
            for time in TIMES:
                decision = decide(compiled, unit, place, time, speed_m_s=10.0)
                reasons = tuple((r.rule, r.text, r.lifted_by, *(f.id for f in r.facts)) for r in decision.reasons)
                found.append((decision.outcome, decision.code, decision.holds_until, reasons))
    return found


EXPECTED = answers(settled(list(SUBMISSIONS)))


@settings(max_examples=25, deadline=None)
@given(st.permutations(list(SUBMISSIONS)))
def test_submissions_in_any_order_give_the_same_decisions(names: list[str]) -> None:
    assert answers(settled(names)) == EXPECTED


def test_the_submissions_decide_something() -> None:
    assert len({answer[:2] for answer in EXPECTED}) > 5
    bare = answers(Facts(offices()))
    assert sum(a != b for a, b in zip(bare, EXPECTED, strict=True)) > len(bare) // 2


@settings(max_examples=25, deadline=None)
@given(st.permutations(list(SUBMISSIONS)), st.integers(0, len(SUBMISSIONS)))
def test_one_batch_is_let_in_as_its_facts_one_by_one(names: list[str], cut: int) -> None:
    """Of one person's facts in a batch, whatever their order, those are let in that stand together."""
    own = [fact for name in names if SUBMISSIONS[name][0] == "Olga" for fact in (SUBMISSIONS[name][1],)][:cut]
    who = actor("Olga")
    signed = [who.signed(fact) for fact in own]
    door = Door()
    together = {f.id for f, e in zip(signed, examine(signed, who, door.facts, Index(), NOW), strict=True) if e is None}
    waiting = own
    while True:
        left = [fact for fact in waiting if door.hand_in("Olga", fact)]
        if len(left) == len(waiting):
            break
        waiting = left
    assert together == {fact.id for fact in own} - {fact.id for fact in waiting}


@settings(max_examples=15, deadline=None)
@given(st.data())
def test_what_was_known_is_not_changed_by_what_is_recorded_later(data: st.DataObject) -> None:
    """Orders that reach back in time are among what comes later."""
    names = data.draw(st.permutations(list(SUBMISSIONS)))
    door = Door()
    then: list[tuple[np.datetime64, list[tuple[Any, ...]]]] = []
    for name in names:
        door.hand_in(*SUBMISSIONS[name])
        if data.draw(st.booleans()):
            then.append((door.now, answers(door.facts, door.now)))
    for known_at, before in then:
        assert answers(door.facts, known_at) == before


@dataclass
class HandClock:
    """A clock that is set by hand; every look at it is a microsecond later."""

    now: np.datetime64 = NOW

    def __call__(self) -> np.datetime64:
        self.now += np.timedelta64(1, "us")
        return self.now


Makes = Callable[[str], Registry]


@pytest.fixture
def make(tmp_path: Path, request: pytest.FixtureRequest) -> Makes:
    def registry(engine: str) -> Registry:
        url = None
        if engine == "postgresql":
            server: Server = request.getfixturevalue("postgresql")
            url = server.database()
        made = Registry.create(tmp_path / engine, "Olga", url, key=key_of("Olga"), clock=HandClock())
        for person in ("Olga", "Nora"):
            own = [fact for fact in offices() if fact.author == person and fact.id != "appointment-Olga"]
            made.record(own, actor(person))
        return made

    return registry


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_a_late_order_is_replayed_bit_for_bit(engine: str, make: Makes, tmp_path: Path) -> None:
    with make(engine) as registry:
        known_at = registry.known_at

        def told(at: np.datetime64) -> str:
            compiled = compile_facts(registry.facts, at)
            return "\n".join(decide(compiled, "UT-1", PLACES[0], time).to_json() for time in TIMES)

        before = told(known_at)
        registry.record([order("late", valid_from=utc("2024-01-10"))], actor("Nora"))
        assert told(known_at) == before
        latest = registry.known_at
        after = told(latest)
        assert after != before
    with Registry.open(tmp_path / engine, read_only=True) as again:
        compiled = compile_facts(again.facts, known_at)
        assert "\n".join(decide(compiled, "UT-1", PLACES[0], time).to_json() for time in TIMES) == before
        compiled = compile_facts(again.facts, latest)
        assert "\n".join(decide(compiled, "UT-1", PLACES[0], time).to_json() for time in TIMES) == after
        with pytest.raises(StoreError, match="is open for reading only"):
            again.record([party("X")], actor("Olga"))


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_nothing_is_half_stored(engine: str, make: Makes, tmp_path: Path) -> None:
    with make(engine) as registry, Registry.open(tmp_path / engine) as other:
        before = {fact.id for fact in registry.facts}
        good, bad = party("Good"), account("A-9", "Nobody")
        with pytest.raises(ControlError, match="there is no party Nobody"):
            registry.record([good, bad], actor("Olga"))
        assert {fact.id for fact in registry.facts} == before
        other.refresh()
        assert {fact.id for fact in other.facts} == before
        registry.record([good], actor("Olga"))
        # The other process examines what it has not seen yet when its turn comes to write.
        with pytest.raises(ControlError, match="it is taken"):
            other.record_rows([(1, good)], actor("Olga")).receipt or other.record([good], actor("Olga"))
        assert {fact.id for fact in other.facts} == before | {good.id}


def test_two_writers_cannot_pass_the_door_with_what_only_one_may(make: Makes, tmp_path: Path) -> None:
    """What was examined before another wrote is examined again in the writer's turn."""
    with make("sqlite") as registry, Registry.open(tmp_path / "sqlite") as other:
        assert other.examine([terminal("UT-9", "A-1")], actor("Olga")) == [None]
        registry.record([terminal("UT-8", "A-1", public_key=terminal("UT-9").public_key)], actor("Olga"))
        with pytest.raises(ControlError, match="it is the key of UT-8"):
            other.record_rows([(1, terminal("UT-9", "A-1"))], actor("Olga"))


def test_the_log_has_an_entry_for_every_fact(make: Makes) -> None:
    with make("sqlite") as registry:
        receipt = registry.record([order("o")], actor("Nora"))
        (leaf,) = receipt.leaves
        assert registry.store.leaf_of("o") == leaf
        assert registry.verifies(receipt.facts[0])
        forged = replace(receipt.facts[0], reason="other")  # type: ignore[call-arg]
        assert not registry.verifies(forged)


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_an_order_touches_terminals_where_they_were_last_decided_about(engine: str, make: Makes) -> None:
    over = order("o", target=Target.AREA, on="licence/Northland")
    away = order("o", "Sven", target=Target.AREA, on="licence/Southland")
    with make(engine) as registry:
        assert registry.touched(over) == ["UT-1", "UT-2"]
        assert registry.touched(away) == []
        compiled = compile_facts(registry.facts, registry.known_at)
        decisions = [decide(compiled, "UT-1", place, NOW) for place in (PLACES[0], PLACES[1])]
        registry.store.append_decisions(decisions, by="network")
        assert registry.store.last_cells() == {"UT-1": decisions[1].cell}
        assert registry.touched(away) == ["UT-1"]


def test_a_database_alone_is_read_and_not_written(make: Makes, tmp_path: Path) -> None:
    with make("postgresql") as registry:
        expected = {fact.id for fact in registry.facts}
    url = (tmp_path / "postgresql" / "store.url").read_text().strip()
    with Registry.open(url) as alone:
        assert {fact.id for fact in alone.facts} == expected
        assert alone.read_only
        with pytest.raises(StoreError, match="give the registry's folder, with its log and keys"):
            alone.record([party("X")], actor("Olga"))
