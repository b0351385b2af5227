"""How a direction, its pieces and its lanes lie in memory for the compiled engine."""

from __future__ import annotations

import numpy as np

from skyhaul.emulation._settings import Cause

INT, REAL, WORD = np.int64, np.float64, np.uint64

STATE = np.dtype(
    [
        # Where it reads and writes, and how long the headers before the IP packet are.
        *((name, INT) for name in ("fd_in", "fd_out", "virtio_bytes", "ethernet_bytes")),
        # Settings.
        *((name, INT) for name in ("queue_bytes", "codel", "codel_target", "codel_interval", "mtu", "burst")),
        *((name, INT) for name in ("hold", "lanes", "bursts")),
        *((name, REAL) for name in ("mean_burst", "bad_loss", "good_loss")),
        ("seed", WORD),
        # Its two tables: Python writes the one that is not in use, then counts `published` up.
        *((name, INT) for name in ("row_base", "row_room", "published", "seen", "rows", "period", "row", "turn")),
        ("counts", INT, (2,)),
        ("periods", INT, (2,)),
        # The queue and the serialiser.
        *((name, INT) for name in ("waiting_bytes", "free", "stalled", "draws", "bad", "offered")),
        *((name, REAL) for name in ("left", "free_part")),
        *((name, INT) for name in ("dropping", "drop_next", "drop_count", "last_count", "first_above", "pending")),
        # The ring of pieces (head: oldest in use, served: first that waits, tail) and the ring of packet bytes.
        *((name, INT) for name in ("piece_base", "piece_mask", "head", "served", "tail")),
        *((name, INT) for name in ("byte_base", "byte_room", "byte_tail")),
        ("next_event", INT),
        # What it did.
        *((name, INT) for name in ("reads", "writes", "write_errors", "late_max", "late_sum")),
        ("segments", INT, (len(Cause),)),
        ("bytes", INT, (len(Cause),)),
    ],
    align=True,
)
PIECE = np.dtype(
    [
        ("lost", WORD),
        *((name, INT) for name in ("serial", "arrival", "first", "segments", "segment_bytes", "last_bytes")),
        *((name, INT) for name in ("departure", "release", "next", "done")),
        # Its packet: where its bytes lie, how many, its header's length and its number of segments.
        *((name, INT) for name in ("offset", "length", "header", "packet_segments")),
    ],
    align=True,
)
LANE = np.dtype([("first", INT), ("last", INT), ("last_release", INT)])
# What Python and the loop tell each other: `CONTROL` array.
STOP, RUNNING, LOG_HEAD, LOG_TAIL, LOG_MISSED, WAKES = range(6)
CONTROL_SIZE = 8
