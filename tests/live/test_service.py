"""Refusals are real for programs: without a grant packets stop, at the slot that the order acts in."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

import skyhaul
from tests.emulation.programs import python
from tests.live.worlds import output

pytestmark = pytest.mark.usefixtures("namespaces")

SCENARIO = """
name = "refused"
[time]
start = 2024-02-17T12:00:12Z
[constellation]
preset = "starlink-gen1"
[ground]
preset = "cities"
[[terminals]]
name = "kyiv"
latitude_deg = 50.45
longitude_deg = 30.52
[[terminals]]
name = "warsaw"
latitude_deg = 52.23
longitude_deg = 21.01
[[withheld]]
terminal = "kyiv"
start = 2024-02-17T12:00:27Z
end = 2024-02-17T12:00:42Z
reason = "a test"
"""
# Asks the PoP every 20 ms for some seconds; prints when each answer that came was asked for, by the monotonic clock.
ASK = """
import json, os, socket, struct, sys, time
host, seconds = sys.argv[1], float(sys.argv[2])
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)
sock.connect((host, 0)); sock.setblocking(False)
sent, back, start, number = {}, [], time.monotonic(), 0
while time.monotonic() < start + seconds + 1.0:
    if time.monotonic() < start + seconds and time.monotonic() >= start + 0.02 * number:
        sent[number] = time.monotonic()
        sock.send(struct.pack("!BBHHH", 8, 0, 0, 0, number) + bytes(48)); number += 1
    try:
        while True: back.append(sent[struct.unpack("!BBHHH", sock.recv(1000)[:8])[4]])
    except OSError: pass
    time.sleep(0.001)
print(json.dumps([number, back]))
"""


def test_packets_stop_with_the_grant_and_come_back_with_it(tmp_path: Path) -> None:
    file = tmp_path / "refused.toml"
    file.write_text(SCENARIO)
    # Three seconds before the slot without a grant begins.
    with skyhaul.emulate(file, start=datetime(2024, 2, 17, 12, 0, 24, tzinfo=UTC)) as net:
        until = net["kyiv"].state().until_ns * 1e-9
        served = net["kyiv"].state()
        sent, back = json.loads(output(net, "kyiv", python(ASK, net.pop("Warsaw").address, 6)))
        refused = net["kyiv"].state()
        assert net["warsaw"].state().served
    assert served.served
    assert (refused.served, refused.code) == (False, "no_grant")
    answered = np.array(back)
    # A packet on its way when the grant ends may still arrive; the answers stop with the slot, and none comes after.
    assert (answered < until).sum() > 50
    assert not (answered > until).any()
    assert len(back) < sent
