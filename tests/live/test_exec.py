"""`skyhaul exec` with real programs in real namespaces."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import uuid
from pathlib import Path

import pytest

from tests.emulation.conftest import NOBODY, Program
from tests.emulation.programs import ECHO, ELSEWHERE, python
from tests.live import worlds
from tests.live.worlds import START, processes, run, standing

pytestmark = pytest.mark.usefixtures("namespaces")
CONSTANT = ("--scenario", "constant", "--isolated", "--engine", "python")

LOOK = """
import json, os, socket
names = ["one.terminal.skyhaul", "near.pop.skyhaul", "localhost"]
print(json.dumps({"uid": os.getuid(), "cwd": os.getcwd(), "environment": dict(os.environ),
                  "devices": sorted(name for _, name in socket.if_nameindex()),
                  "names": {name: socket.gethostbyname(name) for name in names},
                  "six": socket.getaddrinfo("near.pop.skyhaul", 1, socket.AF_INET6)[0][4][0]
                         if os.path.exists("/proc/sys/net/ipv6") else ""}))
"""
# Sends an ICMP echo as ping does, without needing it: prints the round-trip time in ms of each, none for the lost.
PING = """
import json, os, socket, struct, sys, time
host, count, gap = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)
sock.connect((host, 0)); sock.settimeout(0.5)
times = []
for number in range(count):
    start = time.monotonic()
    sock.send(struct.pack("!BBHHH", 8, 0, 0, 0, number) + bytes(48))
    try:
        while struct.unpack("!BBHHH", sock.recv(1000)[:8])[4] != number: pass
        times.append((time.monotonic() - start) * 1e3)
    except OSError:
        times.append(None)
    time.sleep(gap)
print(json.dumps(times))
"""


def test_a_program_behind_a_terminal_is_itself_and_knows_who_is_there() -> None:
    ran = run("exec", "one", *CONSTANT, "--", *python(LOOK), KEPT="yes")
    assert ran.status == 0, ran.err
    seen = json.loads(ran.out)
    assert seen["uid"] == os.getuid()
    assert seen["cwd"] == str(Path.cwd())
    assert seen["environment"]["KEPT"] == "yes"
    assert seen["environment"]["SKYHAUL_PLACE"] == "one"
    assert {"lo", "link0"} <= set(seen["devices"])
    assert seen["names"]["one.terminal.skyhaul"] == "100.64.0.1"
    assert seen["names"]["near.pop.skyhaul"] == "10.100.1.1"
    assert seen["names"]["localhost"] == "127.0.0.1"
    assert seen["six"] in ("", "fd53:6b79:6861::a64:101")
    assert "skyhaul: one is 100.64.0.1; near.pop.skyhaul 10.100.1.1\n" in ran.err
    # At its end it says how exact it was.
    assert re.search(r"late \d+ / \d+ µs|0 packets", ran.err)


@pytest.mark.parametrize("engine", ["compiled", "python"])
def test_its_packets_take_the_links_delay_both_ways(engine: str) -> None:
    ran = run(
        "exec", "one", "--scenario", "constant", "--isolated", "--engine", engine, "--json", "--",
        *python(PING, "10.100.1.1", 20, 0.01),
    )  # fmt: skip
    times = json.loads(ran.out)
    assert None not in times
    assert min(times) >= 40.0
    summary = json.loads(next(line for line in ran.err.splitlines() if line.startswith("{")))
    assert summary["engine"] == engine
    for side in ("up", "down"):
        told = summary["terminals"]["one"][side]
        assert told["packets"] == told["delivered"] == 20
        assert told["delay_asked_ms"]["p50"] == pytest.approx(20.0, abs=0.1)
    assert summary["late_us"]["p50"] is not None


def test_what_is_not_in_an_isolated_world_is_unreachable_at_once() -> None:
    ran = run("exec", "one", *CONSTANT, "-q", "--", *python(ELSEWHERE))
    assert ran.out.split()[-1] == "True"
    assert "unreachable" in ran.out


@pytest.mark.parametrize(("script", "status"), [("exit 7", 7), ("kill -9 $$", 137), ("kill -TERM $$", 143)])
def test_the_exit_status_is_the_programs(script: str, status: int) -> None:
    ran = run("exec", "one", *CONSTANT, "-q", "--", "sh", "-c", script)
    assert (ran.status, ran.err) == (status, "")


def test_an_order_to_end_is_passed_to_the_program_and_nothing_is_left() -> None:
    mark = f"mark-{uuid.uuid4()}"
    script = f"trap 'echo told; exit 5' TERM; echo up; sleep 600 & while :; do sleep 0.05; done # {mark}"
    command = worlds.words("exec", "one", *CONSTANT, "-q", "--", "sh", "-c", script, mark)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        process.terminate()
        assert process.communicate(timeout=20)[0] == "told\n"
        assert process.returncode == 5
    assert not processes(mark)


def test_a_terminal_in_use_is_said_with_the_way_in() -> None:
    with standing("one", *CONSTANT) as first:
        second = run("exec", "one", *CONSTANT, "--", "true")
        assert second.status == 1
        expected = f"terminal 'one' is in use by process {first.pid} (skyhaul net exec one -- COMMAND)"
        assert second.err == f"skyhaul: {expected}\n"
        # That way works, and another terminal of the scenario is free.
        inside = run("net", "exec", "one", "--", "sh", "-c", "echo $SKYHAUL_ADDRESS; exit 3")
        assert (inside.status, inside.out) == (3, "100.64.0.1\n")
        assert run("exec", "two", *CONSTANT, "-q", "--", "true").status == 0


def test_pcap_and_report_have_the_packets_of_the_terminal(tmp_path: Path) -> None:
    pcap, folder = tmp_path / "one.pcap", tmp_path / "report"
    ran = run(
        "exec", "one", *CONSTANT, "--pcap", str(pcap), "--report", str(folder), "--",
        *python(PING, "10.100.1.1", 10, 0.01),
    )  # fmt: skip
    assert ran.status == 0, ran.err
    assert len(pcap.read_bytes()) == 24 + 20 * (16 + 20 + 8 + 48)
    assert json.loads((folder / "summary.json").read_text())["up"]["packets"] == 10
    for picture in ("up.png", "down.png"):
        assert (folder / picture).read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "status", "what"),
    [
        (("one", *CONSTANT, "--", "no-such-program"), 127, "there is no command 'no-such-program'"),
        (("one", *CONSTANT, "--", "/no/such/program"), 127, "there is no command '/no/such/program'"),
        (("one", *CONSTANT, "-q", "--", "/etc/passwd"), 1, "'/etc/passwd' cannot be started: Permission denied"),
        (("kiev", "--scenario", "europe", "--isolated", "--", "true"), 1, "kyiv"),
        (("kyiv", "--scenario", "nowhere", "--isolated", "--", "true"), 1, "nowhere"),
        (("one", *CONSTANT, "--mtu", "100", "--", "true"), 1, "--mtu: an MTU of 100 bytes (between 576 and 65535)"),
        (("one", *CONSTANT, "--pop", "Nowhere", "--", "true"), 1, "there is no point of presence 'Nowhere'"),
        (("one", *CONSTANT, "--pcap", "/nowhere/x", "--", "true"), 1, "/nowhere/x: cannot be written"),
    ],
)
def test_what_cannot_be_done_is_one_clear_line(arguments: tuple[str, ...], status: int, what: str) -> None:
    ran = run("exec", *arguments)
    assert ran.status == status
    assert what in ran.err
    assert ran.err.startswith("skyhaul: ")
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize("tun", [True, False])
def test_it_works_without_any_rights(another_user: Program, tun: bool) -> None:
    if tun and not Path("/dev/net/tun").exists():
        pytest.skip("this kernel has no TUN device")
    script = ["sh", "-c", 'id -u >&2; exec "$@"', "-", *python(PING, "10.100.1.1", 5, 0.01)]
    ran = another_user(START, "exec", "one", *CONSTANT, "--json", "--", *script, tun=tun)
    assert ran.status == 0, ran.err
    assert str(NOBODY) in ran.err.split()
    assert min(value for value in json.loads(ran.out) if value is not None) >= 40.0
    summary = json.loads(next(line for line in ran.err.splitlines() if line.startswith("{")))
    assert summary["device"] == ("tun" if tun else "veth")


def test_where_user_namespaces_are_off_the_setting_and_the_other_ways_are_named(interpreter: str) -> None:
    script = (
        "import os, sys\nfrom skyhaul.emulation._namespaces import enter_user_namespace\n"
        f"if os.geteuid() == 0: os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})\n"
        "enter_user_namespace()\n"  # in which the number of further ones can be set to none
        "open('/proc/sys/user/max_user_namespaces', 'w').write('0')\n"
        "os.execv(sys.executable, [sys.executable, '-c', *sys.argv[1:]])"
    )
    command = [interpreter, "-c", script, START, "exec", "one", *CONSTANT, "--", "true"]
    environment = {**os.environ, "PYTHONPATH": str(worlds.ROOT) + os.pathsep + os.pathsep.join(worlds.path())}
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd="/", env=environment)
    assert ran.returncode == 1
    assert ran.stderr.startswith("skyhaul: user namespaces are switched off, user.max_user_namespaces=0 (sudo sysctl ")
    assert "run as root" in ran.stderr
    assert "skyhaul proxy" in ran.stderr
    assert ran.stderr.count("\n") == 1


def test_links_can_be_made_inside(namespaces: None) -> None:
    from tests.emulation.conftest import link_words

    # The address of the world's PoP, through a link inside the terminal: both delays, both ways.
    inner = link_words(["--delay", "10ms", "--engine", "python", "-q", "--", *python(PING, "10.100.1.1", 5, 0.01)])
    ran = run("exec", "one", *CONSTANT, "-q", "--", *inner)
    assert ran.status == 0, ran.err
    assert min(value for value in json.loads(ran.out) if value is not None) >= 60.0


def test_a_server_behind_the_point_of_presence_sees_the_terminal_and_goes_with_the_world() -> None:
    ask = (
        "import socket, time; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(0.5)\n"
        "s.connect(('near.pop.skyhaul', 7007))\n"
        "for _ in range(40):\n"
        "    try: s.send(b'hello'); print(s.recv(9), s.getsockname()[0]); break\n"
        "    except OSError: time.sleep(0.1)"
    )
    with standing("one", *CONSTANT):
        server = subprocess.Popen(worlds.words("net", "exec", "pop:near", "--", *python(ECHO)))
        assert run("net", "exec", "one", "--", *python(ask)).out == "b'hello' 100.64.0.1\n"
    assert server.wait(10) == 137


def test_when_what_plans_is_killed_that_is_said_and_the_program_goes_on() -> None:
    script = ["sh", "-c", "echo up; sleep 3; exit 6"]
    command = worlds.words("exec", "oslo", "--scenario", "europe", "--isolated", "-q", "--", *script)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        planners = [pid for pid in children if "_planner" in Path(f"/proc/{pid}/cmdline").read_text()]
        assert len(planners) == 1
        os.kill(int(planners[0]), signal.SIGKILL)
        _, said = process.communicate(timeout=30)
        assert process.returncode == 6
        assert "what plans the link has ended" in said
