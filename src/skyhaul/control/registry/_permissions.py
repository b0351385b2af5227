"""Who may record which kind of fact: the table, as data."""

from __future__ import annotations

from enum import StrEnum

from skyhaul.control.facts import Area, Fact, Role


class May(StrEnum):
    """Whether a role may record a kind of fact."""

    YES = "yes"
    OWN = "own"  # about what is its own: see OWN_MEANS
    NO = "no"


_ROLES = (Role.OPERATOR, Role.AUTHORITY, Role.DISTRIBUTOR)


def _row(operator: str, authority: str, distributor: str) -> dict[Role, May]:
    row = {role: May(may) for role, may in zip(_ROLES, (operator, authority, distributor), strict=True)}
    return row | {Role.AUDITOR: May.NO}


# A Withdrawal, and a fact that replaces an earlier one, need what the earlier fact needs.
PERMISSIONS: dict[str, dict[Role, May]] = {
    #                    operator  authority  distributor
    "Area claim": _row("yes", "no", "no"),
    "Area control": _row("yes", "no", "no"),
    "Area licence": _row("yes", "no", "no"),
    "Area ocean": _row("yes", "no", "no"),
    "Area zone": _row("yes", "own", "no"),
    "Licence": _row("no", "own", "no"),
    "TypeApproval": _row("no", "own", "no"),
    "Party": _row("yes", "no", "own"),
    "Account": _row("yes", "no", "no"),
    "Terminal": _row("yes", "no", "own"),
    "CustodyEvent": _row("yes", "no", "own"),
    "AllowList": _row("no", "own", "no"),
    "Application": _row("yes", "own", "own"),
    "Listing": _row("no", "own", "no"),
    "Rejection": _row("no", "own", "no"),
    "Order": _row("own", "own", "no"),
    "OrderEnd": _row("own", "own", "no"),
    "Approval": _row("own", "own", "no"),
    "Policy": _row("yes", "no", "no"),
    "BorderPolicy": _row("yes", "no", "no"),
    "Precedence": _row("yes", "no", "no"),
    "Appointment": _row("yes", "no", "no"),
    "Disclosure": _row("yes", "no", "no"),
    "Statement": _row("yes", "own", "own"),
}  # fmt: skip

# What a role's own is, as errors and the documentation say it.
OWN_MEANS: dict[tuple[str, Role], str] = {
    ("Area zone", Role.AUTHORITY): "inside its territories",
    ("Licence", Role.AUTHORITY): "in its territories",
    ("TypeApproval", Role.AUTHORITY): "in its territories",
    ("Party", Role.DISTRIBUTOR): "new ones, and those that belong to its party",
    ("Terminal", Role.DISTRIBUTOR): "units with its party",
    ("CustodyEvent", Role.DISTRIBUTOR): "of units that come to its party or leave it",
    ("AllowList", Role.AUTHORITY): "inside its territories",
    ("Application", Role.AUTHORITY): "for its lists",
    ("Application", Role.DISTRIBUTOR): "that it hands in",
    ("Listing", Role.AUTHORITY): "on its lists",
    ("Rejection", Role.AUTHORITY): "for its lists",
    ("Order", Role.OPERATOR): "in the operator's name",
    ("Order", Role.AUTHORITY): "in its name, over its territories",
    ("OrderEnd", Role.OPERATOR): "in the operator's name",
    ("OrderEnd", Role.AUTHORITY): "in its name",
    ("Approval", Role.OPERATOR): "of the operator's orders that another gave",
    ("Approval", Role.AUTHORITY): "of its orders that another gave",
    ("Statement", Role.AUTHORITY): "of its own",
    ("Statement", Role.DISTRIBUTOR): "of its own",
}


def row_of(fact: Fact) -> str:
    """The row of the table that a fact falls under."""
    return f"Area {fact.layer}" if isinstance(fact, Area) else type(fact).__name__


def allowed(row: str, role: Role) -> May:
    """What the table says; nobody may record what it does not name."""
    return PERMISSIONS[row][role] if row in PERMISSIONS else May.NO


def who_may(row: str) -> str:
    """Everybody who may record this, in words: `an authority in its territories`."""
    found = []
    for role in _ROLES:
        may = allowed(row, role)
        if may is not May.NO:
            own = f" {OWN_MEANS[row, role]}" if may is May.OWN else ""
            found.append(f"{'the' if role is Role.OPERATOR else article(role)} {role}{own}")
    return ", or ".join(found) if found else "nobody"


def article(word: str) -> str:
    """`a` or `an`."""
    return "an" if word[0] in "aeiou" else "a"
