"""`skyhaul net`: worlds that stay up, and programs in them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator

import pytest

from tests.emulation.conftest import NOBODY, Program
from tests.emulation.programs import ECHO, PROBE, python
from tests.live.test_exec import PING
from tests.live.worlds import START, Ran, run, words

pytestmark = pytest.mark.usefixtures("namespaces")
UP = ("net", "up", "constant", "--isolated", "--engine", "python")


@pytest.fixture(scope="module")
def world(namespaces: None) -> Iterator[str]:
    """A world that is up for all tests of this file."""
    up = run(*UP, "--name", "shared", "--server", "web=far", "--detach")
    assert up.status == 0, up.err
    assert "skyhaul net down shared ends it" in up.err
    yield "shared"
    assert run("net", "down", "shared", "-q") == Ran(0, "", "")


def inside(place: str, *command: str) -> Ran:
    return run("net", "exec", place, "--net", "shared", "--", *command)


def test_a_world_says_what_it_is_and_where_everything_is(world: str) -> None:
    (told,) = [card for card in json.loads(run("net", "list", "--json").out) if card["name"] == world]
    assert told["scenario"] == "constant"
    assert told["kind"] == "net"
    assert told["places"] == ["one", "two", "pop:Near", "pop:Far", "server:web"]
    os.kill(told["process"], 0)


def test_terminals_meet_over_both_links_and_the_fibre_between_their_pops(world: str) -> None:
    ran = inside("one", *python(PING, "two.terminal.skyhaul", 5, 0.01))
    times = [value for value in json.loads(ran.out) if value is not None]
    assert len(times) == 5
    assert min(times) >= 2 * (20 + 5 + 20)
    # Over the fibre alone, and without either.
    assert min(json.loads(inside("pop:near", *python(PING, "far.pop.skyhaul", 3, 0.01)).out)) >= 10.0
    assert min(json.loads(inside("pop:far", *python(PING, "web.server.skyhaul", 3, 0.01)).out)) < 10.0


def test_ipv6_takes_the_same_way(world: str) -> None:
    if not os.path.exists("/proc/sys/net/ipv6"):  # noqa: PTH110
        pytest.skip("the kernel is without IPv6")
    with subprocess.Popen(words("net", "exec", "server:web", "--net", world, "--", *python(ECHO))) as server:
        try:
            script = "import socket; print(socket.getaddrinfo('web.server.skyhaul', 1, socket.AF_INET6)[0][4][0])"
            address = inside("one", *python(script)).out.strip()
            ran = inside("one", *python(PROBE, 10, 0.05, address))
            times = [value for value in json.loads(ran.out) if value is not None]
            assert times
            assert min(times) >= 50.0
        finally:
            server.terminate()


def test_many_programs_share_a_terminal(world: str) -> None:
    command = words("net", "exec", "one", "--net", world, "--", *python(PING, "10.100.1.1", 5, 0.05))
    several = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    for process in several:
        out, _ = process.communicate(timeout=60)
        assert min(value for value in json.loads(out) if value is not None) >= 40.0


def test_status_signals_and_folder_are_the_programs(world: str) -> None:
    assert inside("one", "sh", "-c", "pwd; exit 9") == Ran(9, f"{os.getcwd()}\n", "")  # noqa: PTH109
    script = "trap 'exit 5' TERM; echo up; while :; do sleep 0.02; done"
    command = words("net", "exec", "one", "--net", world, "--", "sh", "-c", script)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        process.terminate()
        assert process.wait(20) == 5


def test_a_program_goes_with_the_command_that_started_it(world: str) -> None:
    seconds = f"{600 + os.getpid() / 1e7:.7f}"
    command = words("net", "exec", "one", "--net", world, "--", "sleep", seconds)
    with subprocess.Popen(command) as process:
        while not _running(("sleep", seconds)):
            assert process.poll() is None
            time.sleep(0.01)
        process.kill()
    deadline = time.monotonic() + 10
    while _running(("sleep", seconds)):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _running(command: tuple[str, ...]) -> bool:
    mine = "\0".join(command).encode() + b"\0"
    for name in os.listdir("/proc"):  # noqa: PTH208
        try:
            with open(f"/proc/{name}/cmdline", "rb") as file:  # noqa: PTH123
                if name.isdigit() and file.read() == mine:
                    return True
        except OSError:
            continue
    return False


@pytest.mark.parametrize(
    ("arguments", "status", "what"),
    [
        (("exec", "three", "--", "true"), 1, "no world that is up has 'three'"),
        (
            ("exec", "rome", "--net", "shared", "--", "true"),
            1,
            "there is no 'rome' in this world (there is one, pop:Far",
        ),
        (("exec", "ome", "--net", "shared", "--", "true"), 1, "there is no 'ome' in this world (did you mean one?)"),
        (("exec", "one", "--net", "sharde", "--", "true"), 1, "there is no world 'sharde' (did you mean shared?)"),
        (("exec", "one", "--net", "shared", "--", "no-such-program"), 127, "there is no command 'no-such-program'"),
        (("exec", "one", "--net", "shared", "--", "/etc/passwd"), 126, "'/etc/passwd' cannot be started"),
        (("up", "constant", "--name", "shared"), 1, "a world 'shared' is up already (skyhaul net down shared"),
        (("up", "constant", "--name", "a/b"), 1, "'a/b' cannot be the name of a world"),
        (("up", "constant", "--name", "small", "--mtu", "20"), 1, "--mtu: an MTU of 20 bytes"),
        (("up", "constant", "--name", "no", "--isolated", "--server", "x=y", "-d"), 1, "no point of presence 'y'"),
        (("down", "nothing"), 1, "there is no world 'nothing'"),
    ],
)
def test_what_cannot_be_done_is_one_clear_line(world: str, arguments: tuple[str, ...], status: int, what: str) -> None:
    ran = run("net", *arguments)
    assert ran.status == status, ran.err
    assert what in ran.err
    assert ran.err.startswith("skyhaul: ")
    assert ran.err.count("\n") == 1


def test_of_several_worlds_none_is_meant_without_its_name(world: str) -> None:
    assert run(*UP, "--name", "second", "-d", "-q").status == 0
    try:
        ran = run("net", "down")
        assert ran.status == 1
        assert " worlds are up: " in ran.err
        assert "second" in ran.err
        assert world in ran.err
        assert "(say which: skyhaul net down NAME)" in ran.err
        ran = run("net", "exec", "one", "--", "true")
        assert ran.status == 1
        assert "'one' is in several worlds: " in ran.err
        assert "(say which by --net)" in ran.err
        assert run("net", "exec", "one", "--net", "second", "--", "true").status == 0
    finally:
        assert run("net", "down", "second") == Ran(0, "", "skyhaul: 'second' is down\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_in_the_foreground_it_ends_when_told_to_and_programs_with_it(number: int) -> None:
    with subprocess.Popen(words(*UP, "--name", f"told-{number}"), stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "is up, Ctrl-C ends it" in line:
                break
        program = subprocess.Popen(words("net", "exec", "one", "--net", f"told-{number}", "--", "sleep", "600"))
        time.sleep(1.5)
        # It answers, however long it has looked after its terminals.
        assert run("net", "exec", "two", "--net", f"told-{number}", "--", "true").status == 0
        assert program.poll() is None
        process.send_signal(number)
        said = process.stderr.read()
        assert "2 of 2 terminals have a path" in said
        assert process.wait(20) == 0, said
        assert "2 terminals for" in said
        assert program.wait(20) in (137, 1)


def test_after_a_crash_the_name_is_free_and_the_next_start_works() -> None:
    assert run(*UP, "--name", "crash", "-d", "-q").status == 0
    (told,) = [card for card in json.loads(run("net", "list", "--json").out) if card["name"] == "crash"]
    os.kill(told["process"], signal.SIGKILL)
    deadline = time.monotonic() + 10
    while "crash" in run("net", "list").out:
        assert time.monotonic() < deadline
    assert run(*UP, "--name", "crash", "-d", "-q").status == 0
    assert run("net", "exec", "two", "--net", "crash", "--", *python(PING, "10.100.2.1", 1, 0.0)).status == 0
    assert run("net", "down", "crash", "-q").status == 0


def test_it_works_without_any_rights(another_user: Program) -> None:
    def user(*arguments: str) -> Ran:
        ran = another_user(START, *arguments, tun=False, WORLDS_OF=os.environ["WORLDS_OF"])
        return Ran(ran.status, ran.out, ran.err)

    up = user(*UP, "--name", "theirs", "-d", "-q")
    assert up.status == 0, up.err
    try:
        # Their world is theirs: root has worlds of its own.
        assert "theirs" not in run("net", "list").out
        script = ("sh", "-c", 'id -u; exec "$@"', "-", *python(PING, "two.terminal.skyhaul", 2, 0.01))
        who, times = user("net", "exec", "one", "--", *script).out.splitlines()
        assert who == str(NOBODY)
        assert min(value for value in json.loads(times) if value is not None) >= 90.0
        server = "import socket; socket.create_server(('', 80)); print('bound')"
        assert user("net", "exec", "pop:near", "--", *python(server)).out == "bound\n"
    finally:
        assert user("net", "down", "theirs", "-q").status == 0
