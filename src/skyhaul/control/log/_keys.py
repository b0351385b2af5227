"""Ed25519 keys of C2SP `signed-note`: what signs a checkpoint, and what verifies it.

https://c2sp.org/signed-note. A key has a name, a kind and an id of four bytes hashed from both and the public key; a
log signs its checkpoints with a LOG key, a witness cosigns them with a WITNESS key, whose signature carries a time.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field
from enum import IntEnum
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from skyhaul.errors import ProofError, RecordError

KEY_SIZE = 32  # RFC 8032 section 5.1.5: Ed25519 seeds and public keys
SIGNATURE_SIZE = 64  # RFC 8032 section 5.1.6
TIME_SIZE = 8  # tlog-cosignature, "Format": u64 timestamp before the signature
TIME_MAX = (1 << 63) - 1  # tlog-cosignature, "Format"

_ID = re.compile("[0-9a-f]{8}", re.ASCII)
_PRIVATE = "PRIVATE+KEY+"  # the private form that golang.org/x/mod/sumdb/note writes


class KeyKind(IntEnum):
    """Signature type identifier bytes of signed-note, "Signature types"."""

    LOG = 0x01
    WITNESS = 0x04


@dataclass(frozen=True)
class VerifierKey:
    """A public key and the name it goes by: written `name+id+base64(kind ‖ public key)`."""

    name: str
    kind: KeyKind
    public: bytes

    def __post_init__(self) -> None:
        check_key_name(self.name)
        if len(self.public) != KEY_SIZE:
            raise RecordError(f"an Ed25519 public key of {len(self.public)} bytes", mend=f"it has {KEY_SIZE}")

    @property
    def key_id(self) -> bytes:
        """First four bytes of SHA-256(name ‖ newline ‖ kind ‖ public key)."""
        return sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:4]

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """The key written as `text`; RecordError unless its id is that of its name, kind and bytes."""
        name, kind, public = _parse_key(text, "verifier key")
        key = cls(name, kind, public)
        if str(key) != text:
            raise RecordError("a verifier key whose id does not fit its name and bytes", where=text[:80])
        return key

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(bytes([self.kind]) + self.public).decode()}"

    def verify(self, text: bytes, signature: bytes) -> None:
        """Raise ProofError unless `signature` is this key's over the note text."""
        if self.kind is KeyKind.WITNESS:
            text = _cosigned_message(text, cosignature_time_s(signature))
            signature = signature[TIME_SIZE:]
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text)
        except InvalidSignature:
            raise ProofError(f"the signature of {self.name}+{self.key_id.hex()} does not verify") from None


@dataclass(frozen=True)
class SigningKey:
    """A private key and the name it goes by; never printed, only written to its file."""

    name: str
    kind: KeyKind
    seed: bytes = field(repr=False)

    def __post_init__(self) -> None:
        check_key_name(self.name)
        if len(self.seed) != KEY_SIZE:
            raise RecordError(f"an Ed25519 seed of {len(self.seed)} bytes", mend=f"it has {KEY_SIZE}")

    @classmethod
    def generate(cls, name: str, kind: KeyKind = KeyKind.LOG) -> SigningKey:
        """A new key from the system's random source."""
        return cls(name, kind, Ed25519PrivateKey.generate().private_bytes_raw())

    @classmethod
    def parse(cls, text: str) -> SigningKey:
        """The key written as `PRIVATE+KEY+name+id+base64(kind ‖ seed)`; RecordError unless the id fits."""
        if not text.startswith(_PRIVATE):
            raise RecordError("not a signing key", mend=f"a signing key begins with {_PRIVATE}")
        name, kind, seed = _parse_key(text.removeprefix(_PRIVATE), "signing key")
        key = cls(name, kind, seed)
        if key.text() != text:
            raise RecordError(f"the id of signing key {name} does not fit its name and bytes")
        return key

    def text(self) -> str:
        """The private form, to be kept secret."""
        encoded = base64.b64encode(bytes([self.kind]) + self.seed).decode()
        return f"{_PRIVATE}{self.name}+{self.verifier.key_id.hex()}+{encoded}"

    @property
    def verifier(self) -> VerifierKey:
        """The public half."""
        public = Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw()
        return VerifierKey(self.name, self.kind, public)

    def sign(self, text: bytes, time_s: int | None = None) -> bytes:
        """Signature over a note text; a WITNESS key needs `time_s`, the POSIX time of signing in seconds."""
        private = Ed25519PrivateKey.from_private_bytes(self.seed)
        if self.kind is KeyKind.LOG:
            if time_s is not None:
                raise RecordError(f"a log's key such as {self.name} signs without a time")
            return private.sign(text)
        if time_s is None or not 0 <= time_s <= TIME_MAX:
            raise RecordError(f"witness key {self.name} cannot sign at time {time_s}", mend="POSIX seconds")
        return time_s.to_bytes(TIME_SIZE, "big") + private.sign(_cosigned_message(text, time_s))


def cosignature_time_s(signature: bytes) -> int:
    """POSIX time in a witness's signature; ProofError unless it has a cosignature's form."""
    time_s = int.from_bytes(signature[:TIME_SIZE], "big")
    if len(signature) != TIME_SIZE + SIGNATURE_SIZE or time_s > TIME_MAX:
        raise ProofError(f"a cosignature of {len(signature)} bytes at time {time_s} is malformed")
    return time_s


def check_key_name(name: str) -> None:
    """Raise RecordError unless a note can carry the name: signed-note, "Format"."""
    if not name or "+" in name or any(sign.isspace() or ord(sign) < 0x20 for sign in name):
        raise RecordError(f"{name!r} cannot name a key", mend="such as example.org/log: no spaces, no +")


def decode_base64(text: str) -> bytes | None:
    """Bytes of standard base64 in its one canonical spelling; None for anything else."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if base64.b64encode(data).decode() == text else None


def _parse_key(text: str, what: str) -> tuple[str, KeyKind, bytes]:
    name, _, rest = text.partition("+")
    key_id, _, encoded = rest.partition("+")
    data = decode_base64(encoded)
    if not _ID.fullmatch(key_id) or not data:
        raise RecordError(f"not a {what}", mend="written name+id+base64, as `skyhaul audit key new` prints it")
    if data[0] not in tuple(KeyKind):
        raise RecordError(f"a {what} of unknown type 0x{data[0]:02x}", mend="known: 0x01 logs, 0x04 witnesses")
    return name, KeyKind(data[0]), data[1:]


def _cosigned_message(text: bytes, time_s: int) -> bytes:
    """tlog-cosignature, "Ed25519 signed message"."""
    return b"cosignature/v1\ntime %d\n" % time_s + text
