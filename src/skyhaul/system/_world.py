"""Everything a scenario names, loaded and resolved: constellation, ground segment, terminals and rules."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from skyhaul import __version__
from skyhaul.control.facts import Facts
from skyhaul.earth import Sites
from skyhaul.errors import ScenarioError
from skyhaul.network import (
    DelayModel,
    Failure,
    Ground,
    Links,
    Rules,
    Terminals,
    found_links,
    grid_links,
    slot_number,
    slot_start,
)
from skyhaul.orbits import EARTH_RADIUS_KM, Constellation, Elements, altitude_km, parse_walker, walker_elements
from skyhaul.radio import ObstructionMask
from skyhaul.scenario import ConstellationTable, Scenario, TerminalTable, as_numpy
from skyhaul.sources import preset_elements, preset_ground, read_elements, read_ground, read_links
from skyhaul.types import Floats, Ints

# A satellite that is raised or lowered moves 50 to 90 km from its shell (counts of 2024 to 2026); at three times that
# its elements say nothing any more.
_OFF_HEIGHT_M = 300e3
# Epoch of constellations written as Walker shells in a scenario: any instant would do, as they have no age.
_WALKER_EPOCH = np.datetime64("2026-01-01T00:00:12", "ns")


@dataclass(frozen=True, slots=True)
class World:
    """A scenario's parts, ready to run.

    axis_m           (N,) semi-major axes of the elements
    synthetic        whether the elements are generated, so that their age means nothing
    elements_name    where the elements come from
    elements_sha256  hash of the elements' file, or of the generated elements
    skipped          bad or left-out element sets
    links            gives the laser links that stand at an instant, before range and line of sight
    facts            of service control; None: everybody may be served
    as_known         every slot is decided on as known at this instant; None: as known one slot before it starts
    """

    scenario: Scenario
    constellation: Constellation
    axis_m: Floats
    synthetic: bool
    elements_name: str
    elements_sha256: str
    skipped: int
    ground: Ground
    terminals: Terminals
    rules: Rules
    delay: DelayModel
    links: Callable[[np.datetime64], Links]
    facts: Facts | None = None
    as_known: np.datetime64 | None = None

    @property
    def elements(self) -> Elements:
        return self.constellation.elements

    def position_m(self, time: np.datetime64) -> Floats:
        """Earth-fixed positions (3, N) at an instant; NaN for a satellite in error or far off its elements' height.

        SGP4 carries the drag of an epoch on for ever: months later it puts satellites beyond the Moon without an error.
        """
        position = self.constellation.at(time, velocity=False).position_m
        radius = np.sqrt(np.einsum("an,an->n", position, position))
        reach = self.axis_m * self.elements.eccentricity + _OFF_HEIGHT_M
        position[:, ~(np.abs(radius - self.axis_m) <= reach)] = np.nan
        return position

    def default_start(self) -> np.datetime64:
        """The scenario's start, or the start of the slot that holds the median epoch of the elements."""
        if self.scenario.time.start is not None:
            return as_numpy(self.scenario.time.start, _WALKER_EPOCH)
        epochs = np.sort(self.elements.epoch)
        return slot_start(int(slot_number(epochs[len(epochs) // 2])))

    def failures(self, start: np.datetime64) -> tuple[Failure, ...]:
        """The scenario's failures in a run that starts at `start`."""
        return tuple(
            Failure(
                kind=entry.kind,
                target=_ends(entry.target) if entry.kind == "laser" else entry.target,
                start=start if entry.start is None else as_numpy(entry.start, start),
                end=None if entry.end is None else as_numpy(entry.end, start),
            )
            for entry in self.scenario.failures
        )

    @property
    def units(self) -> tuple[str, ...]:
        """(K,) ids in the registry of the scenario's terminals."""
        return tuple(table.unit or table.name for table in self.scenario.terminals)

    def withheld(self, start: np.datetime64) -> list[tuple[int, np.datetime64, np.datetime64]]:
        """The terminals that the scenario gives no grant in a run that starts at `start`: row, from and until."""
        rows = {table.name: row for row, table in enumerate(self.scenario.terminals)}
        forever = np.datetime64(np.iinfo(np.int64).max, "ns")
        return [
            (
                rows[entry.terminal],
                start if entry.start is None else as_numpy(entry.start, start),
                forever if entry.end is None else as_numpy(entry.end, start),
            )
            for entry in self.scenario.withheld
        ]

    def provenance(self, start: np.datetime64) -> dict[str, Any]:
        """What a result depends on: version, seed, hashes, and the elements' age at `start`."""
        age = np.abs(self.constellation.age(start))
        return {
            "skyhaul_version": __version__,
            "scenario": self.scenario.name,
            "scenario_sha256": self.scenario.sha256(),
            "seed": self.scenario.seed,
            "elements": self.elements_name,
            "elements_sha256": self.elements_sha256,
            "elements_count": len(self.elements),
            "elements_skipped": self.skipped,
            "elements_age_median_days": round(float(np.median(age)), 4),
            "elements_age_max_days": round(float(age.max()), 4),
            "ground_sha256": self.ground.sha256(),
            "strategy": self.rules.strategy,
            "control_facts": 0 if self.facts is None else len(self.facts),
            "as_known": "" if self.as_known is None else np.datetime_as_string(self.as_known, "s") + "Z",
        }


def load_world(scenario: Scenario, *, as_known: np.datetime64 | None = None) -> World:
    """Read everything the scenario names. Raises the errors of what it reads."""
    elements, name, sha256, skipped = _elements(scenario)
    constellation = Constellation(elements)
    ground = _ground(scenario)
    rules = Rules(
        strategy=scenario.scheduler.strategy,
        gso_separation_deg=scenario.scheduler.gso_separation_deg,
        beams_per_satellite=scenario.scheduler.beams_per_satellite,
        channels=scenario.scheduler.channels,
        lasers=scenario.lasers.use,
        laser_range_m=scenario.lasers.max_range_km * 1e3,
        laser_clearance_m=scenario.lasers.clearance_km * 1e3,
    )
    synthetic = scenario.constellation.elements is None
    height_km = altitude_km(elements.mean_motion_rev_day, elements.eccentricity, elements.inclination_deg)
    return World(
        scenario=scenario,
        constellation=constellation,
        axis_m=1e3 * (EARTH_RADIUS_KM + height_km),
        synthetic=synthetic,
        elements_name=name,
        elements_sha256=sha256,
        skipped=skipped,
        ground=ground,
        terminals=terminals_of(scenario.terminals, ground, scenario.scheduler.terminal_mask_deg),
        rules=rules,
        delay=_delay(scenario),
        links=_links(scenario, elements, synthetic),
        facts=None if scenario.control is None else scenario.control.known_facts(),
        as_known=as_known,
    )


def with_terminals(world: World, tables: tuple[TerminalTable, ...]) -> World:
    """The same world with other terminals; what the scenario withholds from one that is not among them is left out."""
    names = {table.name for table in tables}
    scenario = world.scenario.model_copy(
        update={
            "terminals": tables,
            "withheld": tuple(entry for entry in world.scenario.withheld if entry.terminal in names),
        }
    )
    return replace(
        world,
        scenario=scenario,
        terminals=terminals_of(tables, world.ground, scenario.scheduler.terminal_mask_deg),
    )


def with_constellation(world: World, table: ConstellationTable) -> World:
    """The same world with other satellites. Raises the errors of what the table names."""
    scenario = world.scenario.model_copy(update={"constellation": table})
    elements, name, sha256, skipped = _elements(scenario)
    synthetic = table.elements is None
    height_km = altitude_km(elements.mean_motion_rev_day, elements.eccentricity, elements.inclination_deg)
    return replace(
        world,
        scenario=scenario,
        constellation=Constellation(elements),
        axis_m=1e3 * (EARTH_RADIUS_KM + height_km),
        synthetic=synthetic,
        elements_name=name,
        elements_sha256=sha256,
        skipped=skipped,
        links=_links(scenario, elements, synthetic),
    )


def terminals_of(tables: tuple[TerminalTable, ...], ground: Ground, mask_deg: float) -> Terminals:
    """The terminals of a scenario, each with its PoP: the one it names, or the nearest."""
    sites = Sites.at(
        [table.latitude_deg for table in tables],
        [(table.longitude_deg + 180.0) % 360.0 - 180.0 for table in tables],
        [table.height_m for table in tables],
        [table.name for table in tables],
    )
    pinned = np.array([table.pop is not None for table in tables], dtype=np.bool_)
    pop = ground.nearest_pop(sites)
    for k, table in enumerate(tables):
        if table.pop is not None:
            pop[k] = ground.pop(table.pop)
    masks = [mask_deg if table.minimum_elevation_deg is None else table.minimum_elevation_deg for table in tables]
    obstruction = [
        ObstructionMask(np.array(table.obstruction)[:, 0], np.array(table.obstruction)[:, 1])
        if table.obstruction
        else None
        for table in tables
    ]
    return Terminals.at(
        sites, pop, pinned=pinned, mask_deg=np.array(masks), obstruction=obstruction, key=terminal_keys(sites.name)
    )


def terminal_keys(names: tuple[str, ...]) -> Ints:
    """(K,) numbers that stay with a name, so that adding a terminal changes no other one's draws."""
    digests = (hashlib.sha256(name.encode()).digest() for name in names)
    return np.array([int.from_bytes(digest[:7], "big") for digest in digests], dtype=np.int64)


def _elements(scenario: Scenario) -> tuple[Elements, str, str, int]:
    table = scenario.constellation
    skipped = 0
    if table.elements is not None:
        parsed = read_elements(table.elements, skip_bad=table.skip_bad)
        elements, name, sha256 = parsed.elements, Path(table.elements).name, parsed.sha256
        skipped = parsed.skipped
    elif table.preset is not None:
        elements, name = preset_elements(table.preset), f"preset {table.preset}"
        sha256 = elements.sha256()
    else:
        shells = [shell for text in table.walker for shell in parse_walker(text)]
        elements, name = walker_elements(shells, _WALKER_EPOCH), " ".join(table.walker)
        sha256 = elements.sha256()
    if table.minimum_altitude_km > 0.0:
        height = altitude_km(elements.mean_motion_rev_day, elements.eccentricity, elements.inclination_deg)
        high = height >= table.minimum_altitude_km
        if not high.any():
            raise ScenarioError(
                f"no satellite is above {table.minimum_altitude_km:g} km",
                where="constellation.minimum_altitude_km",
                mend="lower it",
            )
        skipped += int(np.count_nonzero(~high))
        elements = elements.select(high)
    return elements, name, sha256, skipped


def _ground(scenario: Scenario) -> Ground:
    if scenario.ground.preset is not None:
        return preset_ground(scenario.ground.preset)
    return read_ground(list(scenario.ground.files))


def _delay(scenario: Scenario) -> DelayModel:
    model = DelayModel()
    if scenario.delay.fixed_ms is not None:
        model = replace(model, fixed_s=scenario.delay.fixed_ms / 1e3)
    return model if scenario.delay.queueing else model.without_queueing()


def _links(scenario: Scenario, elements: Elements, synthetic: bool) -> Callable[[np.datetime64], Links]:
    table = scenario.lasers
    if table.pairs is not None:
        fixed = read_links(table.pairs, elements)
        return lambda _: fixed
    if table.topology == "grid" or (table.topology == "auto" and synthetic):
        grid = grid_links(elements)
        return lambda _: grid

    # Neighbours in real planes hold for hours: they are found once an hour, on the hour, whenever a run starts.
    @lru_cache(maxsize=2)
    def of_hour(hour: np.datetime64) -> Links:
        return found_links(
            elements,
            hour,
            links_per_satellite=table.links_per_satellite,
            max_range_m=table.max_range_km * 1e3,
            clearance_m=table.clearance_km * 1e3,
        )

    return lambda time: of_hour(time.astype("datetime64[h]").astype("datetime64[ns]"))


def _ends(target: str) -> tuple[str, str] | str:
    """The two satellites of a laser written "one / the other"."""
    one, slash, other = target.partition("/")
    return (one.strip(), other.strip()) if slash else target
