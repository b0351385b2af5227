"""The 15-second rhythm of the network."""

from __future__ import annotations

import numpy as np

from skyhaul.types import Ints, Times

SLOT = np.timedelta64(15, "s")  # measured: CoNEXT'23 and WWW'24, and every one of 1,491 observed slots
_SLOT_NS = 15_000_000_000
_PHASE_NS = 12_000_000_000  # slots start at :12, :27, :42 and :57 of every UTC minute, worldwide


def slot_number(time: Times | np.datetime64) -> Ints:
    """The number of the slot that holds each UTC instant; slot 0 starts at 1970-01-01T00:00:12."""
    ns = np.asarray(time).astype("datetime64[ns]").astype(np.int64)
    return np.asarray((ns - _PHASE_NS) // _SLOT_NS, dtype=np.int64)


def slot_start(slot: int) -> np.datetime64:
    """The UTC instant at which a slot starts; it ends where the next one starts."""
    return np.datetime64(slot * _SLOT_NS + _PHASE_NS, "ns")


def slot_starts(slots: Ints) -> Times:
    """The UTC instants at which slots start, the shape of `slots`."""
    return np.asarray(slots * _SLOT_NS + _PHASE_NS).astype("datetime64[ns]")
