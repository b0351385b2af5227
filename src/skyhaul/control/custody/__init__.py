"""Custody: who made, sent, received and held each unit, and what the records cannot say."""

from skyhaul.control.custody._record import STEPS, CustodyRecord, Reach
from skyhaul.control.custody._trace import Passage, Trace

__all__ = ["STEPS", "CustodyRecord", "Passage", "Reach", "Trace"]
