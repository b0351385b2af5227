"""The proxy with real sockets on the loopback."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skyhaul.cli import run
from skyhaul.emulation import LinkTable
from skyhaul.errors import InputError, SkyhaulError
from skyhaul.live import Bounds, PathState, PlannedSource, trace_source, write_trace
from skyhaul.live._proxy import Proxy, ProxyOptions
from skyhaul.live._proxy_words import Target, unwrap_datagram, wrap_datagram
from skyhaul.live._tables import Publish
from skyhaul.live._traces import plain_trace

S, MS = 1_000_000_000, 1_000_000
DELAY_NS = 20 * MS


class FixedSource:
    """One link whose tables a test makes, from the start of the run on."""

    def __init__(self, up: LinkTable, down: LinkTable) -> None:
        self._tables = up, down
        self.terminals: tuple[str, ...] = ("here",)
        self.pops: tuple[str, ...] = ()
        self._zero = 0
        self.publish: Publish | None = None

    def ready(self) -> None: ...

    def home(self, terminal: int) -> str:
        return ""

    def backbone_ns(self, one: str, other: str) -> int:
        return 0

    def bounds(self, direction: int) -> Bounds:
        table = self._tables[direction]
        return Bounds(table.peak_rate_bps, int(table.delay_ns.max()), table.time_ns.size)

    def start(self, now_ns: int) -> None:
        self._zero = now_ns

    def window(self, direction: int, now_ns: int) -> LinkTable:
        return self._tables[direction].shifted(self._zero)

    def state(self, terminal: int, now_ns: int) -> PathState:
        return PathState(True, "", "served", "", "", "", -1, 0.04, 1e6, 1e6, 0.0, 0.0, now_ns + S)

    def follow(self, publish: Publish) -> None:
        self.publish = publish

    def stop(self) -> None: ...

    def summary(self) -> dict[str, Any]:
        return {"planned": 1, "late": 0}

    def close(self) -> None: ...


def constant(rate_bps: float = 100e6, loss: float = 0.0, delay_ns: int = DELAY_NS) -> LinkTable:
    return LinkTable.constant(delay_ns, rate_bps, loss)


def with_outage(begin_ns: int, end_ns: int) -> LinkTable:
    return LinkTable(
        np.array([0, begin_ns, end_ns], np.int64),
        np.full(3, DELAY_NS, np.int64),
        np.full(3, 100e6),
        np.zeros(3),
        np.array([False, True, False]),
    )


@asynccontextmanager
async def proxy_on(up: LinkTable | None = None, down: LinkTable | None = None) -> AsyncIterator[Proxy]:
    source = FixedSource(up or constant(), down or constant())
    async with Proxy(source, ProxyOptions(0, 0, quiet=True)) as proxy:
        yield proxy


@asynccontextmanager
async def server(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[int]:
    async def closing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except ConnectionError:
            pass
        finally:
            writer.close()

    listening = await asyncio.start_server(closing, "127.0.0.1", 0)
    try:
        yield listening.sockets[0].getsockname()[1]
    finally:
        listening.close()


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()


async def socks_to(proxy: Proxy, host: str, port: int, command: int = 1) -> Any:
    """Greet and ask; reader, writer, the reply and the address in it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.ports["socks"])
    writer.write(b"\x05\x01\x00")
    assert await reader.readexactly(2) == b"\x05\x00"
    name = host.encode()
    writer.write(bytes([5, command, 0, 3, len(name)]) + name + struct.pack("!H", port))
    head = await reader.readexactly(4)
    address = await reader.readexactly(4 if head[3] == 1 else 16)
    (bound,) = struct.unpack("!H", await reader.readexactly(2))
    return (
        reader,
        writer,
        head[1],
        (socket.inet_ntop(socket.AF_INET if head[3] == 1 else socket.AF_INET6, address), bound),
    )


def go(body: Callable[[], Awaitable[None]], seconds: float = 20.0) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(seconds):
            await body()

    asyncio.run(bounded())


def test_a_connection_takes_a_round_trip_and_so_does_each_exchange() -> None:
    async def body() -> None:
        async with proxy_on() as proxy, server(echo) as port:
            before = time.monotonic()
            reader, writer, reply, _ = await socks_to(proxy, "127.0.0.1", port)
            connected = time.monotonic() - before
            assert reply == 0
            assert connected >= 2 * DELAY_NS / S
            times = []
            for _ in range(10):
                before = time.monotonic()
                writer.write(b"ping")
                assert await reader.readexactly(4) == b"ping"
                times.append(time.monotonic() - before)
            # Never early; late by what an event loop and a busy machine add.
            assert min(times) >= 2 * DELAY_NS / S
            assert np.median(times) < 2 * DELAY_NS / S + 0.01
            writer.close()
            await asyncio.sleep(0.1)
            assert proxy.summary()["connections"] == 1

    go(body)


def test_bytes_come_in_order_at_the_rate_and_the_end_is_passed_on() -> None:
    rate = 20e6
    sent = os.urandom(1_000_000)

    async def give(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.readexactly(3) == b"GET"
        writer.write(sent)
        await writer.drain()
        assert await reader.read() == b""  # the client's end came through too

    async def body() -> None:
        async with proxy_on(down=constant(rate)) as proxy, server(give) as port:
            reader, writer, reply, _ = await socks_to(proxy, "127.0.0.1", port)
            assert reply == 0
            before = time.monotonic()
            writer.write(b"GET")
            writer.write_eof()
            got = await reader.read(-1)
            seconds = time.monotonic() - before
            assert got == sent
            # 1448 of every 1500 bytes are content, and there is a round trip before the first.
            least = len(sent) * 8 / rate * 1500 / 1448
            assert seconds >= least + 2 * DELAY_NS / S - 0.002
            assert seconds < 1.15 * least + 0.3
            writer.close()

    go(body)


def test_connections_share_the_rate() -> None:
    rate, size = 16e6, 400_000

    async def give(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(1)
        writer.write(bytes(size))
        await writer.drain()

    async def fetch(proxy: Proxy, port: int) -> float:
        reader, writer, reply, _ = await socks_to(proxy, "127.0.0.1", port)
        assert reply == 0
        before = time.monotonic()
        writer.write(b"x")
        assert len(await reader.readexactly(size)) == size
        writer.close()
        return time.monotonic() - before

    async def body() -> None:
        async with proxy_on(down=constant(rate)) as proxy, server(give) as port:
            times = await asyncio.gather(*(fetch(proxy, port) for _ in range(3)))
            least = 3 * size * 8 / rate * 1500 / 1448
            assert max(times) >= least
            # Nobody is served first: all end about when the last does.
            assert min(times) > 0.75 * max(times)

    go(body)


def test_an_outage_holds_a_stream_up_to_its_end() -> None:
    async def body() -> None:
        async with proxy_on(up=with_outage(S // 2, S + S // 5)) as proxy, server(echo) as port:
            begun = time.monotonic_ns() * 1e-9
            reader, writer, reply, _ = await socks_to(proxy, "127.0.0.1", port)
            assert reply == 0
            await asyncio.sleep(max(0.0, begun + 0.6 - time.monotonic()))
            writer.write(b"late")
            assert await reader.readexactly(4) == b"late"
            assert time.monotonic() - begun >= 1.2 + 2 * DELAY_NS / S - 0.02
            writer.close()

    go(body)


def test_a_lost_segment_costs_its_stream_a_round_trip() -> None:
    async def body() -> None:
        async with proxy_on(up=constant(loss=1.0)) as proxy, server(echo) as port:
            reader, writer, reply, _ = await socks_to(proxy, "127.0.0.1", port)
            assert reply == 0
            before = time.monotonic()
            writer.write(b"again")
            assert await reader.readexactly(5) == b"again"
            assert time.monotonic() - before >= 4 * DELAY_NS / S
            assert proxy.summary()["up"]["lost"] >= 1
            writer.close()

    go(body)


@pytest.mark.parametrize("half", ["near", "far"])
def test_a_broken_connection_breaks_its_other_half(half: str) -> None:
    reset = struct.pack("ii", 1, 0)
    seen: list[bytes | str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(1)
        if half == "far":
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
            writer.transport.abort()
            return
        try:
            seen.append(await reader.read())
        except ConnectionError:
            seen.append("reset")

    async def body() -> None:
        async with proxy_on() as proxy, server(serve) as port:
            reader, writer, reply, _ = await socks_to(proxy, "127.0.0.1", port)
            assert reply == 0
            writer.write(b"x")
            await asyncio.sleep(0.15)
            if half == "near":
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
                writer.transport.abort()
                await asyncio.sleep(0.3)
                assert seen == ["reset"]
            else:
                with pytest.raises(ConnectionResetError):
                    assert await reader.read() == b"", "a broken connection looks like one that ended"
                writer.close()

    go(body)


@pytest.mark.parametrize(
    ("host", "port", "reply"), [("127.0.0.1", 1, 5), ("no-such-host.invalid", 80, 4), ("::1", 1, 5)]
)
def test_what_cannot_be_reached_is_said_in_socks_words(host: str, port: int, reply: int) -> None:
    async def body() -> None:
        async with proxy_on() as proxy:
            _, writer, said, _ = await socks_to(proxy, host, port)
            assert said == reply
            writer.close()

    go(body)


def test_what_is_no_socks_or_not_supported_is_turned_away() -> None:
    async def body() -> None:
        async with proxy_on() as proxy:
            for words in (b"\x04\x01\x00\x50\x7f\x00\x00\x01\x00", b"GET / HTTP/1.1\r\n\r\n", os.urandom(5000)[1:]):
                reader, writer = await asyncio.open_connection("127.0.0.1", proxy.ports["socks"])
                writer.write(b"\x00" + words if words[0] == 5 else words)
                with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
                    await reader.readexactly(1)
                writer.close()
            reader, writer = await asyncio.open_connection("127.0.0.1", proxy.ports["socks"])
            writer.write(b"\x05\x01\x02")  # user name and password only
            assert await reader.readexactly(2) == b"\x05\xff"
            writer.close()
            _, writer, said, _ = await socks_to(proxy, "127.0.0.1", 80, command=2)
            assert said == 7
            writer.close()

    go(body)


# HTTP


async def ask(port: int, words: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(words)
    answer = await reader.read()
    writer.close()
    return answer


def test_http_connect_and_plain_requests_cross_the_link() -> None:
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")

    async def body() -> None:
        async with proxy_on() as proxy, server(serve) as port:
            before = time.monotonic()
            plain = await ask(
                proxy.ports["http"],
                f"GET http://127.0.0.1:{port}/a?b=c HTTP/1.1\r\nHost: x\r\nProxy-Connection: close\r\n\r\n".encode(),
            )
            assert plain.endswith(b"\r\n\r\nhi")
            assert time.monotonic() - before >= 4 * DELAY_NS / S
            assert heads[0] == b"GET /a?b=c HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            reader, writer = await asyncio.open_connection("127.0.0.1", proxy.ports["http"])
            writer.write(f"CONNECT 127.0.0.1:{port} HTTP/1.1\r\n\r\n".encode())
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
            writer.write(b"GET / HTTP/1.1\r\n\r\n")
            assert (await reader.read()).endswith(b"hi")
            writer.close()

    go(body)


def test_http_errors_are_answers() -> None:
    async def body() -> None:
        async with proxy_on() as proxy:
            port = proxy.ports["http"]
            refused = await ask(port, b"CONNECT 127.0.0.1:1 HTTP/1.1\r\n\r\n")
            assert refused.startswith(b"HTTP/1.1 502 ")
            assert b"127.0.0.1:1: Connection refused" in refused
            for words in (
                b"HELLO\r\n\r\n",
                b"GET / HTTP/1.1\r\n\r\n",
                b"GET https://x/ HTTP/1.1\r\n\r\n",
                b"CONNECT nowhere HTTP/1.1\r\n\r\n",
                b"CONNECT x:99999999 HTTP/1.1\r\n\r\n",
                b"GET http://[::1/ HTTP/1.1\r\n\r\n",
                b"\xff" * 10 + b"\r\n\r\n",
                b"G" * 200_000,
            ):
                assert (await ask(port, words)).startswith(b"HTTP/1.1 400 "), words[:40]

    go(body)


# UDP


def udp_socket() -> socket.socket:
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    opened.bind(("127.0.0.1", 0))
    opened.setblocking(False)
    return opened


def test_datagrams_are_relayed_with_the_links_delay() -> None:
    async def body() -> None:
        async with proxy_on() as proxy, AsyncExitStack() as sockets:
            peer, here = sockets.enter_context(udp_socket()), sockets.enter_context(udp_socket())
            loop = asyncio.get_running_loop()
            _, writer, reply, relay = await socks_to(proxy, "0.0.0.0", 0, command=3)
            assert reply == 0
            target = wrap_datagram("127.0.0.1", peer.getsockname()[1], b"")
            for size in (0, 10, 1400, 6000):
                content = os.urandom(size)
                before = time.monotonic()
                here.sendto(target + content, relay)
                got, sender = await loop.sock_recvfrom(peer, 65536)
                assert got == content
                assert time.monotonic() - before >= DELAY_NS / S
                peer.sendto(content[::-1], sender)
                answer = await loop.sock_recv(here, 65536)
                assert unwrap_datagram(answer) == (Target("127.0.0.1", peer.getsockname()[1]), content[::-1])
                assert time.monotonic() - before >= 2 * DELAY_NS / S
            # Fragments and nonsense are dropped; the connection's end is the association's.
            here.sendto(b"\0\0\1" + target[3:] + b"part", relay)
            here.sendto(b"junk", relay)
            writer.close()
            await asyncio.sleep(0.2)
            here.sendto(target + b"after", relay)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(loop.sock_recv(peer, 65536), 0.2)
            assert proxy.summary()["associations"] == 1

    go(body)


def test_datagrams_are_lost_by_loss_outage_and_a_full_queue() -> None:
    async def counted(up: LinkTable, count: int, size: int) -> tuple[int, int]:
        async with proxy_on(up=up) as proxy, AsyncExitStack() as sockets:
            peer, here = sockets.enter_context(udp_socket()), sockets.enter_context(udp_socket())
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
            _, writer, _, relay = await socks_to(proxy, "0.0.0.0", 0, command=3)
            words = wrap_datagram("127.0.0.1", peer.getsockname()[1], bytes(size))
            for number in range(count):
                here.sendto(words, relay)
                if number % 20 == 19:
                    for _ in range(30):  # the relay reads one a turn; its own socket must not overflow
                        await asyncio.sleep(0)
            await asyncio.sleep(0.5)
            got = 0
            while True:
                try:
                    peer.recv(65536)
                except BlockingIOError:
                    break
                got += 1
            writer.close()
            return got, proxy.summary()["up"]["lost"]

    async def body() -> None:
        got, lost = await counted(constant(loss=0.3), 1000, 100)
        assert got + lost == 1000
        assert lost == pytest.approx(300, abs=75)  # five standard deviations
        assert await counted(with_outage(0, 100 * S), 50, 100) == (0, 50)
        # 1 Mbit/s: a queue of 24,000 bytes is all that waits of 200 x 1028 sent at once.
        got, lost = await counted(constant(1e6), 200, 1000)
        assert 20 <= got <= 40
        assert lost >= 100

    go(body)


def test_datagrams_of_others_are_not_relayed() -> None:
    assert unwrap_datagram(b"\0\0\0\x01\x7f") is None
    assert unwrap_datagram(b"\0\0\0\x03\x05ab") is None
    assert unwrap_datagram(b"\0\0\0\x09abcdefgh") is None
    assert unwrap_datagram(b"\0\0\0\x03\x01a\x00\x50data") == (Target("a", 80), b"data")
    assert unwrap_datagram(wrap_datagram("::1", 53, b"q")) == (Target("::1", 53), b"q")


# The whole program


def test_the_command_serves_and_ends_with_ctrl_c(tmp_path: Path) -> None:
    trace = tmp_path / "link.json"
    table = LinkTable(
        np.zeros(1, np.int64), np.array([DELAY_NS]), np.array([50e6]), np.zeros(1), np.zeros(1, np.bool_), S
    )
    write_trace(plain_trace("link", "", table, table), trace)
    command = ["-m", "skyhaul", "proxy", "there", "--trace", str(trace), "--http", "0", "--no-status"]
    process = subprocess.Popen([sys.executable, *command], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        lines = [process.stderr.readline() for _ in range(2)]
        assert lines[0] == "skyhaul: behind there; Ctrl-C ends it\n"
        port = int(lines[1].rpartition(":")[2].split()[0])

        def serve(listening: socket.socket) -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(100)
                connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + bytes(1000))

        with socket.create_server(("127.0.0.1", 0)) as listening:
            thread = threading.Thread(target=serve, args=(listening,))
            thread.start()
            with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
                client.sendall(f"GET http://127.0.0.1:{listening.getsockname()[1]}/ HTTP/1.1\r\n\r\n".encode())
                got = b""
                while part := client.recv(4096):
                    got += part
            thread.join()
        assert len(got) == 1019
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
        assert process.wait(10) == 0
        assert rest.startswith("skyhaul: 1 connections and 0 UDP associations in ")
        assert len(rest.splitlines()) == 1
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def test_a_port_in_use_and_wrong_options_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trace = tmp_path / "t.csv"
    trace.write_text("time,rtt_ms\n0,20\n1,20\n")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert run(["proxy", "x", "--trace", str(trace), "--socks", str(port), "--no-status"]) == 1
    said = capsys.readouterr().err
    assert said == (
        f"skyhaul: --socks: cannot listen on 127.0.0.1 port {port}: Address already in use"
        " (another port, or 0 for any)\n"
    )
    assert run(["proxy", "kiev", "--socks", "0"]) == 1
    assert "near names: “kyiv”" in capsys.readouterr().err
    assert run(["proxy", "x", "--trace", str(trace), "--live"]) == 2
    assert run(["proxy", "x", "--socks", "70000"]) == 2
    with pytest.raises(InputError):
        ProxyOptions(None, None)


def test_the_proxy_follows_a_planned_source(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("time,rtt_ms\n0,60\n1,60\n")

    async def body(source: PlannedSource) -> None:
        async with Proxy(source, ProxyOptions(0, None, quiet=True)) as proxy, server(echo) as port:
            before = time.monotonic()
            _, writer, reply, _ = await socks_to(proxy, "127.0.0.1", port)
            assert reply == 0
            assert time.monotonic() - before >= 0.06
            await asyncio.sleep(2.5)  # past the first new window
            assert proxy.link._tables[0].time_ns[-1] > time.monotonic_ns() + 5 * S
            writer.close()

    with trace_source(path) as source:
        source.ready()
        go(lambda: body(source))


def test_a_bad_address_to_listen_on_is_an_error() -> None:
    async def body() -> None:
        with pytest.raises(SkyhaulError, match="cannot listen on 203"):
            async with Proxy(FixedSource(constant(), constant()), ProxyOptions(0, None, "203.0.113.1", quiet=True)):
                pass

    go(body)
