"""C2SP `signed-note`: a text and the signatures under it, as bytes and as a record.

https://c2sp.org/signed-note.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from skyhaul.control.log._keys import SigningKey, VerifierKey, check_key_name, decode_base64
from skyhaul.errors import ProofError, RecordError

SIGNATURES_MAX = 100  # golang.org/x/mod/sumdb/note; signed-note asks for at least 16
NOTE_MAX = 1_000_000  # bytes; golang.org/x/mod/sumdb/note

_DASH = "\N{EM DASH} "


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line: whose it says it is, and the bytes."""

    name: str
    key_id: bytes
    data: bytes

    @classmethod
    def parse(cls, line: str) -> Signature:
        """The signature of a line without its newline; ProofError where it is malformed."""
        name, _, encoded = line.removeprefix(_DASH).partition(" ")
        data = decode_base64(encoded)
        if not line.startswith(_DASH) or data is None or len(data) <= 4:
            raise ProofError("a malformed signature line", where=line[:60])
        try:
            check_key_name(name)
        except RecordError as error:
            raise ProofError(error.what, where=line[:60]) from None
        return cls(name, data[:4], data[4:])

    def __str__(self) -> str:
        return f"{_DASH}{self.name} {base64.b64encode(self.key_id + self.data).decode()}"


@dataclass(frozen=True, slots=True)
class Note:
    """A text that ends in a newline, and its signatures in order."""

    text: str
    signatures: tuple[Signature, ...]

    @classmethod
    def parse(cls, data: bytes) -> Note:
        """The note in these bytes, nothing verified yet; ProofError where they are not a signed note."""
        if len(data) > NOTE_MAX:
            raise ProofError(f"a note of {len(data):,} bytes", mend=f"notes have at most {NOTE_MAX:,}")
        try:
            whole = data.decode()
        except UnicodeDecodeError:
            raise ProofError("a note that is not UTF-8") from None
        if _has_controls(whole):
            raise ProofError("a note with control characters")
        text, blank, signed = whole.rpartition("\n\n")
        lines = signed.split("\n")
        if not blank or lines.pop() or not lines:
            raise ProofError("a note without signatures", mend="text, an empty line, then signature lines")
        if len(lines) > SIGNATURES_MAX:
            raise ProofError(f"a note with {len(lines)} signatures", mend=f"at most {SIGNATURES_MAX}")
        return cls(text + "\n", tuple(map(Signature.parse, lines)))

    @classmethod
    def sign(cls, text: str, key: SigningKey, time_s: int | None = None) -> Note:
        """The text under one signature; RecordError unless it ends in a newline and has no other control characters."""
        if not text.endswith("\n") or _has_controls(text):
            raise RecordError("a text that a note cannot carry", where=repr(text[:60]))
        return cls(text, ()).cosigned(key, time_s)

    def encode(self) -> bytes:
        """The note as bytes."""
        return "\n".join((self.text, *map(str, self.signatures), "")).encode()

    def cosigned(self, key: SigningKey, time_s: int | None = None) -> Note:
        """This note with one signature more."""
        data = key.sign(self.text.encode(), time_s)
        return self.joined((Signature(key.name, key.verifier.key_id, data),))

    def joined(self, signatures: Iterable[Signature]) -> Note:
        """This note with these signatures too, each once."""
        return replace(self, signatures=tuple(dict.fromkeys((*self.signatures, *signatures))))

    def verify(self, keys: Sequence[VerifierKey]) -> tuple[tuple[VerifierKey, Signature], ...]:
        """The signatures made by `keys`, verified; those of unknown keys are passed over, as signed-note asks.

        Raises ProofError where one by a known key does not verify. An empty answer means: nobody known signed.
        """
        known = {(key.name, key.key_id): key for key in keys}
        found = []
        for signature in self.signatures:
            key = known.get((signature.name, signature.key_id))
            if key is not None:
                key.verify(self.text.encode(), signature.data)
                found.append((key, signature))
        return tuple(found)


def _has_controls(text: str) -> bool:
    return any(ord(sign) < 0x20 and sign != "\n" for sign in text)
