"""A list over the Marches, and people who apply to it."""

from __future__ import annotations

from typing import Any

import numpy as np

from skyhaul.control.facts import (
    AllowList,
    Application,
    CustodyEvent,
    Fact,
    Facts,
    HolderKind,
    Listing,
    Quotas,
    Step,
    utc,
)
from skyhaul.control.lists import ListRegister
from tests.control.worlds import said, terminal, world

LIST = "white"
NOW = utc("2024-03-01")
UNTIL = utc("2025-03-01")


def day(number: int, hour: int = 0) -> np.datetime64:
    return utc("2024-02-01") + np.timedelta64(24 * (number - 1) + hour, "h")


def the_list(name: str = LIST, **given: Any) -> AllowList:
    quotas = given.pop("quotas", Quotas())
    return AllowList(
        name=name, authority="Northland Office", area="zone/Marches", quotas=quotas, **said(f"list-{name}", **given)
    )


def application(unit: str, holder: str = "Ada", number: int = 1, **given: Any) -> Application:
    """An application for a unit on its own account, handed in on a day of February."""
    fields = {
        "name": LIST,
        "kit_number": f"KIT-{unit}",
        "account": f"A-{unit}",
        "holder_kind": HolderKind.PERSON,
        "evidence": f"passport of {holder}",
    }
    id_ = given.pop("id", f"application-{unit}-{holder}")
    times = {k: given.pop(k) for k in tuple(given) if k in ("valid_from", "valid_to", "recorded_at", "author")}
    times = {"valid_from": day(number), "recorded_at": day(number), "author": "desk"} | times
    return Application(terminal=unit, holder=holder, **(fields | given), **said(id_, **times))


def listing(unit: str, holder: str = "Ada", number: int = 2, **given: Any) -> Listing:
    fields = {
        "name": LIST,
        "kit_number": f"KIT-{unit}",
        "account": f"A-{unit}",
        "kind": HolderKind.PERSON,
        "evidence": f"passport of {holder}",
        "approved_by": "clerk",
    }
    id_ = given.pop("id", f"listing-{unit}-{holder}")
    times = {k: given.pop(k) for k in tuple(given) if k in ("valid_from", "valid_to", "recorded_at", "author")}
    times = {"valid_from": day(number), "valid_to": UNTIL, "recorded_at": day(number)} | times
    return Listing(terminal=unit, holder=holder, **(fields | given), **said(id_, **times))


def made_for(unit: str, holder: str = "Ada") -> list[CustodyEvent]:
    """A unit made and handed straight to its holder."""
    return [
        CustodyEvent(step=Step.COMMISSIONING, item=unit, receiver="Maker", **said(f"made-{unit}", valid_from=day(-20))),
        CustodyEvent(
            step=Step.TRANSFER,
            item=unit,
            giver="Maker",
            receiver=holder,
            **said(f"handed-{unit}-{holder}", valid_from=day(-10)),
        ),
    ]


def facts(*more: Fact, lists: bool = True) -> Facts:
    """The example world, the list over the Marches, and more."""
    return Facts([*world(), *([the_list()] if lists else []), *more])


def register(*more: Fact) -> ListRegister:
    return ListRegister(facts(*more), NOW)


def unit(name: str, holder: str = "Ada", **given: Any) -> list[Fact]:
    """A terminal in the registry with a complete custody."""
    return [terminal(name, given.pop("account", f"A-{name}"), holder=holder, **given), *made_for(name, holder)]
