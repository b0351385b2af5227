from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyhaul.emulation import LinkTable, RandomOutages, TimedOutages, with_outages
from skyhaul.errors import InputError

MS = 1_000_000


def table(times: list[int], delays: list[int], period: int = 0) -> LinkTable:
    n = len(times)
    return LinkTable(
        np.array(times, np.int64), np.array(delays, np.int64), np.full(n, 1e6), np.zeros(n), np.zeros(n, bool), period
    )


def test_delay_is_linear_between_states_and_steps_where_two_share_a_time() -> None:
    link = table([0, 10 * MS, 10 * MS, 20 * MS], [5 * MS, 7 * MS, 20 * MS, 18 * MS])
    times = np.array([-5, 0, 5, 10, 15, 20, 99]) * MS
    np.testing.assert_array_equal(link.delay_at(times), np.array([5, 5, 6, 20, 19, 18, 18]) * MS)


def test_a_table_that_repeats_goes_on_from_its_last_state_to_its_first() -> None:
    link = table([0, 10 * MS], [0, 10 * MS], period=20 * MS)
    times = np.array([5, 15, 25, 35, 1000, 1005]) * MS
    np.testing.assert_array_equal(link.delay_at(times), np.array([5, 5, 5, 5, 0, 5]) * MS)


@given(
    st.lists(st.integers(0, 200), min_size=1, max_size=8), st.integers(0, 2), st.integers(0, 900), st.integers(1, 300)
)
def test_a_window_says_what_the_table_says(gaps: list[int], repeats: int, start: int, length: int) -> None:
    times = [int(t) for t in np.cumsum(gaps)]
    rng = np.random.default_rng(7)
    n = len(times)
    span = times[-1] - times[0]
    link = LinkTable(
        np.array(times, np.int64),
        rng.integers(0, 100, n),
        rng.integers(1, 9, n).astype(float),
        np.zeros(n),
        np.zeros(n, bool),
        (span + 40) * repeats,
    )
    window = link.window(start, start + length)
    inside = np.arange(start, start + length)
    np.testing.assert_allclose(window.delay_at(inside), link.delay_at(inside))
    assert window.period_ns == 0
    assert window.time_ns[0] <= max(start, times[0])


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"time_ns": np.array([5, 3])}, "before the row above"),
        ({"delay_ns": np.array([0, -1])}, "row 2"),
        ({"rate_bps": np.array([math.nan, 1e6])}, "row 1"),
        ({"rate_bps": np.array([1e6, 0.5])}, "1 bit/s"),
        ({"loss": np.array([0.0, 1.5])}, "between 0 and 1"),
        ({"period_ns": 1}, "cannot repeat"),
        ({"rate_bps": np.zeros(2), "period_ns": 9}, "never lets anything pass"),
        ({"loss": np.zeros(3)}, "one length"),
    ],
)
def test_a_table_that_makes_no_sense_is_refused(change: dict[str, object], what: str) -> None:
    fields: dict[str, object] = {
        "time_ns": np.array([0, 5]),
        "delay_ns": np.zeros(2, np.int64),
        "rate_bps": np.full(2, 1e6),
        "loss": np.zeros(2),
        "outage": np.zeros(2, bool),
    }
    with pytest.raises(InputError, match=what):
        LinkTable(**(fields | change))  # type: ignore[arg-type]


def test_outages_by_the_clock_are_put_into_any_window_alike() -> None:
    link = table([0, 1000 * MS], [0, 100 * MS], period=2000 * MS)
    schedule = TimedOutages.parse("300ms+50ms/400ms")
    times = np.arange(0, 5000, 7) * MS
    phase = (times // MS - 300) % 400
    expected = (times >= 300 * MS) & (phase < 50)
    for start, stop in ((0, 5000 * MS), (640 * MS, 2000 * MS), (4000 * MS, 5000 * MS)):
        window = with_outages(link, start, stop, [schedule])
        inside = (times >= start) & (times < stop)
        row = np.searchsorted(window.time_ns, times[inside], side="right") - 1
        np.testing.assert_array_equal(window.outage[row], expected[inside])
        np.testing.assert_allclose(window.delay_at(times[inside]), link.delay_at(times[inside]), atol=2)


def test_random_outages_have_the_means_they_were_given_and_do_not_depend_on_who_asks() -> None:
    whole = RandomOutages(9_000_000, 1_000_000, seed=4)
    spans = np.array(whole.between(0, 40_000_000_000))
    assert (spans[1:, 0] > spans[:-1, 1]).all()
    off, on = spans[:, 1] - spans[:, 0], spans[1:, 0] - spans[:-1, 1]
    # 4,000 exponential times: the standard error of the mean is 1.6 %.
    assert off.mean() == pytest.approx(1e6, rel=0.06)
    assert on.mean() == pytest.approx(9e6, rel=0.06)
    pieces = RandomOutages(9_000_000, 1_000_000, seed=4)
    parts = {span for start in range(0, 40_000, 500) for span in pieces.between(start * MS, (start + 500) * MS)}
    assert parts >= {tuple(int(edge) for edge in span) for span in spans[:-1]}


@pytest.mark.parametrize("text", ["12s", "12s+", "+5ms", "1s+2s/1s", "1s+0ms", "1s+1s/2s/3s"])
def test_words_that_are_no_outage_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="--outage"):
        TimedOutages.parse(text, "--outage")
