"""Runs made up for the sinks: right shapes and reproducible numbers, no physics."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from skyhaul.control.decision import Code
from skyhaul.control.grants import REFUSALS, Ruling
from skyhaul.earth import Sites
from skyhaul.network import Reason
from skyhaul.study import SAMPLES, SLOTS, Block, DatasetWriter, Layout, Snapshot

START = np.datetime64("2024-02-17T12:00:12", "ns")
SATELLITES = 50


def layout(terminals: int = 3, slots: int = 8, instants: int = 15) -> Layout:
    names = [f"town {i}" for i in range(terminals)]
    return Layout(
        terminals=Sites.at(np.linspace(-50, 60, terminals), np.linspace(-170, 170, terminals), 10.0, names),
        gateways=Sites.at([47.0, 52.0], [8.0, 21.0], name=["Zürich", "Warsaw"]),
        pops=Sites.at([50.1], [8.7], name=["Frankfurt"]),
        satellite_name=tuple(f"SAT-{i}" for i in range(SATELLITES)),
        catalog_number=np.arange(SATELLITES, dtype=np.int64) + 44_000,
        provenance={"Conventions": "CF-1.11", "scenario": "made up", "seed": 7, "elements": "none", "step_s": 1.0},
        samples=slots * instants,
        slots=slots,
    )


def blocks(terminals: int = 3, slots: int = 8, instants: int = 15, unserved: tuple[int, ...] = ()) -> Iterator[Block]:
    """Slots in which about one terminal in five has no path, and those in `unserved` never have."""
    random = np.random.default_rng(3)
    for number in range(slots):
        start = START + np.timedelta64(15, "s") * number
        satellite = random.integers(-SATELLITES // 4, SATELLITES, terminals)
        if number == 0:
            satellite = np.abs(satellite)  # the slot of the snapshot
        satellite[list(unserved)] = -1
        served = satellite >= 0
        refused = (np.arange(terminals) == 0) & (number > slots // 2)
        ending = (np.arange(terminals) == 0) & (number == slots // 2)
        slot = {
            "outage_cause": np.where(served, Reason.SERVED, Reason.NO_SATELLITE),
            "serving_satellite": np.where(served, satellite, -1),
            "serving_gateway": np.where(served, satellite % 2, -1),
            "serving_pop": np.where(served, 0, -1),
            "laser_hops": np.where(served, satellite % 3, -1),
            "candidates": np.maximum(satellite, 0),
            # The first terminal is refused in the second half of every run, from 5 s after the start of a slot.
            "ruling": np.where(refused, Ruling.REFUSED, Ruling.PERMITTED),
            "disablement_code": np.where(refused, Code.BLOCKED_AREA, Code.OKAY),
            "refusal_rule": np.where(refused | ending, REFUSALS.index("order.area"), -1),
            "country_alert": np.zeros(terminals),
            "lease_end": np.where(refused, np.nan, np.where(ending, 5.0, 30.0)),
            "rate_limit": np.where(refused, np.nan, 1e6),
            "cell": np.arange(terminals) + 0x851E364BFFFFFFF,
            "terminal_latitude": np.linspace(-50, 60, terminals),
            "terminal_longitude": np.linspace(-170, 170, terminals),
            "terminal_speed": np.zeros(terminals),
        }
        samples = {v.name: (100.0 * random.random((instants, terminals))).astype(v.dtype) for v in SAMPLES}
        for variable in SAMPLES:
            samples[variable.name][:, ~served] = 1.0 if variable.name == "loss" else np.nan
        step = np.timedelta64(15_000_000_000 // instants, "ns")
        yield Block(
            slot=start,
            time=start + step * np.arange(instants),
            samples=samples,
            slots={v.name: slot[v.name].astype(v.dtype) for v in SLOTS},
        )


def snapshot(terminals: int = 3) -> Snapshot:
    path = np.full((terminals, 4), -1, dtype=np.int32)
    path[1, :3] = (4, 9, 2)
    path[2, :1] = 7
    turn = np.linspace(-np.pi, np.pi, SATELLITES)
    latitude, longitude = 53.0 * np.sin(turn), np.degrees(turn)
    return Snapshot(START, latitude, longitude, np.full(SATELLITES, 550_000.0), path)


def write(path: Path, terminals: int = 3, slots: int = 8, instants: int = 15, unserved: tuple[int, ...] = ()) -> Path:
    with DatasetWriter(path, layout(terminals, slots, instants)) as writer:
        for block in blocks(terminals, slots, instants, unserved):
            writer.append_block(block)
        writer.add_snapshot(snapshot(terminals))
    return path
