"""The log that grows: entries appended in batches, each batch one signed checkpoint.

A batch is written in this order, each step on the disk before the next: its entry bundles and tiles; the new
checkpoint in the signer's memory; the checkpoint. What was read up to the checkpoint is therefore always whole. A
crash before the second step leaves files that no checkpoint speaks of: opening removes them. A crash after it leaves
a signed tree without its checkpoint: opening publishes it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from skyhaul.control.log._checkpoint import Checkpoint, SignedCheckpoint, open_checkpoint
from skyhaul.control.log._durable import TEMPORARY, DurableFiles, locked, take_lock, write_durably
from skyhaul.control.log._keys import VerifierKey
from skyhaul.control.log._layout import BATCH_LOCK, CHECKPOINT, STATE, UNBEGUN, UNFINISHED, WRITER_LOCK
from skyhaul.control.log._merkle import HASH_SIZE, CompactRange, consistency_proof, leaf_hash
from skyhaul.control.log._note import Note
from skyhaul.control.log._reader import LogReader
from skyhaul.control.log._signer import Signer
from skyhaul.control.log._tiles import (
    ENTRIES,
    TILE_HEIGHT,
    TILE_WIDTH,
    Tile,
    encode_entry,
    last_tile,
    rows_at,
    tile_hash,
    tiles_of,
)
from skyhaul.errors import ProofError, RecordError, TamperError

CHECKED_AT_OPEN = TILE_HEIGHT * 2  # the last 2**16 entries, those under one tile of level 1, are read again at open


class Appended(NamedTuple):
    """Where a batch went: its entries are [start, stop), and `note` is the signed checkpoint that has them."""

    start: int
    stop: int
    note: bytes


class Log(LogReader):
    """A log open for writing by this process alone, and for reading like any LogReader.

    Use `Log.create` once and `Log.open` afterwards, as a context manager or with `close`. Safe to use from threads.
    """

    key: VerifierKey

    def __init__(self, folder: Path, signer: Signer, lock: int) -> None:
        super().__init__(folder, signer.key.verifier)
        self._signer = signer
        self._lock: int | None = lock
        self._mutex = threading.Lock()
        self._tree: CompactRange | None = None  # None: the state on the disk must be looked at before the next batch
        self._left: bytes | None = None  # while others may write: the checkpoint that the tree was left at

    @classmethod
    def create(cls, folder: str | Path, key_file: str | Path) -> Log:
        """Begin an empty log in a new or empty folder, signed with the key in `key_file`, whose name is its origin.

        Raises RecordError where the folder is not empty or the key has signed another log.
        """
        folder = Path(folder)
        signer = Signer(key_file)
        try:
            if folder.exists() and any(path.name not in UNBEGUN for path in folder.iterdir()):
                raise RecordError("the folder is not empty", where=str(folder), mend="a log begins in a new folder")
            if signer.last is not None and signer.last.checkpoint.size:
                raise RecordError("the key signs another log", where=str(signer.memory), mend="a new key for each log")
            (folder / STATE).mkdir(parents=True, exist_ok=True)
            lock = take_lock(folder / WRITER_LOCK)
            try:
                write_durably(folder / BATCH_LOCK, b"")
                write_durably(folder / CHECKPOINT, signer.sign(0, CompactRange().root(), ()))
            except BaseException:
                os.close(lock)
                raise
        except OSError as error:
            raise RecordError(f"cannot write the log: {error.strerror}", where=str(folder)) from None
        return cls(folder, signer, lock)._opened()

    @classmethod
    def open(cls, folder: str | Path, key_file: str | Path, *, wait: bool = False) -> Log:
        """Open a log for writing: an interrupted batch is completed or cleared away, the right edge is verified.

        With `wait` it waits while another process writes. Raises RecordError where one does otherwise, TamperError
        where its files are not those signed or it was put back to an older state.
        """
        folder = Path(folder)
        signer = Signer(key_file)
        if not (folder / CHECKPOINT).exists():
            raise RecordError("no log here: the checkpoint is missing", where=str(folder))
        try:
            (folder / STATE).mkdir(exist_ok=True)
            lock = take_lock(folder / WRITER_LOCK, wait=wait)
        except OSError as error:
            raise RecordError(f"cannot write the log: {error.strerror}", where=str(folder)) from None
        return cls(folder, signer, lock)._opened()

    def pause(self) -> None:
        """Let other processes write until `resume`."""
        with self._mutex:
            if self._lock is not None:
                self._left = self.note() if self._tree is not None else None
                os.close(self._lock)
                self._lock = None

    def resume(self) -> None:
        """Go on after `pause`, waiting while another process writes.

        Where another process has written since, and has finished its last batch, only the right edge of the tree is
        read again; otherwise the log is looked at as `open` does.
        """
        with self._mutex:
            if self._lock is not None:
                return
            try:
                self._lock = take_lock(self.folder / WRITER_LOCK, wait=True)
            except OSError as error:
                raise RecordError(f"cannot write the log: {error.strerror}", where=str(self.folder)) from None
            try:
                unfinished = (self.folder / UNFINISHED).exists()
                if unfinished or self._tree is None or self.note() != self._left:
                    self._signer.recall()
                    self._tree = None if unfinished else self._continued()
                    with self._writing():
                        self._recovered()
            except BaseException:
                os.close(self._lock)
                self._lock = None
                raise

    def close(self) -> None:
        """Let others write."""
        with self._mutex:
            if self._lock is not None:
                os.close(self._lock)
                self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def append(self, entries: Iterable[bytes], *, start: int | None = None) -> Appended:
        """Add entries, at most 65,535 bytes each, as one batch: all of them are in the log once this returns, or none.

        `start`, where given, is the number that the first of them must get. Raises RecordError where it would get
        another, an entry is too long, the log is closed or the disk refuses; after such a refusal the log can be used
        on.
        """
        batch = [bytes(entry) for entry in entries]
        encoded = [encode_entry(entry) for entry in batch]
        with self._mutex, self._writing():
            tree = self._recovered()
            if start is not None and start != tree.size:
                raise RecordError(f"the next entry is number {tree.size}, not {start}", where=str(self.folder))
            start = tree.size
            if not batch:
                return Appended(start, start, self.note())
            tree = tree.copy()
            leaves = [leaf_hash(entry) for entry in batch]
            for leaf in leaves:
                tree.append(leaf)
            files = DurableFiles()
            unfinished = self.folder / UNFINISHED
            unfinished.touch()
            for tile, data in self._grown(start, encoded, leaves):
                files.write(self.folder / tile.path, data)
            files.settle()
            note = self._signed(tree)
            self._publish(note, start, tree.size)
            unfinished.unlink()
            self._tree = tree
            return Appended(start, tree.size, note)

    def attach(self, signatures: bytes, witnesses: Sequence[VerifierKey]) -> SignedCheckpoint:
        """Put cosignature lines, as witnesses return them, under the present checkpoint.

        Lines of keys other than `witnesses` are left out. Raises ProofError where one does not verify or no line is by
        a known witness (a checkpoint that has grown since needs new ones).
        """
        with self._mutex, self._writing():
            self._recovered()
            note = Note.parse(self.note())
            offered = Note.parse(note.text.encode() + b"\n" + signatures)
            verified = [signature for _, signature in offered.verify(witnesses)]
            if not verified:
                raise ProofError("no cosignature by a known witness")
            joined = note.joined(verified).encode()
            signed = open_checkpoint(joined, self._signer.key.verifier, witnesses, quorum=1)
            write_durably(self.folder / CHECKPOINT, joined)
            return signed

    def _opened(self) -> Self:
        try:
            with self._mutex, self._writing():
                self._recovered()
        except BaseException:
            self.close()
            raise
        return self

    def _writing(self) -> _Batch:
        if self._lock is None:
            raise RecordError("the log is closed", where=str(self.folder))
        return _Batch(self)

    def _grown(self, start: int, encoded: Sequence[bytes], leaves: Sequence[bytes]) -> Iterator[tuple[Tile, bytes]]:
        """The tiles that a batch fills or widens, with their bytes."""
        yield from _tiles_with(ENTRIES, start, self._edge(ENTRIES, start), encoded)
        level, rows = 0, leaves
        while rows:
            edge = self._edge(level, start)
            above = []
            for tile, data in _tiles_with(level, rows_at(level, start), edge, rows):
                if tile.full:
                    above.append(tile_hash(data))
                yield tile, data
            level, rows = level + 1, above

    def _edge(self, level: int, size: int) -> list[bytes]:
        """Rows of the partial tile at the right edge of a level, none where its last tile is full."""
        tile = last_tile(level, size)
        if tile is None or tile.full:
            return []
        if level == ENTRIES:
            return [encode_entry(entry) for entry in self._entries(tile.start, size)]
        data = self.rows(level, tile.index, tile.width)
        return [data[at * HASH_SIZE : (at + 1) * HASH_SIZE] for at in range(tile.width)]

    def _signed(self, tree: CompactRange) -> bytes:
        """The new checkpoint, once the tiles just written prove that it continues the last."""
        last = self._signer.last
        proof = consistency_proof(last.checkpoint.size if last else 0, tree.size, self.node)
        return self._signer.sign(tree.size, tree.root(), proof)

    def _publish(self, note: bytes, old: int, new: int) -> None:
        write_durably(self.folder / CHECKPOINT, note)
        self._seen = max(self._seen, new)
        level = ENTRIES
        while tile := last_tile(level, old):
            if not tile.full and last_tile(level, new) != tile:
                path = self.folder / tile.path
                path.unlink(missing_ok=True)
                if not any(path.parent.iterdir()):
                    path.parent.rmdir()
            level += 1

    def _recovered(self) -> CompactRange:
        if self._tree is None:
            self._full_tile.cache_clear()
            self._bundle.cache_clear()
            checkpoint = self._reconciled()
            leftovers = self._leftovers(checkpoint.size)
            tree = self._checked(checkpoint)
            for path in leftovers:
                path.unlink()
            (self.folder / UNFINISHED).unlink(missing_ok=True)
            self._tree = tree
        return self._tree

    def _continued(self) -> CompactRange | None:
        """The tree that another writer left whole; None where it must be looked at more closely."""
        signed = self._signer.last
        checkpoint = self.checkpoint()
        if signed is None or self._left is None or signed.checkpoint != checkpoint:
            return None
        self.check_continues(self._checkpoint(self._left))
        tree = CompactRange.of(checkpoint.size, self.node)
        return tree if tree.root() == checkpoint.root else None

    def _reconciled(self) -> Checkpoint:
        """The checkpoint to go on from: the published one, or one signed before a crash and not yet published."""
        note = self.note()
        checkpoint = self._checkpoint(note)
        signed = self._signer.last
        last = signed.checkpoint if signed else None
        if signed is None or last is None or last.size < checkpoint.size:
            if last is not None:
                self.check_continues(last)
            self._signer.adopt(note)
        elif last.size == checkpoint.size:
            if last.root != checkpoint.root:
                raise TamperError("the checkpoint is not the one this key signed", where=str(self.folder / CHECKPOINT))
        else:
            try:
                self._checked(last)
            except TamperError as error:
                raise TamperError(
                    f"the log has {checkpoint.size} entries, but its key has signed {last.size}",
                    where=str(self.folder),
                    mend=f"put back the newest copy ({error})",
                ) from None
            self._publish(signed.note, checkpoint.size, last.size)
            return last
        return checkpoint

    def _leftovers(self, size: int) -> list[Path]:
        """Files that an interrupted batch left; TamperError where one of the log's own is missing."""
        missing = {tile.path for tile in tiles_of(size)}
        leftovers = [path for path in [self.folder / (CHECKPOINT + TEMPORARY)] if path.exists()]
        for path in (self.folder / "tile").rglob("*"):
            name = path.relative_to(self.folder).as_posix()
            if name in missing:
                missing.remove(name)
            elif not path.is_dir() and (name.endswith(TEMPORARY) or _is_tile(name)):
                leftovers.append(path)
        if missing:
            raise TamperError(
                f"the file is missing{f', and {len(missing) - 1} more' if len(missing) > 1 else ''}",
                where=str(self.folder / min(missing)),
                mend="put it back from a copy",
            )
        return leftovers

    def _checked(self, checkpoint: Checkpoint) -> CompactRange:
        """The tree of a checkpoint, once its right edge and its last entries are verified against the root."""
        size = checkpoint.size
        tree = CompactRange.of(size, self.node)
        if tree.root() != checkpoint.root:
            raise TamperError("the tiles do not have the root that was signed", where=str(self.folder))
        level = 0
        while (tile := last_tile(level, size)) is not None:
            if tile.full:
                self._check_parent(tile)
            level += 1
        for index in range(max(size - 1, 0) >> CHECKED_AT_OPEN << TILE_HEIGHT, -(-size // TILE_WIDTH)):
            tile = Tile(0, index, min(TILE_WIDTH, size - index * TILE_WIDTH))
            for _ in self._entries(tile.start, tile.start + tile.width):
                pass
            if tile.full:
                self._check_parent(tile)
        return tree

    def _check_parent(self, tile: Tile) -> None:
        rows = self.rows(tile.level, tile.index, TILE_WIDTH)
        if tile_hash(rows) != self.node((tile.level + 1) * TILE_HEIGHT, tile.index):
            raise TamperError("the tile is not the one hashed above", where=str(self.folder / tile.path))


class _Batch:
    """The lock of one batch; whatever fails inside makes the log look at its disk again before the next."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._locked = locked(log.folder / BATCH_LOCK)

    def __enter__(self) -> None:
        self._locked.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._locked.__exit__(kind, error, trace)
        if error is not None:
            self._log._tree = None
        if isinstance(error, OSError):
            raise RecordError(f"cannot write the log: {error.strerror}", where=str(self._log.folder)) from error


def _tiles_with(level: int, start: int, edge: Sequence[bytes], rows: Sequence[bytes]) -> Iterator[tuple[Tile, bytes]]:
    """Tiles of one level after `rows` are added to the `start` it has, of which `edge` are in a partial tile."""
    rows = [*edge, *rows]
    first = start // TILE_WIDTH
    for at in range(0, len(rows), TILE_WIDTH):
        chunk = rows[at : at + TILE_WIDTH]
        yield Tile(level, first + at // TILE_WIDTH, len(chunk)), b"".join(chunk)


def _is_tile(name: str) -> bool:
    try:
        Tile.parse(name)
    except RecordError:
        return False
    return True
