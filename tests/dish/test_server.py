"""Calls over the loopback, as dish tools make them."""

from __future__ import annotations

import asyncio
import json
import math
import socket
import subprocess
import sys
from pathlib import Path

import grpc
import numpy as np
import pytest
from google.protobuf import json_format

from skyhaul.control.decision import Code
from skyhaul.dish import SAMPLES, SERVICE, SIDE, Address, Dish, DishState, Hardware, addresses, hardware_id, message
from skyhaul.errors import InputError, NotFoundError, TimeRangeError
from skyhaul.network import Reason
from tests.dish.conftest import Client, Host, Rig, own_address
from tests.dish.tapes import SECOND, START, Tape, without

# Field numbers of requests and of their answers, as clients have them compiled in.
NUMBERS = {
    "reboot": (1001, 1001),
    "get_status": (1004, 2004),
    "get_next_id": (1006, 1006),
    "get_history": (1007, 2006),
    "get_device_info": (1008, 1004),
    "get_ping": (1009, 1009),
    "time": (1037, 1037),
    "dish_stow": (2002, 2002),
    "dish_get_obstruction_map": (2008, 2008),
    "dish_set_config": (2010, 2010),
    "dish_get_config": (2011, 2011),
    "dish_power_save": (2013, None),
    "dish_inhibit_gps": (2014, 2013),
    "dish_clear_obstruction_map": (2017, 2015),
    "dish_factory_reset": (2021, 2021),
    "get_diagnostics": (6000, 6001),
}
ROOT = Path(__file__).parents[2]
FIELDS = {"dish_power_save": {"power_save_duration_minutes": 1}}


@pytest.mark.parametrize("name", NUMBERS)
def test_answers_have_the_numbers_that_clients_look_for(rig: Rig, name: str) -> None:
    asked, answered = NUMBERS[name]
    request = message("Request")(id=7, **{name: FIELDS.get(name, {})})
    assert request.DESCRIPTOR.fields_by_name[name].number == asked
    response = rig.client.send(request)
    assert response.id == 7
    field = response.WhichOneof("response")
    # Answers that say nothing are there all the same; saving power has none.
    assert (field and response.DESCRIPTOR.fields_by_name[field].number) == answered


def test_a_connected_dish_has_no_outage_and_shows_its_path(rig: Rig) -> None:
    status = rig.client.ask("get_status").dish_get_status
    assert not status.HasField("outage")
    assert status.pop_ping_latency_ms == pytest.approx(30.0)
    assert status.pop_ping_drop_rate == 0.0
    assert status.disablement_code == Code.OKAY
    assert status.device_state.uptime_s == 10
    assert status.is_snr_above_noise_floor
    assert status.device_info.id == hardware_id("kyiv")
    # The dish's own pings are all the traffic there is.
    assert 0.0 < status.downlink_throughput_bps < 1000.0
    assert math.isnan(status.obstruction_stats.avg_prolonged_obstruction_interval_s)


def test_a_refused_terminal_shows_its_code_and_keeps_answering(rig: Rig) -> None:
    rig.tape.says = lambda _: without(Reason.NO_GRANT, Code.BLOCKED_AREA)
    rig.pass_time(5.0)
    status = rig.client.ask("get_status").dish_get_status
    assert status.disablement_code == 16
    assert status.outage.cause == 4  # NO_SCHEDULE, which clients show as SEARCHING
    assert status.pop_ping_drop_rate == 1.0
    assert rig.client.ask("get_diagnostics").dish_get_diagnostics.disablement_code == 16
    assert rig.client.ask("get_history").dish_get_history.current == 15


def test_outages_count_time_from_the_epoch_of_gps_and_events_from_1970(rig: Rig) -> None:
    # A pair from a real dish: its outage started at 1474649729.960 of GPS, its event at 1790614511.960.
    rig.tape.says = lambda _: without(Reason.NO_SATELLITE)
    rig.pass_time(4.0)
    history = rig.client.ask("get_history").dish_get_history
    (outage,), (event,) = history.outages, history.event_log.events
    assert event.start_timestamp_ns - outage.start_timestamp_ns == 1790614511_960000000 - 1474649729_960000000
    assert event.start_timestamp_ns == START + 10 * SECOND + SECOND // 2
    assert (outage.cause, event.reason) == (5, 6)
    assert outage.duration_ns == event.duration_ns == 3_500_000_000


def test_history_is_whole_rings_of_equal_length(rig: Rig) -> None:
    history = rig.client.ask("get_history").dish_get_history
    names = ("drop_rate", "latency_ms")
    rings = [getattr(history, f"pop_ping_{name}") for name in names]
    rings += [history.downlink_throughput_bps, history.uplink_throughput_bps, history.power_in]
    assert {len(ring) for ring in rings} == {SAMPLES} == {900}
    assert history.current == 10
    assert list(history.pop_ping_latency_ms[:11]) == pytest.approx([30.0] * 10 + [0.0])
    assert list(history.power_in[:11]) == [40.0] * 10 + [0.0]
    assert not np.isnan(history.pop_ping_drop_rate).any()


def test_location_is_told_only_where_its_holder_allows_it(rig: Rig) -> None:
    code, text = rig.client.refusal("get_location")
    assert (code, text) == (
        grpc.StatusCode.PERMISSION_DENIED,
        "GetLocation requests are not enabled on this device",
    )
    assert not rig.client.ask("get_diagnostics").dish_get_diagnostics.location.enabled
    # Without its apply flag a field changes nothing.
    rig.client.ask("dish_set_config", dish_config={"location_request_mode": 1})
    assert rig.client.refusal("get_location")[0] == grpc.StatusCode.PERMISSION_DENIED
    asked = {"location_request_mode": 1, "apply_location_request_mode": True, "snow_melt_mode": 2}
    answer = rig.client.ask("dish_set_config", dish_config=asked).dish_set_config.updated_dish_config
    assert (answer.location_request_mode, answer.snow_melt_mode) == (1, 0)
    place = rig.client.ask("get_location").get_location
    assert (place.lla.lat, place.lla.lon, place.lla.alt, place.source) == (50.45, 30.52, 179.0, 4)
    rig.client.ask("dish_inhibit_gps", inhibit_gps=True)
    assert rig.client.ask("get_location").get_location.source == 5
    where = rig.client.ask("get_diagnostics").dish_get_diagnostics.location
    assert (where.enabled, where.latitude) == (True, 50.45)
    assert where.gps_time_s == START / SECOND + 10 - 315_964_782
    # Nor where the system does not give it out.
    rig.tape.says = lambda _: DishState(START, Reason.SERVED, Code.OKAY, rtt_s=0.03)
    rig.pass_time(1.0)
    assert rig.client.refusal("get_location")[0] == grpc.StatusCode.PERMISSION_DENIED


def test_context_is_refused_and_never_unimplemented(rig: Rig) -> None:
    assert rig.client.refusal("dish_get_context")[0] == grpc.StatusCode.PERMISSION_DENIED
    rig.host.do(lambda: setattr(rig.dish, "serves_context", True))
    context = rig.client.ask("dish_get_context").dish_get_context
    assert context.initial_satellite_id == 44713
    assert context.seconds_to_slot_end == 5.0
    assert context.pop_ping_latency_ms_15s_mean == pytest.approx(30.0)
    assert context.seconds_since_last_1s_outage == 10.0
    assert 0 < context.cell_id < 2**22


@pytest.mark.parametrize("data", [b"", b"\x08\x07", b"\xe2\x40\x00", b"\x7a\x00"])
def test_what_is_not_known_is_unimplemented(rig: Rig, data: bytes) -> None:
    # Nothing; an id alone; get_radio_stats of which this interface knows nothing; a signed request.
    with pytest.raises(grpc.RpcError) as refused:
        rig.client.raw(data)
    assert refused.value.code() == grpc.StatusCode.UNIMPLEMENTED


def test_unknown_methods_are_unimplemented(rig: Rig) -> None:
    call = rig.client.channel.unary_unary(f"/{SERVICE}/Shake")
    with pytest.raises(grpc.RpcError) as refused:
        call(b"", timeout=5)
    assert refused.value.code() == grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize("fields", [(1440, 60), (0, 0), (0, 1441)])
def test_power_cannot_be_saved_at_hours_that_are_none(rig: Rig, fields: tuple[int, int]) -> None:
    start, duration = fields
    asked = {"power_save_start_minutes": start, "power_save_duration_minutes": duration, "enable_power_save": True}
    code, text = rig.client.refusal("dish_power_save", **asked)
    assert code == grpc.StatusCode.INVALID_ARGUMENT
    assert "power_save_" in text
    config = rig.client.ask("dish_get_config").dish_get_config.dish_config
    assert not config.power_save_mode


def test_saving_power_puts_the_dish_to_sleep_at_its_hours(rig: Rig) -> None:
    # It is 12:00:22 UTC; a minute of sleep starts at 12:01.
    asked = {"power_save_start_minutes": 12 * 60 + 1, "power_save_duration_minutes": 1, "enable_power_save": True}
    response = rig.client.ask("dish_power_save", **asked)
    assert response.WhichOneof("response") is None
    rig.pass_time(36.0)
    assert not rig.client.ask("get_status").dish_get_status.HasField("outage")
    rig.pass_time(4.0)
    status = rig.client.ask("get_status").dish_get_status
    assert status.outage.cause == 11
    assert status.alerts.is_power_save_idle
    assert rig.client.ask("get_history").dish_get_history.power_in[49] == 5.0
    rig.pass_time(70.0)
    status = rig.client.ask("get_status").dish_get_status
    assert not status.HasField("outage")
    assert not status.alerts.is_power_save_idle


def test_a_stowed_dish_says_so_and_searches_when_taken_out(rig: Rig) -> None:
    rig.client.ask("dish_stow")
    rig.pass_time(2.0)
    status = rig.client.ask("get_status").dish_get_status
    assert (status.stow_requested, status.outage.cause) == (True, 2)
    assert rig.client.ask("get_diagnostics").dish_get_diagnostics.stowed
    rig.client.ask("dish_stow", unstow=True)
    rig.pass_time(2.0)
    status = rig.client.ask("get_status").dish_get_status
    assert (status.stow_requested, status.outage.cause) == (False, 13)
    rig.pass_time(20.0)
    assert not rig.client.ask("get_status").dish_get_status.HasField("outage")


def test_the_map_comes_whole_and_is_emptied_when_asked(rig: Rig) -> None:
    answer = rig.client.ask("dish_get_obstruction_map").dish_get_obstruction_map
    assert (answer.num_rows, answer.num_cols, len(answer.snr)) == (SIDE, SIDE, SIDE * SIDE)
    assert sorted(set(answer.snr)) == [-1.0, 1.0]
    assert (answer.map_reference_frame, answer.max_theta_deg, answer.min_elevation_deg) == (1, 80.0, 10.0)
    rig.client.ask("dish_clear_obstruction_map")
    answer = rig.client.ask("dish_get_obstruction_map").dish_get_obstruction_map
    assert set(answer.snr) == {-1.0}
    status = rig.client.ask("get_status").dish_get_status
    assert (status.obstruction_stats.valid_s, status.obstruction_stats.patches_valid) == (0.0, 0)
    assert status.alerts.obstruction_map_reset
    rig.pass_time(3.0)
    status = rig.client.ask("get_status").dish_get_status
    assert (status.obstruction_stats.valid_s, status.obstruction_stats.patches_valid) == (3.0, 1)


def test_a_stream_answers_each_frame_and_outlives_a_refusal(rig: Rig) -> None:
    kinds = message("ToDevice")
    frames = [
        kinds(health_check={}),
        kinds(request={"id": 3, "get_status": {}}),
        kinds(request={"id": 4, "get_location": {}}),
        kinds(request={"id": 5, "time": {}}),
    ]
    health, status, refused, time = rig.client.stream(*(frame.SerializeToString() for frame in frames))
    assert health.WhichOneof("message") == "health_check"
    assert status.response.dish_get_status.device_state.uptime_s == 10
    assert (refused.response.id, refused.response.status.code) == (4, 7)
    assert refused.response.WhichOneof("response") is None
    assert time.response.time.unix_nano == START + 10 * SECOND


def test_numbers_are_given_once(rig: Rig) -> None:
    given_out = [rig.client.ask("get_next_id").get_next_id.id for _ in range(3)]
    assert given_out == [1, 2, 3]


def test_pings_go_to_the_point_of_presence(rig: Rig) -> None:
    ping = rig.client.ask("get_ping").get_ping.results["Warsaw"]
    assert (ping.dropRate, round(ping.latencyMs), ping.target.location) == (0.0, 30, "Warsaw")


def test_json_has_the_names_that_scripts_look_for(rig: Rig) -> None:
    status = json.loads(json_format.MessageToJson(rig.client.ask("get_status")))
    assert status["dishGetStatus"]["popPingLatencyMs"] == pytest.approx(30.0)
    assert "dish_get_status" not in status


def test_every_dish_answers_at_its_own_address() -> None:
    dishes = [Dish(name, Hardware(id=hardware_id(name)), ready=True) for name in ("kyiv", "lviv", "odesa")]
    with Host(dishes, Tape()) as host:
        ids = []
        for address in host.addresses:
            client = Client(address)
            ids.append(client.ask("get_device_info").get_device_info.device_info.id)
            client.channel.close()
    assert [address.port for address in host.addresses] == [9200] * 3
    assert ids == [hardware_id(name) for name in ("kyiv", "lviv", "odesa")]


def test_dishes_come_and_go_while_others_are_served() -> None:
    first, second = (Dish(name, Hardware(id=hardware_id(name)), ready=True) for name in ("kyiv", "lviv"))
    with Host([first], Tape()) as host:
        (address,) = host.addresses
        other = Address(address.host, address.port + 1)
        host.run(host.server.add(other, second))
        client = Client(other)
        assert client.ask("get_device_info").get_device_info.device_info.id == hardware_id("lviv")
        assert host.run(host.server.remove(other)) is second
        with pytest.raises(grpc.RpcError):
            client.ask("get_status")
        client.channel.close()


def test_a_terminal_that_is_no_more_leaves_the_others_alone() -> None:
    class Losing(Tape):
        def state(self, terminal: str, time_ns: int) -> DishState:
            if terminal == "lost" and self.now_s > 0.0:
                raise NotFoundError("no terminal is named “lost”")
            return super().state(terminal, time_ns)

    tape = Losing(now_s=1.0)
    with pytest.raises(NotFoundError):
        Host([Dish("lost", Hardware(id=hardware_id("lost")))], tape).__enter__()
    tape = Losing()
    dishes = [Dish(name, Hardware(id=hardware_id(name)), ready=True) for name in ("lost", "kyiv")]
    with Host(dishes, tape) as host:
        tape.now_s = 60.0
        host.run(asyncio.sleep(1.2))  # twice around
        ages = []
        for address in host.addresses:
            client = Client(address)
            ages.append(client.ask("get_status").dish_get_status.device_state.uptime_s)
            client.channel.close()
    assert ages == [0, 60]


def test_a_feed_that_fails_is_told_to_who_waits() -> None:
    class Failing(Tape):
        def now_ns(self) -> int:
            if self.now_s > 0.0:
                raise TimeRangeError("no satellite has a position")
            return super().now_ns()

    tape = Failing()
    with Host([Dish("kyiv", Hardware(id=hardware_id("kyiv")), ready=True)], tape) as host:
        tape.now_s = 1.0
        with pytest.raises(TimeRangeError, match="no satellite"):
            host.run(host.server.wait())


def test_an_address_that_is_taken_is_said_in_one_line() -> None:
    dish = Dish("kyiv", Hardware(id=hardware_id("kyiv")))
    address = own_address()
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind((address.host, address.port))
        taken.listen()
        host = Host([dish], Tape())
        with pytest.raises(InputError, match=rf"^{address}: cannot listen there"):
            host.__enter__()
        host.__exit__()


def test_dishes_share_an_address_where_there_is_one_only() -> None:
    shared = addresses(3, Address("127.0.0.1", 9300))
    assert [str(address) for address in shared] == ["127.0.0.1:9300", "127.0.0.1:9301", "127.0.0.1:9302"]
    assert str(Address.parse("[::1]:9201")) == "[::1]:9201"
    assert Address.parse("127.0.0.5") == Address("127.0.0.5", 9200)
    for text in ("localhost:9200", "127.0.0.1:0", "127.0.0.1:70000", "127.0.0.1:x", ""):
        with pytest.raises(InputError, match="listen"):
            Address.parse(text)
    with pytest.raises(InputError, match="no room"):
        addresses(2, Address("127.0.0.1", 65535))


def test_a_process_that_serves_dishes_can_make_namespaces() -> None:
    """gRPC's threads and its hooks in forks are in nobody's way."""
    script = """
from skyhaul.dish import Dish, Hardware
from skyhaul.emulation import examine
from tests.dish.conftest import Client, Host
from tests.dish.tapes import Tape

with Host([Dish("kyiv", Hardware(id="ut"), ready=True)], Tape()) as host:
    client = Client(host.addresses[0])
    client.ask("get_status")
    found = {finding.name: finding.what for finding in examine()}
    client.ask("get_status")
print(found["PID namespace"])
"""
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    assert "did not come back" not in done.stdout
