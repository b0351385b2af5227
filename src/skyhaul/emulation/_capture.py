"""Packets at the program's end of a link, written to a file that Wireshark and tcpdump read."""

from __future__ import annotations

import socket
import struct
import threading
from pathlib import Path

from skyhaul.errors import OutputError

# pcap with nanosecond times (draft-ietf-opsawg-pcap-04, sections 4 and 5), link type RAW: each packet an IP packet.
_MAGIC, _LINKTYPE_RAW = 0xA1B23C4D, 101
_SNAP = 65_536
_ETH_P_ALL = 3
_SO_TIMESTAMPNS = 35
_SOL_PACKET, _PACKET_STATISTICS = 263, 6
_RECEIVE_BUFFER = 16 << 20


class Capture:
    """Writes every packet of a device of the calling thread's network namespace to `path`, both ways, until `stop`.

    With offload, a super-packet is one packet of up to 64 kB, as tcpdump shows it.
    """

    def __init__(self, path: Path, device: str) -> None:
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC, 0)
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        self._socket.settimeout(0.1)
        self._socket.bind((device, _ETH_P_ALL))
        try:
            self._file = path.open("wb")
        except OSError as error:
            raise OutputError(f"cannot be written: {error.strerror}", where=str(path)) from error
        self._file.write(struct.pack("<IHHiIII", _MAGIC, 2, 4, 0, 0, _SNAP, _LINKTYPE_RAW))
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="skyhaul-capture", daemon=True)
        self._thread.start()

    def stop(self) -> int:
        """End the file; the number of packets that came too fast for it."""
        self._stopping = True
        self._thread.join()
        _, missed = struct.unpack("II", self._socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8))
        self._socket.close()
        self._file.close()
        return int(missed)

    def _run(self) -> None:
        space = socket.CMSG_SPACE(16)
        while True:
            try:
                packet, control, _, _ = self._socket.recvmsg(_SNAP, space)
            except TimeoutError:
                if self._stopping:
                    return
                continue
            except OSError:  # the device has gone
                return
            seconds = nanoseconds = 0
            for level, kind, data in control:
                if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS:
                    seconds, nanoseconds = struct.unpack("qq", data)
            self._file.write(struct.pack("<IIII", seconds, nanoseconds, len(packet), len(packet)) + packet)
