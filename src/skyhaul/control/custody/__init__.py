"""Custody: who made, sent, received and held each unit, and what the records cannot say."""

from skyhaul.control.custody._paths import Way, reach_of, ways
from skyhaul.control.custody._record import STEPS, CustodyRecord, Reach
from skyhaul.control.custody._standing import check_party, known_parties, party_and_below, standing_events
from skyhaul.control.custody._trace import Passage, Trace

__all__ = [
    "STEPS",
    "CustodyRecord",
    "Passage",
    "Reach",
    "Trace",
    "Way",
    "check_party",
    "known_parties",
    "party_and_below",
    "reach_of",
    "standing_events",
    "ways",
]
