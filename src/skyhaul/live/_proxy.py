"""`skyhaul proxy`: a SOCKS5 and an HTTP proxy on the loopback, whose connections cross a terminal's link."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import signal
import socket
import struct
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, cast

from skyhaul.errors import InputError, SkyhaulError
from skyhaul.live._proxy_link import Flow, ProxyLink
from skyhaul.live._proxy_words import (
    Command,
    HttpRequest,
    Reply,
    Target,
    http_reply,
    read_http,
    read_socks,
    socks_reply,
    unwrap_datagram,
    wrap_datagram,
)
from skyhaul.live._status import Mode, StatusLine
from skyhaul.live._tables import TableSource

CONNECT_TIMEOUT_S = 30.0
_HEAD_TIMEOUT_S = 30.0
_HEAD_LIMIT = 1 << 16
_UP, _DOWN = 0, 1
_NO_LINGER = struct.pack("ii", 1, 0)  # socket(7): closing sends a reset


@dataclass(frozen=True, slots=True)
class ProxyOptions:
    """Where a proxy listens: ports on `bind` (0: any free one; None: not at all), and its status line."""

    socks: int | None = 1080
    http: int | None = None
    bind: str = "127.0.0.1"
    status: Mode = "auto"
    quiet: bool = False

    def __post_init__(self) -> None:
        if self.socks is None and self.http is None:
            raise InputError("a proxy that listens nowhere", mend="--socks PORT or --http PORT")


def run_proxy(source: TableSource, options: ProxyOptions) -> dict[str, Any]:
    """Serve until interrupted (SIGINT, SIGTERM); what was carried. The source's first terminal is the link.

    Raises SkyhaulError where a port cannot be listened on, and the source's errors.
    """
    source.ready()
    return asyncio.run(_run(source, options))


async def _run(source: TableSource, options: ProxyOptions) -> dict[str, Any]:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(ValueError, RuntimeError):  # not in the main thread
            loop.add_signal_handler(number, stop.set)
    async with Proxy(source, options) as proxy:
        if not options.quiet:
            for line in proxy.announcement():
                print(f"skyhaul: {line}", file=sys.stderr, flush=True)
        await stop.wait()
    summary = proxy.summary()
    if not options.quiet:
        print(f"skyhaul: {summary_line(summary)}", file=sys.stderr, flush=True)
    return summary


def summary_line(summary: dict[str, Any]) -> str:
    """What a proxy carried, in words."""
    up, down = summary["up"], summary["down"]
    plans = summary["plans"]
    late = f"; {plans['late']} of {plans['planned']} slots planned late" if plans.get("late") else ""
    return (
        f"{summary['connections']} connections and {summary['associations']} UDP associations in "
        f"{summary['seconds']:.0f} s; up {up['bytes'] / 1e6:.3f} MB, {up['lost']} packets lost; "
        f"down {down['bytes'] / 1e6:.3f} MB, {down['lost']} packets lost{late}"
    )


class Proxy:
    """The running proxy: an asynchronous context, inside which it serves."""

    def __init__(self, source: TableSource, options: ProxyOptions) -> None:
        self._source, self._options = source, options
        self._servers: list[asyncio.Server] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._started_ns = 0
        self._connections = self._associations = 0
        self.ports: dict[str, int] = {}

    async def __aenter__(self) -> Proxy:
        source = self._source
        source.ready()
        self._started_ns = time.monotonic_ns()
        source.start(self._started_ns)
        mode: Mode = "never" if self._options.quiet else self._options.status
        self._status = StatusLine(source.terminals[0], lambda now: source.state(0, now), mode=mode)
        self.link = ProxyLink(source, 0, self._status)
        try:
            await self._listen("socks", self._options.socks, self._serve_socks)
            await self._listen("http", self._options.http, self._serve_http)
        except BaseException:
            self._close_servers()
            raise
        source.follow(self.link.use)
        self._status.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._status.stop()
        self._close_servers()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._source.stop()
        self.link.close()

    def announcement(self) -> list[str]:
        """How to use the proxy, in lines."""
        bind = self._options.bind
        host = f"[{bind}]" if ":" in bind else bind
        lines = [f"behind {self._source.terminals[0]}; Ctrl-C ends it"]
        if "socks" in self.ports:
            lines.append(f"SOCKS5: curl -x socks5h://{host}:{self.ports['socks']} …")
        if "http" in self.ports:
            lines.append(f"HTTP:   curl -x http://{host}:{self.ports['http']} …")
        return lines

    def summary(self) -> dict[str, Any]:
        """What was carried so far."""
        link = self.link
        return {
            "seconds": round((time.monotonic_ns() - self._started_ns) * 1e-9, 3),
            "connections": self._connections,
            "associations": self._associations,
            "up": {"bytes": link.delivered_bytes[_UP], "lost": link.dropped[_UP]},
            "down": {"bytes": link.delivered_bytes[_DOWN], "lost": link.dropped[_DOWN]},
            "plans": self._source.summary(),
        }

    async def _listen(
        self,
        name: str,
        port: int | None,
        serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
    ) -> None:
        if port is None:
            return
        where = self._options.bind

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.get_running_loop().create_task(self._guard(serve, reader, writer))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        try:
            server = await asyncio.start_server(accept, where, port, limit=_HEAD_LIMIT)
        except (OSError, OverflowError) as error:
            why = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
            busy = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
            mend = "another port, or 0 for any" if busy else ""
            raise SkyhaulError(f"cannot listen on {where} port {port}: {why}", where=f"--{name}", mend=mend) from None
        self._servers.append(server)
        self.ports[name] = server.sockets[0].getsockname()[1]

    def _close_servers(self) -> None:
        for server in self._servers:
            server.close()

    async def _guard(
        self,
        serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        """Serve one client; whatever goes wrong ends that client's connection alone."""
        try:
            await serve(reader, writer)
        except (InputError, asyncio.IncompleteReadError, TimeoutError, ConnectionError):
            pass  # a client that speaks something else, or has gone
        finally:
            writer.close()
            with contextlib.suppress(OSError, TimeoutError):
                await asyncio.wait_for(writer.wait_closed(), 1.0)

    async def _serve_socks(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        command, target = await asyncio.wait_for(read_socks(reader, writer), _HEAD_TIMEOUT_S)
        if command == Command.UDP_ASSOCIATE:
            await self._associate(reader, writer)
            return
        if command != Command.CONNECT:
            writer.write(socks_reply(Reply.COMMAND))
            return
        try:
            far_reader, far_writer = await self._connect(target)
        except (OSError, TimeoutError) as error:
            await self.link.signal(_DOWN)
            writer.write(socks_reply(_socks_error(error)))
            return
        writer.write(socks_reply(Reply.SUCCEEDED, far_writer.get_extra_info("sockname")[:2]))
        await self._join(reader, writer, far_reader, far_writer)

    async def _serve_http(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request: HttpRequest = await asyncio.wait_for(read_http(reader), _HEAD_TIMEOUT_S)
        except InputError as error:
            writer.write(http_reply(400, "Bad Request", error.what))
            return
        try:
            far_reader, far_writer = await self._connect(request.target)
        except (OSError, TimeoutError) as error:
            await self.link.signal(_DOWN)
            timed_out = isinstance(error, TimeoutError)
            why = "no answer in time" if timed_out else _words_of(error)
            status, reason = (504, "Gateway Timeout") if timed_out else (502, "Bad Gateway")
            writer.write(http_reply(status, reason, f"{request.target}: {why}"))
            return
        if not request.head:
            writer.write(http_reply(200, "Connection established"))
        await self._join(reader, writer, far_reader, far_writer, request.head)

    async def _connect(self, target: Target) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect to a target, which takes a round trip of the link: SYN and its answer."""
        self._connections += 1
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            await self.link.signal(_UP)
            reader, writer = await _open(target)
            try:
                await self.link.signal(_DOWN)
            except BaseException:
                writer.transport.abort()
                raise
            return reader, writer

    async def _join(
        self,
        near_reader: asyncio.StreamReader,
        near_writer: asyncio.StreamWriter,
        far_reader: asyncio.StreamReader,
        far_writer: asyncio.StreamWriter,
        first: bytes = b"",
    ) -> None:
        """Carry both ways until both have ended, or one was broken off."""
        self.link.flows += 1
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._carry(_UP, near_reader, far_writer, first))
                group.create_task(self._carry(_DOWN, far_reader, near_writer))
        except* (ConnectionError, TimeoutError):
            # What one side broke off the other side must not take for a proper end.
            for writer in (near_writer, far_writer):
                _reset(writer)
        finally:
            self.link.flows -= 1
            far_writer.close()

    async def _carry(
        self, way: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, first: bytes = b""
    ) -> None:
        transport = writer.transport

        def deliver(data: bytes) -> None:
            if not transport.is_closing():
                writer.write(data)

        flow = Flow(way, deliver, transport.get_write_buffer_size)
        if first:
            await self.link.carry(flow, first)
        while data := await reader.read(self.link.portion(way)):
            if transport.is_closing():
                raise ConnectionResetError
            await self.link.carry(flow, data)
        await self.link.signal(way)
        while flow.pending or flow.queued:  # a repeated segment is later than the end that was sent after it
            await asyncio.sleep(0.001)
        if writer.can_write_eof() and not transport.is_closing():
            writer.write_eof()

    async def _associate(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Relay datagrams for as long as the client keeps its connection."""
        self._associations += 1
        loop = asyncio.get_running_loop()
        client = writer.get_extra_info("peername")[0]
        relay = _Relay(self.link, client)
        here = writer.get_extra_info("sockname")[0]
        try:
            await loop.create_datagram_endpoint(lambda: relay, local_addr=(here, 0))
            writer.write(socks_reply(Reply.SUCCEEDED, relay.near.get_extra_info("sockname")[:2]))
            while await reader.read(1024):
                pass
        finally:
            relay.close()


class _Relay(asyncio.DatagramProtocol):
    """Datagrams of one client: those it sends go up the link and out, answers come down to where it last sent from."""

    def __init__(self, link: ProxyLink, client: str) -> None:
        self._link, self._client = link, client
        self._address: tuple[Any, ...] | None = None
        self._far: dict[int, socket.socket] = {}
        self._down = Flow(_DOWN, self._answer)
        self._lookups: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.near = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        # RFC 1928, section 7: datagrams from anybody but the client are dropped.
        unwrapped = unwrap_datagram(data) if addr[0] == self._client else None
        if unwrapped is None:
            return
        self._address = addr
        target, content = unwrapped
        self._link.send_datagram(Flow(_UP, lambda sent: self._look_up(target, sent)), content)

    def _look_up(self, target: Target, data: bytes) -> None:
        task = asyncio.get_running_loop().create_task(self._send(target, data))
        self._lookups.add(task)
        task.add_done_callback(self._lookups.discard)

    async def _send(self, target: Target, data: bytes) -> None:
        loop = asyncio.get_running_loop()
        # As on a real network: what cannot be sent is lost, and nobody is told.
        with contextlib.suppress(OSError, UnicodeError):
            found = await loop.getaddrinfo(target.host, target.port, type=socket.SOCK_DGRAM)
            family, _, _, _, address = found[0]
            self._far_socket(family).sendto(data, address)

    def _far_socket(self, family: int) -> socket.socket:
        if family not in self._far:
            far = socket.socket(family, socket.SOCK_DGRAM)
            far.setblocking(False)
            self._far[family] = far
            asyncio.get_running_loop().add_reader(far, self._receive, far)
        return self._far[family]

    def _receive(self, far: socket.socket) -> None:
        with contextlib.suppress(OSError):  # none is there any more, or the far side refused one of ours
            data, address = far.recvfrom(1 << 16)
            self._link.send_datagram(self._down, wrap_datagram(address[0], address[1], data), len(data))

    def _answer(self, data: bytes) -> None:
        if self._address is not None and not self.near.is_closing():
            self.near.sendto(data, self._address)

    def close(self) -> None:
        """Give back every socket."""
        loop = asyncio.get_running_loop()
        for far in self._far.values():
            loop.remove_reader(far)
            far.close()
        for task in self._lookups:
            task.cancel()
        if hasattr(self, "near"):
            self.near.close()


async def _open(target: Target) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect to the first of the target's addresses that answers; OSError of the last where none does."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except UnicodeError:
        raise OSError(errno.EINVAL, "no host name") from None
    failure = OSError(errno.EHOSTUNREACH, os.strerror(errno.EHOSTUNREACH))
    for family, _, _, _, address in found:
        try:
            return await asyncio.open_connection(str(address[0]), target.port, family=family)
        except OSError as error:
            failure = error
    raise failure


def _reset(writer: asyncio.StreamWriter) -> None:
    """Break a connection off: the other side is to see that it did not end."""
    with contextlib.suppress(OSError):
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    writer.transport.abort()


def _words_of(error: Exception) -> str:
    """What an error means, without the details of the call that met it."""
    code = getattr(error, "errno", None)
    if code is not None and code > 0:
        return os.strerror(code)
    return getattr(error, "strerror", None) or str(error)


def _socks_error(error: Exception) -> Reply:
    if isinstance(error, ConnectionRefusedError):
        return Reply.REFUSED
    if isinstance(error, socket.gaierror | TimeoutError):
        return Reply.HOST_UNREACHABLE
    code = getattr(error, "errno", None)
    return {
        errno.ENETUNREACH: Reply.NETWORK_UNREACHABLE,
        errno.EHOSTUNREACH: Reply.HOST_UNREACHABLE,
    }.get(code or 0, Reply.FAILURE)
