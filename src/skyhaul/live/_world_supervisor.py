"""A world from outside: the process that stays in the host's namespaces, answers calls, and reports.

The carrier of packets is its child and killed with it; with the carrier goes everything in the world. So nothing is
left whatever is killed.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

from skyhaul import errors
from skyhaul.emulation._egress import find_way_out, start_way_out
from skyhaul.emulation._messages import Channel
from skyhaul.emulation._namespaces import fork
from skyhaul.emulation._summary import summary_lines
from skyhaul.emulation._terminal import have_own_signals, signals_to, take_terminal_back
from skyhaul.errors import SkyhaulError
from skyhaul.live._tables import TableSource
from skyhaul.live._world_calls import WorldCard, answer, listen
from skyhaul.live._world_carrier import WorldCarrier
from skyhaul.live._world_options import WorldOptions, find_name, near_names


class WorldSupervisor:
    """Keeps a world up until its command has ended, or `end` is asked for.

    source   opened already; closed here
    name     by which other processes of this user reach it; none can where it is empty
    owner    a process that the world belongs to: it is told when the world is ready, asks like others, and the world
             ends when it is gone
    ready    called when the world is up, with what it says of its places
    say      takes the lines meant for people; without it they go to standard error, or to the owner
    """

    def __init__(
        self,
        options: WorldOptions,
        source: TableSource,
        *,
        name: str = "",
        owner: Channel | None = None,
        ready: Callable[[dict[str, Any]], None] | None = None,
        say: Callable[[str], None] | None = None,
    ) -> None:
        self._options, self._source, self._name, self._owner = options, source, name, owner
        self._when_ready, self._sayer = ready, say
        self._carrier = 0
        self._way_out: subprocess.Popen[bytes] | None = None
        self._ready: dict[str, Any] | None = None
        self._waiting: list[tuple[Channel, dict[str, Any]]] = []
        self._asked: dict[int, Channel] = {}
        self._early: list[int] = []
        self._end: dict[str, Any] | None = None
        self._error: SkyhaulError | None = None

    def run(self) -> int:
        """The command's exit status, 128 + n where signal n ended it; 0 of a world without one.

        SkyhaulError: the world could not be made, or its command not be started. Everything made is gone afterwards.
        """
        listener = None
        try:
            if sys.platform != "linux":
                raise SkyhaulError(f"worlds are made of Linux namespaces, and this is {sys.platform}")
            have_own_signals()
            listener = listen(self._name) if self._name else None
            ours, theirs = Channel.pair()
            me = os.getpid()
            sys.stdout.flush()
            sys.stderr.flush()
            self._carrier = fork()
            if self._carrier == 0:
                self._be_carrier(theirs, me, ours, listener)
            theirs.close()
            try:
                self._watch(ours, listener)
            finally:
                ours.close()
                status = self._clean_up()
        finally:
            if listener is not None:
                listener.close()
            self._source.close()
        return self._result(status)

    def _be_carrier(self, channel: Channel, parent: int, ours: Channel, listener: socket.socket | None) -> None:
        try:
            for opened in (ours, listener, self._owner):
                if opened is not None:
                    opened.close()
            WorldCarrier(self._options, self._source, channel, parent).run()
        except BaseException as error:
            with contextlib.suppress(OSError):
                print(f"skyhaul: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
        finally:
            os._exit(0)

    def _watch(self, ours: Channel, listener: socket.socket | None) -> None:
        woken, wake = os.pipe()
        os.set_blocking(wake, False)
        with contextlib.ExitStack() as undo:
            undo.callback(os.close, woken)
            undo.callback(os.close, wake)
            selector = undo.enter_context(selectors.DefaultSelector())
            for opened in (ours, listener, self._owner):
                if opened is not None:
                    selector.register(opened, selectors.EVENT_READ)
            if self._options.command:
                self._early = undo.enter_context(signals_to(self._carrier, lambda: self._ready is not None))
            else:
                selector.register(woken, selectors.EVENT_READ)
                undo.enter_context(_signals_by(wake))
            while True:
                for key, _ in selector.select():
                    if key.fileobj is ours:
                        received = ours.receive()
                        if received is None:
                            return
                        self._hear(ours, received[0])
                    elif key.fileobj is listener and listener is not None:
                        self._answer(ours, listener)
                    elif key.fileobj is self._owner and self._owner is not None:
                        asked = self._owner.receive()
                        if asked is None:
                            selector.unregister(self._owner)
                            _quietly(ours, {"end": True})
                        else:
                            self._ask(ours, self._owner, asked[0])
                    else:
                        os.read(woken, 1)
                        if self._ready is None:
                            os.kill(self._carrier, signal.SIGKILL)
                            self._end = {"end": {"status": 130}, "summary": None}
                        else:
                            _quietly(ours, {"end": True})

    def _hear(self, ours: Channel, message: dict[str, Any]) -> None:
        if "way_out" in message:
            self._make_way_out(ours, message["way_out"])
        elif "note" in message:
            self._say(message["note"])
        elif "error" in message:
            told = message["error"]
            kind = getattr(errors, told["kind"], SkyhaulError)
            self._error = kind(told["what"], where=told["where"], mend=told["mend"])
        elif "state" in message:
            caller = self._asked.pop(message["of"], None)
            if caller is not None:
                self._reply(caller, {"state": message["state"]})
        elif "ready" in message:
            self._ready = message["ready"]
            if self._when_ready is not None:
                self._when_ready(self._told())
            if self._owner is not None:
                _quietly(self._owner, {"ready": self._told()})
            waiting, self._waiting = self._waiting, []
            for caller, question in waiting:
                self._ask(ours, caller, question)
        else:
            self._end = message

    def _answer(self, ours: Channel, listener: socket.socket) -> None:
        """Take a call and its question; one that has none, or never finishes it, is dropped."""
        caller = answer(listener)
        if caller is None:
            return
        try:
            asked = caller.receive()
        except OSError:
            asked = None
        if asked is None:
            caller.close()
        else:
            self._ask(ours, caller, asked[0])

    def _ask(self, ours: Channel, caller: Channel, question: dict[str, Any]) -> None:
        if self._ready is None:
            self._waiting.append((caller, question))
        elif "enter" in question:
            self._let_in(caller, str(question["enter"]))
        elif "state" in question:
            number = max(self._asked, default=0) + 1
            self._asked[number] = caller
            _quietly(ours, {"state": number})
        elif "card" in question:
            card = WorldCard(self._name, self._kind, self._options.scenario, os.getpid(), tuple(self._places))
            self._reply(caller, {"card": asdict(card), **self._told()})
        elif "end" in question:
            _quietly(ours, {"end": True})
            if caller is not self._owner:
                self._asked[-1] = caller  # closed when everything is gone
        else:
            self._reply(caller, {"error": {"what": "that question is not known", "mend": "one version of skyhaul"}})

    def _let_in(self, caller: Channel, key: str) -> None:
        assert self._ready is not None
        place = self._places.get(find_name(key, self._places) or "")
        if place is None:
            mend = near_names(key, self._places)
            self._reply(caller, {"error": {"what": f"there is no '{key}' in this world", "mend": mend}})
            return
        held = f"/proc/{self._carrier}"
        paths = [f"{held}/fd/{number}" for number in (self._ready["mount"], self._ready["pid"], place["network"])]
        with contextlib.ExitStack() as undo:
            opened = []
            try:
                if os.stat(f"{held}/ns/user").st_ino != os.stat("/proc/self/ns/user").st_ino:  # noqa: PTH116
                    paths.append(f"{held}/ns/user")
                for path in paths:
                    opened.append(os.open(path, os.O_RDONLY | os.O_CLOEXEC))
                    undo.callback(os.close, opened[-1])
            except OSError as error:
                told = {"what": f"the world cannot be entered: {error.strerror}", "mend": "is it ending?"}
                self._reply(caller, {"error": told})
                return
            self._reply(caller, {"environment": place["environment"]}, opened)

    def _reply(self, caller: Channel, message: dict[str, Any], descriptors: list[int] | None = None) -> None:
        _quietly(caller, message, descriptors)
        if caller is not self._owner:
            caller.close()

    @property
    def _places(self) -> dict[str, dict[str, Any]]:
        assert self._ready is not None
        return {place["key"]: place for place in self._ready["places"]}

    @property
    def _kind(self) -> str:
        return "exec" if self._options.command else "net"

    def _told(self) -> dict[str, Any]:
        assert self._ready is not None
        shown = ("key", "host", "address", "address6", "pop")
        return {
            "about": self._ready["about"],
            "wiring_s": self._ready["wiring_s"],
            "places": [{name: place[name] for name in shown} for place in self._ready["places"]],
        }

    def _make_way_out(self, ours: Channel, network: int) -> None:
        way, why = find_way_out()
        if way is None:
            self._say(f"isolated, {why}: programs reach the simulated internet only")
            _quietly(ours, {"way_out": None})
            return
        self._way_out = start_way_out(way, self._carrier, network, self._options.mtu)
        _quietly(ours, {"way_out": asdict(way)})

    def _clean_up(self) -> int:
        status = os.waitpid(self._carrier, 0)[1]
        if self._way_out is not None:
            self._way_out.kill()
            self._way_out.wait()
        for caller in self._asked.values():
            caller.close()
        if self._options.command:
            take_terminal_back()
        return os.waitstatus_to_exitcode(status)

    def _result(self, carrier: int) -> int:
        if self._early:
            return 128 + self._early[0]
        if self._error is not None:
            raise self._error
        if self._end is None:
            raise SkyhaulError(f"the process that carries the packets has ended (status {carrier})")
        end = self._end["end"]
        if "name" in end:
            raise SkyhaulError(f"'{end['name']}' cannot be started: {end['why']}")
        if self._end["summary"] is not None:
            self._report(self._end["summary"])
        if "status" not in end:
            raise SkyhaulError(f"the world was lost with its first process: {end.get('failure', 'killed')}")
        return int(end["status"])

    def _report(self, summary: dict[str, Any]) -> None:
        if self._owner is not None:
            _quietly(self._owner, {"summary": summary})
        elif self._options.json:
            print(json.dumps(summary), file=sys.stderr, flush=True)
        elif not self._options.quiet:
            for line in world_lines(summary):
                self._say(line)

    def _say(self, text: str) -> None:
        if self._sayer is not None:
            self._sayer(text)
        elif self._owner is not None:
            _quietly(self._owner, {"note": text})
        else:
            print(f"skyhaul: {text}", file=sys.stderr, flush=True)


def world_lines(summary: dict[str, Any]) -> list[str]:
    """The summary of a world for people: as a link's where it has one terminal, else a line for all together."""
    terminals = summary["terminals"]
    if len(terminals) == 1:
        return summary_lines({**summary, **next(iter(terminals.values()))})
    sides = [side for both in terminals.values() for side in both.values()]
    packets = sum(side["packets"] for side in sides)
    dropped = sum(sum(side["dropped"].values()) for side in sides)
    line = (
        f"{len(terminals)} terminals for {summary['seconds']:.1f} s, {summary['engine']} engine on {summary['device']}"
    )
    line += f", way out: {summary['way_out']}; {packets} packets, {dropped} dropped"
    late = summary["late_us"]
    if late["p50"] is not None:
        line += f"; late {late['p50']:.0f} / {late['p99']:.0f} µs (p50 / p99), at most {late['max']:.0f}"
    return [line]


@contextlib.contextmanager
def _signals_by(wake: int) -> Iterator[None]:
    """Say of an order to end by a byte in a pipe."""

    def note(*_: object) -> None:
        with contextlib.suppress(BlockingIOError):
            os.write(wake, b"e")

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, note) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _quietly(channel: Channel, message: dict[str, Any], descriptors: list[int] | None = None) -> None:
    """Send to one who may be gone."""
    with contextlib.suppress(OSError):
        channel.send(message, descriptors or ())
