"""Commands that put a program behind a link, Skyhaul's and mahimahi's, run as a user would run them."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._pauses import LATE_NS, Pauses, touched

PROBE = Path(__file__).with_name("_probe.py")
# mahimahi's tools run as nobody, who may not look into everybody's virtual environment.
PYTHON = "/usr/bin/python3" if os.access("/usr/bin/python3", os.X_OK) else sys.executable
NOBODY = 65534
CALM_S = 1.5  # after a start, which itself keeps the cores busy
# What a link's own processes are not: the programs that load it.
_LOADS = ("iperf3", "sh")


@dataclass(frozen=True, slots=True)
class Link:
    """A command line that runs `inside` behind a link, with `far` at its other end."""

    name: str
    words: tuple[str, ...]
    mahimahi: bool = False

    def command(self, inside: str, far: str) -> list[str]:
        """Both are shell scripts; $FAR is the far end's address."""
        if not self.mahimahi:
            script = f"FAR=$SKYHAUL_FAR; {inside}"
            return [
                *self.words,
                "--isolated",
                "--json",
                "--far",
                shlex.join(["sh", "-c", far]),
                "--",
                "sh",
                "-c",
                script,
            ]
        # mahimahi's tools are setuid, refuse root, and change the network they start in: they get one of their own.
        behind = shlex.join([*self.words, "sh", "-c", f"FAR=$MAHIMAHI_BASE; {inside}"])
        user = f"setpriv --reuid={NOBODY} --regid={NOBODY} --clear-groups"
        start = f"ip link set lo up; sysctl -qw net.ipv4.ip_forward=1; ({far}) & sleep 0.3; {user} {behind}"
        return ["unshare", "-n", "sh", "-c", f"{start}; status=$?; kill $! 2>/dev/null; exit $status"]


def skyhaul(name: str, *options: str) -> Link:
    """`skyhaul link` with these options."""
    return Link(name, (sys.executable, "-m", "skyhaul", "link", *options))


def mahimahi(name: str, folder: Path, *words: str) -> Link:
    """One of mahimahi's tools, from the folder that holds them."""
    return Link(name, (str(folder / words[0]), *words[1:]), mahimahi=True)


@dataclass(frozen=True, slots=True)
class Load:
    """What a run of iperf3 gave.

    bits_per_second   received
    packets           sent (UDP), 0 for TCP
    cpu_s             processor time of the link's own processes meanwhile
    """

    bits_per_second: float
    packets: int
    cpu_s: float


def iperf(link: Link, options: str, seconds: int) -> Load:
    """Load a link with one flow of iperf3 from inside to the far end."""
    with tempfile.TemporaryDirectory() as temporary:
        _open_to_all(temporary)
        out = Path(temporary) / "iperf.json"
        inside = f"iperf3 -c $FAR -t {seconds} -J {options} > {out}"
        cpu_s = run(link, inside, "timeout 60 iperf3 -s -1 >/dev/null")
        end = _end_of(out)
    if "-u" in options.split():
        total = end["sum"]
        return Load(total["bits_per_second"] * (1 - total["lost_percent"] / 100), total["packets"], cpu_s)
    return Load(end["sum_received"]["bits_per_second"], 0, cpu_s)


@dataclass(frozen=True, slots=True)
class Probed:
    """What datagrams through a link gave.

    errors_us         of the one-way delay, sorted; of those that met no pause of the machine
    left_out          share of those that did
    bits_per_second   of the load beside them
    """

    errors_us: list[float]
    left_out: float
    bits_per_second: float


def probe(link: Link, delay_ms: float, count: int, interval_us: int, load: str = "") -> Probed:
    """Send datagrams through a link of a constant delay.

    load   options of iperf3 that make one beside them, or empty
    """
    with tempfile.TemporaryDirectory() as temporary, Pauses(temporary) as pauses:
        _open_to_all(temporary)
        pairs, out = Path(temporary) / "pairs.json", Path(temporary) / "iperf.json"
        copy = shutil.copy(PROBE, temporary)
        receive = shlex.join([PYTHON, copy, "receive", str(pairs)])
        send = f"sleep {CALM_S}; {PYTHON} {copy} send $FAR {count} {interval_us}"
        rate = 0.0
        if load:
            seconds = int(CALM_S + count * interval_us / 1e6) + 2
            inside = f"iperf3 -c $FAR -t {seconds} -J {load} > {out} & {send}; wait"
            run(link, inside, f"timeout 60 iperf3 -s -1 >/dev/null & {receive}; wait")
            end = _end_of(out)
            rate = (end["sum"] if "-u" in load.split() else end["sum_received"])["bits_per_second"]
        else:
            run(link, send, receive)
        _, sent, came = np.array(json.loads(pairs.read_text(encoding="ascii")), np.int64).T
        out_of_it = touched(pauses.found(), sent, came + LATE_NS)
    errors = (came - sent)[~out_of_it] / 1e3 - delay_ms * 1e3
    return Probed(sorted(errors.tolist()), float(out_of_it.mean()), rate)


def quantile(values: Sequence[float], share: float) -> float:
    """The value that `share` of the sorted values do not exceed."""
    return values[min(len(values) - 1, int(share * len(values)))]


def _end_of(path: Path) -> dict[str, Any]:
    end: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["end"]
    return end


def _open_to_all(folder: str) -> None:
    Path(folder).chmod(0o777)


def run(link: Link, inside: str, far: str) -> float:
    """Run to the end; processor time (s) of the link's own processes while the first load was there."""
    process = subprocess.Popen(
        link.command(inside, far),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    before: float | None = None
    after = 0.0
    deadline = time.monotonic() + 60.0
    while process.poll() is None:
        if time.monotonic() > deadline:
            process.kill()
            break
        own, loading = _own_cpu(process.pid)
        if loading:
            before = own if before is None else before
            after = own
        time.sleep(0.05)
    said = process.communicate()[1]
    if process.returncode:
        raise RuntimeError(f"{link.name} ended with {process.returncode}: {said.strip()}")
    return after - (before or 0.0)


def _own_cpu(root: int) -> tuple[float, bool]:
    """Processor time (s) of the processes below `root` that belong to the link, and whether a load runs."""
    parent: dict[int, int] = {}
    found: dict[int, tuple[str, float]] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            text = (entry / "stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        name, _, rest = text.partition("(")[2].rpartition(")")
        fields = rest.split()
        pid = int(entry.name)
        parent[pid] = int(fields[1])
        found[pid] = (name, (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"))
    total, loading = 0.0, False
    for pid, (name, seconds) in found.items():
        above = pid
        while above in parent and above != root:
            above = parent[above]
        if above != root:
            continue
        if name in _LOADS:
            loading |= name == "iperf3" and b"-c" in _arguments(pid)
        else:
            total += seconds
    return total, loading


def _arguments(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return []
