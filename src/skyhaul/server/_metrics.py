"""Prometheus metrics: `starlink_dish_*` for terminals, as exporters of dishes name them, and the system's own."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from skyhaul import __version__
from skyhaul.operation import OUT, SERVING, State, gateway_columns, satellite_columns, terminal_views
from skyhaul.server._desk import Desk
from skyhaul.server._system_routes import counts_of

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
TERMINALS_MOST = 1000
"""Terminals that are told one by one: at a dozen lines each, a scrape of 10,000 would be 10 MB."""

# Name, what it says, and of what unit: as public exporters of dishes name them.
_DISH = (
    ("starlink_dish_up", "Whether the dish is connected (1) or not (0)."),
    ("starlink_dish_pop_ping_latency_seconds", "Round-trip time to the point of presence."),
    ("starlink_dish_pop_ping_drop_ratio", "Share of pings lost."),
    ("starlink_dish_downlink_throughput_bytes", "What the dish could receive, bytes a second."),
    ("starlink_dish_uplink_throughput_bytes", "What the dish could send, bytes a second."),
    ("starlink_dish_bore_sight_azimuth_deg", "Azimuth of the serving satellite."),
    ("starlink_dish_bore_sight_elevation_deg", "Elevation of the serving satellite."),
    ("starlink_dish_disablement_code", "The code that the dish shows: 1 is OKAY."),
    ("starlink_dish_currently_obstructed", "Whether something hides the satellite."),
    ("starlink_dish_fraction_obstructed_ratio", "Share of the sky, as far as it was seen, that is hidden."),
    ("starlink_dish_uptime_seconds", "Since the dish started."),
)


class SystemMetrics(Collector):
    """Reads the system when it is asked."""

    def __init__(self, desk: Desk, state: Any) -> None:
        self._desk, self._state = desk, state

    def collect(self) -> Iterator[Metric]:
        """All metrics, now."""
        yield from self._system()
        yield from self._terminals()

    def _system(self) -> Iterator[Metric]:
        snapshot = self._desk.snapshot()
        info = InfoMetricFamily("skyhaul", "What runs.")
        info.add_metric([], {"version": __version__, "scenario": snapshot.world.scenario.name})
        yield info
        counts = counts_of(snapshot)
        yield _labelled(
            "skyhaul_terminals",
            "Terminals by state.",
            "state",
            {"served": counts.served, "refused": counts.refused, "no_path": counts.out_of_service},
        )
        columns = satellite_columns(snapshot)
        serving, out = int(np.sum(columns.state == SERVING)), int(np.sum(columns.state == OUT))
        yield _labelled(
            "skyhaul_satellites",
            "Satellites by state.",
            "state",
            {"serving": serving, "out": out, "idle": len(columns.state) - serving - out},
        )
        ground = gateway_columns(snapshot)
        yield _gauge(
            "skyhaul_gateway_antennas_in_use",
            "Antennas of all gateways that track a satellite.",
            int(ground.in_use.sum()),
        )
        yield _gauge("skyhaul_slot", "Number of the slot that runs.", snapshot.slot)
        yield _gauge("skyhaul_time_seconds", "The system's time, since 1970.", snapshot.time_ns / 1e9)
        yield _gauge(
            "skyhaul_speed", "System seconds a second; 0 while paused.", 0.0 if snapshot.paused else snapshot.speed
        )
        late = CounterMetricFamily("skyhaul_late_plans", "Slots that began without a plan.")
        late.add_metric([], snapshot.view.late)
        yield late
        plan = snapshot.current
        if plan is not None:
            yield _gauge(
                "skyhaul_plan_ready_before_seconds",
                "How long before its slot the running plan was ready.",
                plan.ready_before_s,
            )
            yield _gauge("skyhaul_path_state_age_seconds", "How old the path states are.", snapshot.age_s)
        if snapshot.knowledge_age_s is not None:
            yield _gauge(
                "skyhaul_knowledge_age_seconds", "How old the facts of the registry are.", snapshot.knowledge_age_s
            )
        yield _gauge("skyhaul_failures", "Failures on record that are not over.", _failing(snapshot))
        yield _gauge("skyhaul_event_readers", "Readers of events.", self._state.bell.readers)
        yield _gauge("skyhaul_sky_watchers", "Watchers of the sky.", self._state.projector.watchers)
        gone = CounterMetricFamily("skyhaul_sky_watchers_let_go", "Watchers that took no keyframe for 10 s.")
        gone.add_metric([], self._state.projector.let_go)
        yield gone
        yield _gauge("skyhaul_uptime_seconds", "Since the server started.", time.monotonic() - self._state.began)
        yield _gauge("skyhaul_resident_memory_bytes", "Memory of the process.", _resident_bytes())

    def _terminals(self) -> Iterator[Metric]:
        snapshot = self._desk.snapshot()
        families = {name: GaugeMetricFamily(name, words, labels=["terminal"]) for name, words in _DISH}
        count = len(snapshot.roster)
        views = list(terminal_views(snapshot, range(min(count, TERMINALS_MOST))))
        for view in views:
            label = [view.name]
            served = view.state is State.SERVED
            values: dict[str, float] = {
                "up": float(served),
                "pop_ping_drop_ratio": view.loss,
                "disablement_code": float(view.code),
                "currently_obstructed": float(view.reason is not None and view.reason.name == "OBSTRUCTED"),
            }
            if served:
                values |= {
                    "pop_ping_latency_seconds": view.rtt_s,
                    "downlink_throughput_bytes": view.rate_down_bps / 8.0,
                    "uplink_throughput_bytes": view.rate_up_bps / 8.0,
                    "bore_sight_azimuth_deg": float(np.round(view.azimuth_deg)),
                    "bore_sight_elevation_deg": float(np.round(view.elevation_deg)),
                }
            dish = self._desk.dishes.get(view.name)
            if dish is not None:
                values["uptime_seconds"] = dish.uptime_s
                values["fraction_obstructed_ratio"] = dish.map.fraction_obstructed
            for name, value in values.items():
                if np.isfinite(value):
                    families[f"starlink_dish_{name}"].add_metric(label, value)
        yield from families.values()
        yield _gauge(
            "skyhaul_terminals_not_told", "Terminals beyond those that are told one by one.", count - len(views)
        )


def text_of(desk: Desk, state: Any) -> bytes:
    """The metrics as a scrape answers them."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(SystemMetrics(desk, state))
    return generate_latest(registry)


def _gauge(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(name, words, value=value)


def _labelled(name: str, words: str, label: str, values: dict[str, int]) -> Metric:
    family = GaugeMetricFamily(name, words, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family


def _failing(snapshot: Any) -> int:
    return sum(row.end_ns is None or row.end_ns > snapshot.time_ns for row in snapshot.view.failures)


def _resident_bytes() -> int:
    import resource

    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123
        return int(file.read().split()[1]) * resource.getpagesize()
