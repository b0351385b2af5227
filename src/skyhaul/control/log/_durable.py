"""Files that are there whole or not at all, and that stay after a crash; locks between processes."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from skyhaul.errors import RecordError

TEMPORARY = ".writing"  # suffix of a file that is not yet in its place


class DurableFiles:
    """Writes of one batch: each file appears whole under its name, and all of them last once `settle` returns."""

    def __init__(self) -> None:
        self._folders: set[Path] = set()

    def write(self, path: Path, data: bytes, mode: int = 0o644) -> None:
        """Put `data` at `path`, over what was there."""
        self._make(path.parent)
        temporary = path.with_name(path.name + TEMPORARY)
        temporary.unlink(missing_ok=True)
        descriptor = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        temporary.replace(path)
        self._folders.add(path.parent)

    def settle(self) -> None:
        """Wait until the names are on the disk too."""
        for folder in self._folders:
            sync_folder(folder)
        self._folders.clear()

    def _make(self, folder: Path) -> None:
        if not folder.is_dir():
            self._make(folder.parent)
            folder.mkdir(exist_ok=True)
            self._folders.add(folder.parent)


def write_durably(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Put `data` at `path` and wait until it is on the disk."""
    files = DurableFiles()
    files.write(path, data, mode)
    files.settle()


def sync_folder(folder: Path) -> None:
    """Wait until the folder's names are on the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def take_lock(path: Path, *, wait: bool = False) -> int:
    """Descriptor that holds the only writer's lock until it is closed; RecordError where another process has it, and
    this one is not to wait."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        os.close(descriptor)
        raise RecordError("the log is open for writing elsewhere", where=str(path.parent.parent)) from None
    return descriptor


@contextmanager
def locked(path: Path, *, shared: bool = False) -> Iterator[None]:
    """Hold a lock file, waiting for it; a shared lock on a file that is not there is no lock (a copied log)."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | (0 if shared else os.O_CREAT), 0o644)
    except FileNotFoundError:
        yield
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
