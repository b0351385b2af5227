"""Sends datagrams through a link faster than it takes them, or receives them: numbers and times of reception. Only the
standard library.

_flood.py receive FILE                               until the last one: FILE gets numbers and CLOCK_REALTIME ns, int64
_flood.py send HOST BITS_A_SECOND SECONDS PAYLOAD    super-packets where the kernel has UDP_SEGMENT (linux/udp.h)
"""

import array
import os
import socket
import struct
import sys
import time

PORT = 7011
LAST = (1 << 32) - 1
SEGMENTS = 44  # of a super-packet at most: 64 kB
_UDP_SEGMENT = 103
_TIMESTAMPNS = 35  # SO_TIMESTAMPNS, asm-generic/socket.h
_RCVBUFFORCE = 33
_BURST_S = 0.002
_HEADERS = 28  # IPv4 and UDP
_ROOM = 256 << 20


def receive(path: str) -> None:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("", PORT))
    sock.setsockopt(socket.SOL_SOCKET, _TIMESTAMPNS, 1)
    try:
        sock.setsockopt(socket.SOL_SOCKET, _RCVBUFFORCE, _ROOM)
    except PermissionError:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _ROOM)
    found = array.array("q")
    number, stamp = struct.Struct("!I"), struct.Struct("qq")
    while True:
        data, control, _, _ = sock.recvmsg(2048, 64)
        (value,) = number.unpack_from(data)
        if value == LAST:
            break
        second, nanosecond = stamp.unpack_from(control[0][2])
        found.append(value)
        found.append(second * 1_000_000_000 + nanosecond)
    with open(path + ".part", "wb") as file:  # noqa: PTH123
        found.tofile(file)
    os.rename(path + ".part", path)  # noqa: PTH104


def send(host: str, bits_a_second: float, seconds: float, payload: int) -> None:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.connect((host, PORT))
    sock.setsockopt(socket.SOL_UDP, _UDP_SEGMENT, payload)
    a_second = bits_a_second / 8 / (payload + _HEADERS)
    burst = max(1, min(SEGMENTS, int(a_second * _BURST_S)))
    rest = bytes(payload - 4)
    number = 0
    due = time.monotonic()
    end = due + seconds
    while due < end:
        wait = due - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        sock.send(b"".join(value.to_bytes(4, "big") + rest for value in range(number, number + burst)))
        number += burst
        due += burst / a_second
    for _ in range(3):
        time.sleep(0.6)  # what waits in the link's queue comes before
        try:
            sock.send(LAST.to_bytes(4, "big") + rest)
        except ConnectionRefusedError:
            break  # the receiver has ended
    print(number, burst, file=sys.stderr)


if __name__ == "__main__":
    if sys.argv[1] == "receive":
        receive(sys.argv[2])
    else:
        send(sys.argv[2], float(sys.argv[3]), float(sys.argv[4]), int(sys.argv[5]))
