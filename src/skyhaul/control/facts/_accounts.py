"""Parties, their accounts, and the terminals."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from skyhaul.control.facts._fact import Fact
from skyhaul.control.facts._licences import ServiceClass

ED25519_KEY_BYTES = 32  # RFC 8032, section 5.1.5
ANYWHERE = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Party(Fact):
    """A person, firm, dealer, authority or unit of a state.

    party       its name in the registry
    parent      the party it belongs to, or empty
    territory   where it is established: name of a licence area, or empty: not recorded
    """

    party: str
    parent: str = ""
    territory: str = ""

    def __post_init__(self) -> None:
        Fact.__post_init__(self)
        if not self.party:
            self.refuse("a party without a name", "name it")
        if self.party == self.parent:
            self.refuse(f"{self.party} is its own parent", "leave the parent out")

    @property
    def key(self) -> str:
        """The party."""
        return self.party


class PlanKind(StrEnum):
    """What an account has bought."""

    FIXED = "fixed"  # at one address
    ROAMING = "roaming"  # at any place of its territories
    MOBILE = "mobile"  # and in motion


class Place(NamedTuple):
    """Geodetic latitude and longitude, degrees."""

    latitude_deg: float
    longitude_deg: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A service plan.

    home             territory (name of a licence area) the account belongs to
    service_address  where a fixed terminal stands
    max_distance_m   how far from there it may be used; great circle on the mean sphere
    roams_to         territories a roaming or mobile plan may also be used in; `*` for any
    ocean            may be used in areas of the ocean layer
    aviation         for aircraft
    max_speed_m_s    highest speed in use, or None
    """

    kind: PlanKind
    home: str
    service_address: Place | None = None
    max_distance_m: float | None = None
    roams_to: tuple[str, ...] = ()
    ocean: bool = False
    aviation: bool = False
    max_speed_m_s: float | None = None

    @property
    def service_class(self) -> ServiceClass:
        """The class of service on land or in the air; at sea an ocean plan is maritime."""
        if self.aviation:
            return ServiceClass.AERONAUTICAL
        return ServiceClass.LAND_MOBILE if self.kind is PlanKind.MOBILE else ServiceClass.FIXED


class AccountState(StrEnum):
    """Whether an account may use the service."""

    ACTIVE = "active"
    DISABLED = "disabled"
    SANDBOX = "sandbox"  # over its data: nothing but the operator's own pages
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account(Fact):
    """An account at a time: whose it is, its state and its plan."""

    account: str
    party: str
    state: AccountState = AccountState.ACTIVE
    plan: Plan

    def __post_init__(self) -> None:
        Fact.__post_init__(self)
        plan = self.plan
        if not self.account or not self.party:
            self.refuse("an account without a name or party", "say both")
        if plan.kind is PlanKind.FIXED:
            if plan.service_address is None or plan.max_distance_m is None:
                self.refuse("a fixed plan without service address or distance", "say both")
            if not abs(plan.service_address.latitude_deg) <= 90 or not abs(plan.service_address.longitude_deg) <= 180:
                self.refuse("its service address is no place on Earth", "latitude within ±90°, longitude within ±180°")
        for name in ("max_distance_m", "max_speed_m_s"):
            value = getattr(plan, name)
            if value is not None and not 0 <= value < float("inf"):
                self.refuse(f"{name} is {value}", "zero or more, or leave it out")

    @property
    def key(self) -> str:
        """The account."""
        return self.account


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminal(Fact):
    """A user terminal in the registry.

    terminal     its id
    public_key   Ed25519 public key of the unit, 32 bytes (RFC 8032)
    holder       the party that has it
    account      the account it is used on, or empty
    """

    terminal: str
    public_key: bytes
    model: str
    software: str = ""
    kit_number: str = ""
    holder: str = ""
    account: str = ""

    def __post_init__(self) -> None:
        Fact.__post_init__(self)
        if not self.terminal or not self.model:
            self.refuse("a terminal without id or model", "say both")
        if len(self.public_key) != ED25519_KEY_BYTES:
            self.refuse(f"a key of {len(self.public_key)} bytes", "an Ed25519 public key has 32")

    @property
    def key(self) -> str:
        """The terminal."""
        return self.terminal
