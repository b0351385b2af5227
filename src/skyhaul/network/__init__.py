"""Who serves whom, and the path that makes: ground segment, failures, lasers, routes, plan, delay."""

from skyhaul.network._choice import ChoiceModel, choice_score, choice_utility, is_large
from skyhaul.network._delay import DelayExtra, DelayModel, packet_extra_s, slot_extra_s
from skyhaul.network._fibre import ROUTE_FACTOR, FibreLine, cable_delay_s
from skyhaul.network._ground import GATEWAY_ANTENNAS, Ground, gateway_mask_deg
from skyhaul.network._names import find_name

__all__ = [
    "GATEWAY_ANTENNAS",
    "ROUTE_FACTOR",
    "ChoiceModel",
    "DelayExtra",
    "DelayModel",
    "FibreLine",
    "Ground",
    "cable_delay_s",
    "choice_score",
    "choice_utility",
    "find_name",
    "gateway_mask_deg",
    "is_large",
    "packet_extra_s",
    "slot_extra_s",
]
