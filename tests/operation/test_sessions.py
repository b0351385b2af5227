"""What is on record of slots comes back as it was, whatever it was, and takes little room."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from skyhaul.network import Reason
from skyhaul.operation import Operation
from skyhaul.operation._database import BLOCKS, SLOTS
from skyhaul.operation._packing import (
    HOUR,
    NEIGHBOURS,
    SlotColumns,
    packed_hour,
    packed_slot,
    unpacked_block,
    unpacked_slot,
)
from tests.operation.conftest import BEGIN, SECOND, SLOT_S, Opener, scenario

_COLUMNS = ("number", "satellite", "gateway", "pop", "reason", "rule", "cell")


def columns_of(seed: int, terminals: int, numbers: int, satellites: int) -> SlotColumns:
    chance = np.random.default_rng(seed)
    number = chance.permutation(numbers)[:terminals]
    cut = np.sort(chance.permutation(terminals)[: terminals // 3])
    return SlotColumns(
        number=number,
        satellite=chance.integers(-1, satellites, terminals),
        gateway=chance.integers(-1, 200, terminals),
        pop=chance.integers(-1, 40, terminals),
        reason=chance.integers(0, 12, terminals),
        rule=chance.integers(-1, 30, terminals),
        cell=chance.integers(2**59, 2**60, terminals),
        cut=cut,
        cut_ms=chance.integers(0, 15_000, len(cut)),
    )


def as_rows(columns: SlotColumns) -> dict[int, tuple[Any, ...]]:
    """Each terminal's row, whatever the order; with when its lease ended."""
    ends = dict(zip(columns.cut.tolist(), columns.cut_ms.tolist(), strict=True))
    rows = zip(*(getattr(columns, name).tolist() for name in _COLUMNS), strict=True)
    return {row[0]: (*row[1:], ends.get(k)) for k, row in enumerate(rows)}


@given(st.integers(0, 2**32 - 1), st.integers(0, 40))
def test_a_slot_comes_back_as_it_was(seed: int, terminals: int) -> None:
    columns = columns_of(seed, terminals, 50, 10_000)
    assert as_rows(unpacked_slot(packed_slot(columns))) == as_rows(columns)


@settings(max_examples=30, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 2 * NEIGHBOURS + 3),
    st.sets(st.integers(0, HOUR - 1), min_size=1, max_size=8),
    st.sampled_from([3, 300, 60_000]),
)
def test_an_hour_comes_back_as_it_was(seed: int, terminals: int, slots: set[int], satellites: int) -> None:
    """Also where terminals and slots are missing, and where more than 255 satellites come up."""
    first = 1_000 * HOUR
    chance = np.random.default_rng(seed)
    given_ = [
        (first + slot, columns_of(seed + slot, int(chance.integers(1, terminals + 1)), terminals, satellites))
        for slot in sorted(slots)
    ]
    numbers, blocks = packed_hour(first, given_)
    assert len(blocks) == -(-len(numbers) // NEIGHBOURS)
    found: dict[int, dict[int, tuple[Any, ...]]] = {}
    for part, data in enumerate(blocks):
        own = set(numbers[part * NEIGHBOURS : (part + 1) * NEIGHBOURS].tolist())
        for slot, columns in unpacked_block(first, data):
            rows = as_rows(columns)
            assert set(rows) <= own
            found.setdefault(slot, {}).update(rows)
    assert found == {slot: as_rows(columns) for slot, columns in given_}


def test_sessions_are_the_same_before_and_after_their_hour_is_packed(running: Opener, folder: Path) -> None:
    operation = running(folder=folder)
    operation.set_time(step_s=float(HOUR * SLOT_S) / 8)
    operation.add_terminal({"name": "vienna", "latitude_deg": 48.2, "longitude_deg": 16.37})
    operation.set_time(step_s=5.0 * SLOT_S)
    operation.set_time(at=operation.now().time + np.timedelta64(10, "m"))  # a gap
    operation.set_time(step_s=5.0 * SLOT_S)
    operation.remove_terminal("vienna")
    operation.set_time(step_s=5.0 * SLOT_S)
    spans = ((0, 2**62), (BEGIN + 100 * SECOND, BEGIN + 200 * SECOND), (BEGIN + 9 * 10**11, 2**62))
    names = ("louvain", "lincoln", "vienna")
    before = {(name, *span): operation.sessions(name, *span) for name in names for span in spans}
    assert all(before[name, 0, 2**62] for name in names)
    log = operation._sessions
    assert log.pack(operation.now().slot + 10 * HOUR) in (1, 2)
    with operation.database.reading() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(SLOTS)).scalar() == 0
        assert connection.execute(sa.select(sa.func.count()).select_from(BLOCKS)).scalar() in (1, 2)
    assert {(name, *span): operation.sessions(name, *span) for name in names for span in spans} == before
    again = operation.now().slot
    operation.set_time(at=operation.now().time - np.timedelta64(2, "m"))  # the same slots once more
    operation.set_time(step_s=5.0 * SLOT_S)
    log.pack(again + 10 * HOUR)
    lived = operation.sessions("louvain", 0, 2**62)
    assert [session.start_ns for session in lived] == sorted(session.start_ns for session in lived)


def test_sessions_add_up_to_the_time_that_was_lived(running: Opener) -> None:
    """Two terminals, one of them withheld for a time that begins and ends inside slots."""
    operation: Operation = running(
        scenario(withheld=[{"terminal": "lincoln", "start": "+37s", "end": "+64s"}], scheduler={"strategy": "sticky"})
    )
    operation.set_time(step_s=200.0)
    for name in ("louvain", "lincoln"):
        sessions = operation.sessions(name, 0, 2**62)
        assert sessions[0].start_ns == BEGIN
        assert sum(session.duration_s for session in sessions) == 14 * SLOT_S
        assert not any(session.before_gap for session in sessions)
        for one, other in pairwise(sessions):
            assert one.end_ns == other.start_ns
    refused = [session for session in operation.sessions("lincoln", 0, 2**62) if session.reason == Reason.NO_GRANT]
    (only,) = refused
    assert only.rule == "scenario.withheld"
    assert (only.start_ns - BEGIN) / SECOND == pytest.approx(37.0, abs=1e-3)
    assert (only.end_ns - BEGIN) / SECOND == 75.0  # a permission waits for the next slot
