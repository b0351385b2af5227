"""Worlds of many links: how long they take to make, what they cost idle, how exact they are with everyone sending."""

from __future__ import annotations

import os
import socket
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from benchmarks._timing import Goal, Result, Row
from skyhaul.emulation._namespaces import inside_network
from skyhaul.live._api import Net, Node
from skyhaul.live._constant import ConstantSource
from skyhaul.live._world_options import WorldOptions

ROUNDS = 5
_LINKS, _POPS = 100, 5
_IDLE_S = 5.0
_SENDERS, _RATE_BPS, _PACKET_BYTES, _SENDING_S = 50, 5e6, 1250, 8.0
_GROUP = 10  # packets sent in a row: a sleep for each would be a core's work
_HEADERS = 28  # IPv4 and UDP
# Requests to the PoP, one after another until one is answered; prints that instant by the clock.
FIRST = """
import os, socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)
s.connect((os.environ["SKYHAUL_FAR"], 0)); s.settimeout(0.2)
while True:
    try: s.send(b"\\x08" + bytes(15)); s.recv(100); break
    except OSError: pass
print(time.time())
"""


def run(data: Path) -> Result:
    del data
    made, idle = zip(*(_idle() for _ in range(ROUNDS)), strict=True)
    first = statistics.median(_first_reply_s() for _ in range(ROUNDS))
    late = [_sending() for _ in range(ROUNDS)]
    p50, p99, lost = (statistics.median(values) for values in zip(*late, strict=True))
    rows = (
        Row(f"{_LINKS} links behind {_POPS} PoPs", "made, s", statistics.median(made), None),
        Row(f"{_LINKS} links behind {_POPS} PoPs", "idle, % of a core", statistics.median(idle), None),
        Row("skyhaul exec", "first reply after the command, s", first, None, "warm caches, flight to the PoP included"),
        Row(f"{_SENDERS} terminals at {_RATE_BPS / 1e6:g} Mbit/s", "late, µs, p50", p50, None),
        Row(f"{_SENDERS} terminals at {_RATE_BPS / 1e6:g} Mbit/s", "late, µs, p99", p99, None, "4,096 is that or more"),
        Row(f"{_SENDERS} terminals at {_RATE_BPS / 1e6:g} Mbit/s", "lost", lost, None),
    )
    goals = (
        Goal(f"{_LINKS} links are made, s", statistics.median(made), 0.5, False),
        Goal(f"{_LINKS} links idle, % of a core", statistics.median(idle), 2.0, False),
        Goal("first reply after the command, s", first, 2.0, False),
        Goal(f"{_SENDERS} terminals at {_RATE_BPS / 1e6:g} Mbit/s each, p99 of lateness, µs", p99, 1000.0, False),
        Goal("packets of theirs lost", lost, 0.0, False),
    )
    return Result("Worlds of many links", f"medians of {ROUNDS}, links that do not change", rows, goals, units="")


def _world(terminals: int) -> Net:
    homes = {f"t{number}": f"p{number % _POPS}" for number in range(terminals)}
    return Net(WorldOptions("constant", isolated=True), partial(ConstantSource, homes, rate_bps=50e6))


def _idle() -> tuple[float, float]:
    """Seconds that the links took to make, and the share of a core of supervisor and carrier, in %."""
    with _world(_LINKS) as net:
        keeper = net._process.pid
        processes = [keeper, *_children(keeper)]
        time.sleep(1.0)
        before = sum(_busy_s(process) for process in processes)
        time.sleep(_IDLE_S)
        busy = sum(_busy_s(process) for process in processes) - before
        return net.wiring_s, 100.0 * busy / _IDLE_S


def _first_reply_s() -> float:
    begin = time.time()
    command = [
        sys.executable,
        "-m",
        "skyhaul",
        "exec",
        "edinburgh",
        "--scenario",
        "europe",
        "-q",
        "--",
        sys.executable,
        "-c",
        FIRST,
    ]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout) - begin


def _sending() -> tuple[float, float, float]:
    """Lateness of packets in µs (p50, p99), and how many were lost, while everyone sends."""
    with _world(_SENDERS) as net, ExitStack() as stack:
        for number in range(_POPS):
            sink = stack.enter_context(_socket_in(net.pop(f"p{number}")))
            sink.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
            sink.bind(("", 9))
        senders = []
        for name in net:
            sender = stack.enter_context(_socket_in(net[name]))
            sender.connect((str(net.pop(net[name].pop).address), 9))
            senders.append(sender)
        data = bytes(_PACKET_BYTES - _HEADERS)
        gap = _GROUP * _PACKET_BYTES * 8 / _RATE_BPS / _SENDERS
        begin = time.monotonic()
        for turn in range(int(_SENDING_S / gap)):
            time.sleep(max(0.0, begin + turn * gap - time.monotonic()))
            for k in range(_GROUP):
                senders[(turn * _GROUP + k) % _SENDERS].send(data)
        time.sleep(0.3)
    assert net.summary is not None
    lost = sum(sum(sides["up"]["dropped"].values()) for sides in net.summary["terminals"].values())
    late = net.summary["late_us"]
    return float(late["p50"]), float(late["p99"]), float(lost)


def _socket_in(node: Node) -> socket.socket:
    """A UDP socket of this process in the network of a place; takes root, who needs no user namespace."""
    _, descriptors = node._net._ask({"enter": node.key})
    try:
        with inside_network(descriptors[2]):
            return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def _children(process: int) -> list[int]:
    tasks = Path(f"/proc/{process}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]


def _busy_s(process: int) -> float:
    """Processor time of a process, s."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
