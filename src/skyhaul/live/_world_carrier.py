"""The process that carries a world's packets: makes its namespaces and links, starts the program, follows the source.

What takes its time goes side by side: the source plans in its own process while the engine is loaded here.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import math
import os
import resource
import selectors
import signal
import socket
import threading
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from skyhaul.emulation._capture import Capture
from skyhaul.emulation._egress import TAP, WayOut
from skyhaul.emulation._init import run_world_programs, start_namespace
from skyhaul.emulation._messages import Channel
from skyhaul.emulation._namespaces import die_with_parent, fork, inside_network
from skyhaul.emulation._options import Wire
from skyhaul.emulation._wiring import (
    DEVICE,
    DeviceKind,
    answer_for_all,
    enter_engine_place,
    has_six,
    overruns,
    wait_for_way_out,
)
from skyhaul.emulation._world import WorldMap
from skyhaul.emulation._world_wiring import WorldEnds, WorldWiring, close_devices
from skyhaul.errors import NotFoundError, SkyhaulError
from skyhaul.live._status import StatusLine
from skyhaul.live._tables import PathState, TableSource
from skyhaul.live._world_options import WorldOptions, find_name, near_names

if TYPE_CHECKING:
    from skyhaul.emulation import Engine
    from skyhaul.emulation._plan import Fates

_LOG_ROOM = 1 << 17
_SLOW_START_S = 3.0
_LOOK_AGAIN_S = 1.0
_MESSAGE = 1 << 16
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # <malloc.h>
# Windows of TCP of up to 16 MiB: enough for 500 Mbit/s at 130 ms; more would only be memory of this machine.
_MOST_IN_FLIGHT = 1 << 22


class WorldCarrier:
    """Talks with the supervisor over `channel`; `run` returns when the world has ended."""

    def __init__(self, options: WorldOptions, source: TableSource, channel: Channel, parent: int) -> None:
        self._options, self._source, self._channel, self._parent = options, source, channel, parent
        self._first = 0
        self._lock = threading.Lock()
        self._without: dict[str, str] | None = None
        self._failure = ""

    def run(self) -> None:
        """Make the world and serve it until its end; every error goes to the supervisor."""
        try:
            die_with_parent(self._parent)
            for number in (signal.SIGINT, signal.SIGQUIT):
                signal.signal(number, signal.SIG_IGN)
            self._carry()
        except SkyhaulError as error:
            told = {"kind": type(error).__name__, "what": error.what, "where": error.where, "mend": error.mend}
            self._tell(error=told)
        except OSError as error:
            told = {"kind": "SkyhaulError", "what": f"the world cannot be made: {error}", "where": ""}
            self._tell(error=told | {"mend": "skyhaul doctor"})

    def _carry(self) -> None:
        network, kind = _enter()
        words, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        me = os.getpid()
        self._first = fork()
        if self._first == 0:
            words.close()
            start_namespace(theirs, me, lambda channel: run_world_programs(channel, self._options.command))
        theirs.close()
        signal.signal(signal.SIGTERM, self._pass_on)
        _allow_many_descriptors()
        # Only from here on NumPy and its threads: a user namespace is for processes with one thread.
        import skyhaul.emulation._compiled_engine  # noqa: F401
        from skyhaul.live._world_plans import world_plans

        source, options = self._source, self._options
        source.ready()
        world = self._map()
        wired = time.monotonic()
        ends = WorldWiring(world, kind, network, self._wire).make(way_out=not options.isolated)
        wired = time.monotonic() - wired
        if not options.isolated:
            self._tell(way_out=ends.exchange)
        plans = world_plans(source, options, ends)
        engine = self._engine(plans)
        way = None if options.isolated else self._way_out(ends)
        self._serve(world, ends, engine, words, kind, way, wired)

    def _map(self) -> WorldMap:
        """Who is in this world: the source's terminals, their PoPs and those that were asked for."""
        source, options = self._source, self._options
        names = source.terminals
        homes = [source.home(number) or "pop" for number in range(len(names))]
        known = source.pops or ("pop",)
        servers = [(name, _known_pop(pop, known)) for name, pop in options.servers]
        wanted = {*homes, *(_known_pop(pop, known) for pop in options.pops), *(pop for _, pop in servers)}
        return WorldMap.of(list(zip(names, homes, strict=True)), [pop for pop in known if pop in wanted], servers)

    def _wire(self, terminal: int) -> Wire:
        """What a terminal's two ends agree on."""
        up, down = (self._source.bounds(2 * terminal + way) for way in (0, 1))
        flight = min(max(up.rate_bps, down.rate_bps), 10e9) / 8e9 * (up.delay_ns + down.delay_ns)
        return Wire(self._options.mtu, self._options.offload, int(min(flight, _MOST_IN_FLIGHT)))

    def _engine(self, plans: list[Any]) -> Engine:
        from skyhaul.emulation import Engine

        options = self._options
        patience = threading.Timer(_SLOW_START_S, self._tell, kwargs={"note": "the engine is being compiled, once"})
        patience.start()
        engine = Engine(plans, kind=options.engine, precise=options.precise, log_room=_LOG_ROOM)
        engine.start()
        patience.cancel()
        if engine.why_plain:
            self._tell(note=f"the plain Python engine carries the packets: {engine.why_plain}")
        return engine

    def _way_out(self, ends: WorldEnds) -> WayOut | None:
        """What the supervisor has connected the exchange to."""
        received = self._channel.receive()
        if received is None:
            os._exit(1)
        answer = received[0].get("way_out")
        if not answer:
            return None
        way = WayOut(**answer)
        if not wait_for_way_out(ends.exchange, TAP):
            self._tell(note=f"{way.tool} does not connect the world: it is isolated")
            return None
        answer_for_all(ends.exchange, TAP)
        return way

    def _serve(
        self,
        world: WorldMap,
        ends: WorldEnds,
        engine: Engine,
        words: socket.socket,
        kind: DeviceKind,
        way: WayOut | None,
        wired: float,
    ) -> None:
        from skyhaul.emulation._report import PacketFile
        from skyhaul.live._report import RunRecord, write_run_report
        from skyhaul.live._world_measure import WorldMeasure, WorldWatch, lateness

        options, source = self._options, self._source
        directions = 2 * (len(ends.terminals) + len(ends.fibre))
        packets = PacketFile(options.report) if options.report else None
        measure = WorldMeasure(directions)
        line = StatusLine(
            world.terminals[0].name, self._first_state, mode=options.status if options.command else "never"
        )
        takers = [measure.add, lambda fates: line.add(_of_first_terminal(fates))]
        if packets is not None:
            takers.append(lambda fates: packets.add(_of_first_terminal(fates)))
        capture = None
        if options.pcap is not None:
            with inside_network(ends.networks[world.terminals[0].key]):
                capture = Capture(options.pcap, DEVICE)
        places, environment = self._prepare(world, ends, words, way)
        # Time 0 of the source is when the program starts: compiling and planning have taken a while.
        origin = time.monotonic_ns()
        _keep_memory()
        source.start(origin)
        for direction in range(2 * len(ends.terminals)):
            engine.publish(direction, source.window(direction, origin))
        record = RunRecord(source)
        if packets is not None:
            packets.origin_ns = origin
            record.begin(origin)
            source.follow(record.beside(engine.publish))
        else:
            source.follow(engine.publish)
        watch = WorldWatch(engine, *takers)
        self._tell(
            ready={
                "places": [
                    {
                        "key": key,
                        "host": place.host_name,
                        "address": str(place.address),
                        "address6": str(place.address6),
                    }
                    | {
                        "pop": world.pops[place.pop].name,
                        "network": ends.networks[key],
                        "environment": environment[key],
                    }
                    for key, place in world.places.items()
                ],
                "mount": places[0],
                "pid": places[1],
                "about": source.summary().get("about", ""),
                "wiring_s": round(wired, 4),
            }
        )
        started = time.monotonic()
        if options.command:
            words.send(b"start")
        line.start()
        end = self._listen(words)
        seconds = time.monotonic() - started
        stopped = time.monotonic_ns()
        line.stop()
        source.stop()
        engine.stop()
        watch.stop()
        reports = [engine.report(direction) for direction in range(directions)]
        summary: dict[str, Any] = {
            "seconds": round(seconds, 3),
            "engine": "python" if engine.is_plain else "compiled",
            "device": kind,
            "offload": options.offload,
            "way_out": way.tool if way else "none",
            "late_us": lateness(reports),
            "plans": source.summary(),
            "unrecorded": engine.missed_fates,
            "terminals": {},
        }
        for number, (place, strand) in enumerate(zip(world.terminals, ends.terminals, strict=True)):
            sides = {}
            for way_number, name in enumerate(("up", "down")):
                direction = 2 * number + way_number
                sides[name] = measure.of(direction).summary(reports[direction], seconds)
                sides[name]["dropped"]["before_the_link"] = overruns((strand.near, strand.far)[way_number])
            summary["terminals"][place.name] = sides
        if capture is not None:
            summary["pcap_missed"] = capture.stop()
        if packets is not None and options.report is not None:
            packets.close()
            first = summary["terminals"][world.terminals[0].name]
            write_run_report(options.report, record, {**summary, **first}, stopped)
        self._tell(end=end, summary=summary)
        close_devices(ends)

    def _prepare(
        self, world: WorldMap, ends: WorldEnds, words: socket.socket, way: WayOut | None
    ) -> tuple[list[int], dict[str, dict[str, str]]]:
        """Let the first process be ready: descriptors of its namespaces, and what programs of each place are told."""
        environment = {}
        for key, place in world.places.items():
            environment[key] = {"SKYHAUL_PLACE": key, "SKYHAUL_ADDRESS": str(place.address)}
            if place.link is not None:
                environment[key] |= {
                    "SKYHAUL_LINK": str(place.link.prefix),
                    "SKYHAUL_NEAR": str(place.link.near),
                    "SKYHAUL_FAR": str(world.pops[place.pop].address),
                }
        hosts = os.memfd_create("hosts")
        os.write(hosts, world.hosts(six=has_six(Wire(self._options.mtu))).encode())
        os.lseek(hosts, 0, os.SEEK_SET)
        descriptors = [hosts]
        order: dict[str, Any] = {"nameserver": way.nameserver if way else str(world.pops[0].address)}
        if self._options.command:
            key = world.terminals[0].key
            order["environment"] = environment[key]
            descriptors.append(ends.networks[key])
        socket.send_fds(words, [json.dumps(order).encode()], descriptors)
        os.close(hosts)
        data, places, _, _ = socket.recv_fds(words, _MESSAGE, 2, socket.MSG_CMSG_CLOEXEC)
        if len(places) != 2:
            raise SkyhaulError(json.loads(data or b"{}").get("failure", "the first process of the world has ended"))
        return places, environment

    def _listen(self, words: socket.socket) -> dict[str, Any]:
        """Answer the supervisor until the command ends or the supervisor says so; how the command ended."""
        with selectors.DefaultSelector() as selector:
            selector.register(words, selectors.EVENT_READ)
            selector.register(self._channel, selectors.EVENT_READ)
            due = 0.0 if self._options.status != "never" and not self._options.command else math.inf
            while True:
                pause = max(0.0, min(due - time.monotonic(), _LOOK_AGAIN_S))
                ready = {key.fileobj for key, _ in selector.select(pause)}
                self._say_what_has_failed()
                if time.monotonic() >= due:
                    due = self._say_who_is_served()
                if words in ready:
                    answer = dict(json.loads(words.recv(_MESSAGE) or b"{}"))
                    with contextlib.suppress(ChildProcessError):
                        os.waitpid(self._first, 0)
                    return answer
                if self._channel not in ready:
                    continue
                received = self._channel.receive()
                if received is None:
                    os._exit(1)
                if "state" in received[0]:
                    self._tell(state=self._states(), of=received[0]["state"])
                else:
                    words.close()
                    return {"status": 0}

    def _say_what_has_failed(self) -> None:
        failure = self._source.summary().get("failure")
        if failure and failure != self._failure:
            self._failure = failure
            self._tell(note=f"{failure}: what was planned holds on, then packets are lost")

    def _say_who_is_served(self) -> float:
        """Say which terminals have a path and which do not, where that is news; when to look again."""
        now = time.monotonic_ns()
        states = {name: self._source.state(number, now) for number, name in enumerate(self._source.terminals)}
        without = {name: state.cause for name, state in states.items() if not state.served}
        if without != self._without:
            self._without = without
            causes = "".join(f"; {name}: {cause}" for name, cause in sorted(without.items()))
            self._tell(note=f"{len(states) - len(without)} of {len(states)} terminals have a path{causes}")
        until = min(state.until_ns for state in states.values()) * 1e-9
        return max(until, time.monotonic() + _LOOK_AGAIN_S)

    def _first_state(self, now_ns: int) -> PathState:
        return self._source.state(0, now_ns)

    def _states(self) -> dict[str, Any]:
        now = time.monotonic_ns()
        return {name: asdict(self._source.state(number, now)) for number, name in enumerate(self._source.terminals)}

    def _pass_on(self, number: int, _: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._first, number)

    def _tell(self, **message: object) -> None:
        with self._lock:
            self._channel.send(message)


def _allow_many_descriptors() -> None:
    """As many as the hard limit allows: every link takes three."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _keep_memory() -> None:
    """Let freed memory be used again as it is (mallopt(3)): windows come and go every few seconds, a quarter of a
    megabyte each, and asking the kernel for their pages anew is half of what following a scenario costs."""
    with contextlib.suppress(AttributeError):  # not glibc
        libc = ctypes.CDLL(None)
        for parameter, value in ((_ARENA_MAX, 1), (_MMAP_THRESHOLD, 32 << 20), (_TRIM_THRESHOLD, 128 << 20)):
            libc.mallopt(parameter, value)


def _enter() -> tuple[int, DeviceKind]:
    try:
        return enter_engine_place()
    except SkyhaulError as error:
        mend = f"{error.mend}, or use skyhaul proxy, which needs none"
        raise SkyhaulError(error.what, where=error.where, mend=mend) from error


def _known_pop(wanted: str, known: tuple[str, ...]) -> str:
    name = find_name(wanted, known)
    if name is None:
        raise NotFoundError(f"there is no point of presence '{wanted}'", mend=near_names(wanted, known))
    return name


def _of_first_terminal(fates: Fates) -> Fates:
    return fates[fates["direction"] < 2]
