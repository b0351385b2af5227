"""The local interface of a terminal, as dish tools expect it: one gRPC server a dish.

Two halves meet at `DishFeed`: whoever runs the system tells what state a terminal is in; a `Dish` makes of that what a
dish shows and remembers, and `DishServer` answers for it. `ScenarioFeed` is a feed that follows a scenario.
"""

from skyhaul.dish._addresses import FIRST, PORT, Address, addresses
from skyhaul.dish._answers import RefusedError, answer, parse
from skyhaul.dish._boot import STEPS, BootTimes
from skyhaul.dish._descriptors import REFLECTION, SERVICE, compiled_files, descriptors, message
from skyhaul.dish._dish import STEP_NS, Dish
from skyhaul.dish._history import SAMPLES, History
from skyhaul.dish._map import SIDE, Frame, ObstructionMap
from skyhaul.dish._outages import Cause, Outage, Outages
from skyhaul.dish._scenario_feed import ScenarioFeed, scenario_hardware
from skyhaul.dish._server import DishServer
from skyhaul.dish._settings import DishRecord, Settings
from skyhaul.dish._slot_states import SlotStates
from skyhaul.dish._state import (
    DishFeed,
    DishState,
    Hardware,
    Mobility,
    Place,
    ServiceClass,
    Sight,
    hardware_id,
)

__all__ = [
    "FIRST",
    "PORT",
    "REFLECTION",
    "SAMPLES",
    "SERVICE",
    "SIDE",
    "STEPS",
    "STEP_NS",
    "Address",
    "BootTimes",
    "Cause",
    "Dish",
    "DishFeed",
    "DishRecord",
    "DishServer",
    "DishState",
    "Frame",
    "Hardware",
    "History",
    "Mobility",
    "ObstructionMap",
    "Outage",
    "Outages",
    "Place",
    "RefusedError",
    "ScenarioFeed",
    "ServiceClass",
    "Settings",
    "Sight",
    "SlotStates",
    "addresses",
    "answer",
    "compiled_files",
    "descriptors",
    "hardware_id",
    "message",
    "parse",
    "scenario_hardware",
]
