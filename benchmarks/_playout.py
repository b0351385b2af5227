"""What a viewer sees of a video stream: a jitter buffer, and freezes as WebRTC counts them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from skyhaul.types import Floats, Ints

_MEMORY_S = 2.0
_RECENT = 30  # frames whose mean interval a freeze is measured by (W3C, webrtc-stats, `freezeCount`)
_FREEZE_S, _FREEZE_TIMES = 0.150, 3.0  # a freeze lasts the greater of 3 such intervals and one and 150 ms (same place)


@dataclass(frozen=True, slots=True)
class Frames:
    """The N frames of a stream that came whole, in order of capture.

    sent        how many there were
    captured_s, complete_s   (N,) when each was captured, and when its last datagram came
    """

    sent: int
    captured_s: Floats
    complete_s: Floats

    @property
    def transit_s(self) -> Floats:
        """(N,) from capture to the last datagram, with the sender's pacing."""
        return self.complete_s - self.captured_s


def frames_of(datagrams: Sequence[Sequence[int]], sent: int) -> Frames:
    """Frames from columns of datagrams: frame, place in it, how many it has, time of capture and of arrival in ns."""
    number, _, parts, captured, arrived = (np.asarray(column, np.int64) for column in datagrams)
    kept: list[tuple[int, int]] = []
    for frame in np.unique(number):
        mine = number == frame
        if mine.sum() == parts[mine][0]:
            kept.append((int(captured[mine][0]), int(arrived[mine].max())))
    columns = np.array(kept, np.int64).reshape(-1, 2)
    captured_s, complete_s = (np.asarray(column * 1e-9, np.float64) for column in columns.T)
    return Frames(sent, captured_s, complete_s)


def shown_s(frames: Frames) -> Floats:
    """When each frame is shown: as long after its capture as the longest transit of the last two seconds.

    A frame that comes later than the buffer expected is shown at once, and the buffer grows with it. Frames that lack a
    datagram are left out: nothing is sent again.
    """
    transit, captured = frames.transit_s, frames.captured_s
    first = np.searchsorted(captured, captured - _MEMORY_S)
    held = np.array([transit[low : k + 1].max() for k, low in enumerate(first)])
    return np.maximum.accumulate(captured + held)


def freezes(shown: Floats) -> tuple[Ints, Floats]:
    """Which intervals between shown frames are freezes, and how long each interval is in s."""
    gaps = np.diff(shown)
    found = []
    for k, gap in enumerate(gaps):
        recent = gaps[max(0, k - _RECENT) : k]
        if recent.size == _RECENT:
            mean = float(recent.mean())
            if gap >= max(_FREEZE_TIMES * mean, mean + _FREEZE_S):
                found.append(k)
    return np.array(found, np.int64), gaps
