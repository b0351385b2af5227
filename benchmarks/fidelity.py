"""What a link did against what it was told to do: delay and order across handovers, rate, loss, a backlog, queues.

Times of reception are the kernel's, of a receiver that knows nothing of the link. Needs root: sockets of this process
are opened in the networks of worlds.
"""

from __future__ import annotations

import math
import os
import socket
import struct
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._links import CALM_S, PYTHON, skyhaul
from benchmarks._links import run as run_link
from benchmarks._pauses import Pauses, touched
from benchmarks._pings import Pings, a_user, call_between_terminals, draw_pings, fetch, ping
from benchmarks._timing import Goal, Result, Row
from benchmarks.worlds import _socket_in
from skyhaul.emulation import Codel, DirectionSettings, LinkTable, Shape
from skyhaul.live import Trace, trace_of_scenario, trace_source, write_trace
from skyhaul.live._api import Net
from skyhaul.live._path_tables import Span
from skyhaul.live._world_options import WorldOptions
from skyhaul.scenario import load_scenario
from skyhaul.types import Floats, Ints

RATES_MBIT = (1.0, 20.0, 100.0, 300.0)
LOSS, BURST = 0.01, 5.0
PROBE_S = 50.0
_FLOOD = Path(__file__).with_name("_flood.py")
_PAYLOAD = 1472  # of 1500 bytes of IPv4
_RATE_S, _WINDOW_NS = 6.0, 1_000_000_000
_LOSS_BPS, _LOSS_S, _LOSS_PAYLOAD = 200e6, 8.0, 972
_STANDARD_ERRORS = 4.0  # exceeded once in 16,000 runs of a link that is right
_TIMESTAMPNS, _RCVBUFFORCE = 35, 33  # asm-generic/socket.h
_LAST = (1 << 64) - 1
_MARK_NS = 2_000_000_000
_AFTER_NS = 10_000_000  # what a pause has kept waiting comes this soon after it, or sooner
S = 1_000_000_000


def run(data: Path) -> Result:
    del data
    load = os.getloadavg()[0]
    first = "" if os.sched_getscheduler(0) == os.SCHED_OTHER else ", before all other work (chrt)"
    rows: list[Row] = []
    goals: list[Goal] = []
    _handovers(rows, goals)
    for mbit in RATES_MBIT:
        _rate(mbit, rows, goals)
    _losses(rows, goals)
    _backlog(rows, goals)
    _queues(rows, goals)
    with a_user() as words:
        pings = ping(words)
        _as_a_user(words, pings, rows, goals)
    return Result(
        "Fidelity",
        f"links and worlds of namespaces{first}; times of reception are the kernel's; load of the machine when it "
        f"began: {load:.1f}",
        tuple(rows),
        tuple(goals),
        units="",
        pictures=(("handover-rtt.png", partial(draw_pings, pings)),),
    )


def probe(trace: Trace, seconds: float, interval_s: float = 0.001) -> tuple[Floats, Ints]:
    """Probe the way up of a trace: (N,) errors of the delay in µs against the trace, and the numbers as they came.

    Before its time is what comes sooner than any instant from its sending on could have let it come: a negative error.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trace.json"
        write_trace(trace, path)
        net = Net(WorldOptions("trace", isolated=True), partial(trace_source, path, names=("here",)))
        with net, _socket_in(net["here"]) as sender, _socket_in(net.pop("pop")) as receiver:
            zero = net["here"].state().until_ns - _MARK_NS
            _ready(receiver)
            found: list[tuple[int, int, int]] = []
            reader = threading.Thread(target=_read, args=(receiver, found))
            reader.start()
            sender.connect((str(net.pop("pop").address), 9))
            _send(sender, int(seconds / interval_s), interval_s)
            reader.join()
    number, sent, came = np.array(found, np.int64).T
    return _errors_us(trace.up, sent - zero, came - zero), number


def _errors_us(table: LinkTable, sent: Ints, came: Ints) -> Floats:
    due = sent + table.delay_at(sent)
    # A packet enters the link some time after it is sent; where a state begins then, that one's delay may be shorter.
    later = np.minimum.accumulate((table.time_ns + table.delay_ns)[::-1])[::-1]
    after = np.searchsorted(table.time_ns, sent, side="right")
    least = np.minimum(due, np.append(later, np.iinfo(np.int64).max)[after])
    return np.asarray(np.where(came < due, np.minimum(came - least, 0), came - due) / 1e3, np.float64)


def _ready(receiver: socket.socket) -> None:
    receiver.bind(("", 9))
    receiver.settimeout(20.0)
    receiver.setsockopt(socket.SOL_SOCKET, _TIMESTAMPNS, 1)
    receiver.setsockopt(socket.SOL_SOCKET, _RCVBUFFORCE, 64 << 20)


def _read(receiver: socket.socket, found: list[tuple[int, int, int]]) -> None:
    """Numbers, times of sending and of reception, both CLOCK_MONOTONIC in ns, until the last one."""
    behind = time.clock_gettime_ns(time.CLOCK_REALTIME) - time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    while True:
        data, control, _, _ = receiver.recvmsg(2048, 64)
        number, sent = struct.unpack_from("!Qq", data)
        if number == _LAST:
            return
        second, nanosecond = struct.unpack_from("qq", control[0][2])
        found.append((number, sent, second * S + nanosecond - behind))


def _send(sender: socket.socket, count: int, interval_s: float) -> None:
    due = time.monotonic()
    for number in range(count):
        due += interval_s
        time.sleep(max(0.0, due - time.monotonic()))
        sender.send(struct.pack("!Qq", number, time.monotonic_ns()) + bytes(84))
    time.sleep(0.5)
    sender.send(struct.pack("!Qq", _LAST, 0))


def plan_trace(seconds: float) -> Trace:
    """A plan's link at victoria, with a mark that says when its time 0 was."""
    begin = load_scenario("world")
    trace = trace_of_scenario(begin, "victoria", None, timedelta(seconds=seconds), timedelta(milliseconds=100))
    return _marked(trace)


def _marked(trace: Trace) -> Trace:
    mark = Span(_MARK_NS, "served", "", "mark", "", "", -1)
    return Trace(trace.name, trace.about, trace.start, trace.up, trace.down, (*trace.spans[:1], mark, *trace.spans[1:]))


def _handovers(rows: list[Row], goals: list[Goal]) -> None:
    trace = plan_trace(PROBE_S + 10.0)
    errors, numbers = probe(trace, PROBE_S)
    slots = sum(0 < span.time_ns < PROBE_S * S for span in trace.spans if span.satellite != "mark")
    work = f"{numbers.size:,} probes across {slots} slot starts"
    overtaken = int(np.count_nonzero(np.diff(numbers) < 0))
    missing = int(PROBE_S * 1000) - numbers.size
    early = max(0.0, -float(errors.min()))
    p50, p99 = (float(np.quantile(errors, share)) for share in (0.5, 0.99))
    rows += [
        Row(work, "before its time at most, µs", early, None, "against the plan's delay at its sending or later"),
        Row(work, "overtaken or lost", overtaken + missing, None),
        Row(
            work,
            "late, µs, median",
            p50,
            None,
            f"99 % {p99:,.0f}: kernel's work on both sides included, and the wait of packets that a delay's fall would "
            "let overtake",
        ),
    ]
    goals += [
        Goal("before the plan's time, at most, µs", early, 10.0, at_least=False),
        Goal("reordered or lost across handovers", overtaken + missing, 0.0, at_least=False),
    ]


@dataclass(frozen=True, slots=True)
class Flood:
    """What came of datagrams that were sent faster than a link takes them.

    numbers, times_ns   (N,) of those that came, CLOCK_REALTIME
    sent, burst         how many there were, and how many of a super-packet
    pauses              (P, 2) of the machine meanwhile
    """

    numbers: Ints
    times_ns: Ints
    sent: int
    burst: int
    pauses: Ints


def flood(options: Sequence[str], bits_a_second: float, seconds: float, payload: int) -> Flood:
    """Datagrams through `skyhaul link`."""
    with tempfile.TemporaryDirectory() as folder, Pauses(folder) as pauses:
        Path(folder).chmod(0o777)
        path, counts = Path(folder) / "came", Path(folder) / "sent"
        send = f"{PYTHON} {_FLOOD} send $FAR {bits_a_second} {seconds} {payload} 2> {counts}"
        run_link(skyhaul("link", *options), f"sleep {CALM_S}; {send}", f"{PYTHON} {_FLOOD} receive {path}")
        came = np.fromfile(path, np.int64).reshape(-1, 2)
        sent, burst = (int(word) for word in counts.read_text().split())
        return Flood(came[:, 0], came[:, 1], sent, burst, pauses.found())


def windows(times_ns: Ints, packet_bytes: int, pauses: Ints) -> tuple[Floats, float]:
    """Rates in bit/s over each second that begins with a packet and ends with the first one a second or more later, but
    for those that begin or end in a pause of the machine; and the share of those."""
    later = np.searchsorted(times_ns, times_ns + _WINDOW_NS)
    first = np.flatnonzero(later < times_ns.size)
    last = later[first]
    begin, end = times_ns[first], times_ns[last]
    out = touched(pauses, begin - _AFTER_NS, begin) | touched(pauses, end - _AFTER_NS, end)
    return np.asarray((last - first) * packet_bytes * 8e9 / (end - begin))[~out], float(out.mean())


def _rate(mbit: float, rows: list[Row], goals: list[Goal]) -> None:
    # Half as much again as the link takes, and a long queue: a sender that pauses does not leave the link idle.
    came = flood(["--rate", f"{mbit}mbit", "--queue", "1s"], mbit * 1.5e6, _RATE_S, _PAYLOAD)
    times = came.times_ns[came.times_ns >= came.times_ns[0] + S // 2]
    rates, left_out = windows(times, _PAYLOAD + 28, came.pauses)
    off = 100 * np.abs(rates / (mbit * 1e6) - 1)
    note = f"worst; median {np.median(off):.3f}; {left_out:.0%} of the seconds began or ended in a pause"
    rows.append(Row(f"{mbit:g} Mbit/s", "off over any second, %", float(off.max()), None, note))
    goals.append(Goal(f"{mbit:g} Mbit/s over any second, % off", float(off.max()), 0.5, at_least=False))


def _losses(rows: list[Row], goals: list[Goal]) -> None:
    for bursts in (False, True):
        options = ["--loss-up", str(LOSS), "--seed", "3", *(["--burst", str(BURST)] if bursts else [])]
        came = flood(options, _LOSS_BPS, _LOSS_S, _LOSS_PAYLOAD)
        sent, burst = came.sent, came.burst
        lost = np.ones(sent, bool)
        lost[came.numbers] = False
        off, length, length_off = judge_losses(lost, LOSS, BURST if bursts else 1.0)
        whole = int(lost.reshape(-1, burst).all(axis=1).sum()) if burst > 2 * BURST else 0
        work = f"{sent:,} segments, {'bursts of ' + format(BURST, 'g') if bursts else 'one by one'}, {LOSS:.0%}"
        name = "in bursts" if bursts else "one by one"
        rows += [
            Row(work, "lost, %", 100 * float(lost.mean()), None, f"{off:.1f} standard errors off"),
            Row(work, "mean length of a burst", length, None, f"{length_off:.1f} standard errors off"),
            Row(work, f"super-packets of {burst} lost whole", whole, None),
        ]
        goals.append(Goal(f"loss {name}, standard errors off", off, _STANDARD_ERRORS, at_least=False))
        goals.append(
            Goal(f"lengths of bursts, loss {name}, standard errors off", length_off, _STANDARD_ERRORS, at_least=False)
        )
        if not bursts:
            goals.append(Goal("super-packets lost whole", whole, 0.0, at_least=False))


def judge_losses(lost: Any, loss: float, burst: float) -> tuple[float, float, float]:
    """How many standard errors the share lost is off, the mean length of a burst, and how far off that is.

    One by one (`burst` 1) losses are binomial and bursts geometric with mean 1 / (1 - loss). In bursts the variance of
    the share is (1 + r) / (1 - r) times as large; r = 1 - 1 / burst - loss / (burst (1 - loss)) is the chain's memory.
    """
    if burst <= 1.0:
        memory, mean = 0.0, 1 / (1 - loss)
    else:
        memory, mean = 1 - 1 / burst - loss / (burst * (1 - loss)), burst
    error = math.sqrt(loss * (1 - loss) * (1 + memory) / (1 - memory) / lost.size)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], lost.astype(np.int64), [0]])))
    lengths = edges[1::2] - edges[::2]
    if lengths.size == 0:
        return abs(float(lost.mean()) - loss) / error, 0.0, math.inf
    spread = math.sqrt(mean * (mean - 1) / lengths.size)
    return (
        abs(float(lost.mean()) - loss) / error,
        float(lengths.mean()),
        abs(float(lengths.mean()) - mean) / spread,
    )


def drain(packets: int = 100, before_s: float = 0.4) -> tuple[float, float]:
    """Seconds that a backlog took to drain across a change from 1 to 10 Mbit/s, and that it should have taken."""
    change = 4 * S
    up = LinkTable(
        np.array([0, change], np.int64),
        np.array([5_000_000] * 2, np.int64),
        np.array([1e6, 1e7]),
        np.zeros(2),
        np.zeros(2, bool),
        3600 * S,
    )
    span = Span(0, "served", "", "", "", "", -1)
    trace = _marked(Trace("step", "", "", up, up, (span,)))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trace.json"
        write_trace(trace, path)
        net = Net(WorldOptions("trace", isolated=True), partial(trace_source, path, names=("here",)))
        with net, _socket_in(net["here"]) as sender, _socket_in(net.pop("pop")) as receiver:
            at = net["here"].state().until_ns - _MARK_NS + change
            _ready(receiver)
            sender.connect((str(net.pop("pop").address), 9))
            found: list[tuple[int, int, int]] = []
            reader = threading.Thread(target=_read, args=(receiver, found))
            reader.start()
            time.sleep(max(0.0, (at - time.monotonic_ns()) / 1e9 - before_s))
            for number in range(packets):
                sender.send(struct.pack("!Qq", number, time.monotonic_ns()) + bytes(1250 - 28 - 16))
            time.sleep(2.0)
            sender.send(struct.pack("!Qq", _LAST, 0))
            reader.join()
    number, sent, came = np.array(found, np.int64).T
    assert number.tolist() == list(range(packets))
    bits, head = packets * 1250 * 8, (at - int(sent[0])) / 1e9
    ideal = head + max(0.0, bits - head * 1e6) / 1e7
    return (int(came[-1]) - 5_000_000 - int(sent[0])) / 1e9, ideal


def _backlog(rows: list[Row], goals: list[Goal]) -> None:
    took, ideal = drain()
    off = 100 * abs(took / ideal - 1)
    work = "100 packets, 1 Mbit/s, then 10"
    rows.append(Row(work, "drained, s", took, None, f"ideal {ideal:.4f}"))
    goals.append(Goal("a backlog across a change of rate, % off its ideal", off, 1.0, at_least=False))


def queues(packets: int) -> tuple[int, int]:
    """Fates in which the compiled link and the plain one differ, for drop-tail and for CoDel, and fates looked at."""
    from tests.emulation.recorded import run, run_compiled

    rng = np.random.default_rng(11)
    times = np.cumsum(rng.exponential(1.1e6, packets)).astype(np.int64)
    shapes = [
        Shape(int(n), int(size), int(size))
        for n, size in zip(rng.integers(1, 12, packets), rng.integers(100, 1501, packets), strict=True)
    ]
    arrivals = list(zip(times.tolist(), shapes, strict=True))
    table = LinkTable(
        np.array([0, 5, 5, 10]) * S,
        np.array([20, 30, 12, 15]) * 1_000_000,
        np.array([4e7, 3e7, 6e7, 2e7]),
        np.array([0.0, 0.01, 0.0, 0.001]),
        np.zeros(4, bool),
        20 * S,
    )
    differ = looked = 0
    for codel in (None, Codel()):
        rules = DirectionSettings(queue_bytes=200_000, codel=codel, seed=4)
        plain, compiled = run(rules, table, arrivals), run_compiled(rules, table, arrivals)
        differ += abs(len(plain) - len(compiled)) + sum(a != b for a, b in zip(plain, compiled, strict=False))
        looked += len(plain)
    return differ, looked


def _queues(rows: list[Row], goals: list[Goal]) -> None:
    differ, looked = queues(20_000)
    rows.append(
        Row("drop-tail and CoDel, recorded arrivals", "fates unlike the plain loop's", differ, None, f"of {looked:,}")
    )
    goals.append(Goal("fates unlike the plain loop's", differ, 0.0, at_least=False))


def _as_a_user(words: Sequence[str], pings: Pings, rows: list[Row], goals: list[Goal]) -> None:
    found = pings.agreement
    bound = pings.bound
    work = "skyhaul exec victoria -- ping -c 100, no rights"
    rows += [
        Row(work, "Kolmogorov–Smirnov distance to the plan", found.statistic, None, f"p = {found.p_value:.2f}"),
        Row(work, "step of the median at slot starts, ms, most", pings.largest_step_ms, None, f"lost: {pings.lost}"),
        Row("a program's first packet, no rights", "answered after, s", pings.first_s, None, "warm caches"),
    ]
    goals += [
        Goal(
            "distance of ping's round trips from the plan's, at 1 % significance",
            found.statistic,
            bound,
            at_least=False,
        ),
        Goal("first answer after the command, s", pings.first_s, 2.0, at_least=False),
    ]
    size, seconds = fetch(words)
    rows.append(Row("curl from a server behind the PoP, no rights", "bytes", size, None, f"{seconds:.2f} s"))
    sent, answered, median_ms = call_between_terminals(words)
    rows.append(
        Row(
            "ping between two terminals, two net exec, no rights",
            "answered",
            answered,
            None,
            f"of {sent}, median {median_ms:.1f} ms",
        )
    )
    goals.append(Goal("pings between terminals that are not answered", sent - answered, 0.0, at_least=False))


__all__ = ["drain", "flood", "judge_losses", "plan_trace", "probe", "queues", "run", "windows"]
