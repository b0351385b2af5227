"""From the path states of a slot to the rows that an engine follows.

Between the instants at which paths are known the delay is linear. With SAMPLE of half a second that is wrong by at most
a·h²/8 = 0.03 µs, where a is the second derivative of a delay: 2 legs x 100 m/s² (v²/r of a satellite 550 km overhead)
over the speed of light. Rates change in steps (modulation and code), so they are at most half a second old.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from skyhaul.emulation._table import ROW
from skyhaul.live._jitter import Waits, slot_waits
from skyhaul.network import DelayModel, Paths, Reason, packet_extra_s, slot_start
from skyhaul.types import Bools, Floats, Ints, Times

Rows = npt.NDArray[np.void]

SAMPLE_NS = 500_000_000
SLOT_NS = 15_000_000_000


@dataclass(frozen=True, slots=True)
class Span:
    """How a terminal is served from an instant on; names are empty and `laser_hops` -1 without a path."""

    time_ns: int
    code: str
    cause: str
    satellite: str
    gateway: str
    pop: str
    laser_hops: int


def sample_times(slot: int) -> Times:
    """The instants at which a slot's paths are asked for: every SAMPLE, and the slot's last nanosecond."""
    offset = np.append(np.arange(0, SLOT_NS, SAMPLE_NS), SLOT_NS - 1)
    return np.asarray(slot_start(slot) + offset.astype("timedelta64[ns]"))


@dataclass(frozen=True, slots=True)
class SlotLink:
    """A terminal's link in one slot: rows up and down, in ns from the slot's start, and how it is served."""

    up: Rows
    down: Rows
    spans: tuple[Span, ...]


def slot_link(
    paths: Paths,
    terminal: int,
    key: int,
    model: DelayModel,
    seed: int,
    slot: int,
    names: Callable[[int, int, int], tuple[str, str, str]],
    refine: Callable[[Times], Paths],
    speed: float = 1.0,
) -> SlotLink:
    """The link of one terminal, from its paths at `sample_times(slot)`.

    key      the terminal's, for its draws
    names    gives the names of a satellite, a gateway and a PoP
    refine   gives paths at other instants of the slot: a lease that ends inside it ends the link then
    speed    scenario seconds a second: the slot is that much shorter, while delays, rates and waits are not
    """
    start = slot_start(slot)
    end = paths.ends[terminal]
    if not np.isnat(end):
        paths = refine(np.unique(np.concatenate([paths.time, [end - np.timedelta64(1, "ns"), end]])))
    out = ~np.isfinite(paths.delay_up_s[:, terminal])
    at_ns = ((paths.time - start).astype("timedelta64[ns]").astype(np.int64) / speed).astype(np.int64)
    extra = packet_extra_s(model, seed, paths.time, np.array([key], np.int64))
    waits = slot_waits(model, seed, slot, key, int(SLOT_NS / speed))
    loss = np.where(out, 0.0, paths.loss[:, terminal])
    rows = []
    for delay, own, rate, wait in (
        (paths.delay_up_s, extra.up_s, paths.rate_up_bps, waits[0]),
        (paths.delay_down_s, extra.down_s, paths.rate_down_bps, waits[1]),
    ):
        # The dataset's states hold the draw of a packet sent then: the link has its own for every packet.
        base_ns = np.where(out, 0.0, delay[:, terminal] - own[:, 0]) * 1e9
        rows.append(link_rows(at_ns, base_ns, np.where(out, 0.0, rate[:, terminal]), loss, out, wait))
    return SlotLink(rows[0], rows[1], _spans(paths, terminal, at_ns, out, names))


def link_rows(
    at_ns: Ints, base_ns: Floats, rate_bps: Floats, loss: Floats, out: Bools, waits: Waits, *, hold: bool = False
) -> Rows:
    """The rows of one direction from its states at instants (N,) and the waits of its packets.

    Outages begin at the first instant without a path; until then the last state before it holds. `hold` keeps each
    state's delay until the next instead of a line between them.
    """
    edge = waits.since_ns[1:]
    edge = edge[edge < at_ns[-1]]
    time = np.concatenate([at_ns, edge, edge])
    group = np.concatenate(
        [np.searchsorted(waits.since_ns, at_ns, side="right") - 1, np.arange(edge.size), np.arange(edge.size) + 1]
    )
    order = np.lexsort((group, time))
    time, group = time[order], group[order]
    state = np.searchsorted(at_ns, time, side="right") - 1
    rows = np.zeros(time.size, ROW)
    rows["time"], rows["rate"], rows["loss"], rows["out"] = time, rate_bps[state], loss[state], out[state]
    delay = _base_at(time, state, at_ns, base_ns, out, hold=hold)
    if waits.since_ns.size:
        delay = delay + (waits.leave_ns[group] - time)
    rows["delay"] = np.where(out[state], 0.0, np.rint(delay))
    return rows


def _base_at(time: Ints, state: Ints, at_ns: Ints, base_ns: Floats, out: Bools, *, hold: bool) -> Floats:
    after = np.minimum(state + 1, at_ns.size - 1)
    span = at_ns[after] - at_ns[state]
    share = np.where((span == 0) | out[after] | hold, 0.0, (time - at_ns[state]) / np.where(span == 0, 1, span))
    return np.asarray(base_ns[state] + share * (base_ns[after] - base_ns[state]))


def _spans(
    paths: Paths, terminal: int, at_ns: Ints, out: Bools, names: Callable[[int, int, int], tuple[str, str, str]]
) -> tuple[Span, ...]:
    cause = paths.cause_at[:, terminal]
    carrier = tuple(int(column[terminal]) for column in (paths.satellite, paths.gateway, paths.pop))
    spans = []
    for k in np.flatnonzero(np.diff(out, prepend=~out[0])):
        if out[k]:
            reason = Reason(int(cause[k]))
            spans.append(Span(int(at_ns[k]), reason.name.lower(), reason.words, "", "", "", -1))
        else:
            hops = int(paths.laser_hops[terminal])
            spans.append(Span(int(at_ns[k]), "served", "", *names(*carrier), hops))
    return tuple(spans)
