"""Dish tools from the package index, unchanged, each in a process of its own, as their users run them."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from skyhaul.dish import Address, Dish, DishRecord, Hardware, Settings, hardware_id
from skyhaul.network import Reason
from tests.dish.conftest import Host
from tests.dish.tapes import SERVED, Tape, without

_TIMEOUT_S = 30.0

STARLINK_GRPC = """
import json, sys, starlink_grpc
context = starlink_grpc.ChannelContext(target=sys.argv[1])
status, _, alerts = starlink_grpc.status_data(context)
general, bulk = starlink_grpc.history_bulk_data(-1, context=context)
stats = starlink_grpc.history_stats(-1, context=context)
location = starlink_grpc.location_data(context)
sky = [list(row) for row in starlink_grpc.obstruction_map(context)]
starlink_grpc.reset_obstruction_map(context)
empty = {pixel for row in starlink_grpc.obstruction_map(context) for pixel in row}
starlink_grpc.set_sleep_config(60, 120, True, context)
sleep = starlink_grpc.get_sleep_config(context)
try:
    starlink_grpc.set_sleep_config(1440, 0, True, context)
    refused = ""
except starlink_grpc.GrpcError as error:
    refused = str(error)
starlink_grpc.set_sleep_config(0, 0, False, context)
gps = starlink_grpc.set_gps_config(False, context)
starlink_grpc.set_stow_state(context=context)
stowed = starlink_grpc.get_status(context).stow_requested
starlink_grpc.set_stow_state(unstow=True, context=context)
starlink_grpc.reboot(context)
after = starlink_grpc.status_data(context)[0]
restarted = starlink_grpc.history_bulk_data(-1, start=general["end_counter"], context=context)[0]
print(json.dumps(dict(
    status=status, alerts=alerts, general=general, bulk=bulk, drop=stats[1], latency=stats[3], usage=stats[5],
    location=location, sky=sky, empty=sorted(empty), sleep=sleep, refused=refused, gps=gps, stowed=stowed, after=after,
    restarted=restarted, fields=starlink_grpc.status_field_names(context),
)))
"""

STARLINK_CLIENT = """
import json, sys
from spacex.api.device import device_pb2
from google.protobuf.json_format import MessageToDict
from starlink_client.grpc_client import GrpcClient
client = GrpcClient(sys.argv[1])
location = client.get_location()
status = client.call(device_pb2.Request(get_status={}))
print(json.dumps(dict(
    location=[location.lat, location.lon, location.alt],
    status=MessageToDict(status),
    diagnostics=MessageToDict(client.call(device_pb2.Request(get_diagnostics={}))),
    current=client.call(device_pb2.Request(get_history={})).dish_get_history.current,
)))
"""

GRPC_REQUESTS = """
import json, sys
from grpc_requests import Client
client = Client(sys.argv[1])
service = "SpaceX.API.Device.Device"
print(json.dumps(dict(
    services=list(client.service_names),
    status=client.request(service, "Handle", {"get_status": {}}),
    history=client.request(service, "Handle", {"get_history": {}})["dish_get_history"]["current"],
    stream=list(client.request(service, "Stream", [{"request": {"get_device_info": {}}}, {"health_check": {}}])),
)))
"""

# What the first tool rests on, asked for everything: the description of each service that the server lists.
YAGRC = """
import grpc, json, sys
from yagrc.reflector import GrpcReflectionClient, list_services
with grpc.insecure_channel(sys.argv[1]) as channel:
    client = GrpcReflectionClient()
    files = client.load_protocols(channel)
    names = list_services(channel)
    request = client.message_class("SpaceX.API.Device.Request")
    response = client.service_stub_class("SpaceX.API.Device.Device")(channel).Handle(request(get_diagnostics={}))
print(json.dumps(dict(files=list(files), names=names, id=response.dish_get_diagnostics.id)))
"""


def run_tool(module: str, script: str, address: Address) -> Any:
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"{module} is not installed: scripts/setup dev brings it")
    done = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:__main__", "-c", script, str(address)],
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def host() -> Iterator[Host]:
    """A dish that is a quarter of an hour old and a bit, and was without satellites for ten seconds."""
    tape = Tape(lambda now: SERVED if not 100.0 <= now < 110.0 else without(Reason.NO_SATELLITE))
    record = DishRecord(settings=Settings(location_request_mode=1))
    dish = Dish("kyiv", Hardware(id=hardware_id("kyiv"), power_w=50.0), record=record, ready=True)
    dish.follow(tape)
    tape.now_s = 1000.0
    with Host([dish], tape) as host:
        yield host


def test_starlink_grpc_core(host: Host) -> None:
    said = run_tool("starlink_grpc", STARLINK_GRPC, host.addresses[0])
    status = said["status"]
    assert (status["state"], status["id"], status["uptime"]) == ("CONNECTED", hardware_id("kyiv"), 1000)
    assert status["pop_ping_latency_ms"] == pytest.approx(30.0)
    assert (status["alerts"], status["gps_ready"], status["gps_enabled"]) == (0, True, True)
    assert status["obstruction_duration"] is None
    assert said["general"] == {"samples": 900, "end_counter": 1000}
    drops, latencies = said["bulk"]["pop_ping_drop_rate"], said["bulk"]["pop_ping_latency_ms"]
    # The samples 100 to 109, of which the history holds all: the first and the last look into the outage by half.
    assert drops[:12] == [1.0] * 9 + [0.5, 0.0, 0.0]
    assert latencies[:10] == [None] * 9 + [pytest.approx(30.0)]
    assert said["drop"]["count_full_ping_drop"] == 9
    assert said["usage"]["download_usage"] > 0
    assert said["bulk"]["power_w"] == [50.0] * 900
    assert said["location"] == {"latitude": 50.45, "longitude": 30.52, "altitude": 179.0}
    assert len(said["sky"]) == len(said["sky"][0]) == 123
    assert {pixel for row in said["sky"] for pixel in row} == {-1.0, 1.0}
    assert said["empty"] == [-1.0]
    assert said["sleep"] == [60, 120, True]
    assert "power_save" in said["refused"]
    assert said["gps"] is False
    assert said["stowed"] is True
    assert (said["after"]["state"], said["after"]["uptime"]) == ("BOOTING", 0)
    assert said["restarted"]["end_counter"] == 0
    assert "alert_is_power_save_idle" in said["fields"][2]


def test_starlink_client(host: Host) -> None:
    said = run_tool("starlink_client", STARLINK_CLIENT, host.addresses[0])
    assert said["location"] == [50.45, 30.52, 179.0]
    status = said["status"]["dishGetStatus"]
    assert status["disablementCode"] == "OKAY"
    assert status["deviceState"]["uptimeS"] == "1000"
    assert "outage" not in status
    assert said["diagnostics"]["dishGetDiagnostics"]["id"] == hardware_id("kyiv")
    assert said["current"] == 1000


def test_grpc_requests(host: Host) -> None:
    said = run_tool("grpc_requests", GRPC_REQUESTS, host.addresses[0])
    assert "SpaceX.API.Device.Device" in said["services"]
    assert said["status"]["dish_get_status"]["pop_ping_latency_ms"] == pytest.approx(30.0)
    assert said["history"] == "1000"
    info, health = said["stream"]
    assert info["response"]["get_device_info"]["device_info"]["id"] == hardware_id("kyiv")
    assert health == {"health_check": {}}


def test_yagrc(host: Host) -> None:
    said = run_tool("yagrc", YAGRC, host.addresses[0])
    assert "spacex/api/device/dish.proto" in said["files"]
    assert {"grpc.reflection.v1.ServerReflection", "SpaceX.API.Device.Device"} <= set(said["names"])
    assert said["id"] == hardware_id("kyiv")
