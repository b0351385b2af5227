"""Which addresses a link has, and which are left for links inside it.

A link has a prefix of 100.64.0.0/10 (shared address space, RFC 6598, as satellite operators use it): its near end,
where the program runs, is the first address, its far end the second. The prefix is cut in sixteen; the first part
holds these, the others are for links that programs behind this one make. IPv6 addresses carry the same 32 bits in a
unique local prefix (RFC 4193).
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from skyhaul.errors import InputError, SkyhaulError

_NEST_BITS = 4
_SIX = int(ipaddress.IPv6Address("fd53:6b79:6861::"))  # "Skyha" in the 40 random bits of a unique local prefix
_ALL = "100.64.0.0/10"


@dataclass(frozen=True, slots=True)
class LinkAddresses:
    """The addresses of one link, all within `prefix`."""

    prefix: ipaddress.IPv4Network

    @classmethod
    def outermost(cls) -> LinkAddresses:
        return cls(ipaddress.IPv4Network(_ALL))

    @classmethod
    def parse(cls, text: str) -> LinkAddresses:
        """From the text form of the prefix."""
        try:
            return cls(ipaddress.IPv4Network(text))
        except ValueError:
            raise InputError(f"'{text}' is no IPv4 prefix", where="SKYHAUL_LINK", mend="unset it") from None

    @property
    def near(self) -> ipaddress.IPv4Address:
        return self.prefix[1]

    @property
    def far(self) -> ipaddress.IPv4Address:
        return self.prefix[2]

    @property
    def prefix6(self) -> ipaddress.IPv6Network:
        return ipaddress.IPv6Network((six(self.prefix[0]), 96 + self.prefix.prefixlen))

    @property
    def near6(self) -> ipaddress.IPv6Address:
        return six(self.near)

    @property
    def far6(self) -> ipaddress.IPv6Address:
        return six(self.far)

    @property
    def places(self) -> int:
        """How many links can be made inside at once."""
        return (1 << _NEST_BITS) - 1 if self.prefix.prefixlen + _NEST_BITS <= 30 else 0

    def inner(self, number: int) -> LinkAddresses:
        """The addresses of the link that takes place `number`, from 1 on."""
        if not 1 <= number <= self.places:
            raise SkyhaulError("links are nested too deep", mend="five levels of fifteen links each are the most")
        base = int(self.prefix[0]) + (number << (32 - self.prefix.prefixlen - _NEST_BITS))
        return LinkAddresses(ipaddress.IPv4Network((base, self.prefix.prefixlen + _NEST_BITS)))


def six(address: ipaddress.IPv4Address) -> ipaddress.IPv6Address:
    """The IPv6 address that carries an IPv4 address."""
    return ipaddress.IPv6Address(_SIX | int(address))
