"""From the links of a world to what the engine runs: each direction, with room for what may be on its way."""

from __future__ import annotations

import math

from skyhaul.emulation._devices import Device
from skyhaul.emulation._options import DEFAULT_QUEUE_NS
from skyhaul.emulation._plan import LARGEST_PACKET, DirectionPlan
from skyhaul.emulation._settings import UNBOUNDED, DirectionSettings
from skyhaul.emulation._table import LinkTable
from skyhaul.emulation._world_wiring import WorldEnds
from skyhaul.live._tables import Bounds, TableSource
from skyhaul.live._world_options import WorldOptions

_LEAST_ROOM, _MOST_ROOM, _ALL_ROOM = 1 << 20, 64 << 20, 2 << 30
_PIECE_BYTES = 400  # of packets for each piece of room: speech and games send smaller ones, and never fill a link
_FASTEST_BPS = 10e9


def world_plans(source: TableSource, options: WorldOptions, ends: WorldEnds) -> list[DirectionPlan]:
    """Directions 2·i and 2·i + 1 are terminal i's `up` and `down`, as in the source; those of the fibre follow.

    A terminal's links are out until the first window is published; what fibre carries has no rate of its own.
    """
    count = 2 * (len(ends.terminals) + len(ends.fibre))
    plans = []
    for number, strand in enumerate(ends.terminals):
        for way, (here, there) in enumerate(((strand.near, strand.far), (strand.far, strand.near))):
            direction = 2 * number + way
            bounds = source.bounds(direction)
            settings = DirectionSettings(
                queue_bytes=max(options.mtu, math.ceil(bounds.rate_bps * DEFAULT_QUEUE_NS / 8e9)),
                seed=(options.seed * count + direction) % (1 << 64),
                mtu=options.mtu,
            )
            plans.append(_plan(settings, LinkTable.constant(0, 0.0, 1.0), here.device, there.device, bounds, count))
    pops = source.pops
    for (one, other), strand in ends.fibre.items():
        table = LinkTable.constant(source.backbone_ns(pops[one], pops[other]))
        bounds = Bounds(math.inf, int(table.delay_ns[0]), 1)
        for here, there in ((strand.near, strand.far), (strand.far, strand.near)):
            settings = DirectionSettings(queue_bytes=UNBOUNDED, mtu=options.mtu)
            plans.append(_plan(settings, table, here.device, there.device, bounds, count))
    return plans


def _plan(
    settings: DirectionSettings, table: LinkTable, here: Device, there: Device, bounds: Bounds, count: int
) -> DirectionPlan:
    on_the_way = min(bounds.rate_bps, _FASTEST_BPS) / 8e9 * bounds.delay_ns
    wanted = 1.5 * (on_the_way + min(settings.queue_bytes, _MOST_ROOM)) + 8 * LARGEST_PACKET
    room = int(max(_LEAST_ROOM, min(wanted, _MOST_ROOM, _ALL_ROOM / count)))
    return DirectionPlan(
        settings,
        table,
        fd_in=here.fd,
        fd_out=there.fd,
        virtio_bytes=here.framing.virtio_bytes,
        ethernet_bytes=here.framing.ethernet_bytes,
        pieces=room // _PIECE_BYTES,
        packet_bytes=room,
        rows=bounds.rows,
    )
