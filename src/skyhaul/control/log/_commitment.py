"""Salted hash commitments: what must stay private is committed to in the log, and opened only to whom it concerns.

A commitment hides its value because the salt has 256 random bits, and binds to it because SHA-256 resists collisions.
Values and salts are kept in a file of their own, apart from the log; without it (or once a value is erased from it) a
commitment says nothing about the value, and the log still verifies.
"""

from __future__ import annotations

import hmac
import json
import os
import secrets
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from skyhaul.control.log._durable import sync_folder, write_durably
from skyhaul.errors import NotFoundError, RecordError, TamperError

SALT_SIZE = 32  # bytes: as many as SHA-256 puts out, so that guessing the salt is as hard as inverting the hash

_DOMAIN = b"skyhaul commitment v1\n"  # no commitment is the hash of anything else


def new_salt() -> bytes:
    """A salt from the system's random source, to be used once."""
    return secrets.token_bytes(SALT_SIZE)


def commit(value: bytes, salt: bytes) -> bytes:
    """The commitment to a value: SHA-256("skyhaul commitment v1\\\\n" ‖ salt ‖ value).

    The salt has 32 bytes; RecordError otherwise, since a short one lets names be guessed.
    """
    if len(salt) != SALT_SIZE:
        raise RecordError(f"a salt of {len(salt)} bytes", mend=f"salts have {SALT_SIZE}")
    return sha256(_DOMAIN + salt + value).digest()


@dataclass(frozen=True, slots=True)
class Opening:
    """What opens a commitment: the value and its salt."""

    value: bytes
    salt: bytes

    @property
    def commitment(self) -> bytes:
        """The commitment that this opens."""
        return commit(self.value, self.salt)

    def opens(self, commitment: bytes) -> bool:
        """Whether this is what was committed to."""
        return hmac.compare_digest(self.commitment, commitment)


class Openings:
    """The private file of openings: one JSON object a line, readable by its owner alone.

    A line is on the disk before its commitment is handed out. A line that a crash cut off was never handed out and is
    dropped at the next opening; a line that does not open its own commitment is refused as TamperError.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._mutex = threading.Lock()
        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "r+b") as file:
                if os.fstat(descriptor).st_mode & 0o077:
                    raise RecordError("others may read these openings", where=str(path), mend=f"chmod 600 {self.path}")
                data = file.read()
                whole = data.rfind(b"\n") + 1
                file.truncate(whole)
            sync_folder(self.path.parent)
        except OSError as error:
            raise RecordError(f"cannot open: {error.strerror}", where=str(path)) from None
        self._openings = dict(self._read(data[:whole]))

    def __len__(self) -> int:
        return len(self._openings)

    def add(self, value: bytes) -> bytes:
        """Keep a value under a fresh salt and return its commitment."""
        opening = Opening(value, new_salt())
        commitment = opening.commitment
        with self._mutex:
            self._append(_line(commitment, opening))
            self._openings[commitment] = opening
        return commitment

    def open(self, commitment: bytes) -> Opening:
        """The opening of a commitment; NotFoundError where it was never made here or has been erased."""
        opening = self._openings.get(commitment)
        if opening is None:
            raise NotFoundError(f"nothing here opens {commitment.hex()}", where=str(self.path))
        return opening

    def erase(self, commitment: bytes) -> None:
        """Forget a value for good; its commitment in the log stays and says nothing any more."""
        with self._mutex:
            self.open(commitment)
            kept = {key: opening for key, opening in self._openings.items() if key != commitment}
            try:
                write_durably(self.path, b"".join(_line(*item) for item in kept.items()), 0o600)
            except OSError as error:
                raise RecordError(f"cannot write: {error.strerror}", where=str(self.path)) from None
            self._openings = kept

    def _append(self, line: bytes) -> None:
        try:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
            with os.fdopen(descriptor, "ab") as file:
                file.write(line)
                file.flush()
                os.fsync(descriptor)
        except OSError as error:
            raise RecordError(f"cannot write: {error.strerror}", where=str(self.path)) from None

    def _read(self, data: bytes) -> Iterator[tuple[bytes, Opening]]:
        for number, line in enumerate(data.splitlines(), 1):
            try:
                fields = json.loads(line)
                commitment, salt, value = (bytes.fromhex(fields[key]) for key in ("commitment", "salt", "value"))
                opening = Opening(value, salt)
                sound = opening.opens(commitment)
            except (ValueError, KeyError, TypeError, RecordError):
                sound = False
            if not sound:
                raise TamperError("does not open its commitment", where=f"{self.path}:{number}")
            yield commitment, opening


def _line(commitment: bytes, opening: Opening) -> bytes:
    fields = {"commitment": commitment.hex(), "salt": opening.salt.hex(), "value": opening.value.hex()}
    return json.dumps(fields).encode() + b"\n"
