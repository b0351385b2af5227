from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skyhaul.emulation import Cause, Direction, DirectionSettings, Fate, LinkTable, Shape
from tests.emulation.recorded import END, MS, constant, run, steps

PACKET = Shape.single(1250)


@pytest.mark.parametrize("mbit", [1, 20, 100, 300, 2_345.678])
def test_a_busy_link_serves_its_rate_exactly(mbit: float) -> None:
    rng = np.random.default_rng(2)
    sizes = rng.integers(40, 1501, 2000)
    fates = run(DirectionSettings(), constant(mbit * 1e6), [(0, Shape.single(int(size))) for size in sizes])
    seconds = (fates[-1].departure_ns - 0) / 1e9
    assert sizes.sum() * 8 / seconds == pytest.approx(mbit * 1e6, rel=1e-6)


@given(
    st.lists(st.tuples(st.integers(0, 3 * MS), st.integers(20, 1500), st.integers(1, 45)), min_size=1, max_size=60),
    st.integers(10_000, 10**9),
    st.integers(0, 40 * MS),
)
@settings(max_examples=60, deadline=None)
def test_nothing_is_early_nothing_overtakes_and_nothing_vanishes(
    arrivals: list[tuple[int, int, int]], rate: int, delay: int
) -> None:
    times = np.cumsum([gap for gap, _, _ in arrivals])
    offers = [(int(t), Shape(n, size, size)) for t, (_, size, n) in zip(times, arrivals, strict=True)]
    fates = run(DirectionSettings(queue_bytes=20_000), constant(rate, delay), offers)
    assert sum(fate.segments for fate in fates) == sum(n for _, _, n in arrivals)
    served = [fate for fate in fates if fate.cause is Cause.DELIVERED]
    for fate in served:
        # To a nanosecond: what is left of one is carried on to the next packet.
        assert fate.departure_ns >= fate.arrival_ns + math.floor(fate.wire_bytes * 8e9 / rate)
        assert fate.release_ns >= fate.departure_ns + delay
    assert [fate.release_ns for fate in served] == sorted(fate.release_ns for fate in served)
    # No second of a link carries more than its rate.
    total = sum(fate.wire_bytes for fate in served)
    busy = served[-1].departure_ns - served[0].arrival_ns
    assert total * 8e9 / rate <= busy + 1


def test_a_backlog_is_served_at_the_new_rate_from_the_moment_it_changes() -> None:
    # 100 packets of 10,000 bits at 1 Mbit/s, and 10 Mbit/s from 0.4 s on: 40 of them leave before, 60 in 60 ms.
    fates = run(DirectionSettings(), steps((0, 1e6), (400 * MS, 1e7)), [(0, PACKET)] * 100)
    assert fates[39].departure_ns == 400 * MS
    assert fates[-1].departure_ns == 460 * MS


def test_a_packet_that_is_being_sent_when_the_rate_changes_is_served_at_both() -> None:
    fates = run(DirectionSettings(), steps((0, 1e6), (4 * MS, 2e6)), [(0, PACKET)])
    assert fates[0].departure_ns == 7 * MS


def test_a_super_packet_takes_as_long_as_its_segments() -> None:
    shape = Shape(44, 1500, 700)
    one = run(DirectionSettings(burst_ns=10 * MS), constant(1e8), [(0, shape)])
    many = run(DirectionSettings(), constant(1e8), [(0, Shape.single(1500))] * 43 + [(0, Shape.single(700))])
    assert one[-1].departure_ns == many[-1].departure_ns
    assert sum(fate.wire_bytes for fate in one) == 43 * 1500 + 700
    # On a slow link it is served segment by segment.
    slow = run(DirectionSettings(), constant(1e7), [(0, shape)])
    assert [fate.segments for fate in slow] == [1] * 44


def test_pieces_last_no_longer_than_they_may() -> None:
    fates = run(DirectionSettings(burst_ns=250_000), constant(3e8), [(0, Shape(44, 1500, 1500))])
    assert {fate.segments for fate in fates} == {6, 2}
    assert 6 * 1500 * 8e9 / 3e8 <= 250_000 < 7 * 1500 * 8e9 / 3e8


def test_the_queue_holds_its_bytes_and_drops_the_rest_at_the_tail() -> None:
    fates = run(DirectionSettings(queue_bytes=10 * 1250), constant(1e6), [(0, PACKET)] * 20)
    # One goes to the idle link, ten wait.
    assert [fate.cause for fate in fates] == [Cause.DELIVERED] * 11 + [Cause.QUEUE] * 9


def test_the_queue_takes_the_leading_segments_of_a_super_packet() -> None:
    fates = run(DirectionSettings(queue_bytes=10 * 1250), constant(1e6), [(0, Shape(20, 1250, 1250))])
    assert sum(fate.segments for fate in fates if fate.cause is Cause.DELIVERED) == 11
    assert sum(fate.segments for fate in fates if fate.cause is Cause.QUEUE) == 9


def test_a_link_without_a_queue_still_takes_what_finds_it_idle() -> None:
    arrivals = [(i * 20 * MS, PACKET) for i in range(5)] + [(95 * MS, PACKET)]
    fates = run(DirectionSettings(queue_bytes=0), constant(1e6), arrivals)
    assert [fate.cause for fate in fates] == [Cause.DELIVERED] * 6
    fates = run(DirectionSettings(queue_bytes=0), constant(1e6), [(0, PACKET), (5 * MS, PACKET), (10 * MS, PACKET)])
    assert [fate.cause for fate in fates] == [Cause.DELIVERED, Cause.QUEUE, Cause.DELIVERED]


def test_delay_follows_the_table_and_a_step_down_overtakes_nothing() -> None:
    table = LinkTable(
        np.array([0, 100, 100, 200]) * MS,
        np.array([20, 30, 10, 10]) * MS,
        np.full(4, math.inf),
        np.zeros(4),
        np.zeros(4, bool),
    )
    arrivals = [(i * 10 * MS, PACKET) for i in range(20)]
    ordered = [fate.release_ns / MS for fate in run(DirectionSettings(), table, arrivals)]
    assert ordered[5] == 50 + 25
    assert ordered[9] == 90 + 29
    assert ordered[10] == 119  # its own time would be 110: it waits for those before it
    assert ordered[11] == 120
    assert ordered[12] == 130
    assert ordered == sorted(ordered)
    free = [fate.release_ns / MS for fate in run(DirectionSettings(reorder=True), table, arrivals)]
    assert free[9] == 119
    assert free[10] == 110


def test_an_outage_drops_what_would_be_sent_in_it() -> None:
    table = steps((0, 1e6), (105 * MS, 1e6), (200 * MS, 1e6), out=[1])
    fates = run(DirectionSettings(), table, [(i * 10 * MS, PACKET) for i in range(30)])
    lost = [i for i, fate in enumerate(fates) if fate.cause is Cause.OUTAGE]
    # Number 10 is being sent when it begins.
    assert lost == list(range(10, 20))
    assert all(fate.departure_ns == fate.arrival_ns + 10 * MS for fate in fates if fate.cause is Cause.DELIVERED)


def test_an_outage_that_holds_goes_on_where_it_stopped() -> None:
    table = steps((0, 1e6), (105 * MS, 1e6), (200 * MS, 1e6), out=[1])
    fates = run(DirectionSettings(hold_outage=True), table, [(i * 10 * MS, PACKET) for i in range(30)])
    assert all(fate.cause is Cause.DELIVERED for fate in fates)
    assert fates[10].departure_ns == 205 * MS  # half sent before, half after
    assert fates[29].departure_ns == 395 * MS


def test_a_link_that_stands_still_waits_for_a_new_table() -> None:
    direction = Direction(DirectionSettings(), steps((0, 1e6), (5 * MS, 0.0)))
    direction.offer(0, PACKET)
    direction.advance(1000 * MS)
    assert direction.due(END) is None
    assert direction.next_event_ns > END
    direction.use(constant(1e6).shifted(2000 * MS))
    direction.advance(2000 * MS)
    piece = direction.due(END)
    assert piece is not None
    assert piece.departure_ns == 2005 * MS


@given(st.lists(st.integers(0, 20 * MS), min_size=1, max_size=30), st.lists(st.integers(0, 5 * MS), max_size=40))
@settings(max_examples=40, deadline=None)
def test_what_becomes_of_packets_does_not_depend_on_when_anybody_looks(gaps: list[int], looks: list[int]) -> None:
    rules = DirectionSettings(queue_bytes=4000, seed=3)
    table = constant(3e6, 7 * MS, 0.2)
    times = np.cumsum(gaps).tolist()
    asked = run(rules, table, [(t, PACKET) for t in times])
    fates: list[Fate] = []
    direction = Direction(rules, table, fates.append)
    moments = sorted([(int(t), 1) for t in times] + [(int(t), 0) for t in np.cumsum(looks).tolist()])
    for time, is_packet in moments:
        if is_packet:
            direction.offer(time, PACKET)
        else:
            direction.advance(time)
    direction.advance(END)
    while (piece := direction.due(END)) is not None:
        fates.append(piece.fate)
    assert sorted(fates, key=lambda fate: fate.serial) == asked
