"""Where dishes listen: an address of the loopback network each, or a port each where there is one address only."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass

from skyhaul.errors import InputError

PORT = 9200  # of every dish; tools take it for granted
_LAST_PORT = 65535
_LOOPBACK = ipaddress.ip_network("127.0.0.0/8")


@dataclass(frozen=True, slots=True)
class Address:
    """An address and port to listen at."""

    host: str
    port: int = PORT

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @classmethod
    def parse(cls, text: str) -> Address:
        """From `ADDRESS:PORT`, `ADDRESS` or `[IPV6]:PORT`. Raises InputError."""
        host, port = text, str(PORT)
        if text.startswith("[") or text.count(":") == 1:
            host, _, port = text.rpartition(":") if not text.endswith("]") else (text, "", port)
        host = host.strip("[]")
        try:
            ipaddress.ip_address(host)
        except ValueError:
            raise InputError(
                f"{text!r} is no address to listen at", where="listen", mend=f"like {FIRST} or [::1]:{PORT}"
            ) from None
        if not (port.isascii() and port.isdigit() and 0 < int(port) <= _LAST_PORT):
            raise InputError(f"port {port!r}", where="listen", mend=f"1 to {_LAST_PORT}")
        return cls(host, int(port))


FIRST = Address("127.92.0.1")
"""Of the first dish, where nobody says another: away from 127.0.0.1, whose port 9200 belongs to other programs."""


def addresses(count: int, first: Address | None = None) -> list[Address]:
    """Addresses for `count` dishes: from `first` on one after the other, all with its port.

    Where the machine has no more than one loopback address, or `first` is not of the loopback network or is 127.0.0.1,
    dishes share the address and take a port after the other. Raises InputError where they do not fit.
    """
    start = FIRST if first is None else first
    home = ipaddress.ip_address(start.host)
    wide = home in _LOOPBACK and start.host != "127.0.0.1"
    if wide and _last_in(home, count) and all(_is_there(str(home + i)) for i in {0, count - 1}):
        return [Address(str(home + i), start.port) for i in range(count)]
    if wide and first is None:
        start = Address("127.0.0.1", start.port)
    if start.port + count - 1 > _LAST_PORT:
        raise InputError(f"no room for {count} dishes from port {start.port}", where="listen", mend="a lower port")
    return [Address(start.host, start.port + i) for i in range(count)]


def _last_in(home: ipaddress.IPv4Address | ipaddress.IPv6Address, count: int) -> bool:
    return int(home) + count - 1 < int(_LOOPBACK.broadcast_address)


def _is_there(host: str) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        try:
            probe.bind((host, 0))
        except OSError:
            return False
        return True
