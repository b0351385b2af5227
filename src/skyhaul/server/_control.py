"""Service control over HTTP: territories, licences, orders, allow-lists, checks of places, the log."""

from __future__ import annotations

from fastapi import APIRouter

from skyhaul.server import (
    _control_check,
    _control_facts,
    _control_lists,
    _control_log,
    _control_orders,
    _control_territory,
)

router = APIRouter(tags=["service control"])
for _room in (
    _control_territory,
    _control_facts,
    _control_orders,
    _control_lists,
    _control_check,
    _control_log,
):
    router.include_router(_room.router)
