"""A world of many links in namespaces: terminals, points of presence as routers, servers behind them, the exchange.

    program ─ link0 [terminal] ─ engine ─ t0 [PoP] ─ engine (fibre) ─ [other PoP] ─ engine ─ [other terminal]
                                            │
                                            ├─ s0 ─ link0 [server]
                                            └─ out0 ─ [exchange] ─ tap0 ─ way out

Every namespace is held by a descriptor of the engine's process alone, and is gone with it.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import combinations

from skyhaul.emulation._egress import TAP
from skyhaul.emulation._namespaces import enter_network, inside_network
from skyhaul.emulation._nat import masquerade
from skyhaul.emulation._netlink import Netlink
from skyhaul.emulation._options import Wire
from skyhaul.emulation._wiring import (
    ANY,
    ANY_6,
    DEVICE,
    DeviceKind,
    End,
    allow_low_ports,
    allow_ping,
    forward,
    has_six,
    join_directly,
    join_point_to_point,
    near_end,
    new_network,
    router_end,
    widen_tcp,
)
from skyhaul.emulation._world import EXCHANGE, Place, WorldMap, pop_prefix, prefix6, terminals_prefix

_CLOSERS = 32
_EVERYONE = (ipaddress.IPv4Network("100.64.0.0/10"), ipaddress.IPv4Network("10.100.0.0/16"))


@dataclass(frozen=True, slots=True)
class Strand:
    """The two ends of a link that the engine carries, of a terminal and its PoP or of two PoPs."""

    near: End
    far: End


@dataclass(slots=True)
class WorldEnds:
    """What was made.

    networks    descriptor of the network namespace of each place, by its key
    terminals   the links of the terminals, in the map's order
    fibre       those between PoPs, by their numbers
    exchange    descriptor of the network namespace that the way out is connected to; -1: there is none
    """

    networks: dict[str, int] = field(default_factory=dict)
    terminals: list[Strand] = field(default_factory=list)
    fibre: dict[tuple[int, int], Strand] = field(default_factory=dict)
    exchange: int = -1


class WorldWiring:
    """Makes the namespaces of `world`; the calling thread is in the engine's own, which is open as `engine`.

    wire    of the terminal with this number
    """

    def __init__(self, world: WorldMap, kind: DeviceKind, engine: int, wire: Callable[[int], Wire]) -> None:
        self._world, self._kind, self._engine, self._wire = world, kind, engine, wire
        self._plain = Wire(wire(0).mtu, wire(0).offload) if world.terminals else Wire(1500)

    def make(self, *, way_out: bool) -> WorldEnds:
        """Everything, with an exchange where a way out is to be connected."""
        try:
            return self._make(way_out)
        finally:
            enter_network(self._engine)

    def _make(self, way_out: bool) -> WorldEnds:
        ends = WorldEnds()
        pops = self._world.pops
        for place in pops:
            ends.networks[place.key] = self._router(place)
        for number, place in enumerate(self._world.terminals):
            assert place.link is not None
            wire = self._wire(number)
            near = near_end(wire, place.link, self._kind, self._engine, f"n{number}")
            with inside_network(near.network):
                allow_low_ports()
            pop = pops[place.pop]
            network, own = ends.networks[pop.key], (pop.address, pop.address6)
            names = (f"t{number}", f"f{number}")
            far = router_end(wire, place.link, self._kind, self._engine, network, names, own)
            ends.networks[place.key] = near.network
            ends.terminals.append(Strand(near, far))
        for one, other in combinations(range(len(pops)), 2):
            strand = self._fibre(ends, one, other)
            ends.fibre[one, other] = strand
        for number, place in enumerate(self._world.servers):
            ends.networks[place.key] = self._server(place, number, ends.networks[pops[place.pop].key])
        if way_out:
            ends.exchange = self._exchange(ends)
        for place in pops:
            enter_network(ends.networks[place.key])
            forward()
        return ends

    def _router(self, place: Place) -> int:
        network = new_network()
        with Netlink() as netlink:
            netlink.add_address("lo", place.address, place.address)
            for prefix in _EVERYONE:
                netlink.refuse(prefix)
            if has_six(self._plain):
                netlink.add_address("lo", place.address6, place.address6)
                for prefix in _EVERYONE:
                    netlink.refuse(prefix6(prefix))
        allow_ping()
        allow_low_ports()
        widen_tcp(self._wire(0) if self._world.terminals else self._plain)
        enter_network(self._engine)
        return network

    def _fibre(self, ends: WorldEnds, one: int, other: int) -> Strand:
        made = []
        for here, there in ((one, other), (other, one)):
            network = ends.networks[self._world.pops[here].key]
            with inside_network(network):
                device = join_point_to_point(self._plain, self._kind, self._engine, f"p{there}", f"b{here}-{there}")
                self._meet(f"p{there}", self._world.pops[here], self._world.pops[there])
                with Netlink() as netlink:
                    for prefix in (pop_prefix(there), terminals_prefix(there)):
                        netlink.add_route(prefix, f"p{there}")
                        if has_six(self._plain):
                            netlink.add_route(prefix6(prefix), f"p{there}")
            made.append(End(network, device))
        return Strand(*made)

    def _server(self, place: Place, number: int, pop_network: int) -> int:
        pop = self._world.pops[place.pop]
        network = new_network()
        join_directly(self._plain, DEVICE, f"s{number}", pop_network)
        self._meet(DEVICE, place, pop)
        with Netlink() as netlink:
            netlink.add_route(ANY, DEVICE)
            if has_six(self._plain):
                netlink.add_route(ANY_6, DEVICE)
        allow_ping()
        allow_low_ports()
        widen_tcp(self._wire(0) if self._world.terminals else self._plain)
        with inside_network(pop_network):
            self._meet(f"s{number}", pop, place)
        enter_network(self._engine)
        return network

    def _exchange(self, ends: WorldEnds) -> int:
        """Where all PoPs meet the way out: each translates addresses to its own, as a carrier-grade NAT does."""
        exchange = new_network()
        for index, pop in enumerate(self._world.pops):
            network = ends.networks[pop.key]
            join_directly(self._plain, f"p{index}", "out0", network)
            with Netlink() as netlink:
                netlink.add_address(f"p{index}", EXCHANGE, pop.address)
                netlink.add_route(pop_prefix(index), f"p{index}")
            with inside_network(network), Netlink() as netlink:
                netlink.add_address("out0", pop.address, EXCHANGE)
                netlink.add_route(ANY, "out0")
                translated = masquerade("out0")
            if not translated:
                with Netlink() as netlink:
                    netlink.add_route(terminals_prefix(index), f"p{index}")
        masquerade(TAP)
        forward()
        enter_network(self._engine)
        return exchange

    def _meet(self, device: str, here: Place, there: Place) -> None:
        with Netlink() as netlink:
            netlink.add_address(device, here.address, there.address)
            if has_six(self._plain):
                netlink.add_address(device, here.address6, there.address6)


def close_devices(ends: WorldEnds) -> None:
    """Close what the engine has read and written, side by side: the kernel keeps a packet socket some 25 ms."""
    strands = (*ends.terminals, *ends.fibre.values())
    with ThreadPoolExecutor(_CLOSERS) as closers:
        list(closers.map(os.close, [end.device.fd for strand in strands for end in (strand.near, strand.far)]))
