"""What carries the traffic: satellites, shells, gateways, points of presence, cells."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated, NamedTuple

import numpy as np
from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from skyhaul.earth import cell_boundary, cell_centres, ecef_to_geodetic
from skyhaul.errors import InputError
from skyhaul.network import Reason, SatelliteNames
from skyhaul.operation import (
    OUT,
    SatelliteColumns,
    Snapshot,
    cell_columns,
    gateway_columns,
    pop_columns,
    satellite_columns,
)
from skyhaul.orbits import Elements, Shell, find_shells
from skyhaul.server._desk import Here
from skyhaul.server._pages import LIMIT, Cursor, Limit, Page, page_of
from skyhaul.server._plain import number
from skyhaul.types import Floats, Ints

router = APIRouter(tags=["sky and ground"])

_NO_SHELL = "none"


class SatelliteOut(BaseModel):
    """A satellite now."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "number": 90001,
                    "index": 0,
                    "name": "STARLINK-GEN1-1",
                    "shell": "550 km 53.0°",
                    "altitude_km": 550.0,
                    "inclination_deg": 53.0,
                    "latitude_deg": 12.5,
                    "longitude_deg": -38.2,
                    "serving_terminals": 2,
                    "serving_cells": 1,
                    "gateway": "lisbon",
                    "out": False,
                }
            ]
        }
    )

    number: int = Field(description="Catalogue number.")
    index: int = Field(description="Its place in the keyframes of /sky.")
    name: str
    shell: str = Field(description="Name of its shell; “none” while it is raised or lowered.")
    altitude_km: float | None
    inclination_deg: float
    latitude_deg: float | None = Field(description="Below it; null for one whose elements say nothing any more.")
    longitude_deg: float | None
    serving_terminals: int
    serving_cells: int
    gateway: str | None = Field(description="That it exchanges traffic with.")
    out: bool = Field(description="Whether it is out of service.")


class SatelliteWhole(SatelliteOut):
    """A satellite with the terminals that it serves."""

    plane: int | None
    epoch: str
    terminals: list[str] = Field(description="Names of up to 1000 terminals that it serves.")


class ShellOut(BaseModel):
    """Satellites of like height and inclination."""

    name: str
    count: int
    altitude_km: float = Field(description="Median.")
    inclination_deg: float = Field(description="Median.")
    lowest_km: float
    highest_km: float
    serving: int
    out: int


class GatewayOut(BaseModel):
    """A gateway."""

    name: str
    latitude_deg: float
    longitude_deg: float
    antennas: int
    in_use: int
    terminals: int = Field(description="Whose traffic it carries.")
    pop: str | None = Field(description="The nearest point of presence by fibre.")
    fibre_ms: float | None = Field(description="One way to it.")
    out: bool


class PopOut(BaseModel):
    """A point of presence."""

    name: str
    latitude_deg: float
    longitude_deg: float
    terminals: int
    out: bool


class CellOut(BaseModel):
    """A cell with terminals."""

    cell: str = Field(description="H3 index, hexadecimal.")
    latitude_deg: float = Field(description="Of its middle.")
    longitude_deg: float
    boundary: list[tuple[float, float]] = Field(description="Corners as (longitude, latitude), the first again last.")
    state: str = Field(description="served, refused (some terminal may not be served and none is), no_path.")
    words: str
    terminals: int
    served: int
    refused: int
    load: int = Field(description="Terminals that share the beam.")
    rate_down_bps: float = Field(description="What the beam carries to all of them.")
    satellite: str | None
    satellite_number: int | None
    gateway: str | None


class Shells(NamedTuple):
    """The shells of a set of elements: of each satellite (N,), -1 for none, and by number."""

    of: Ints
    shells: tuple[Shell, ...]
    names: tuple[str, ...]

    def name(self, satellite: int) -> str:
        """The name of a satellite's shell."""
        shell = int(self.of[satellite])
        return self.names[shell] if shell >= 0 else _NO_SHELL


class _Known:
    """What is worked out once for a set of elements, and kept while it is in use."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._elements: Elements | None = None
        self._shells: Shells | None = None
        self._names: SatelliteNames | None = None
        self._searched: list[str] = []

    def of(self, elements: Elements) -> tuple[Shells, SatelliteNames, list[str]]:
        with self._mutex:
            if self._elements is not elements or self._shells is None or self._names is None:
                of, shells = find_shells(elements)
                self._shells = Shells(of, shells, _names(shells))
                self._names = SatelliteNames(elements)
                numbers = elements.catalog_number.tolist()
                self._searched = [f"{name.lower()}\n{n}" for name, n in zip(elements.name, numbers, strict=True)]
                self._elements = elements
            return self._shells, self._names, self._searched


_known = _Known()


def _names(shells: Sequence[Shell]) -> tuple[str, ...]:
    found: list[str] = []
    for shell in shells:
        name = f"{shell.altitude_km:.0f} km {shell.inclination_deg:.1f}°"
        same = sum(other == name or other.startswith(f"{name} (") for other in found)
        found.append(f"{name} ({same + 1})" if same else name)
    return tuple(found)


class _Sky(NamedTuple):
    columns: SatelliteColumns
    latitude_deg: Floats
    longitude_deg: Floats
    height_m: Floats


@lru_cache(maxsize=2)
def _sky(snapshot: Snapshot) -> _Sky:
    """Snapshots are shared by all who ask within 100 ms, and what is worked out of them is too."""
    position = snapshot.world.position_m(snapshot.time)
    latitude, longitude, height = ecef_to_geodetic(np.ascontiguousarray(position.T))
    return _Sky(satellite_columns(snapshot), latitude, longitude, height)


@router.get("/satellites", response_model=Page[SatelliteOut], summary="Satellites")
def satellites(
    desk: Here,
    q: Annotated[str, Query(max_length=100, description="Part of the name or number.")] = "",
    shell: Annotated[str, Query(max_length=60, description="Name of a shell.")] = "",
    limit: Limit = LIMIT,
    cursor: Cursor = None,
) -> Page[SatelliteOut]:
    """Satellites in the order of the keyframes: where each is, whom it serves."""
    snapshot = desk.snapshot()
    shells, _, searched = _known.of(snapshot.world.elements)
    wanted = range(len(searched))
    found: Sequence[int] = wanted
    if shell:
        number_of = {name: k for k, name in enumerate(shells.names)} | {_NO_SHELL: -1}
        found = np.flatnonzero(shells.of == number_of.get(shell, -2)).tolist()
    if q:
        text = q.lower()
        found = [k for k in found if text in searched[k]]
    part, more = page_of(found, cursor, limit)
    sky = _sky(snapshot)
    return Page(items=[_satellite(snapshot, sky, shells, k) for k in part], next=more)


@router.get("/satellites/{satellite}", response_model=SatelliteWhole, summary="A satellite")
def satellite(
    desk: Here, satellite: Annotated[str, Path(max_length=100, description="Catalogue number, or name.")]
) -> SatelliteWhole:
    """One satellite, and the terminals that it serves."""
    snapshot = desk.snapshot()
    elements = snapshot.world.elements
    shells, names, _ = _known.of(elements)
    index = names.find(satellite)
    terminals: list[str] = []
    if snapshot.states is not None:
        rows = np.flatnonzero(snapshot.states.satellite == index)[:1000]
        terminals = [snapshot.roster.tables[row].name for row in rows.tolist()]
    plane = int(elements.plane[index])
    return SatelliteWhole(
        **_satellite(snapshot, _sky(snapshot), shells, index).model_dump(),
        plane=plane if plane >= 0 else None,
        epoch=f"{elements.epoch[index].astype('datetime64[ms]')}Z",
        terminals=terminals,
    )


def _satellite(snapshot: Snapshot, sky: _Sky, shells: Shells, k: int) -> SatelliteOut:
    elements, columns = snapshot.world.elements, sky.columns
    gateway = int(columns.gateway[k])
    return SatelliteOut(
        number=int(elements.catalog_number[k]),
        index=k,
        name=elements.name[k],
        shell=shells.name(k),
        altitude_km=number(sky.height_m[k] / 1e3, 2),
        inclination_deg=round(float(elements.inclination_deg[k]), 4),
        latitude_deg=number(sky.latitude_deg[k], 4),
        longitude_deg=number(sky.longitude_deg[k], 4),
        serving_terminals=int(columns.serving_terminals[k]),
        serving_cells=int(columns.serving_cells[k]),
        gateway=snapshot.world.ground.gateways.name[gateway] if gateway >= 0 else None,
        out=bool(columns.state[k] == OUT),
    )


@router.get("/shells", response_model=Page[ShellOut], summary="Shells")
def shells(desk: Here, limit: Limit = LIMIT, cursor: Cursor = None) -> Page[ShellOut]:
    """The shells that the satellites form, greatest first."""
    snapshot = desk.snapshot()
    found, _, _ = _known.of(snapshot.world.elements)
    columns = _sky(snapshot).columns
    part, more = page_of(range(len(found.shells)), cursor, limit)
    return Page(items=[_shell(found, columns, k) for k in part], next=more)


def _shell(found: Shells, columns: SatelliteColumns, k: int) -> ShellOut:
    shell, mine = found.shells[k], found.of == k
    return ShellOut(
        name=found.names[k],
        count=shell.satellites,
        altitude_km=round(shell.altitude_km, 2),
        inclination_deg=round(shell.inclination_deg, 3),
        lowest_km=round(shell.lowest_km, 2),
        highest_km=round(shell.highest_km, 2),
        serving=int(np.count_nonzero(columns.serving_cells[mine])),
        out=int(np.count_nonzero(columns.state[mine] == OUT)),
    )


@router.get("/gateways", response_model=Page[GatewayOut], summary="Gateways")
def gateways(desk: Here, limit: Limit = LIMIT, cursor: Cursor = None) -> Page[GatewayOut]:
    """Gateways by name: where they stand, antennas in use, the nearest point of presence."""
    snapshot = desk.snapshot()
    ground, columns = snapshot.world.ground, gateway_columns(snapshot)
    part, more = page_of(np.argsort(ground.gateways.name, kind="stable").tolist(), cursor, limit)
    items = []
    for k in part:
        near = int(np.argmin(ground.fibre_s[k]))
        fibre = number(1e3 * ground.fibre_s[k, near], 3)
        items.append(
            GatewayOut(
                name=ground.gateways.name[k],
                latitude_deg=float(ground.gateways.latitude_deg[k]),
                longitude_deg=float(ground.gateways.longitude_deg[k]),
                antennas=int(columns.antennas[k]),
                in_use=int(columns.in_use[k]),
                terminals=int(columns.terminals[k]),
                pop=None if fibre is None else ground.pops.name[near],
                fibre_ms=fibre,
                out=bool(columns.out[k]),
            )
        )
    return Page(items=items, next=more)


@router.get("/pops", response_model=Page[PopOut], summary="Points of presence")
def pops(desk: Here, limit: Limit = LIMIT, cursor: Cursor = None) -> Page[PopOut]:
    """Points of presence by name, with the terminals whose traffic they carry."""
    snapshot = desk.snapshot()
    sites, columns = snapshot.world.ground.pops, pop_columns(snapshot)
    part, more = page_of(np.argsort(sites.name, kind="stable").tolist(), cursor, limit)
    items = [
        PopOut(
            name=sites.name[k],
            latitude_deg=float(sites.latitude_deg[k]),
            longitude_deg=float(sites.longitude_deg[k]),
            terminals=int(columns.terminals[k]),
            out=bool(columns.out[k]),
        )
        for k in part
    ]
    return Page(items=items, next=more)


@router.get("/cells", response_model=Page[CellOut], summary="Cells with terminals")
def cells(
    desk: Here,
    bbox: Annotated[
        str, Query(max_length=100, description="west,south,east,north in degrees; west beyond east crosses ±180°.")
    ] = "",
    limit: Limit = LIMIT,
    cursor: Cursor = None,
) -> Page[CellOut]:
    """Cells by index: whether they are served, and how many terminals share the beam."""
    snapshot = desk.snapshot()
    columns = cell_columns(snapshot)
    if columns is None:
        return Page(items=[], next=None)
    latitude, longitude = cell_centres(columns.cell)
    found = np.arange(len(columns.cell))
    if bbox:
        west, south, east, north = _box(bbox)
        inside = (latitude >= south) & (latitude <= north)
        inside &= (
            (longitude >= west) & (longitude <= east) if west <= east else (longitude >= west) | (longitude <= east)
        )
        found = np.flatnonzero(inside)
    part, more = page_of(found.tolist(), cursor, limit)
    elements, ground = snapshot.world.elements, snapshot.world.ground
    items = []
    for k in part:
        reason, satellite, gateway = Reason(int(columns.reason[k])), int(columns.satellite[k]), int(columns.gateway[k])
        state = "served" if reason == Reason.SERVED else "refused" if reason == Reason.NO_GRANT else "no_path"
        items.append(
            CellOut(
                cell=f"{int(columns.cell[k]):x}",
                latitude_deg=round(float(latitude[k]), 5),
                longitude_deg=round(float(longitude[k]), 5),
                boundary=_boundary(int(columns.cell[k])),
                state=state,
                words=reason.words,
                terminals=int(columns.terminals[k]),
                served=int(columns.served[k]),
                refused=int(columns.refused[k]),
                load=int(columns.load[k]),
                rate_down_bps=number(columns.rate_down_bps[k], 0) or 0.0,
                satellite=elements.name[satellite] if satellite >= 0 else None,
                satellite_number=int(elements.catalog_number[satellite]) if satellite >= 0 else None,
                gateway=ground.gateways.name[gateway] if gateway >= 0 and satellite >= 0 else None,
            )
        )
    return Page(items=items, next=more)


@lru_cache(maxsize=50_000)
def _boundary(cell: int) -> list[tuple[float, float]]:
    latitude, longitude = cell_boundary(cell)
    corners = [(round(float(x), 5), round(float(y), 5)) for x, y in zip(longitude, latitude, strict=True)]
    return corners if corners[0] == corners[-1] else [*corners, corners[0]]


def _box(text: str) -> tuple[float, float, float, float]:
    mend = "west,south,east,north in degrees"
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        raise InputError(f"“{text}” is no box", where="bbox", mend=mend) from None
    if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south <= north <= 90):
        raise InputError(f"“{text}” is not on the map", where="bbox", mend=mend)
    return west, south, east, north
