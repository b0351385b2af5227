"""Super-packets, compiled: `_packets` on a flat array of bytes, without a copy of the payload."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from skyhaul._kernel import kernel
from skyhaul.emulation._packets import GSO_KIND, GSO_UDP, NEEDS_CHECKSUM, TCP_FIRST_FLAGS, TCP_LAST_FLAGS

LARGEST_HEADER = 10 + 14 + 60 + 60 + 256  # virtio, Ethernet, IP, TCP, and room for IPv6 extension headers

# virtio_net_hdr is in the machine's own byte order.
_LOW, _HIGH = (0, 1) if sys.byteorder == "little" else (1, 0)


@kernel()
def native16(a: Any, i: int) -> Any:
    return np.int64(a[i + _LOW]) | np.int64(a[i + _HIGH]) << 8


@kernel()
def big16(a: Any, i: int) -> Any:
    return np.int64(a[i]) << 8 | np.int64(a[i + 1])


@kernel()
def put_big16(a: Any, i: int, value: int) -> None:
    a[i] = value >> 8 & 0xFF
    a[i + 1] = value & 0xFF


@kernel()
def fold(value: int) -> int:
    while value > 0xFFFF:
        value = (value & 0xFFFF) + (value >> 16)
    return value


@kernel()
def shape_of(a: Any, offset: int, size: int, virtio: int, ethernet: int) -> Any:
    """Segments, wire bytes of each and of the last, and header bytes of the packet of `size` bytes at `offset`."""
    start = offset + virtio + ethernet
    length = size - virtio - ethernet
    single = (1, max(1, length), max(1, length), 0)
    if virtio == 0 or length <= 0:
        return single
    kind = np.int64(a[offset + 1]) & GSO_KIND
    segment = native16(a, offset + 4)
    if kind == 0 or segment == 0 or a[offset] & NEEDS_CHECKSUM == 0:
        return single
    transport = native16(a, offset + 6) - ethernet
    if transport < 20 or transport + 20 > length:
        return single
    header = transport + (8 if kind == GSO_UDP else np.int64(a[start + transport + 12]) >> 4 << 2)
    payload = length - header
    if payload <= segment or virtio + ethernet + header > LARGEST_HEADER:
        return single
    segments = (payload + segment - 1) // segment
    return segments, header + segment, header + payload - (segments - 1) * segment, header


@kernel()
def cut_header(a: Any, offset: int, size: int, virtio: int, ethernet: int, p: Any, first: int, segments: int,
               out: Any) -> tuple[int, int, int]:  # fmt: skip
    """Write the headers of a cut to `out`: their length, and where its payload begins in `a` and how long it is."""
    start = virtio + ethernet
    segment = p.segment_bytes - p.header
    payload_all = size - start - p.header
    payload = min(segments * segment, payload_all - first * segment)
    for i in range(start + p.header):
        out[i] = a[offset + i]
    kind = np.int64(out[1]) & GSO_KIND
    transport = native16(a, offset + 6) - ethernet
    checksum_offset = native16(a, offset + 8)
    if segments == 1:
        out[1] = 0
        out[4] = 0
        out[5] = 0
    length = p.header + payload
    if out[start] >> 4 == 4:
        put_big16(out, start + 2, length)
        put_big16(out, start + 4, (big16(out, start + 4) + first) & 0xFFFF)
        put_big16(out, start + 10, 0)
        total = 0
        for i in range((np.int64(out[start]) & 15) * 2):
            total += big16(out, start + 2 * i)
        put_big16(out, start + 10, ~fold(total) & 0xFFFF)
    else:
        put_big16(out, start + 4, length - 40)
    place = start + transport
    if kind == GSO_UDP:
        put_big16(out, place + 4, length - transport)
    else:
        sequence = (big16(out, place + 4) << 16 | big16(out, place + 6)) + first * segment
        put_big16(out, place + 4, sequence >> 16 & 0xFFFF)
        put_big16(out, place + 6, sequence & 0xFFFF)
        if first + segments < p.packet_segments:
            out[place + 13] &= 0xFF ^ TCP_LAST_FLAGS
        if first:
            out[place + 13] &= 0xFF ^ TCP_FIRST_FLAGS
    where = place + checksum_offset
    before = size - start - transport
    put_big16(out, where, fold(big16(out, where) + (~before & 0xFFFF) + length - transport))
    return start + p.header, offset + start + p.header + first * segment, payload
