"""Who may be served, in a system that runs: orders act within two slots, and nothing outlives the facts behind it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pytest

from skyhaul.control.facts import Action, Order, OrderEnd, Target, utc
from skyhaul.control.registry import Registry
from skyhaul.network import Reason
from skyhaul.operation import Operation
from skyhaul.scenario import Scenario
from tests.control.registry.offices import actor, key_of, offices
from tests.operation.conftest import BEGIN, SECOND, SLOT_S, START, Opener, Wall, eventually, scenario

TERMINALS = [
    {"name": "school", "unit": "UT-1", "latitude_deg": 49.0, "longitude_deg": 12.0},
    {"name": "clinic", "unit": "UT-2", "latitude_deg": 49.1, "longitude_deg": 12.1},
]


def northland() -> Scenario:
    return scenario(terminals=TERMINALS)


def registry_at(folder: Path, clock: Callable[[], np.datetime64] | None = None) -> Registry:
    return Registry.create(folder, "Olga", history=offices(), key=key_of("Olga"), clock=clock)


def order(id_: str, unit: str = "UT-1", valid_from: str = "2024-01-01") -> Order:
    return Order(
        id=id_,
        valid_from=utc(valid_from),
        recorded_at=utc(START),
        source="office",
        author="Nora",
        authority="Northland Office",
        action=Action.SUSPEND,
        target=Target.UNIT,
        on=unit,
        reason="stolen",
        legal_basis="act 7, section 2",
    )


def end_of(order_: Order) -> OrderEnd:
    return OrderEnd(
        id=f"end-{order_.id}",
        valid_from=utc("2024-01-01"),
        recorded_at=utc(START),
        source="office",
        author="Nora",
        order=order_.id,
        authority="Northland Office",
        reason="found",
    )


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    with registry_at(tmp_path / "office") as made:
        yield made


@pytest.mark.parametrize("into_slot_s", [0.5, 7.0, 14.5])
def test_an_order_acts_within_two_slots_and_so_does_its_end(
    running: Opener, registry: Registry, into_slot_s: float
) -> None:
    """The registry stamps with the wall clock, years after the system's date: what counts is when it was heard."""
    operation = running(northland(), registry=registry)
    operation.set_time(step_s=SLOT_S + into_slot_s)
    assert operation.now().served.all()
    given = registry.record([order("o-1")], actor("Nora")).facts[0]
    assert given.recorded_at > operation.now().time
    operation.set_time(step_s=2 * SLOT_S)
    school, clinic = operation.terminal("school"), operation.terminal("clinic")
    assert (school.state, clinic.state) == ("refused", "served")
    assert school.rule == "order.unit"
    assert not operation.may_be_served("school")
    assert any(event.kind == "order" and event.detail["order"] == "o-1" for event in operation.events.since(0))
    assert "o-1" in operation.decision("school").to_json()
    registry.record([end_of(order("o-1"))], actor("Nora"))
    operation.set_time(step_s=2 * SLOT_S)
    assert operation.terminal("school").state == "served"


def test_an_order_in_real_time_acts_within_two_slots(running: Opener, tmp_path: Path) -> None:
    """The registry's clock is the system's."""
    wall = Wall()
    time: dict[str, Operation] = {}
    clock = lambda: np.datetime64(time["is"].clock.now_ns() if time else BEGIN, "ns")  # noqa: E731
    with registry_at(tmp_path / "office", clock) as registry:
        operation = time["is"] = running(northland(), registry=registry, paused=False, wall=wall)
        _run(operation, wall, 20)
        registry.record([order("o-1")], actor("Nora"))
        recorded_s = (operation.now().time_ns - BEGIN) / SECOND
        while operation.terminal("school").state == "served":
            _run(operation, wall, 1)
            assert (operation.now().time_ns - BEGIN) / SECOND - recorded_s <= 2 * SLOT_S
        assert operation.now().view.late == 0


def test_decisions_that_change_a_state_are_recorded_once(running: Opener, registry: Registry) -> None:
    operation = running(northland(), registry=registry)
    operation.set_time(step_s=3 * SLOT_S)
    registry.record([order("o-1")], actor("Nora"))
    operation.set_time(step_s=4 * SLOT_S)
    eventually(lambda: len(registry.store.decisions("UT-1")) == 2)
    operation.set_time(step_s=2 * SLOT_S)
    recorded = registry.store.decisions("UT-1")
    assert [record.code.name for record in recorded] == ["OKAY", "ACCOUNT_DISABLED"]
    assert len(registry.store.decisions("UT-2")) == 1


def test_a_terminal_that_comes_changes_nobody_elses_leases_or_record(running: Opener, registry: Registry) -> None:
    operation = running(northland(), registry=registry)
    operation.set_time(step_s=SLOT_S + 2.0)
    eventually(lambda: len(registry.store.decisions("UT-2")) == 1)
    told = len([event for event in operation.events.since(0) if event.kind == "decision"])
    operation.add_terminal({"name": "stranger", "latitude_deg": 49.2, "longitude_deg": 12.2})
    eventually(lambda: operation.now().following is not None)
    assert operation.may_be_served("school")
    assert not operation.may_be_served("stranger")
    operation.set_time(step_s=2 * SLOT_S)
    assert operation.may_be_served("school")
    assert [view.state for view in operation.terminals()] == ["served", "served", "refused"]
    decisions = [event for event in operation.events.since(0) if event.kind == "decision"][told:]
    assert [event.detail["terminal"] for event in decisions] == ["stranger"]


def test_with_the_store_out_of_reach_leases_run_out_and_come_back_with_it(running: Opener, tmp_path: Path) -> None:
    wall = Wall()
    with registry_at(tmp_path / "office") as registry:
        operation = running(northland(), registry=registry, paused=False, wall=wall)
        _run(operation, wall, 20)
        assert operation.now().served.all()
        with _stuck(tmp_path / "office" / "control.db"):
            heard_ns = operation.now().view.heard_ns
            assert heard_ns is not None
            while operation.now().served.any():
                assert operation.now().time_ns - heard_ns <= 30 * SECOND + SECOND
                _run(operation, wall, 1)
            assert "does not answer" in operation.now().view.trouble
            assert {view.rule for view in operation.terminals()} == {"knowledge.stale"}
            assert not operation.may_be_served("school")
            age_s = operation.now().knowledge_age_s
            assert age_s is not None
            assert age_s >= 29.0
        _run(operation, wall, 2 * SLOT_S)
        assert operation.now().served.all()
        assert operation.now().view.trouble == ""
        assert [event.detail["answers"] for event in operation.events.since(0) if event.kind == "store"] == [
            False,
            True,
        ]


def test_an_order_that_was_heard_is_still_known_after_a_restart(registry: Registry, folder: Path) -> None:
    with Operation.open(northland(), registry=registry, folder=folder, paused=True) as operation:
        operation.set_time(step_s=SLOT_S)
        registry.record([order("o-1")], actor("Nora"))
        operation.set_time(step_s=2 * SLOT_S)
        assert operation.terminal("school").state == "refused"
        left_at = operation.now().time_ns
    registry.record([order("o-2", "UT-2")], actor("Nora"))  # while nothing runs
    with Operation.open(northland(), registry=registry, folder=folder, paused=True) as operation:
        assert operation.now().time_ns == left_at + SLOT_S * SECOND  # the slot after the last on record
        assert operation.terminal("school").state == "refused"
        operation.set_time(step_s=2 * SLOT_S)
        assert [view.reason for view in operation.terminals()] == [Reason.NO_GRANT] * 2


def _run(operation: Operation, wall: Wall, seconds: int) -> None:
    """Let time pass, second by second, no faster than plans are made."""
    for _ in range(seconds):
        wall.move(1.0)
        eventually(lambda: operation.now().current is not None and operation.now().following is not None)


@contextmanager
def _stuck(database: Path) -> Iterator[None]:
    """Somebody holds the store's lock and does not let go."""
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")
