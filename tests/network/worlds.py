"""A small world to plan in: one Walker shell, some gateways and PoPs, terminals across the middle latitudes."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from skyhaul.earth import Sites
from skyhaul.network import (
    Failures,
    Ground,
    LaserMesh,
    Links,
    Outages,
    Plan,
    Rules,
    Scheduler,
    Terminals,
    grid_links,
    slot_number,
    slot_start,
)
from skyhaul.orbits import Constellation, parse_walker, walker_elements
from skyhaul.types import Bools, Ints

EPOCH = np.datetime64("2026-01-01T00:00:12", "ns")
SLOT = int(slot_number(EPOCH))
CONSTELLATION = Constellation(walker_elements(parse_walker("D:550:53.0:1584/72/17"), EPOCH))
GATEWAYS = {
    "Gravelines": (50.99, 2.13),
    "Turin": (45.07, 7.69),
    "Villenave": (44.78, -0.57),
    "Sintra": (38.80, -9.38),
    "Isle of Man": (54.15, -4.48),
    "Wroclaw": (51.11, 17.04),
}
POPS = {"Frankfurt": (50.11, 8.68), "Madrid": (40.42, -3.70)}


def ground(antennas: int = 8) -> Ground:
    return Ground.of(
        Sites.at([x[0] for x in GATEWAYS.values()], [x[1] for x in GATEWAYS.values()], name=list(GATEWAYS)),
        Sites.at([x[0] for x in POPS.values()], [x[1] for x in POPS.values()], name=list(POPS)),
        antennas=[antennas] * len(GATEWAYS),
    )


def terminals(count: int, seed: int = 1, mask_deg: float = 25.0) -> Terminals:
    random = np.random.default_rng(seed)
    sites = Sites.at(random.uniform(36.0, 60.0, count), random.uniform(-10.0, 25.0, count))
    return Terminals.at(sites, ground().nearest_pop(sites), mask_deg=mask_deg)


@dataclass
class World:
    """Plans slots; every part can be replaced."""

    terminals: Terminals
    ground: Ground = field(default_factory=ground)
    rules: Rules = field(default_factory=lambda: Rules(strategy="highest"))
    failures: tuple[object, ...] = ()
    seed: int = 7
    constellation: Constellation = CONSTELLATION
    links: Links | None = None

    def outages(self, slot: int) -> Outages:
        failures = Failures(self.failures, self.constellation.elements, self.ground)  # type: ignore[arg-type]
        return failures.during(slot_start(slot), slot_start(slot + 1))

    def plan(self, slot: int = SLOT, previous: Plan | None = None, granted: Bools | None = None) -> Plan:
        scheduler = Scheduler(self.ground, self.terminals, self.rules, self.numbers, self.seed)
        start = self.constellation.at(slot_start(slot), velocity=False).position_m
        end = self.constellation.at(slot_start(slot + 1), velocity=False).position_m
        outages = self.outages(slot)
        mesh = None
        if self.rules.lasers != "never":
            links = grid_links(self.constellation.elements) if self.links is None else self.links
            mesh = LaserMesh(links, start, self.rules.laser_range_m, self.rules.laser_clearance_m, outages)
        return scheduler.plan(slot, start, end, outages, granted=granted, mesh=mesh, previous=previous)

    @property
    def numbers(self) -> Ints:
        return self.constellation.elements.catalog_number
