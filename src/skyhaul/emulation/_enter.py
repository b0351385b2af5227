"""A program inside namespaces that other processes keep: what `nsenter` does, as the user that one is.

Also a launcher of its own, for processes that have threads: `python -c LAUNCH DESCRIPTORS COMMAND…`.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from skyhaul.emulation._namespaces import (
    CAP_NET_ADMIN,
    CAP_NET_RAW,
    CLONE_NEWNET,
    CLONE_NEWNS,
    CLONE_NEWPID,
    CLONE_NEWUSER,
    die_with_parent,
    enter,
    fork,
    keep_capabilities,
)

NOT_FOUND, NOT_RUN = 127, 126
"""What a shell says of a command that is not there, and of one that cannot be run (POSIX, 2.8.2)."""
_PARENT = str(Path(__file__).parents[2])
LAUNCH = f"import sys; sys.path.insert(0, {_PARENT!r}); from skyhaul.emulation._enter import launch; launch()"


@dataclass(frozen=True, slots=True)
class Room:
    """Descriptors of the namespaces of a place; `user` is -1 where they belong to the user namespace one is in."""

    mount: int
    pid: int
    network: int
    user: int = -1

    @property
    def descriptors(self) -> tuple[int, ...]:
        """Those that are open."""
        return tuple(number for number in (self.mount, self.pid, self.network, self.user) if number >= 0)


def run_inside(room: Room, command: Sequence[str], environment: dict[str, str]) -> int:
    """Run a program there, and wait for it; its exit status, 128 + n where signal n ended it, 127 or 126 with a line
    on standard error where it could not be started.

    This process, which must have one thread, is left in the place's user, mount and network namespaces.
    """
    folder = Path.cwd()
    if room.user >= 0:
        enter(room.user, CLONE_NEWUSER)
    enter(room.mount, CLONE_NEWNS)
    enter(room.network, CLONE_NEWNET)
    enter(room.pid, CLONE_NEWPID)
    with contextlib.suppress(OSError):  # entering mounts leads to their root
        os.chdir(folder)
    handlers = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGQUIT)}
    child = fork()
    if child == 0:
        _become(command, environment, handlers)

    def pass_on(number: int, _: FrameType | None) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, pass_on)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return code if code >= 0 else 128 - code


def _become(command: Sequence[str], environment: dict[str, str], handlers: Iterable[signal.Signals]) -> None:
    try:
        if os.geteuid() != 0:
            keep_capabilities(CAP_NET_ADMIN, CAP_NET_RAW)
        die_with_parent(0)  # of another PID namespace, it has no number in here
        for number in (*handlers, signal.SIGTERM, signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        os.execvpe(command[0], list(command), {**os.environ, **environment})
    except OSError as error:
        print(f"skyhaul: '{command[0]}' cannot be started: {error.strerror}", file=sys.stderr, flush=True)
        os._exit(NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_RUN)
    finally:
        os._exit(NOT_RUN)


def launch() -> None:
    """Run the command of this process's arguments in the place that the first of them describes; never returns."""
    place = json.loads(sys.argv[1])
    os._exit(run_inside(Room(**place["room"]), sys.argv[2:], place["environment"]))
