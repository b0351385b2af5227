"""Verifying a whole log: every byte of its tiles, bundles and checkpoint, and the store it was written from.

Two accounts of the tree are held against each other at every tile: the rows stored in it, and the rows hashed from
what lies below. Where they differ, the row of the level above (at the right edge: the signed root) says which is right,
so a finding names the file that was changed and not those it makes look wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TypeAlias

from skyhaul.control.log._checkpoint import Checkpoint, Cosignature, open_checkpoint
from skyhaul.control.log._durable import TEMPORARY
from skyhaul.control.log._keys import VerifierKey
from skyhaul.control.log._layout import BATCH_LOCK, CHECKPOINT, UNFINISHED, WRITER_LOCK
from skyhaul.control.log._merkle import HASH_SIZE, Node, leaf_hash, root_at
from skyhaul.control.log._snapshot import Snapshot
from skyhaul.control.log._tiles import (
    ENTRIES,
    TILE_HEIGHT,
    TILE_WIDTH,
    Tile,
    decode_bundle,
    rows_at,
    tile_at,
    tile_hash,
    tiles_at,
    tiles_of,
)
from skyhaul.errors import RecordError

FINDINGS_MAX = 1000  # a log that is wrong everywhere is not worth a longer list
MISSING_MAX = 1_000_000  # files; a checkpoint that claims a log beyond that is not followed to its end
STORE = "store"

Rows: TypeAlias = list[bytes | None]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: `where` is a path below the log's folder or `store`, `what` says it in words."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


@dataclass(frozen=True, slots=True)
class Verification:
    """What verifying a log found; `ok` where it found nothing.

    `checkpoint` is None where it could not be verified itself. `unknown` counts signature lines by keys that were not
    given: they are neither verified nor wrong.
    """

    checkpoint: Checkpoint | None
    cosignatures: tuple[Cosignature, ...]
    unknown: int
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether every byte is as it was signed."""
        return not self.findings


def verify_log(
    folder: str | Path,
    key: VerifierKey,
    entries: Iterable[bytes] | None = None,
    *,
    witnesses: Sequence[VerifierKey] = (),
    quorum: int | None = None,
    earlier: Sequence[bytes] = (),
) -> Verification:
    """Read a whole log and say what is not as it was signed.

    `entries`, where given, are what the store holds, in order: they must be the log's. `quorum` of `witnesses` (all
    where None) must have cosigned. `earlier` are signed checkpoints of this log kept from before: the log must continue
    each of them. A log that is being written to is verified as it stood at one checkpoint. At most 1,000 findings are
    listed. Raises RecordError only where `folder` cannot be read at all.
    """
    snapshot = Snapshot.take(Path(folder))
    findings = _Findings()
    if CHECKPOINT not in snapshot.sizes:
        findings.add(CHECKPOINT, "is missing")
        return Verification(None, (), 0, tuple(findings.found))
    try:
        signed = open_checkpoint(snapshot.read(CHECKPOINT), key, witnesses, quorum)
    except RecordError as error:
        findings.add(CHECKPOINT, f"{error.what} ({error.mend})" if error.mend else error.what)
        return Verification(None, (), 0, tuple(findings.found))
    checkpoint = signed.checkpoint
    if rows_at(0, checkpoint.size) >> TILE_HEIGHT > len(snapshot.sizes) + MISSING_MAX:
        findings.add(CHECKPOINT, f"is of {checkpoint.size:,} entries, the folder has {len(snapshot.sizes):,} files")
        return Verification(checkpoint, signed.cosignatures, signed.unknown, tuple(findings.found))
    _check_names(snapshot, checkpoint.size, findings)
    tree = _Tree(snapshot, checkpoint, findings)
    tree.check(None if entries is None else iter(entries))
    for note in earlier:
        try:
            before = open_checkpoint(note, key).checkpoint
        except RecordError as error:
            findings.add("earlier checkpoint", error.what)
            continue
        if before.size > checkpoint.size:
            findings.add(CHECKPOINT, f"has {checkpoint.size} entries and had {before.size}: entries were removed")
        elif tree.sound and root_at(before.size, tree.node) != before.root:
            findings.add(CHECKPOINT, f"does not continue the earlier one of {before.size} entries: they were rewritten")
    return Verification(checkpoint, signed.cosignatures, signed.unknown, tuple(findings.found))


@dataclass(slots=True)
class _Findings:
    found: list[Finding] = field(default_factory=list)

    def add(self, where: str, what: str) -> None:
        if len(self.found) < FINDINGS_MAX:
            self.found.append(Finding(where, what))


def _check_names(snapshot: Snapshot, size: int, findings: _Findings) -> None:
    """Every file of the layout is there, and no other."""
    expected = {CHECKPOINT, *(tile.path for tile in tiles_of(size))}
    for name in sorted(expected - snapshot.sizes.keys()):
        findings.add(name, "is missing")
    for name in sorted(snapshot.sizes.keys() - expected):
        if name in (WRITER_LOCK, BATCH_LOCK, UNFINISHED):
            if snapshot.sizes[name]:
                findings.add(name, "is a lock and should be an empty file")
        elif name.endswith(TEMPORARY) or name.startswith("tile/"):
            mend = "a batch cut off by a crash leaves such files, opening the log for writing clears them away"
            findings.add(name, f"does not belong to a log of {size} entries ({mend})")
        else:
            findings.add(name, "does not belong to a log")


class _Tree:
    """The two accounts of a log's tree, level by level from the entries to the root."""

    def __init__(self, snapshot: Snapshot, checkpoint: Checkpoint, findings: _Findings) -> None:
        self.sound = True
        self._store_ended = False
        self._snapshot = snapshot
        self._size = checkpoint.size
        self._root = checkpoint.root
        self._findings = findings
        self._edge_is_signed = self._is_root(self.node)
        self._disputed: list[tuple[Tile, Rows, Rows]] = []

    def node(self, level: int, index: int) -> bytes:
        """Hash of a perfect subtree, from the stored tiles; LookupError where they do not have it."""
        tile_level, height = divmod(level, TILE_HEIGHT)
        at = index << height
        tile = tile_at(tile_level, at // TILE_WIDTH, self._size)
        return _hash_over(self._rows(tile), at % TILE_WIDTH, 1 << height)

    def check(self, store: Iterator[bytes] | None) -> None:
        """Report every tile and bundle that is not as signed, and where the store's entries are not the log's."""
        edges: dict[int, Rows] = {}
        hashed = self._hashed_entries(store)
        level = 0
        while rows_at(level, self._size):
            above: Rows = []
            for tile, computed in zip(tiles_at(level, self._size), hashed, strict=True):
                rows = self._judged(tile, self._rows(tile, report=True), computed)
                if tile.full:
                    above.append(None if None in rows else _hash_over(rows, 0, TILE_WIDTH))
                else:
                    edges[level] = rows
            level += 1
            hashed = iter([above[at : at + TILE_WIDTH] for at in range(0, rows_at(level, self._size), TILE_WIDTH)])
        if store is not None and next(store, None) is not None:
            self._findings.add(STORE, f"has more than the {self._size} entries of the log")
        self._settle(edges)

    def _judged(self, tile: Tile, stored: Rows, computed: Rows) -> Rows:
        """The rows of a tile to go on with; a difference is reported, or put off where only the root can tell."""
        if stored == computed:
            return stored
        if not _differing(stored, computed):
            return [old or new for old, new in zip(stored, computed, strict=True)]
        if not tile.full:
            if self._edge_is_signed:
                self._blame_below(tile, stored, computed)
                return stored
            self._disputed.append((tile, stored, computed))
            return computed
        above = self._row_above(tile)
        if None not in computed and above == _hash_over(computed, 0, TILE_WIDTH):
            self._blame(tile, stored, computed)
            return computed
        if None not in stored and above == _hash_over(stored, 0, TILE_WIDTH):
            self._blame_below(tile, stored, computed)
        else:
            self._blame_both(tile, stored, computed)
        return stored

    def _settle(self, edges: dict[int, Rows]) -> None:
        """Decide what was put off, now that the root of the rows believed is known."""

        def node(level: int, index: int) -> bytes:
            tile_level, height = divmod(level, TILE_HEIGHT)
            return _hash_over(edges[tile_level], (index << height) % TILE_WIDTH, 1 << height)

        signed = self._is_root(node)
        for tile, stored, computed in self._disputed:
            if signed:
                self._blame(tile, stored, computed)
            else:
                self._blame_both(tile, stored, computed)
        if self.sound and not signed and all(None not in rows for rows in edges.values()):
            what = "entries and tiles agree with each other, but not with the root that was signed: both were rewritten"
            self._report(CHECKPOINT, what)

    def _is_root(self, node: Node) -> bool:
        try:
            return root_at(self._size, node) == self._root
        except LookupError:
            return False

    def _rows(self, tile: Tile, *, report: bool = False) -> Rows:
        """The stored rows of a tile, all None where it cannot be read or has another length."""
        data = self._read(tile, report=report)
        if data is not None and len(data) != tile.width * HASH_SIZE:
            if report:
                self._report(tile.path, f"has {len(data):,} bytes, should have {tile.width * HASH_SIZE:,}")
            data = None
        if data is None:
            return [None] * tile.width
        return [data[at : at + HASH_SIZE] for at in range(0, len(data), HASH_SIZE)]

    def _row_above(self, tile: Tile) -> bytes | None:
        return self._rows(tile_at(tile.level + 1, tile.index // TILE_WIDTH, self._size))[tile.index % TILE_WIDTH]

    def _hashed_entries(self, store: Iterator[bytes] | None) -> Iterator[Rows]:
        """The leaf hashes of each entry bundle, all None where it is broken; compares the store on the way."""
        for tile in tiles_at(ENTRIES, self._size):
            entries: list[bytes] | None = None
            data = self._read(tile, report=True)
            if data is not None:
                try:
                    entries = decode_bundle(data)
                except RecordError as error:
                    self._report(tile.path, error.what)
            if entries is not None and len(entries) != tile.width:
                self._report(tile.path, f"has {len(entries)} entries, should have {tile.width}")
                entries = None
            if store is not None:
                self._compare(tile, entries, store)
            yield [None] * tile.width if entries is None else list(map(leaf_hash, entries))

    def _compare(self, tile: Tile, entries: list[bytes] | None, store: Iterator[bytes]) -> None:
        held = list(islice(store, tile.width))
        if len(held) < tile.width and not self._store_ended:
            self._store_ended = True
            self._findings.add(STORE, f"has no entry {tile.start + len(held)}")
        if entries is not None:
            for row, (ours, theirs) in enumerate(zip(entries, held, strict=False)):
                if ours != theirs:
                    self._findings.add(STORE, f"entry {tile.start + row} is not the one in the log")

    def _read(self, tile: Tile, *, report: bool) -> bytes | None:
        if tile.path not in self._snapshot.sizes:
            self.sound = False  # reported with the names
            return None
        try:
            return self._snapshot.read(tile.path)
        except (OSError, RecordError) as error:
            if report:
                self._report(tile.path, f"cannot be read: {error.strerror if isinstance(error, OSError) else error}")
            return None

    def _blame(self, tile: Tile, stored: Rows, computed: Rows) -> None:
        self._report(tile.path, f"is not the tile that was signed: {_difference(tile, stored, computed)}")

    def _blame_below(self, tile: Tile, stored: Rows, computed: Rows) -> None:
        told = _difference(tile, stored, computed)
        if tile.level == 0:
            below = Tile(ENTRIES, tile.index, tile.width)
            self._report(below.path, f"does not hold the entries that were signed: {told}")
        else:
            child = Tile(tile.level - 1, tile.index * TILE_WIDTH + _differing(stored, computed)[0])
            self._report(child.path, f"is not what was signed, nor is what lies below it: {told}")

    def _blame_both(self, tile: Tile, stored: Rows, computed: Rows) -> None:
        self._report(
            tile.path, f"and what lies below it differ, neither is signed: {_difference(tile, stored, computed)}"
        )

    def _report(self, where: str, what: str) -> None:
        self.sound = False
        self._findings.add(where, what)


def _differing(stored: Rows, computed: Rows) -> list[int]:
    """Rows that both accounts have and that are not the same."""
    return [row for row, (old, new) in enumerate(zip(stored, computed, strict=True)) if old and new and old != new]


def _difference(tile: Tile, stored: Rows, computed: Rows) -> str:
    """Which entries those rows cover, in words."""
    rows = _differing(stored, computed)
    first = tile.start + rows[0] * TILE_WIDTH**tile.level
    last = first + TILE_WIDTH**tile.level - 1
    where = f"entry {first}" if tile.level == 0 else f"entries {first} to {last}"
    if len(rows) > 1:
        same = {stored[row] for row in rows} == {computed[row] for row in rows}
        where += f" and {len(rows) - 1} more{', in another order' if same else ''}"
    return where


def _hash_over(rows: Rows, at: int, count: int) -> bytes:
    """Hash over `count` rows from `at`; LookupError where one is not known."""
    chosen = [row for row in rows[at : at + count] if row is not None]
    if len(chosen) != count:
        raise LookupError(at)
    return tile_hash(b"".join(chosen))
