"""Messages between what plans and what carries packets: a JSON header and bytes, over a stream socket."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Mapping
from typing import Any

_LENGTHS = struct.Struct("!IQ")


def send(channel: socket.socket, header: Mapping[str, object], body: bytes = b"") -> None:
    """Send one message; OSError where nobody listens any more."""
    text = json.dumps(header, separators=(",", ":")).encode()
    channel.sendall(_LENGTHS.pack(len(text), len(body)) + text)
    if body:
        channel.sendall(body)


def receive(channel: socket.socket) -> tuple[dict[str, Any], bytes] | None:
    """Wait for one message; None when the other side has closed."""
    lengths = _exactly(channel, _LENGTHS.size)
    if lengths is None:
        return None
    header, body = _LENGTHS.unpack(lengths)
    text = _exactly(channel, header)
    rest = _exactly(channel, body)
    return None if text is None or rest is None else (json.loads(text), rest)


def _exactly(channel: socket.socket, count: int) -> bytes | None:
    parts = bytearray()
    while len(parts) < count:
        try:
            part = channel.recv(min(1 << 20, count - len(parts)))
        except ConnectionResetError:
            return None
        if not part:
            return None
        parts += part
    return bytes(parts)
