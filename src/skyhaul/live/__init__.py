"""What follows a scenario or a trace in real time. Names load when they are used: a process that is to make a user
namespace must not have the threads that NumPy starts."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skyhaul.live._tables import Bounds, PathState, TableSource

__all__ = ["Bounds", "PathState", "TableSource"]

_HOMES = {"_tables": ("Bounds", "PathState", "TableSource")}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
