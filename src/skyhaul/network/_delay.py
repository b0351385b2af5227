"""Delay above light and fibre: frames, grants, queues and detours, drawn per slot and per packet.

Fitted on the round-trip times of one site and checked on others (docs/calibration.md). What is known of the causes:
a terminal sends only in the frames it is granted, and probes that miss one grant leave in a later one, 3, 4, 6 or 8
frames on (sharp peaks at those multiples of 1.33 ms between probes sent at once, at four sites); the uplink is the
more variable direction and changes with the slot (Garcia, Sundberg and Brunstrom, "A detailed characterization of
Starlink one-way delay", LEO-NET 2025). Round-trip times cannot part the directions, so all queueing is put in the
uplink, and the downlink waits for its frame only.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from skyhaul.network._random import Stream, exponential, uniform_four, uniform_pair
from skyhaul.network._slots import slot_number
from skyhaul.types import Floats, Ints, Times

# Numbers of one slot are named slot x 256 + draw.
_DRAWS_PER_SLOT = np.int64(256)


class DelayExtra(NamedTuple):
    """Seconds on top of propagation, by direction."""

    up_s: Floats
    down_s: Floats


@dataclass(frozen=True, slots=True)
class DelayModel:
    """Parameters of the delay above geometry and fibre, in seconds where not said otherwise.

    fixed_s                    on every packet there and back, half of it each way by convention: measured at ten sites,
                               ±1.0 ms
    frame_s                    750 frames a second (Humphreys et al. 2023, "Signal structure of the Starlink Ku-band
                               downlink"). A packet down waits for the next frame
    grant_frames, grant_share  frames from one uplink grant to the next, and the share of slots with each: peaks in
                               the steps between probes at Victoria. A packet up waits for the next grant
    slot_queue_s               mean of an exponential part of the uplink that stays for the slot
    queue_share, queue_s       share of packets that queue for the uplink, and the mean of their exponential wait: the
                               wait of a queue with one server (M/M/1), new for every packet
    burst_share, burst_s       share of packets that wait much longer, and the mean of that exponential wait
    laser_hop_s                mean of an exponential part per laser link, each way, that stays for the slot: detours
                               and processing. Fitted on the one site with lasers
    """

    fixed_s: float = 8.6e-3
    frame_s: float = 1.0 / 750.0
    grant_frames: tuple[int, ...] = (3, 4, 6, 8)
    grant_share: tuple[float, ...] = (0.34, 0.28, 0.19, 0.19)
    slot_queue_s: float = 4.7e-3
    queue_share: float = 0.59
    queue_s: float = 6.5e-3
    burst_share: float = 0.033
    burst_s: float = 29e-3
    laser_hop_s: float = 4.25e-3

    def __post_init__(self) -> None:
        if len(self.grant_frames) != len(self.grant_share) or not np.isclose(sum(self.grant_share), 1.0):
            raise ValueError("grant_share needs one share for each of grant_frames, and a sum of 1")

    @property
    def fixed_up_s(self) -> float:
        """The fixed part from terminal to PoP."""
        return self.fixed_s / 2

    @property
    def fixed_down_s(self) -> float:
        """The fixed part from PoP to terminal."""
        return self.fixed_s / 2

    def without_queueing(self) -> DelayModel:
        """The same model with its fixed part alone: nothing is drawn but zeros."""
        return replace(self, frame_s=0.0, slot_queue_s=0.0, queue_s=0.0, burst_s=0.0, laser_hop_s=0.0)


def slot_extra_s(
    model: DelayModel, seed: int, slot: int | Ints, terminal_key: Ints, laser_hops: npt.ArrayLike = 0
) -> DelayExtra:
    """The part of the delay that stays for a whole slot, (K,) for one slot and (S, K) for slots (S,).

    terminal_key  (K,) numbers that stay with the terminals
    laser_hops    laser links on each path, a shape that broadcasts to the result; below 0 counts as 0
    """
    name = np.asarray(slot, dtype=np.int64)[..., None] * _DRAWS_PER_SLOT
    key = np.asarray(terminal_key, dtype=np.int64)
    _, queue = uniform_pair(seed, Stream.SLOT_DELAY, key, name)
    hops = np.broadcast_to(np.asarray(laser_hops), queue.shape)
    link = np.arange(hops.max(initial=0)).reshape(-1, *(1 for _ in queue.shape))
    wait, _ = uniform_pair(seed, Stream.LASER_DELAY, key, name + link)
    detour = model.laser_hop_s * np.where(link < hops, exponential(wait), 0.0).sum(axis=0)
    return DelayExtra(model.slot_queue_s * exponential(queue) + detour, detour)


def packet_extra_s(model: DelayModel, seed: int, time: Times, terminal_key: Ints) -> DelayExtra:
    """The part of the delay that is each packet's own, (T, K), for packets sent at UTC instants (T,).

    Packets of one terminal at one instant have the same delay. `terminal_key` is that of `slot_extra_s`.
    """
    key = np.asarray(terminal_key, dtype=np.int64)
    ns = time.astype("datetime64[ns]").astype(np.int64)
    grant, queue, burst, frame = uniform_four(seed, Stream.PACKET_DELAY, key, ns[:, None])
    up = grant * grant_interval_s(model, seed, time, key)
    for draw, share, mean_s in ((queue, model.queue_share, model.queue_s), (burst, model.burst_share, model.burst_s)):
        waits = draw < share
        up[waits] += mean_s * exponential(draw[waits] / share)
    return DelayExtra(up, model.frame_s * frame)


def grant_interval_s(model: DelayModel, seed: int, time: Times, key: Ints) -> Floats:
    """(T, K) from one uplink grant to the next, the same for all packets of a terminal in a slot."""
    slot, of_time = np.unique(slot_number(time), return_inverse=True)
    draw, _ = uniform_pair(seed, Stream.SLOT_DELAY, key, slot[:, None] * _DRAWS_PER_SLOT)
    edges = np.cumsum(model.grant_share)[:-1]
    interval = np.array(model.grant_frames) * model.frame_s
    return np.asarray(interval[np.searchsorted(edges, draw, side="right")][of_time])
