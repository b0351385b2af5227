from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from skyhaul.control.log import Log, SigningKey, VerifierKey, write_key

ORIGIN = "record.example/log"
KEY = SigningKey.parse("PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")


@pytest.fixture(scope="session")
def signing_key() -> SigningKey:
    """A key that is the same in every run, so that logs are the same to the byte."""
    return SigningKey(ORIGIN, KEY.kind, KEY.seed)


@pytest.fixture(scope="session")
def key(signing_key: SigningKey) -> VerifierKey:
    return signing_key.verifier


@pytest.fixture
def key_file(tmp_path: Path, signing_key: SigningKey) -> Path:
    path = tmp_path / "log.key"
    write_key(path, signing_key)
    return path


@pytest.fixture
def log(tmp_path: Path, key_file: Path) -> Iterator[Log]:
    """An empty log, open for writing."""
    with Log.create(tmp_path / "log", key_file) as empty:
        yield empty


@pytest.fixture
def written(tmp_path: Path, key_file: Path) -> Callable[[Iterable[Iterable[bytes]]], Path]:
    """Writes a log of these batches, closes it and returns its folder."""

    def write(batches: Iterable[Iterable[bytes]]) -> Path:
        with Log.create(tmp_path / "log", key_file) as log:
            for batch in batches:
                log.append(batch)
        return tmp_path / "log"

    return write
