"""What to run: a TOML file of constellation, ground segment, terminals, rules and failures, read and checked."""

from skyhaul.scenario._facts import facts_sha256, read_control_facts
from skyhaul.scenario._places import place_presets, read_places
from skyhaul.scenario._read import (
    changed_scenario,
    check_scenario,
    load_scenario,
    scenario_json_schema,
    scenario_presets,
)
from skyhaul.scenario._tables import (
    ConstellationTable,
    ControlTable,
    DelayTable,
    FailureTable,
    GroundTable,
    LaserTable,
    Scenario,
    SchedulerTable,
    TerminalTable,
    TimeTable,
    Waypoint,
    WithheldTable,
)
from skyhaul.scenario._values import Moment, as_numpy, parse_duration, parse_moment, parse_time

__all__ = [
    "ConstellationTable",
    "ControlTable",
    "DelayTable",
    "FailureTable",
    "GroundTable",
    "LaserTable",
    "Moment",
    "Scenario",
    "SchedulerTable",
    "TerminalTable",
    "TimeTable",
    "Waypoint",
    "WithheldTable",
    "as_numpy",
    "changed_scenario",
    "check_scenario",
    "facts_sha256",
    "load_scenario",
    "parse_duration",
    "parse_moment",
    "parse_time",
    "place_presets",
    "read_control_facts",
    "read_places",
    "scenario_json_schema",
    "scenario_presets",
]
