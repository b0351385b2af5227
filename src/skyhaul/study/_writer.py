"""Writing a dataset while it is being computed, in bounded memory, whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from skyhaul.errors import OutputError
from skyhaul.study._arrays import ArraySink
from skyhaul.study._layout import Layout, Snapshot
from skyhaul.study._variables import Block, block_of

if TYPE_CHECKING:
    from skyhaul.control.grants import Leases
    from skyhaul.earth import Sites
    from skyhaul.network import Paths, Plan
    from skyhaul.types import Floats

SUFFIXES = (".nc", ".zarr", ".parquet")


class Sink(Protocol):
    """One file format."""

    def append(self, block: Block) -> None: ...
    def close(self, snapshot: Snapshot | None) -> None: ...
    def abort(self) -> None: ...


def check_output(path: Path, *, overwrite: bool = False) -> None:
    """Raise OutputError unless a dataset can be written at `path`: its suffix is known, its folder is there and can be
    written to, and nothing is in the way.
    """
    if path.suffix not in SUFFIXES:
        raise OutputError("unknown format of output", where=str(path), mend=f"end it in {', '.join(SUFFIXES)}")
    if not path.parent.is_dir():
        raise OutputError("no such folder", where=str(path.parent), mend="make it, or write elsewhere")
    if path.exists() or path.is_symlink():
        if not overwrite:
            raise OutputError("is there already", where=str(path), mend="give another name, or --overwrite")
        if path.is_dir() != (path.suffix == ".zarr") or (path.is_dir() and not _is_store(path)):
            raise OutputError("is there and is no dataset of this kind", where=str(path), mend="give another name")
    try:
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise OutputError(f"cannot be written: {error.strerror}", where=str(path), mend="write elsewhere") from error


class DatasetWriter:
    """Writes slots to a netCDF file, a Zarr store or a Parquet table, by the suffix of `path`.

    A context manager: leaving it normally puts the finished dataset at `path`; leaving it by an exception removes what
    was written. Slots are buffered up to one chunk (a quarter of a million numbers a variable), however long the run.
    The same slots, layout and library versions give the same bytes.

    Raises OutputError where `check_output` does, and when writing fails.
    """

    def __init__(self, path: Path, layout: Layout, *, overwrite: bool = False) -> None:
        check_output(path, overwrite=overwrite)
        self.path = path
        self._partial = _partial(path)
        self._layout = layout
        self._snapshot: Snapshot | None = None

    def __enter__(self) -> Self:
        try:
            self._sink = _sink(self._partial, self.path.suffix, self._layout)
        except (OSError, RuntimeError) as error:
            _remove(self._partial)
            raise self._failed(error) from error
        except BaseException:
            _remove(self._partial)
            raise
        return self

    def append(self, plan: Plan, paths: Paths, leases: Leases, sites: Sites, speed_m_s: Floats) -> Block:
        """Write one slot; slots come in the order of time. Returns what was written.

        leases             who may be served in the slot
        sites, speed_m_s   where terminals are in it, and (K,) how fast
        """
        block = block_of(plan, paths, leases, sites, speed_m_s)
        self.append_block(block)
        return block

    def append_block(self, block: Block) -> None:
        """Write one slot that is already in the dataset's columns and units."""
        try:
            self._sink.append(block)
        except (OSError, RuntimeError) as error:
            raise self._failed(error) from error

    def add_snapshot(self, snapshot: Snapshot) -> None:
        """Keep the sky and the paths of one instant, for maps; the last one given counts."""
        self._snapshot = snapshot

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._discard()
            return
        try:
            self._sink.close(self._snapshot)
            if self.path.is_dir():
                shutil.rmtree(self.path)
            self._partial.replace(self.path)
        except (OSError, RuntimeError) as failure:
            self._discard()
            raise self._failed(failure) from failure
        except BaseException:
            self._discard()
            raise

    def _discard(self) -> None:
        try:
            self._sink.abort()
        except (OSError, RuntimeError):
            pass  # what cannot be closed is removed all the same
        finally:
            _remove(self._partial)

    def _failed(self, error: Exception) -> OutputError:
        said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return OutputError(f"cannot be written: {said}", where=str(self.path), mend="is the disk full?")


def _sink(path: Path, suffix: str, layout: Layout) -> Sink:
    if suffix == ".nc":
        from skyhaul.study._netcdf import NetcdfStore

        return ArraySink(NetcdfStore(path, layout), layout)
    if suffix == ".zarr":
        from skyhaul.study._zarr import ZarrStore

        return ArraySink(ZarrStore(path, layout), layout)
    from skyhaul.study._parquet import ParquetSink

    return ParquetSink(path, layout)


def _partial(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.partial")


def _is_store(folder: Path) -> bool:
    return any((folder / name).is_file() for name in (".zgroup", "zarr.json"))


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
