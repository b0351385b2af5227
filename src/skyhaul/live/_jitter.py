"""The delay that is each packet's own, as a process in time that keeps the order of packets.

The delay model draws it anew for every packet (`skyhaul.network.packet_extra_s`): a wait for the next frame or grant, a
wait in a queue with one server, and rare longer ones. Draws that know nothing of each other would let packets overtake,
which a terminal does not do. Here the same waits come from what makes them: grants and frames at equal distances, and
two queues with Poisson arrivals and exponential service (M/M/1), one behind the other. A packet that comes at any
instant finds exactly the model's distribution (the workload of an M/M/1 queue is 0 with chance 1 - ρ, else exponential:
Kleinrock, "Queueing Systems" I, 1975, section 5.12), waits are those of one instant, and what came first leaves first.
So packets milliseconds apart share a wait, as they do behind a real grant; packets seconds apart do not.

Everything is a function of seed, terminal and slot: a slot's waits do not depend on when one began to look.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skyhaul.network import DelayModel, slot_start
from skyhaul.network._delay import grant_interval_s
from skyhaul.network._random import Stream, exponential, uniform_pair
from skyhaul.types import Floats, Ints

# Names of one slot's draws: slot x 2^20 + stage x 2^18 + number. A slot holds some 3,000 arrivals of the busiest stage.
_PER_SLOT, _PER_STAGE = np.int64(1 << 20), np.int64(1 << 18)
_PHASE, _BURST, _QUEUE = 0, 1, 2
# Grants are whole frames apart, and so are the probes of many tools (200 ms are 150 frames): in step with each other,
# all probes of a slot would wait alike, and their answers too, while the model's draws know nothing of each other. So
# the grants of a link go by a clock that is slower, and the frames down by one that is faster, by this part. Against
# probes their phases move by 0.618 of a frame a second (the golden ratio, which no rhythm follows), against each other
# by twice that.
_DRIFT = 0.618 / 750.0


@dataclass(frozen=True, slots=True)
class Waits:
    """When packets that are sent in a span of time may leave: those sent from `since_ns[j]` on leave at `leave_ns[j]`.

    Both (J,) in ns from the start of the slot, rising; since_ns[0] is 0. Empty: packets leave as they come.
    """

    since_ns: Ints
    leave_ns: Ints

    def wait_ns(self, sent_ns: Ints) -> Ints:
        """How long packets sent then wait, the shape of `sent_ns`."""
        if not self.since_ns.size:
            return np.zeros(np.shape(sent_ns), np.int64)
        return self.leave_ns[np.searchsorted(self.since_ns, sent_ns, side="right") - 1] - sent_ns


_NO_WAITS = Waits(np.zeros(0, np.int64), np.zeros(0, np.int64))


def slot_waits(model: DelayModel, seed: int, slot: int, key: int, span_ns: int) -> tuple[Waits, Waits]:
    """The waits up and down of packets that a terminal sends, or is sent, in the first `span_ns` of a slot.

    key  the number that stays with the terminal (`Terminals.key`)
    """
    if model.frame_s == 0.0:
        if model.queue_s or model.burst_s:
            raise ValueError("a delay model with queues needs frames")
        return _NO_WAITS, _NO_WAITS
    up_phase, down_phase = _draws(seed, slot, key, _PHASE, 1)
    interval = grant_interval_s(model, seed, np.array([slot_start(slot)]), np.array([key], np.int64))[0, 0] * 1e9
    queues = ((model.burst_share, model.burst_s, _BURST), (model.queue_share, model.queue_s, _QUEUE))
    stages = tuple(
        _Stage(share, mean_s * 1e9, seed, slot, key, number) for share, mean_s, number in queues if share * mean_s > 0
    )
    up = _behind(stages, float(interval) * (1.0 + _DRIFT), float(up_phase[0]), float(span_ns))
    return up, _behind((), model.frame_s * 1e9 * (1.0 - _DRIFT), float(down_phase[0]), float(span_ns))


def _behind(stages: tuple[_Stage, ...], interval: float, phase: float, span: float) -> Waits:
    """Waits of packets that pass the queues and then leave at the next of equally spaced instants."""
    end = span
    for stage in stages:
        stage.reach(end)
        end = stage.leaves(end)
    leave = (np.arange(np.ceil(end / interval) + 2) + phase) * interval
    since = leave.copy()
    for stage in reversed(stages):
        since = stage.last_before(since)
    # A packet leaves at the first instant not before its turn: groups begin where the one before ends.
    since = np.concatenate([[0.0], np.clip(since[:-1], 0.0, None)])
    since_ns, leave_ns = np.ceil(since).astype(np.int64), np.ceil(leave).astype(np.int64)
    lasts = np.append(np.diff(since_ns) > 0, True) & (since_ns < span)
    return Waits(since_ns[lasts], leave_ns[lasts])


class _Stage:
    """A queue with one server that other traffic fills: at `busy[i]` it is done with all that came until `came[i]`.

    Times are ns from the start of the slot, at which the queue is in its steady state.
    """

    def __init__(self, share: float, mean_ns: float, seed: int, slot: int, key: int, number: int) -> None:
        self._names = seed, slot, key, number
        # The workload of M/M/1 exceeds 0 with chance ρ = λ/μ, and is then exponential with mean 1/(μ - λ).
        self._service_ns = mean_ns * (1.0 - share)
        self._pause_ns = self._service_ns / share
        first, _ = _draws(*self._names, 1)
        held = mean_ns * float(exponential(first / share)[0]) if first[0] < share else 0.0
        self._came, self._work = np.zeros(1), np.array([held])
        self.came, self.busy = self._came, self._work

    def reach(self, time_ns: float) -> None:
        """Know the arrivals until `time_ns` and the one after."""
        count = 64
        while self._came[-1] <= time_ns:
            count *= 2
            pause, work = _draws(*self._names, count)
            self._came = np.concatenate([[0.0], np.cumsum(exponential(pause[1:])) * self._pause_ns])
            self._work = np.concatenate([self._work[:1], exponential(work[1:]) * self._service_ns])
        done = np.cumsum(self._work)
        self.came = self._came
        self.busy = done + np.maximum.accumulate(self._came - (done - self._work))

    def leaves(self, time_ns: float) -> float:
        """When a packet that comes at an instant is through."""
        return max(time_ns, float(self.busy[np.searchsorted(self.came, time_ns, side="right") - 1]))

    def last_before(self, through_ns: Floats) -> Floats:
        """Until when packets may come to be through by each instant."""
        after = np.searchsorted(self.busy, through_ns, side="right")
        return np.asarray(np.minimum(through_ns, np.append(self.came, np.inf)[after]))


def _draws(seed: int, slot: int, key: int, stage: int, count: int) -> tuple[Floats, Floats]:
    name = np.int64(slot) * _PER_SLOT + stage * _PER_STAGE + np.arange(count, dtype=np.int64)
    return uniform_pair(seed, Stream.LINK_DELAY, np.int64(key), name)
