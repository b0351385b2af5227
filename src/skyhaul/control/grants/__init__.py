"""Grants: decisions become leases, slot by slot, and the scheduler gives no beam without one."""

from skyhaul.control.grants._book import LIVE_KNOWLEDGE_AGE_S, LeaseBook
from skyhaul.control.grants._grants import KNOWN_BEFORE, Grants
from skyhaul.control.grants._leases import (
    ALERTS,
    CODES,
    REFUSALS,
    WITHHELD,
    WITHHELD_CODE,
    Leases,
    Question,
    Ruling,
    changes,
)

__all__ = [
    "ALERTS",
    "CODES",
    "KNOWN_BEFORE",
    "LIVE_KNOWLEDGE_AGE_S",
    "REFUSALS",
    "WITHHELD",
    "WITHHELD_CODE",
    "Grants",
    "LeaseBook",
    "Leases",
    "Question",
    "Ruling",
    "changes",
]
