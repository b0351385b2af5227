"""Service control over HTTP: all its routes together, for the application to include under /api/v1.

Territories, licences, orders with their signatures, allow-lists, checks of places and the log are in the `_control_…`
modules; parties, accounts and custody are not here.
"""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(tags=["service control"])
