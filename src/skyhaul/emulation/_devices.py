"""The two kinds of device that packets come from and go to: TUN, and AF_PACKET on a veth pair."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import struct
from dataclasses import dataclass

from skyhaul.emulation._packets import ETHERNET_BYTES, VIRTIO_BYTES, Framing

TUN_PATH = "/dev/net/tun"

# <linux/if_tun.h>
_TUNSETIFF, _TUNSETPERSIST, _TUNSETOFFLOAD, _TUNSETVNETHDRSZ = 0x400454CA, 0x400454CB, 0x400454D0, 0x400454D8
_IFF_TUN, _IFF_NO_PI, _IFF_VNET_HDR, _IFF_TUN_EXCL = 0x0001, 0x1000, 0x4000, 0x8000
_OFFLOAD_TCP = 0x01 | 0x02 | 0x04 | 0x08  # checksum, TSO over IPv4 and IPv6, with ECN
_OFFLOAD_UDP = 0x20 | 0x40  # USO over IPv4 and IPv6 (Linux 6.2)
# <linux/if_packet.h>
_SOL_PACKET, _PACKET_VNET_HDR, _PACKET_QDISC_BYPASS, _PACKET_IGNORE_OUTGOING = 263, 15, 20, 23
_ETH_P_ALL = 3
_SO_RCVBUFFORCE, _SO_SNDBUFFORCE = 33, 32
_SOCKET_BUFFER = 64 << 20


@dataclass(frozen=True, slots=True)
class Device:
    """An open device: packets are read from and written to `fd`, with the headers of `framing` before them."""

    name: str
    fd: int
    framing: Framing

    @property
    def offload(self) -> bool:
        """Whether super-packets cross it whole."""
        return self.framing.virtio_bytes > 0


def open_tun(name: str, *, offload: bool = True) -> Device:
    """Make a TUN device in this network namespace; it is gone when its descriptor is closed.

    OSError: no /dev/net/tun or no right to open it (ENOENT, EACCES), the name is taken (EBUSY).
    """
    fd = os.open(TUN_PATH, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        flags = _IFF_TUN | _IFF_NO_PI | _IFF_TUN_EXCL | (_IFF_VNET_HDR if offload else 0)
        fcntl.ioctl(fd, _TUNSETIFF, struct.pack("16sH22x", name.encode(), flags))
        if offload:
            fcntl.ioctl(fd, _TUNSETVNETHDRSZ, struct.pack("i", VIRTIO_BYTES))
            try:
                fcntl.ioctl(fd, _TUNSETOFFLOAD, _OFFLOAD_TCP | _OFFLOAD_UDP)
            except OSError:
                fcntl.ioctl(fd, _TUNSETOFFLOAD, _OFFLOAD_TCP)
    except BaseException:
        os.close(fd)
        raise
    return Device(name, fd, Framing(VIRTIO_BYTES if offload else 0))


def leave_to_namespace(device: Device) -> None:
    """Let a TUN device go with its network namespace, and not with its descriptor.

    The kernel takes apart all devices of a namespace at once, and those whose descriptors are closed one after another,
    some 30 ms each.
    """
    fcntl.ioctl(device.fd, _TUNSETPERSIST, 1)


def open_packet(name: str, *, offload: bool = True) -> Device:
    """Take all packets that reach a device of this network namespace, and send through it."""
    with contextlib.ExitStack() as undo:
        opened = undo.enter_context(
            socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC, 0)
        )
        opened.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
        opened.setsockopt(_SOL_PACKET, _PACKET_QDISC_BYPASS, 1)
        if offload:
            opened.setsockopt(_SOL_PACKET, _PACKET_VNET_HDR, 1)
        for force, plain in ((_SO_RCVBUFFORCE, socket.SO_RCVBUF), (_SO_SNDBUFFORCE, socket.SO_SNDBUF)):
            try:
                opened.setsockopt(socket.SOL_SOCKET, force, _SOCKET_BUFFER)
            except OSError:  # only the host's administrator may go beyond net.core.rmem_max
                opened.setsockopt(socket.SOL_SOCKET, plain, _SOCKET_BUFFER)
        opened.bind((name, _ETH_P_ALL))
        return Device(name, opened.detach(), Framing(VIRTIO_BYTES if offload else 0, ETHERNET_BYTES))
    raise AssertionError("unreachable")
