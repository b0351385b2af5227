"""The system in operation: a scenario that runs in real time, and changes while it does."""

from skyhaul.operation._clock import FASTEST, SLOWEST, Clock
from skyhaul.operation._database import FailureRow, OperationDatabase
from skyhaul.operation._events import Event, EventKind, Events
from skyhaul.operation._feed import OperationFeed, hardware_of
from skyhaul.operation._history import SECONDS, HistoryColumns
from skyhaul.operation._operation import AHEAD, Operation
from skyhaul.operation._roster import Roster, moving_from
from skyhaul.operation._sessions import Session
from skyhaul.operation._slot import SLOT_NS, TICK_NS, Draft, PathStates, SlotPaths, SlotPlan
from skyhaul.operation._snapshot import Snapshot, View
from skyhaul.operation._terminal_views import (
    Candidate,
    NextHandover,
    PathHop,
    PathView,
    Serving,
    State,
    TerminalView,
    WhySatellite,
    ahead,
    candidates,
    next_handover,
    path_of,
    terminal_views,
    why_satellite,
)
from skyhaul.operation._world_views import (
    IDLE,
    OUT,
    SERVING,
    CellColumns,
    GatewayColumns,
    PopColumns,
    SatelliteColumns,
    cell_columns,
    gateway_columns,
    pop_columns,
    satellite_columns,
)

__all__ = [
    "AHEAD",
    "FASTEST",
    "IDLE",
    "OUT",
    "SECONDS",
    "SERVING",
    "SLOT_NS",
    "SLOWEST",
    "TICK_NS",
    "Candidate",
    "CellColumns",
    "Clock",
    "Draft",
    "Event",
    "EventKind",
    "Events",
    "FailureRow",
    "GatewayColumns",
    "HistoryColumns",
    "NextHandover",
    "Operation",
    "OperationDatabase",
    "OperationFeed",
    "PathHop",
    "PathStates",
    "PathView",
    "PopColumns",
    "Roster",
    "SatelliteColumns",
    "Serving",
    "Session",
    "SlotPaths",
    "SlotPlan",
    "Snapshot",
    "State",
    "TerminalView",
    "View",
    "WhySatellite",
    "ahead",
    "candidates",
    "cell_columns",
    "gateway_columns",
    "hardware_of",
    "moving_from",
    "next_handover",
    "path_of",
    "pop_columns",
    "satellite_columns",
    "terminal_views",
    "why_satellite",
]
