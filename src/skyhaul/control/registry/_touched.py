"""How many terminals an order touches, and how many people must therefore approve it."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from skyhaul.control._instants import nanoseconds
from skyhaul.control.facts import ANYWHERE, Account, AreaRef, Layer, Order, Target, Terminal
from skyhaul.control.registry._ground import cell_shape, order_shape
from skyhaul.control.registry._known import Known


def touched_terminals(order: Order, known: Known) -> list[str]:
    """The terminals that an order is over, as registered when it begins or now, whichever is later, sorted.

    unit, account, model     those that are it, on it, of it
    party                    those of which it, or one that belongs to it, is the holder or has the account
    area, cell, `within`     those with a service address or a last known cell there; and those with neither whose plan
                             lets them be there
    """
    time = max(nanoseconds(order.valid_from), known.now_ns)
    found = [terminal for terminal in known.terminals(time) if _is_over(order, terminal, known, time)]
    shape, _ = order_shape(known, order)
    if shape is not None:
        found = list(_within(shape, found, known, time))
    return sorted(terminal.terminal for terminal in found)


def approvals_needed(order: Order, known: Known) -> tuple[int, int]:
    """How many approvals an order needs by the policy, and how many terminals it touches."""
    settings = known.settings(known.now_ns)
    touched = len(touched_terminals(order, known))
    return settings.many_approvals if touched > settings.many_terminals else 0, touched


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
