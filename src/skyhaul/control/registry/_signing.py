"""Ed25519 signatures of people under orders, their ends and approvals, and the keys they are made with."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TypeAlias, TypeVar

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from skyhaul.control.facts import Approval, Fact, Order, OrderEnd, canonical_json, fact_document
from skyhaul.control.facts._accounts import ED25519_KEY_BYTES
from skyhaul.errors import RecordError

Signed: TypeAlias = Order | OrderEnd | Approval
S = TypeVar("S", bound=Order | OrderEnd | Approval)

SIGNED_KINDS = (Order, OrderEnd, Approval)

# Signed before every document, so that no signature made here means anything elsewhere, nor the other way round.
DOMAIN = b"skyhaul/signed-fact/v1\n"

_KEY_FILE_MAX = 4096  # bytes; an Ed25519 key in PEM has 119


@dataclass(frozen=True)
class PersonKey:
    """A person's Ed25519 private key; never printed, only written to its file."""

    seed: bytes = field(repr=False)

    @classmethod
    def generate(cls) -> PersonKey:
        """A new key from the system's random source."""
        return cls(Ed25519PrivateKey.generate().private_bytes_raw())

    @classmethod
    def read(cls, path: str | Path) -> PersonKey:
        """The key in a PEM file (PKCS #8, RFC 8410), as `openssl genpkey -algorithm ed25519` writes it too.

        Raises RecordError where it is missing, others may read it, or it is no such key.
        """
        try:
            with Path(path).open("rb") as file:
                shared = bool(os.fstat(file.fileno()).st_mode & 0o077)
                data = file.read(_KEY_FILE_MAX)
        except OSError as error:
            what = f"cannot read the key: {error.strerror}"
            raise RecordError(what, where=str(path), mend="give its file with --key") from None
        try:
            key = serialization.load_pem_private_key(data, None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            key = None
        if not isinstance(key, Ed25519PrivateKey):
            mend = "PEM of an Ed25519 key without password, as `skyhaul registry key` writes it"
            raise RecordError("is not a private key", where=str(path), mend=mend)
        if shared:
            raise RecordError("others may read this key", where=str(path), mend=f"chmod 600 {path}")
        return cls(key.private_bytes_raw())

    def write(self, path: str | Path) -> None:
        """Write a new file that only its owner may read. Raises RecordError where it is there or cannot be written."""
        pem = Ed25519PrivateKey.from_private_bytes(self.seed).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(pem)
                file.flush()
                os.fsync(descriptor)
        except FileExistsError:
            raise RecordError("the file is there already", where=str(path), mend="a key is never overwritten") from None
        except OSError as error:
            mend = "write into a folder that is there and yours"
            raise RecordError(f"cannot write the key: {error.strerror}", where=str(path), mend=mend) from None

    @property
    def public(self) -> bytes:
        """The public half, 32 bytes."""
        return Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw()

    def sign(self, fact: S) -> S:
        """The same fact under this key's signature."""
        private = Ed25519PrivateKey.from_private_bytes(self.seed)
        return replace(fact, signature=private.sign(signed_bytes(fact)))


def read_public_key(path: str | Path) -> bytes:
    """The Ed25519 public key in a file: 64 hexadecimal digits, or PEM (RFC 8410). Raises RecordError for others."""
    try:
        with Path(path).open("rb") as file:
            data = file.read(_KEY_FILE_MAX)
    except OSError as error:
        raise RecordError(f"cannot read the key: {error.strerror}", where=str(path)) from None
    with suppress(ValueError):
        key = bytes.fromhex(data.decode("ascii").strip())
        if len(key) == ED25519_KEY_BYTES:
            return key
    with suppress(ValueError, TypeError, UnsupportedAlgorithm):
        found = serialization.load_pem_public_key(data)
        if isinstance(found, Ed25519PublicKey):
            return found.public_bytes_raw()
    raise RecordError("no public key", where=str(path), mend="64 hexadecimal digits, or PEM of an Ed25519 key")


def signed_bytes(fact: Signed) -> bytes:
    """What a signature is over: a domain, then the canonical document of the fact without `recorded_at` and `signature`
    and without fields at their defaults, so that a field which is added later breaks no signature."""
    defaults = {f.name for f in fields(fact) if getattr(fact, f.name) == f.default}
    document = fact_document(fact)
    kept = {k: v for k, v in document.items() if k not in defaults and k not in ("recorded_at", "signature")}
    return DOMAIN + canonical_json(kept).encode()


def is_signed_by(fact: Signed, public_key: bytes) -> bool:
    """Whether a fact's signature is the key's over the fact as it stands."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(fact.signature, signed_bytes(fact))
    except (InvalidSignature, ValueError):
        return False
    return True


def signer_of(fact: Fact) -> str | None:
    """The person whose signature a fact must carry; None for kinds that carry none."""
    if isinstance(fact, Approval):
        return fact.approver
    return fact.author if isinstance(fact, Order | OrderEnd) else None
