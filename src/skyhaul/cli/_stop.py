"""Being told to stop: what is half written is taken away, even where a library swallows the interrupt."""

from __future__ import annotations

import signal

_asked: list[int] = []


def listen() -> None:
    """From now on, Ctrl-C raises KeyboardInterrupt and a request to terminate raises SystemExit."""
    signal.signal(signal.SIGINT, _stop)
    signal.signal(signal.SIGTERM, _stop)
    if signal.getsignal(signal.SIGHUP) == signal.SIG_DFL:  # not under nohup
        signal.signal(signal.SIGHUP, _stop)


def check() -> None:
    """Raise again what a compiler's callback, which passes no exception on, kept for itself."""
    if _asked:
        _raise(_asked[0])


def _stop(number: int, frame: object) -> None:
    _asked.append(number)
    _raise(number)


def _raise(number: int) -> None:
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    raise SystemExit(128 + number)
