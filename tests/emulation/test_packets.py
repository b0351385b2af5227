"""Super-packets: counted as segments, cut as the kernel would have cut them."""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass

import numpy as np
import pytest

from skyhaul.emulation._compiled_packets import cut_header
from skyhaul.emulation._compiled_packets import shape_of as compiled_shape_of
from skyhaul.emulation._packets import Framing, Shape, cut, runs, shape_of

TUN, PACKET_SOCKET = Framing(10), Framing(10, 14)
TCP, UDP = 6, 17
GSO = {(4, TCP): 1, (6, TCP): 4, (4, UDP): 5, (6, UDP): 5}  # VIRTIO_NET_HDR_GSO_TCPV4, TCPV6, UDP_L4
FIN_PSH_ACK_CWR = 0x99


@dataclass(frozen=True)
class Made:
    packet: bytes
    payload: bytes
    header: int


def super_packet(version: int, protocol: int, framing: Framing, size: int, payload: bytes, options: int = 12) -> Made:
    """A packet as the kernel hands it over: checksum begun with the pseudo-header only."""
    if protocol == TCP:
        words = (20 + options) // 4 << 4
        transport = struct.pack("!HHIIBBHHH", 5201, 40000, 0xFFFFF000, 7, words, FIN_PSH_ACK_CWR, 512, 0, 0)
        transport += bytes(options)
        offset = 16
    else:
        transport = struct.pack("!HHHH", 5201, 40000, (8 + len(payload)) & 0xFFFF, 0)
        offset = 6
    length = len(transport) + len(payload)
    if version == 4:
        source, target = ipaddress.ip_address("100.64.0.1").packed, ipaddress.ip_address("100.64.0.2").packed
        head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + length, 65_530, 0x4000, 64, protocol, 0) + source + target
        head = head[:10] + struct.pack("!H", ~total(head) & 0xFFFF) + head[12:]
    else:
        source, target = ipaddress.ip_address("fd00::1").packed, ipaddress.ip_address("fd00::2").packed
        head = struct.pack("!IHBB", 6 << 28, length, protocol, 64) + source + target
    begun = total(source + target + struct.pack("!II", length, protocol))
    transport = transport[:offset] + struct.pack("!H", begun) + transport[offset + 2 :]
    start = framing.ethernet_bytes + len(head)
    virtio = struct.pack("=BBHHHH", 1, GSO[version, protocol], start + len(transport), size, start, offset)
    return Made(
        virtio + bytes(framing.ethernet_bytes) + head + transport + payload, payload, len(head) + len(transport)
    )


def total(data: bytes) -> int:
    """The Internet checksum's sum (RFC 1071)."""
    value = sum(struct.unpack(f"!{len(data) // 2}H", data)) if len(data) % 2 == 0 else total(data + b"\0")
    while value > 0xFFFF:
        value = (value & 0xFFFF) + (value >> 16)
    return value


KINDS = [
    (version, protocol, framing) for version in (4, 6) for protocol in (TCP, UDP) for framing in (TUN, PACKET_SOCKET)
]
PAYLOAD = np.random.default_rng(3).bytes(10_000)


@pytest.mark.parametrize(("version", "protocol", "framing"), KINDS)
def test_a_super_packet_is_counted_as_its_segments(version: int, protocol: int, framing: Framing) -> None:
    made = super_packet(version, protocol, framing, 1400, PAYLOAD)
    shape = shape_of(made.packet, framing)
    assert shape == Shape(8, made.header + 1400, made.header + 200, made.header)


@pytest.mark.parametrize(("version", "protocol", "framing"), KINDS)
@pytest.mark.parametrize(("first", "segments"), [(0, 1), (0, 3), (2, 4), (5, 1), (6, 2), (7, 1)])
def test_a_cut_is_what_those_segments_would_have_been(
    version: int, protocol: int, framing: Framing, first: int, segments: int
) -> None:
    made = super_packet(version, protocol, framing, 1400, PAYLOAD)
    shape = shape_of(made.packet, framing)
    piece = cut(made.packet, framing, shape, first, segments)
    start = framing.virtio_bytes + framing.ethernet_bytes
    ip = piece[start:]
    payload = PAYLOAD[first * 1400 : (first + segments) * 1400]
    assert ip[made.header :] == payload
    # What it says of itself: one segment is an ordinary packet, more are a super-packet again.
    assert shape_of(piece, framing).segments == segments
    assert piece[1] == (0 if segments == 1 else made.packet[1])
    transport = 20 if version == 4 else 40
    if version == 4:
        assert int.from_bytes(ip[2:4], "big") == len(ip)
        assert int.from_bytes(ip[4:6], "big") == (65_530 + first) % 65_536
        assert total(ip[:20]) == 0xFFFF
    else:
        assert int.from_bytes(ip[4:6], "big") == len(ip) - 40
    if protocol == TCP:
        assert int.from_bytes(ip[transport + 4 : transport + 8], "big") == (0xFFFFF000 + first * 1400) % 2**32
        flags = ip[transport + 13]
        assert bool(flags & 0x09) == (first + segments == 8)
        assert bool(flags & 0x80) == (first == 0)
        assert flags & 0x10
    else:
        assert int.from_bytes(ip[transport + 4 : transport + 6], "big") == len(ip) - transport
    # The checksum completed over the segment is right: begun with its own pseudo-header.
    addresses = ip[12:20] if version == 4 else ip[8:40]
    offset = transport + (16 if protocol == TCP else 6)
    assert int.from_bytes(ip[offset : offset + 2], "big") == total(
        addresses + struct.pack("!II", len(ip) - transport, protocol)
    )


@pytest.mark.parametrize(("version", "protocol", "framing"), KINDS)
def test_the_compiled_cut_is_the_same_bytes(version: int, protocol: int, framing: Framing) -> None:
    made = super_packet(version, protocol, framing, 1000, PAYLOAD)
    shape = shape_of(made.packet, framing)
    memory = np.frombuffer(bytes(32) + made.packet, np.uint8).copy()
    size = len(made.packet)
    assert compiled_shape_of(memory, 32, size, framing.virtio_bytes, framing.ethernet_bytes) == (
        shape.segments,
        shape.segment_bytes,
        shape.last_bytes,
        shape.header,
    )
    piece = np.zeros(1, [(name, np.int64) for name in ("segment_bytes", "header", "packet_segments")])[0]
    piece["segment_bytes"], piece["header"], piece["packet_segments"] = (
        shape.segment_bytes,
        shape.header,
        shape.segments,
    )
    for first in range(shape.segments):
        for segments in range(1, shape.segments - first + (first > 0)):
            out = np.zeros(1024, np.uint8)
            header, begin, length = cut_header(
                memory, 32, size, framing.virtio_bytes, framing.ethernet_bytes, piece, first, segments, out
            )
            found = out[:header].tobytes() + memory[begin : begin + length].tobytes()
            assert found == cut(made.packet, framing, shape, first, segments)


@pytest.mark.parametrize("length", [0, 5, 10, 11, 24, 30, 45, 60])
def test_what_cannot_be_understood_is_one_segment(length: int) -> None:
    for framing in (Framing(), TUN, PACKET_SOCKET):
        made = super_packet(4, TCP, TUN, 1400, PAYLOAD).packet[:length]
        memory = np.frombuffer(made + bytes(100), np.uint8).copy()
        plain = shape_of(made, framing)
        assert plain.segments == 1
        if len(made) >= framing.virtio_bytes + framing.ethernet_bytes:
            found = compiled_shape_of(memory, 0, len(made), framing.virtio_bytes, framing.ethernet_bytes)
            assert found == (1, plain.last_bytes, plain.last_bytes, 0)


def test_an_ordinary_packet_is_one_segment_of_its_ip_bytes() -> None:
    assert shape_of(bytes(10) + bytes(1500), TUN) == Shape.single(1500)
    assert shape_of(bytes(10) + bytes(14) + bytes(1500), PACKET_SOCKET) == Shape.single(1500)
    assert shape_of(bytes(84), Framing()) == Shape.single(84)


def test_runs_are_what_is_left_between_losses() -> None:
    assert runs(0b0000, 4) == [(0, 4)]
    assert runs(0b0110, 4) == [(0, 1), (3, 1)]
    assert runs(0b1001, 4) == [(1, 2)]
    assert runs(0b1111, 4) == []
