"""Real packets: a link that programs run behind, without root. Names load when they are used: a process that is to
make a user namespace must not have the threads that NumPy starts."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skyhaul.emulation._direction import Direction, Fate, Piece
    from skyhaul.emulation._doctor import Finding, can_link, examine
    from skyhaul.emulation._engine import Engine
    from skyhaul.emulation._feed import Feed, with_outages
    from skyhaul.emulation._options import DirectionOptions, LinkOptions
    from skyhaul.emulation._outages import Outages, RandomOutages, TimedOutages
    from skyhaul.emulation._packets import Shape
    from skyhaul.emulation._plan import FATE, DirectionPlan, DirectionReport
    from skyhaul.emulation._settings import Cause, Codel, DirectionSettings, GilbertElliott
    from skyhaul.emulation._supervisor import run_link
    from skyhaul.emulation._table import LinkTable
    from skyhaul.emulation._traces import read_mahimahi

__all__ = [
    "FATE",
    "Cause",
    "Codel",
    "Direction",
    "DirectionOptions",
    "DirectionPlan",
    "DirectionReport",
    "DirectionSettings",
    "Engine",
    "Fate",
    "Feed",
    "Finding",
    "GilbertElliott",
    "LinkOptions",
    "LinkTable",
    "Outages",
    "Piece",
    "RandomOutages",
    "Shape",
    "TimedOutages",
    "can_link",
    "examine",
    "read_mahimahi",
    "run_link",
    "with_outages",
]

_HOMES = {
    "_direction": ("Direction", "Fate", "Piece"),
    "_doctor": ("Finding", "can_link", "examine"),
    "_engine": ("Engine",),
    "_feed": ("Feed", "with_outages"),
    "_options": ("DirectionOptions", "LinkOptions"),
    "_outages": ("Outages", "RandomOutages", "TimedOutages"),
    "_packets": ("Shape",),
    "_plan": ("FATE", "DirectionPlan", "DirectionReport"),
    "_settings": ("Cause", "Codel", "DirectionSettings", "GilbertElliott"),
    "_supervisor": ("run_link",),
    "_table": ("LinkTable",),
    "_traces": ("read_mahimahi",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
