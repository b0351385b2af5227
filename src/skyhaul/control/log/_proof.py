"""C2SP `tlog-proof`: one file that shows an entry to be in a log, checked with the log's public key alone.

https://c2sp.org/tlog-proof.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass

from skyhaul.control.log._checkpoint import SignedCheckpoint, open_checkpoint
from skyhaul.control.log._keys import VerifierKey, decode_base64
from skyhaul.control.log._merkle import HASH_SIZE, check_inclusion, leaf_hash
from skyhaul.control.log._note import NOTE_MAX
from skyhaul.errors import ProofError

HEADER = "c2sp.org/tlog-proof@v1"
PATH_MAX = 63  # levels of a tree of up to 2**63 leaves

_INDEX = re.compile("index (0|[1-9][0-9]{0,18})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Proof:
    """An entry's index, its inclusion proof and the signed checkpoint it leads to; `extra` is not authenticated."""

    index: int
    path: tuple[bytes, ...]
    note: bytes
    extra: bytes = b""

    @classmethod
    def parse(cls, data: bytes) -> Proof:
        """The proof in these bytes, nothing verified yet; ProofError where they are malformed."""
        head, blank, note = data.partition(b"\n\n")
        if len(data) > 2 * NOTE_MAX or not blank:
            raise ProofError("not a tlog-proof", mend=f"it begins with {HEADER} and ends with a checkpoint")
        try:
            lines = head.decode("ascii").split("\n")
        except UnicodeDecodeError:
            raise ProofError("a tlog-proof with bytes that are not ASCII") from None
        if lines.pop(0) != HEADER:
            raise ProofError("not a tlog-proof", mend=f"it begins with {HEADER}")
        extra = b""
        if lines and lines[0].startswith("extra "):
            decoded = decode_base64(lines.pop(0).removeprefix("extra "))
            if not decoded:
                raise ProofError("a tlog-proof whose extra data is not base64")
            extra = decoded
        index = _INDEX.fullmatch(lines.pop(0)) if lines else None
        if index is None:
            raise ProofError("a tlog-proof without the index of its entry")
        path = tuple(decode_base64(line) or b"" for line in lines)
        if len(path) > PATH_MAX or any(len(hash_) != HASH_SIZE for hash_ in path):
            raise ProofError("a tlog-proof with a line that is not a hash")
        return cls(int(index[1]), path, note, extra)

    def encode(self) -> bytes:
        """The proof as bytes."""
        lines = [HEADER]
        if self.extra:
            lines.append(f"extra {base64.b64encode(self.extra).decode()}")
        lines.append(f"index {self.index}")
        lines += [base64.b64encode(hash_).decode() for hash_ in self.path]
        return "\n".join((*lines, "", "")).encode() + self.note


def verify_proof(
    proof: Proof | bytes,
    key: VerifierKey,
    leaf: bytes,
    *,
    witnesses: Sequence[VerifierKey] = (),
    quorum: int | None = None,
) -> SignedCheckpoint:
    """The verified checkpoint of a log that has the entry `leaf` where `proof` says.

    `key` is the log's public key; `quorum` of `witnesses` (all where None) must have cosigned. Raises ProofError where
    anything is malformed or does not verify.
    """
    parsed = proof if isinstance(proof, Proof) else Proof.parse(proof)
    signed = open_checkpoint(parsed.note, key, witnesses, quorum)
    checkpoint = signed.checkpoint
    check_inclusion(parsed.index, checkpoint.size, leaf_hash(leaf), parsed.path, checkpoint.root)
    return signed
