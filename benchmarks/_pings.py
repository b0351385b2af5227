"""What a user without any rights sees with ping and curl behind terminals of a plan."""

from __future__ import annotations

import math
import os
import re
import stat
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np

import skyhaul
from benchmarks._links import NOBODY, PYTHON
from benchmarks.worlds import FIRST
from skyhaul.emulation._measure import Agreement, agreement
from skyhaul.live import Trace, trace_of_scenario
from skyhaul.scenario import load_scenario
from skyhaul.types import Floats

TERMINAL, POP = "victoria", "seattle.pop.skyhaul"
COUNT, INTERVAL_S = 100, 0.75
_STEP = timedelta(milliseconds=100)
_SIGNIFICANT = 1.63  # Kolmogorov's distribution at 1 % (Smirnov 1948)
_STARTS = 3
_BYTES = 5_000_000
_CALL_PINGS = 40


@dataclass(frozen=True, slots=True)
class Pings:
    """Round trips of ping and those of the plan, the same minute.

    at_s, rtt_ms            of each answer, from the start
    plan_at_s, plan_rtt_ms  of the plan, every 0.1 s
    slots                   (start, satellite)
    first_s                 from a command to its program's first answer
    """

    at_s: Floats
    rtt_ms: Floats
    plan_at_s: Floats
    plan_rtt_ms: Floats
    slots: tuple[tuple[float, str], ...]
    first_s: float

    @property
    def lost(self) -> int:
        return COUNT - self.rtt_ms.size

    @property
    def agreement(self) -> Agreement:
        """How far the two are from one distribution."""
        found = agreement(self.rtt_ms, self.plan_rtt_ms)
        assert found is not None
        return found

    @property
    def bound(self) -> float:
        """The distance that samples of these sizes and of one distribution exceed once in a hundred times."""
        one, other = self.rtt_ms.size, self.plan_rtt_ms.size
        return _SIGNIFICANT * math.sqrt((one + other) / (one * other))

    @property
    def largest_step_ms(self) -> float:
        """The largest change of the median round trip from a slot to the next."""
        edges = [at for at, _ in self.slots[1:]]
        slot = np.searchsorted(edges, self.at_s, side="right")
        medians = [float(np.median(self.rtt_ms[slot == k])) for k in np.unique(slot)]
        return float(np.abs(np.diff(medians)).max())


def ping(words: Sequence[str]) -> Pings:
    """Run `skyhaul exec victoria -- ping -c 100`, and ask the plan for the same minute.

    words   `skyhaul` as a user, from `a_user`
    """
    subprocess.run([*words, "exec", TERMINAL, "--isolated", "-q", "--", "true"], check=True)
    command = ["ping", "-n", "-c", str(COUNT), "-i", str(INTERVAL_S), POP]
    told = _output([*words, "exec", TERMINAL, "--isolated", "-q", "--", *command])
    first = statistics.median(_first_answer_s(words) for _ in range(_STARTS))
    answers = [(int(a), float(b)) for a, b in re.findall(r"icmp_seq=(\d+) .*time=([\d.]+) ms", told)]
    trace = _plan(COUNT * INTERVAL_S)
    grid = np.arange(0, trace.length_ns, _STEP // timedelta(microseconds=1) * 1000, dtype=np.int64)
    return Pings(
        np.array([(number - 1) * INTERVAL_S for number, _ in answers]),
        np.array([time for _, time in answers]),
        grid / 1e9,
        (trace.up.delay_at(grid) + trace.down.delay_at(grid)) / 1e6,
        tuple((span.time_ns / 1e9, span.satellite) for span in trace.spans),
        first,
    )


def _plan(seconds: float) -> Trace:
    return trace_of_scenario(load_scenario("world"), TERMINAL, None, timedelta(seconds=seconds), _STEP)


def fetch(words: Sequence[str]) -> tuple[int, float]:
    """Bytes and seconds of curl behind a terminal, from a web server at the PoP."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        (Path(folder) / "file").write_bytes(os.urandom(_BYTES))
        ask = (
            f"curl -sS --retry 20 --retry-delay 1 --retry-connrefused -o /dev/null -w '{_FORM}' http://{POP}:8000/file"
        )
        command = [*words, "exec", TERMINAL, "--isolated", "-q", "--", "sh", "-c", f"echo up; {ask}"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as client:
            assert client.stdout is not None
            assert client.stdout.readline() == "up\n"
            serve = [PYTHON, "-m", "http.server", "8000", "--directory", folder]
            server = subprocess.Popen(
                [*words, "net", "exec", "pop:Seattle", "--", *serve],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            code, size, seconds = client.stdout.read().split()
        server.wait(20.0)
    if code != "200":
        raise RuntimeError(f"the server answered {code}")
    return int(size), float(seconds)


_FORM = "%{http_code} %{size_download} %{time_total}"


def call_between_terminals(words: Sequence[str]) -> tuple[int, int, float]:
    """Pings sent and answered between two terminals, each from its own `net exec` at once, and their median in ms."""
    name = f"call-{os.getpid()}"
    up = ["net", "up", "europe", "--terminals", "kyiv,paris", "--name", name, "--isolated", "--detach", "-q"]
    subprocess.run([*words, *up], check=True, stdout=subprocess.DEVNULL)
    try:
        ping = ["ping", "-n", "-c", str(_CALL_PINGS), "-i", "0.25"]
        both = [
            subprocess.Popen(
                [*words, "net", "exec", one, "--net", name, "--", *ping, f"{other}.terminal.skyhaul"],
                stdout=subprocess.PIPE,
                text=True,
            )
            for one, other in (("kyiv", "paris"), ("paris", "kyiv"))
        ]
        told = [process.communicate(timeout=60)[0] for process in both]
    finally:
        subprocess.run([*words, "net", "down", name, "-q"], check=True)
    times = [float(value) for text in told for value in re.findall(r"time=([\d.]+) ms", text)]
    return 2 * _CALL_PINGS, len(times), statistics.median(times)


@contextmanager
def a_user() -> Iterator[list[str]]:
    """`skyhaul` as a user without any rights: root becomes nobody, others stay who they are."""
    if os.geteuid() != 0:
        yield [sys.executable, "-m", "skyhaul"]
        return
    with tempfile.TemporaryDirectory() as home:
        Path(home).chmod(0o755)
        own = Path(home) / "home"
        own.mkdir()
        os.chown(own, NOBODY, NOBODY)
        # As udev makes it: a TUN device that everyone may open, bound in a mount namespace of this command alone.
        node = Path(home) / "tun"
        os.mknod(node, stat.S_IFCHR | 0o666, os.makedev(10, 200))
        node.chmod(0o666)
        script = 'if [ -e /dev/net/tun ]; then mount --bind "$0" /dev/net/tun; fi; exec "$@"'
        packages = [path for path in sys.path if path and Path(path).is_dir()]
        package = str(Path(skyhaul.__file__).parents[1])
        yield [
            "unshare",
            "-m",
            "sh",
            "-c",
            script,
            str(node),
            "setpriv",
            f"--reuid={NOBODY}",
            f"--regid={NOBODY}",
            "--clear-groups",
            "env",
            "-C",
            "/",
            f"HOME={own}",
            f"PYTHONPATH={os.pathsep.join([package, *packages])}",
            "PYTHONDONTWRITEBYTECODE=1",
            PYTHON,
            "-m",
            "skyhaul",
        ]


def _first_answer_s(words: Sequence[str]) -> float:
    begin = time.time()
    told = _output([*words, "exec", "edinburgh", "--scenario", "europe", "--isolated", "-q", "--", PYTHON, "-c", FIRST])
    return float(told) - begin


def _output(command: Sequence[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[-8:])} ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def draw_pings(pings: Pings, path: Path) -> None:
    """Round trips over time with the starts of slots, and both distributions."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    from skyhaul.emulation._report_pictures import _BLUE, _ORANGE, _STYLE

    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(10, 4), layout="constrained")
        over, shares = figure.subplots(1, 2, width_ratios=(2.6, 1))
        over.plot(pings.plan_at_s, pings.plan_rtt_ms, ".", ms=2.5, color=_ORANGE, label="the plan, every 0.1 s")
        over.plot(pings.at_s, pings.rtt_ms, ".", ms=6, color=_BLUE, label=f"ping -c {COUNT}")
        edges = [at for at, _ in pings.slots] + [COUNT * INTERVAL_S]
        for (start, name), end in zip(pings.slots, edges[1:], strict=True):
            over.axvline(start, color="#888888", lw=0.7, ls=(0, (2, 2)))
            mine = (pings.at_s >= start) & (pings.at_s < end)
            over.hlines(float(np.median(pings.rtt_ms[mine])), start, end, color=_BLUE, lw=1.5)
            _name(over, name, start)
        over.set(xlabel="seconds", ylabel="round trip, ms", ylim=(0, None))
        over.set_title("behind victoria, to its PoP in Seattle; lines are ping's medians", pad=16)
        over.legend(loc="upper right", markerscale=2)
        for values, colour, label in ((pings.plan_rtt_ms, _ORANGE, "the plan"), (pings.rtt_ms, _BLUE, "ping")):
            ordered = np.sort(values)
            shares.step(ordered, np.arange(1, ordered.size + 1) / ordered.size, where="post", color=colour, label=label)
        found = pings.agreement
        shares.set(xlabel="round trip, ms", ylabel="share", ylim=(0, 1))
        shares.set_title(f"distance {found.statistic:.3f} (1 %: {pings.bound:.3f})", pad=16)
        shares.legend(loc="lower right")
        figure.savefig(path, dpi=90)


def _name(axes: Any, name: str, at: float) -> None:
    axes.annotate(
        name, (at, 1.0), xycoords=("data", "axes fraction"), xytext=(2, 3), textcoords="offset points", fontsize=7,
        color="#444444",
    )  # fmt: skip
