"""Histories that nobody planned: any facts about the example world, drawn by hypothesis."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from hypothesis import strategies as st

from skyhaul.control.decision import Position, Rule
from skyhaul.control.facts import (
    Account,
    AccountState,
    Action,
    AllowList,
    Approval,
    Area,
    BorderPolicy,
    CustodyEvent,
    Fact,
    HolderKind,
    Layer,
    Licence,
    Listing,
    Order,
    OrderEnd,
    Party,
    Policy,
    Precedence,
    ServiceClass,
    Settings,
    Step,
    Target,
    Terminal,
    TypeApproval,
    Withdrawal,
)
from tests.control.worlds import MODEL, PLANS, START, world

AUTHORITIES = ("Northland Office", "Southland Office", "Sea Office", "operator")
UNITS = tuple(PLANS)
REFS = ("licence/Northland", "licence/Southland", "zone/Marches", "control/Northland", "claim/Southland")
NAMES = ("Northland", "Southland", "Grey Sea", "Marches")


def day(number: float) -> np.datetime64:
    return START + np.timedelta64(int(number * 24), "h")


@st.composite
def facts(draw: st.DrawFn, id_: str) -> Fact:
    """Any fact of the kinds that decisions look at, over the units and areas of the example world."""
    begin = draw(st.integers(0, 8))
    length = draw(st.one_of(st.none(), st.integers(1, 6)))
    common: dict[str, Any] = {
        "id": id_,
        "valid_from": day(begin),
        # A minute each, so that no two contradict each other outright.
        "recorded_at": day(draw(st.integers(0, 10))) + np.timedelta64(1 + int(id_), "m"),
        "source": "drawn",
        "author": draw(st.sampled_from(("Bo", "Cy"))),
    }
    spans: dict[str, Any] = common | {"valid_to": None if length is None else day(begin + length)}
    authority = draw(st.sampled_from(AUTHORITIES))
    unit = draw(st.sampled_from(UNITS))
    ref = draw(st.sampled_from(REFS))
    name = draw(st.sampled_from(NAMES))
    match draw(st.integers(0, 15)):
        case 0 | 1 | 2 | 3:
            return draw(orders(spans, authority, unit, ref))
        case 4:
            return OrderEnd(order=str(draw(st.integers(0, 30))), authority=authority, reason="over", **common)
        case 5:
            order = str(draw(st.integers(0, 30)))
            return Approval(order=order, approver=draw(st.sampled_from(("Bo", "Cy", "Di"))), **common)
        case 6 | 7:
            west, south = draw(st.integers(9, 14)), draw(st.integers(45, 49))
            shape = shapely.box(west, south, west + draw(st.integers(1, 4)), south + draw(st.integers(1, 4)))
            return Area(layer=draw(st.sampled_from(Layer)), name=name, holder=authority, shape=shape, **spans)
        case 8:
            return Licence(
                authority=authority,
                territory=name,
                service_classes=tuple(draw(st.sets(st.sampled_from(ServiceClass), min_size=1))),
                only_controlled_by=draw(st.sampled_from(((), ("Northland",), ("operator",)))),
                activation_required=draw(st.booleans()),
                max_speed_m_s=draw(st.sampled_from((None, 20.0))),
                **spans,
            )
        case 9:
            return TypeApproval(
                authority=authority, model=MODEL, software=draw(st.sampled_from(((), ("5",), ("6",)))), **spans
            )
        case 10:
            quotas = AllowList(name="W", authority=authority, area=ref, **spans)
            return draw(
                st.sampled_from(
                    (
                        quotas,
                        Listing(
                            name="W",
                            terminal=unit,
                            kit_number=f"KIT-{unit}",
                            account=draw(st.sampled_from((f"A-{unit}", "A-other"))),
                            holder=draw(st.sampled_from(("Ada", "Bo"))),
                            kind=HolderKind.PERSON,
                            evidence="seen",
                            approved_by="clerk",
                            **spans,
                        ),
                    )
                )
            )
        case 11:
            pair = draw(st.lists(st.sampled_from(AUTHORITIES), min_size=2, max_size=3, unique=True))
            return Precedence(authorities=tuple(pair), **spans)
        case 12:
            return Account(
                account=f"A-{unit}", party="Ada", state=draw(st.sampled_from(AccountState)), plan=PLANS[unit], **spans
            )
        case 13:
            return Terminal(
                terminal=unit,
                public_key=bytes(32),
                model=draw(st.sampled_from((MODEL, "other"))),
                software="5",
                kit_number=f"KIT-{unit}",
                holder="Ada",
                account=f"A-{unit}",
                **spans,
            )
        case 14:
            return draw(
                st.sampled_from(
                    (
                        Party(party="Ada", parent=draw(st.sampled_from(("Brigade", ""))), **spans),
                        CustodyEvent(step=Step.DESTROYING, item=unit, **common),
                        BorderPolicy(area=ref, **spans),
                        Policy(settings=Settings(lease_s=20, max_knowledge_age_s=300_000.0), **spans),
                    )
                )
            )
        case _:
            kind, subject = draw(st.sampled_from((("Licence", "licence-N"), ("Terminal", unit), ("Account", "A-boat"))))
            return Withdrawal(kind=kind, subject=subject, **spans)


@st.composite
def orders(draw: st.DrawFn, spans: dict[str, Any], authority: str, unit: str, ref: str) -> Order:
    action = draw(st.sampled_from(Action))
    target = draw(st.sampled_from(Target))
    on = {
        Target.AREA: ref,
        Target.CELL: "851e364ffffffff",
        Target.UNIT: unit,
        Target.ACCOUNT: f"A-{unit}",
        Target.MODEL: MODEL,
        Target.PARTY: draw(st.sampled_from(("Ada", "Brigade"))),
    }[target]
    return Order(
        authority=authority,
        action=action,
        target=target,
        on=on,
        within=draw(st.sampled_from(("", ref))),
        reason="reason",
        legal_basis="act 7",
        approvals_needed=draw(st.sampled_from((0, 0, 1))),
        speed_cap_m_s=draw(st.sampled_from((10.0, 30.0))) if action is Action.SPEED_CAP else None,
        rate_bps=draw(st.sampled_from((1e6, 2e6))) if action is Action.LIMIT else None,
        exempts=(Rule.ORDER_AREA, Rule.SPEED_CAP) if action is Action.EXEMPT else (),
        **spans,
    )


@st.composite
def histories(draw: st.DrawFn) -> list[Fact]:
    """The example world and up to thirty facts more, of which none contradicts another outright."""
    count = draw(st.integers(0, 30))
    return [*world(), *(draw(facts(str(i))) for i in range(count))]


@st.composite
def questions(draw: st.DrawFn) -> tuple[str, Position | None, np.datetime64, float | None]:
    size = draw(st.sampled_from((0.0, 0.0, 300.0, 4000.0)))
    position = Position(
        draw(st.sampled_from((48.0, 47.999, 48.05, 49.0, 49.1, 47.0, 46.5, 50.5))),
        draw(st.sampled_from((12.0, 12.1, 13.0, 13.9999, 14.0, 16.0, 9.5))),
        size,
        size / 2,
        draw(st.sampled_from((0.0, 45.0, 90.0))),
    )
    unit = draw(st.sampled_from((*UNITS, "stranger")))
    speed = draw(st.sampled_from((None, 0.0, 15.0, 30.0, 60.0)))
    return unit, draw(st.sampled_from((position, position, position, None))), day(draw(st.integers(0, 12))), speed
