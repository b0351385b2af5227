"""Who may see where a terminal is; all others see the middle of its cell."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import lru_cache

import numpy as np
import shapely

from skyhaul.control.facts import Area, Disclosure, Layer, Role, Statement
from skyhaul.control.registry import Actor, held
from skyhaul.earth import Sites, cell_centres
from skyhaul.errors import InputError
from skyhaul.network import slot_start
from skyhaul.operation import SLOT_NS, Candidate, Snapshot, TerminalView
from skyhaul.radio import look_angles
from skyhaul.server._desk import Desk
from skyhaul.server._people import Caller, actor_of
from skyhaul.server._problems import RefusedError


def may_see(desk: Desk, caller: Caller, terminal: TerminalView) -> bool:
    """Whether the caller sees a terminal's exact place without being asked why: its operator, and its holder."""
    if caller.operates:
        return True
    if not caller.person or desk.operation.registry is None:
        return False
    return caller.person == _holder(desk, terminal)


def _holder(desk: Desk, terminal: TerminalView) -> str:
    from skyhaul.control.facts import Terminal

    known = desk.registry.known()
    unit = known.at(Terminal, terminal.unit, known.now_ns)
    return unit.holder if unit is not None else ""


def disclose(desk: Desk, caller: Caller, terminal: TerminalView, reason: str) -> None:
    """Put on record that the caller is shown a terminal's exact place, and why, before it is shown.

    Its operator and its holder are shown it as it is. An authority is in its own territories, for a reason: that goes
    on record in its name. Raises RefusedError for anybody else, InputError without a reason.
    """
    if may_see(desk, caller, terminal):
        return
    caller.require(Role.OPERATOR, Role.AUTHORITY)
    if not reason.strip():
        raise InputError("an exact place without a reason", where="reason", mend="say why; it goes on record")
    registry = desk.registry
    at = registry.now()
    point = shapely.Point(terminal.longitude_deg, terminal.latitude_deg)
    areas = held(registry.facts, Area, at, desk.known_at())
    mine = [
        area
        for area in areas
        if area.layer is Layer.LICENCE
        and any(
            a.role is Role.AUTHORITY and area.holder == a.body and (not a.territories or area.name in a.territories)
            for a in caller.appointments
        )
    ]
    if not any(area.shape.covers(point) for area in mine):
        raise RefusedError(
            403,
            f"{terminal.name} is in no territory of {' or '.join(caller.bodies)}",
            mend="an authority asks for exact places in its own territories",
        )
    said = Statement(
        id=f"disclosure-{os.urandom(8).hex()}",
        valid_from=at,
        recorded_at=at,
        source=f"asked of the server by {caller.person}",
        author=caller.person,
        speaker=caller.person,
        says=f"was shown the exact place of {terminal.unit}: {reason.strip()}",
        about=(terminal.unit,),
    )
    registry.record([said], actor_of(caller, desk.keys))


def coarse(terminal: TerminalView) -> TerminalView:
    """A terminal as those see it who may not see where it is: in the middle of its cell."""
    latitude, longitude = _centre(terminal.cell)
    return replace(
        terminal,
        latitude_deg=latitude,
        longitude_deg=longitude,
        height_m=0.0,
        azimuth_deg=_rounded(terminal.azimuth_deg),
        elevation_deg=_rounded(terminal.elevation_deg),
    )


def _rounded(angle: float) -> float:
    return float(np.round(angle))


@lru_cache(maxsize=100_000)
def _centre(cell: int) -> tuple[float, float]:
    latitude, longitude = cell_centres(np.array([cell], dtype=np.uint64))
    return round(float(latitude[0]), 5), round(float(longitude[0]), 5)


def from_cell(snapshot: Snapshot, cell: int, slot: int, listed: list[Candidate]) -> list[Candidate]:
    """Candidates as seen from the middle of a cell: angles to many satellites would tell where a terminal is."""
    if not listed:
        return listed
    latitude, longitude = _centre(cell)
    here = Sites.at([latitude], [longitude], [0.0], ["cell"])
    world = snapshot.world
    which = np.array([candidate.satellite for candidate in listed], dtype=np.int64)
    points = len(listed[0].track)
    begin = slot_start(slot)
    times = begin + np.arange(points) * np.timedelta64(SLOT_NS // (points - 1), "ns")
    middle = begin + np.timedelta64(SLOT_NS // 2, "ns")
    sky = world.constellation.at(np.append(times, middle), satellites=which, velocity=False).position_m
    looks = [look_angles(here, at) for at in sky]
    found = []
    for k, candidate in enumerate(listed):
        found.append(
            replace(
                candidate,
                azimuth_deg=float(looks[-1].azimuth_deg[0, k]),
                elevation_deg=float(looks[-1].elevation_deg[0, k]),
                slant_range_m=float(looks[-1].slant_range_m[0, k]),
                track=tuple((float(look.azimuth_deg[0, k]), float(look.elevation_deg[0, k])) for look in looks[:-1]),
            )
        )
    return found


def account_disclosed(desk: Desk, actor: Actor, accounts: tuple[str, ...], reason: str) -> None:
    """Put on record that service addresses are shown to the operator. Raises InputError without a reason."""
    if not reason.strip():
        raise InputError("exact addresses without a reason", where="reason", mend="say why; it goes on record")
    at = desk.registry.now()
    said = Disclosure(
        id=f"disclosure-{os.urandom(8).hex()}",
        valid_from=at,
        recorded_at=at,
        source=f"asked of the server by {actor.person}",
        author=actor.person,
        accounts=accounts,
        shown_to=actor.person,
        reason=reason.strip(),
    )
    desk.registry.record([said], actor)
