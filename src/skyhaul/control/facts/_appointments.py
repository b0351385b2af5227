"""Who may say what: people appointed to roles, and what was shown to whom."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from skyhaul.control.facts._accounts import ED25519_KEY_BYTES
from skyhaul.control.facts._fact import Fact


class Role(StrEnum):
    """What a person does here."""

    OPERATOR = "operator"  # runs the service: accounts, parties, terminals, settings, its own orders
    AUTHORITY = "authority"  # licenses, approves and orders in its territories
    DISTRIBUTOR = "distributor"  # records the units that pass through its hands
    AUDITOR = "auditor"  # reads


@dataclass(frozen=True, slots=True, kw_only=True)
class Appointment(Fact):
    """A person acts for a body in a role, and is known by a key.

    person        such as Ada Lovelace; without a slash
    body          the operator's or authority's name, the distributor's party, or whom an auditor answers to
    territories   for an authority, the territories (names of licence areas) the person acts in; empty: all of its
    public_key    Ed25519 public key of the person, 32 bytes (RFC 8032)
    """

    person: str
    role: Role
    body: str
    territories: tuple[str, ...] = ()
    public_key: bytes

    def __post_init__(self) -> None:
        Fact.__post_init__(self)
        if not self.person.strip() or not self.body.strip():
            self.refuse("an appointment without person or body", "say both")
        if "/" in self.person:
            self.refuse(f"“{self.person}” has a slash", "a person's name goes without")
        if self.territories and self.role is not Role.AUTHORITY:
            self.refuse(f"a role of {self.role} in territories", "only an authority has territories")
        if len(self.public_key) != ED25519_KEY_BYTES:
            self.refuse(f"a key of {len(self.public_key)} bytes", "an Ed25519 public key has 32")

    @property
    def key(self) -> str:
        """Person, role and body: a new appointment of the same gives the person a new key."""
        return f"{self.person}/{self.role}/{self.body}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Disclosure(Fact):
    """Exact positions that are else shown as cells were shown to somebody, at valid_from.

    accounts   whose service addresses; empty: all
    shown_to   the person
    reason     why
    """

    accounts: tuple[str, ...] = ()
    shown_to: str
    reason: str

    def __post_init__(self) -> None:
        Fact.__post_init__(self)
        if not self.shown_to.strip() or not self.reason.strip():
            self.refuse("a disclosure without person or reason", "say both")
