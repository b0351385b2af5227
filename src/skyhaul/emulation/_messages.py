"""Messages between the processes of a world: JSON objects of any length over a stream, with descriptors beside them."""

from __future__ import annotations

import json
import os
import socket
import struct
from collections.abc import Sequence
from typing import Any

_HEAD = struct.Struct("=II")  # bytes of the JSON text, descriptors sent with it
_MOST_DESCRIPTORS = 16
_LARGEST = 64 << 20


class Channel:
    """One end of a connection."""

    def __init__(self, opened: socket.socket) -> None:
        self.socket = opened

    @classmethod
    def pair(cls) -> tuple[Channel, Channel]:
        """Two ends of a new connection."""
        one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        return cls(one), cls(other)

    def fileno(self) -> int:
        return self.socket.fileno()

    def close(self) -> None:
        self.socket.close()

    def send(self, message: dict[str, Any], descriptors: Sequence[int] = ()) -> None:
        """OSError when the other end is gone."""
        body = json.dumps(message).encode()
        data = _HEAD.pack(len(body), len(descriptors)) + body
        sent = socket.send_fds(self.socket, [data], list(descriptors), socket.MSG_NOSIGNAL)
        if sent < len(data):
            self.socket.sendall(data[sent:], socket.MSG_NOSIGNAL)

    def receive(self) -> tuple[dict[str, Any], list[int]] | None:
        """The next message and its descriptors, which are the caller's to close; none when the other end is gone."""
        descriptors: list[int] = []
        try:
            head = self._read(_HEAD.size, descriptors)
            if head is None:
                return None
            length, number = _HEAD.unpack(head)
            body = self._read(length, descriptors) if length <= _LARGEST else None
            if body is None or len(descriptors) != number:
                raise ConnectionError
            return dict(json.loads(body)), descriptors
        except (ConnectionError, ValueError):
            for descriptor in descriptors:
                os.close(descriptor)
            return None

    def _read(self, size: int, descriptors: list[int]) -> bytes | None:
        data = b""
        while len(data) < size:
            part, more, _, _ = socket.recv_fds(
                self.socket, size - len(data), _MOST_DESCRIPTORS, socket.MSG_CMSG_CLOEXEC
            )
            descriptors += more
            if not part:
                return None
            data += part
        return data
