"""The first process of the program's PID namespace: starts the programs, reaps, and takes everything with it.

Its parent makes the namespace and waits: a process that has made one for its children can have no threads any more,
and the engine needs them. The first process is killed with its parent, and that with the engine's
process; the kernel then kills all that is left in the namespace. So nothing outlives a link, whatever is killed in
whatever order.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn, TypeAlias

from skyhaul.emulation._namespaces import (
    CAP_NET_ADMIN,
    CAP_NET_RAW,
    CLONE_NEWPID,
    bind,
    die_with_parent,
    enter_network,
    fork,
    keep_capabilities,
    memory_mounted,
    mount_proc,
    own_mounts,
    unshare,
)

_LISTEN_TIMEOUT_S = 2.0
_RESOLV, _HOSTS = "/etc/resolv.conf", "/etc/hosts"
_NAME_SERVICES = ("/run/systemd/resolve/io.systemd.Resolve", "/run/nscd/socket")
_TCP_LISTEN, _UDP_OPEN = "0A", "07"


Programs: TypeAlias = Callable[[socket.socket], None]
"""What the first process does; it talks over the channel."""


def start_namespace(channel: socket.socket, parent: int, programs: Programs) -> NoReturn:
    """Make the PID namespace, and wait for its first process, which runs `programs`."""
    try:
        die_with_parent(parent)
        unshare(CLONE_NEWPID)
        # Open for as long as this process is there: of another PID namespace, it has no number in the new one.
        sign, held = os.pipe()
        first = fork()
        if first == 0:
            os.close(held)
            _be_first(channel, sign, programs)
        os.close(sign)
        channel.close()
        signal.signal(signal.SIGTERM, lambda number, frame: _pass_on(first, number, frame))
        os.waitpid(first, 0)
    except BaseException as error:
        report(channel, failure=f"{type(error).__name__}: {error}")
    finally:
        os._exit(0)


def _be_first(channel: socket.socket, sign: int, programs: Programs) -> NoReturn:
    try:
        die_with_parent(0)
        if select.select([sign], [], [], 0)[0]:  # the parent ended before it could be tied to
            os._exit(1)
        programs(channel)
    except _CannotStart as error:
        report(channel, name=error.name, why=error.why)
    except BaseException as error:
        report(channel, failure=f"{type(error).__name__}: {error}")
    finally:
        os._exit(0)


def run_link_programs(
    channel: socket.socket,
    command: Sequence[str],
    far: Sequence[str],
    networks: tuple[int, int],
    environment: dict[str, str],
) -> None:
    """Wait for the word to prepare (with the name server to use), start the far program, say that it is ready, wait
    for the word to start the command, and report how it ended.

    networks   descriptors of the near and the far network namespace (-1: there is no far one)
    """
    order = json.loads(channel.recv(65536) or b"null")
    if order is None:
        os._exit(1)
    prepare(order["nameserver"])
    near_network, far_network = networks
    if far:
        other = _start(far, far_network, environment, stdin=False)
        _wait_until_it_listens(other)
    report(channel, ready=True)
    if not channel.recv(65536):
        os._exit(1)
    run_command(channel, command, near_network, environment)


def run_world_programs(channel: socket.socket, command: Sequence[str]) -> None:
    """Wait for the word to prepare, say that it is ready, and run a command as above; or, where there is none, be there
    for what others start in this namespace until the channel is closed.

    With the word come the descriptors of a file with names of hosts, and of the command's network namespace; back go
    those of this process's mount and PID namespaces.
    """
    data, (hosts, *networks), _, _ = socket.recv_fds(channel, 65536, 2)
    if not data:
        os._exit(1)
    order = json.loads(data)
    with os.fdopen(hosts, encoding="utf-8") as file:
        prepare(order["nameserver"], file.read())
    places = [os.open(f"/proc/self/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC) for kind in ("mnt", "pid")]
    socket.send_fds(channel, [json.dumps({"ready": True}).encode()], places)
    for descriptor in places:
        os.close(descriptor)
    if command:
        if not channel.recv(65536):
            os._exit(1)
        run_command(channel, command, networks[0], order["environment"])
        return
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # orphans are reaped as they end
    channel.recv(1)


def run_command(channel: socket.socket, command: Sequence[str], network: int, environment: dict[str, str]) -> None:
    """Run a program in a network namespace until it ends, and report how."""
    program = _start(command, network, environment, stdin=True)
    signal.signal(signal.SIGTERM, lambda number, frame: _pass_on(program, number, frame))
    report(channel, status=_reap_until(program))


def prepare(nameserver: str, hosts: str = "") -> None:
    """Have mounts of one's own: this namespace's /proc, a name server, and more names of hosts."""
    own_mounts()
    with contextlib.suppress(OSError):  # where /proc is masked (containers) the outer one stays
        mount_proc()
    files = {}
    if nameserver:
        files[_RESOLV] = f"# Written by skyhaul for the programs behind this link.\nnameserver {nameserver}\n"
    if hosts:
        with contextlib.suppress(OSError):
            hosts = Path(_HOSTS).read_text().rstrip("\n") + "\n\n# Written by skyhaul.\n" + hosts
        files[_HOSTS] = hosts
    if files:
        _show_instead(files)


def report(channel: socket.socket, **message: object) -> None:
    with contextlib.suppress(OSError):  # nobody listens any more: the link is being taken down
        channel.send(json.dumps(message).encode())


class _CannotStart(Exception):
    def __init__(self, name: str, code: int) -> None:
        self.name, self.why = name, os.strerror(code)


def _start(command: Sequence[str], network: int, environment: dict[str, str], *, stdin: bool) -> int:
    """Run a program in a network namespace, with the rights over it that nested links and `ping` need."""
    readable, writable = os.pipe()
    child = fork()
    if child == 0:
        try:
            enter_network(network)
            if os.geteuid() != 0:
                keep_capabilities(CAP_NET_ADMIN, CAP_NET_RAW)
            for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGPIPE, signal.SIGXFSZ):
                signal.signal(number, signal.SIG_DFL)
            if not stdin:
                os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
            os.execvpe(command[0], list(command), {**os.environ, **environment})
        except OSError as error:
            os.write(writable, str(error.errno).encode())
        finally:
            os._exit(127)
    os.close(writable)
    with os.fdopen(readable, "rb") as answer:
        failed = answer.read()
    if failed:
        os.waitpid(child, 0)
        raise _CannotStart(command[0], int(failed))
    return child


def _reap_until(program: int) -> int:
    """Wait for the program, and for whatever else ends before it; its status as a shell has it."""
    while True:
        child, status = os.wait()
        if child == program:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code


def _pass_on(program: int, number: int, _: FrameType | None) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(program, number)


def _wait_until_it_listens(process: int) -> None:
    """Give a server time to open its port, so that the command behind the link finds it; a client never does."""
    if Path("/proc/self").readlink().name != str(os.getpid()):
        return  # this /proc is of another PID namespace: it cannot be asked
    deadline = time.monotonic() + _LISTEN_TIMEOUT_S
    while time.monotonic() < deadline:
        for table, state in (("tcp", _TCP_LISTEN), ("tcp6", _TCP_LISTEN), ("udp", _UDP_OPEN), ("udp6", _UDP_OPEN)):
            try:
                lines = Path(f"/proc/{process}/net/{table}").read_text().splitlines()[1:]
            except OSError:
                return  # it has ended
            if any(line.split()[3] == state for line in lines):
                return
        time.sleep(0.005)


def _show_instead(files: dict[str, str]) -> None:
    """Show other files in the place of the host's to the programs; the host's are not touched, and none is left."""
    folder = Path(tempfile.gettempdir())
    # A system without such a file has no use for it.
    with contextlib.suppress(OSError), memory_mounted(str(folder)):
        for path, text in files.items():
            copy = folder / Path(path).name
            copy.write_text(text)
            with contextlib.suppress(OSError):
                bind(str(copy), path)
        # Services of the host that answer questions about names past all this.
        for service in _NAME_SERVICES:
            if Path(service).is_socket():
                bind("/dev/null", service)
