"""What a dish tells beside its status: history, map of the sky, place, diagnostics, network context, pings."""

from __future__ import annotations

from typing import Any

from skyhaul.dish._descriptors import message
from skyhaul.dish._dish import Dish
from skyhaul.dish._history import SAMPLES
from skyhaul.dish._identity import device_info, device_state, dish_outage
from skyhaul.dish._map import MAX_THETA_DEG, SIDE
from skyhaul.dish._outages import ADVISED, EVENT_REASON, Cause, Outage
from skyhaul.dish._state import Place
from skyhaul.dish._time import SECOND_NS, gps_ns
from skyhaul.dish._wire import packed

_CAUTION, _ADVISORY = 2, 3  # UXEvent.Severity
_GPS, _STARLINK = 4, 5  # PositionSource
_RINGS = {
    "pop_ping_drop_rate": "drop_rate",
    "pop_ping_latency_ms": "latency_ms",
    "downlink_throughput_bps": "down_bps",
    "uplink_throughput_bps": "up_bps",
    "power_in": "power_w",
}
# The digits of an H3 index after resolution 5 are all ones: without them, and without mode and resolution, 22 bits
# remain that tell cells of that resolution apart (H3 index bit layout).
_CELL_SHIFT, _CELL_BITS = 30, 22


def history(dish: Dish) -> Any:
    """DishGetHistoryResponse: the rings whole, and the outages that reach into the time they cover."""
    kind = message("DishGetHistoryResponse")
    answer = kind.FromString(
        b"".join(
            packed(kind.DESCRIPTOR.fields_by_name[field].number, dish.history.ring(column))  # type: ignore[arg-type]
            for field, column in _RINGS.items()
        )
    )
    answer.current = dish.history.current
    oldest = dish.time_ns - SAMPLES * SECOND_NS
    answer.outages.extend(dish_outage(outage) for outage in dish.outages if outage.end_ns >= oldest)
    log = answer.event_log
    log.events.extend(_event(outage) for outage in dish.outages if outage.cause in EVENT_REASON)
    log.start_timestamp_ns = max(0, dish.time_ns - int(dish.uptime_s * SECOND_NS))
    log.current_timestamp_ns = dish.time_ns
    return answer


def _event(outage: Outage) -> Any:
    return message("UXEvent")(
        severity=_ADVISORY if outage.cause in ADVISED else _CAUTION,
        reason=EVENT_REASON[outage.cause],
        start_timestamp_ns=outage.start_ns,
        duration_ns=outage.duration_ns,
    )


def obstruction_map(dish: Dish) -> Any:
    """DishGetObstructionMapResponse."""
    kind = message("DishGetObstructionMapResponse")
    answer = kind.FromString(packed(kind.DESCRIPTOR.fields_by_name["snr"].number, dish.map.pixels))
    answer.num_rows = answer.num_cols = SIDE
    answer.min_elevation_deg = 90.0 - MAX_THETA_DEG
    answer.max_theta_deg = MAX_THETA_DEG
    answer.map_reference_frame = int(dish.map.frame)
    return answer


def place_of(dish: Dish) -> Place | None:
    """Where the dish is, if its holder lets it tell."""
    return dish.state.place if dish.state and dish.settings.tells_location else None


def location(dish: Dish, place: Place) -> Any:
    """GetLocationResponse."""
    return message("GetLocationResponse")(
        lla={"lat": place.latitude_deg, "lon": place.longitude_deg, "alt": place.height_m},
        source=_STARLINK if dish.gps_inhibited else _GPS,
        sigma_m=place.sigma_m,
        horizontal_speed_mps=place.horizontal_speed_m_s,
        vertical_speed_mps=place.vertical_speed_m_s,
    )


def diagnostics(dish: Dish) -> Any:
    """DishGetDiagnosticsResponse."""
    hardware, place = dish.hardware, place_of(dish)
    where: dict[str, Any] = {"enabled": dish.settings.tells_location}
    if place is not None:
        where |= {
            "latitude": place.latitude_deg,
            "longitude": place.longitude_deg,
            "altitude_meters": place.height_m,
            "uncertainty_meters_valid": place.sigma_m > 0.0,
            "uncertainty_meters": place.sigma_m,
            "gps_time_s": gps_ns(dish.time_ns) / SECOND_NS,
        }
    boresight = (hardware.boresight_azimuth_deg, hardware.boresight_elevation_deg)
    return message("DishGetDiagnosticsResponse")(
        id=hardware.id,
        hardware_version=hardware.hardware_version,
        software_version=hardware.software_version,
        alerts={"obstructed": dish.cause == Cause.OBSTRUCTED},
        disablement_code=int(dish.code),
        location=where,
        alignment_stats={
            "boresight_azimuth_deg": boresight[0],
            "boresight_elevation_deg": boresight[1],
            "desired_boresight_azimuth_deg": boresight[0],
            "desired_boresight_elevation_deg": boresight[1],
        },
        stowed=dish.stowed,
    )


def context(dish: Dish) -> Any:
    """DishGetContextResponse: what the network knows of the dish."""
    answer = message("DishGetContextResponse")(
        device_info=device_info(dish),
        device_state=device_state(dish),
        obstruction_fraction=dish.map.fraction_obstructed,
        obstruction_valid_s=dish.map.valid_s,
        obstruction_current=dish.cause == Cause.OBSTRUCTED,
        disablement_code=int(dish.code),
    )
    drops, latencies = dish.history.latest("drop_rate", 15), dish.history.latest("latency_ms", 15)
    if len(drops):
        answer.pop_ping_drop_rate_15s_mean = float(drops.mean())
        if (drops < 1.0).any():
            answer.pop_ping_latency_ms_15s_mean = float(latencies[drops < 1.0].mean())
    for seconds in (1, 2, 5, 15, 60):
        since = dish.outages.since_last_s(dish.time_ns, seconds)
        setattr(answer, f"seconds_since_last_{seconds}s_outage", dish.uptime_s if since is None else since)
    state = dish.state
    if state is not None:
        answer.cell_id = state.cell >> _CELL_SHIFT & (1 << _CELL_BITS) - 1
        answer.seconds_to_slot_end = max(0.0, (state.slot_end_ns - state.time_ns) / SECOND_NS)
        if dish.satellite >= 0:
            answer.initial_satellite_id = dish.satellite
            answer.initial_gateway_id = state.gateway
            answer.pop_rack_id = state.pop
    return answer


def pings(dish: Dish) -> Any:
    """GetPingResponse: the point of presence, the one thing a dish pings."""
    answer = message("GetPingResponse")()
    if dish.state is not None and dish.state.pop_name:
        result = answer.results[dish.state.pop_name]
        result.dropRate, result.latencyMs = dish.drop_rate, dish.latency_ms
        result.target.service, result.target.location = "pop", dish.state.pop_name
    return answer
