"""The flat arrays a compiled engine works on: made once for all its directions, read by Python while it runs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from skyhaul.emulation._direction import MAX_LANES, NEVER
from skyhaul.emulation._layout import CONTROL_SIZE, LANE, LOG_HEAD, LOG_TAIL, PIECE, STATE
from skyhaul.emulation._plan import FATE, LATENESS_BINS, DirectionPlan
from skyhaul.emulation._table import ROW, LinkTable
from skyhaul.errors import SkyhaulError

_SEEN_TIMEOUT_S = 5.0  # an engine looks for new tables at least every 0.1 s


class Memory:
    """The arrays of the directions in `plans`, and a log of `log_room` fates (0: none)."""

    def __init__(self, plans: Sequence[DirectionPlan], log_room: int = 0) -> None:
        self.states = np.zeros(len(plans), STATE)
        self.lanes = np.zeros(len(plans) * MAX_LANES, LANE)
        self.lanes["first"], self.lanes["last_release"] = -1, -NEVER
        self.lateness = np.zeros((len(plans), LATENESS_BINS), np.int64)
        self.log = np.zeros(log_room, FATE)
        self.control = np.zeros(CONTROL_SIZE, np.int64)
        rows = pieces = packet_bytes = 0
        for state, plan in zip(self.states, plans, strict=True):
            room = max(plan.rows, plan.table.time_ns.size)
            ring = 1 << max(0, plan.pieces - 1).bit_length()
            self._fill(state, plan)
            state["row_base"], state["row_room"] = rows, room
            state["piece_base"], state["piece_mask"] = pieces, ring - 1
            state["byte_base"], state["byte_room"] = packet_bytes, plan.packet_bytes
            rows, pieces, packet_bytes = rows + 2 * room, pieces + ring, packet_bytes + plan.packet_bytes
        self.rows = np.zeros(rows, ROW)
        self.pieces = np.zeros(pieces, PIECE)
        self.packets = np.empty(packet_bytes, np.uint8)
        for state, plan in zip(self.states, plans, strict=True):
            self._write_rows(state, 0, plan.table)
            state["rows"], state["period"] = state["counts"][0], state["periods"][0]

    @staticmethod
    def _fill(state: Any, plan: DirectionPlan) -> None:
        settings = plan.settings
        state["fd_in"], state["fd_out"] = plan.fd_in, plan.fd_out
        state["virtio_bytes"], state["ethernet_bytes"] = plan.virtio_bytes, plan.ethernet_bytes
        state["queue_bytes"], state["mtu"], state["burst"] = settings.queue_bytes, settings.mtu, settings.burst_ns
        state["hold"], state["lanes"] = settings.hold_outage, MAX_LANES if settings.reorder else 1
        state["seed"] = settings.seed
        if settings.codel is not None:
            state["codel"] = 1
            state["codel_target"], state["codel_interval"] = settings.codel.target_ns, settings.codel.interval_ns
        if settings.bursts is not None:
            state["bursts"] = 1
            state["mean_burst"] = settings.bursts.mean_burst
            state["bad_loss"], state["good_loss"] = settings.bursts.bad_loss, settings.bursts.good_loss
        state["free"], state["left"], state["next_event"] = -NEVER, -1.0, NEVER

    def _write_rows(self, state: Any, slot: int, table: LinkTable) -> None:
        if table.time_ns.size > state["row_room"]:
            raise SkyhaulError(f"a table of {table.time_ns.size} rows, and room for {int(state['row_room'])}")
        base = int(state["row_base"] + slot * state["row_room"])
        self.rows[base : base + table.time_ns.size] = table.rows()
        state["counts"][slot], state["periods"][slot] = table.time_ns.size, table.period_ns

    def publish(self, direction: int, table: LinkTable) -> None:
        """Give a direction a new table: the loop goes over to it when it next looks at that direction."""
        state = self.states[direction]
        deadline = time.monotonic() + _SEEN_TIMEOUT_S
        while state["seen"] != state["published"]:
            if time.monotonic() > deadline:
                raise SkyhaulError("the engine does not follow its tables: it has stopped")
            time.sleep(0.001)
        newest = int(state["published"]) + 1
        self._write_rows(state, newest & 1, table)
        # The count goes up last: the loop may read the rows from here on.
        state["published"] = newest

    def take_fates(self) -> np.ndarray[tuple[int], np.dtype[np.void]]:
        """The fates noted since the last call, an array of `FATE`."""
        if self.log.size == 0:
            return self.log
        head, tail = int(self.control[LOG_HEAD]), int(self.control[LOG_TAIL])
        fates = self.log[np.arange(tail, head) % self.log.size]
        self.control[LOG_TAIL] = head
        return fates
