"""Transports across handovers of a plan: TCP with Cubic and with BBR, QUIC, and video in datagrams, at real speed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import skyhaul
from benchmarks._ends import BIN_NS, FRAMES_A_SECOND, video_frames
from benchmarks._pauses import Pauses, touched
from benchmarks._playout import Frames, frames_of, freezes, shown_s
from benchmarks._timing import Result, Row
from benchmarks._transport_pictures import draw_bulk, draw_video
from skyhaul.live import PathState
from skyhaul.live._api import Net
from skyhaul.scenario import Scenario
from skyhaul.types import Bools, Floats, Ints

TERMINAL, POP = "victoria", "Seattle"
NEIGHBOURS = 3
SECONDS = 60.0
STALL_NS = 200_000_000  # Linux's least retransmission timeout (TCP_RTO_MIN, include/net/tcp.h)
LOSS = "1%"
SLOT_NS = 15_000_000_000
AFTER_S = 1.0
_ENDS = Path(__file__).with_name("_ends.py")
_PORT = 7010


def scenario() -> Scenario:
    """The preset's sky and ground at victoria, with neighbours in its cell who take their shares of the beam."""
    place = {"latitude_deg": 48.43, "longitude_deg": -123.37}
    names = [TERMINAL, *(f"neighbour-{number}" for number in range(1, NEIGHBOURS + 1))]
    return Scenario.model_validate(
        {
            "name": "transports",
            "time": {"start": "2024-02-17T12:00:12Z", "duration": "1h"},
            "constellation": {"preset": "starlink-gen1"},
            "ground": {"preset": "cities"},
            "terminals": [{"name": name} | place for name in names],
        }
    )


@dataclass(slots=True)
class Seen:
    """What was seen of a link while something crossed it.

    begin_ns   CLOCK_MONOTONIC of the start
    slots_s    starts of slots, from then on
    states     (s from the start, path state), once a second
    dropped    packets that the link dropped on the way down, by cause
    """

    begin_ns: int
    slots_s: list[float] = field(default_factory=list)
    states: list[tuple[float, PathState]] = field(default_factory=list)
    dropped: dict[str, int] = field(default_factory=dict)
    pauses: Ints = field(default_factory=lambda: np.zeros((0, 2), np.int64))

    @property
    def handovers_s(self) -> list[float]:
        """Starts of slots that another satellite serves."""
        found, before = [], None
        for at, state in self.states:
            if before is not None and state.satellite != before:
                found.append(max((slot for slot in self.slots_s if slot <= at), default=at))
            before = state.satellite
        return found


@dataclass(frozen=True, slots=True)
class Bulk:
    """A transfer to the terminal.

    bins_s, rate_bps    of every 0.1 s, from the start on
    rtt_at_s, rtt_s     round-trip times as the sender knows them
    again               segments sent again
    stalls_s            (start, length) of times in which the program got nothing
    """

    name: str
    control: str
    seen: Seen
    rate_bps: float
    bins_s: Floats
    bin_rate_bps: Floats
    rtt_at_s: Floats
    rtt_s: Floats
    again: int
    stalls_s: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Video:
    """A stream one way."""

    name: str
    seen: Seen
    frames: Frames

    @property
    def paused(self) -> Bools:
        """Which frames met a pause of the machine on their way."""
        spans = ((at * 1e9).astype(np.int64) for at in (self.frames.captured_s, self.frames.complete_s))
        return touched(self.seen.pauses, *spans)

    @property
    def judged(self) -> Frames:
        """The frames that met none: what comes of a transport is judged by them."""
        kept = ~self.paused
        return Frames(self.frames.sent, self.frames.captured_s[kept], self.frames.complete_s[kept])


def run(data: Path) -> Result:
    del data
    transfers = [
        transfer("TCP Cubic", "tcp", "cubic"),
        transfer("TCP BBR", "tcp", "bbr"),
        transfer("QUIC (aioquic, Cubic)", "quic", ""),
        transfer(f"TCP Cubic, {LOSS} lost", "tcp", "cubic", lossy=True),
        transfer(f"TCP BBR, {LOSS} lost", "tcp", "bbr", lossy=True),
    ]
    bulk = [one for one in transfers if isinstance(one, Bulk)]
    videos = call()
    first = "" if os.sched_getscheduler(0) == os.SCHED_OTHER else "; before all other work of the machine (chrt)"
    rows = [row for one in transfers for row in (_bulk_rows(one) if isinstance(one, Bulk) else [one])]
    rows += [row for video in videos for row in _video_rows(video)]
    return Result(
        "Transports across handovers",
        f"{SECONDS:g} s each from the same instant of one plan, behind {TERMINAL} with {NEIGHBOURS} neighbours that "
        f"take their shares of its beam, from a server at the PoP in {POP}; no other traffic, and no loss where "
        f"none is said{first}",
        tuple(rows),
        (),
        units="",
        pictures=(
            ("transports.png", lambda path: draw_bulk(path, bulk, SECONDS)),
            ("video.png", lambda path: draw_video(path, videos, SECONDS)),
        ),
    )


@contextmanager
def _world() -> Iterator[tuple[Net, Seen, Path]]:
    with (
        tempfile.TemporaryDirectory() as folder,
        Pauses(folder) as pauses,
        skyhaul.emulate(scenario(), [TERMINAL]) as net,
    ):
        seen = Seen(time.monotonic_ns())
        yield net, seen, Path(folder)
        seen.pauses = pauses.found() - (time.time_ns() - time.monotonic_ns())
        net.close()
        assert net.summary is not None
        seen.dropped |= net.summary["terminals"][TERMINAL]["down"]["dropped"]


def _watch(net: Net, seen: Seen, process: subprocess.Popen[Any], seconds: float) -> None:
    """Note the path once a second until the process ends."""
    deadline = time.monotonic() + seconds
    while process.poll() is None:
        if time.monotonic() > deadline:
            process.kill()
            raise RuntimeError("a transport did not come to its end")
        state = net[TERMINAL].state()
        if not seen.slots_s:
            first = (state.until_ns - seen.begin_ns) / 1e9
            seen.slots_s += [first + k * SLOT_NS / 1e9 for k in range(-1, int(SECONDS / 15) + 2)]
        seen.states.append(((time.monotonic_ns() - seen.begin_ns) / 1e9, state))
        time.sleep(1.0)
    if process.returncode:
        raise RuntimeError(f"a transport ended with {process.returncode}")


def _end(*words: object) -> list[str]:
    return [sys.executable, str(_ENDS), *(str(word) for word in words)]


def transfer(name: str, kind: str, control: str, *, lossy: bool = False) -> Bulk | Row:
    """One transfer in a world of its own; a row that says why where this kernel cannot."""
    if kind == "tcp" and not _kernel_has(control):
        return Row(name, "not measured", float("nan"), None, f"this kernel has no {control} (modprobe tcp_{control})")
    with _world() as (net, seen, folder):
        served, fetched = folder / "served.json", folder / "fetched.json"
        there = [_PORT, control, SECONDS, served] if kind == "tcp" else [_PORT, SECONDS, served]
        server = net.pop(POP).popen(_end(f"{kind}-serve", *there))
        command = _end(f"{kind}-fetch", net.pop(POP).address, _PORT, fetched)
        if lossy:
            link = ["link", "--loss-down", LOSS, "--quiet", "--", *command]
            command = [sys.executable, "-m", "skyhaul", *link]
        _watch(net, seen, net[TERMINAL].popen(command), SECONDS + 30.0)
        server.wait(30.0)
        seen.dropped["the receiver's socket"] = _full_sockets(net)
        return _bulk(name, seen, json.loads(served.read_text()), json.loads(fetched.read_text()))


def _full_sockets(net: Net) -> int:
    """Datagrams that found the terminal's program too slow (RcvbufErrors of /proc/net/snmp, RFC 4113)."""
    told = net[TERMINAL].run(["cat", "/proc/net/snmp"], capture_output=True, text=True, check=True).stdout
    names, values = (line.split() for line in told.splitlines() if line.startswith("Udp:"))
    return int(values[names.index("RcvbufErrors")])


def _kernel_has(control: str) -> bool:
    return control in Path("/proc/sys/net/ipv4/tcp_available_congestion_control").read_text().split()


def _bulk(name: str, seen: Seen, served: dict[str, Any], fetched: dict[str, Any]) -> Bulk:
    bins = np.array(fetched["bins"], np.int64).reshape(-1, 2)
    begin, end = int(bins[0, 0]) * BIN_NS, int(fetched["end"])
    wide = BIN_NS * 10
    place = (bins[:, 0] * BIN_NS - seen.begin_ns) // wide
    counts = np.bincount(np.clip(place, 0, None), weights=bins[:, 1].astype(float))
    samples = np.array(served["samples"], np.int64).reshape(-1, 4)
    return Bulk(
        name,
        served["control"],
        seen,
        fetched["bytes"] * 8e9 / (end - begin),
        np.arange(counts.size) * wide / 1e9,
        counts * 8e9 / wide,
        (samples[:, 0] - seen.begin_ns) / 1e9,
        samples[:, 1] / 1e6,
        int(samples[-1, 3]),
        tuple(((at - seen.begin_ns) / 1e9, gap / 1e9) for at, gap in fetched["gaps"] if gap >= STALL_NS),
    )


def call() -> list[Video]:
    """A call: the same stream both ways at once."""
    with _world() as (net, seen, folder):
        up, down = folder / "up.json", folder / "down.json"
        pop, terminal = net.pop(POP), net[TERMINAL]
        receivers = [
            pop.popen(_end("video-receive", _PORT, SECONDS, up)),
            terminal.popen(_end("video-receive", _PORT, SECONDS, down)),
        ]
        time.sleep(0.5)
        senders = [
            terminal.popen(_end("video-send", pop.address, _PORT, SECONDS)),
            pop.popen(_end("video-send", terminal.address, _PORT, SECONDS)),
        ]
        for process in (senders[0], *receivers):
            _watch(net, seen, process, SECONDS + 30.0)
        sent = len(video_frames(SECONDS))
        return [
            Video(f"video {way}", seen, frames_of(json.loads(path.read_text())["datagrams"], sent))
            for way, path in (("up", up), ("down", down))
        ]


def _bulk_rows(bulk: Bulk) -> list[Row]:
    seen = bulk.seen
    near, far = _around(bulk.bins_s, bulk.bin_rate_bps / 1e6, seen.handovers_s)
    offered = np.mean([state.rate_down_bps for _, state in seen.states]) / 1e6
    rtt = bulk.rtt_s * 1e3
    lengths = [length for _, length in bulk.stalls_s]
    longest = f"longest {max(lengths) * 1e3:.0f} ms" if lengths else ""
    again = "sent again, segments" if bulk.name.startswith("TCP") else "taken for lost, packets"
    drops = ", ".join(f"{count:,} {cause}" for cause, count in seen.dropped.items() if count) or "none"
    return [
        Row("goodput, Mbit/s", bulk.name, bulk.rate_bps / 1e6, None, f"the link's rate is {offered:.0f} on average"),
        Row(f"in the {AFTER_S:g} s after a handover", bulk.name, near, None, f"{far:.0f} at other times"),
        Row(again, bulk.name, bulk.again, None, f"dropped: {drops}"),
        Row("stalls of 200 ms or more", bulk.name, len(lengths), None, longest),
        Row("round trip, ms, median", bulk.name, float(np.median(rtt)), None, f"99 % {np.quantile(rtt, 0.99):.0f}"),
    ]


def _around(at_s: Floats, values: Floats, marks_s: Sequence[float]) -> tuple[float, float]:
    """Means of what was in the second after any of the marks, and of the rest; the first 2 s, of slow start, are left
    out, and the last."""
    kept = (at_s >= 2.0) & (at_s < SECONDS - 1.0)
    near = np.zeros(at_s.size, bool)
    for mark in marks_s:
        near |= (at_s >= mark) & (at_s < mark + AFTER_S)
    return float(values[kept & near].mean()), float(values[kept & ~near].mean())


def _video_rows(video: Video) -> list[Row]:
    frames = video.judged
    held_s = shown_s(frames) - frames.captured_s
    # As if the frames left out had never been captured.
    found, gaps = freezes(np.arange(held_s.size) / FRAMES_A_SECOND + held_s)
    transit, held = frames.transit_s * 1e3, held_s * 1e3
    usual = 1e3 / FRAMES_A_SECOND
    note = f"freezes last {gaps[found].sum() * 1e3:.0f} ms together" if found.size else ""
    return [
        Row(
            "frames that came whole, %",
            video.name,
            100.0 * video.frames.captured_s.size / frames.sent,
            None,
            f"of {frames.sent:,}",
        ),
        Row(
            "from capture to the last datagram, ms, median",
            video.name,
            float(np.median(transit)),
            None,
            f"99 % {np.quantile(transit, 0.99):.0f}, most {transit.max():.0f}; {video.paused.mean():.1%} met a "
            f"pause of the machine and are left out",
        ),
        Row(
            "from capture to the screen, ms, median",
            video.name,
            float(np.median(held)),
            None,
            f"most {held.max():.0f}: what the jitter buffer grew to",
        ),
        Row(
            "longest time between two frames shown, ms", video.name, float(gaps.max()) * 1e3, None, f"usual {usual:.1f}"
        ),
        Row("freezes", video.name, found.size, None, note),
    ]
