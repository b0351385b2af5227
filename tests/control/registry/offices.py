"""People of the offices of Northland and Southland, of the operator, a dealer and an audit court, and their facts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from skyhaul.control.facts import (
    Account,
    Appointment,
    Area,
    Fact,
    Facts,
    Licence,
    Party,
    Place,
    Plan,
    PlanKind,
    Role,
    Terminal,
    TypeApproval,
    utc,
)
from skyhaul.control.registry import Actor, Index, PersonKey, examine
from skyhaul.errors import ControlError
from tests.control.worlds import MARCHES, MODEL, NORTH, SOUTH, START, area

NOW = utc("2024-02-17T12:00:12Z")

BODIES: dict[str, tuple[Role, str, tuple[str, ...]]] = {
    "Olga": (Role.OPERATOR, "operator", ()),
    "Otto": (Role.OPERATOR, "operator", ()),
    "Nora": (Role.AUTHORITY, "Northland Office", ()),
    "Nils": (Role.AUTHORITY, "Northland Office", ()),
    "Nick": (Role.AUTHORITY, "Northland Office", ("Northland",)),
    "Sven": (Role.AUTHORITY, "Southland Office", ()),
    "Dina": (Role.DISTRIBUTOR, "Dealer", ()),
    "Audi": (Role.AUDITOR, "Court", ()),
}


def key_of(person: str) -> PersonKey:
    return PersonKey(hashlib.sha256(person.encode()).digest())


def actor(person: str) -> Actor:
    return Actor(person, key_of(person))


def appointment(person: str, **given: Any) -> Appointment:
    role, body, territories = BODIES[person]
    fields: dict[str, Any] = {
        "person": person,
        "role": role,
        "body": body,
        "territories": territories,
        "public_key": key_of(person).public,
    }
    return Appointment(**(fields | said(f"appointment-{person}", "Olga") | given))


def said(id_: str, author: str, **given: Any) -> dict[str, Any]:
    return {"id": id_, "valid_from": START, "recorded_at": START, "source": "gazette 1/2024", "author": author} | given


def unit_key(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()


def party(name: str, parent: str = "", author: str = "Olga", **given: Any) -> Party:
    return Party(party=name, parent=parent, **said(given.pop("id", f"party-{name}"), author, **given))


def account(name: str, party_: str = "Ada", author: str = "Olga", **given: Any) -> Account:
    plan = given.pop(
        "plan",
        Plan(kind=PlanKind.FIXED, home="Northland", service_address=Place(49.0, 12.0), max_distance_m=50_000.0),
    )
    return Account(account=name, party=party_, plan=plan, **said(given.pop("id", f"account-{name}"), author, **given))


def terminal(name: str, account_: str = "", author: str = "Olga", **given: Any) -> Terminal:
    fields: dict[str, Any] = {"model": MODEL, "holder": "Ada", "public_key": unit_key(name)}
    for field in tuple(fields):
        if field in given:
            fields[field] = given.pop(field)
    id_ = given.pop("id", f"terminal-{name}")
    return Terminal(terminal=name, account=account_, **fields, **said(id_, author, **given))


def ground() -> list[Area]:
    by = {"author": "Olga"}
    return [
        area("licence", "Northland", NORTH, "Northland Office", **by),
        area("licence", "Southland", SOUTH, "Southland Office", **by),
        area("zone", "Marches", MARCHES, **by),
    ]


def offices() -> list[Fact]:
    """Everything recorded before the tests' own facts."""
    return [
        *(appointment(person) for person in BODIES),
        *ground(),
        party("Dealer"),
        party("Ada"),
        party("Shop", "Dealer"),
        Licence(authority="Northland Office", territory="Northland", **said("licence-N", "Nora")),
        TypeApproval(authority="Northland Office", model=MODEL, **said("approval-N", "Nora")),
        account("A-1"),
        terminal("UT-1", "A-1"),
        terminal("UT-2", "A-1", holder="Dealer"),
    ]


def examined(
    person: str, *facts: Fact, more: Iterable[Fact] = (), now: np.datetime64 = NOW
) -> list[ControlError | None]:
    """What the door says of facts that a person hands in, signed where their kind carries a signature."""
    held = Facts([*offices(), *more])
    who = actor(person)
    return examine([who.signed(fact) for fact in facts], who, held, Index(), now)


def refused(person: str, fact: Fact, more: Iterable[Fact] = (), now: np.datetime64 = NOW) -> str:
    """Why a fact is refused; fails where it is not."""
    (error,) = examined(person, fact, more=more, now=now)
    assert error is not None, f"{person} may record {fact.where}"
    return str(error)


def accepted(person: str, *facts: Fact, more: Iterable[Fact] = (), now: np.datetime64 = NOW) -> None:
    """Fails where any of the facts is refused."""
    assert examined(person, *facts, more=more, now=now) == [None] * len(facts)


def later(facts: Sequence[Fact], recorded_at: np.datetime64) -> list[Fact]:
    """Facts as recorded from an instant on, a microsecond apart."""
    return [replace(f, recorded_at=recorded_at + np.timedelta64(i, "us")) for i, f in enumerate(facts)]
