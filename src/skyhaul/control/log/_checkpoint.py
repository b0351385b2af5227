"""C2SP `tlog-checkpoint` and `tlog-cosignature`: a log's signed size and root, and the witnesses under it.

https://c2sp.org/tlog-checkpoint, https://c2sp.org/tlog-cosignature.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass

from skyhaul.control.log._keys import KeyKind, SigningKey, VerifierKey, cosignature_time_s, decode_base64
from skyhaul.control.log._merkle import EMPTY_ROOT, HASH_SIZE, check_consistency
from skyhaul.control.log._note import Note, Signature
from skyhaul.errors import ProofError

_SIZE = re.compile("0|[1-9][0-9]{0,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree head: the log's origin, its number of entries and their root.

    `extensions` are further lines that a log may sign; Skyhaul's own logs have none.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """The checkpoint a note text says; ProofError where it is malformed."""
        lines = text.split("\n")
        if len(lines) < 4 or lines.pop() or not all(lines):
            raise ProofError("a checkpoint needs three lines or more, none empty", mend="origin, size, root")
        origin, size, root = lines[:3]
        hash_ = decode_base64(root)
        if not _SIZE.fullmatch(size) or hash_ is None or len(hash_) != HASH_SIZE:
            raise ProofError(f"a malformed size {size[:24]!r} or root {root[:48]!r} in a checkpoint")
        if size == "0" and hash_ != EMPTY_ROOT:
            raise ProofError("the root of an empty log is not the hash of nothing")
        return cls(origin, int(size), hash_, tuple(lines[3:]))

    def text(self) -> str:
        """The note text that is signed."""
        lines = (self.origin, str(self.size), base64.b64encode(self.root).decode(), *self.extensions)
        return "\n".join(lines) + "\n"

    def signed(self, key: SigningKey) -> bytes:
        """The checkpoint as a note signed by the log's key."""
        return Note.sign(self.text(), key).encode()


@dataclass(frozen=True, slots=True)
class Cosignature:
    """A witness's statement: at `time_s` (POSIX seconds) this was the largest tree it had seen, and consistent."""

    witness: VerifierKey
    time_s: int


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """A checkpoint whose signatures by known keys hold; `unknown` counts the signature lines of others."""

    checkpoint: Checkpoint
    cosignatures: tuple[Cosignature, ...]
    unknown: int
    note: bytes


def open_checkpoint(
    note: bytes, key: VerifierKey, witnesses: Sequence[VerifierKey] = (), quorum: int | None = None
) -> SignedCheckpoint:
    """The checkpoint in a signed note, verified.

    `key` is the log's and names its origin; `quorum` of `witnesses` (all of them where None) must have cosigned.
    Raises ProofError where the note is malformed, the log's signature is missing, a known signature does not verify,
    the origin is another log's, or too few witnesses cosigned.
    """
    parsed = Note.parse(note)
    verified = parsed.verify((key, *witnesses))
    if not any(signer == key for signer, _ in verified):
        raise ProofError(f"not signed by {key}", mend="is it another log's key?")
    checkpoint = Checkpoint.parse(parsed.text)
    if checkpoint.origin != key.name:
        raise ProofError(f"the checkpoint is of {checkpoint.origin!r}, the key of {key.name!r}")
    cosignatures = tuple(
        Cosignature(signer, cosignature_time_s(signature.data))
        for signer, signature in verified
        if signer.kind is KeyKind.WITNESS and signer != key
    )
    needed = len(set(witnesses)) if quorum is None else quorum
    seen = {cosignature.witness for cosignature in cosignatures}
    if len(seen) < needed:
        missing = ", ".join(sorted(witness.name for witness in set(witnesses) - seen))
        raise ProofError(f"cosigned by {len(seen)} of the {needed} witnesses asked for", mend=f"missing: {missing}")
    return SignedCheckpoint(checkpoint, cosignatures, len(parsed.signatures) - len(verified), note)


def cosign(
    note: bytes, log: VerifierKey, witness: SigningKey, time_s: int, last: Checkpoint | None, proof: Sequence[bytes]
) -> Signature:
    """The cosignature of a witness that saw `last` before (None: nothing yet) under this checkpoint of a log.

    `proof` is the consistency proof from `last` to the checkpoint. Raises ProofError where the note is not signed by
    the log or its tree does not continue the one seen before: a witness signs nothing that contradicts its past.
    """
    checkpoint = open_checkpoint(note, log).checkpoint
    seen = last or Checkpoint(checkpoint.origin, 0, EMPTY_ROOT)
    if seen.origin != checkpoint.origin:
        raise ProofError(f"the checkpoint is of {checkpoint.origin!r}, the one seen before of {seen.origin!r}")
    check_consistency(seen.size, checkpoint.size, seen.root, checkpoint.root, proof)
    return Note(checkpoint.text(), ()).cosigned(witness, time_s).signatures[0]
