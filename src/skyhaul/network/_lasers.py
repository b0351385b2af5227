"""Laser links between satellites."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from skyhaul.earth import SEMI_MAJOR_AXIS_M
from skyhaul.errors import ElementsError
from skyhaul.network._failures import Outages
from skyhaul.network._planes import MeanOrbits, find_planes
from skyhaul.orbits import Elements
from skyhaul.types import Bools, Floats, Ints, Ints32

# Longest laser link that the operator has shown: SpaceX, talk at SPIE Photonics West, 2024-01 (recalled).
LASER_RANGE_M = 5_400_000.0

# Links stay above the mesosphere, where water vapour ends: Kassing et al., "Exploring the 'Internet from space' with
# Hypatia", IMC 2020, whose satellite networks are built with this height.
LASER_CLEARANCE_M = 80_000.0

# Terminals that +Grid takes: two in the plane and one to either side. Starlink's satellites carry three (talk above).
LINKS_PER_SATELLITE = 4

# A shell has a terminal free for other shells on one satellite in this many, or lends links between planes.
_SATELLITES_PER_BRIDGE = 25

# Nodes of a star constellation spread over half a turn: its first and last plane, which fly against each other, are
# farther apart than this many times the others.
_SEAM = 1.5


@dataclass(frozen=True, slots=True)
class Links:
    """L undirected links.

    first, second  (L,) int32 satellites; `first` is the lower number, pairs rise and none comes twice
    """

    first: Ints32
    second: Ints32

    @classmethod
    def of(cls, pairs: npt.ArrayLike | Iterable[tuple[int, int]]) -> Links:
        """Links from pairs of satellites in any order, doubles left out; `ValueError` for a satellite with itself."""
        ends = np.asarray(pairs if isinstance(pairs, np.ndarray) else list(pairs), dtype=np.int64)  # type: ignore[arg-type]
        ends = np.sort(ends.reshape(-1, 2), axis=1)
        if len(ends) and (ends[:, 0].min() < 0 or (ends[:, 0] == ends[:, 1]).any()):
            raise ValueError("a link joins two satellites, numbered from 0")
        key = np.unique(ends[:, 0] << 32 | ends[:, 1])
        return cls((key >> 32).astype(np.int32), (key & 0xFFFFFFFF).astype(np.int32))

    def __len__(self) -> int:
        return len(self.first)

    def select(self, which: Bools) -> Links:
        """The links of a mask (L,)."""
        return Links(self.first[which], self.second[which])


def grid_links(elements: Elements) -> Links:
    """+Grid: the next satellite in the plane, and the same place in the next plane, for each Walker shell.

    The last plane of a delta constellation joins the first, where places are turned so that the satellites nearest
    along the orbit link; a star constellation has no links across its seam. `ElementsError` for satellites that no
    generator has numbered: `found_links` is for those.
    """
    unknown = np.flatnonzero((elements.shell < 0) | (elements.plane < 0) | (elements.index_in_plane < 0))
    if len(unknown):
        raise ElementsError(
            f"satellite “{elements.name[unknown[0]]}” has no place in a plane",
            mend="use found links for these elements",
        )
    pairs = [_shell_grid(elements, np.flatnonzero(elements.shell == shell)) for shell in np.unique(elements.shell)]
    return Links.of(np.concatenate([np.zeros((0, 2), dtype=np.int64), *pairs]))


def _shell_grid(elements: Elements, members: Ints) -> Ints:
    plane, place = elements.plane[members], elements.index_in_plane[members]
    planes, places = int(plane.max()) + 1, int(place.max()) + 1
    at = np.full((planes, places), -1, dtype=np.int64)
    at[plane, place] = members
    pairs = [_pairs(at, np.roll(at, -1, axis=1))] if places > 1 else []

    raan = np.full(planes, np.nan)
    raan[plane] = elements.raan_deg[members]
    # Where each plane's place 0 is along the orbit, told from whichever of its satellites there are.
    along = elements.argument_of_perigee_deg[members] + elements.mean_anomaly_deg[members]
    start = np.full(planes, np.nan)
    start[plane] = along - place * (360.0 / places)
    pairs.append(_pairs(at[:-1], at[1:]))
    steps = np.diff(raan, append=raan[:1]) % 360.0
    if planes > 2 and steps[-1] <= _SEAM * np.nanmedian(steps[:-1]):
        pairs.append(_pairs(at[-1:], np.roll(at[:1], -_places_ahead(start[0] - start[-1], places), axis=1)))
    return np.concatenate(pairs)


def _places_ahead(lag_deg: float, places: int) -> int:
    """By how many places to turn the first plane against the last; of two equally near, the one at the same place."""
    lag = ((lag_deg + 180.0) % 360.0 - 180.0) * places / 360.0
    return -int(np.sign(lag) * np.ceil(abs(lag) - 0.5 - 1e-6))


def _pairs(first: Ints, second: Ints) -> Ints:
    ends = np.stack([first.ravel(), second.ravel()], axis=1)
    return ends[(ends >= 0).all(axis=1)]


def found_links(
    elements: Elements,
    time: np.datetime64,
    *,
    links_per_satellite: int = LINKS_PER_SATELLITE,
    max_range_m: float = LASER_RANGE_M,
    clearance_m: float = LASER_CLEARANCE_M,
) -> Links:
    """Laser links between real satellites, from where their orbits lie at `time` (UTC).

    Shells and planes are found by clustering. Each satellite links to the next ahead and behind in its plane and to
    one in the planes to its east and west, if they stay within `max_range_m` and in sight `clearance_m` above the
    ground all the way round. Terminals that gaps leave free, or that a shell without gaps lends, go to companions in
    other shells. With three terminals every other satellite looks east and the rest west; with two there are planes
    only.

    Satellites off station (raising, decaying) get no links. Links hold for as long as orbits keep step: on real sets
    all are usable for an hour and 99 % after three, then shells slide apart; find them again by then.
    The same elements and time give the same links.
    """
    from skyhaul.network._laser_kernels import link_across, link_bridges, link_rings

    if links_per_satellite < 2:
        raise ValueError(f"{links_per_satellite} links per satellite: at least 2")
    orbits = MeanOrbits.at(elements, time)
    planes = find_planes(orbits)
    frame = (np.ascontiguousarray(orbits.position_m), np.ascontiguousarray(orbits.quarter_m), orbits.radius_m)
    limits = (float(max_range_m), SEMI_MAJOR_AXIS_M + clearance_m)

    rings = link_rings(planes.offset, planes.member, *frame, *limits)
    across = np.zeros((0, 2), dtype=np.int64)
    if links_per_satellite > 2:
        east, west = _sides(planes.offset, planes.member, len(elements), both=links_per_satellite > 3)
        turn = np.cos(orbits.inclination)
        places = (planes.offset, planes.member, planes.shell, planes.raan_deg, orbits.latitude_deg, turn)
        across = link_across(*places, east, west, *frame, *limits)

    shell = np.full(len(elements), -1, dtype=np.int64)
    shell[planes.member] = np.repeat(planes.shell, np.diff(planes.offset))
    spare = np.full(len(elements), links_per_satellite, dtype=np.int64)
    spare -= np.bincount(np.concatenate([rings, across]).ravel(), minlength=len(elements))
    lent = _lent(across, spare, shell)
    np.add.at(spare, across[lent].ravel(), 1)
    free = np.flatnonzero((shell >= 0) & (spare > 0))
    bridges = link_bridges(free, spare, shell, *frame, *limits)
    for link in np.flatnonzero(lent):
        if spare[across[link]].min() > 0:
            lent[link] = False
            spare[across[link]] -= 1
    return Links.of(np.concatenate([rings, across[~lent], bridges]))


def _lent(across: Ints, spare: Ints, shell: Ints) -> Bools:
    """Links between planes, spread evenly, whose terminals a shell lends to bridges: where too few are free anyway."""
    lent = np.zeros(len(across), dtype=np.bool_)
    shells = np.unique(shell[shell >= 0])
    for number in shells if len(shells) > 1 else ():
        inside = shell == number
        wanted = inside.sum() / _SATELLITES_PER_BRIDGE - spare[inside].sum()
        mine = np.flatnonzero(shell[across[:, 0]] == number)
        if wanted > 0 and len(mine):
            lent[mine[:: max(1, int(2 * len(mine) // wanted))]] = True
    return lent


def _sides(offset: Ints, member: Ints, satellites: int, *, both: bool) -> tuple[Bools, Bools]:
    """Who looks east and who west: all do both, or those at even and at odd places of their planes."""
    east, west = np.zeros(satellites, dtype=np.bool_), np.zeros(satellites, dtype=np.bool_)
    place = np.arange(len(member)) - np.repeat(offset[:-1], np.diff(offset))
    east[member] = both | (place % 2 == 0)
    west[member] = both | (place % 2 == 1)
    return east, west


def usable_links(
    links: Links,
    position_m: Floats,
    max_range_m: float = LASER_RANGE_M,
    clearance_m: float = LASER_CLEARANCE_M,
    outages: Outages | None = None,
) -> tuple[Links, Floats]:
    """The links that work at an instant, and their lengths (L,) in metres.

    position_m   (3, N) Earth-fixed; a satellite without a position (not a number) has no links
    clearance_m  how far above the equatorial radius the line between two satellites has to stay
    outages      satellites and lasers that are out
    """
    from skyhaul.network._link_kernels import link_lengths

    if outages is not None and len(outages.laser):
        gone = Links.of(outages.laser)
        links = links.select(~np.isin(_keys(links), _keys(gone)))
    out = np.zeros(position_m.shape[1], dtype=np.bool_) if outages is None else outages.satellite
    position = np.ascontiguousarray(position_m, dtype=np.float64)
    lowest_m = SEMI_MAJOR_AXIS_M + clearance_m
    usable, length_m = link_lengths(links.first, links.second, position, float(max_range_m), lowest_m, out)
    return links.select(usable), length_m[usable]


def _keys(links: Links) -> Ints:
    keys: Ints = links.first.astype(np.int64) << 32 | links.second
    return keys
