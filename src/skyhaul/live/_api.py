"""A world inside a Python program: `skyhaul.emulate`."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import skyhaul
from skyhaul import errors
from skyhaul.emulation._enter import LAUNCH
from skyhaul.emulation._messages import Channel
from skyhaul.errors import NotFoundError, SkyhaulError
from skyhaul.live._source import scenario_source
from skyhaul.live._tables import PathState, TableSource
from skyhaul.live._world_options import WorldOptions, find_name, near_names

if TYPE_CHECKING:
    from skyhaul.scenario import Scenario

_BODY = "import sys; sys.path.append({root!r}); from skyhaul.live._serve import main; main({descriptor})"
_END_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Node:
    """A place of a world that programs run in.

    key       how commands call it: a terminal by its name, others as pop:NAME and server:NAME
    host      its name inside the world: kyiv.terminal.skyhaul
    address, address6   by which the others know it
    pop       the point of presence that it is behind, or is
    """

    key: str
    host: str
    address: IPv4Address
    address6: IPv6Address
    pop: str
    _net: Net

    def run(self, command: Sequence[str], **options: Any) -> subprocess.CompletedProcess[Any]:
        """Run a program here and wait for it: `subprocess.run`, with its options but for shell, executable, pass_fds.

        NotFoundError when there is no such program; subprocess's own errors otherwise. A `timeout` kills the program.
        """
        with self._launcher(command, options) as (words, environment, descriptors):
            try:
                done = subprocess.run(words, env=environment, pass_fds=descriptors, **options)
            except (subprocess.TimeoutExpired, subprocess.CalledProcessError) as error:
                error.cmd = list(command)
                raise
        done.args = list(command)
        return done

    def popen(self, command: Sequence[str], **options: Any) -> subprocess.Popen[Any]:
        """Start a program here: `subprocess.Popen`. Signals sent to it reach the program; it ends with the world."""
        with self._launcher(command, options) as (words, environment, descriptors):
            started = subprocess.Popen(words, env=environment, pass_fds=descriptors, **options)
        started.args = list(command)
        return started

    def state(self) -> PathState:
        """A terminal's path now. NotFoundError for a place that has none."""
        states = self._net._ask({"state": True})[0]["state"]
        if self.key not in states:
            raise NotFoundError(f"'{self.key}' has no path of its own", mend="ask a terminal")
        return PathState(**states[self.key])

    @contextlib.contextmanager
    def _launcher(
        self, command: Sequence[str], options: dict[str, Any]
    ) -> Iterator[tuple[list[str], dict[str, str], list[int]]]:
        for name in ("shell", "executable", "pass_fds", "preexec_fn"):
            if options.get(name):
                raise TypeError(f"{name} cannot be given to a program in a world")
        words = [os.fspath(word) for word in command]
        if not words or ("/" not in words[0] and shutil.which(words[0]) is None):
            what = f"there is no command '{words[0]}'" if words else "no command to run"
            raise NotFoundError(what, mend="give a name on the PATH, or a path")
        told, descriptors = self._net._ask({"enter": self.key})
        try:
            names = ("mount", "pid", "network", "user")
            place = {"room": dict(zip(names, descriptors, strict=False)), "environment": told["environment"]}
            environment = dict(options.pop("env", None) or os.environ)
            yield [sys.executable, "-I", "-S", "-c", LAUNCH, json.dumps(place), *words], environment, descriptors
        finally:
            for descriptor in descriptors:
                os.close(descriptor)


class Net:
    """A world that is up, from `emulate`; it ends with its `with`.

    Indexed as commands call places: a terminal by its name, others as pop:NAME and server:NAME, in any case. `in`,
    `len` and iteration go over the terminals.

    notes     what there was to say while it was made: no way out, say
    summary   what it carried, when it has ended: as `skyhaul net up --json` prints it
    """

    def __init__(self, options: WorldOptions, open_source: Callable[[], TableSource]) -> None:
        self._lock = threading.Lock()
        self._nodes: dict[str, Node] = {}
        self.notes: list[str] = []
        self.summary: dict[str, Any] | None = None
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        root = str(Path(skyhaul.__file__).parents[1])
        with theirs:
            # A session of its own: the terminal's signals are for the program whose world this is.
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", _BODY.format(root=root, descriptor=theirs.fileno())],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        self._channel = Channel(ours)
        try:
            order = pickle.dumps((options, open_source))
            ours.sendall(len(order).to_bytes(8, "big") + order)
            ready = self._hear("ready")[0]["ready"]
        except BaseException:
            self.close()
            raise
        self.about = str(ready["about"])
        """What is followed, in words."""
        self.wiring_s = float(ready["wiring_s"])
        """How long the namespaces, links and routes took to make."""
        for place in ready["places"]:
            addresses = IPv4Address(place["address"]), IPv6Address(place["address6"])
            self._nodes[place["key"]] = Node(place["key"], place["host"], *addresses, place["pop"], self)

    def __getitem__(self, terminal: str) -> Node:
        """A place. NotFoundError when there is none of that name."""
        return self._node(terminal, "terminal")

    def __iter__(self) -> Iterator[str]:
        return (key for key in self._nodes if ":" not in key)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, terminal: object) -> bool:
        return isinstance(terminal, str) and ":" not in terminal and terminal in self._nodes

    def pop(self, name: str) -> Node:
        """A point of presence, where servers can run. NotFoundError when this world has none of that name."""
        return self._node(f"pop:{name}", "point of presence")

    def server(self, name: str) -> Node:
        """A server that was asked for. NotFoundError when there is none of that name."""
        return self._node(f"server:{name}", "server")

    def states(self) -> dict[str, PathState]:
        """Every terminal's path now."""
        return {name: PathState(**state) for name, state in self._ask({"state": True})[0]["state"].items()}

    def close(self) -> None:
        """End the world: programs in it are killed, and nothing of it is left. `summary` then has what it carried."""
        if self._channel.fileno() < 0:
            return
        with self._lock, contextlib.suppress(OSError):
            self._channel.send({"end": True})
            while received := self._channel.receive():
                self.summary = received[0].get("summary", self.summary)
        self._channel.close()
        try:
            self._process.wait(_END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Net:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _node(self, key: str, kind: str) -> Node:
        found = find_name(key, self._nodes)
        if found is None:
            name = key.rpartition(":")[2]
            prefix = key.removesuffix(name)
            alike = [known.removeprefix(prefix) for known in self._nodes if known.rpartition(":")[0] == prefix[:-1]]
            raise NotFoundError(f"this world has no {kind} '{name}'", mend=near_names(name, alike))
        return self._nodes[found]

    def _ask(self, question: dict[str, Any]) -> tuple[dict[str, Any], list[int]]:
        with self._lock:
            if self._channel.fileno() < 0:
                raise SkyhaulError("this world has ended")
            with contextlib.suppress(OSError):
                self._channel.send(question)
            return self._hear("environment" if "enter" in question else "state")

    def _hear(self, wanted: str) -> tuple[dict[str, Any], list[int]]:
        """The answer with a word in it; notes on the way are kept."""
        while received := self._channel.receive():
            message, descriptors = received
            if wanted in message:
                return message, descriptors
            if "note" in message:
                self.notes.append(message["note"])
            if "error" in message:
                told = message["error"]
                kind = getattr(errors, told.get("kind", "NotFoundError"), SkyhaulError)
                raise kind(told["what"], where=told.get("where", ""), mend=told["mend"])
        raise SkyhaulError("the process that keeps this world has ended")


def emulate(
    scenario: str | Path | Scenario,
    terminals: Iterable[str] = (),
    *,
    start: datetime | None = None,
    speed: float = 1.0,
    live: bool = False,
    pops: Iterable[str] = (),
    servers: Iterable[tuple[str, str]] = (),
    registry: str | None = None,
    isolated: bool = True,
    mtu: int = 1500,
    offload: bool = True,
    engine: str = "auto",
    precise: bool = False,
) -> Net:
    """Bring up a scenario's terminals as places that programs run in; use it in a `with`, or `close` it.

        with skyhaul.emulate("europe", ["kyiv"]) as net:
            net["kyiv"].run(["ping", "-c", "3", net.pop("Warsaw").host])

    scenario   a file, a preset's name, or a `Scenario`
    terminals  whose links are wanted; none: all
    start      the UTC instant at which the world is up; without it the scenario's start. `live`: the clock's instead
    speed      scenario seconds a second; delays and rates are not scaled
    pops       points of presence to have besides the terminals' own; servers: (name, PoP) of places behind PoPs
    registry   who may be served, in place of the scenario's facts
    isolated   no way out to the host's network
    mtu, offload, engine, precise   as options of `skyhaul exec`

    No root is needed. SkyhaulError: no namespaces here (it names the setting), or whatever is wrong with the scenario.
    Several worlds can be up at once, of the same scenario too; commands of `skyhaul net` do not see them.
    """
    changes: dict[str, object] = {"control.facts": registry} if registry else {}
    named = str(scenario) if isinstance(scenario, str | Path) else scenario.name
    options = WorldOptions(
        named,
        pops=tuple(pops),
        servers=tuple(servers),
        mtu=mtu,
        offload=offload,
        engine=engine,
        precise=precise,
        isolated=isolated,
    )
    source = partial(scenario_source, scenario, tuple(terminals), start=start, speed=speed, live=live, changes=changes)
    return Net(options, source)
