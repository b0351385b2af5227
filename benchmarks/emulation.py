"""Links that real packets cross, beside mahimahi's tools in the same minutes.

MAHIMAHI names the folder that holds mm-delay and its siblings, built from a checkout (setuid root, as their own
installation makes them); without it Skyhaul's ways are timed alone. Needs root, for mahimahi's own network namespace,
and iperf3.
"""

from __future__ import annotations

import os
import shutil
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks._links import Link, Load, iperf, mahimahi, probe, quantile, skyhaul
from benchmarks._timing import Goal, Result, Row

ROUNDS = 5
_PROBES, _INTERVAL_US = 3_000, 1_000
_DELAY_MS = 10
_CPU_LOAD = "-u -b 336M -l 1400 --pacing-timer 500"  # 30,000 packets a second
_TCP_LOAD = "-b 500M"


def run(data: Path) -> Result:
    del data
    if shutil.which("iperf3") is None:
        raise SystemExit("benchmarks.emulation: iperf3 is not installed (apt-get install iperf3)")
    load = os.getloadavg()[0]
    folder = os.environ.get("MAHIMAHI")
    peers = Path(folder) if folder else None
    rows: list[Row] = []
    goals: list[Goal] = []
    _tcp(peers, rows, goals)
    _delay(peers, "idle", "", (5.0, 15.0), rows, goals)
    _delay(peers, "beside TCP at 500 Mbit/s", _TCP_LOAD, (4.0, 15.0), rows, goals)
    _cpu(peers, rows, goals)
    first = "" if os.sched_getscheduler(0) == os.SCHED_OTHER else ", all before other work (chrt)"
    return Result(
        "Links that packets cross",
        f"whole commands in turns, medians of {ROUNDS}; mahimahi {'beside' if peers else 'not there'}{first}. Probes "
        f"that met a pause of the machine, in which a sleeper on a core was woken a millisecond late or more, are left "
        f"out; load of the machine when it began: {load:.1f}",
        tuple(rows),
        tuple(goals),
        units="",
    )


def _ways(peers: Path | None, delay_ms: int, *more: tuple[str, ...]) -> list[Link]:
    """Skyhaul's ways, and mm-delay last where it is there."""
    links = [
        skyhaul(" ".join(("skyhaul link", *options)), "--delay", f"{delay_ms}ms", *options) for options in ((), *more)
    ]
    return [*links, mahimahi(f"mm-delay {delay_ms}", peers, "mm-delay", str(delay_ms))] if peers else links


def _in_turns(links: Sequence[Link], measure: Callable[[Link], float]) -> list[float]:
    values: list[list[float]] = [[] for _ in links]
    for turn in range(ROUNDS):
        for k in range(len(links)):
            values[(k + turn) % len(links)].append(measure(links[(k + turn) % len(links)]))
    return [statistics.median(found) for found in values]


def _tcp(peers: Path | None, rows: list[Row], goals: list[Goal]) -> None:
    links = _ways(peers, 1, ("--engine", "python"))
    found = _in_turns(links, lambda link: iperf(link, "", 4).bits_per_second / 1e6)
    for link, value in zip(links, found, strict=True):
        ratio = value / found[0] if link is not links[0] else None
        rows.append(Row("TCP, one flow, 1 ms each way, Mbit/s", link.name, value, ratio))
    if peers:
        goals.append(Goal("TCP over that of mm-delay", found[0] / found[-1], 4.0, at_least=True))
        goals.append(
            Goal("TCP of the plain-Python loop over that of mm-delay", found[1] / found[-1], 3.0, at_least=True)
        )


def _delay(
    peers: Path | None, when: str, load: str, factors: tuple[float, float], rows: list[Row], goals: list[Goal]
) -> None:
    links = _ways(peers, _DELAY_MS, ("--precise",))
    loads: dict[str, list[float]] = {link.name: [] for link in links}
    left_out: dict[str, list[float]] = {link.name: [] for link in links}

    def measure(link: Link) -> float:
        found = probe(link, _DELAY_MS, _PROBES, _INTERVAL_US, load)
        loads[link.name].append(found.bits_per_second)
        left_out[link.name].append(found.left_out)
        return quantile(sorted(abs(error) for error in found.errors_us), 0.99)

    found = _in_turns(links, measure)
    for link, value in zip(links, found, strict=True):
        ratio = value / found[0] if link is not links[0] else None
        carried = f"beside {statistics.median(loads[link.name]) / 1e6:.0f} Mbit/s, " if load else ""
        carried += f"{statistics.median(left_out[link.name]):.1%} left out"
        rows.append(Row(f"p99 of the absolute delay error, {when}, µs", link.name, value, ratio, carried))
    if peers:
        for k, name in ((0, ""), (1, " with --precise")):
            text = f"p99 of the delay error {when}, mm-delay over Skyhaul{name}"
            goals.append(Goal(text, found[-1] / found[k], factors[k], at_least=True))


def _cpu(peers: Path | None, rows: list[Row], goals: list[Goal]) -> None:
    links = _ways(peers, 1)

    def per_packet_us(link: Link) -> float:
        load: Load = iperf(link, _CPU_LOAD, 4)
        return 1e6 * load.cpu_s / load.packets

    found = _in_turns(links, per_packet_us)
    for link, value in zip(links, found, strict=True):
        ratio = value / found[0] if link is not links[0] else None
        rows.append(Row("processor time a packet, 30,000 a second, µs", link.name, value, ratio))
    if peers:
        goals.append(Goal("processor time a packet over that of mm-delay", found[0] / found[-1], 1.0, at_least=False))
