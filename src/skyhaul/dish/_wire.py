"""Long lists of numbers as they travel, without a Python object for each."""

from __future__ import annotations

from skyhaul.dish._history import Singles

_LENGTH_DELIMITED = 2  # wire type of packed repeated fields


def packed(field: int, values: Singles) -> bytes:
    """A packed `repeated float` field: its key, its length, and the numbers, little end first."""
    data = values.astype("<f4", copy=False).tobytes()
    return _varint(field << 3 | _LENGTH_DELIMITED) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
