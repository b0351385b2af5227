"""How many terminals an order touches, and how many people must therefore approve it."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from skyhaul.control._instants import nanoseconds
from skyhaul.control.decision._orders import resolve_orders
from skyhaul.control.facts import (
    ANYWHERE,
    Account,
    Approval,
    Area,
    AreaRef,
    Layer,
    Order,
    OrderEnd,
    Target,
    Terminal,
    interval,
)
from skyhaul.control.registry._ground import cell_shape
from skyhaul.control.registry._known import Known, overlapping


def touched_terminals(order: Order, known: Known) -> list[str]:
    """The terminals that an order is over, as registered when it begins or now, whichever is later, sorted.

    unit, account, model     those that are it, on it, of it
    party                    those of which it, or one that belongs to it, is the holder or has the account
    area, cell, `within`     those with a service address or a last known cell there, as it is drawn then and later; and
                             those with neither whose plan lets them be there
    """
    time = max(nanoseconds(order.valid_from), known.now_ns)
    found = [terminal for terminal in known.terminals(time) if _is_over(order, terminal, known, time)]
    shape = _ground(order, known, time)
    if shape is not None:
        found = list(_within(shape, found, known, time))
    return sorted(terminal.terminal for terminal in found)


def approvals_needed(order: Order, known: Known) -> tuple[int, int]:
    """How many approvals an order needs by the policy, and how many terminals it touches."""
    settings = known.settings(known.now_ns)
    touched = len(touched_terminals(order, known))
    return settings.many_approvals if touched > settings.many_terminals else 0, touched


def check_redrawn(zone: Area, known: Known) -> None:
    """Refuse to draw a zone so that an order over it which has not ended would touch more terminals than it has the
    approvals for: a small zone made large would else do what an order over the large one may not."""
    orders = [o for o in known.every(Order) if str(zone.ref) in (o.on if o.target is Target.AREA else "", o.within)]
    if not orders:
        return
    timed = resolve_orders(orders, known.every(OrderEnd), known.every(Approval), known.precedences())
    for standing in timed:
        order = standing.order
        needed, touched = approvals_needed(order, known)
        if known.now_ns < standing.end and order.approvals_needed < needed:
            zone.refuse(
                f"order {order.id} would touch {touched:,} terminals, and has {order.approvals_needed} approvals",
                "end the order, and give one over the zone as it will be",
            )


def _is_over(order: Order, terminal: Terminal, known: Known, time: int) -> bool:
    match order.target:
        case Target.UNIT:
            return terminal.terminal == order.on
        case Target.ACCOUNT:
            return terminal.account == order.on
        case Target.MODEL:
            return terminal.model == order.on
        case Target.PARTY:
            account = known.at(Account, terminal.account, time) if terminal.account else None
            holders = (terminal.holder, account.party if account else "")
            return any(order.on in known.family(holder, time) for holder in holders)
        case _:
            return True


def _ground(order: Order, known: Known, time: int) -> BaseGeometry | None:
    """All ground that an order is over from an instant (ns) on, as it is drawn now and will be; None: wherever what it
    is over goes."""
    end = interval(order)[1]
    shape: BaseGeometry | None = cell_shape(order.on) if order.target is Target.CELL else None
    for name in (order.on if order.target is Target.AREA else "", order.within):
        if name:
            drawn = overlapping(known.area_pieces(AreaRef.parse(name)), time, end)
            part = shapely.union_all([area.shape for _, _, area in drawn])
            shape = part if shape is None else shape.intersection(part)
    return shape


def _within(shape: BaseGeometry, terminals: Iterable[Terminal], known: Known, time: int) -> Iterable[Terminal]:
    shapely.prepare(shape)
    addressed: list[Terminal] = []
    places: list[tuple[float, float]] = []
    cells: dict[str, bool] = {}
    plans: dict[tuple[str, ...], bool] = {}
    for terminal in terminals:
        account = known.at(Account, terminal.account, time) if terminal.account else None
        plan = account.plan if account else None
        cell = known.cells.get(terminal.terminal)
        if cell is not None:
            if cell not in cells:
                cells[cell] = bool(shape.intersects(cell_shape(cell)))
            if cells[cell]:
                yield terminal
                continue
        if plan is not None and plan.service_address is not None:
            addressed.append(terminal)
            places.append((plan.service_address.longitude_deg, plan.service_address.latitude_deg))
        elif cell is None and plan is not None:
            territories = (plan.home, *plan.roams_to)
            if territories not in plans:
                plans[territories] = _may_be_in(shape, territories, known, time)
            if plans[territories]:
                yield terminal
    if addressed:
        inside = shapely.intersects_xy(shape, np.array(places))
        yield from (terminal for terminal, there in zip(addressed, inside.tolist(), strict=True) if there)


def _may_be_in(shape: BaseGeometry, territories: tuple[str, ...], known: Known, time: int) -> bool:
    return ANYWHERE in territories or any(
        area.shape.intersection(shape).area > 0.0
        for territory in territories
        for area in known.named(AreaRef(Layer.LICENCE, territory), time)
    )
