"""What follows a scenario or a trace in real time. Names load when they are used: a process that is to make a user
namespace must not have the threads that NumPy starts."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skyhaul.live._report import RunRecord, write_run_report
    from skyhaul.live._source import PlannedSource, scenario_source, trace_source
    from skyhaul.live._spec import ScenarioSpec, TraceSpec
    from skyhaul.live._status import StatusLine
    from skyhaul.live._tables import Bounds, PathState, TableSource
    from skyhaul.live._trace_files import read_trace, write_trace
    from skyhaul.live._traces import Trace, trace_of_dataset, trace_of_scenario

__all__ = [
    "Bounds",
    "PathState",
    "PlannedSource",
    "RunRecord",
    "ScenarioSpec",
    "StatusLine",
    "TableSource",
    "Trace",
    "TraceSpec",
    "read_trace",
    "scenario_source",
    "trace_of_dataset",
    "trace_of_scenario",
    "trace_source",
    "write_run_report",
    "write_trace",
]

_HOMES = {
    "_report": ("RunRecord", "write_run_report"),
    "_source": ("PlannedSource", "scenario_source", "trace_source"),
    "_spec": ("ScenarioSpec", "TraceSpec"),
    "_trace_files": ("read_trace", "write_trace"),
    "_traces": ("Trace", "trace_of_dataset", "trace_of_scenario"),
    "_status": ("StatusLine",),
    "_tables": ("Bounds", "PathState", "TableSource"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
