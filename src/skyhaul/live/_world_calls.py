"""How other processes of the same user find a world that is up, and talk with it.

A world listens on a socket in the abstract namespace of its network namespace (unix(7)): there is no file, so nothing
can be left of it, and programs inside worlds do not see it. Whoever calls or is called must have this user's number.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skyhaul.emulation._messages import Channel
from skyhaul.errors import InputError, NotFoundError, SkyhaulError
from skyhaul.live._world_options import find_name, near_names

_LONGEST_NAME = 64
_TIMEOUT_S = 10.0
_CARD_TIMEOUT_S = 3.0
_WAITING_CALLS = 64


@dataclass(frozen=True, slots=True)
class WorldCard:
    """What a world says of itself.

    kind       `exec` where it ends with its command, `net` where it stays
    process    number of the process that keeps it
    places     how its places are called
    """

    name: str
    kind: str
    scenario: str
    process: int
    places: tuple[str, ...]


def listen(name: str) -> socket.socket:
    """Take a name for a world of this user. SkyhaulError when a world has it."""
    if not 0 < len(name.encode()) <= _LONGEST_NAME or not name.isprintable() or "/" in name:
        raise InputError(f"'{name}' cannot be the name of a world", mend=f"1 to {_LONGEST_NAME} bytes, without /")
    opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        opened.bind(_address(name))
    except OSError:
        opened.close()
        raise SkyhaulError(f"a world '{name}' is up already", mend=f"skyhaul net down {name}, or --name") from None
    opened.listen(_WAITING_CALLS)
    return opened


def answer(listener: socket.socket) -> Channel | None:
    """Take a call; none of another user's."""
    call, _ = listener.accept()
    if _peer(call)[1] != os.getuid():
        call.close()
        return None
    call.settimeout(_TIMEOUT_S)
    return Channel(call)


def call(name: str, message: dict[str, Any], *, timeout_s: float = _TIMEOUT_S) -> tuple[dict[str, Any], list[int]]:
    """Ask a world, and take its answer. NotFoundError when there is none of that name."""
    with _connected(name, timeout_s) as opened:
        channel = Channel(opened)
        try:
            channel.send(message)
            received = channel.receive()
        except TimeoutError:
            raise SkyhaulError(f"the world '{name}' does not answer", mend="is it still being made?") from None
        except OSError:
            received = None
    if received is None:
        raise SkyhaulError(f"the world '{name}' has ended")
    if "error" in received[0]:
        told = received[0]["error"]
        raise NotFoundError(told["what"], mend=told["mend"])
    return received


def hang_up(name: str, timeout_s: float) -> int:
    """Ask a world to end, and wait until it has: 0, or the number of its process where that takes too long."""
    with _connected(name, timeout_s) as opened:
        channel = Channel(opened)
        try:
            channel.send({"end": True})
            while channel.receive() is not None:
                pass
        except TimeoutError:
            return _peer(opened)[0]
        except OSError:
            return 0
    return 0


def worlds_up() -> tuple[str, ...]:
    """Names of this user's worlds."""
    mark = f"@{_prefix()}"
    try:
        lines = Path("/proc/net/unix").read_text(encoding="utf-8", errors="replace").splitlines()[1:]
    except OSError:
        return ()
    found = {line.split(None, 7)[7] for line in lines if line.count(" ") >= 7 and mark in line}
    return tuple(sorted(name.removeprefix(mark) for name in found if name.startswith(mark)))


def cards() -> list[WorldCard]:
    """What each world that is up says of itself; those that end meanwhile or do not answer are left out."""
    found = []
    for name in worlds_up():
        try:
            told, _ = call(name, {"card": True}, timeout_s=_CARD_TIMEOUT_S)
        except SkyhaulError:
            continue
        found.append(WorldCard(**{**told["card"], "places": tuple(told["card"]["places"])}))
    return found


def find_world(place: str, worlds: Sequence[WorldCard]) -> WorldCard:
    """The one world that has a place. NotFoundError when there is none; SkyhaulError when there are several."""
    having = [world for world in worlds if find_name(place, world.places)]
    if len(having) > 1:
        names = ", ".join(world.name for world in having)
        raise SkyhaulError(f"'{place}' is in several worlds: {names}", mend="say which by --net")
    if having:
        return having[0]
    if not worlds:
        raise NotFoundError("no world is up", mend="skyhaul net up SCENARIO")
    mend = near_names(place, {name for world in worlds for name in world.places})
    raise NotFoundError(f"no world that is up has '{place}'", mend=mend)


def _prefix() -> str:
    return f"skyhaul/{os.getuid()}/"


def _address(name: str) -> str:
    return f"\0{_prefix()}{name}"


def _connected(name: str, timeout_s: float) -> socket.socket:
    """A connection to a world of this user."""
    opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    opened.settimeout(timeout_s)
    try:
        opened.connect(_address(name))
    except OSError:
        opened.close()
        up = worlds_up()
        mend = near_names(name, up) if up else "skyhaul net up SCENARIO"
        raise NotFoundError(f"there is no world '{name}'", mend=mend) from None
    if _peer(opened)[1] != os.getuid():
        opened.close()
        raise SkyhaulError(f"the world '{name}' is not yours", mend="another user has taken its name")
    return opened


def _peer(opened: socket.socket) -> tuple[int, int]:
    """Process and user at the other end."""
    process, user, _ = struct.unpack("iII", opened.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return int(process), int(user)
