"""RFC 9162 section 2.1 written down as it stands there, recursively and slowly: the oracle of these tests.

It shares no code with the log: hashes, roots, proofs and their verification by rebuilding the root from the proof.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256


def mth(entries: Sequence[bytes]) -> bytes:
    """2.1.1: Merkle Tree Hash of a list of entries."""
    if not entries:
        return sha256(b"").digest()
    if len(entries) == 1:
        return sha256(b"\x00" + entries[0]).digest()
    k = split(len(entries))
    return pair(mth(entries[:k]), mth(entries[k:]))


def path(m: int, entries: Sequence[bytes]) -> list[bytes]:
    """2.1.3.1: PATH(m, D[n])."""
    if len(entries) == 1:
        return []
    k = split(len(entries))
    if m < k:
        return [*path(m, entries[:k]), mth(entries[k:])]
    return [*path(m - k, entries[k:]), mth(entries[:k])]


def subproof(m: int, entries: Sequence[bytes], whole: bool = True) -> list[bytes]:
    """2.1.4.1: SUBPROOF(m, D[n], b); PROOF(m, D[n]) is SUBPROOF(m, D[n], true)."""
    if m == len(entries):
        return [] if whole else [mth(entries)]
    k = split(len(entries))
    if m <= k:
        return [*subproof(m, entries[:k], whole), mth(entries[k:])]
    return [*subproof(m - k, entries[k:], False), mth(entries[:k])]


def included_root(m: int, n: int, entry: bytes, proof: list[bytes]) -> bytes:
    """The root that an inclusion proof leads to, by undoing `path`; IndexError where it is too short."""
    if n == 1:
        assert not proof
        return sha256(b"\x00" + entry).digest()
    k, top = split(n), proof[-1]
    if m < k:
        return pair(included_root(m, k, entry, proof[:-1]), top)
    return pair(top, included_root(m - k, n - k, entry, proof[:-1]))


def split(n: int) -> int:
    """The largest power of two smaller than n."""
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def pair(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()
