"""Namespaces, mounts and rights of the calling process, by the system calls themselves (ctypes, no privileges needed).

References: unshare(2), setns(2), user_namespaces(7), mount(2), prctl(2), capabilities(7).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import warnings
from collections.abc import Iterator
from pathlib import Path

CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x00020000, 0x10000000, 0x20000000, 0x40000000

_MS_NOSUID, _MS_NODEV, _MS_NOEXEC, _MS_BIND, _MS_REC, _MS_PRIVATE = 2, 4, 8, 4096, 16384, 1 << 18
_MNT_DETACH = 2
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE = 1, 4, 47, 2
_CAPABILITY_VERSION_3 = 0x20080522
CAP_NET_ADMIN, CAP_NET_RAW = 12, 13

_libc = ctypes.CDLL(None, use_errno=True)


class _CapabilityHeader(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _CapabilityData(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


def _check(result: int, what: str) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), what)


def unshare(flags: int) -> None:
    """Leave the namespaces named by CLONE_NEW… flags for new ones; OSError where that is not allowed."""
    _check(_libc.unshare(flags), "unshare")


def enter(fd: int, kind: int) -> None:
    """Move the calling thread to the namespace that `fd` is open on; `kind` is its CLONE_NEW… flag.

    A PID namespace is entered by the children alone. OSError where that is not allowed.
    """
    _check(_libc.setns(fd, kind), "setns")


def enter_network(fd: int) -> None:
    """Move the calling thread to the network namespace that `fd` is open on."""
    enter(fd, CLONE_NEWNET)


def this_network() -> int:
    """A descriptor of the calling thread's network namespace."""
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


@contextlib.contextmanager
def inside_network(fd: int) -> Iterator[None]:
    """Be in another network namespace for a while, in this thread."""
    home = this_network()
    try:
        enter_network(fd)
        try:
            yield
        finally:
            enter_network(home)
    finally:
        os.close(home)


def enter_user_namespace() -> None:
    """A user namespace of one's own, in which one is still oneself but holds every capability over what it makes."""
    uid, gid = os.geteuid(), os.getegid()
    be_visible()  # a process that has changed its user may not write its own maps otherwise
    unshare(CLONE_NEWUSER)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")


def fork() -> int:
    """os.fork, also beside the threads of NumPy: the children made here use nothing that those could have locked."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of any thread
        return os.fork()


def die_with_parent(parent: int) -> None:
    """Be killed when the parent is; exits at once if it is gone already."""
    _check(_libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0), "prctl")
    if os.getppid() != parent:
        os._exit(1)


def be_visible() -> None:
    """Let the owner's other processes open this one's files under /proc, whatever rights it has gained."""
    _check(_libc.prctl(_PR_SET_DUMPABLE, 1, 0, 0, 0), "prctl")


def keep_capabilities(*capabilities: int) -> None:
    """Keep capabilities across exec (as ambient ones), for programs that are not root."""
    header = _CapabilityHeader(_CAPABILITY_VERSION_3, 0)
    data = (_CapabilityData * 2)()
    _check(_libc.capget(ctypes.byref(header), data), "capget")
    for capability in capabilities:
        data[capability // 32].inheritable |= 1 << capability % 32
    _check(_libc.capset(ctypes.byref(header), data), "capset")
    for capability in capabilities:
        _check(_libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, capability, 0, 0), "prctl")


def own_mounts() -> None:
    """A mount namespace whose changes nobody else sees."""
    unshare(CLONE_NEWNS)
    _check(_libc.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None), "mount")


def mount_proc() -> None:
    """The /proc of the calling process's own PID namespace."""
    _check(_libc.mount(b"proc", b"/proc", b"proc", _MS_NOSUID | _MS_NODEV | _MS_NOEXEC, None), "mount /proc")


def bind(source: str, target: str) -> None:
    """Show the file `source` in the place of `target`."""
    _check(_libc.mount(os.fsencode(source), os.fsencode(target), None, _MS_BIND, None), f"mount {target}")


@contextlib.contextmanager
def memory_mounted(target: str) -> Iterator[None]:
    """A file system in memory in the place of a folder for a while; what was bound elsewhere from it stays there."""
    _check(_libc.mount(b"tmpfs", os.fsencode(target), b"tmpfs", _MS_NOSUID | _MS_NODEV, b"mode=755"), "mount")
    try:
        yield
    finally:
        _check(_libc.umount2(os.fsencode(target), _MNT_DETACH), "umount")


def set_kernel(name: str, value: str) -> bool:
    """Write a setting under /proc/sys, as seen from here; False where there is none of that name, or no right."""
    try:
        Path("/proc/sys", name).write_text(value)
    except OSError:
        return False
    return True
