"""Small programs to run at the ends of a link: text for `python3 -c`, so that any user's Python can run them."""

from __future__ import annotations

import shlex

ECHO = """
import os, socket
sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
sock.bind(("::", 7007))
while True:
    data, who = sock.recvfrom(65536)
    sock.sendto(data, who)
"""

# Prints as JSON: the round-trip times in ms of `count` datagrams, none for those that did not come back.
PROBE = """
import json, os, socket, sys, time
count, gap = int(sys.argv[1]), float(sys.argv[2])
host = sys.argv[3] if len(sys.argv) > 3 else os.environ["SKYHAUL_FAR"]
family = socket.AF_INET6 if ":" in host else socket.AF_INET
sock = socket.socket(family, socket.SOCK_DGRAM)
sock.connect((host, 7007))
sent, times = {}, [None] * count
deadline = time.monotonic() + count * gap + 1.0
number, due = 0, time.monotonic()
while time.monotonic() < deadline and None in times:
    now = time.monotonic()
    if number < count and now >= due:
        sent[number] = time.monotonic()
        sock.send(number.to_bytes(4, "big") + bytes(96))
        number, due = number + 1, due + gap
        continue
    sock.settimeout(max(0.0005, min(deadline, due if number < count else deadline) - now))
    try:
        got = int.from_bytes(sock.recv(2000)[:4], "big")
        times[got] = (time.monotonic() - sent[got]) * 1e3
    except (TimeoutError, ConnectionRefusedError):
        pass
print(json.dumps(times))
"""

# Serves `bytes` of a fixed sequence to one who connects; the client prints their digest and the seconds they took.
SERVE = """
import hashlib, socket, sys
data = b"".join(hashlib.sha256(i.to_bytes(8, "big")).digest() for i in range(int(sys.argv[1]) // 32))
server = socket.create_server(("", 7008))
while True:
    peer, _ = server.accept()
    peer.sendall(data)
    peer.close()
"""
FETCH = """
import hashlib, json, os, socket, time
peer = socket.create_connection((os.environ["SKYHAUL_FAR"], 7008), timeout=20)
digest, size, start = hashlib.sha256(), 0, time.monotonic()
while data := peer.recv(1 << 16):
    digest.update(data)
    size += len(data)
print(json.dumps([digest.hexdigest(), size, time.monotonic() - start]))
"""

LOOK = """
import json, os, socket
print(json.dumps({"uid": os.getuid(), "pid": os.getpid(), "cwd": os.getcwd(), "near": os.environ["SKYHAUL_NEAR"],
                  "devices": sorted(name for _, name in socket.if_nameindex()), "extra": os.environ.get("EXTRA"),
                  "resolv": open("/etc/resolv.conf").read() if os.path.exists("/etc/resolv.conf") else ""}))
"""

ELSEWHERE = """
import socket, time
start = time.monotonic()
try:
    socket.create_connection(("192.0.2.1", 80), timeout=10)
    print("connected")
except OSError as error:
    print(error.strerror, time.monotonic() - start < 5)
"""


def python(program: str, *arguments: object, interpreter: str = "python3") -> list[str]:
    """The words that run a program."""
    return [interpreter, "-c", program, *(str(argument) for argument in arguments)]


def words(program: str, *arguments: object, interpreter: str = "python3") -> str:
    """The same as one word of a shell."""
    return shlex.join(python(program, *arguments, interpreter=interpreter))
