"""A log's signing key on disk, and the memory that keeps it from ever contradicting itself.

tlog-checkpoint: a log must not sign a checkpoint inconsistent with one it signed before. So the last checkpoint signed
is kept beside the key, apart from the log, and is on the disk before a new one leaves; a log put back to an older state
is refused instead of continued differently.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from skyhaul.control.log._checkpoint import Checkpoint, SignedCheckpoint, open_checkpoint
from skyhaul.control.log._durable import sync_folder, write_durably
from skyhaul.control.log._keys import SigningKey
from skyhaul.control.log._merkle import EMPTY_ROOT, check_consistency
from skyhaul.errors import ProofError, RecordError, TamperError


def write_key(path: str | Path, key: SigningKey) -> None:
    """Write a new key file that only its owner may read; RecordError where the path is taken or cannot be written."""
    path = Path(path)
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            os.fchmod(descriptor, 0o600)
            file.write(key.text() + "\n")
            file.flush()
            os.fsync(descriptor)
        sync_folder(path.parent)
    except FileExistsError:
        raise RecordError("the file is there already", where=str(path), mend="a key is never overwritten") from None
    except OSError as error:
        mend = "write into a folder that is there and yours"
        raise RecordError(f"cannot write the key: {error.strerror}", where=str(path), mend=mend) from None


def read_key(path: str | Path) -> SigningKey:
    """Read a key file; RecordError where it is missing, malformed, or others may read it."""
    try:
        with Path(path).open(encoding="utf-8") as file:
            if os.fstat(file.fileno()).st_mode & 0o077:
                raise RecordError("others may read this signing key", where=str(path), mend=f"chmod 600 {path}")
            text = file.read(1024)
    except OSError as error:
        raise RecordError(f"cannot read the key: {error.strerror}", where=str(path)) from None
    except UnicodeDecodeError:
        raise RecordError("not a signing key", where=str(path)) from None
    try:
        return SigningKey.parse(text.removesuffix("\n"))
    except RecordError as error:
        raise RecordError(error.what, where=str(path), mend=error.mend) from None


class Signer:
    """The key of one log, with the last checkpoint it signed beside it in `<key file>.signed`."""

    def __init__(self, path: str | Path) -> None:
        self.key = read_key(path)
        self.memory = Path(f"{path}.signed")
        self.last: SignedCheckpoint | None = None
        self.recall()

    def recall(self) -> None:
        """Read the memory again, into which another process with this key may have written.

        Raises RecordError where it cannot be read, TamperError where it is not by this key.
        """
        try:
            note = self.memory.read_bytes()
        except FileNotFoundError:
            return
        except OSError as error:
            raise RecordError(f"cannot read what the key signed: {error.strerror}", where=str(self.memory)) from None
        try:
            self.last = open_checkpoint(note, self.key.verifier)
        except ProofError as error:
            raise TamperError(error.what, where=str(self.memory), mend="put it back from a copy") from None

    def sign(self, size: int, root: bytes, proof: Sequence[bytes]) -> bytes:
        """The signed checkpoint of a tree that `proof` shows to continue the last one signed.

        It is remembered on the disk before it is returned. Raises ProofError where the tree does not continue the
        last one, OSError where the memory cannot be written.
        """
        before = self.last.checkpoint if self.last else Checkpoint(self.key.name, 0, EMPTY_ROOT)
        check_consistency(before.size, size, before.root, root, proof)
        note = Checkpoint(self.key.name, size, root).signed(self.key)
        self.adopt(note)
        return note

    def adopt(self, note: bytes) -> None:
        """Remember a checkpoint that this key has signed; ProofError where it has not."""
        signed = open_checkpoint(note, self.key.verifier)
        write_durably(self.memory, note)
        self.last = signed
