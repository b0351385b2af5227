"""A day of the real constellation: 24 h of 10,546 satellites for 10 terminals at 1 s, written to disk."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks._timing import Goal, Result, Row

_SCENARIO = """
name = "a day"
[time]
start = 2026-06-13T00:00:12Z
duration = "{duration}"
[constellation]
elements = "{elements}"
[ground]
files = ["{ground}"]
[[terminals]]
name = "victoria"
latitude_deg = 48.46
longitude_deg = -123.3
[[terminals]]
name = "louvain"
latitude_deg = 50.67
longitude_deg = 4.61
[[terminals]]
name = "lincoln"
latitude_deg = 40.81
longitude_deg = -96.7
[[terminals]]
name = "ulukhaktok"
latitude_deg = 70.74
longitude_deg = -117.77
[[terminals]]
name = "kyiv"
latitude_deg = 50.45
longitude_deg = 30.52
[[terminals]]
name = "nairobi"
latitude_deg = -1.29
longitude_deg = 36.82
[[terminals]]
name = "manila"
latitude_deg = 14.6
longitude_deg = 120.98
[[terminals]]
name = "santiago"
latitude_deg = -33.45
longitude_deg = -70.67
[[terminals]]
name = "auckland"
latitude_deg = -36.85
longitude_deg = 174.76
[[terminals]]
name = "honolulu"
latitude_deg = 21.31
longitude_deg = -157.86
"""


def _simulate(data: Path, folder: Path, duration: str) -> tuple[float, float, float]:
    """Wall seconds, CPU seconds and peak megabytes of `skyhaul simulate` in a process of its own."""
    scenario = folder / f"{duration}.toml"
    scenario.write_text(
        _SCENARIO.format(
            duration=duration,
            elements=data / "tle" / "starlink_2026-06-13.tle.gz",
            ground=data / "ground_segment" / "gateways_pops_2026-03-20.csv",
        )
    )
    command = [sys.executable, "-m", "skyhaul", "simulate", str(scenario), "-o", str(folder / f"{duration}.nc")]
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    if status:
        raise RuntimeError(f"simulate ended with {os.waitstatus_to_exitcode(status)}")
    return wall, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024 / 1e6


def run(data: Path) -> Result:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        _simulate(data, folder, "2m")  # compiles what is not compiled yet
        hour = _simulate(data, folder, "1h")
        day = _simulate(data, folder, "24h")
        size = (folder / "24h.nc").stat().st_size / 1e6
    rows = [
        Row(f"{text}: {what}", "skyhaul simulate", value * 1e3, None, note)
        for text, (wall, cpu, memory) in (("1 h", hour), ("24 h", day))
        for what, value, note in (
            ("wall", wall, f"peak memory {memory:.0f} MB"),
            ("CPU of both cores", cpu, f"{size:.0f} MB written" if text == "24 h" else ""),
        )
    ]
    return Result(
        "A day of the constellation",
        "10,546 satellites of 2026-06-13, 10 terminals, 5,760 slots, a path state each second, netCDF",
        tuple(rows),
        (
            Goal("24 h, wall seconds", day[0], 120.0, at_least=False),
            Goal("24 h, peak memory, GB", day[2] / 1e3, 2.0, at_least=False),
            Goal("memory of 24 h over that of 1 h", day[2] / hour[2], 1.3, at_least=False),
        ),
    )
