from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from skyhaul.emulation import Direction, DirectionSettings, LinkTable, Shape, read_mahimahi
from skyhaul.errors import InputError

MS = 1_000_000


def write(folder: Path, *times: object) -> Path:
    path = folder / "link.mm"
    path.write_text("".join(f"{time}\n" for time in times))
    return path


def test_one_line_a_millisecond_is_12_mbit(tmp_path: Path) -> None:
    # README of mahimahi: each line is an opportunity of 1500 bytes; 12 Mbit/s is one a millisecond.
    link = read_mahimahi(write(tmp_path, *range(1, 11)))
    assert link.rate_bps.tolist() == [12e6]
    assert link.period_ns == 10 * MS


def test_packets_of_1500_bytes_leave_at_the_times_of_the_trace(tmp_path: Path) -> None:
    times = [3, 3, 4, 7, 12]
    link = read_mahimahi(write(tmp_path, *times))
    left = departures(link, count=10)
    # Two opportunities in one millisecond are spread over it; the trace repeats every 12 ms.
    assert left == pytest.approx([2.5, 3, 4, 7, 12, 14.5, 15, 16, 19, 24], abs=1e-6)


def test_what_passes_in_a_turn_is_what_the_trace_says(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    times = np.sort(rng.integers(0, 1000, 700))
    link = read_mahimahi(write(tmp_path, *times, 1000), delay_ns=5 * MS, loss=0.1)
    ends = np.append(link.time_ns[1:], link.period_ns)
    assert ((ends - link.time_ns) * link.rate_bps).sum() / 8e9 == pytest.approx(701 * 1500)
    assert set(link.delay_ns.tolist()) == {5 * MS}
    assert set(link.loss.tolist()) == {0.1}


@pytest.mark.parametrize(
    ("lines", "what"),
    [
        (("1", "-2"), r"link\.mm:2: the time -2 is negative"),
        (("5", "4"), r"link\.mm:2: the time 4 comes after 5"),
        (("1", "two"), r"link\.mm:2: 'two' is no whole number"),
        (("1.5",), "no whole number"),
        ((), "lasts no time"),
        (("0", "0"), "lasts no time"),
        (("999999999999",), "more than a week"),
    ],
)
def test_a_trace_that_makes_no_sense_is_one_line_with_its_place(
    tmp_path: Path, lines: tuple[str, ...], what: str
) -> None:
    with pytest.raises(InputError, match=what):
        read_mahimahi(write(tmp_path, *lines))


def test_a_trace_that_is_not_there_or_no_text(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_mahimahi(tmp_path / "nothing.mm")
    (tmp_path / "binary.mm").write_bytes(bytes(range(256)))
    with pytest.raises(InputError, match="not a text file"):
        read_mahimahi(tmp_path / "binary.mm")


def departures(link: LinkTable, count: int) -> list[float]:
    direction = Direction(DirectionSettings(), link)
    for _ in range(count):
        direction.offer(0, Shape.single(1500))
    direction.advance(10**12)
    left = []
    while (piece := direction.due(10**13)) is not None:
        left.append(piece.departure_ns / MS)
    return left
