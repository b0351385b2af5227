"""`skyhaul link` from outside: starts the engine's process, helps it where the host's namespaces are needed, reports.

It stays in the namespaces it was started in, holds the terminal, and gives back the command's exit status.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from dataclasses import asdict
from typing import Any

from skyhaul.emulation._addresses import LinkAddresses
from skyhaul.emulation._carrier import Carrier
from skyhaul.emulation._devices import Device
from skyhaul.emulation._egress import find_way_out, start_way_out
from skyhaul.emulation._namespaces import fork
from skyhaul.emulation._options import LinkOptions
from skyhaul.emulation._summary import summary_lines
from skyhaul.emulation._terminal import have_own_signals, signals_to, take_terminal_back
from skyhaul.emulation._wiring import DEVICE, nested_end
from skyhaul.errors import NotFoundError, SkyhaulError

_MESSAGE = 1 << 16


def run_link(options: LinkOptions) -> int:
    """Run the command of `options` behind its link; its exit status, 128 + n where signal n ended it.

    SkyhaulError: the link could not be made, or a command could not be started. Everything made is gone afterwards.
    """
    if sys.platform != "linux":
        raise SkyhaulError(f"links are made of Linux namespaces, and this is {sys.platform}", mend="run on Linux")
    for command in (options.command, options.far):
        if command and "/" not in command[0] and shutil.which(command[0]) is None:
            raise NotFoundError(f"there is no command '{command[0]}'", mend="give a name on the PATH, or a path")
    return _Supervisor(options).run()


class _Supervisor:
    def __init__(self, options: LinkOptions) -> None:
        self._options = options
        self._outer = _outer_link()
        self._carrier = 0
        self._begun = False
        self._way_out: subprocess.Popen[bytes] | None = None
        self._end: dict[str, Any] | None = None
        self._error: SkyhaulError | None = None

    def run(self) -> int:
        have_own_signals()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        me = os.getpid()
        sys.stdout.flush()
        sys.stderr.flush()
        self._carrier = fork()
        if self._carrier == 0:
            try:
                ours.close()
                Carrier(self._options, theirs, me, nested=self._outer is not None).run()
            except BaseException as error:
                print(f"skyhaul: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
            finally:
                os._exit(0)
        theirs.close()
        with signals_to(self._carrier, lambda: self._begun) as early:
            try:
                while message := ours.recv(_MESSAGE):
                    self._hear(ours, json.loads(message))
            finally:
                ours.close()
                status = os.waitpid(self._carrier, 0)[1]
                if self._way_out is not None:
                    self._way_out.kill()
                    self._way_out.wait()
                take_terminal_back()
        if early:
            return 128 + early[0]
        return self._result(os.waitstatus_to_exitcode(status))

    def _hear(self, channel: socket.socket, message: dict[str, Any]) -> None:
        if "nest" in message:
            self._make_nest(channel, **message["nest"])
        elif "way_out" in message:
            self._make_way_out(channel, message["way_out"])
        elif "begun" in message:
            self._begun = True
        elif "note" in message:
            self._say(message["note"])
        elif "error" in message:
            self._error = SkyhaulError(
                message["error"]["what"], where=message["error"]["where"], mend=message["error"]["mend"]
            )
        else:
            self._end = message

    def _make_nest(self, channel: socket.socket, kind: Any, network: int) -> None:
        assert self._outer is not None
        engine = os.open(f"/proc/{self._carrier}/fd/{network}", os.O_RDONLY | os.O_CLOEXEC)
        try:
            addresses, device = nested_end(self._options.wire, self._outer, kind, engine)
        except OSError as error:
            self._error = SkyhaulError(
                f"no link can be made inside this one: {error.strerror}", mend="unset SKYHAUL_LINK for one by itself"
            )
            channel.send(b"null")
            return
        finally:
            os.close(engine)
        answer: dict[str, object] = {"prefix": str(addresses.prefix)}
        if isinstance(device, Device):
            answer |= {"name": device.name, "virtio": device.framing.virtio_bytes}
            socket.send_fds(channel, [json.dumps(answer).encode()], [device.fd])
            os.close(device.fd)
        else:
            channel.send(json.dumps(answer | {"name": device}).encode())

    def _make_way_out(self, channel: socket.socket, network: int) -> None:
        way, why = find_way_out()
        if way is None:
            if not self._options.far:
                self._say(f"the link is isolated, {why}: the program reaches {LinkAddresses.outermost().far} only")
            channel.send(b"null")
            return
        self._way_out = start_way_out(way, self._carrier, network, self._options.mtu)
        channel.send(json.dumps(asdict(way)).encode())

    def _result(self, carrier: int) -> int:
        if self._error is not None:
            raise self._error
        if self._end is None:
            raise SkyhaulError(f"the engine's process ended before its command (status {carrier})")
        self._report(self._end["summary"])
        end = self._end["end"]
        if "name" in end:
            raise SkyhaulError(f"'{end['name']}' cannot be started: {end['why']}")
        if "status" not in end:
            raise SkyhaulError(f"the command was lost with its namespace: {end.get('failure', 'killed')}")
        return int(end["status"])

    def _report(self, summary: dict[str, Any]) -> None:
        if self._options.json:
            print(json.dumps(summary), file=sys.stderr, flush=True)
        elif not self._options.quiet:
            for line in summary_lines(summary):
                self._say(line)

    @staticmethod
    def _say(text: str) -> None:
        print(f"skyhaul: {text}", file=sys.stderr, flush=True)


def _outer_link() -> LinkAddresses | None:
    """The link that this process already runs behind, if it does."""
    prefix = os.environ.get("SKYHAUL_LINK")
    if not prefix:
        return None
    try:
        socket.if_nametoindex(DEVICE)
    except OSError:
        return None
    return LinkAddresses.parse(prefix)
