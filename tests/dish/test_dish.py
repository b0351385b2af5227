"""One dish through time, second by second: what it remembers, how it starts, what takes it off the network."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skyhaul.control.decision import Code
from skyhaul.dish import (
    SAMPLES,
    STEPS,
    BootTimes,
    Cause,
    Dish,
    DishRecord,
    DishState,
    Hardware,
    History,
    Settings,
    answer,
    hardware_id,
    message,
)
from skyhaul.errors import InputError
from skyhaul.network import Reason
from tests.dish.tapes import SECOND, SERVED, START, Tape, without

HARDWARE = Hardware(id=hardware_id("kyiv"))


class Life:
    """A dish and the tape that it follows."""

    def __init__(self, says: Callable[[float], DishState] = lambda _: SERVED, **given: Any) -> None:
        self.tape = Tape(says)
        self.dish = Dish("kyiv", HARDWARE, **given)
        self.dish.follow(self.tape)

    def until(self, seconds: float) -> Dish:
        self.tape.now_s = seconds
        self.dish.follow(self.tape)
        return self.dish

    def causes(self) -> list[tuple[Cause, float, float]]:
        """Its outages: cause, start, end, in seconds since START."""
        return [(o.cause, (o.start_ns - START) / SECOND, (o.end_ns - START) / SECOND) for o in self.dish.outages]


def ask(dish: Dish, request: str, **fields: Any) -> Any:
    return answer(dish, message("Request")(**{request: fields}))


@given(st.lists(st.integers(0, 2000), max_size=6))
@settings(max_examples=60, deadline=None)
def test_the_value_with_number_n_is_at_n_modulo_900(pieces: list[int]) -> None:
    history, written = History(), 0
    for piece in pieces:
        for _ in range(piece):
            history.add(0.0, float(written), 0.0, 0.0, 0.0)
            written += 1
    assert history.current == written
    ring = history.ring("latency_ms")
    assert len(ring) == SAMPLES
    for n in range(max(0, written - SAMPLES), written):
        assert ring[n % SAMPLES] == n
    assert (ring[written:] == 0.0).all()
    assert history.latest("latency_ms", 3).tolist() == list(range(max(0, written - 3), written))


def test_the_newest_sample_of_a_dish_wraps_around() -> None:
    life = Life(lambda now: replace(SERVED, rtt_s=max(0.0, now) / 1e3), ready=True)
    dish = life.until(2000.0)
    history = ask(dish, "get_history").dish_get_history
    assert history.current == 2000
    newest = (history.current - 1) % SAMPLES
    # The last sample is the mean of its two looks: 1999.5 s and 2000 s.
    assert history.pop_ping_latency_ms[newest] == pytest.approx(1999.75)
    assert history.pop_ping_latency_ms[(newest + 1) % SAMPLES] == pytest.approx(1100.75)


def test_a_start_goes_through_every_step_in_order() -> None:
    life = Life()
    life.until(300.0)
    # The 59 s of BOOTING are those of a real event log.
    assert life.causes() == [
        (Cause.BOOTING, 0.0, 59.0),
        (Cause.SKY_SEARCH, 59.0, 68.0),
        (Cause.NO_SCHEDULE, 68.0, 69.0),
        (Cause.NO_PINGS, 69.0, 70.0),
    ]
    status = ask(life.dish, "get_status").dish_get_status
    took = status.initialization_duration_seconds
    spans = [getattr(took, step) for step in STEPS]
    assert spans == sorted(spans)
    assert all(span > 0 for span in spans)
    assert took.ekf_converged == 59
    assert not status.HasField("outage")


def test_a_starting_dish_waits_for_satellites_and_for_a_schedule() -> None:
    def says(now: float) -> DishState:
        return without(Reason.NO_SATELLITE) if now < 100 else without(Reason.NO_BEAM) if now < 120 else SERVED

    life = Life(says)
    life.until(200.0)
    assert [(cause, end) for cause, _, end in life.causes()] == [
        (Cause.BOOTING, 59.0),
        (Cause.NO_SATS, 100.0),
        (Cause.SKY_SEARCH, 103.0),
        (Cause.NO_SCHEDULE, 121.0),
        (Cause.NO_PINGS, 122.0),
    ]
    assert life.dish.boot.reached["burst_detected"] == 100.0
    assert life.dish.boot.reached["network_schedule"] == 120.0


def test_a_refused_terminal_starts_up_to_its_schedule_and_no_further() -> None:
    life = Life(lambda _: without(Reason.NO_GRANT, Code.NO_ACTIVE_ACCOUNT))
    dish = life.until(600.0)
    assert dish.cause == Cause.NO_SCHEDULE
    status = ask(dish, "get_status").dish_get_status
    assert status.disablement_code == 2
    assert status.initialization_duration_seconds.network_schedule == 0
    assert status.seconds_to_first_nonempty_slot == 15.0


def test_a_reboot_resets_what_a_reboot_resets() -> None:
    life = Life(ready=True)
    dish = life.until(1000.0)
    ask(dish, "dish_stow")
    ask(dish, "dish_inhibit_gps", inhibit_gps=True)
    ask(dish, "dish_set_config", dish_config={"snow_melt_mode": 2, "apply_snow_melt_mode": True})
    before = ask(dish, "get_device_info").get_device_info.device_info
    ask(dish, "reboot")
    status = ask(dish, "get_status").dish_get_status
    assert (status.device_state.uptime_s, status.outage.cause) == (0, Cause.BOOTING)
    assert ask(dish, "get_history").dish_get_history.current == 0
    life.until(1030.0)
    status = ask(dish, "get_status").dish_get_status
    assert (status.device_state.uptime_s, status.outage.cause) == (30, Cause.BOOTING)
    assert status.initialization_duration_seconds.rf_ready == 20
    assert not status.gps_stats.gps_valid
    history = ask(dish, "get_history").dish_get_history
    assert history.current == 30
    assert set(history.pop_ping_drop_rate[:30]) == {1.0}
    assert set(history.pop_ping_drop_rate[30:]) == {0.0}
    info = ask(dish, "get_device_info").get_device_info.device_info
    assert info.bootcount == before.bootcount + 1
    assert (before.boot.last_reason, info.boot.last_reason) == (2, 3)
    # What its holder asked for stays: it starts, and is stowed again.
    life.until(1100.0)
    assert dish.cause == Cause.STOWED
    assert status.gps_stats.inhibit_gps
    assert dish.settings.snow_melt_mode == 2
    ask(dish, "dish_stow", unstow=True)
    life.until(1150.0)
    assert dish.cause is None


def test_a_factory_reset_forgets_settings_too() -> None:
    dish = Life(ready=True).until(10.0)
    ask(dish, "dish_set_config", dish_config={"snow_melt_mode": 2, "apply_snow_melt_mode": True})
    ask(dish, "dish_factory_reset")
    assert dish.settings == Settings()
    assert dish.cause == Cause.BOOTING


def test_handovers_and_what_comes_between_are_told() -> None:
    def says(now: float) -> DishState:
        if 20.0 <= now < 21.0:
            return without(Reason.POP_OUT)
        return replace(SERVED, satellite=1 if now < 20.0 else 2)

    life = Life(says, ready=True)
    life.until(60.0)
    (outage,) = life.dish.outages
    assert (outage.cause, outage.duration_ns, outage.switched) == (Cause.NO_PINGS, SECOND, True)
    drops = ask(life.dish, "get_history").dish_get_history.pop_ping_drop_rate
    # Looks at 20 and 20.5 s found nothing: half of the samples that end at 20 and at 21 s.
    assert drops[18:22] == [0.0, 0.5, 0.5, 0.0]


@pytest.mark.parametrize(
    ("reason", "cause"),
    [
        (Reason.NO_SATELLITE, Cause.NO_SATS),
        (Reason.OBSTRUCTED, Cause.OBSTRUCTED),
        (Reason.NO_GATEWAY, Cause.NO_SCHEDULE),
        (Reason.NO_BEAM, Cause.NO_SCHEDULE),
        (Reason.NO_GRANT, Cause.NO_SCHEDULE),
        (Reason.POP_OUT, Cause.NO_PINGS),
        (None, Cause.NO_SCHEDULE),
    ],
)
def test_reasons_of_the_network_are_told_as_a_dish_would(reason: Reason | None, cause: Cause) -> None:
    life = Life(lambda now: SERVED if now < 10.0 else without(reason), ready=True)
    assert life.until(20.0).cause == cause


def test_a_loss_on_the_path_is_a_drop_rate_and_no_outage() -> None:
    dish = Life(lambda _: replace(SERVED, loss=0.25), ready=True).until(5.0)
    assert (dish.drop_rate, dish.cause) == (0.25, None)
    assert dish.latency_ms == pytest.approx(30.0)


def test_a_dish_that_comes_back_runs_on_and_shows_the_gap() -> None:
    life = Life(ready=True)
    before = life.until(100.0)
    ask(before, "dish_stow")
    ask(before, "dish_stow", unstow=True)
    record = DishRecord.from_document(json.loads(json.dumps(before.record.document())))
    assert record == before.record
    tape = Tape(now_s=160.0)
    after = Dish("kyiv", HARDWARE, record=record)
    after.follow(tape)
    tape.now_s = 170.0
    after.follow(tape)
    assert after.uptime_s == 170.0
    assert (after.boot_count, after.cause) == (1, None)
    history = ask(after, "get_history").dish_get_history
    assert history.current == 170
    assert set(history.pop_ping_drop_rate[:159]) == {1.0}
    assert set(history.pop_ping_drop_rate[159:170]) == {0.0}
    assert [(o.cause, o.start_ns, o.end_ns) for o in after.outages] == [
        (Cause.UNKNOWN, START + 100 * SECOND, START + 160 * SECOND)
    ]


def test_a_pause_longer_than_the_history_costs_no_more_than_it() -> None:
    asked: list[float] = []

    def says(now: float) -> DishState:
        asked.append(now)
        return SERVED

    life = Life(says, ready=True)
    asked.clear()
    dish = life.until(1e6)
    assert len(asked) <= 2 * SAMPLES + 1
    assert dish.history.current == 1_000_000
    assert dish.cause is None


def test_time_that_goes_back_is_a_new_start() -> None:
    life = Life(ready=True)
    life.until(100.0)
    dish = life.until(50.0)
    assert (dish.uptime_s, dish.boot_count) == (0.0, 2)
    assert life.until(60.0).history.current == 10


def test_time_that_stands_still_changes_nothing() -> None:
    life = Life(ready=True)
    before = life.until(50.0).record
    assert life.until(50.0).record == before


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"colour": 1}, r"^dish record: unknown field 'colour'"),
        ({"boot_count": "3"}, r"^dish record: boot_count: '3'"),
        ({"boot_count": -1}, r"^dish record: boot_count: -1"),
        ({"stowed": 1}, r"^dish record: stowed: 1"),
        ({"settings": {"snow_melt_mode": 7}}, r"^dish record: settings: snow_melt_mode: 7 \(0 to 2\)"),
        ({"settings": {"heat": 7}}, r"^dish record: settings"),
        ({"started": {"rf_ready": "soon"}}, r"^dish record: started"),
    ],
)
def test_a_record_that_is_none_is_refused_by_its_field(document: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        DishRecord.from_document(document)


@pytest.mark.parametrize(
    ("start", "duration", "minute", "asleep"),
    [(60, 30, 59, False), (60, 30, 60, True), (60, 30, 89, True), (60, 30, 90, False), (1430, 20, 5, True)],
)
def test_hours_of_sleep_cross_midnight(start: int, duration: int, minute: int, asleep: bool) -> None:
    chosen = Settings(power_save_mode=True, power_save_start_minutes=start, power_save_duration_minutes=duration)
    assert chosen.asleep((20_000 * 1440 + minute) * 60 * SECOND) == asleep
    assert not replace(chosen, power_save_mode=False).asleep((20_000 * 1440 + minute) * 60 * SECOND)


def test_a_start_takes_as_long_as_it_is_given() -> None:
    slow = replace(BootTimes(), rf_ready=200.0)
    life = Life(boot_times=slow)
    assert life.until(200.0).cause == Cause.BOOTING
    assert life.until(260.0).cause is None


@pytest.mark.parametrize(("azimuth", "elevation"), [(0.0, 90.0), (0.0, 60.0), (90.0, 70.0), (250.0, 45.0)])
def test_the_attitude_turns_down_to_against_the_boresight(azimuth: float, elevation: float) -> None:
    leaning = replace(HARDWARE, boresight_azimuth_deg=azimuth, boresight_elevation_deg=elevation)
    dish = Dish("kyiv", leaning, ready=True)
    dish.follow(Tape())
    q = ask(dish, "get_status").dish_get_status.ned2dish_quaternion
    w, v = q.q_scalar, np.array([q.q_x, q.q_y, q.q_z])
    assert w * w + v @ v == pytest.approx(1.0)
    down = np.array([0.0, 0.0, 1.0])
    turned = down + 2.0 * np.cross(v, np.cross(v, down) + w * down)
    north, east = np.cos(np.radians(azimuth)), np.sin(np.radians(azimuth))
    level, up = np.cos(np.radians(elevation)), np.sin(np.radians(elevation))
    assert turned == pytest.approx(-np.array([north * level, east * level, -up]), abs=1e-6)
