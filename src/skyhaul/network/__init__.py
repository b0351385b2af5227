"""Who serves whom, and the path that makes: ground segment, failures, lasers, routes, plan, delay."""

from skyhaul.network._choice import ChoiceModel, choice_score, choice_utility, is_large
from skyhaul.network._delay import DelayExtra, DelayModel, packet_extra_s, slot_extra_s
from skyhaul.network._failures import Failure, FailureKind, Failures, Outages
from skyhaul.network._fibre import ROUTE_FACTOR, FibreLine, cable_delay_s
from skyhaul.network._ground import GATEWAY_ANTENNAS, Ground, gateway_mask_deg
from skyhaul.network._hops import TO_TARGET, UNREACHABLE
from skyhaul.network._laser_paths import LaserMesh
from skyhaul.network._lasers import (
    LASER_CLEARANCE_M,
    LASER_RANGE_M,
    Links,
    found_links,
    grid_links,
    usable_links,
)
from skyhaul.network._names import find_name
from skyhaul.network._paths import Paths, trace_paths
from skyhaul.network._plan import STRATEGIES, LaserUse, Plan, Rules, Strategy
from skyhaul.network._reasons import Reason
from skyhaul.network._routing import LinkGraph, Routes, StationPaths, Targets, shortest_paths, station_paths
from skyhaul.network._satellite_names import SatelliteNames
from skyhaul.network._scheduler import OBSERVED_GSO_SHARE, Scheduler
from skyhaul.network._slots import SLOT, slot_number, slot_start, slot_starts
from skyhaul.network._terminals import Terminals
from skyhaul.radio import LIGHT_M_S

__all__ = [
    "GATEWAY_ANTENNAS",
    "LASER_CLEARANCE_M",
    "LASER_RANGE_M",
    "LIGHT_M_S",
    "OBSERVED_GSO_SHARE",
    "ROUTE_FACTOR",
    "SLOT",
    "STRATEGIES",
    "TO_TARGET",
    "UNREACHABLE",
    "ChoiceModel",
    "DelayExtra",
    "DelayModel",
    "Failure",
    "FailureKind",
    "Failures",
    "FibreLine",
    "Ground",
    "LaserMesh",
    "LaserUse",
    "LinkGraph",
    "Links",
    "Outages",
    "Paths",
    "Plan",
    "Reason",
    "Routes",
    "Rules",
    "SatelliteNames",
    "Scheduler",
    "StationPaths",
    "Strategy",
    "Targets",
    "Terminals",
    "cable_delay_s",
    "choice_score",
    "choice_utility",
    "find_name",
    "found_links",
    "gateway_mask_deg",
    "grid_links",
    "is_large",
    "packet_extra_s",
    "shortest_paths",
    "slot_extra_s",
    "slot_number",
    "slot_start",
    "slot_starts",
    "station_paths",
    "trace_paths",
    "usable_links",
]
