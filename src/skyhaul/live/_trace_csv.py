"""Links as tables of text: measured round-trip times and losses, and the states of both directions."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from skyhaul.emulation import LinkTable
from skyhaul.errors import InputError
from skyhaul.live._traces import Trace, plain_trace
from skyhaul.types import Bools, Floats, Ints

# Column names that are understood, and what turns them into seconds, bits a second and shares.
_TIME = {"time": 1.0, "time_s": 1.0, "t": 1.0, "t_s": 1.0, "timestamp": 1.0, "time_ms": 1e-3}
_RTT = {"rtt_ms": 1e-3, "rtt": 1e-3, "latency_ms": 1e-3, "rtt_s": 1.0, "rtt_us": 1e-6}
_LOSS = {"loss": 1.0, "lost": 1.0, "loss_pct": 1e-2, "loss_percent": 1e-2}
_NO_ANSWER = {"", "nan", "null", "none", "na", "n/a", "*", "-", "timeout", "lost"}
_WORDS = {"true": 1.0, "false": 0.0, "yes": 1.0, "no": 0.0}
LINK_COLUMNS = (
    "time_s",
    "delay_up_ms",
    "delay_down_ms",
    "rate_up_bps",
    "rate_down_bps",
    "loss_up",
    "loss_down",
    "outage",
)
_LONGEST_S = 7 * 24 * 3600.0
_LARGEST_RTT_S = 100.0
_SHOWN = 40


def read_csv(text: str, where: str, name: str, up_share: float = 0.5) -> Trace:
    """The trace of a table with a header.

    With `delay_up_ms` and `delay_down_ms` the lines are states of a link, as `csv_text` writes them: delay is linear
    from line to line, two lines of one time make a step, and the last line is the end. With a round-trip time they are
    measurements: each holds until the next, the last as long as most do; `up_share` of the time is the way up. A line
    without a time is a lost probe. Raises InputError naming the line.
    """
    if not 0.0 <= up_share <= 1.0:
        raise InputError(f"a share of {up_share}", where="up_share", mend="0 to 1")
    table = _Lines(text, where)
    if "delay_up_ms" in table.header:
        return _link(table, name)
    return _measured(table, name, up_share)


def csv_text(trace: Trace) -> str:
    """A trace as states of a link, a line for each change, for `read_csv`."""
    out = io.StringIO()
    out.write(",".join(LINK_COLUMNS) + "\n")
    length = trace.length_ns
    times = np.unique(np.concatenate([trace.up.time_ns, trace.down.time_ns, [length]]))
    sides = [_limits(table, times) for table in (trace.up, trace.down)]
    for k, time in enumerate(times):
        steps = k > 0 and any(abs(left[k] - right[k]) >= 1.0 for left, right, _ in sides)
        last = k == times.size - 1
        if steps or last:
            out.write(_line(time, [(left[k], table, before[k]) for (left, _, (table, before, _)) in sides]))
        if not last:
            out.write(_line(time, [(right[k], table, row[k]) for (_, right, (table, _, row)) in sides]))
    return out.getvalue()


def _limits(table: LinkTable, times: Ints) -> tuple[Floats, Floats, tuple[LinkTable, Ints, Ints]]:
    """The delay just before and at each time, and the rows in force there."""
    row = np.clip(np.searchsorted(table.time_ns, times, side="right") - 1, 0, None)
    before = np.clip(np.searchsorted(table.time_ns, times, side="left") - 1, 0, None)
    # After its last row a table goes on to its first.
    edges, delays = np.append(table.time_ns, table.period_ns), np.append(table.delay_ns, table.delay_ns[0])
    span = edges[before + 1] - edges[before]
    share = np.where(span > 0, np.clip((times - edges[before]) / np.where(span > 0, span, 1), 0.0, 1.0), 0.0)
    left = delays[before] + share * (delays[before + 1] - delays[before])
    right = table.delay_at(np.minimum(times, table.period_ns - 1))
    return left, right, (table, before, row)


def _line(time_ns: int, sides: Sequence[tuple[float, LinkTable, int]]) -> str:
    delays = [f"{delay / 1e6:.6f}" for delay, _, _ in sides]
    rates = [f"{table.rate_bps[row]:.17g}" for _, table, row in sides]
    losses = [f"{table.loss[row]:.17g}" for _, table, row in sides]
    out = int(any(table.outage[row] for _, table, row in sides))
    return ",".join([f"{time_ns / 1e9:.9f}", *delays, *rates, *losses, str(out)]) + "\n"


class _Lines:
    """The lines of a table, and what stands in each column."""

    def __init__(self, text: str, where: str) -> None:
        self.where = where
        first = text[:4096].partition("\n")[0]
        delimiter = max(",;\t", key=first.count)
        self._reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        try:
            self.header = [word.strip().lower() for word in next(self._reader, [])]
        except csv.Error as error:
            raise InputError(f"is no table: {error}", where=f"{where}:1") from None
        self.time_column, self.time_factor = self.column(_TIME, "times", "time_s")

    def column(self, known: dict[str, float], what: str, wanted: str) -> tuple[int, float]:
        """Where a column stands, and its factor; InputError where there is none."""
        found = self.find(known)
        if found is None:
            shown = ", ".join(self.header)[:_SHOWN] or "nothing"
            raise InputError(
                f"has no column of {what}: its header is {shown!r}", where=f"{self.where}:1", mend=f"call it {wanted}"
            )
        return found

    def find(self, known: dict[str, float]) -> tuple[int, float] | None:
        return next(((self.header.index(name), factor) for name, factor in known.items() if name in self.header), None)

    def rows(self) -> Iterator[tuple[str, list[str]]]:
        """Each line that is not empty, with its place."""
        try:
            for words in self._reader:
                if not any(words):
                    continue
                place = f"{self.where}:{self._reader.line_num}"
                if len(words) != len(self.header):
                    raise InputError(f"{len(words)} columns, and {len(self.header)} in the header", where=place)
                yield place, [word.strip() for word in words]
        except csv.Error as error:
            raise InputError(f"is no table: {error}", where=f"{self.where}:{self._reader.line_num}") from None


@dataclass(slots=True)
class _Clock:
    """Reads the times of lines: they rise from 0 or above, or are dates."""

    lines: _Lines
    first: float | None = None
    last: float = 0.0

    def read(self, words: list[str], place: str) -> float:
        """Seconds from the first line."""
        word = words[self.lines.time_column]
        try:
            time = float(word) * self.lines.time_factor
        except ValueError:
            time = _date(word, place)
        if not math.isfinite(time):
            raise InputError(f"the time {word[:_SHOWN]!r} is not finite", where=place)
        if time < 0:
            raise InputError(f"the time {word[:_SHOWN]} is negative", where=place, mend="times rise from 0")
        if self.first is None:
            self.first = time
        since = time - self.first
        if since < self.last:
            raise InputError(f"the time {word[:_SHOWN]} lies before the line above", where=place, mend="times rise")
        if since > _LONGEST_S:
            raise InputError(f"the time {word[:_SHOWN]} is more than a week after the first", where=place)
        self.last = since
        return since


def _date(word: str, place: str) -> float:
    try:
        return float(np.datetime64(word.removesuffix("Z").removesuffix("+00:00"), "ns").astype(np.int64)) * 1e-9
    except ValueError:
        raise InputError(f"{word[:_SHOWN]!r} is no time", where=place, mend="seconds, or a UTC date") from None


def _value(words: list[str], column: tuple[int, float], place: str, *, low: float, high: float) -> float:
    word = words[column[0]]
    try:
        value = _WORDS[word.lower()] if word.lower() in _WORDS else float(word)
    except ValueError:
        raise InputError(f"{word[:_SHOWN]!r} is no number", where=place) from None
    value *= column[1]
    if not low <= value <= high:
        raise InputError(f"{word[:_SHOWN]} does not lie in its range", where=place, mend=f"{low:g} to {high:g}")
    return value


def _measured(lines: _Lines, name: str, up_share: float) -> Trace:
    rtt = lines.column(_RTT, "round-trip times", "rtt_ms")
    loss = lines.find(_LOSS)
    rates = [lines.find({f"rate_{way}_bps": 1.0, f"rate_{way}_mbit": 1e6}) for way in ("up", "down")]
    clock = _Clock(lines)
    times: list[float] = []
    delays: list[float] = []
    lost: list[float] = []
    rate: tuple[list[float], list[float]] = ([], [])
    for place, words in lines.rows():
        times.append(clock.read(words, place))
        gone = words[rtt[0]].lower() in _NO_ANSWER
        delays.append(math.nan if gone else _value(words, rtt, place, low=0.0, high=_LARGEST_RTT_S))
        said = loss is not None and words[loss[0]] != ""
        lost.append(_value(words, loss, place, low=0.0, high=1.0) if loss and said else float(gone))
        for side, column in zip(rate, rates, strict=True):
            side.append(_value(words, column, place, low=0.0, high=math.inf) if column else math.inf)
    seconds, known = np.array(times), np.array(delays)
    if not np.isfinite(known).any():
        raise InputError("holds no round-trip time", where=lines.where)
    time_ns = np.rint(seconds * 1e9).astype(np.int64)
    gaps = np.diff(time_ns)
    gaps = gaps[gaps > 0]
    if not gaps.size:
        raise InputError("the trace lasts no time", where=lines.where, mend="at least two lines at different times")
    # What a lost probe would have taken is not known: as long as the one before.
    filled = np.maximum.accumulate(np.where(np.isfinite(known), np.arange(known.size), -1))
    filled[filled < 0] = int(np.argmax(np.isfinite(known)))
    one_way = known[filled] * 1e9
    # A loss of the way there and back is one of either: 1 - p = (1 - q)².
    share = 1.0 - np.sqrt(1.0 - np.array(lost))
    length = int(time_ns[-1] + np.median(gaps))
    up, down = (
        _held(time_ns, one_way * part, np.array(side), share, length)
        for part, side in ((up_share, rate[0]), (1.0 - up_share, rate[1]))
    )
    return plain_trace(name, f"{known.size} measured round-trip times", up, down)


def _held(time_ns: Ints, delay_ns: Floats, rate: Floats, loss: Floats, length: int) -> LinkTable:
    edges = np.stack([time_ns, np.append(time_ns[1:], length)], axis=1).ravel()
    delay = np.repeat(np.rint(delay_ns).astype(np.int64), 2)
    return LinkTable(edges, delay, np.repeat(rate, 2), np.repeat(loss, 2), np.zeros(edges.size, np.bool_), length)


def _link(lines: _Lines, name: str) -> Trace:
    for column in LINK_COLUMNS[1:3]:
        lines.column({column: 1.0}, "one-way delays", column)
    ranges = {
        "delay": (1e6, 1e6 * _LARGEST_RTT_S * 1e3),
        "rate": (1.0, math.inf),
        "loss": (1.0, 1.0),
        "outage": (1.0, 1.0),
    }
    present = [column for column in LINK_COLUMNS[1:] if column in lines.header]
    clock = _Clock(lines)
    times: list[float] = []
    values: dict[str, list[float]] = {column: [] for column in present}
    for place, words in lines.rows():
        times.append(clock.read(words, place))
        for column in present:
            factor, high = ranges[column.partition("_")[0]]
            values[column].append(_value(words, (lines.header.index(column), factor), place, low=0.0, high=high))
    if len(times) < 2 or times[-1] == 0.0:
        raise InputError("the trace lasts no time", where=lines.where, mend="the last line is its end")
    time_ns = np.rint(np.array(times) * 1e9).astype(np.int64)

    def filled(name: str, otherwise: float) -> Floats:
        return np.array(values[name]) if name in values else np.full(time_ns.size, otherwise)

    out: Bools = filled("outage", 0.0) != 0
    up, down = (
        LinkTable(
            time_ns,
            np.rint(filled(f"delay_{way}_ms", 0.0)).astype(np.int64),
            filled(f"rate_{way}_bps", math.inf),
            filled(f"loss_{way}", 0.0),
            out,
            int(time_ns[-1]),
        )
        for way in ("up", "down")
    )
    return plain_trace(name, "states of a link", up, down)
