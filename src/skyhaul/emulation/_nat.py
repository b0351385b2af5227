"""Address translation where a network leads out, by nf_tables itself (<linux/netfilter/nf_tables.h>): what
`nft add rule … oifname … masquerade` does, without needing it to be installed.

Every call acts on the network namespace that the calling thread is in, and goes with it.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Sequence

_NETLINK_NETFILTER = 12
_SUBSYSTEM, _BATCH_BEGIN, _BATCH_END = 10, 16, 17
_NEW_TABLE, _NEW_CHAIN, _NEW_RULE = 0, 3, 6
_REQUEST, _ACK, _CREATE, _APPEND = 0x1, 0x4, 0x400, 0x800
_ERROR, _NESTED = 2, 0x8000
_TABLE_NAME = 1
_CHAIN_TABLE, _CHAIN_NAME, _CHAIN_HOOK, _CHAIN_TYPE = 1, 3, 4, 7
_HOOK_NUMBER, _HOOK_PRIORITY = 1, 2
_LOCAL_IN, _POSTROUTING, _SOURCE_PRIORITY = 1, 4, 100
_RULE_TABLE, _RULE_CHAIN, _RULE_EXPRESSIONS = 1, 2, 4
_LIST_ELEMENT, _EXPRESSION_NAME, _EXPRESSION_DATA = 1, 1, 2
_META_TO, _META_KEY, _OUT_NAME = 1, 2, 7
_COMPARE_FROM, _COMPARE_HOW, _COMPARE_WITH, _EQUAL, _DIFFERENT, _DATA_VALUE = 1, 2, 3, 0, 1, 1
_STATE_TO, _STATE_KEY, _STATE, _INVALID = 1, 2, 0, 1
_MASK_FROM, _MASK_TO, _MASK_LENGTH, _MASK_WITH, _MASK_XOR = 1, 2, 3, 4, 5
_VERDICT_TO, _VERDICT, _VERDICT_REGISTER, _DATA_VERDICT, _VERDICT_CODE, _DROP = 1, 2, 0, 2, 1, 0
_REGISTER = 1
_NAME_SIZE = 16  # IFNAMSIZ
_TABLE = b"skyhaul\0"


def masquerade(device: str) -> bool:
    """Give IPv4 packets that leave by `device` that device's own address; False where the kernel cannot.

    What belongs to no connection is dropped, where the kernel would say that there is none, and so end one that is
    there: pasta of 2023 sends segments without any flag.
    """
    name = device.encode().ljust(_NAME_SIZE, b"\0")
    translate = (
        _expression(b"meta", _numbers(_META_TO, _REGISTER, _META_KEY, _OUT_NAME)),
        _expression(b"cmp", _numbers(_COMPARE_FROM, _REGISTER, _COMPARE_HOW, _EQUAL) + _value(_COMPARE_WITH, name)),
        _expression(b"masq", b""),
    )
    mask = _numbers(_MASK_FROM, _REGISTER, _MASK_TO, _REGISTER, _MASK_LENGTH, 4)
    mask += _value(_MASK_WITH, struct.pack("=I", _INVALID)) + _value(_MASK_XOR, bytes(4))
    differs = _numbers(_COMPARE_FROM, _REGISTER, _COMPARE_HOW, _DIFFERENT) + _value(_COMPARE_WITH, bytes(4))
    verdict = _attribute(_DATA_VERDICT | _NESTED, _numbers(_VERDICT_CODE, _DROP))
    refuse = (
        _expression(b"ct", _numbers(_STATE_TO, _REGISTER, _STATE_KEY, _STATE)),
        _expression(b"bitwise", mask),
        _expression(b"cmp", differs),
        _expression(b"immediate", _numbers(_VERDICT_TO, _VERDICT_REGISTER) + _attribute(_VERDICT | _NESTED, verdict)),
    )
    steps = (
        (_NEW_TABLE, 0, _attribute(_TABLE_NAME, _TABLE)),
        (_NEW_CHAIN, 0, _chain(b"out\0", b"nat\0", _POSTROUTING, _SOURCE_PRIORITY)),
        (_NEW_RULE, _APPEND, _rule(b"out\0", translate)),
        (_NEW_CHAIN, 0, _chain(b"in\0", b"filter\0", _LOCAL_IN, 0)),
        (_NEW_RULE, _APPEND, _rule(b"in\0", refuse)),
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


def _chain(name: bytes, kind: bytes, where: int, priority: int) -> bytes:
    hook = _numbers(_HOOK_NUMBER, where, _HOOK_PRIORITY, priority)
    body = _attribute(_CHAIN_TABLE, _TABLE) + _attribute(_CHAIN_NAME, name)
    return body + _attribute(_CHAIN_HOOK | _NESTED, hook) + _attribute(_CHAIN_TYPE, kind)


def _rule(chain: bytes, expressions: Sequence[bytes]) -> bytes:
    body = _attribute(_RULE_TABLE, _TABLE) + _attribute(_RULE_CHAIN, chain)
    return body + _attribute(_RULE_EXPRESSIONS | _NESTED, b"".join(expressions))


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


def _numbers(*pairs: int) -> bytes:
    """Attributes that are 32-bit numbers, from kinds and numbers by turns."""
    kinds, values = pairs[::2], pairs[1::2]
    return b"".join(_attribute(kind, struct.pack(">I", value)) for kind, value in zip(kinds, values, strict=True))


def _value(kind: int, data: bytes) -> bytes:
    return _attribute(kind | _NESTED, _attribute(_DATA_VALUE, data))
