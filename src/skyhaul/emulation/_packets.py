"""Super-packets: what they stand for on the wire, and how to cut some of their segments out.

With offload the kernel hands over one packet of up to 64 kB with a virtio_net_hdr before it that says how it is to be
cut (Virtual I/O Device 1.2, section 5.1.6). Such a packet is counted as its segments, and a cut of it is again a
super-packet, with the headers that the kernel's own segmentation would have given it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

VIRTIO_BYTES = 10  # struct virtio_net_hdr: flags, gso_type, hdr_len, gso_size, csum_start, csum_offset
ETHERNET_BYTES = 14
NEEDS_CHECKSUM = 1  # VIRTIO_NET_HDR_F_NEEDS_CSUM
GSO_KIND = 0x7F  # the upper bit marks ECN
GSO_UDP = 5  # VIRTIO_NET_HDR_GSO_UDP_L4
TCP_LAST_FLAGS = 0x09  # FIN and PSH belong to the last segment
TCP_FIRST_FLAGS = 0x80  # CWR belongs to the first

_VIRTIO = struct.Struct("=BBHHHH")


@dataclass(frozen=True, slots=True)
class Framing:
    """The headers that a device puts before each IP packet: virtio_net_hdr and Ethernet, 0 where it has none."""

    virtio_bytes: int = 0
    ethernet_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Shape:
    """What a packet is on the wire: segments of `segment_bytes` IP bytes each, the last of `last_bytes`.

    header   IP and transport header of a super-packet, bytes; 0 of an ordinary packet
    """

    segments: int
    segment_bytes: int
    last_bytes: int
    header: int = 0

    @classmethod
    def single(cls, size: int) -> Shape:
        """An ordinary packet of `size` IP bytes."""
        return cls(1, size, size)


def shape_of(packet: bytes, framing: Framing) -> Shape:
    """The shape of a packet as read from a device; one that cannot be understood is one segment."""
    start = framing.virtio_bytes + framing.ethernet_bytes
    length = len(packet) - start
    single = Shape.single(max(1, length))
    if not framing.virtio_bytes or length <= 0:
        return single
    flags, kind, _, size, checksum_start, _ = _VIRTIO.unpack_from(packet)
    if kind & GSO_KIND == 0 or size == 0 or not flags & NEEDS_CHECKSUM:
        return single
    transport = checksum_start - framing.ethernet_bytes
    if transport < 20 or transport + 20 > length:
        return single
    header = transport + (8 if kind & GSO_KIND == GSO_UDP else packet[start + transport + 12] >> 4 << 2)
    payload = length - header
    if payload <= size:
        return single
    segments = -(-payload // size)
    return Shape(segments, header + size, header + payload - (segments - 1) * size, header)


def cut(packet: bytes, framing: Framing, shape: Shape, first: int, segments: int) -> bytes:
    """`segments` segments of a super-packet from number `first` on, as one packet."""
    if segments == shape.segments:
        return packet
    start = framing.virtio_bytes + framing.ethernet_bytes
    size = shape.segment_bytes - shape.header
    begin = start + shape.header + first * size
    payload = packet[begin : begin + segments * size]
    out = bytearray(packet[: start + shape.header])
    _, kind, _, _, checksum_start, checksum_offset = _VIRTIO.unpack_from(packet)
    if segments == 1:
        out[1] = 0
        out[4:6] = b"\0\0"
    transport = checksum_start - framing.ethernet_bytes
    length = shape.header + len(payload)
    if out[start] >> 4 == 4:
        number = int.from_bytes(out[start + 4 : start + 6], "big")
        struct.pack_into("!HH", out, start + 2, length, (number + first) & 0xFFFF)
        out[start + 10 : start + 12] = b"\0\0"
        words = struct.unpack_from(f"!{(out[start] & 15) * 2}H", out, start)
        struct.pack_into("!H", out, start + 10, ~_fold(sum(words)) & 0xFFFF)
    else:
        struct.pack_into("!H", out, start + 4, length - 40)
    place = start + transport
    if kind & GSO_KIND == GSO_UDP:
        struct.pack_into("!H", out, place + 4, length - transport)
    else:
        sequence = int.from_bytes(out[place + 4 : place + 8], "big")
        struct.pack_into("!I", out, place + 4, (sequence + first * size) & 0xFFFFFFFF)
        if first + segments < shape.segments:
            out[place + 13] &= ~TCP_LAST_FLAGS
        if first:
            out[place + 13] &= ~TCP_FIRST_FLAGS
    # The checksum field holds the sum of the pseudo-header, of which only the length is another (RFC 1624).
    where = place + checksum_offset
    (old,) = struct.unpack_from("!H", out, where)
    before = len(packet) - start - transport
    struct.pack_into("!H", out, where, _fold(old + (~before & 0xFFFF) + length - transport))
    return bytes(out) + payload


def runs(lost: int, segments: int) -> list[tuple[int, int]]:
    """(first, number) of each run of segments whose bit in `lost` is not set."""
    found: list[tuple[int, int]] = []
    for segment in range(segments):
        if lost >> segment & 1:
            continue
        if found and sum(found[-1]) == segment:
            found[-1] = (found[-1][0], found[-1][1] + 1)
        else:
            found.append((segment, 1))
    return found


def _fold(value: int) -> int:
    while value > 0xFFFF:
        value = (value & 0xFFFF) + (value >> 16)
    return value
