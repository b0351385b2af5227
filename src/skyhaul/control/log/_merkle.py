"""Merkle trees of RFC 9162 section 2.1 over SHA-256: hashes, roots, proofs and their verification.

A *node* is addressed by (level, index): level 0 are the leaf hashes, and node (l, i) covers the leaves from `i << l` up
to `(i + 1) << l`. Proofs are built from any function that answers for such perfect nodes, so the same code serves a
tree in memory, tiles on disk and a test's dictionary.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TypeAlias

from skyhaul.errors import ProofError, RecordError

HASH_SIZE = 32  # SHA-256 (RFC 9162 section 2.1.1 takes the log's hash; C2SP tlog-tiles fixes SHA-256)
EMPTY_ROOT = sha256(b"").digest()  # RFC 9162 section 2.1.1: the hash of an empty list is the hash of an empty string

Node: TypeAlias = Callable[[int, int], bytes]


def leaf_hash(entry: bytes) -> bytes:
    """Hash of an entry as a leaf: SHA-256(0x00 ‖ entry). RFC 9162 section 2.1.1."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node: SHA-256(0x01 ‖ left ‖ right). RFC 9162 section 2.1.1."""
    return sha256(b"\x01" + left + right).digest()


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Root of the tree over these leaf hashes, in order."""
    if not leaves:
        return EMPTY_ROOT
    row = list(leaves)
    while len(row) > 1:
        above = [node_hash(row[i], row[i + 1]) for i in range(0, len(row) - 1, 2)]
        if len(row) % 2:
            above.append(row[-1])
        row = above
    return row[0]


@dataclass(slots=True)
class CompactRange:
    """A growing tree that keeps only the roots of its perfect subtrees, left to right: O(log size) memory.

    `size` is the number of leaves so far; `nodes` has one hash for each set bit of `size`, widest first.
    """

    size: int = 0
    nodes: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.size < 0 or len(self.nodes) != self.size.bit_count():
            raise RecordError(f"{len(self.nodes)} subtree hashes do not make a tree of {self.size} leaves")

    @classmethod
    def of(cls, size: int, node: Node) -> CompactRange:
        """The tree of `size` leaves whose perfect subtrees `node` answers for."""
        return cls(size, [node(level, index) for level, index in _perfect_subtrees(0, size)])

    def copy(self) -> CompactRange:
        """An independent tree of the same leaves."""
        return CompactRange(self.size, list(self.nodes))

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash at the end."""
        merges = self.size
        while merges & 1:
            leaf = node_hash(self.nodes.pop(), leaf)
            merges >>= 1
        self.nodes.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        """Root of the tree at its present size."""
        return _fold(self.nodes)


def root_at(size: int, node: Node) -> bytes:
    """Root of the tree of the first `size` leaves."""
    return _range_hash(0, size, node)


def inclusion_proof(index: int, size: int, node: Node) -> tuple[bytes, ...]:
    """Hashes that prove leaf `index` to be in the tree of the first `size` leaves, from the leaf's sibling upwards.

    RFC 9162 section 2.1.3.1. Raises RecordError unless 0 ≤ index < size.
    """
    if not 0 <= index < size:
        raise RecordError(f"no leaf {index} in a tree of {size}", mend="leaves are counted from 0")
    path: list[bytes] = []
    begin, end = 0, size
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            path.append(_range_hash(middle, end, node))
            end = middle
        else:
            path.append(_range_hash(begin, middle, node))
            begin = middle
    return tuple(reversed(path))


def consistency_proof(old: int, new: int, node: Node) -> tuple[bytes, ...]:
    """Hashes that prove the tree of the first `old` leaves to be the beginning of that of the first `new` leaves.

    RFC 9162 section 2.1.4.1; empty for old = 0 and old = new, where nothing is left to prove.
    Raises RecordError unless 0 ≤ old ≤ new.
    """
    if not 0 <= old <= new:
        raise RecordError(f"a tree of {new} leaves does not continue one of {old}")
    if old == 0:
        return ()
    path: list[bytes] = []
    begin, end = 0, new
    while end != old:
        middle = begin + _split(end - begin)
        if old <= middle:
            path.append(_range_hash(middle, end, node))
            end = middle
        else:
            path.append(_range_hash(begin, middle, node))
            begin = middle
    if begin:
        path.append(_range_hash(begin, end, node))
    return tuple(reversed(path))


def check_inclusion(index: int, size: int, leaf: bytes, path: Sequence[bytes], root: bytes) -> None:
    """Raise ProofError unless `path` proves the leaf hash `leaf` at `index` of the tree (`size`, `root`).

    RFC 9162 section 2.1.3.2.
    """
    if not 0 <= index < size:
        raise ProofError(f"no leaf {index} in a tree of {size}")
    _check_hashes((leaf, *path, root))
    place, last, hash_ = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            raise ProofError(f"an inclusion proof of {len(path)} hashes is too long for leaf {index} of {size}")
        if place & 1 or place == last:
            hash_ = node_hash(sibling, hash_)
            place, last = _rise(place, last)
        else:
            hash_ = node_hash(hash_, sibling)
        place >>= 1
        last >>= 1
    if last:
        raise ProofError(f"an inclusion proof of {len(path)} hashes is too short for leaf {index} of {size}")
    if hash_ != root:
        raise ProofError(f"the proof does not lead from leaf {index} to the root of the tree of {size}")


def check_consistency(old: int, new: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]) -> None:
    """Raise ProofError unless `path` proves the tree (`new`, `new_root`) to continue the tree (`old`, `old_root`).

    RFC 9162 section 2.1.4.2; every tree continues the empty one.
    """
    if not 0 <= old <= new:
        raise ProofError(f"a tree of {new} leaves does not continue one of {old}")
    _check_hashes((old_root, new_root, *path))
    if (old == 0 and old_root != EMPTY_ROOT) or (new == 0 and new_root != EMPTY_ROOT):
        raise ProofError("the root of an empty tree is not the hash of nothing")
    if old in (0, new):
        if path:
            raise ProofError(f"a consistency proof from {old} to {new} leaves has no hashes, this one has {len(path)}")
        if old == new and old_root != new_root:
            raise ProofError(f"two different trees of {old} leaves")
        return
    hashes = [old_root, *path] if old & (old - 1) == 0 else list(path)
    if not hashes:
        raise ProofError(f"a consistency proof from {old} to {new} leaves without hashes")
    place, last = old - 1, new - 1
    while place & 1:
        place >>= 1
        last >>= 1
    old_hash = new_hash = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            raise ProofError(f"a consistency proof of {len(path)} hashes is too long from {old} to {new} leaves")
        if place & 1 or place == last:
            old_hash = node_hash(sibling, old_hash)
            new_hash = node_hash(sibling, new_hash)
            place, last = _rise(place, last)
        else:
            new_hash = node_hash(new_hash, sibling)
        place >>= 1
        last >>= 1
    if last:
        raise ProofError(f"a consistency proof of {len(path)} hashes is too short from {old} to {new} leaves")
    if old_hash != old_root or new_hash != new_root:
        raise ProofError(f"the tree of {new} leaves does not continue that of {old}")


def _split(count: int) -> int:
    """The largest power of two below `count` (RFC 9162 section 2.1.1, k)."""
    return 1 << (count - 1).bit_length() - 1


def _rise(place: int, last: int) -> tuple[int, int]:
    """Climb past the levels at which a node on the right edge has no sibling."""
    while place and not place & 1:
        place >>= 1
        last >>= 1
    return place, last


def _range_hash(begin: int, end: int, node: Node) -> bytes:
    """Hash over the leaves of [begin, end), where `begin` is a split point of the tree."""
    return _fold([node(level, index) for level, index in _perfect_subtrees(begin, end)])


def _perfect_subtrees(begin: int, end: int) -> list[tuple[int, int]]:
    """(level, index) of the perfect subtrees that make up [begin, end), widest first."""
    found = []
    while begin < end:
        level = (end - begin).bit_length() - 1
        found.append((level, begin >> level))
        begin += 1 << level
    return found


def _fold(nodes: Sequence[bytes]) -> bytes:
    if not nodes:
        return EMPTY_ROOT
    hash_ = nodes[-1]
    for left in reversed(nodes[:-1]):
        hash_ = node_hash(left, hash_)
    return hash_


def _check_hashes(hashes: Sequence[bytes]) -> None:
    for hash_ in hashes:
        if len(hash_) != HASH_SIZE:
            raise ProofError(f"a hash of {len(hash_)} bytes", mend=f"SHA-256 hashes have {HASH_SIZE}")
