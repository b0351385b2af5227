"""What this machine lets an ordinary program do with networks, tried out: each feature, and what gives it where it
is missing."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import platform
import shutil
import signal
import socket
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

from skyhaul.emulation._devices import TUN_PATH, open_packet, open_tun
from skyhaul.emulation._namespaces import CLONE_NEWPID, enter_user_namespace, fork, mount_proc, own_mounts, unshare
from skyhaul.emulation._netlink import Netlink
from skyhaul.emulation._privileges import setting, why_no_namespaces
from skyhaul.emulation._wiring import new_network

State: TypeAlias = Literal["works", "missing", "limited", "untried"]

_TIMEOUT_S = 10
_PR_GET_TIMERSLACK, _PR_SET_TIMERSLACK = 30, 29
_EPOLL_PWAIT2, _ENOSYS = 441, 38
_GOOD_STATES = ("works", "limited")


@dataclass(frozen=True, slots=True)
class Finding:
    """One feature: its state, what was seen, and the remedy.

    `limited` is there, but not as good as it could be; `untried` could not be tried without namespaces.
    """

    name: str
    state: State
    what: str
    remedy: str = ""
    needed_for: str = ""

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


def examine() -> list[Finding]:
    """Try every feature that links use, each in a child process; this one and the host's network stay as they are."""
    kernel = _kernel()
    if kernel.state == "missing":
        return [kernel]
    findings = [kernel, _namespaces()]
    inside = {
        "PID namespace": _pid_namespace,
        "TUN device": _tun,
        "offload on TUN": _offload,
        "veth pair": _veth,
        "packet sockets": _packet_sockets,
    }
    for name, check in inside.items():
        if findings[1].state == "missing":
            findings.append(Finding(name, "untried", "it takes the namespaces above", needed_for="links"))
        else:
            findings.append(check())
    return findings + [check() for check in (_ipv6, _way_out, _timers, _cores, _compiler, _netem)]


def can_link(findings: list[Finding]) -> bool:
    """Whether `skyhaul link` works here in some way."""
    state = {finding.name: finding.state for finding in findings}
    good = {name for name, found in state.items() if found in _GOOD_STATES}
    devices = "TUN device" in good or {"veth pair", "packet sockets"} <= good
    return devices and {"user and network namespaces", "PID namespace"} <= good


def _kernel() -> Finding:
    system = platform.system()
    if system != "Linux":
        return Finding("kernel", "missing", f"this is {system}", "run on Linux, in a virtual machine or a container")
    return Finding("kernel", "works", f"Linux {platform.release()} on {platform.machine()}")


def _namespaces() -> Finding:
    name, use = "user and network namespaces", "link without root"
    answer = _try(_enter)
    if answer.get("ok"):
        if os.geteuid() == 0 and not answer["result"]:
            return Finding(name, "works", "as root, no user namespace is needed", needed_for=use)
        return Finding(name, "works", "made and entered", needed_for=use)
    what, mend = why_no_namespaces()
    return Finding(name, "missing", what or answer["error"], mend, use)


def _pid_namespace() -> Finding:
    def attempt() -> str:
        _enter()
        unshare(CLONE_NEWPID)
        child = fork()
        if child == 0:
            try:
                own_mounts()
                mount_proc()
            except OSError:
                os._exit(1)
            os._exit(0)
        return "" if os.waitpid(child, 0)[1] == 0 else "; its /proc cannot be mounted, the host's shows instead"

    answer = _try(attempt)
    use = "nothing outlives a link"
    if answer.get("ok"):
        return Finding("PID namespace", "works", f"made{answer['result']}", needed_for=use)
    return Finding("PID namespace", "missing", answer["error"], why_no_namespaces()[1], use)


def _tun() -> Finding:
    def attempt() -> str:
        _enter()
        os.close(open_tun("doctor0", offload=False).fd)
        return ""

    answer = _try(attempt)
    use = "the fastest devices; without it links use veth pairs"
    if answer.get("ok"):
        return Finding("TUN device", "works", f"{TUN_PATH} opens", needed_for=use)
    if not os.path.exists(TUN_PATH):  # noqa: PTH110
        return Finding("TUN device", "missing", f"there is no {TUN_PATH}", "sudo modprobe tun", use)
    if not os.access(TUN_PATH, os.R_OK | os.W_OK):
        mode = f"{os.stat(TUN_PATH).st_mode & 0o777:o}"  # noqa: PTH116
        return Finding("TUN device", "missing", f"{TUN_PATH} has mode {mode}", f"sudo chmod 666 {TUN_PATH}", use)
    return Finding("TUN device", "missing", answer["error"], "sudo modprobe tun", use)


def _offload() -> Finding:
    def attempt() -> str:
        _enter()
        os.close(open_tun("doctor0", offload=True).fd)
        return ""

    answer = _try(attempt)
    use = "links beyond 1 Gbit/s"
    if answer.get("ok"):
        return Finding("offload on TUN", "works", "packets of up to 64 kB cross at once", needed_for=use)
    return Finding("offload on TUN", "missing", answer["error"], "the remedy of the TUN device, or Linux 3.9", use)


def _veth() -> Finding:
    def attempt() -> str:
        _enter()
        engine = new_network()
        new_network()
        with Netlink() as netlink:
            netlink.add_veth("doctor0", "doctor1", peer_namespace=engine)
        return ""

    answer = _try(attempt)
    use = "links where there is no TUN device"
    if answer.get("ok"):
        return Finding("veth pair", "works", "made", needed_for=use)
    return Finding("veth pair", "missing", answer["error"], "sudo modprobe veth", use)


def _packet_sockets() -> Finding:
    def attempt() -> int:
        _enter()
        with socket.socket(fileno=open_packet("lo").fd) as opened:
            return opened.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // 2

    answer = _try(attempt)
    use = "links on veth pairs, --pcap"
    if not answer.get("ok"):
        return Finding("packet sockets", "missing", answer["error"], "a kernel with CONFIG_PACKET", use)
    size = int(answer["result"])
    remedy = "" if size >= 4 << 20 else "sudo sysctl net.core.rmem_max=16777216, for fast links on veth pairs"
    return Finding("packet sockets", "works", f"with buffers of {size / 1e6:.1f} MB", remedy, use)


def _ipv6() -> Finding:
    if setting("net/ipv6/conf/all/forwarding") is not None:
        return Finding("IPv6", "works", "the kernel has it")
    return Finding("IPv6", "missing", "the kernel is without it: links carry IPv4 only", "boot without ipv6.disable=1")


def _way_out() -> Finding:
    use = "programs behind a link reach the host's network"
    installed = [name for name in ("slirp4netns", "pasta") if shutil.which(name)]
    if not installed:
        remedy = "sudo apt-get install slirp4netns, or passt"
        return Finding("way out", "missing", "neither pasta nor slirp4netns is installed", remedy, use)
    if not os.access(TUN_PATH, os.R_OK | os.W_OK):
        what = f"{installed[0]} is installed, and cannot open {TUN_PATH}"
        return Finding("way out", "missing", what, f"sudo chmod 666 {TUN_PATH}", use)
    return Finding("way out", "works", f"{installed[0]} is installed", needed_for=use)


def _timers() -> Finding:
    libc = ctypes.CDLL(None, use_errno=True)
    before = libc.prctl(_PR_GET_TIMERSLACK, 0, 0, 0, 0)
    fine = libc.prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0) == 0
    libc.prctl(_PR_SET_TIMERSLACK, before, 0, 0, 0)
    libc.syscall(_EPOLL_PWAIT2, -1, 0, 0, 0, 0, 0)
    exact = ctypes.get_errno() != _ENOSYS
    use = "delays exact to some tens of microseconds"
    if fine and exact:
        return Finding("fine timers", "works", "timer slack of 1 ns, epoll to the nanosecond", needed_for=use)
    what = "epoll waits whole milliseconds only, the engine spins the rest" if fine else "timer slack cannot be set"
    return Finding("fine timers", "limited", what, "Linux 5.11 or later", use)


def _cores() -> Finding:
    count = len(os.sched_getaffinity(0))
    if count >= 2:
        return Finding("processor cores", "works", f"{count}", needed_for="--precise")
    return Finding("processor cores", "limited", "1", "a second core", "--precise, which spins on a core of its own")


def _compiler() -> Finding:
    def attempt() -> str:
        from skyhaul.emulation._compiled_engine import has_fine_epoll

        return str(has_fine_epoll())

    answer = _try(attempt)
    use = "the compiled engine; without it plain Python carries the packets"
    if answer.get("ok"):
        return Finding(
            "compiled engine", "works", "Numba is there and has a place for what it compiles", needed_for=use
        )
    return Finding("compiled engine", "limited", answer["error"], "a writable home, or NUMBA_CACHE_DIR=DIR", use)


def _netem() -> Finding:
    modules = f"/lib/modules/{platform.release()}/modules"
    for listing in ("dep", "builtin"):
        with contextlib.suppress(OSError), open(f"{modules}.{listing}", encoding="utf-8") as file:  # noqa: PTH123
            if "sch_netem" in file.read():
                return Finding("netem", "works", "the kernel has it; links do not use it")
    return Finding("netem", "missing", "the kernel has none; links do not need it")


def _enter() -> bool:
    """Be in namespaces of one's own, as a link's engine is; whether that took a user namespace."""
    if os.geteuid() == 0:
        with contextlib.suppress(PermissionError):
            new_network()
            return False
    enter_user_namespace()
    new_network()
    return True


def _try(attempt: Callable[[], object]) -> dict[str, Any]:
    """What an attempt in a child process gave: `result` with `ok`, or `error`."""
    readable, writable = os.pipe()
    child = fork()
    if child == 0:
        try:
            signal.alarm(_TIMEOUT_S)
            answer: dict[str, object] = {"ok": True, "result": attempt()}
        except BaseException as error:
            what = error.strerror if isinstance(error, OSError) else ""
            answer = {"error": what or f"{type(error).__name__}: {error}".partition("\n")[0]}
        os.write(writable, json.dumps(answer).encode())
        os._exit(0)
    os.close(writable)
    with os.fdopen(readable, "rb") as file:
        text = file.read()
    os.waitpid(child, 0)
    return dict(json.loads(text)) if text else {"error": "the attempt did not come back"}
