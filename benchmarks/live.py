"""The system in operation: 10,546 satellites and 10,000 terminals in real time, in a process of its own, watched.

`python -m benchmarks.live --speed 20 --minutes 12 --terminals 2000` is a soak: it prints memory and open files.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._timing import Goal, Result, Row

TERMINALS = 10_000
SECONDS = 90.0
_SEED = 7
_LOOKS_S = 0.1  # how often a reader asks for the states of all terminals: ten times a second, as a stream would
_SKIES_S = 1.0  # … and for all satellites


def run(data: Path) -> Result:
    load = os.getloadavg()[0]
    first = "" if os.sched_getscheduler(0) == os.SCHED_OTHER else "Both came before all other work (chrt). "
    with tempfile.TemporaryDirectory() as folder:
        found = _watch(data, Path(folder), TERMINALS, 1.0, SECONDS)
    rows = (
        Row("plan ready before its slot, least, s", "x1", found["ready_least_s"], None, f"{found['slots']} slots"),
        Row("plan ready before its slot, median, s", "x1", found["ready_median_s"], None),
        Row("of one core, %", "x1", found["cpu_percent"], None, "readers at 10 Hz included"),
        Row("memory, MB", "x1", found["resident_mb"], None, f"at most {found['peak_mb']:.0f} MB, in starting"),
        Row("age of the path states that a reader got, at most, ms", "x1", found["age_most_ms"], None),
        Row("answer to a reader (all path states), median, ms", "x1", found["look_median_ms"], None),
        Row("answer to a reader (all path states), 99 %, ms", "x1", found["look_p99_ms"], None),
        Row("from the start to the first slot, s", "x1", found["start_s"], None),
    )
    return Result(
        "The system in operation",
        f"{found['satellites']:,} satellites of 2026-06-13, {TERMINALS:,} terminals at random between 55° north and "
        f"south, {SECONDS:g} s in real time; a reader asks for all path states ten times a second and for all "
        f"satellites once. {first}The machine's load was {load:.1f} when this began",
        rows,
        (
            Goal("a plan is ready before its slot, s", found["ready_least_s"], 10.0, True),
            Goal("of one core, %", found["cpu_percent"], 50.0, False),
            Goal("memory, MB", found["resident_mb"], 1536.0, False),
            Goal("age of path states, ms", found["age_most_ms"], 200.0, False),
            Goal("late plans", float(found["late"]), 0.0, False),
        ),
        units="",
    )


def _watch(data: Path, folder: Path, terminals: int, speed: float, seconds: float) -> dict[str, Any]:
    arguments = [str(terminals), str(speed), str(seconds), str(folder)]
    command = [sys.executable, "-m", "benchmarks.live", "--child", *arguments]
    done = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True, env=os.environ | {"SKYHAUL_DATA": str(data)}
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _child(terminals: int, speed: float, seconds: float, folder: Path) -> None:
    from skyhaul.operation import Operation

    began = time.monotonic()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        operation = Operation.open(_scenario(terminals), folder=folder, speed=speed)
        operation.start()
    start_s = time.monotonic() - began
    while operation.now().following is None:
        time.sleep(0.01)
    ages: list[float] = []
    looks: list[float] = []
    stop = threading.Event()
    reader = threading.Thread(target=_read, args=(operation, stop, ages, looks), daemon=True)
    reader.start()
    cpu, began, told = time.process_time(), time.monotonic(), 0.0
    ready: dict[int, float] = {}
    peak = _status("VmHWM")
    while (passed := time.monotonic() - began) < seconds:
        time.sleep(0.2)
        for slot, plan in operation.now().view.plans.items():
            ready[slot] = plan.ready_before_s
        if seconds > 300.0 and passed - told >= 60.0:
            told = passed
            print(
                f"{passed:5.0f} s, slot {len(ready)}: {_status('VmRSS'):.0f} MB, "
                f"{len(list(Path('/proc/self/fd').iterdir()))} files, {threading.active_count()} threads, "
                f"{operation.now().view.late} late, "
                f"{100.0 * (time.process_time() - cpu) / passed:.0f} % of a core",
                file=sys.stderr,
                flush=True,
            )
    percent = 100.0 * (time.process_time() - cpu) / (time.monotonic() - began)
    stop.set()
    reader.join()
    slots = sorted(ready)[1:]  # the first was planned when it ran
    view = operation.now().view
    packed = _packed(folder)
    found = {
        "satellites": len(operation.now().world.elements),
        "slots": len(slots),
        "ready_least_s": min(ready[slot] for slot in slots[1:]),
        "ready_median_s": float(np.median([ready[slot] for slot in slots[1:]])),
        "cpu_percent": percent,
        "resident_mb": _status("VmRSS"),
        "peak_mb": peak,
        "age_most_ms": 1e3 * max(ages),
        "look_median_ms": 1e3 * float(np.median(looks)),
        "look_p99_ms": 1e3 * float(np.percentile(looks, 99)),
        "late": view.late,
        "start_s": start_s,
        "packed_hours": len(packed),
        "bytes_each": float(np.mean(packed)) / 240 / terminals if packed else None,
        "trouble": view.trouble,
        "drafts": len(view.drafts),
    }
    operation.stop()
    print(json.dumps(found))


def _read(operation: Any, stop: threading.Event, ages: list[float], looks: list[float]) -> None:
    """A reader as a stream has it: what is shown is as old as the states were when they had been taken."""
    sky_due = time.monotonic()
    while not stop.is_set():
        asked = time.monotonic()
        snapshot = operation.now()
        states = snapshot.states
        looks.append(time.monotonic() - asked)
        if states is not None:
            ages.append((operation.clock.now_ns() - states.time_ns) / 1e9 / operation.clock.speed)
        if asked >= sky_due:
            snapshot.satellites()
            sky_due = asked + _SKIES_S
        stop.wait(max(0.0, _LOOKS_S - (time.monotonic() - asked)))


def _packed(folder: Path) -> list[int]:
    """Bytes that each packed hour takes."""
    query = "SELECT length(numbers) + (SELECT sum(length(columns)) FROM blocks b WHERE b.first = h.first) FROM hours h"
    with closing(sqlite3.connect(folder / "operation.db")) as database:
        return [size for (size,) in database.execute(query)]


def _scenario(terminals: int) -> Any:
    from skyhaul.scenario import Scenario

    random = np.random.default_rng(_SEED)
    latitude = np.degrees(np.arcsin(random.uniform(-0.82, 0.82, terminals)))
    longitude = random.uniform(-180.0, 180.0, terminals)
    elements = Path(os.environ["SKYHAUL_DATA"]) / "tle" / "starlink_2026-06-13.tle.gz"
    places = zip(latitude.tolist(), longitude.tolist(), strict=True)
    return Scenario.model_validate(
        {
            "name": "live",
            "constellation": {"elements": elements, "skip_bad": True},
            "terminals": [
                {"name": f"t{k}", "latitude_deg": one, "longitude_deg": other} for k, (one, other) in enumerate(places)
            ],
        }
    )


def _status(field: str) -> float:
    """Of this process, in MB."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) / 1024.0
    return float("nan")


def main() -> None:
    """A soak, or the watched process itself."""
    if sys.argv[1:2] == ["--child"]:
        terminals, speed, seconds, folder = sys.argv[2:]
        _child(int(terminals), float(speed), float(seconds), Path(folder))
        return
    parser = argparse.ArgumentParser(prog="benchmarks.live", description="A soak of the system in operation.")
    parser.add_argument("--terminals", type=int, default=TERMINALS)
    parser.add_argument("--speed", type=float, default=20.0)
    parser.add_argument("--minutes", type=float, default=12.0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(os.environ["SKYHAUL_DATA"])
        found = _watch(data, Path(folder), given.terminals, given.speed, 60.0 * given.minutes)
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
