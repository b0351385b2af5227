"""The engine's process: makes the namespaces and both ends of the link, starts the programs, carries the packets."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import threading
import time
from typing import Any

from skyhaul.emulation._addresses import LinkAddresses
from skyhaul.emulation._capture import Capture
from skyhaul.emulation._devices import Device
from skyhaul.emulation._egress import TAP, WayOut
from skyhaul.emulation._init import run_link_programs, start_namespace
from skyhaul.emulation._namespaces import (
    die_with_parent,
    fork,
    inside_network,
)
from skyhaul.emulation._options import LinkOptions
from skyhaul.emulation._packets import Framing
from skyhaul.emulation._wiring import (
    DEVICE,
    DeviceKind,
    End,
    answer_for_all,
    enter_engine_place,
    far_end,
    near_end,
    open_peer,
    overruns,
    wait_for_way_out,
)
from skyhaul.errors import SkyhaulError

_LOG_ROOM = 1 << 17
_SLOW_START_S = 3.0


class Carrier:
    """Talks with the supervisor over `channel` in JSON messages; `run` returns when the command has ended.

    nested   the link is made inside another: the supervisor makes its far end
    """

    def __init__(self, options: LinkOptions, channel: socket.socket, parent: int, *, nested: bool) -> None:
        self._options, self._channel, self._parent, self._nested = options, channel, parent, nested

    def run(self) -> None:
        """Make the link, run the command behind it, and report; every error goes to the supervisor."""
        try:
            die_with_parent(self._parent)
            for number in (signal.SIGINT, signal.SIGQUIT):
                signal.signal(number, signal.SIG_IGN)
            self._carry()
        except SkyhaulError as error:
            self._tell(error={"what": error.what, "where": error.where, "mend": error.mend})
        except OSError as error:
            self._tell(error={"what": f"the link cannot be made: {error}", "where": "", "mend": "skyhaul doctor"})

    def _carry(self) -> None:
        engine, kind = enter_engine_place()
        addresses, far = self._far(engine, kind)
        near = near_end(self._options.wire, addresses, kind, engine)
        way = self._way_out(addresses, far)
        words, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        me = os.getpid()
        first = fork()
        if first == 0:
            words.close()
            environment = {
                "SKYHAUL_LINK": str(addresses.prefix),
                "SKYHAUL_NEAR": str(addresses.near),
                "SKYHAUL_FAR": str(addresses.far),
            }
            start_namespace(
                theirs,
                me,
                lambda channel: run_link_programs(
                    channel,
                    self._options.command,
                    self._options.far,
                    (near.network, far.network),
                    environment,
                ),
            )
        theirs.close()
        signal.signal(signal.SIGTERM, lambda number, _: os.kill(first, number))
        nameserver = way.nameserver if way else "" if self._nested else str(addresses.far)
        self._serve(first, words, nameserver, near, far, way)

    def _far(self, engine: int, kind: DeviceKind) -> tuple[LinkAddresses, End]:
        if not self._nested:
            addresses = LinkAddresses.outermost()
            return addresses, far_end(self._options.wire, addresses, kind, engine)
        self._tell(nest={"kind": kind, "network": engine})
        data, descriptors, _, _ = socket.recv_fds(self._channel, 65536, 1)
        answer = json.loads(data or b"null")
        if answer is None:
            os._exit(1)
        addresses = LinkAddresses.parse(answer["prefix"])
        if descriptors:
            device = Device(answer["name"], descriptors[0], Framing(answer["virtio"]))
        else:
            device = open_peer(self._options.wire, answer["name"], engine)
        return addresses, End(-1, device)

    def _way_out(self, addresses: LinkAddresses, far: End) -> WayOut | None:
        """Let the supervisor connect the far namespace to the host's network, and route through that."""
        if self._nested or self._options.isolated:
            return None
        self._tell(way_out=far.network)
        answer = json.loads(self._channel.recv(65536) or b"null")
        if not answer:
            return None
        way = WayOut(**answer)
        if not wait_for_way_out(far.network, TAP):
            self._tell(note=f"{way.tool} does not connect the link: it is isolated")
            return None
        answer_for_all(far.network, TAP)
        return way

    def _serve(
        self, first: int, words: socket.socket, nameserver: str, near: End, far: End, way: WayOut | None
    ) -> None:
        # Only from here on NumPy and its threads: a user namespace is for processes with one thread.
        from skyhaul.emulation._engine import Engine
        from skyhaul.emulation._feed import Feed
        from skyhaul.emulation._link_plan import direction_plan, link_table, outages
        from skyhaul.emulation._measure import DirectionMeasure, Watch
        from skyhaul.emulation._report import PacketFile, write_report

        options = self._options
        packets = PacketFile(options.report) if options.report else None
        tables = [link_table(options.up), link_table(options.down)]
        schedules = outages(options)
        ends = ((near.device, far.device), (far.device, near.device))
        plans = [
            direction_plan(options, table, number, *ends[number], changing=bool(schedules))
            for number, table in enumerate(tables)
        ]
        patience = threading.Timer(_SLOW_START_S, self._tell, kwargs={"note": "the engine is being compiled, once"})
        patience.start()
        engine = Engine(plans, kind=options.engine, precise=options.precise, log_room=_LOG_ROOM)
        engine.start()
        patience.cancel()
        if engine.why_plain:
            self._tell(note=f"the plain Python engine carries the packets: {engine.why_plain}")
        words.send(json.dumps({"nameserver": nameserver}).encode())
        answer = json.loads(words.recv(65536) or b"{}")
        # Time 0 of traces and outages is when the command starts: compiling and the far program have taken a while.
        origin = time.monotonic_ns()
        feed = Feed(tables, schedules, origin)
        for number in range(len(tables)):
            engine.publish(number, feed.window(number, origin))
        if schedules:
            feed.start(engine)
        measures = [DirectionMeasure(), DirectionMeasure()]
        if packets is not None:
            packets.origin_ns = origin
        watch = Watch(engine, measures, packets.add if packets else None)
        capture = None
        if options.pcap is not None:
            with inside_network(near.network):
                capture = Capture(options.pcap, DEVICE)
        started = time.monotonic()
        if "ready" in answer:
            self._tell(begun=True)
            words.send(b"start")
            answer = json.loads(words.recv(65536) or b"{}")
        with contextlib.suppress(ChildProcessError):
            os.waitpid(first, 0)
        seconds = time.monotonic() - started
        feed.stop()
        engine.stop()
        watch.stop()
        summary: dict[str, Any] = {
            "seconds": round(seconds, 3),
            "engine": "python" if engine.is_plain else "compiled",
            "device": "tun" if far.device.framing.ethernet_bytes == 0 else "veth",
            "offload": near.device.offload and options.offload,
            "way_out": way.tool if way else "nested" if self._nested else "none",
        }
        for number, name in enumerate(("up", "down")):
            summary[name] = measures[number].summary(engine.report(number), seconds)
            summary[name]["dropped"]["before_the_link"] = overruns((near, far)[number])
        if capture is not None:
            summary["pcap_missed"] = capture.stop()
        if packets is not None and options.report is not None:
            packets.close()
            summary["unrecorded"] = engine.missed_fates
            write_report(options.report, summary)
        self._tell(end=answer, summary=summary)

    def _tell(self, **message: object) -> None:
        self._channel.send(json.dumps(message).encode())
