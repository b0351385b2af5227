"""The answer that every dish tool asks for: how the dish is now."""

from __future__ import annotations

import math
from typing import Any

from skyhaul.control.decision import Code
from skyhaul.dish._boot import STEPS
from skyhaul.dish._descriptors import message
from skyhaul.dish._dish import Dish
from skyhaul.dish._identity import device_info, device_state, dish_config, dish_outage
from skyhaul.dish._outages import Cause
from skyhaul.dish._time import SECOND_NS

# Satellites of GPS above 15° of elevation: a satellite at 26,560 km covers 26 % of the Earth so, and 31 of them are in
# use (IS-GPS-200; GPS constellation status of 2024).
_GPS_SATELLITES = 8
_UPDATE_IDLE = 1
_NO_ACTUATORS = 2
_FILTER_RESET, _FILTER_UNCONVERGED, _FILTER_CONVERGED = 0, 1, 2
_NO_LIMIT, _POLICY_LIMIT = 1, 2
_LEVEL = 1
_DEAF = (Cause.NO_SATS, Cause.OBSTRUCTED, Cause.SKY_SEARCH)


def status(dish: Dish) -> Any:
    """DishGetStatusResponse. Connected means: no `outage` in it."""
    hardware, code = dish.hardware, dish.code
    limit = _POLICY_LIMIT if dish.state and dish.state.capped else _NO_LIMIT
    answer = message("DishGetStatusResponse")(
        device_info=device_info(dish),
        device_state=device_state(dish),
        seconds_to_first_nonempty_slot=_to_next_slot_s(dish),
        pop_ping_drop_rate=dish.drop_rate,
        pop_ping_latency_ms=dish.latency_ms,
        downlink_throughput_bps=dish.down_bps,
        uplink_throughput_bps=dish.up_bps,
        obstruction_stats=_obstruction_stats(dish),
        alerts=_alerts(dish),
        stow_requested=dish.stowed,
        boresight_azimuth_deg=hardware.boresight_azimuth_deg,
        boresight_elevation_deg=hardware.boresight_elevation_deg,
        gps_stats=_gps_stats(dish),
        eth_speed_mbps=hardware.eth_speed_mbps,
        mobility_class=int(hardware.mobility),
        class_of_service=int(hardware.service_class),
        is_snr_above_noise_floor=dish.radio_on and dish.cause not in _DEAF,
        ready_states=_ready_states(dish),
        software_update_state=_UPDATE_IDLE,
        software_update_stats={"software_update_state": _UPDATE_IDLE},
        has_actuators=_NO_ACTUATORS,
        disablement_code=int(code),
        has_signed_cals=True,
        alignment_stats=_alignment_stats(dish),
        initialization_duration_seconds={step: round(dish.boot.reached.get(step, 0.0)) for step in STEPS},
        is_cell_disabled=code == Code.CELL_IS_DISABLED,
        is_moving_fast_persisted=code == Code.MOVING_TOO_FAST_FOR_POLICY,
        dl_bandwidth_restricted_reason=limit,
        ul_bandwidth_restricted_reason=limit,
        ned2dish_quaternion=_quaternion(dish),
        config=dish_config(dish),
    )
    if dish.outages.now is not None:
        answer.outage.CopyFrom(dish_outage(dish.outages.now))
    return answer


def _to_next_slot_s(dish: Dish) -> float:
    """Seconds to the first slot that can hold something for it: the next one, while it has none."""
    if dish.cause != Cause.NO_SCHEDULE or dish.state is None:
        return 0.0
    return max(0.0, (dish.state.slot_end_ns - dish.time_ns) / SECOND_NS)


def _obstruction_stats(dish: Dish) -> dict[str, Any]:
    hidden = [outage for outage in dish.outages if outage.cause == Cause.OBSTRUCTED]
    spans = [outage.duration_ns / SECOND_NS for outage in hidden]
    starts = [outage.start_ns / SECOND_NS for outage in hidden]
    return {
        "fraction_obstructed": dish.map.fraction_obstructed,
        "valid_s": dish.map.valid_s,
        "currently_obstructed": dish.cause == Cause.OBSTRUCTED,
        "avg_prolonged_obstruction_duration_s": sum(spans) / len(spans) if spans else 0.0,
        "avg_prolonged_obstruction_interval_s": (starts[-1] - starts[0]) / (len(starts) - 1)
        if len(starts) > 1
        else math.nan,
        "avg_prolonged_obstruction_valid": len(starts) > 1,
        "time_obstructed": dish.map.time_obstructed,
        "patches_valid": dish.map.painted,
    }


def _alerts(dish: Dish) -> dict[str, bool]:
    return {
        "unexpected_location": dish.code == Code.TOO_FAR_FROM_SERVICE_ADDRESS,
        "is_power_save_idle": dish.cause == Cause.SLEEPING,
        "obstruction_map_reset": dish.map_reset,
    }


def _gps_stats(dish: Dish) -> dict[str, Any]:
    valid = dish.boot.has("gps_valid")
    return {
        "gps_valid": valid,
        "gps_sats": _GPS_SATELLITES if valid else 0,
        "inhibit_gps": dish.gps_inhibited,
    }


def _ready_states(dish: Dish) -> dict[str, bool]:
    up, scheduled = not dish.boot.starting, dish.boot.has("network_schedule") and dish.radio_on
    return {
        "cady": up,
        "scp": up,
        "l1l2": scheduled,
        "xphy": scheduled,
        "aap": up,
        "rf": dish.boot.has("rf_ready") and (dish.radio_on or dish.boot.starting),
    }


def _alignment_stats(dish: Dish) -> dict[str, Any]:
    hardware = dish.hardware
    estimate = _FILTER_RESET
    if dish.boot.has("attitude_initialization"):
        estimate = _FILTER_CONVERGED if dish.boot.has("ekf_converged") else _FILTER_UNCONVERGED
    level = dish.settings.level_dish_mode == _LEVEL
    return {
        "has_actuators": _NO_ACTUATORS,
        "tilt_angle_deg": hardware.tilt_deg,
        "boresight_azimuth_deg": hardware.boresight_azimuth_deg,
        "boresight_elevation_deg": hardware.boresight_elevation_deg,
        "attitude_estimation_state": estimate,
        "desired_boresight_azimuth_deg": hardware.boresight_azimuth_deg,
        "desired_boresight_elevation_deg": 90.0 if level else hardware.boresight_elevation_deg,
    }


def _quaternion(dish: Dish) -> dict[str, float]:
    """Turns north, east and down into the dish's axes: about down to the boresight's azimuth, then leaning to it."""
    turn = math.radians(dish.hardware.boresight_azimuth_deg) / 2.0
    lean = -math.radians(dish.hardware.tilt_deg) / 2.0
    return {
        "q_scalar": math.cos(turn) * math.cos(lean),
        "q_x": -math.sin(turn) * math.sin(lean),
        "q_y": math.cos(turn) * math.sin(lean),
        "q_z": math.sin(turn) * math.cos(lean),
    }
