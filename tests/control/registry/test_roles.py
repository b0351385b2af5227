"""The table of roles, tried out whole: every kind of fact by every role."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import shapely

from skyhaul.control.facts import (
    AllowList,
    Application,
    Appointment,
    BorderPolicy,
    Disclosure,
    Fact,
    HolderKind,
    Licence,
    Listing,
    OrderEnd,
    Policy,
    Precedence,
    Rejection,
    Role,
    Settings,
    Statement,
    Step,
    TypeApproval,
    Withdrawal,
    fact_kinds,
    utc,
)
from skyhaul.control.registry import OWN_MEANS, PERMISSIONS, May
from skyhaul.control.registry._permissions import row_of, who_may
from tests.control.registry.offices import (
    accepted,
    account,
    appointment,
    key_of,
    offices,
    party,
    refused,
    said,
    terminal,
)
from tests.control.registry.test_door import approval, event, order
from tests.control.worlds import MODEL, area
from tests.docs.pages import ROOT, tables_of

PEOPLE = {Role.OPERATOR: "Olga", Role.AUTHORITY: "Nora", Role.DISTRIBUTOR: "Dina", Role.AUDITOR: "Audi"}
OFFICE = "Northland Office"


def given(author: str) -> list[Fact]:
    """What the samples speak of: an order and a list of each authority that gives some."""
    operators = order("o-operator", "Otto", approvals_needed=1)
    authorities = order("o-authority", "Nils", approvals_needed=1)
    allowed = AllowList(name="W", authority=OFFICE, area="licence/Northland", **said("W", "Nils"))
    asked = application("asked", "Otto")
    return [operators, authorities, allowed, asked]


def application(id_: str, author: str) -> Application:
    return Application(
        name="W", terminal="UT-1", holder="Ada", holder_kind=HolderKind.FIRM, evidence="extract", **said(id_, author)
    )


def listing(author: str) -> Listing:
    return Listing(
        name="W",
        terminal="UT-1",
        kit_number="",
        account="A-1",
        holder="Ada",
        kind=HolderKind.FIRM,
        evidence="extract",
        approved_by=author,
        **said("x", author, valid_to=utc("2025-01-01")),
    )


def body(author: str) -> str:
    return "operator" if author in ("Olga", "Otto") else OFFICE


def new_person(author: str) -> Appointment:
    return replace(appointment("Nils", id="x"), person="Nele", author=author, public_key=key_of("Nele").public)


# A fact of every row that is, as far as it can be, its author's own.
SAMPLES: dict[str, Callable[[str], Fact]] = {
    "Area claim": lambda a: area("claim", "C", shapely.box(11, 48.5, 12, 49), "N", author=a, id="x"),
    "Area control": lambda a: area("control", "C", shapely.box(11, 48.5, 12, 49), "N", author=a, id="x"),
    "Area licence": lambda a: area("licence", "C", shapely.box(11, 48.5, 12, 49), OFFICE, author=a, id="x"),
    "Area ocean": lambda a: area("ocean", "C", shapely.box(11, 48.5, 12, 49), author=a, id="x"),
    "Area zone": lambda a: area("zone", "C", shapely.box(11, 48.5, 12, 49), author=a, id="x"),
    "Licence": lambda a: Licence(authority=OFFICE, territory="Northland", **said("x", a)),
    "TypeApproval": lambda a: TypeApproval(authority=OFFICE, model=MODEL, **said("x", a)),
    "Party": lambda a: party("New", "Dealer", a, id="x"),
    "Account": lambda a: account("A-9", author=a, id="x"),
    "Terminal": lambda a: terminal("UT-9", "", a, holder="Dealer", id="x"),
    "CustodyEvent": lambda a: event("x", Step.TRANSFER, "UT-2", a, giver="Dealer", receiver="Ada"),
    "AllowList": lambda a: AllowList(name="V", authority=OFFICE, area="licence/Northland", **said("x", a)),
    "Application": lambda a: application("x", a),
    "Listing": listing,
    "Rejection": lambda a: Rejection(application="asked", rejected_by=a, reason="no", **said("x", a)),
    "Order": lambda a: replace(order("x", "Nora"), author=a, authority=body(a)),
    "OrderEnd": lambda a: OrderEnd(
        order="o-operator" if body(a) == "operator" else "o-authority", authority=body(a), reason="over", **said("x", a)
    ),
    "Approval": lambda a: approval("x", "o-operator" if body(a) == "operator" else "o-authority", a),
    "Policy": lambda a: Policy(settings=Settings(lease_s=15), **said("x", a)),
    "BorderPolicy": lambda a: BorderPolicy(area="licence/Northland", **said("x", a)),
    "Precedence": lambda a: Precedence(authorities=("operator", OFFICE), **said("x", a)),
    "Appointment": new_person,
    "Disclosure": lambda a: Disclosure(shown_to=a, reason="court order", **said("x", a)),
    "Statement": lambda a: Statement(speaker="a minister", says="none were sold", **said("x", a)),
}  # fmt: skip


def test_every_kind_of_fact_has_its_row_and_its_sample() -> None:
    rows = {row.partition(" ")[0] for row in PERMISSIONS}
    assert rows == set(fact_kinds()) - {"Withdrawal"}
    assert set(SAMPLES) == set(PERMISSIONS)
    own = {(row, role) for row, of in PERMISSIONS.items() for role, may in of.items() if may is May.OWN}
    assert own == set(OWN_MEANS)
    assert all(set(of) == set(Role) for of in PERMISSIONS.values())


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("row", PERMISSIONS)
def test_a_role_records_what_the_table_says(row: str, role: Role) -> None:
    person = PEOPLE[role]
    fact = SAMPLES[row](person)
    assert row_of(fact) == row
    if PERMISSIONS[row][role] is May.NO:
        said_ = refused(person, fact, more=given(person))
        if not (role is Role.AUDITOR and row in ("Order", "OrderEnd", "Approval")):
            assert "may not record a" in said_
        assert said_.endswith(f"({who_may(row)} may)"), said_
    else:
        accepted(person, fact, more=given(person))


def _rows(rows: Iterable[str]) -> list[str]:
    return [row for row in rows if row not in ("Order", "OrderEnd", "Approval", "Disclosure")]


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("row", _rows(PERMISSIONS))
def test_a_role_withdraws_what_it_may_record(row: str, role: Role) -> None:
    person = PEOPLE[role]
    fact = SAMPLES[row](person if PERMISSIONS[row][role] is not May.NO else "Olga")
    withdrawn = Withdrawal(kind=type(fact).__name__, **said("w", person, subject=fact.key))
    if PERMISSIONS[row][role] is May.NO:
        refused(person, withdrawn, more=[*given(person), fact])
    else:
        accepted(person, withdrawn, more=[*given(person), fact])


def test_what_was_shown_stays_on_record() -> None:
    shown = SAMPLES["Disclosure"]("Olga")
    withdrawn = Withdrawal(kind="Disclosure", **said("w", "Olga", subject="x"))
    assert "cannot be taken back" in refused("Olga", withdrawn, more=[shown])
    other = Disclosure(shown_to="Otto", reason="other", **said("y", "Olga", subject="x"))
    assert "cannot be corrected" in refused("Olga", other, more=[shown])


def test_nobody_but_the_operator_takes_over_what_others_said() -> None:
    """A fact that takes another's place needs the right to say the other."""
    own = said("x", "Sven", subject="licence-N")
    foreign: list[tuple[str, Any]] = [
        ("Sven", Licence(authority="Southland Office", territory="Southland", **own)),
        ("Dina", terminal("UT-1", "A-1", "Dina", holder="Dealer", id="x")),
        ("Dina", party("Ada", "", "Dina", id="x")),
        ("Nora", Statement(speaker="a minister", says="others", **said("x", "Nora", subject="s"))),
    ]
    statement = Statement(speaker="a minister", says="none were sold", **said("s", "Otto"))
    for person, fact in foreign:
        refused(person, fact, more=[statement])
    accepted("Olga", Statement(speaker="a minister", says="others", **said("x", "Olga", subject="s")), more=[statement])


def test_the_page_has_the_table() -> None:
    page = Path(ROOT / "docs" / "registry.md")
    (rows,) = (rows for _, columns, rows in tables_of(page) if columns[:2] == ["kind of fact", "operator"])
    written = {row[0].replace("`", ""): tuple(row[1:]) for row in rows}
    words = {
        row: tuple(
            {May.YES: "yes", May.NO: "–"}.get(of[role]) or OWN_MEANS[row, role]
            for role in (Role.OPERATOR, Role.AUTHORITY, Role.DISTRIBUTOR)
        )
        for row, of in PERMISSIONS.items()
    }
    assert written == words


def test_offices_hold_nothing_that_the_door_would_refuse() -> None:
    facts = offices()
    assert len({fact.id for fact in facts}) == len(facts)
