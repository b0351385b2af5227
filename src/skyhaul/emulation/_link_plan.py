"""From the words of a link to what the engine runs: tables, settings, room."""

from __future__ import annotations

import math

from skyhaul.emulation._devices import Device
from skyhaul.emulation._options import DirectionOptions, LinkOptions
from skyhaul.emulation._outages import Outages, RandomOutages
from skyhaul.emulation._plan import LARGEST_PACKET, DirectionPlan
from skyhaul.emulation._settings import UNBOUNDED, DirectionSettings, GilbertElliott
from skyhaul.emulation._table import LinkTable
from skyhaul.emulation._traces import read_mahimahi

# What may be on the way of a link whose rate has no limit: as much as 10 Gbit/s put there in the delay, a rate no
# single flow was seen to pass through one engine thread.
_FASTEST_BPS = 10e9
_LEAST_ROOM, _UNLIMITED_ROOM, _MOST_ROOM = 4 << 20, 64 << 20, 256 << 20
_LEAST_PIECES, _MOST_PIECES = 1 << 12, 1 << 18
_SMALL_PACKET = 84  # bytes of a ping: there is room for a link full of them
_FEED_ROWS = 1 << 15  # of a window of ten seconds of a trace with a row a millisecond, and its outages


def link_table(options: DirectionOptions) -> LinkTable:
    """One direction's link, without outages, from time 0."""
    if options.trace is not None:
        return read_mahimahi(options.trace, delay_ns=options.delay_ns, loss=options.loss)
    return LinkTable.constant(options.delay_ns, options.rate_bps, options.loss)


def outages(options: LinkOptions) -> list[Outages]:
    """The schedules of outages of a link; both directions follow the same."""
    schedules: list[Outages] = list(options.outages)
    if options.on_off is not None:
        schedules.append(RandomOutages(*options.on_off, seed=options.seed))
    return schedules


def direction_plan(
    options: LinkOptions, table: LinkTable, number: int, here: Device, there: Device, *, changing: bool
) -> DirectionPlan:
    """One direction from `here` to `there`; `changing`: its tables will be windows of `table` with outages."""
    limit = queue_limit(options, table)
    settings = DirectionSettings(
        queue_bytes=limit,
        codel=options.codel,
        bursts=GilbertElliott(options.mean_burst) if options.mean_burst else None,
        hold_outage=options.hold,
        reorder=options.reorder,
        seed=(options.seed * 2 + number) % (1 << 64),
        mtu=options.mtu,
    )
    way = min(table.peak_rate_bps, _FASTEST_BPS) / 8e9 * int(table.delay_ns.max())
    wanted = way + (limit if limit < UNBOUNDED else way)
    least = _UNLIMITED_ROOM if math.isinf(table.peak_rate_bps) else _LEAST_ROOM
    room = int(min(_MOST_ROOM, max(least, 1.5 * wanted + 4 * LARGEST_PACKET)))
    return DirectionPlan(
        settings,
        table,
        fd_in=here.fd,
        fd_out=there.fd,
        virtio_bytes=here.framing.virtio_bytes,
        ethernet_bytes=here.framing.ethernet_bytes,
        pieces=int(min(_MOST_PIECES, max(_LEAST_PIECES, room / _SMALL_PACKET))),
        packet_bytes=room,
        rows=_FEED_ROWS if changing else 0,
    )


def queue_limit(options: LinkOptions, table: LinkTable) -> int:
    """The queue of a direction in bytes; a time is turned into bytes at the highest rate."""
    if options.queue_bytes:
        return options.queue_bytes
    if math.isinf(table.peak_rate_bps):
        return UNBOUNDED
    return max(options.mtu, math.ceil(table.peak_rate_bps * options.queue_ns / 8e9))
