"""How many terminals an order touches, and how many people must therefore approve it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

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
    Party,
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
    return sorted(terminal.terminal for terminal in _touched(order, known))


def approvals_needed(order: Order, known: Known) -> int:
    """How many approvals an order needs by the policy: many, if it touches many terminals."""
    settings = known.settings(known.now_ns)
    if not settings.many_approvals:
        return 0
    beyond = next(islice(_touched(order, known), settings.many_terminals, None), None)
    return settings.many_approvals if beyond is not None else 0


def check_redrawn(zone: Area, known: Known) -> None:
    """Refuse to draw a zone so that an order over it which has not ended would touch more terminals than it has the
    approvals for: a small zone made large would else do what an order over the large one may not."""
    orders = [o for o in known.every(Order) if str(zone.ref) in (o.on if o.target is Target.AREA else "", o.within)]
    if not orders:
        return
    timed = resolve_orders(orders, known.every(OrderEnd), known.every(Approval), known.precedences())
    for standing in timed:
        order = standing.order
        if known.now_ns < standing.end and order.approvals_needed < approvals_needed(order, known):
            zone.refuse(
                f"order {order.id} would touch more than {known.settings(known.now_ns).many_terminals:,} terminals, "
                f"and has {order.approvals_needed} approvals",
                "end the order, and give one over the zone as it will be",
            )


def _touched(order: Order, known: Known) -> Iterator[Terminal]:
    """The same one by one, each as soon as it is found."""
    time = max(nanoseconds(order.valid_from), known.now_ns)
    shape = _ground(order, known, time)
    if order.target is Target.UNIT:
        names: Iterable[str] = (order.on,)
    else:
        may_be = _may_be_over(order, known, time)
        names = dict.fromkeys(terminal.terminal for terminal in known.every(Terminal) if may_be(terminal))
    held = (known.at(Terminal, name, time) for name in names)
    found = (terminal for terminal in held if terminal is not None and _is_over(order, terminal, known, time))
    yield from found if shape is None else _within(shape, found, known, time)


def _may_be_over(order: Order, known: Known, time: int) -> Callable[[Terminal], bool]:
    """What tells quickly that an order is not over a terminal, by any one version of it."""
    match order.target:
        case Target.ACCOUNT:
            return lambda terminal: terminal.account == order.on
        case Target.MODEL:
            return lambda terminal: terminal.model == order.on
        case Target.PARTY:
            family = {party.party for party in known.every(Party) if order.on in known.family(party.party, time)}
            family.add(order.on)
            accounts = {account.account for account in known.every(Account) if account.party in family}
            return lambda terminal: terminal.holder in family or terminal.account in accounts
        case _:
            return lambda terminal: True


def _is_over(order: Order, terminal: Terminal, known: Known, time: int) -> bool:
    match order.target:
        case Target.ACCOUNT:
            return terminal.account == order.on
        case Target.MODEL:
            return terminal.model == order.on
        case Target.PARTY:
            if order.on in known.family(terminal.holder, time):
                return True
            account = known.at(Account, terminal.account, time) if terminal.account else None
            return account is not None and order.on in known.family(account.party, time)
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


def _within(shape: BaseGeometry, terminals: Iterable[Terminal], known: Known, time: int) -> Iterator[Terminal]:
    shapely.prepare(shape)
    cells: dict[str, bool] = {}
    plans: dict[tuple[str, ...], bool] = {}
    for terminal in terminals:
        cell = known.cells.get(terminal.terminal)
        if cell is not None:
            if cell not in cells:
                cells[cell] = bool(shape.intersects(cell_shape(cell)))
            if cells[cell]:
                yield terminal
                continue
        account = known.at(Account, terminal.account, time) if terminal.account else None
        if account is None:
            continue
        address, territories = account.plan.service_address, (account.plan.home, *account.plan.roams_to)
        if address is not None:
            there = bool(shapely.intersects_xy(shape, address.longitude_deg, address.latitude_deg))
        elif cell is None:
            if territories not in plans:
                plans[territories] = _may_be_in(shape, territories, known, time)
            there = plans[territories]
        else:
            there = False
        if there:
            yield terminal


def _may_be_in(shape: BaseGeometry, territories: tuple[str, ...], known: Known, time: int) -> bool:
    return ANYWHERE in territories or any(
        area.shape.intersection(shape).area > 0.0
        for territory in territories
        for area in known.named(AreaRef(Layer.LICENCE, territory), time)
    )
