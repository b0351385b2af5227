"""The two ends of a link: network namespaces, devices, addresses and routes.

    program ─ link0 [near namespace] ─ engine ─ link0 [far namespace] ─ server, way out

A link inside another has no far namespace: its far end is a device of the namespace that its maker lives in, whose
own way out is the outer link.
"""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
import struct
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from skyhaul.emulation._addresses import LinkAddresses
from skyhaul.emulation._devices import TUN_PATH, Device, leave_to_namespace, open_packet, open_tun
from skyhaul.emulation._namespaces import (
    CLONE_NEWNET,
    be_visible,
    enter_network,
    enter_user_namespace,
    inside_network,
    set_kernel,
    this_network,
    unshare,
)
from skyhaul.emulation._netlink import Netlink
from skyhaul.emulation._options import SMALLEST_MTU_6, Wire
from skyhaul.emulation._privileges import no_namespaces
from skyhaul.errors import SkyhaulError

DEVICE = "link0"
NEST = "nest"
DeviceKind: TypeAlias = Literal["tun", "veth"]

_TRANSMIT_QUEUE = 4096  # packets that may wait for the engine while it is kept from running
# Both ends of a veth link have one hardware address, so that frames cross the engine as they are.
_HARDWARE = bytes((0x02, 0x53, 0x6B, 0x79, 0x00, 0x01))
_WAY_OUT_TIMEOUT_S = 5.0
_SOL_PACKET, _PACKET_STATISTICS = 263, 6  # <linux/if_packet.h>
ANY = ipaddress.ip_network("0.0.0.0/0")
ANY_6 = ipaddress.ip_network("::/0")


@dataclass(frozen=True, slots=True)
class End:
    """One end of a link: its network namespace (a descriptor, -1: not ours) and its device."""

    network: int
    device: Device


def device_kind() -> DeviceKind:
    """TUN where its device file can be opened; veth with AF_PACKET, which needs none, elsewhere."""
    try:
        os.close(os.open(TUN_PATH, os.O_RDWR | os.O_CLOEXEC))
    except OSError:
        return "veth"
    return "tun"


def enter_engine_place() -> tuple[int, DeviceKind]:
    """Move to the namespaces of an engine: as root without a user namespace, where root may make the others.

    Returns a descriptor of its network namespace, and the kind of devices that links can have. SkyhaulError names the
    setting that is in the way.
    """
    try:
        if os.geteuid() == 0:
            try:
                engine = engine_network()
            except PermissionError:
                enter_user_namespace()
                engine = engine_network()
        else:
            enter_user_namespace()
            engine = engine_network()
    except OSError as error:
        raise no_namespaces(error) from error
    be_visible()
    return engine, device_kind()


def engine_network() -> int:
    """Move to a network namespace for the engine alone, where nothing speaks unasked; returns its descriptor."""
    network = new_network()
    set_kernel("net/ipv6/conf/all/disable_ipv6", "1")
    set_kernel("net/ipv6/conf/default/disable_ipv6", "1")
    return network


def new_network() -> int:
    """Move to a new network namespace with its loopback up; returns its descriptor."""
    unshare(CLONE_NEWNET)
    with Netlink() as netlink:
        netlink.set_up("lo")
    return this_network()


def near_end(wire: Wire, addresses: LinkAddresses, kind: DeviceKind, engine: int, peer: str = "near0") -> End:
    """The end that the program is at: everything it sends goes over the link.

    peer   what a veth's other device is called in the engine's namespace
    """
    network = new_network()
    try:
        device = _make(wire, kind, DEVICE, peer, engine)
        _address(wire, addresses, DEVICE, near=True)
        with Netlink() as netlink:
            netlink.add_route(ANY, DEVICE)
            if has_six(wire):
                netlink.add_route(ANY_6, DEVICE)
        allow_ping()
        widen_tcp(wire)
    finally:
        enter_network(engine)
    return End(network, device)


def far_end(wire: Wire, addresses: LinkAddresses, kind: DeviceKind, engine: int) -> End:
    """The other end, in a namespace that knows the link's addresses and, so far, nothing else."""
    network = new_network()
    try:
        device = _make(wire, kind, DEVICE, "far0", engine)
        route_inwards(wire, addresses, DEVICE)
        forward()
        allow_ping()
        widen_tcp(wire)
    finally:
        enter_network(engine)
    return End(network, device)


def router_end(
    wire: Wire,
    addresses: LinkAddresses,
    kind: DeviceKind,
    engine: int,
    network: int,
    names: tuple[str, str],
    own: tuple[ipaddress.IPv4Address, ipaddress.IPv6Address],
) -> End:
    """The other end in a namespace that is there already, and routes for many links.

    names   of the device there, and of a veth's other device in the engine's namespace
    own     the router's addresses: servers on it answer with these, whichever link is asked over
    """
    with inside_network(network):
        device = _make(wire, kind, *names, engine)
        quiet_device(wire, names[0])
        with Netlink() as netlink:
            netlink.add_address("lo", addresses.far, addresses.far)
            netlink.add_address(names[0], own[0], addresses.near)
            netlink.add_route(addresses.prefix, names[0])
            if has_six(wire):
                netlink.add_address("lo", addresses.far6, addresses.far6)
                netlink.add_address(names[0], own[1], addresses.near6)
                netlink.add_route(addresses.prefix6, names[0])
    return End(network, device)


def nested_end(wire: Wire, outer: LinkAddresses, kind: DeviceKind, engine: int) -> tuple[LinkAddresses, Device | str]:
    """The far end of a link inside another: a device here, in the namespace of the caller, and its addresses.

    Returns the open TUN device, or the name of the veth's peer in the namespace open as `engine`.
    """
    made: tuple[LinkAddresses, Device | str] | None = None
    for number in range(1, outer.places + 1):
        name = f"{NEST}{number}"
        try:
            made = outer.inner(number), _make_here(wire, kind, name, "far0", engine)
            break
        except OSError as error:
            if error.errno not in (errno.EBUSY, errno.EEXIST):
                raise
    if made is None:
        outer.inner(outer.places + 1)  # says that there is no place left
        raise AssertionError("unreachable")
    route_inwards(wire, made[0], name)
    forward()
    return made


def route_inwards(wire: Wire, addresses: LinkAddresses, device: str) -> None:
    """Be the far end: have its address, and send all of the link's prefix over it."""
    _address(wire, addresses, device, near=False)
    with Netlink() as netlink:
        netlink.add_route(addresses.prefix, device)
        if has_six(wire):
            netlink.add_route(addresses.prefix6, device)


def forward() -> None:
    """Be a router, once the devices are there: one made later would greet the other routers of its link."""
    set_kernel("net/ipv4/ip_forward", "1")
    set_kernel("net/ipv6/conf/all/forwarding", "1")


def has_six(wire: Wire) -> bool:
    """Whether the link carries IPv6: the kernel has it, and the MTU is large enough for it."""
    return wire.mtu >= SMALLEST_MTU_6 and Path("/proc/sys/net/ipv6").exists()


def allow_ping() -> None:
    """Let the owner's group use ICMP sockets in this namespace, as most distributions do for everybody."""
    group = os.getegid()
    set_kernel("net/ipv4/ping_group_range", f"{group} {group}")


def allow_low_ports() -> None:
    """Let servers take any port of this namespace, which is theirs alone."""
    set_kernel("net/ipv4/ip_unprivileged_port_start", "0")


def widen_tcp(wire: Wire) -> None:
    """Let TCP have twice the link's bandwidth-delay product in flight, where the kernel's own limit is lower.

    Linux lets TCP's receive window be about half of the buffer, hence four times.
    """
    need = min(1 << 30, 4 * wire.in_flight)
    for name in ("net/ipv4/tcp_rmem", "net/ipv4/tcp_wmem"):
        try:
            least, usual, most = Path("/proc/sys", name).read_text().split()
        except (OSError, ValueError):
            continue
        if need > int(most):
            set_kernel(name, f"{least} {usual} {need}")


def leads_out(device: str) -> bool:
    """Whether the default route of this network namespace goes out of a device."""
    lines = Path("/proc/thread-self/net/route").read_text().splitlines()[1:]
    return any(line.split()[:2] == [device, "00000000"] for line in lines)


def wait_for_way_out(network: int, device: str) -> bool:
    """Wait until the default route of a network namespace goes out of a device; False where that never comes."""
    deadline = time.monotonic() + _WAY_OUT_TIMEOUT_S
    with inside_network(network):
        while not leads_out(device):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.005)
    return True


def answer_for_all(network: int, device: str) -> None:
    """Be the neighbour that a way out asks for any address behind it: replies come for those of programs."""
    with inside_network(network):
        set_kernel(f"net/ipv4/conf/{device}/proxy_arp", "1")
        set_kernel(f"net/ipv4/neigh/{device}/proxy_delay", "0")


def overruns(end: End) -> int:
    """Packets that found the queue before the engine full: the engine was kept from running, or is too slow."""
    if end.device.framing.ethernet_bytes:
        with socket.socket(fileno=os.dup(end.device.fd)) as opened:
            _, dropped = struct.unpack("II", opened.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8))
            return int(dropped)
    if end.network < 0:
        return 0
    with inside_network(end.network), Netlink() as netlink:
        return netlink.transmit_drops(end.device.name)


def _make(wire: Wire, kind: DeviceKind, name: str, peer: str, engine: int) -> Device:
    """A device of this namespace, which is the engine's process's own: the two end together."""
    made = _make_here(wire, kind, name, peer, engine)
    if isinstance(made, str):
        return open_peer(wire, made, engine)
    leave_to_namespace(made)
    return made


def _make_here(wire: Wire, kind: DeviceKind, name: str, peer: str, engine: int) -> Device | str:
    """A device of this namespace: the open TUN, or the name of a veth's peer in the engine's namespace."""
    if kind == "tun":
        return open_tun(name, offload=wire.offload)
    with Netlink() as netlink:
        try:
            netlink.add_veth(name, peer, peer_namespace=engine, hardware=_HARDWARE)
        except OSError as error:
            if error.errno != errno.EOPNOTSUPP:
                raise
            what = f"{TUN_PATH} cannot be opened, and this kernel has no veth pairs"
            raise SkyhaulError(what, mend=f"sudo modprobe veth, or sudo chmod 666 {TUN_PATH}") from error
    return peer


def open_peer(wire: Wire, peer: str, engine: int) -> Device:
    """The engine's side of a veth pair."""
    with inside_network(engine):
        with Netlink() as netlink:
            netlink.set_up(peer, mtu=wire.mtu, tx_queue=_TRANSMIT_QUEUE)
        return open_packet(peer)


def join_point_to_point(wire: Wire, kind: DeviceKind, engine: int, name: str, peer: str) -> Device:
    """A device of this namespace whose packets the engine carries, up and without addresses."""
    device = _make(wire, kind, name, peer, engine)
    quiet_device(wire, name)
    return device


def join_directly(wire: Wire, name: str, peer: str, network: int) -> None:
    """A device of this namespace whose packets come out of `peer` in another at once, both up and without addresses."""
    with Netlink() as netlink:
        netlink.add_veth(name, peer, peer_namespace=network, hardware=_HARDWARE, peer_hardware=_HARDWARE)
    quiet_device(wire, name)
    with inside_network(network):
        quiet_device(wire, peer)


def quiet_device(wire: Wire, device: str) -> None:
    """Bring a device up without the kernel's own chatter (neighbours, routers, link-local addresses), which would be
    traffic on the link."""
    set_kernel(f"net/ipv6/conf/{device}/addr_gen_mode", "1")
    set_kernel(f"net/ipv6/conf/{device}/accept_ra", "0")
    with Netlink() as netlink:
        netlink.set_up(device, mtu=wire.mtu, tx_queue=_TRANSMIT_QUEUE, no_arp=True, one_segment=not wire.offload)


def _address(wire: Wire, addresses: LinkAddresses, device: str, *, near: bool) -> None:
    quiet_device(wire, device)
    four, six = (addresses.near, addresses.far), (addresses.near6, addresses.far6)
    with Netlink() as netlink:
        netlink.add_address(device, *(four if near else four[::-1]))
        if has_six(wire):
            netlink.add_address(device, *(six if near else six[::-1]))
