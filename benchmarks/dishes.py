"""Dishes that answer while their scenario goes on: one process serves them, this one asks.

Beside them, in turns and asked the same, servers that return the same bytes to everything: what gRPC and the machine
take, whatever is served.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import grpc
import numpy as np

from benchmarks._timing import Goal, Result, Row
from skyhaul.dish import addresses

DISHES = 500
SECONDS = 20.0
TURNS = 3
_EVERY = 15  # calls of a dish between one that asks for its history, and one for its map
_CONNECTING = 2  # turns in which 500 clients connect at once, which is not what is asked here
_SEED = 5
_CALLS = {"status": 1004, "history": 1007, "map": 2008}


_BARE = """
import asyncio, grpc, json, sys

async def handle(request, context):
    return bytes(600)

async def main(addresses):
    servers = []
    for address in addresses:
        server = grpc.aio.server(options=(("grpc.so_reuseport", 0),))
        method = {"Handle": grpc.unary_unary_rpc_method_handler(handle)}
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("SpaceX.API.Device.Device", method),))
        assert server.add_insecure_port(address)
        await server.start()
        servers.append(server)
    print(json.dumps({"dishes": [{"address": address} for address in addresses]}, indent=2), flush=True)
    await asyncio.Event().wait()

asyncio.run(main(sys.argv[1:]))
"""


def run(data: Path) -> Result:
    del data
    own, bare = "skyhaul dish", "gRPC alone"
    load = os.getloadavg()[0]
    first = "" if os.sched_getscheduler(0) == os.SCHED_OTHER else ", both before all other work (chrt)"
    found: dict[str, list[Served]] = {own: [], bare: []}
    with tempfile.TemporaryDirectory() as folder:
        scenario = Path(folder) / "dishes.toml"
        scenario.write_text(_scenario(), encoding="utf-8")
        commands = {
            own: [sys.executable, "-m", "skyhaul", "dish", "--scenario", str(scenario), "--ready", "--json"],
            bare: [sys.executable, "-c", _BARE, *map(str, addresses(DISHES))],
        }
        for _ in range(TURNS):
            for name, command in commands.items():
                found[name].append(_serve(command))
    rows = []
    for asked in _CALLS:
        for quantile, p in (("median", 50), ("99 %", 99)):
            values = {name: _quantile(turns, asked, p) for name, turns in found.items()}
            count = sum(len(turn.latency_ms[asked]) for turn in found[own])
            rows += _rows(f"{asked}, {quantile} of {count:,} calls, ms", values)
    rows += _rows("of one core, %", {name: _median(turns, "cpu_percent") for name, turns in found.items()})
    rows += _rows("memory, MB", {name: _median(turns, "resident_mb") for name, turns in found.items()})
    rows += _rows("from the command to the last address, s", {name: _median(t, "ready_s") for name, t in found.items()})
    return Result(
        "Dishes that answer",
        f"{DISHES} dishes of one process, each asked for its status once a second, and every {_EVERY} s for its "
        f"history and its map, {TURNS} times {SECONDS:g} s in turns; medians of the turns. The preset constellation "
        f"plans on, and the asker runs on the same cores{first}. Delays of the machine count in full: its load was "
        f"{load:.1f} when this began",
        tuple(rows),
        (
            Goal(
                f"99 % of status calls of {DISHES} dishes at 1 Hz, ms", _quantile(found[own], "status", 99), 50.0, False
            ),
        ),
        units="",
    )


@dataclass(frozen=True, slots=True)
class Served:
    """What one turn took."""

    latency_ms: dict[str, list[float]]
    cpu_percent: float
    resident_mb: float
    ready_s: float


def _serve(command: list[str]) -> Served:
    began = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            listening = _addresses(process)
            ready_s = time.monotonic() - began
            cpu_s, began = _cpu_s(process.pid), time.monotonic()
            gc.collect()
            gc.disable()  # a pause of the asker would count as the server's
            latency_ms = asyncio.run(_ask_all(listening))
            gc.enable()
            percent = 100.0 * (_cpu_s(process.pid) - cpu_s) / (time.monotonic() - began)
            return Served(latency_ms, percent, _resident_mb(process.pid), ready_s)
        finally:
            process.terminate()


def _quantile(turns: list[Served], asked: str, p: float) -> float:
    return statistics.median(float(np.percentile(turn.latency_ms[asked], p)) for turn in turns)


def _median(turns: list[Served], name: str) -> float:
    return float(statistics.median(getattr(turn, name) for turn in turns))


def _rows(work: str, values: dict[str, float]) -> list[Row]:
    own = next(iter(values.values()))
    return [Row(work, name, value, value / own if k else None) for k, (name, value) in enumerate(values.items())]


def _scenario() -> str:
    random = np.random.default_rng(_SEED)
    text = ['name = "dishes"', "[time]", "start = 2024-02-17T12:00:12Z", "[constellation]", 'preset = "starlink-gen1"']
    for k in range(DISHES):
        latitude, longitude = random.uniform(36.0, 60.0), random.uniform(-10.0, 25.0)
        text += ["[[terminals]]", f'name = "t{k}"', f"latitude_deg = {latitude}", f"longitude_deg = {longitude}"]
    return "\n".join(text)


def _addresses(process: subprocess.Popen[str]) -> list[str]:
    assert process.stdout is not None
    text = ""
    while not text.endswith("\n}\n"):
        line = process.stdout.readline()
        if not line:
            raise SystemExit("benchmarks.dishes: the server ended before it listened")
        text += line
    return [entry["address"] for entry in json.loads(text)["dishes"]]


async def _ask_all(listening: list[str]) -> dict[str, list[float]]:
    latency: dict[str, list[float]] = {name: [] for name in _CALLS}
    loop = asyncio.get_running_loop()
    start = loop.time() + 1.0
    await asyncio.gather(*(_ask(address, k, start, latency) for k, address in enumerate(listening)))
    return latency


async def _ask(address: str, number: int, start: float, latency: dict[str, list[float]]) -> None:
    """One client of one dish, at its own moment of the second."""
    loop = asyncio.get_running_loop()
    async with grpc.aio.insecure_channel(address) as channel:
        handle = channel.unary_unary("/SpaceX.API.Device.Device/Handle")
        for turn in range(int(SECONDS)):
            await asyncio.sleep(max(0.0, start + turn + number / DISHES - loop.time()))
            names = ["status"] + (["history", "map"] if (turn + number) % _EVERY == 0 else [])
            for name in names:
                asked = time.perf_counter()
                await handle(_request(_CALLS[name]), timeout=10.0)
                if turn >= _CONNECTING:
                    latency[name].append(1e3 * (time.perf_counter() - asked))


def _request(number: int) -> bytes:
    """A request without fields: its key and no content."""
    key = number << 3 | 2
    return bytes((key & 127 | 128, key >> 7, 0))


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _resident_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024.0
    return float("nan")
