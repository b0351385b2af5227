"""Who is who in a world of many links: terminals, points of presence, servers, and their addresses and names.

Terminals have shared address space (100.64.0.0/10, RFC 6598), as satellite operators give it: each point of presence
(PoP) holds a /17 of it, each of its terminals a /26 that is a link's like any other, so that links
can be made inside. PoPs and the servers behind them are in 10.100.0.0/16, a /24 each. IPv6 addresses carry the same
32 bits in the unique local prefix that links have.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from skyhaul.emulation._addresses import LinkAddresses, six
from skyhaul.errors import SkyhaulError

MOST_POPS, MOST_TERMINALS, MOST_SERVERS = 128, 512, 200
"""PoPs of a world; terminals and servers of one PoP: what the prefixes hold."""
_TERMINALS = int(ipaddress.IPv4Address("100.64.0.0"))
_POPS = int(ipaddress.IPv4Address("10.100.0.0"))
_FIRST_SERVER = 10
EXCHANGE = ipaddress.IPv4Address(_POPS + 1)
"""Where all PoPs meet, and the way out begins: 10.100.0.1."""
DOMAIN = "skyhaul"


@dataclass(frozen=True, slots=True)
class Place:
    """A node of a world that programs can run in.

    kind      terminal, pop or server
    address   by which the others know it
    pop       number of the PoP that it is behind, or is
    link      a terminal's link; none of the others
    """

    kind: str
    name: str
    address: ipaddress.IPv4Address
    pop: int
    link: LinkAddresses | None = None

    @property
    def key(self) -> str:
        """How commands call it: a terminal by its name, others as pop:NAME and server:NAME."""
        return self.name if self.kind == "terminal" else f"{self.kind}:{self.name}"

    @property
    def address6(self) -> ipaddress.IPv6Address:
        return six(self.address)

    @property
    def host_name(self) -> str:
        """Its name inside the world: kyiv.terminal.skyhaul."""
        return f"{_label(self.name)}.{self.kind}.{DOMAIN}"


@dataclass(frozen=True, slots=True)
class WorldMap:
    """The places of a world, each kind in its own order; PoPs are numbered as in `pops`."""

    terminals: tuple[Place, ...]
    pops: tuple[Place, ...]
    servers: tuple[Place, ...] = ()

    @classmethod
    def of(
        cls, terminals: Sequence[tuple[str, str]], pops: Sequence[str], servers: Sequence[tuple[str, str]] = ()
    ) -> WorldMap:
        """Give everyone an address: terminals and servers as (name, PoP), PoPs by name. The order decides addresses.

        SkyhaulError where there are more than the prefixes hold.
        """
        number = {name: index for index, name in enumerate(pops)}
        _refuse(len(pops) > MOST_POPS, f"a world of {len(pops)} points of presence", f"at most {MOST_POPS}")
        seen = [0] * len(pops)
        ends: list[Place] = []
        for name, pop in terminals:
            index = number[pop]
            link = LinkAddresses(ipaddress.IPv4Network((_TERMINALS + (index << 15) + (seen[index] << 6), 26)))
            ends.append(Place("terminal", name, link.near, index, link))
            seen[index] += 1
            _refuse(seen[index] > MOST_TERMINALS, f"{seen[index]} terminals behind {pop}", f"at most {MOST_TERMINALS}")
        hosts: list[Place] = []
        seen = [0] * len(pops)
        for name, pop in servers:
            index = number[pop]
            hosts.append(Place("server", name, pop_prefix(index)[_FIRST_SERVER + seen[index]], index))
            seen[index] += 1
            _refuse(seen[index] > MOST_SERVERS, f"{seen[index]} servers behind {pop}", f"at most {MOST_SERVERS}")
        places = tuple(Place("pop", name, pop_prefix(index)[1], index) for name, index in number.items())
        return cls(tuple(ends), places, tuple(hosts))

    @property
    def places(self) -> dict[str, Place]:
        """All of them by how commands call them."""
        return {place.key: place for place in (*self.terminals, *self.pops, *self.servers)}

    def hosts(self, *, six: bool = True) -> str:
        """Lines of /etc/hosts with everyone's name; of places that come to the same name, the first.

        six   with IPv6 addresses too: not where links do not carry them
        """
        lines: list[str] = []
        known: set[str] = set()
        for place in (*self.terminals, *self.pops, *self.servers):
            if place.host_name not in known:
                known.add(place.host_name)
                addresses = (place.address, place.address6) if six else (place.address,)
                lines += [f"{address} {place.host_name}" for address in addresses]
        return "\n".join(lines) + "\n"


def pop_prefix(index: int) -> ipaddress.IPv4Network:
    """The addresses of a PoP and its servers."""
    return ipaddress.IPv4Network((_POPS + (index + 1 << 8), 24))


def terminals_prefix(index: int) -> ipaddress.IPv4Network:
    """The addresses of the terminals of a PoP."""
    return ipaddress.IPv4Network((_TERMINALS + (index << 15), 17))


def prefix6(prefix: ipaddress.IPv4Network) -> ipaddress.IPv6Network:
    """The same in the IPv6 prefix."""
    return ipaddress.IPv6Network((six(prefix[0]), 96 + prefix.prefixlen))


def _label(name: str) -> str:
    """A name as a label of the domain name system (RFC 1123, section 2.1): letters, digits and hyphens."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain)[:63].strip("-") or "unnamed"


def _refuse(bad: bool, what: str, mend: str) -> None:
    if bad:
        raise SkyhaulError(what, mend=mend)
