"""`skyhaul net`: worlds that stay up, and programs in them from other processes of the same user."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

from skyhaul.emulation._enter import Room, run_inside
from skyhaul.errors import NotFoundError, SkyhaulError
from skyhaul.live._exec import check_command
from skyhaul.live._tables import TableSource
from skyhaul.live._world_calls import WorldCard, call, cards, find_world, hang_up, worlds_up
from skyhaul.live._world_options import WorldOptions
from skyhaul.live._world_supervisor import WorldSupervisor

_DOWN_TIMEOUT_S = 10.0


def run_up(
    options: WorldOptions,
    open_source: Callable[[], TableSource],
    name: str,
    *,
    detach: bool,
    ready: Callable[[dict[str, Any]], None],
) -> int:
    """Bring a world up, and keep it until it is ended; `detach`: come back when it is up.

    ready   called when it is, with what it says of its places
    """
    if not detach:
        return WorldSupervisor(options, open_source(), name=name, ready=ready).run()
    return _detached(options, open_source, name, ready)


def enter(place: str, command: tuple[str, ...], world: str = "") -> int:
    """Run a program in a place of a world that is up; its exit status.

    world   by name; without it the one that has such a place
    """
    if not command:
        raise SkyhaulError("no command to run", mend="skyhaul net exec NAME -- COMMAND")
    check_command(command[0])
    told, descriptors = call(world or find_world(place, cards()).name, {"enter": place})
    room = Room(*descriptors)
    return run_inside(room, command, told["environment"])


def worlds() -> list[WorldCard]:
    """Every world of this user that is up."""
    return cards()


def down(name: str = "") -> str:
    """End a world, and wait until nothing is left of it; without a name the only one that is up. Its name."""
    if not name:
        up = worlds_up()
        if len(up) != 1:
            what = f"{len(up)} worlds are up: {', '.join(up)}" if up else "no world is up"
            raise NotFoundError(what, mend="say which: skyhaul net down NAME" if up else "")
        name = up[0]
    process = hang_up(name, _DOWN_TIMEOUT_S)
    if process:
        # It does not end by itself: what it has made goes with it.
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
        deadline = time.monotonic() + _DOWN_TIMEOUT_S
        while name in worlds_up():
            if time.monotonic() > deadline:
                raise SkyhaulError(f"the world '{name}' does not end", mend=f"process {process}")
            time.sleep(0.01)
    return name


def _detached(
    options: WorldOptions,
    open_source: Callable[[], TableSource],
    name: str,
    ready: Callable[[dict[str, Any]], None],
) -> int:
    """The same in a process of its own, in a session of its own, of which one hears until the world is up."""
    readable, writable = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    keeper = os.fork()
    if keeper == 0:
        os.close(readable)
        _keep(options, open_source, name, os.fdopen(writable, "w", buffering=1))
    os.close(writable)
    with os.fdopen(readable) as lines:
        for line in lines:
            word = json.loads(line)
            if "say" in word:
                print(f"skyhaul: {word['say']}", file=sys.stderr, flush=True)
            elif "error" in word:
                os.waitpid(keeper, 0)
                raise SkyhaulError(**word["error"])
            else:
                ready(word["ready"])
                return 0
    raise SkyhaulError("the world has ended before it was up")


def _keep(options: WorldOptions, open_source: Callable[[], TableSource], name: str, words: Any) -> None:
    status = 1
    try:
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(nothing, descriptor)

        def tell(word: dict[str, Any]) -> None:
            with contextlib.suppress(OSError, ValueError):  # nobody listens any more
                words.write(json.dumps(word) + "\n")
                words.flush()

        def be_ready(told: dict[str, Any]) -> None:
            tell({"ready": told})
            words.close()

        try:
            supervisor = WorldSupervisor(
                options, open_source(), name=name, ready=be_ready, say=lambda text: tell({"say": text})
            )
            status = supervisor.run()
        except SkyhaulError as error:
            tell({"error": {"what": error.what, "where": error.where, "mend": error.mend}})
    finally:
        os._exit(status)
