"""The user's terminal and its signals, while a program runs in namespaces of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from types import FrameType


def have_own_signals() -> None:
    """Undo what a parent may have left: signals blocked, and children that nobody may wait for."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    ours = (signal.SIGCHLD, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ours)


@contextlib.contextmanager
def signals_to(process: int, begun: Callable[[], bool]) -> Iterator[list[int]]:
    """Leave the terminal's signals to the command, and pass an order to end on to a process.

    While there is no command yet (`begun`) each of them ends the process, and is in the list.
    """
    early: list[int] = []

    def act(number: int, _: FrameType | None) -> None:
        with contextlib.suppress(ProcessLookupError):
            if not begun():
                early.append(number)
                os.kill(process, signal.SIGKILL)
            elif number == signal.SIGTERM:
                os.kill(process, number)

    numbers = (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM)
    before = {number: signal.signal(number, act) for number in numbers}
    try:
        yield early
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def take_terminal_back() -> None:
    """Be the terminal's foreground again: a shell behind a link leaves it to a group that is gone."""
    if not sys.stdin or not sys.stdin.isatty():
        return
    before = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    with contextlib.suppress(OSError):
        os.tcsetpgrp(sys.stdin.fileno(), os.getpgrp())
    signal.signal(signal.SIGTTOU, before)
