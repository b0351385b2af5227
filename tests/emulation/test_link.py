"""`skyhaul link` with real programs in real namespaces, at low rates and for moments: what a busy machine can keep."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import struct
import subprocess
import sys
import time
import uuid
from pathlib import Path

import numpy as np
import pytest

from tests.emulation.conftest import NOBODY, Link, link_words
from tests.emulation.programs import ECHO, ELSEWHERE, FETCH, LOOK, PROBE, SERVE, python, words

# Between what a packet was to take and what a program sees lie two busy cores.
SLACK_MS = 60.0
PLAIN = ("--engine", "python")


def sequence(size: int) -> str:
    data = b"".join(hashlib.sha256(i.to_bytes(8, "big")).digest() for i in range(size // 32))
    return hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("engine", ["compiled", "python"])
def test_a_datagram_takes_the_delay_both_ways_and_no_less(link: Link, engine: str) -> None:
    ran = link("--delay", "20ms", "--json", "--engine", engine, "--far", words(ECHO), "--", *python(PROBE, 30, 0.01))
    times = json.loads(ran.out)
    assert ran.status == 0
    assert None not in times
    assert min(times) >= 40.0
    assert np.median(times) < 40.0 + SLACK_MS
    summary = ran.summary
    assert summary["engine"] == engine
    for side in (summary["up"], summary["down"]):
        assert side["packets"] == side["delivered"] == 30
        assert side["delay_asked_ms"]["p50"] == pytest.approx(20.0, abs=0.1)
        assert side["delay_given_ms"]["p50"] >= 20.0
        assert set(side["dropped"].values()) == {0}


def test_each_direction_has_its_own_delay_and_ipv6_takes_the_same_link(link: Link) -> None:
    if not Path("/proc/sys/net/ipv6").exists():
        pytest.skip("the kernel is without IPv6")
    probe = python(PROBE, 10, 0.01, "fd53:6b79:6861::6440:2")
    ran = link("--delay-up", "30ms", "--delay-down", "5ms", "--json", *PLAIN, "--far", words(ECHO), "--", *probe)
    times = [value for value in json.loads(ran.out) if value is not None]
    assert len(times) == 10
    assert min(times) >= 35.0
    assert ran.summary["up"]["delay_asked_ms"]["p50"] == pytest.approx(30.0, abs=0.1)
    assert ran.summary["down"]["delay_asked_ms"]["p50"] == pytest.approx(5.0, abs=0.1)


@pytest.mark.parametrize(
    ("engine", "more"), [("compiled", ("--codel",)), ("python", ("--codel",)), ("python", ("--no-offload",))]
)
def test_a_stream_arrives_whole_over_a_slow_and_lossy_link(link: Link, engine: str, more: tuple[str, ...]) -> None:
    size = 1_600_000
    ran = link(
        "--delay", "5ms", "--rate", "30mbit", "--queue", "40ms", "--loss", "1%", "--seed", "4", "--json", *more,
        "--engine", engine, "--far", words(SERVE, size), "--", *python(FETCH),
    )  # fmt: skip
    digest, received, seconds = json.loads(ran.out)
    assert (received, digest) == (size, sequence(size))
    assert size * 8 / seconds <= 30e6
    down = ran.summary["down"]
    assert down["dropped"]["loss"] > 0
    assert down["packets"] >= size / 1448
    assert down["dropped"]["memory"] == 0


def test_a_super_packet_is_lost_in_part(link: Link) -> None:
    # At 400 Mbit/s pieces of eight segments cross: with a loss of 2 % hardly any run of them is lost whole.
    ran = link(
        "--delay", "2ms", "--rate", "400mbit", "--loss-down", "2%", "--json", "--far", words(SERVE, 3_200_000), "--",
        *python(FETCH),
    )  # fmt: skip
    assert json.loads(ran.out)[0] == sequence(3_200_000)
    down = ran.summary["down"]
    share = down["dropped"]["loss"] / down["packets"]
    assert share == pytest.approx(0.02, abs=5 * (0.02 / down["packets"]) ** 0.5)


def test_a_mahimahi_trace_is_the_rate(link: Link, tmp_path: Path) -> None:
    trace = tmp_path / "down.mm"
    trace.write_text("".join(f"{ms}\n" for ms in range(1, 101) for _ in range(1 if ms % 2 else 0)) + "100\n")
    ran = link(
        "--down", str(trace), "--queue", "200ms", "--json", *PLAIN, "--far", words(SERVE, 640_000), "--", *python(FETCH)
    )
    _, received, seconds = json.loads(ran.out)
    assert received == 640_000
    assert received * 8 / seconds < 51 * 12_000 * 10 * 1.01  # 51 opportunities of 12,000 bits in 100 ms
    assert ran.summary["down"]["mean_rate_mbit"] > 0


@pytest.mark.parametrize("hold", [False, True])
def test_an_outage_loses_packets_or_holds_them(link: Link, hold: bool) -> None:
    ran = link(
        *(("--hold",) if hold else ()), "--outage", "600ms+300ms", "--json", *PLAIN, "--far", words(ECHO), "--",
        *python(PROBE, 120, 0.01),
    )  # fmt: skip
    times = json.loads(ran.out)
    outages = ran.summary["up"]["dropped"]["outage"] + ran.summary["down"]["dropped"]["outage"]
    if hold:
        assert None not in times
        assert outages == 0
        assert max(times) > 200.0
    else:
        assert times.count(None) == outages
        assert outages > 10


def test_the_program_is_itself_with_a_network_of_its_own(link: Link, tmp_path: Path) -> None:
    ran = link(*PLAIN, "--", *python(LOOK), EXTRA="kept")
    seen = json.loads(ran.out)
    assert seen["uid"] == os.getuid()
    assert seen["cwd"] == str(Path.cwd())
    assert seen["near"] == "100.64.0.1"
    assert seen["extra"] == "kept"
    assert {"lo", "link0"} <= set(seen["devices"])
    assert "eth0" not in seen["devices"]
    if seen["resolv"]:
        assert "100.64.0.2" in seen["resolv"]
        assert "100.64.0.2" not in Path("/etc/resolv.conf").read_text()


def test_what_is_not_there_is_unreachable_at_once(link: Link) -> None:
    ran = link("--delay", "5ms", *PLAIN, "--", *python(ELSEWHERE))
    assert ran.out.split()[-1] == "True"
    assert "unreachable" in ran.out


@pytest.mark.parametrize(
    ("script", "status"), [("exit 0", 0), ("exit 7", 7), ("kill -9 $$", 137), ("kill -TERM $$", 143)]
)
def test_the_exit_status_is_the_programs(link: Link, script: str, status: int) -> None:
    assert link(*PLAIN, "sh", "-c", script).status == status


def test_links_nest(namespaces: None, link: Link) -> None:
    inner = link_words(["--delay", "10ms", "--json", *PLAIN, "--", *python(PROBE, 10, 0.01, "100.64.0.2")])
    ran = link("--delay", "15ms", *PLAIN, "--quiet", "--far", words(ECHO), "--", *inner)
    times = [value for value in json.loads(ran.out) if value is not None]
    assert len(times) == 10
    assert min(times) >= 50.0
    assert np.median(times) < 50.0 + 2 * SLACK_MS
    assert ran.summary["way_out"] == "nested"


@pytest.mark.parametrize("tun", [True, False])
def test_it_works_without_any_rights(as_nobody: Link, tun: bool) -> None:
    if tun and not Path("/dev/net/tun").exists():
        pytest.skip("this kernel has no TUN device")
    probe = ["sh", "-c", 'id -u >&2; exec "$@"', "-", *python(PROBE, 10, 0.01)]
    ran = as_nobody("--delay", "12ms", "--json", *PLAIN, "--far", words(ECHO), "--", *probe, tun=tun)
    assert ran.status == 0, ran.err
    assert str(NOBODY) in ran.err.split()
    assert min(value for value in json.loads(ran.out) if value is not None) >= 24.0
    assert ran.summary["device"] == ("tun" if tun else "veth")
    assert ran.summary["up"]["delivered"] == 10


def test_where_user_namespaces_are_off_the_setting_is_named(namespaces: None, interpreter: str) -> None:
    script = (
        "import os, sys\nfrom skyhaul.emulation._namespaces import enter_user_namespace\n"
        f"if os.geteuid() == 0: os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})\n"
        "enter_user_namespace()\n"  # in which the number of further ones can be set to none
        "open('/proc/sys/user/max_user_namespaces', 'w').write('0')\n"
        "os.execv(sys.executable, [sys.executable, '-c', *sys.argv[1:]])"
    )
    command = [interpreter, "-c", script, *link_words(["--quiet", "true"])[2:]]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd="/", env=environment)
    assert ran.returncode == 1
    assert ran.stderr.startswith("skyhaul: user namespaces are switched off, user.max_user_namespaces=0 (sudo sysctl ")
    assert "or run as root" in ran.stderr
    assert ran.stderr.count("\n") == 1


def test_a_veth_link_carries_a_stream_without_any_rights(as_nobody: Link) -> None:
    size = 960_000
    ran = as_nobody(
        "--rate", "50mbit", "--delay", "3ms", "--loss", "1%", "--json", *PLAIN, "--far", words(SERVE, size), "--",
        *python(FETCH), tun=False,
    )  # fmt: skip
    assert json.loads(ran.out)[:2] == [sequence(size), size]
    assert ran.summary["down"]["packets"] >= size / 1448


def test_pcap_has_every_packet_of_the_program(link: Link, tmp_path: Path) -> None:
    path = tmp_path / "link.pcap"
    ran = link(
        "--delay", "1ms", *PLAIN, "--json", "--pcap", str(path), "--far", words(ECHO), "--", *python(PROBE, 20, 0)
    )
    assert ran.status == 0
    data = path.read_bytes()
    magic, _, _, _, _, _, kind = struct.unpack_from("<IHHiIII", data)
    assert (magic, kind) == (0xA1B23C4D, 101)
    at, packets = 24, []
    while at < len(data):
        _, _, length, _ = struct.unpack_from("<IIII", data, at)
        packets.append(data[at + 16 : at + 16 + length])
        at += 16 + length
    assert len(packets) == 40 - ran.summary["pcap_missed"]
    assert all(packet[0] == 0x45 and len(packet) == 128 for packet in packets)


def test_a_report_has_every_packet_and_its_pictures(link: Link, tmp_path: Path) -> None:
    import pandas as pd

    folder = tmp_path / "report"
    rules = ("--rate", "2mbit", "--queue", "20ms", "--loss", "5%", "--report", str(folder))
    ran = link(*rules, *PLAIN, "--json", "--far", words(ECHO), "--", *python(PROBE, 100, 0))
    assert ran.status == 0
    packets = pd.read_parquet(folder / "packets.parquet")
    up = packets[packets["direction"] == "up"]
    assert up["packets"].sum() == 100
    assert (up["cause"] == "queue").sum() == ran.summary["up"]["dropped"]["queue"] > 0
    delivered = up[up["cause"] == "delivered"]
    assert (delivered["written_s"] >= delivered["release_s"]).all()
    assert json.loads((folder / "summary.json").read_text())["up"]["packets"] == 100
    for picture in ("up.png", "down.png"):
        assert (folder / picture).read_bytes().startswith(b"\x89PNG")


def still_running(mark: str) -> list[int]:
    """Processes with a mark in their words."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and mark.encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return [pid for pid in found if pid != os.getpid()]


@pytest.mark.parametrize("victim", ["supervisor", "carrier", "first", "program", "random"])
def test_nothing_is_left_whatever_is_killed(namespaces: None, victim: str) -> None:
    mark = f"mark-{uuid.uuid4()}"
    script = f"sleep 600 & setsid sleep 600 & echo up; exec sleep 600 # {mark}"
    command = link_words(
        ["--isolated", "--quiet", *PLAIN, "--far", f"sh -c 'sleep 600' {mark}", "--", "sh", "-c", script, mark]
    )
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stderr is not None
    networks = namespaces_of(still_running(mark))
    if victim != "random":
        assert process.stdout.readline() == "up\n"
        networks = namespaces_of(still_running(mark))
        carrier = children(process.pid)[0]
        first = children(children(carrier)[0])[0]
        target = {"supervisor": process.pid, "carrier": carrier, "first": first, "program": children(first)[-1]}[victim]
    else:
        time.sleep(0.25)
        target = process.pid
    os.kill(target, signal.SIGKILL)
    out, err = process.communicate(timeout=20)
    deadline = time.monotonic() + 10
    while (left := still_running(mark)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not left, (out, err)
    assert not networks & namespaces_of(every_process())
    if victim in ("carrier", "first"):
        assert process.returncode == 1
        assert err.startswith("skyhaul: ")
        assert err.count("\n") == 1
    if victim == "program":
        assert process.returncode == 137


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def every_process() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def namespaces_of(processes: list[int]) -> set[str]:
    """The network namespaces that processes are in, but for this process's own."""
    found = set()
    for pid in processes:
        try:
            found.add(str(Path(f"/proc/{pid}/ns/net").readlink()))
        except OSError:
            continue
    return found - {str(Path("/proc/self/ns/net").readlink())}


def test_an_order_to_end_is_passed_to_the_program(namespaces: None) -> None:
    script = "trap 'echo told; exit 5' TERM; echo up; while :; do sleep 0.05; done"
    process = subprocess.Popen(
        link_words(["--isolated", "--quiet", *PLAIN, "--", "sh", "-c", script]),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    process.terminate()
    out, _ = process.communicate(timeout=20)
    assert out == "told\n"
    assert process.returncode == 5


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_order_to_end_counts_before_there_is_a_program(namespaces: None, number: int) -> None:
    far = ["--far", "sleep 60"]  # never listens: the program waits two seconds for it
    process = subprocess.Popen(
        link_words(["--isolated", *PLAIN, *far, "--", "echo", "ran"]), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and not _children(process.pid):
        time.sleep(0.02)
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert (out, err, process.returncode) == (b"", b"", 128 + number)


def _children(process: int) -> str:
    return Path(f"/proc/{process}/task/{process}/children").read_text()


def test_what_a_parent_left_of_signals_does_no_harm(namespaces: None, tmp_path: Path) -> None:
    def strange() -> None:
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD, signal.SIGTERM})

    words = link_words(["--isolated", *PLAIN, "--", "sh", "-c", f"ping -c 1 $SKYHAUL_FAR > {tmp_path}/said; exit 7"])
    assert subprocess.run(words, preexec_fn=strange, check=False, timeout=60).returncode == 7
    assert "1 received" in (tmp_path / "said").read_text()


@pytest.mark.parametrize(
    ("bad", "what"),
    [
        (("--delay", "25", "true"), "--delay: '25' has no unit of time"),
        (("--rate", "fast", "true"), "--rate: 'fast'"),
        (("--loss", "120%", "true"), "--loss: "),
        (("--mtu", "100", "true"), "--mtu: an MTU of 100 bytes"),
        (("--outage", "now", "true"), "--outage: 'now'"),
        (("--on-off", "0,1s", "true"), "above 0"),
        (("--burst", "0.5", "--loss", "1%", "true"), "--burst: "),
        (("--up", "/nowhere/x.mm", "true"), "/nowhere/x.mm: cannot be read"),
        (("no-such-program",), "there is no command 'no-such-program'"),
        (("/no/such/program",), "'/no/such/program' cannot be started: No such file"),
        (("--far", "no-such-server", "true"), "there is no command 'no-such-server'"),
        (("--pcap", "/nowhere/x.pcap", "true"), "/nowhere/x.pcap: cannot be written"),
    ],
)
def test_what_cannot_be_done_is_one_clear_line(link: Link, bad: tuple[str, ...], what: str) -> None:
    ran = link("--quiet", *PLAIN, *bad)
    assert ran.status == 1
    assert ran.err.startswith("skyhaul: ")
    assert what in ran.err
    assert ran.err.count("\n") == 1
    assert "Traceback" not in ran.err


def test_a_trace_with_negative_times_is_named_with_its_line(link: Link, tmp_path: Path) -> None:
    trace = tmp_path / "bad.mm"
    trace.write_text("1\n-4\n")
    ran = link("--quiet", "--down", str(trace), "true")
    assert ran.status == 1
    assert f"{trace}:2: the time -4 is negative" in ran.err
