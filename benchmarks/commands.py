"""How long a user waits: whole commands, with compiled kernels in the cache."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks._timing import Goal, Result, Row


def _seconds(arguments: list[str], rounds: int) -> float:
    """Median wall time of `skyhaul` with these arguments."""
    taken = []
    for k in range(rounds + 1):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-m", "skyhaul", *arguments], check=True, capture_output=True)
        if k:
            taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def run(data: Path) -> Result:
    del data
    with tempfile.TemporaryDirectory() as temporary:
        out = Path(temporary) / "out.nc"
        simulate = ["simulate", "world", "--duration", "1m", "-o", str(out)]
        subprocess.run([sys.executable, "-m", "skyhaul", *simulate], check=True, capture_output=True)
        commands = {
            "skyhaul --help": ["--help"],
            "skyhaul scenario schema": ["scenario", "schema"],
            "skyhaul look 50.45 30.52": ["look", "50.45", "30.52"],
            "skyhaul path kyiv victoria": ["path", "kyiv", "victoria"],
            "skyhaul simulate world --duration 1m": [*simulate, "--overwrite"],
            "skyhaul plot out.nc": ["plot", str(out), "-o", str(Path(temporary) / "pictures")],
        }
        taken = {name: _seconds(arguments, 5) for name, arguments in commands.items()}
    first = max(seconds for name, seconds in taken.items() if "plot" not in name)
    return Result(
        "Commands, from start to end",
        "offline presets, compiled kernels in the cache, wall time",
        tuple(Row("whole command", name, seconds * 1e3, None) for name, seconds in taken.items()),
        (
            Goal("skyhaul --help, seconds", taken["skyhaul --help"], 0.5, at_least=False),
            Goal("slowest command to its result, seconds", first, 3.0, at_least=False),
        ),
    )
