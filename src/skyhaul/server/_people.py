"""Who asks: tokens, the people they stand for, and what these may do."""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import json
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from skyhaul.control.facts import Appointment, Role
from skyhaul.control.registry import Actor, PersonKey, Registry
from skyhaul.errors import RecordError, StoreError
from skyhaul.server._problems import RefusedError

OPERATOR = "operator"
"""The name of whoever runs a system without a registry."""
_BYTES = 32  # of a token: as many as a key has
_DOMAIN = b"skyhaul/console-token/v1"  # what a demo token is derived for, and nothing else


@dataclass(frozen=True)
class TokenKey(PersonKey):
    """In place of a person's key, whose token has proved who they are: it verifies as theirs and signs nothing."""

    appointed: bytes = b""

    @property
    def public(self) -> bytes:
        return self.appointed

    def sign(self, fact: object) -> object:  # type: ignore[override]
        raise RefusedError(
            403,
            "the server holds no key of yours, and this needs your signature",
            where="signature",
            mend="ask for a draft, sign its bytes with your key, send the document with the signature",
        )


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever sent a request.

    person         by whose token; empty without one
    appointments   what the person is now, by the registry
    local          whether the request came from this machine
    operates       whether the person runs the system, registry or not
    """

    person: str = ""
    appointments: tuple[Appointment, ...] = ()
    local: bool = False
    operates: bool = False

    @property
    def roles(self) -> tuple[str, ...]:
        """Names of the roles, sorted."""
        found = {str(appointment.role) for appointment in self.appointments}
        return tuple(sorted(found | ({str(Role.OPERATOR)} if self.operates else set())))

    @property
    def bodies(self) -> tuple[str, ...]:
        """The authorities that the person acts for, sorted."""
        return tuple(sorted({a.body for a in self.appointments if a.role is Role.AUTHORITY}))

    def has(self, *roles: Role) -> bool:
        """Whether the caller has one of these roles."""
        return any(str(role) in self.roles for role in roles)

    def require(self, *roles: Role) -> None:
        """Raise RefusedError (401, 403) unless the caller has one of these roles."""
        if not self.person:
            raise no_token()
        if not self.has(*roles):
            have = f"{self.person} is {', '.join(self.roles)}" if self.roles else f"{self.person} has no role now"
            raise RefusedError(403, have, mend=f"ask somebody who is {' or '.join(roles)}")


def no_token() -> RefusedError:
    """The refusal of a request that needs a token and has none."""
    return RefusedError(
        401,
        "without a token this server can only be read, and only from this machine",
        mend="send “Authorization: Bearer TOKEN”; `skyhaul up` prints or makes tokens",
    )


@dataclass
class Tokens:
    """The tokens of people, as SHA-256 hashes: who reads the file learns none.

    path   where they last; None: in memory
    """

    path: Path | None = None
    _people: dict[str, str] = field(default_factory=dict)  # hash → person
    _passing: dict[str, str] = field(default_factory=dict)

    @classmethod
    def open(cls, path: Path | None) -> Tokens:
        """The tokens in a file. Raises RecordError for a file that holds none."""
        if path is None or not path.exists():
            return cls(path)
        try:
            people = json.loads(path.read_text(encoding="utf-8"))["tokens"]
            if not all(isinstance(text, str) for pair in people.items() for text in pair):
                raise ValueError
        except OSError as error:
            raise RecordError(f"cannot read the tokens: {error.strerror}", where=str(path)) from None
        except (ValueError, KeyError, TypeError, AttributeError):
            raise RecordError(
                "holds no tokens", where=str(path), mend="take the file away: tokens are made anew"
            ) from None
        return cls(path, people)

    def make(self, person: str) -> str:
        """A new token of a person, which lasts. Raises StoreError where it cannot be kept."""
        token = secrets.token_urlsafe(_BYTES)
        self._people[_hash(token)] = person
        self._write()
        return token

    def revoke(self, person: str) -> int:
        """Forget all tokens of a person; how many there were."""
        gone = [key for key, owner in self._people.items() if owner == person]
        for key in gone:
            del self._people[key]
        self._write()
        return len(gone)

    def lend(self, person: str, key: PersonKey | None = None) -> str:
        """A token that holds while the process lives: a new one, or the one that follows from the person's key, which
        is the same at every start."""
        if key is None:
            token = secrets.token_urlsafe(_BYTES)
        else:
            digest = hmac.new(key.seed, _DOMAIN + person.encode(), hashlib.sha256).digest()
            token = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        self._passing[_hash(token)] = person
        return token

    def person_of(self, token: str) -> str | None:
        """Whose token it is; hashes are looked up, so that no time tells how much of a guess is right."""
        key = _hash(token)
        return self._passing.get(key) or self._people.get(key)

    def _write(self) -> None:
        if self.path is None:
            return
        partial = self.path.with_suffix(".part")
        try:
            descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump({"tokens": self._people}, file)
                file.flush()
                os.fsync(descriptor)
            partial.replace(self.path)
        except OSError as error:
            raise StoreError(f"cannot keep the token: {error.strerror}", where=str(self.path)) from None


def caller_of(token: str | None, address: str, tokens: Tokens, registry: Registry | None) -> Caller:
    """Who sends a request from an address with a token. Raises RefusedError (401)."""
    local = is_loopback(address)
    if token is None:
        if not local:
            raise no_token()
        return Caller(local=True)
    person = tokens.person_of(token)
    if person is None:
        raise RefusedError(401, "nobody has this token", mend="`skyhaul up` prints or makes tokens")
    if registry is None:
        return Caller(person, local=local, operates=True)
    appointments = tuple(registry.known().appointments(person))
    operates = any(appointment.role is Role.OPERATOR for appointment in appointments)
    return Caller(person, appointments, local, operates)


def is_loopback(address: str) -> bool:
    """Whether an address is this machine's own."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return found.is_loopback or (mapped is not None and mapped.is_loopback)


def actor_of(caller: Caller, keys: dict[str, PersonKey]) -> Actor:
    """The caller as who records: with their key where the server has it (the people of a demonstration), else as whom
    their token shows them to be. Raises RefusedError (401, 403)."""
    if not caller.person:
        raise no_token()
    if not caller.appointments:
        raise RefusedError(403, f"{caller.person} holds no appointment", mend="the operator appoints people")
    own = keys.get(caller.person)
    if own is not None:
        return Actor(caller.person, own)
    return Actor(caller.person, TokenKey(b"", caller.appointments[0].public_key))


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
