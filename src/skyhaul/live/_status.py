"""One line about a running link: who carries it, its round trip, rates, losses, queue, and when that is decided anew.

On a terminal the line stands at the bottom, below a scroll region, so that what the program writes scrolls past above
it (DECSTBM and DECSC of the VT100, as `apt` does). A program that takes the terminal's keys one by one (an editor, a
shell at its prompt) may draw on all of it: meanwhile the line is taken away, unless it was asked for.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TextIO, TypeAlias

from skyhaul.live._tables import PathState

if TYPE_CHECKING:
    from skyhaul.emulation._plan import Fates

Mode: TypeAlias = Literal["auto", "always", "never"]
_REDRAW_S = 0.5
_FEWEST_LINES = 3  # of a screen that has one to spare
_RECENT_NS = 2_000_000_000  # of traffic that rates, losses and queue are counted over


@dataclass(slots=True)
class Traffic:
    """What the packets of one direction met in the last two seconds."""

    _parts: list[tuple[int, int, int, int, int]] = field(default_factory=list)

    def add(self, now_ns: int, wire_bytes: int, packets: int, lost: int, waited_ns: int) -> None:
        self._parts.append((now_ns, wire_bytes, packets, lost, waited_ns))

    def recent(self, now_ns: int) -> tuple[float, float, float]:
        """Rate in bit/s, share lost by any cause, and the longest wait for the rate in s."""
        self._parts = [part for part in self._parts if part[0] > now_ns - _RECENT_NS]
        moved, packets, lost = (sum(part[k] for part in self._parts) for k in (1, 2, 3))
        waited = max((part[4] for part in self._parts), default=0)
        return moved * 8e9 / _RECENT_NS, lost / packets if packets else 0.0, waited * 1e-9


class StatusLine:
    """Shows a link's state from `start` to `stop`, twice a second.

    name   of the terminal; state: gives its path at a CLOCK_MONOTONIC time in ns
    mode   `auto`: where `stream` is a terminal; `always`: also over full-screen programs, and a line a slot where there
           is no terminal; `never`
    """

    def __init__(
        self, name: str, state: Callable[[int], PathState], *, mode: Mode = "auto", stream: TextIO | None = None
    ) -> None:
        self._name, self._state, self._mode = name, state, mode
        self._stream = sys.stderr if stream is None else stream
        self._traffic = Traffic(), Traffic()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def start(self) -> None:
        """Begin to show the line, where it is to be shown."""
        screen = _Screen.of(self._stream)
        if self._mode == "never" or (screen is None and self._mode == "auto"):
            return
        self._thread = threading.Thread(target=self._show, args=(screen,), name="skyhaul-status", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Take the line away."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def add(self, fates: Fates) -> None:
        """Count what became of packets: an array of `FATE` whose direction is 0 up and 1 down."""
        import numpy as np

        from skyhaul.emulation._settings import Cause

        now = time.monotonic_ns()
        for direction, traffic in enumerate(self._traffic):
            part = fates[fates["direction"] == direction]
            if not part.size:
                continue
            good = part["cause"] == Cause.DELIVERED
            packets = int(part["segments"].sum())
            lost = packets - int(part["segments"][good].sum()) + int(np.bitwise_count(part["lost"][good]).sum())
            waited = (part["departure"] - part["arrival"])[good]
            with self._lock:
                traffic.add(now, int(part["wire_bytes"][good].sum()), packets, lost, int(waited.max(initial=0)))

    def count(self, direction: int, wire_bytes: int, packets: int, lost: int, waited_ns: int) -> None:
        """Count packets of a direction: what was delivered of them, how many were lost, and how long they queued."""
        with self._lock:
            self._traffic[direction].add(time.monotonic_ns(), wire_bytes, packets, lost, waited_ns)

    def text(self, now_ns: int, columns: int = 1 << 16) -> str:
        """The line as it is now, no longer than `columns`."""
        with self._lock:
            recent = [traffic.recent(now_ns) for traffic in self._traffic]
        return status_text(self._name, self._state(now_ns), recent, now_ns, columns)

    def _show(self, screen: _Screen | None) -> None:
        if screen is None:
            self._in_lines()
        else:
            self._on_screen(screen)

    def _on_screen(self, screen: _Screen) -> None:
        try:
            while True:
                if self._mode == "always" or screen.is_line_by_line():
                    screen.draw(lambda columns: self.text(time.monotonic_ns(), columns))
                else:
                    screen.clear()
                if self._stopping.wait(_REDRAW_S):
                    return
        finally:
            screen.clear()

    def _in_lines(self) -> None:
        said = None
        while True:
            now = time.monotonic_ns()
            state = self._state(now)
            # A slot is said once; its end is known to the nanosecond and does not move.
            news = (state.cause, state.satellite, state.until_ns if state.served and state.until_ns > now else 0)
            if news != said:
                said = news
                with contextlib.suppress(OSError, ValueError):
                    print(f"skyhaul: {self.text(now)}", file=self._stream, flush=True)
            if self._stopping.wait(_REDRAW_S):
                return


def status_text(
    name: str, state: PathState, recent: list[tuple[float, float, float]], now_ns: int, columns: int = 1 << 16
) -> str:
    """The line: parts that do not fit in `columns` are left out from the end."""
    parts = [name]
    if state.served:
        if state.satellite:
            lasers = f" +{state.laser_hops} lasers" if state.laser_hops > 0 else ""
            parts.append(f"{state.satellite}{lasers} → {state.gateway}")
        parts.append(f"RTT {1e3 * state.rtt_s:.1f} ms")
        for arrow, limit, (rate, _, _) in zip("↑↓", (state.rate_up_bps, state.rate_down_bps), recent, strict=True):
            most = "" if limit == float("inf") else f" of {_short(limit)}"
            parts.append(f"{arrow} {_short(rate)}{most} Mbit/s")
        lost = max(loss for _, loss, _ in recent)
        parts.append(f"loss {100.0 * lost:.2g} %")
        parts.append(f"queue {1e3 * max(waited for _, _, waited in recent):.0f} ms")
    else:
        parts.append(f"no path: {state.cause}")
    left = (state.until_ns - now_ns) * 1e-9
    if left > 0:
        parts.append(f"next slot in {left:.0f} s")
    line = parts[0][:columns]
    for part in parts[1:]:
        if len(line) + 3 + len(part) > columns:
            break
        line += f" | {part}"
    return line


def _short(rate_bps: float) -> str:
    mbit = rate_bps * 1e-6
    return f"{mbit:.0f}" if mbit >= 99.95 else f"{mbit:.1f}"


class _Screen:
    """The bottom line of the terminal behind a descriptor."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lines = 0  # of the screen while the line is there

    @classmethod
    def of(cls, stream: TextIO) -> _Screen | None:
        """None where the stream is no terminal, or one without cursor control."""
        try:
            if stream.isatty() and os.environ.get("TERM", "dumb") != "dumb":
                return cls(stream.fileno())
        except (OSError, ValueError):
            pass
        return None

    def is_line_by_line(self) -> bool:
        """Whether the terminal gives its reader whole lines: no program has taken it over."""
        import termios

        try:
            return bool(termios.tcgetattr(self._descriptor)[3] & termios.ICANON)
        except termios.error:
            return False

    def draw(self, text: Callable[[int], str]) -> None:
        columns, lines = self._size()
        if lines < _FEWEST_LINES:
            self.clear()
            return
        if lines != self._lines:
            self.clear()
            # A line more below the cursor, which may stand on the last; then all but the last scroll.
            self._write(f"\n\x1b7\x1b[1;{lines - 1}r\x1b8\x1b[1A")
            self._lines = lines
        self._write(f"\x1b7\x1b[{lines};1H\x1b[7m{text(columns).ljust(columns)}\x1b[0m\x1b8")

    def clear(self) -> None:
        if self._lines:
            self._write(f"\x1b7\x1b[r\x1b[{self._lines};1H\x1b[2K\x1b8")
            self._lines = 0

    def _size(self) -> tuple[int, int]:
        try:
            size = os.get_terminal_size(self._descriptor)
        except OSError:
            return 80, 0
        return size.columns, size.lines

    def _write(self, text: str) -> None:
        with contextlib.suppress(OSError):
            os.write(self._descriptor, text.encode())
