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
import signal
import socket
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

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
_RESOLV = "/etc/resolv.conf"
_TCP_LISTEN, _UDP_OPEN = "0A", "07"


def start_namespace(
    channel: socket.socket,
    parent: int,
    command: Sequence[str],
    far: Sequence[str],
    networks: tuple[int, int],
    environment: dict[str, str],
) -> NoReturn:
    """Make the PID namespace, and wait for its first process.

    That waits on `channel` for the word to prepare (with the name server to use), starts the far program, says that it
    is ready, waits for the word to start the command, and reports how the command ended.

    networks   descriptors of the near and the far network namespace (-1: there is no far one)
    """
    try:
        die_with_parent(parent)
        unshare(CLONE_NEWPID)
        first = fork()
        if first == 0:
            _run_programs(channel, command, far, networks, environment)
        channel.close()
        signal.signal(signal.SIGTERM, lambda number, frame: _pass_on(first, number, frame))
        os.waitpid(first, 0)
    except BaseException as error:
        _report(channel, failure=f"{type(error).__name__}: {error}")
    finally:
        os._exit(0)


def _run_programs(
    channel: socket.socket,
    command: Sequence[str],
    far: Sequence[str],
    networks: tuple[int, int],
    environment: dict[str, str],
) -> NoReturn:
    try:
        # The parent's number is 0 from in here: it is of another PID namespace.
        die_with_parent(0)
        order = json.loads(channel.recv(65536) or b"null")
        if order is None:
            os._exit(1)
        own_mounts()
        with contextlib.suppress(OSError):  # where /proc is masked (containers) the outer one stays
            mount_proc()
        if order["nameserver"]:
            _use_nameserver(order["nameserver"])
        near_network, far_network = networks
        if far:
            other = _start(far, far_network, environment, stdin=False)
            _wait_until_it_listens(other)
        _report(channel, ready=True)
        if not channel.recv(65536):
            os._exit(1)
        program = _start(command, near_network, environment, stdin=True)
        signal.signal(signal.SIGTERM, lambda number, frame: _pass_on(program, number, frame))
        status = _reap_until(program)
        _report(channel, status=status)
    except _CannotStart as error:
        _report(channel, name=error.name, why=error.why)
    except BaseException as error:
        _report(channel, failure=f"{type(error).__name__}: {error}")
    finally:
        os._exit(0)


def _report(channel: socket.socket, **message: object) -> None:
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


def _use_nameserver(address: str) -> None:
    """Show another resolv.conf to the programs; the host's is not touched, and no file is left anywhere."""
    folder = Path(tempfile.gettempdir())
    text = f"# Written by skyhaul for the programs behind this link.\nnameserver {address}\n"
    # A system without this file has no use for it.
    with contextlib.suppress(OSError), memory_mounted(str(folder)):
        (folder / "resolv.conf").write_text(text)
        bind(str(folder / "resolv.conf"), _RESOLV)
