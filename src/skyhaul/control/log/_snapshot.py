"""A log's folder as it stood at one checkpoint, as raw files: what an auditor reads, trusting none of it."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from skyhaul.control.log._durable import locked
from skyhaul.control.log._layout import BATCH_LOCK, CHECKPOINT
from skyhaul.control.log._tiles import ENTRY_MAX, TILE_WIDTH
from skyhaul.errors import RecordError

FILE_MAX = TILE_WIDTH * (2 + ENTRY_MAX)  # bytes of the largest bundle there can be


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Every file below the folder with its size (-1: not a regular file), and the bytes a writer may replace."""

    folder: Path
    sizes: dict[str, int]
    held: dict[str, bytes]

    @classmethod
    def take(cls, folder: Path) -> Snapshot:
        """List the folder and read its checkpoint and partial tiles while no batch is being written.

        Full tiles and bundles never change, so they can be read afterwards at leisure. Raises RecordError where the
        folder cannot be read.
        """
        if not folder.is_dir():
            raise RecordError("no such folder", where=str(folder), mend="give the folder of a log, or a registry's")
        held: dict[str, bytes] = {}
        try:
            with locked(folder / BATCH_LOCK, shared=True):
                sizes = _listed(folder)
                for name, size in sizes.items():
                    if (name == CHECKPOINT or ".p/" in name) and 0 <= size <= FILE_MAX:
                        held[name] = (folder / name).read_bytes()
        except OSError as error:
            raise RecordError(f"cannot read the log: {error.strerror}", where=str(folder)) from None
        return cls(folder, sizes, held)

    def read(self, name: str) -> bytes:
        """Bytes of a file; OSError where it cannot be read, RecordError where it cannot be a part of a log."""
        if name in self.held:
            return self.held[name]
        if not 0 <= self.sizes[name] <= FILE_MAX:
            raise RecordError("cannot be a part of a log", where=name)
        return (self.folder / name).read_bytes()


def _listed(folder: Path) -> dict[str, int]:
    sizes = {}
    for root, folders, files in os.walk(folder):
        for name in (*files, *folders):
            path = Path(root, name)
            kind = path.lstat()
            if stat.S_ISDIR(kind.st_mode):
                continue
            below = path.relative_to(folder).as_posix().encode("utf-8", "surrogateescape")
            sizes[below.decode("utf-8", "backslashreplace")] = kind.st_size if stat.S_ISREG(kind.st_mode) else -1
    return sizes
