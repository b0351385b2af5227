"""Lists of verified terminals: where one is in force, nothing else is served."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from skyhaul.control.facts._areas import AreaRef
from skyhaul.control.facts._fact import Fact


class HolderKind(StrEnum):
    """Kinds of holders that quotas tell apart."""

    PERSON = "person"
    FIRM = "firm"
    CRITICAL_FIRM = "critical firm"
    STATE = "state"  # a separate path: no quota, but a sponsor


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotas:
    """How many terminals one holder may have on a list; None: no limit.

    The defaults are those of the national list that took registrations from 2026-02-03, as published: a person has one
    terminal unseen or three shown, a firm ten, a critical firm any number.
    """

    person_unseen: int | None = 1
    person: int | None = 3
    firm: int | None = 10
    critical_firm: int | None = None
    state: int | None = None

    def of(self, kind: HolderKind) -> int | None:
        """Terminals that a holder of this kind may have altogether."""
        match kind:
            case HolderKind.PERSON:
                return self.person
            case HolderKind.FIRM:
                return self.firm
            case HolderKind.CRITICAL_FIRM:
                return self.critical_firm
            case HolderKind.STATE:
                return self.state


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowList(Fact):
    """A list in force over an area: inside, only terminals listed on it are served.

    name    of the list
    area    where it counts, written LAYER/NAME
    """

    name: str
    authority: str
    area: str
    quotas: Quotas = Quotas()

    def __post_init__(self) -> None:
        Fact.__post_init__(self)
        if not self.name or not self.authority:
            self.refuse("a list without name or authority", "say both")
        AreaRef.parse(self.area, self.where)

    @property
    def key(self) -> str:
        """The list."""
        return self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing(Fact):
    """One approved terminal on an allow-list; valid_from is its approval, valid_to its expiry.

    name, terminal, kit_number, account   the list and the three numbers registered; all three must still be the
                                          terminal's own when it is used
    holder, kind, shown                   who registered it, as what, and whether the terminal was shown in person
    evidence, approved_by                 what was looked at, and by whom
    sponsor                               for a state holder, the authority that answers for it
    application                           id of the application that it grants, or empty: listed without one
    """

    name: str
    terminal: str
    kit_number: str
    account: str
    holder: str
    kind: HolderKind
    shown: bool = False
    evidence: str
    approved_by: str
    sponsor: str = ""
    application: str = ""

    def __post_init__(self) -> None:
        Fact.__post_init__(self)
        for field in ("name", "terminal", "holder", "evidence", "approved_by"):
            if not getattr(self, field):
                self.refuse(f"a listing without {field}", f"say its {field}")
        _check_sponsor(self, self.kind, self.sponsor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Application(Fact):
    """What somebody asks to have listed; valid_from is when it was asked, valid_to when it lapses undecided.

    name, terminal, kit_number, account   the list and the three numbers to be registered
    holder, holder_kind, shown            who asks, as what, and whether the terminal was shown in person
    evidence                              what was handed in: names of documents, separated by semicolons
    address                               where the holder is reached, as given, or empty
    sponsor                               for a state holder, the authority that answers for it
    """

    name: str
    terminal: str
    kit_number: str = ""
    account: str = ""
    holder: str
    holder_kind: HolderKind
    shown: bool = False
    evidence: str
    address: str = ""
    sponsor: str = ""

    def __post_init__(self) -> None:
        Fact.__post_init__(self)
        for field in ("name", "terminal", "holder", "evidence"):
            if not getattr(self, field).strip():
                self.refuse(f"an application without {field}", f"say its {field}")
        _check_sponsor(self, self.holder_kind, self.sponsor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection(Fact):
    """The answer to an application that is not granted, from valid_from on.

    application   its id
    rejected_by   who decided
    """

    application: str
    rejected_by: str
    reason: str

    def __post_init__(self) -> None:
        Fact.__post_init__(self)
        for field in ("application", "rejected_by", "reason"):
            if not getattr(self, field).strip():
                self.refuse(f"a rejection without {field}", f"say its {field}")


def _check_sponsor(fact: Fact, kind: HolderKind, sponsor: str) -> None:
    """The separate path for users of a state: no quota, and an authority that answers for each of them."""
    if kind is HolderKind.STATE and not sponsor:
        fact.refuse("a state holder without sponsor", "say which authority answers for it")
