"""The system's time, whatever is done to it."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from skyhaul.errors import InputError
from skyhaul.operation import FASTEST, SLOWEST, Clock
from skyhaul.operation._clock import never_back
from tests.operation.conftest import SECOND, Wall


class ClockMachine(RuleBasedStateMachine):
    """A clock beside the sum of what it should have run."""

    def __init__(self) -> None:
        super().__init__()
        self.wall = Wall()
        self.clock = Clock(1_000 * SECOND, wall=self.wall)
        self.expected = 1_000.0 * SECOND
        self.speed, self.paused = 1.0, False
        self.turns = 0
        self.seen = self.clock.now_ns()

    @rule(seconds=st.floats(0.0, 100.0))
    def time_passes(self, seconds: float) -> None:
        before = self.wall.now_ns
        self.wall.move(seconds)
        if not self.paused:
            self.expected += (self.wall.now_ns - before) * self.speed
        self.turns += 1

    @rule(speed=st.floats(SLOWEST, FASTEST))
    def runs_at_another_speed(self, speed: float) -> None:
        self.clock.set_speed(speed)
        self.speed = speed
        self.turns += 1

    @rule()
    def pauses(self) -> None:
        self.clock.pause()
        self.paused = True
        self.turns += 1

    @rule()
    def goes_on(self) -> None:
        self.clock.resume()
        self.paused = False
        self.turns += 1

    @rule(seconds=st.floats(0.0, 1_000.0))
    def is_stepped(self, seconds: float) -> None:
        step = round(seconds * SECOND)
        self.clock.go_on_to(self.clock.now_ns() + step)
        self.expected += step
        self.turns += 1

    @invariant()
    def has_run_what_it_should(self) -> None:
        assert abs(self.clock.now_ns() - self.expected) <= 1e-12 * self.expected + 2.0 * self.turns + 2.0

    @invariant()
    def never_goes_back(self) -> None:
        now = self.clock.now_ns()
        assert now >= self.seen
        self.seen = now

    @invariant()
    def says_what_it_is(self) -> None:
        assert self.clock.paused == self.paused
        assert self.clock.speed == self.speed


TestClock = ClockMachine.TestCase


@given(st.floats(SLOWEST, FASTEST), st.integers(0, 10**12))
def test_the_wait_for_an_instant_ends_at_it(speed: float, ahead_ns: int) -> None:
    wall = Wall()
    clock = Clock(0, speed=speed, wall=wall)
    wall.move(clock.wall_s_until(ahead_ns))
    assert abs(clock.now_ns() - ahead_ns) <= 2 + speed
    assert clock.wall_s_until(ahead_ns - int(speed) - 3) == 0.0


def test_a_paused_clock_waits_for_ever_and_a_jump_may_go_back() -> None:
    clock = Clock(100 * SECOND, paused=True, wall=Wall())
    assert clock.wall_s_until(101 * SECOND) == math.inf
    with pytest.raises(InputError, match="jump"):
        clock.go_on_to(99 * SECOND)
    clock.jump(99 * SECOND)
    assert clock.now_ns() == 99 * SECOND


@pytest.mark.parametrize("speed", [0.0, -1.0, 1e6, math.nan, math.inf])
def test_a_speed_that_is_none_is_refused(speed: float) -> None:
    with pytest.raises(InputError, match=r"0\.01 to 1000"):
        Clock(0, speed=speed)


@given(st.lists(st.integers(-(10**12), 10**12), max_size=30))
def test_a_clock_that_is_set_back_stands_until_it_has_caught_up(moves: list[int]) -> None:
    wall = Wall()
    read = never_back(wall)
    highest = wall.now_ns
    for move in moves:
        wall.now_ns += move
        highest = max(highest, wall.now_ns)
        assert read() == highest
