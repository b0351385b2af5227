"""The system in operation: a scenario that runs in real time, and changes while it does."""

from skyhaul.operation._clock import FASTEST, SLOWEST, Clock
from skyhaul.operation._database import FailureRow, OperationDatabase
from skyhaul.operation._events import Event, EventKind, Events
from skyhaul.operation._history import SECONDS, HistoryColumns
from skyhaul.operation._operation import AHEAD, Operation
from skyhaul.operation._roster import Roster, moving_from
from skyhaul.operation._sessions import Session
from skyhaul.operation._slot import SLOT_NS, TICK_NS, Draft, PathStates, SlotPaths, SlotPlan
from skyhaul.operation._snapshot import Snapshot, View

__all__ = [
    "AHEAD",
    "FASTEST",
    "SECONDS",
    "SLOT_NS",
    "SLOWEST",
    "TICK_NS",
    "Clock",
    "Draft",
    "Event",
    "EventKind",
    "Events",
    "FailureRow",
    "HistoryColumns",
    "Operation",
    "OperationDatabase",
    "PathStates",
    "Roster",
    "Session",
    "SlotPaths",
    "SlotPlan",
    "Snapshot",
    "View",
    "moving_from",
]
