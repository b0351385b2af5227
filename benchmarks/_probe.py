"""One-way delay of a link, measured from outside it: a program for each end, in one machine and on one clock.

Standard library only, and run by its path: any user's Python will do.

    _probe.py receive FILE                  wait for datagrams; write (sent_ns, received_ns) pairs as JSON
    _probe.py send HOST COUNT INTERVAL_US   send them, with gaps drawn evenly from half to one and a half intervals
"""

import json
import os
import random
import socket
import struct
import sys
import time

PORT = 7009
SIZE = 200  # bytes of UDP payload
_TIMESTAMPNS = 35  # SO_TIMESTAMPNS, asm-generic/socket.h: the kernel's time of reception, CLOCK_REALTIME
_LAST = (1 << 32) - 1


def receive(path: str) -> None:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("", PORT))
    sock.setsockopt(socket.SOL_SOCKET, _TIMESTAMPNS, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    pairs = []
    while True:
        data, control, _, _ = sock.recvmsg(2048, 256)
        number, sent = struct.unpack_from("!Iq", data)
        if number == _LAST:
            break
        second, nanosecond = struct.unpack_from("qq", control[0][2])
        pairs.append((number, sent, second * 1_000_000_000 + nanosecond))
    with open(path + ".part", "w", encoding="ascii") as file:  # noqa: PTH123
        json.dump(pairs, file)
    os.rename(path + ".part", path)  # noqa: PTH104


def send(host: str, count: int, interval_us: int) -> None:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.connect((host, PORT))
    draw = random.Random(7)
    due = time.monotonic()
    rest = bytes(SIZE - 12)
    for number in [*range(count), _LAST, _LAST]:
        due += interval_us * (0.5 + draw.random()) / 1e6
        wait = due - time.monotonic()
        if number == _LAST:
            wait = 0.3  # what is under way comes in before the end
        if wait > 0:
            time.sleep(wait)
        try:
            sock.send(struct.pack("!Iq", number, time.time_ns()) + rest)
        except ConnectionRefusedError:
            continue


if __name__ == "__main__":
    if sys.argv[1] == "receive":
        receive(sys.argv[2])
    else:
        send(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
