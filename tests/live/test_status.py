"""The line about a running link, on a terminal and without one."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import struct
import termios
import time
import tty
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from skyhaul.emulation import FATE, Cause
from skyhaul.live import PathState, StatusLine
from skyhaul.live._status import status_text

S = 1_000_000_000
CARRIED = PathState(True, "", "served", "sat-7", "Warsaw", "Frankfurt", 0, 0.0314, 100e6, 300e6, 0.0, 0.0, 12 * S)
REFUSED = replace(CARRIED, served=False, cause="no grant: order.area", code="no_grant", satellite="")
QUIET = [(0.0, 0.0, 0.0), (0.0, 0.0, 0.0)]


def test_it_says_who_carries_what_at_which_cost_and_until_when() -> None:
    text = status_text("kyiv", CARRIED, [(1.25e6, 0.0, 0.0), (88e6, 0.015, 0.0042)], 2 * S)
    assert text == (
        "kyiv | sat-7 → Warsaw | RTT 31.4 ms | ↑ 1.2 of 100 Mbit/s | ↓ 88.0 of 300 Mbit/s"
        " | loss 1.5 % | queue 4 ms | next slot in 10 s"
    )


def test_it_says_why_there_is_no_path() -> None:
    assert status_text("kyiv", REFUSED, QUIET, 2 * S) == "kyiv | no path: no grant: order.area | next slot in 10 s"


def test_lasers_and_rates_without_a_limit_are_shown_as_such() -> None:
    text = status_text("x", replace(CARRIED, laser_hops=2, rate_up_bps=float("inf")), QUIET, 20 * S)
    assert "sat-7 +2 lasers → Warsaw" in text
    assert "↑ 0.0 Mbit/s" in text
    assert "next slot" not in text


@pytest.mark.parametrize("columns", [1, 4, 10, 40, 80, 120])
def test_it_fits(columns: int) -> None:
    text = status_text("kyiv", CARRIED, QUIET, 2 * S, columns)
    assert len(text) <= columns
    assert "kyiv".startswith(text[:4])


def fates(**columns: object) -> np.ndarray[tuple[int], np.dtype[np.void]]:
    rows = np.zeros(len(next(iter(columns.values()))), FATE)  # type: ignore[arg-type]
    for name, values in columns.items():
        rows[name] = values
    return rows


def test_it_counts_packets_by_what_became_of_them() -> None:
    line = StatusLine("kyiv", lambda _: CARRIED, mode="never")
    line.add(
        fates(
            direction=[0, 0, 0, 1],
            segments=[1, 4, 2, 10],
            wire_bytes=[1500, 6000, 3000, 15_000],
            lost=[0, 0b101, 0, 0],
            arrival=[S, S, S, S],
            departure=[S, S + 3_000_000, S, S + 7_000_000],
            cause=[Cause.DELIVERED, Cause.DELIVERED, Cause.QUEUE, Cause.DELIVERED],
        )
    )
    text = line.text(time.monotonic_ns())
    # Up: 7500 bytes delivered of 7 packets in two seconds, two lost on the way and two at the queue.
    assert "loss 57 %" in text
    assert "queue 7 ms" in text
    assert "↓ 0.1 of 300 Mbit/s" in text
    assert "loss 0 %" in line.text(time.monotonic_ns() + 3 * S)


def test_without_a_terminal_it_is_silent_unless_asked_and_then_says_each_slot_once() -> None:
    state = [CARRIED]
    out = io.StringIO()
    line = StatusLine("kyiv", lambda _: state[0], stream=out)
    line.start()
    time.sleep(0.1)
    line.stop()
    assert out.getvalue() == ""
    line = StatusLine("kyiv", lambda _: state[0], stream=out, mode="always")
    line.start()
    time.sleep(1.2)
    state[0] = replace(CARRIED, until_ns=27 * S, satellite="sat-8")
    time.sleep(0.7)
    state[0] = REFUSED
    time.sleep(0.7)
    line.stop()
    said = out.getvalue().splitlines()
    assert [("sat-7" in text, "sat-8" in text, "no grant" in text) for text in said] == [
        (True, False, False),
        (False, True, False),
        (False, False, True),
    ]
    assert all(text.startswith("skyhaul: kyiv | ") for text in said)


class Screen:
    """As much of a terminal as shows whether the line stays where it belongs."""

    def __init__(self, lines: int, columns: int) -> None:
        self.lines, self.columns = lines, columns
        self.cells = [[" "] * columns for _ in range(lines)]
        self.row = self.column = 0
        self.bottom = lines - 1
        self._saved = (0, 0)

    @property
    def text(self) -> list[str]:
        return ["".join(row).rstrip() for row in self.cells]

    def feed(self, data: str) -> None:
        for part in re.findall(r"\x1b\[[0-9;]*[A-Za-z]|\x1b[78]|\r|\n|[^\x1b\r\n]", data):
            self._one(part)

    def _one(self, part: str) -> None:
        if part == "\r":
            self.column = 0
        elif part == "\n":
            if self.row == self.bottom:
                self.cells[: self.bottom + 1] = [*self.cells[1 : self.bottom + 1], [" "] * self.columns]
            else:
                self.row = min(self.row + 1, self.lines - 1)
        elif part == "\x1b7":
            self._saved = self.row, self.column
        elif part == "\x1b8":
            self.row, self.column = self._saved
        elif part.startswith("\x1b["):
            numbers = [int(word) for word in part[2:-1].split(";") if word]
            self._control(part[-1], numbers)
        elif self.column < self.columns:
            self.cells[self.row][self.column] = part
            self.column += 1

    def _control(self, kind: str, numbers: list[int]) -> None:
        if kind == "r":
            self.bottom = (numbers[1] if len(numbers) > 1 else self.lines) - 1
            self.row = self.column = 0
        elif kind == "H":
            self.row, self.column = numbers[0] - 1, numbers[1] - 1
        elif kind == "A":
            self.row = max(0, self.row - numbers[0])
        elif kind == "K":
            self.cells[self.row] = [" "] * self.columns
        else:
            assert kind == "m", f"a control this screen does not know: {kind}"


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[int, io.TextIOWrapper]]:
    monkeypatch.setenv("TERM", "xterm")
    controller, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 8, 60, 0, 0))
    os.set_blocking(controller, False)
    stream = os.fdopen(terminal, "w")
    yield controller, stream
    stream.close()
    os.close(controller)


def written(controller: int) -> str:
    data = b""
    try:
        while part := os.read(controller, 65536):
            data += part
    except BlockingIOError:
        pass
    return data.decode()


def test_on_a_terminal_it_stays_below_what_the_program_writes(terminal: tuple[int, io.TextIOWrapper]) -> None:
    controller, stream = terminal
    screen = Screen(8, 60)
    for number in range(12):
        stream.write(f"before {number}\n")
    stream.flush()
    line = StatusLine("kyiv", lambda _: CARRIED, stream=stream)
    line.start()
    time.sleep(0.3)
    screen.feed(written(controller))
    assert screen.text[-1].startswith("kyiv | sat-7 → Warsaw | RTT 31.4 ms")
    assert "before 11" in screen.text
    for number in range(20):
        stream.write(f"program {number}\n")
    stream.write("a prompt> ")
    stream.flush()
    time.sleep(0.7)
    screen.feed(written(controller))
    assert screen.text[-1].startswith("kyiv | ")
    assert screen.text[-2] == "a prompt>"
    assert screen.text[:-2] == [f"program {number}" for number in range(14, 20)]
    line.stop()
    screen.feed(written(controller))
    assert screen.text[-1] == ""
    assert screen.bottom == 7, "the scroll region is left behind"
    stream.write("done\n")
    stream.flush()
    screen.feed(written(controller))
    assert screen.text[-2] == "a prompt> done"


@pytest.mark.parametrize(("mode", "shown"), [("auto", False), ("always", True)])
def test_a_program_that_takes_the_keys_has_the_whole_terminal(
    terminal: tuple[int, io.TextIOWrapper], mode: str, shown: bool
) -> None:
    controller, stream = terminal
    line = StatusLine("kyiv", lambda _: CARRIED, stream=stream, mode=mode)  # type: ignore[arg-type]
    line.start()
    time.sleep(0.2)
    tty.setcbreak(stream.fileno())
    time.sleep(0.7)
    screen = Screen(8, 60)
    screen.feed(written(controller))
    assert screen.text[-1].startswith("kyiv") == shown
    assert (screen.bottom == 6) == shown
    line.stop()


def test_a_new_size_moves_the_line(terminal: tuple[int, io.TextIOWrapper]) -> None:
    controller, stream = terminal
    line = StatusLine("kyiv", lambda _: CARRIED, stream=stream)
    line.start()
    time.sleep(0.2)
    written(controller)
    fcntl.ioctl(stream.fileno(), termios.TIOCSWINSZ, struct.pack("HHHH", 20, 30, 0, 0))
    time.sleep(0.8)
    screen = Screen(20, 30)
    screen.feed(written(controller))
    line.stop()
    assert screen.bottom == 18
    assert screen.text[-1] == "kyiv | sat-7 → Warsaw"
