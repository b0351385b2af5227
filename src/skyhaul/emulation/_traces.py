"""Foreign traces of links: the packet-delivery traces of mahimahi."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from skyhaul.emulation._table import LinkTable
from skyhaul.errors import InputError

# mm-link(1): each line is a time in milliseconds at which 1500 bytes may be delivered; the trace repeats after its
# last line.
OPPORTUNITY_BYTES = 1500
_MS = 1_000_000
_LONGEST_MS = 7 * 24 * 3600 * 1000


def read_mahimahi(path: Path, *, delay_ns: int = 0, loss: float = 0.0) -> LinkTable:
    """The link of a mahimahi trace file: what may leave at a millisecond is served evenly over the one that ends there.

    So nothing leaves later than in mahimahi, and a packet at most 1 ms earlier.
    """
    try:
        text = path.read_text("ascii")
    except UnicodeDecodeError:
        raise InputError("not a text file", where=str(path), mend="one millisecond a line is needed") from None
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=str(path)) from None
    times: list[int] = []
    for number, line in enumerate(text.splitlines(), 1):
        word = line.strip()
        if not word:
            continue
        if not word.removeprefix("-").isdigit():
            raise InputError(f"'{word[:40]}' is no whole number of milliseconds", where=f"{path}:{number}")
        time = int(word)
        if time < 0 or (times and time < times[-1]):
            why = "is negative" if time < 0 else f"comes after {times[-1]}"
            raise InputError(f"the time {time} {why}", where=f"{path}:{number}", mend="times rise from 0")
        if time > _LONGEST_MS:
            raise InputError(f"the time {time} ms is more than a week", where=f"{path}:{number}")
        times.append(time)
    if not times or times[-1] == 0:
        raise InputError("the trace lasts no time", where=str(path), mend="the last line is its length in ms, above 0")
    length = times[-1]
    # A time of 0 is the end of the millisecond before: the last of the turn before.
    counts = np.bincount((np.array(times) - 1) % length, minlength=length)
    start = np.flatnonzero(np.diff(counts, prepend=-1))
    rows = start.size
    return LinkTable(
        start.astype(np.int64) * _MS,
        np.full(rows, delay_ns, np.int64),
        np.asarray(counts[start] * (OPPORTUNITY_BYTES * 8 * 1000.0), np.float64),
        np.full(rows, loss, np.float64),
        np.zeros(rows, np.bool_),
        length * _MS,
    )
