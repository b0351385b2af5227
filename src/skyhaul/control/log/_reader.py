"""Reading a log's folder: entries, roots and proofs, while another process may be appending to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from skyhaul.control.log._checkpoint import Checkpoint, SignedCheckpoint, open_checkpoint
from skyhaul.control.log._keys import VerifierKey
from skyhaul.control.log._layout import CHECKPOINT
from skyhaul.control.log._merkle import (
    HASH_SIZE,
    check_consistency,
    check_inclusion,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    root_at,
)
from skyhaul.control.log._note import Note
from skyhaul.control.log._proof import Proof
from skyhaul.control.log._tiles import ENTRIES, TILE_HEIGHT, TILE_WIDTH, Tile, decode_bundle, rows_at, tile_hash
from skyhaul.errors import ProofError, RecordError, SkyhaulError, TamperError

TILES_CACHED = 512  # full tiles, 4 MiB
BUNDLES_CACHED = 16


class LogReader:
    """A log's folder, read only.

    With the log's public `key` every checkpoint is verified before it is used; without it, the tiles are still held
    against the checkpoint's root, but whose checkpoint it is stays open. Every method reads the present state.
    """

    def __init__(self, folder: str | Path, key: VerifierKey | None = None) -> None:
        self.folder = Path(folder)
        self.key = key
        self._seen = 0  # the largest size read so far: full tiles below it never change
        self._full_tile = lru_cache(TILES_CACHED)(self._read_tile)
        self._bundle = lru_cache(BUNDLES_CACHED)(self._read_bundle)

    def note(self) -> bytes:
        """The signed checkpoint as it stands; RecordError where the folder has none."""
        try:
            return (self.folder / CHECKPOINT).read_bytes()
        except FileNotFoundError:
            raise RecordError("no log here: the checkpoint is missing", where=str(self.folder)) from None
        except OSError as error:
            raise RecordError(f"cannot read the checkpoint: {error.strerror}", where=str(self.folder)) from None

    def checkpoint(self) -> Checkpoint:
        """The log's present size and root."""
        return self._checkpoint(self.note())

    def signed_checkpoint(self, witnesses: Sequence[VerifierKey] = (), quorum: int | None = None) -> SignedCheckpoint:
        """The present checkpoint with its witnesses, verified; needs the log's key."""
        if self.key is None:
            raise RecordError("the log's public key is needed to verify its checkpoint", where=str(self.folder))
        return open_checkpoint(self.note(), self.key, witnesses, quorum)

    @property
    def size(self) -> int:
        """Number of entries now."""
        return self.checkpoint().size

    def entry(self, index: int) -> bytes:
        """The entry at an index, held against its leaf hash."""
        return next(self.entries(index, index + 1))

    def entries(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """The entries of [start, stop), up to the present end where `stop` is None, held against their leaf hashes.

        Raises RecordError for a range outside the log, TamperError at an entry that is not the one hashed.
        """
        size = self.size
        stop = size if stop is None else stop
        if not 0 <= start <= stop <= size:
            raise RecordError(f"no entries {start} to {stop} in a log of {size}", where=str(self.folder))
        return self._entries(start, stop)

    def root(self, size: int | None = None) -> bytes:
        """Root of the first `size` entries (all where None), from the tiles."""
        return root_at(self._known(size), self.node)

    def prove_inclusion(self, index: int, size: int | None = None) -> tuple[bytes, ...]:
        """Inclusion proof of an entry in the tree of the first `size` entries (all where None)."""
        return inclusion_proof(index, self._known(size), self.node)

    def prove_consistency(self, old: int, new: int | None = None) -> tuple[bytes, ...]:
        """Consistency proof from the tree of `old` entries to that of `new` (all where None)."""
        return consistency_proof(old, self._known(new), self.node)

    def prove(self, index: int) -> Proof:
        """A self-contained proof that the entry is in the log, verified before it is handed out.

        Raises RecordError where there is no such entry, TamperError where the tiles are not those signed.
        """
        note = self.note()
        checkpoint = self._checkpoint(note)
        path = inclusion_proof(index, checkpoint.size, self.node)
        try:
            check_inclusion(index, checkpoint.size, self.node(0, index), path, checkpoint.root)
        except ProofError as error:
            raise TamperError(error.what, where=str(self.folder), mend="`skyhaul audit verify` says where") from None
        return Proof(index, path, note)

    def check_continues(self, earlier: Checkpoint) -> None:
        """Raise TamperError unless the log is a continuation of an earlier checkpoint of it."""
        now = self.checkpoint()
        try:
            if now.size < earlier.size:
                raise ProofError(f"the log has {now.size} entries and had {earlier.size}")
            path = consistency_proof(earlier.size, now.size, self.node)
            check_consistency(earlier.size, now.size, earlier.root, now.root, path)
        except ProofError as error:
            raise TamperError(error.what, where=str(self.folder), mend="`skyhaul audit verify` says where") from None

    def resource(self, path: str) -> bytes:
        """What an HTTP server of this log answers for a path of the `tlog-tiles` layout.

        Partial tiles of earlier checkpoints are cut from the wider tile that holds them now. Raises RecordError for a
        path that is not of the layout or not (yet) in the log.
        """
        if path == CHECKPOINT:
            return self.note()
        tile = Tile.parse(path)
        if tile.index * TILE_WIDTH + tile.width > rows_at(tile.level, self.size):
            raise RecordError("not in the log yet", where=path)
        if tile.level == ENTRIES:
            end, data = 0, self._find(tile)
            for _ in range(tile.width):
                end += 2 + int.from_bytes(data[end : end + 2], "big")
            return data[:end]
        return self._find(tile)[: tile.width * HASH_SIZE]

    def node(self, level: int, index: int) -> bytes:
        """Hash of the perfect subtree over the leaves from `index << level` to `(index + 1) << level`."""
        tile_level, height = divmod(level, TILE_HEIGHT)
        first = index << height
        at = first % TILE_WIDTH
        tile = first // TILE_WIDTH
        rows = self.rows(tile_level, tile, at + (1 << height))
        return tile_hash(rows[at * HASH_SIZE : (at + (1 << height)) * HASH_SIZE])

    def rows(self, level: int, index: int, width: int) -> bytes:
        """The first `width` rows or more of a tile, as hashes one after another."""
        if width == TILE_WIDTH or rows_at(level + 1, self._seen) > index:
            return self._full_tile(level, index, TILE_WIDTH)
        return self._read_tile(level, index, width)

    def bundle(self, index: int, width: int) -> tuple[bytes, ...]:
        """The first `width` entries or more of an entry bundle."""
        return self._bundle(index, width)

    def _checkpoint(self, note: bytes) -> Checkpoint:
        try:
            if self.key is None:
                checkpoint = Checkpoint.parse(Note.parse(note).text)
            else:
                checkpoint = open_checkpoint(note, self.key).checkpoint
        except ProofError as error:
            raise TamperError(error.what, where=str(self.folder / CHECKPOINT), mend=error.mend) from None
        self._seen = max(self._seen, checkpoint.size)
        return checkpoint

    def _known(self, size: int | None) -> int:
        present = self.size
        if size is not None and not 0 <= size <= present:
            raise RecordError(f"the log has {present} entries, not {size}", where=str(self.folder))
        return present if size is None else size

    def _entries(self, start: int, stop: int) -> Iterator[bytes]:
        for index in range(start // TILE_WIDTH, -(-stop // TILE_WIDTH)):
            first = index * TILE_WIDTH
            width = min(TILE_WIDTH, stop - first)
            hashes = self.rows(0, index, width)
            entries = self.bundle(index, width)
            for row in range(max(0, start - first), width):
                if leaf_hash(entries[row]) != hashes[row * HASH_SIZE : (row + 1) * HASH_SIZE]:
                    raise TamperError(
                        f"entry {first + row} is not the one that was hashed",
                        where=str(self.folder / Tile(ENTRIES, index, width).path),
                    )
                yield entries[row]

    def _read_tile(self, level: int, index: int, width: int) -> bytes:
        data = self._find(Tile(level, index, width))
        if len(data) % HASH_SIZE or not width * HASH_SIZE <= len(data) <= TILE_WIDTH * HASH_SIZE:
            raise TamperError(f"a tile of {len(data)} bytes", where=str(self.folder / Tile(level, index, width).path))
        return data

    def _read_bundle(self, index: int, width: int) -> tuple[bytes, ...]:
        where = str(self.folder / Tile(ENTRIES, index, width).path)
        try:
            entries = decode_bundle(self._find(Tile(ENTRIES, index, width)))
        except SkyhaulError as error:
            raise TamperError(error.what, where=where) from None
        if len(entries) < width:
            raise TamperError(f"a bundle of {len(entries)} entries", where=where)
        return tuple(entries)

    def _find(self, tile: Tile) -> bytes:
        """Bytes of a tile or of a wider one, which begins with the same rows."""
        for _ in range(3):  # a partial tile may be superseded between its listing and its reading
            for path in self._candidates(tile):
                try:
                    return path.read_bytes()
                except FileNotFoundError:
                    continue
                except OSError as error:
                    raise RecordError(f"cannot read: {error.strerror}", where=str(path)) from None
        raise TamperError("the file is missing", where=str(self.folder / tile.path))

    def _candidates(self, tile: Tile) -> Iterator[Path]:
        yield self.folder / tile.path
        if tile.full:
            return
        full = self.folder / Tile(tile.level, tile.index).path
        folder = full.with_name(full.name + ".p")
        try:
            widths = sorted(int(path.name) for path in folder.iterdir() if path.name.isdecimal())
        except OSError:
            widths = []
        yield from (folder / str(width) for width in widths if width > tile.width)
        yield full
