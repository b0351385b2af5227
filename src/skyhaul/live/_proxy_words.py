"""What clients of a proxy say: SOCKS version 5 (RFC 1928) and HTTP's CONNECT (RFC 9110, section 9.3.6)."""

from __future__ import annotations

import asyncio
import ipaddress
import struct
from dataclasses import dataclass
from enum import IntEnum
from urllib.parse import urlsplit

from skyhaul.errors import InputError

_NO_AUTHENTICATION, _NONE_ACCEPTABLE = 0, 0xFF
_IPV4, _NAME, _IPV6 = 1, 3, 4
_LONGEST_HEAD = 1 << 16
_HOP_BY_HOP = (b"proxy-connection", b"proxy-authorization", b"connection", b"keep-alive")


class Reply(IntEnum):
    """SOCKS replies (RFC 1928, section 6)."""

    SUCCEEDED = 0
    FAILURE = 1
    NETWORK_UNREACHABLE = 3
    HOST_UNREACHABLE = 4
    REFUSED = 5
    COMMAND = 7
    ADDRESS = 8


class Command(IntEnum):
    """SOCKS commands (RFC 1928, section 4)."""

    CONNECT = 1
    BIND = 2
    UDP_ASSOCIATE = 3


@dataclass(frozen=True, slots=True)
class Target:
    """Where a client wants to go."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request to the proxy: `head` is what goes to the target of a plain one; empty of a CONNECT."""

    target: Target
    head: bytes


async def read_socks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[int, Target]:
    """The greeting and the request of a SOCKS client: its command and target. InputError where it is none."""
    version, methods = await reader.readexactly(2)
    if version != 5:
        raise InputError(f"expected SOCKS version 5, got {version}")
    offered = await reader.readexactly(methods)
    if _NO_AUTHENTICATION not in offered:
        writer.write(bytes([5, _NONE_ACCEPTABLE]))
        raise InputError("the client wants to log in, and there are no accounts here")
    writer.write(bytes([5, _NO_AUTHENTICATION]))
    version, command, _, kind = await reader.readexactly(4)
    if version != 5:
        raise InputError(f"expected SOCKS version 5, got {version}")
    host = await _read_host(reader, writer, kind)
    (port,) = struct.unpack("!H", await reader.readexactly(2))
    return command, Target(host, port)


async def _read_host(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, kind: int) -> str:
    if kind == _IPV4:
        return str(ipaddress.IPv4Address(await reader.readexactly(4)))
    if kind == _IPV6:
        return str(ipaddress.IPv6Address(await reader.readexactly(16)))
    if kind == _NAME:
        (length,) = await reader.readexactly(1)
        return _name(await reader.readexactly(length))
    writer.write(socks_reply(Reply.ADDRESS))
    raise InputError(f"an address of type {kind}")


def _name(raw: bytes) -> str:
    try:
        name = raw.decode("ascii")
    except UnicodeDecodeError:
        raise InputError("a host name that is not ASCII") from None
    if not name or any(ord(letter) < 33 for letter in name):
        raise InputError("a host name with blanks, or none")
    return name


def socks_reply(reply: Reply, bound: tuple[str, int] = ("0.0.0.0", 0)) -> bytes:
    """An answer to a SOCKS request, with the address bound for it."""
    return bytes([5, reply, 0]) + _address(*bound)


def _address(host: str, port: int) -> bytes:
    address = ipaddress.ip_address(host.partition("%")[0])
    kind = _IPV4 if address.version == 4 else _IPV6
    return bytes([kind]) + address.packed + struct.pack("!H", port)


def unwrap_datagram(data: bytes) -> tuple[Target, bytes] | None:
    """Target and content of a datagram from a SOCKS client (RFC 1928, section 7); None of one that is malformed, or a
    fragment, which a relay may drop."""
    if len(data) < 4 or data[:2] != b"\0\0" or data[2] != 0:
        return None
    kind, rest = data[3], data[4:]
    try:
        if kind == _NAME:
            length, rest = rest[0], rest[1:]
            host = _name(rest[:length])
        else:
            length = {_IPV4: 4, _IPV6: 16}[kind]
            host = str(ipaddress.ip_address(rest[:length]))
        (port,) = struct.unpack("!H", rest[length : length + 2])
    except (KeyError, IndexError, ValueError, struct.error, InputError):
        return None
    return Target(host, port), rest[length + 2 :]


def wrap_datagram(host: str, port: int, data: bytes) -> bytes:
    """A datagram for a SOCKS client, with the address it came from."""
    return b"\0\0\0" + _address(host, port) + data


async def read_http(reader: asyncio.StreamReader) -> HttpRequest:
    """A request to an HTTP proxy: CONNECT, or one with an absolute URI. InputError where it is none."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError:
        raise InputError("a request head of more than 64 KiB") from None
    lines = head.split(b"\r\n")
    words = lines[0].split()
    if len(words) != 3 or not words[2].startswith(b"HTTP/1."):
        raise InputError("expected a request of HTTP/1.1")
    method, where, _ = words
    try:
        uri = where.decode("ascii")
        if method == b"CONNECT":
            parts = urlsplit(f"//{uri}")
            if not parts.hostname or parts.port is None:
                raise InputError("CONNECT without HOST:PORT")
            return HttpRequest(Target(parts.hostname, parts.port), b"")
        parts = urlsplit(uri)
        if parts.scheme != "http" or not parts.hostname:
            raise InputError("expected CONNECT, or a URI with http://")
        target = Target(parts.hostname, parts.port or 80)
    except ValueError:
        raise InputError("a URI that cannot be read") from None
    path = parts.path or "/"
    path += f"?{parts.query}" if parts.query else ""
    kept = [line for line in lines[1:-2] if line.partition(b":")[0].strip().lower() not in _HOP_BY_HOP]
    # One request a connection: the next one may be for another host.
    first = method + b" " + path.encode() + b" HTTP/1.1"
    return HttpRequest(target, b"\r\n".join([first, *kept, b"Connection: close", b"", b""]))


def http_reply(status: int, reason: str, text: str = "") -> bytes:
    """An answer of the proxy itself."""
    body = f"{text}\n".encode() if text else b""
    head = f"HTTP/1.1 {status} {reason}\r\n"
    if status != 200:
        head += f"Content-Type: text/plain; charset=utf-8\r\nContent-Length: {len(body)}\r\nConnection: close\r\n"
    return head.encode() + b"\r\n" + body
