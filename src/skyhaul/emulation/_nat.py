"""Address translation where a network leads out, by nf_tables itself (<linux/netfilter/nf_tables.h>): what
`nft add rule … oifname … masquerade` does, without needing it to be installed.

Every call acts on the network namespace that the calling thread is in, and goes with it.
"""

from __future__ import annotations

import os
import socket
import struct

_NETLINK_NETFILTER = 12
_SUBSYSTEM, _BATCH_BEGIN, _BATCH_END = 10, 16, 17
_NEW_TABLE, _NEW_CHAIN, _NEW_RULE = 0, 3, 6
_REQUEST, _ACK, _CREATE, _APPEND = 0x1, 0x4, 0x400, 0x800
_ERROR, _NESTED = 2, 0x8000
_TABLE_NAME = 1
_CHAIN_TABLE, _CHAIN_NAME, _CHAIN_HOOK, _CHAIN_TYPE = 1, 3, 4, 7
_HOOK_NUMBER, _HOOK_PRIORITY = 1, 2
_POSTROUTING, _SOURCE_PRIORITY = 4, 100
_RULE_TABLE, _RULE_CHAIN, _RULE_EXPRESSIONS = 1, 2, 4
_LIST_ELEMENT, _EXPRESSION_NAME, _EXPRESSION_DATA = 1, 1, 2
_META_TO, _META_KEY, _OUT_NAME = 1, 2, 7
_COMPARE_FROM, _COMPARE_HOW, _COMPARE_WITH, _EQUAL, _DATA_VALUE = 1, 2, 3, 0, 1
_REGISTER = 1
_NAME_SIZE = 16  # IFNAMSIZ
_TABLE, _CHAIN = b"skyhaul\0", b"out\0"


def masquerade(device: str) -> bool:
    """Give IPv4 packets that leave by `device` that device's own address; False where the kernel cannot."""
    name = device.encode().ljust(_NAME_SIZE, b"\0")
    hook = _attribute(_HOOK_NUMBER, _word(_POSTROUTING)) + _attribute(_HOOK_PRIORITY, _word(_SOURCE_PRIORITY))
    rule = b"".join(
        (
            _expression(b"meta", _attribute(_META_TO, _word(_REGISTER)) + _attribute(_META_KEY, _word(_OUT_NAME))),
            _expression(
                b"cmp",
                _attribute(_COMPARE_FROM, _word(_REGISTER))
                + _attribute(_COMPARE_HOW, _word(_EQUAL))
                + _attribute(_COMPARE_WITH | _NESTED, _attribute(_DATA_VALUE, name)),
            ),
            _expression(b"masq", b""),
        )
    )
    steps = (
        (_NEW_TABLE, 0, _attribute(_TABLE_NAME, _TABLE)),
        (
            _NEW_CHAIN,
            0,
            _attribute(_CHAIN_TABLE, _TABLE)
            + _attribute(_CHAIN_NAME, _CHAIN)
            + _attribute(_CHAIN_HOOK | _NESTED, hook)
            + _attribute(_CHAIN_TYPE, b"nat\0"),
        ),
        (
            _NEW_RULE,
            _APPEND,
            _attribute(_RULE_TABLE, _TABLE)
            + _attribute(_RULE_CHAIN, _CHAIN)
            + _attribute(_RULE_EXPRESSIONS | _NESTED, rule),
        ),
    )
    batch = _message(_BATCH_BEGIN, _REQUEST, 0, socket.AF_UNSPEC, b"")
    for number, (kind, flags, body) in enumerate(steps, 1):
        flags |= _REQUEST | _ACK | _CREATE
        batch += _message(_SUBSYSTEM << 8 | kind, flags, number, socket.AF_INET, body)
    batch += _message(_BATCH_END, _REQUEST, len(steps) + 1, socket.AF_UNSPEC, b"")
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_NETFILTER) as opened:
            opened.bind((0, 0))
            opened.send(batch)
            _expect(opened, len(steps))
    except OSError:
        return False
    return True


def _expect(opened: socket.socket, answers: int) -> None:
    """Take one good answer to each step; OSError for the first that is not."""
    while answers:
        data = opened.recv(65536)
        at = 0
        while at + 20 <= len(data):
            length, kind = struct.unpack_from("=IH", data, at)
            if kind == _ERROR:
                (code,) = struct.unpack_from("=i", data, at + 16)
                if code:
                    raise OSError(-code, os.strerror(-code))
                answers -= 1
            at += max(16, length + -length % 4)


def _message(kind: int, flags: int, sequence: int, family: int, body: bytes) -> bytes:
    # struct nfgenmsg: family, version, and the subsystem where the message is a batch's frame.
    return struct.pack("=IHHII", 20 + len(body), kind, flags, sequence, 0) + struct.pack(">BBH", family, 0, 10) + body


def _expression(name: bytes, data: bytes) -> bytes:
    body = _attribute(_EXPRESSION_NAME, name + b"\0") + _attribute(_EXPRESSION_DATA | _NESTED, data)
    return _attribute(_LIST_ELEMENT | _NESTED, body)


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def _word(value: int) -> bytes:
    return struct.pack(">I", value)
