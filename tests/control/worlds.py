"""Two neighbouring countries that do not exist, and a few terminals in them.

Northland lies from 10° to 14° E and 48° to 50° N, Southland south of it down to 46° N, the Grey Sea east of both up to
18° E. Northland's office has licensed the service; Southland's has not. A zone, the Marches, straddles the border.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely

from skyhaul.control.decision import Compiled, Decision, Position, compile_facts, decide
from skyhaul.control.facts import (
    Account,
    AccountState,
    Action,
    Area,
    Fact,
    Facts,
    Layer,
    Licence,
    Order,
    Party,
    Place,
    Plan,
    PlanKind,
    ServiceClass,
    Target,
    Terminal,
    TypeApproval,
    utc,
)

NOW = utc("2024-02-17T12:00:12Z")
START = utc("2024-01-01")

NORTH = shapely.box(10, 48, 14, 50)
SOUTH = shapely.box(10, 46, 14, 48)
SEA = shapely.box(14, 46, 18, 50)
MARCHES = shapely.box(11, 47.9, 13, 48.1)

IN_NORTH = Position(49.0, 12.0)
IN_SOUTH = Position(47.0, 12.0)
AT_SEA = Position(48.0, 16.0)
NOWHERE = Position(0.0, 0.0)

MODEL = "dish mark 2"


def said(id_: str, **given: Any) -> dict[str, Any]:
    """The fields that every fact has, as most facts of these worlds have them."""
    return {"id": id_, "valid_from": START, "recorded_at": START, "source": "gazette 1/2024", "author": "clerk"} | given


def area(layer: str, name: str, shape: Any, holder: str = "", **given: Any) -> Area:
    id_ = given.pop("id", f"{layer}-{name}")
    return Area(layer=Layer(layer), name=name, holder=holder, shape=shape, **said(id_, **given))


def order(
    id_: str, action: Action, target: Target, on: str, authority: str = "Northland Office", **given: Any
) -> Order:
    reasons = {"reason": "public safety", "legal_basis": "act 7, section 2"}
    fields = {k: given.pop(k) for k in tuple(given) if k not in ("valid_from", "valid_to", "recorded_at", "author")}
    return Order(authority=authority, action=action, target=target, on=on, **(reasons | fields), **said(id_, **given))


def terminal(name: str, account: str, **given: Any) -> Terminal:
    fields: dict[str, Any] = {"model": MODEL, "software": "5", "kit_number": f"KIT-{name}", "holder": "Ada"}
    times = {k: given.pop(k) for k in tuple(given) if k in ("valid_from", "valid_to", "recorded_at", "id")}
    return Terminal(
        terminal=name,
        public_key=bytes(32),
        account=account,
        **(fields | given),
        **said(times.pop("id", f"terminal-{name}"), **times),
    )


def account(name: str, plan: Plan, state: AccountState = AccountState.ACTIVE, **given: Any) -> Account:
    return Account(
        account=name, party="Ada", plan=plan, state=state, **said(given.pop("id", f"account-{name}"), **given)
    )


HOME = Place(49.0, 12.0)
FIXED = Plan(kind=PlanKind.FIXED, home="Northland", service_address=HOME, max_distance_m=50_000.0)
ROAMING = Plan(kind=PlanKind.ROAMING, home="Northland", roams_to=("Southland",))
MOBILE = Plan(kind=PlanKind.MOBILE, home="Northland", max_speed_m_s=200 / 3.6)
BOAT = Plan(kind=PlanKind.MOBILE, home="Northland", ocean=True)
PLANE = Plan(kind=PlanKind.MOBILE, home="Northland", aviation=True)

PLANS = {"fixed": FIXED, "roaming": ROAMING, "mobile": MOBILE, "boat": BOAT, "plane": PLANE}


def world() -> list[Fact]:
    """Facts under which `fixed`, `roaming` and `mobile` are served in Northland and `boat` at sea."""
    return [
        area("claim", "Northland", NORTH, "Northland"),
        area("claim", "Southland", SOUTH, "Southland"),
        area("control", "Northland", NORTH, "Northland"),
        area("control", "Southland", SOUTH, "Southland"),
        area("licence", "Northland", NORTH, "Northland Office"),
        area("licence", "Southland", SOUTH, "Southland Office"),
        area("licence", "Grey Sea", SEA, "Sea Office"),
        area("ocean", "Grey Sea", SEA, id="sea"),
        area("zone", "Marches", MARCHES),
        Licence(
            authority="Northland Office",
            territory="Northland",
            service_classes=(ServiceClass.FIXED, ServiceClass.LAND_MOBILE),
            **said("licence-N"),
        ),
        Licence(
            authority="Sea Office", territory="Grey Sea", service_classes=(ServiceClass.MARITIME,), **said("licence-S")
        ),
        TypeApproval(authority="Northland Office", model=MODEL, **said("approval-N")),
        TypeApproval(authority="Sea Office", model=MODEL, **said("approval-S")),
        Party(party="Ada", **said("party-Ada")),
        *(account(f"A-{name}", plan) for name, plan in PLANS.items()),
        *(terminal(name, f"A-{name}") for name in PLANS),
    ]


def known(*more: Fact, without: tuple[str, ...] = (), at: str | np.datetime64 = NOW) -> Compiled:
    """The world with some facts more and some, by id, left out."""
    return compile_facts(Facts([*(fact for fact in world() if fact.id not in without), *more]), at)


def ask(compiled: Compiled, name: str = "fixed", position: Position | None = IN_NORTH, **given: Any) -> Decision:
    return decide(compiled, name, position, given.pop("time", NOW), **given)
