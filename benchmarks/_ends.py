"""The two ends of each transport, run as programs in a world; times are CLOCK_MONOTONIC, which both ends share.

_ends.py tcp-serve PORT CONTROL SECONDS FILE    send for so long to the first who connects
_ends.py tcp-fetch HOST PORT FILE               receive until the other end closes
_ends.py quic-serve PORT SECONDS FILE           the same over QUIC (aioquic, Cubic)
_ends.py quic-fetch HOST PORT FILE
_ends.py video-send HOST PORT SECONDS           frames in datagrams, paced
_ends.py video-receive PORT SECONDS FILE        which datagrams came, and when

FILE gets what was seen, as JSON, when the end is done.
"""

from __future__ import annotations

import array
import asyncio
import json
import random
import socket
import struct
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

BIN_NS = 10_000_000
GAP_NS = 50_000_000  # waits of a program for its next byte that are noted
_SAMPLE_S = 0.05
_CHUNK = 1 << 18
_PATIENCE_S = 15.0

FRAMES_A_SECOND = 30
VIDEO_BPS = 2_500_000.0
KEY_EVERY, KEY_SIZE = 90, 4.0  # a key frame every 3 s, four times as large as others
DATAGRAM = 1200  # bytes of UDP payload; WebRTC keeps below 1,250 for IPv6 and tunnels
PACED_SHARE = 0.5  # a frame's datagrams are spread over this share of the time to the next frame
HEADER = struct.Struct("!IHHq")  # frame, datagram of it, how many it has, time of capture


def video_frames(seconds: float) -> list[int]:
    """Bytes of each frame: a fixed mean rate, sizes of all but key frames drawn 30 % about their mean."""
    draw = random.Random(7)
    mean = VIDEO_BPS / 8 / FRAMES_A_SECOND
    plain = mean * KEY_EVERY / (KEY_EVERY - 1 + KEY_SIZE)
    return [
        int(plain * (KEY_SIZE if number % KEY_EVERY == 0 else max(0.2, draw.gauss(1.0, 0.3))))
        for number in range(int(seconds * FRAMES_A_SECOND))
    ]


class Received:
    """Bytes that a program got, in bins, and how long it waited for some."""

    def __init__(self) -> None:
        self.begin = self.last = time.monotonic_ns()
        self._bins: dict[int, int] = {}
        self._gaps: list[tuple[int, int]] = []
        self.total = 0

    def add(self, size: int) -> None:
        now = time.monotonic_ns()
        if now - self.last >= GAP_NS and self.total:
            self._gaps.append((self.last, now - self.last))
        self.last = now
        self.total += size
        self._bins[now // BIN_NS] = self._bins.get(now // BIN_NS, 0) + size

    def document(self) -> dict[str, Any]:
        return {"bytes": self.total, "bins": sorted(self._bins.items()), "gaps": self._gaps, "end": self.last}


def tcp_serve(port: int, control: str, seconds: float, path: Path) -> None:
    with socket.create_server(("", port)) as listener:
        listener.settimeout(_PATIENCE_S)
        # Before it listens on: a socket that is accepted has its listener's congestion control.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, control.encode())
        sock, _ = listener.accept()
    samples: list[tuple[int, int, int, int]] = []
    done = threading.Event()

    def watch() -> None:
        while not done.wait(_SAMPLE_S):
            samples.append(_tcp_sample(sock))

    watcher = threading.Thread(target=watch)
    watcher.start()
    data, end = bytes(_CHUNK), time.monotonic() + seconds
    while time.monotonic() < end:
        sock.sendall(data)
    samples.append(_tcp_sample(sock))
    done.set()
    watcher.join()
    used = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16).rstrip(b"\0").decode()
    sock.close()
    _keep(path, {"control": used, "samples": samples})


def _tcp_sample(sock: socket.socket) -> tuple[int, int, int, int]:
    """Time, smoothed round-trip time in µs, segments of the window, segments retransmitted so far, from struct tcp_info
    of linux/tcp.h: eight bytes, then words of four; tcpi_rtt is the 16th, tcpi_snd_cwnd the 19th, tcpi_total_retrans
    the 24th of those."""
    info = struct.unpack_from("8x24I", sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104))
    return time.monotonic_ns(), info[15], info[18], info[23]


def tcp_fetch(host: str, port: int, path: Path) -> None:
    sock = _connected(host, port)
    buffer, received = memoryview(bytearray(_CHUNK)), Received()
    while size := sock.recv_into(buffer):
        received.add(size)
    _keep(path, received.document())


def _connected(host: str, port: int) -> socket.socket:
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            return socket.create_connection((host, port), timeout=_PATIENCE_S)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def quic_serve(port: int, seconds: float, path: Path) -> None:
    from aioquic.asyncio.protocol import QuicConnectionProtocol
    from aioquic.asyncio.server import serve
    from aioquic.quic.congestion.base import register_congestion_control
    from aioquic.quic.congestion.cubic import CubicCongestionControl
    from aioquic.quic.events import QuicEvent, StreamDataReceived

    samples: list[tuple[int, int, int, int]] = []
    ended = asyncio.Event()

    class Watched(CubicCongestionControl):
        """Cubic that notes each measured round-trip time and how many packets were taken for lost."""

        lost = 0

        def on_packets_lost(self, *, now: float, packets: Iterable[Any]) -> None:
            gone = list(packets)
            self.lost += len(gone)
            super().on_packets_lost(now=now, packets=gone)

        def on_rtt_measurement(self, *, now: float, rtt: float) -> None:
            at = time.monotonic_ns()
            if not samples or at - samples[-1][0] >= _SAMPLE_S * 1e9:
                samples.append((at, int(rtt * 1e6), self.congestion_window // DATAGRAM, self.lost))
            super().on_rtt_measurement(now=now, rtt=rtt)

    register_congestion_control("watched", Watched)

    class Server(QuicConnectionProtocol):
        def quic_event_received(self, event: QuicEvent) -> None:
            if isinstance(event, StreamDataReceived) and event.end_stream:
                self._sending = asyncio.ensure_future(self._send(event.stream_id))

        async def _send(self, stream: int) -> None:
            data, end = bytes(1 << 16), time.monotonic() + seconds
            while time.monotonic() < end:
                self._quic.send_stream_data(stream, data)
                self.transmit()
                await asyncio.sleep(0)
                while _buffered(self._quic, stream) > 1 << 20 and time.monotonic() < end:
                    await asyncio.sleep(0.001)
            self._quic.reset_stream(stream, 0)
            self.transmit()
            ended.set()

    async def run() -> None:
        server = await serve("::", port, configuration=_quic_identity(), create_protocol=Server)
        await asyncio.wait_for(ended.wait(), seconds + 2 * _PATIENCE_S)
        await asyncio.sleep(0.5)
        server.close()

    asyncio.run(run())
    _keep(path, {"control": "cubic", "samples": samples})


def _buffered(quic: Any, stream: int) -> int:
    """Bytes that a stream holds and that are not acknowledged."""
    sender = quic._streams[stream].sender
    return int(sender._buffer_stop - sender._buffer_start)


def _quic_identity() -> Any:
    from datetime import UTC, datetime, timedelta

    from aioquic.quic.configuration import QuicConfiguration
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "server")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .sign(key, hashes.SHA256())
    )
    return QuicConfiguration(
        is_client=False,
        alpn_protocols=["bulk"],
        certificate=certificate,
        private_key=key,
        congestion_control_algorithm="watched",
    )


def quic_fetch(host: str, port: int, path: Path) -> None:
    import ssl

    from aioquic.asyncio.client import connect
    from aioquic.asyncio.protocol import QuicConnectionProtocol
    from aioquic.quic.configuration import QuicConfiguration
    from aioquic.quic.events import ConnectionTerminated, QuicEvent, StreamDataReceived, StreamReset

    received = Received()
    ended = asyncio.Event()

    class Client(QuicConnectionProtocol):
        def quic_event_received(self, event: QuicEvent) -> None:
            if isinstance(event, StreamDataReceived):
                received.add(len(event.data))
            elif isinstance(event, StreamReset | ConnectionTerminated):
                ended.set()

    async def run() -> None:
        configuration = QuicConfiguration(
            alpn_protocols=["bulk"], verify_mode=ssl.CERT_NONE, max_data=1 << 24, max_stream_data=1 << 24
        )
        async with connect(host, port, configuration=configuration, create_protocol=Client) as client:
            quic = client._quic
            quic.send_stream_data(quic.get_next_available_stream_id(), b"send", end_stream=True)
            client.transmit()
            await ended.wait()

    asyncio.run(run())
    _keep(path, received.document())


def video_send(host: str, port: int, seconds: float) -> None:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.connect((host, port))
    begin = time.monotonic_ns() + 200_000_000
    for number, size in enumerate(video_frames(seconds)):
        captured = begin + number * 1_000_000_000 // FRAMES_A_SECOND
        parts = [min(DATAGRAM, size - offset) for offset in range(0, size, DATAGRAM)]
        apart = int(PACED_SHARE * 1e9 / FRAMES_A_SECOND / len(parts))
        for part, length in enumerate(parts):
            wait = captured + part * apart - time.monotonic_ns()
            if wait > 0:
                time.sleep(wait / 1e9)
            sock.send(HEADER.pack(number, part, len(parts), captured) + bytes(max(0, length - HEADER.size)))


def video_receive(port: int, seconds: float, path: Path) -> None:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("", port))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    columns = [array.array("q") for _ in range(5)]
    last = int(seconds * FRAMES_A_SECOND) - 1
    end = time.monotonic() + seconds + _PATIENCE_S
    sock.settimeout(_PATIENCE_S)
    try:
        while time.monotonic() < end:
            data = sock.recv(2048)
            now = time.monotonic_ns()
            for column, value in zip(columns, (*HEADER.unpack_from(data), now), strict=True):
                column.append(value)
            if columns[0][-1] == last:
                sock.settimeout(1.0)  # what is still on the way
    except TimeoutError:
        pass
    _keep(path, {"datagrams": [column.tolist() for column in columns]})


def _keep(path: Path, document: dict[str, Any]) -> None:
    part = path.with_suffix(".part")
    part.write_text(json.dumps(document), encoding="ascii")
    part.rename(path)


def main(words: list[str]) -> None:
    kind, *rest = words
    if kind == "tcp-serve":
        tcp_serve(int(rest[0]), rest[1], float(rest[2]), Path(rest[3]))
    elif kind == "tcp-fetch":
        tcp_fetch(rest[0], int(rest[1]), Path(rest[2]))
    elif kind == "quic-serve":
        quic_serve(int(rest[0]), float(rest[1]), Path(rest[2]))
    elif kind == "quic-fetch":
        quic_fetch(rest[0], int(rest[1]), Path(rest[2]))
    elif kind == "video-send":
        video_send(rest[0], int(rest[1]), float(rest[2]))
    elif kind == "video-receive":
        video_receive(int(rest[0]), float(rest[1]), Path(rest[2]))
    else:
        raise SystemExit(f"no end is called {kind}")


if __name__ == "__main__":
    main(sys.argv[1:])
