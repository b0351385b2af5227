"""The process that keeps a world for one that has threads, a test suite say: a supervisor with an owner."""

from __future__ import annotations

import os
import pickle
import signal
import socket
import sys

from skyhaul.emulation._messages import Channel
from skyhaul.errors import SkyhaulError
from skyhaul.live._world_supervisor import WorldSupervisor


def main(descriptor: int) -> None:
    """Keep the world that comes over a socket, as (options, opener of its source), until the other end is gone."""
    for number in (signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    owner = Channel(socket.socket(fileno=descriptor))
    owner.socket.set_inheritable(False)
    size = int.from_bytes(_exactly(owner.socket, 8), "big")
    options, open_source = pickle.loads(_exactly(owner.socket, size))
    try:
        WorldSupervisor(options, open_source(), owner=owner).run()
    except SkyhaulError as error:
        told = {"kind": type(error).__name__, "what": error.what, "where": error.where, "mend": error.mend}
        try:
            owner.send({"error": told})
        except OSError:
            print(f"skyhaul: {error}", file=sys.stderr, flush=True)
    os._exit(0)


def _exactly(opened: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = opened.recv(size - len(data))
        if not part:
            os._exit(0)
        data += part
    return data
