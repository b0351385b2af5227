"""Network devices by rtnetlink (RFC 3549, rtnetlink(7)): what `ip` does, without needing it to be installed.

Every call acts on the network namespace that the calling thread is in.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import struct
from types import TracebackType
from typing import TypeAlias

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

# <linux/rtnetlink.h>, <linux/if_link.h>, <linux/if_addr.h>, <linux/veth.h>, <linux/netlink.h>
_NEWLINK, _GETLINK, _NEWADDR, _NEWROUTE = 16, 18, 20, 24
_REQUEST, _ACK, _CREATE, _EXCLUSIVE, _REPLACE = 0x1, 0x4, 0x400, 0x200, 0x100
_ERROR = 2
_LINK_ADDRESS, _LINK_NAME, _LINK_MTU, _LINK_TX_QUEUE, _LINK_INFO, _LINK_STATS64 = 1, 3, 4, 13, 18, 23
_LINK_NS_FD, _LINK_GSO_SEGMENTS = 28, 40
_INFO_KIND, _INFO_DATA, _VETH_PEER = 1, 2, 1
_ADDRESS, _LOCAL, _ADDRESS_FLAGS = 1, 2, 8
_NO_DAD = 0x02
_ROUTE_TO, _ROUTE_DEVICE, _ROUTE_GATEWAY = 1, 4, 5
_TABLE_MAIN, _PROTOCOL_STATIC, _SCOPE_GLOBAL, _SCOPE_LINK, _UNICAST, _UNREACHABLE = 254, 4, 0, 253, 1, 7
_UP, _NO_ARP, _MULTICAST = 0x1, 0x80, 0x1000
_NESTED = 0x8000


class Netlink:
    """A conversation with the kernel about one network namespace; use it in a `with`."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)
        self._socket.bind((0, 0))
        self._sequence = 0

    def __enter__(self) -> Netlink:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def index(self, device: str) -> int:
        """The number of a device; OSError when there is none of that name."""
        return socket.if_nametoindex(device)

    def add_veth(
        self, name: str, peer: str, *, peer_namespace: int, hardware: bytes = b"", peer_hardware: bytes = b""
    ) -> None:
        """Two devices joined back to back: `name` here, `peer` in the network namespace open as `peer_namespace`."""
        there = _link_header() + _text(_LINK_NAME, peer) + _attribute(_LINK_NS_FD, struct.pack("=I", peer_namespace))
        if peer_hardware:
            there += _attribute(_LINK_ADDRESS, peer_hardware)
        info = _attribute(_INFO_KIND, b"veth") + _attribute(
            _INFO_DATA | _NESTED, _attribute(_VETH_PEER | _NESTED, there)
        )
        here = _link_header() + _text(_LINK_NAME, name)
        if hardware:
            here += _attribute(_LINK_ADDRESS, hardware)
        self._ask(_NEWLINK, here + _attribute(_LINK_INFO | _NESTED, info), _CREATE | _EXCLUSIVE)

    def set_up(
        self, device: str, *, mtu: int = 0, tx_queue: int = 0, no_arp: bool = False, one_segment: bool = False
    ) -> None:
        """Bring a device up, with an MTU and a transmit queue in packets (0: as they are).

        no_arp       neighbours are not asked for: packets go out with the device's own hardware address; nor does the
                     kernel send group reports of its own
        one_segment  no super-packets
        """
        flags, change = _UP, _UP
        if no_arp:
            flags, change = flags | _NO_ARP, change | _NO_ARP | _MULTICAST
        body = _link_header(self.index(device), flags, change)
        if mtu:
            body += _attribute(_LINK_MTU, struct.pack("=I", mtu))
        if tx_queue:
            body += _attribute(_LINK_TX_QUEUE, struct.pack("=I", tx_queue))
        if one_segment:
            body += _attribute(_LINK_GSO_SEGMENTS, struct.pack("=I", 1))
        self._ask(_NEWLINK, body)

    def add_address(self, device: str, address: Address, peer: Address) -> None:
        """Give a device an address, and the one at the other end of its link."""
        bits = address.max_prefixlen
        body = struct.pack("=BBBBI", _family(address), bits, 0, _SCOPE_GLOBAL, self.index(device))
        body += _attribute(_LOCAL, address.packed) + _attribute(_ADDRESS, peer.packed)
        body += _attribute(_ADDRESS_FLAGS, struct.pack("=I", _NO_DAD if bits == 128 else 0))
        self._ask(_NEWADDR, body, _CREATE | _REPLACE)

    def add_route(self, to: Network, device: str, gateway: Address | None = None) -> None:
        """Send what goes to `to` out of a device, to `gateway` if there is one."""
        scope = _SCOPE_GLOBAL if gateway or to.version == 6 else _SCOPE_LINK
        body = struct.pack(
            "=BBBBBBBBI", _family(to.network_address), to.prefixlen, 0, 0, _TABLE_MAIN, _PROTOCOL_STATIC, scope,
            _UNICAST, 0,
        )  # fmt: skip
        if to.prefixlen:
            body += _attribute(_ROUTE_TO, to.network_address.packed)
        if gateway is not None:
            body += _attribute(_ROUTE_GATEWAY, gateway.packed)
        body += _attribute(_ROUTE_DEVICE, struct.pack("=I", self.index(device)))
        self._ask(_NEWROUTE, body, _CREATE | _REPLACE)

    def refuse(self, to: Network) -> None:
        """Answer that `to` is unreachable, but for the parts of it that have routes of their own."""
        body = struct.pack(
            "=BBBBBBBBI", _family(to.network_address), to.prefixlen, 0, 0, _TABLE_MAIN, _PROTOCOL_STATIC, _SCOPE_GLOBAL,
            _UNREACHABLE, 0,
        )  # fmt: skip
        self._ask(_NEWROUTE, body + _attribute(_ROUTE_TO, to.network_address.packed), _CREATE | _REPLACE)

    def transmit_drops(self, device: str) -> int:
        """Packets that a device's own transmit queue has dropped since it was made."""
        answer = self._ask(_GETLINK, _link_header(self.index(device)), ack=False)
        stats = _attributes(answer[32:]).get(_LINK_STATS64, b"")
        # struct rtnl_link_stats64: rx_packets tx_packets rx_bytes tx_bytes rx_errors tx_errors rx_dropped tx_dropped
        return int(struct.unpack_from("=8Q", stats)[7]) if len(stats) >= 64 else 0

    def _ask(self, kind: int, body: bytes, flags: int = 0, *, ack: bool = True) -> bytes:
        self._sequence += 1
        flags |= _REQUEST | (_ACK if ack else 0)
        self._socket.send(struct.pack("=IHHII", 16 + len(body), kind, flags, self._sequence, 0) + body)
        while True:
            answer = self._socket.recv(65536)
            _, kind, _, sequence, _ = struct.unpack_from("=IHHII", answer)
            if sequence != self._sequence:
                continue
            if kind == _ERROR:
                (code,) = struct.unpack_from("=i", answer, 16)
                if code:
                    raise OSError(-code, os.strerror(-code))
                return b""
            return answer


def _family(address: Address) -> int:
    return socket.AF_INET if address.version == 4 else socket.AF_INET6


def _link_header(index: int = 0, flags: int = 0, change: int = 0) -> bytes:
    return struct.pack("=BxHiII", socket.AF_UNSPEC, 0, index, flags, change)


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def _text(kind: int, value: str) -> bytes:
    return _attribute(kind, value.encode() + b"\0")


def _attributes(data: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    at = 0
    while at + 4 <= len(data):
        length, kind = struct.unpack_from("=HH", data, at)
        if length < 4:
            break
        found[kind & ~_NESTED] = data[at + 4 : at + length]
        at += length + -length % 4
    return found
