"""The store: facts and decisions on disk, in SQLite or PostgreSQL, each an entry of the tamper-evident log."""

from skyhaul.control.store._decisions import DecisionRecord
from skyhaul.control.store._store import Receipt, Store, system_clock, verify_store

__all__ = ["DecisionRecord", "Receipt", "Store", "system_clock", "verify_store"]
