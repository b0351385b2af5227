"""Where terminals are in each slot, and how surely: those that stand, and those that follow a track."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from skyhaul.control.decision import Positions
from skyhaul.earth import MEAN_RADIUS_M, Sites, cells_of, great_circle_m
from skyhaul.network import Ground, Terminals
from skyhaul.scenario import TerminalTable, as_numpy
from skyhaul.types import CellIds, Floats, Ints, Times

# Distances on the mean sphere are up to 0.6 % shorter than on the ellipsoid, on which ellipses are drawn.
_ON_ELLIPSOID = 1.006

# A point of the way farther than this off the line between its ends makes the ellipse of a slot a circle.
_STRAIGHT_M = 10.0


@dataclass(frozen=True, slots=True)
class Track:
    """The way of one terminal: great circles between waypoints, each at its own constant speed; before the first and
    after the last it stands there.

    time          (W,) datetime64[ns], rising
    place         (W, 3) unit vectors from the centre of a sphere
    height_m      (W,)
    """

    time: Times
    place: Floats
    height_m: Floats

    @classmethod
    def of(cls, table: TerminalTable, run_start: np.datetime64) -> Track:
        """The track of a terminal in a run that starts at an instant."""
        latitude = np.radians([point.latitude_deg for point in table.track])
        longitude = np.radians([point.longitude_deg for point in table.track])
        heights = [table.height_m if point.height_m is None else point.height_m for point in table.track]
        across = np.cos(latitude)
        return cls(
            np.array([as_numpy(point.time, run_start) for point in table.track], dtype="datetime64[ns]"),
            np.stack([across * np.cos(longitude), across * np.sin(longitude), np.sin(latitude)], axis=1),
            np.array(heights, dtype=np.float64),
        )

    def top_speed_m_s(self, start: np.datetime64, end: np.datetime64) -> float:
        """The highest speed over the ground between two instants."""
        first = max(0, int(np.searchsorted(self.time, start, side="right")) - 1)
        last = int(np.searchsorted(self.time, end, side="left")) + 1
        place, time = self.place[first:last], self.time[first:last]
        length = _angle(place[:-1], place[1:]) * MEAN_RADIUS_M
        return float((length / (np.diff(time) / np.timedelta64(1, "s"))).max(initial=0.0))

    def at(self, times: Times) -> tuple[Floats, Floats, Floats]:
        """Latitude, longitude (deg, within ±180) and height (m), each (T,), at instants."""
        leg = np.clip(np.searchsorted(self.time, times, side="right") - 1, 0, max(0, len(self.time) - 2))
        after = np.minimum(leg + 1, len(self.time) - 1)
        whole = np.maximum((self.time[after] - self.time[leg]) / np.timedelta64(1, "s"), 1e-9)
        share = np.clip(((times - self.time[leg]) / np.timedelta64(1, "s")) / whole, 0.0, 1.0)
        angle = np.maximum(_angle(self.place[leg], self.place[after]), 1e-12)
        before, beyond = np.sin((1.0 - share) * angle), np.sin(share * angle)
        place = before[:, None] * self.place[leg] + beyond[:, None] * self.place[after]
        latitude = np.degrees(np.arctan2(place[:, 2], np.hypot(place[:, 0], place[:, 1])))
        longitude = np.degrees(np.arctan2(place[:, 1], place[:, 0]))
        height = self.height_m[leg] + share * (self.height_m[after] - self.height_m[leg])
        return latitude, longitude, height


@dataclass(frozen=True, slots=True)
class Places:
    """Where K terminals are in a slot: one place each, in the middle of it, and what they cover during it.

    terminals    there, with the cell and PoP that follow
    positions    with ellipses that cover the way during the slot and how surely it is known, measured at its start
    speed_m_s    (K,) the highest during the slot; 0 for one that stands
    """

    terminals: Terminals
    positions: Positions
    speed_m_s: Floats

    @property
    def cell(self) -> CellIds:
        """(K,) H3 resolution-5 cells."""
        return self.terminals.cell


class Motion:
    """Gives the places of a set of terminals, slot after slot.

    tracks          of those that move, by row
    uncertainty_m   half axis of the 95 % ellipse of any of them at an instant
    """

    def __init__(
        self, terminals: Terminals, ground: Ground, tracks: dict[int, Track], uncertainty_m: float = 0.0
    ) -> None:
        self.terminals = terminals
        self._ground = ground
        self._tracks = tracks
        self._uncertainty_m = uncertainty_m
        sites = terminals.sites
        self._still = Positions.at(
            sites.latitude_deg, (sites.longitude_deg + 180.0) % 360.0 - 180.0, semi_major_m=uncertainty_m
        )
        self._speed = np.zeros(len(terminals))

    @property
    def moves(self) -> bool:
        """Whether anything moves at all."""
        return bool(self._tracks)

    def during(self, start: np.datetime64, end: np.datetime64) -> Places:
        """The places in the slot from `start` to `end`."""
        measured = np.full(len(self.terminals), start.astype("datetime64[ns]"))
        if not self._tracks:
            return Places(self.terminals, replace(self._still, measured_at=measured), self._speed)
        rows = np.fromiter(self._tracks, dtype=np.int64)
        ways = [_way(track, start, end, self._uncertainty_m) for track in self._tracks.values()]
        latitude, longitude, height, major, minor, azimuth, speed = np.array(ways).T
        terminals = self._moved(rows, latitude, longitude, height)
        positions = replace(
            self._still,
            latitude_deg=_put(self._still.latitude_deg, rows, latitude),
            longitude_deg=_put(self._still.longitude_deg, rows, longitude),
            semi_major_m=_put(self._still.semi_major_m, rows, major),
            semi_minor_m=_put(self._still.semi_minor_m, rows, minor),
            azimuth_deg=_put(self._still.azimuth_deg, rows, azimuth),
            measured_at=measured,
        )
        return Places(terminals, positions, _put(self._speed, rows, speed))

    def _moved(self, rows: Ints, latitude: Floats, longitude: Floats, height: Floats) -> Terminals:
        own = self.terminals
        there = Sites.at(latitude, longitude, height, [own.sites.name[k] for k in rows.tolist()])
        sites = Sites(
            own.sites.name,
            *(
                _put(getattr(own.sites, column), rows, getattr(there, column))
                for column in ("latitude_deg", "longitude_deg", "height_m", "position_m", "east", "north", "up")
            ),
        )
        cell, pop = own.cell.copy(), own.pop.copy()
        cell[rows] = cells_of(latitude, longitude)
        free = ~own.pinned[rows]
        pop[rows[free]] = self._ground.nearest_pop(there)[free]
        return replace(own, sites=sites, cell=cell, pop=pop)


def tracks_of(tables: Sequence[TerminalTable], run_start: np.datetime64) -> dict[int, Track]:
    """The tracks of a scenario's terminals, by row."""
    return {k: Track.of(table, run_start) for k, table in enumerate(tables) if table.track}


def _way(track: Track, start: np.datetime64, end: np.datetime64, uncertainty_m: float) -> tuple[float, ...]:
    """Of a track in a slot: latitude, longitude and height in its middle; half axes and azimuth of an ellipse around
    that place; the highest speed."""
    turns = track.time[(track.time > start) & (track.time < end)]
    middle = start + (end - start) // 2
    latitude, longitude, height = track.at(np.array([middle, start, end, *turns], dtype="datetime64[ns]"))
    reach = great_circle_m(latitude[0], longitude[0], latitude[1:], longitude[1:]) * _ON_ELLIPSOID
    far = int(np.argmax(reach)) + 1
    major = float(reach[far - 1])
    if major == 0.0:
        return latitude[0], longitude[0], height[0], uncertainty_m, uncertainty_m, 0.0, 0.0
    azimuth = _azimuth(latitude[0], longitude[0], latitude[1:], longitude[1:])
    along = azimuth[far - 1]
    aside = float(np.abs(reach * np.sin(azimuth - along)).max())
    # The least ellipse along the way that holds a disc of radius u around each of its points, up to `major` from the
    # middle: with half axes major + u and √(u (major + u)) its width beats theirs in every direction t to the way, as
    # (major cos t + u)² ≤ (major + u)² cos² t + u (major + u) sin² t.
    if aside > _STRAIGHT_M:
        longest = shortest = major + uncertainty_m
    else:
        u = uncertainty_m + aside
        longest, shortest = major + u, float(np.sqrt(u * (major + u)))
    return (
        float(latitude[0]),
        float(longitude[0]),
        float(height[0]),
        longest,
        shortest,
        float(np.degrees(along)) % 180.0,
        track.top_speed_m_s(start, end),
    )


def _azimuth(latitude: float, longitude: float, latitudes: Floats, longitudes: Floats) -> Floats:
    """Initial azimuth (rad) of the great circles from a place to others."""
    here, there, turn = np.radians(latitude), np.radians(latitudes), np.radians(longitudes - longitude)
    east = np.sin(turn) * np.cos(there)
    north = np.cos(here) * np.sin(there) - np.sin(here) * np.cos(there) * np.cos(turn)
    return np.asarray(np.arctan2(east, north))


def _angle(one: Floats, other: Floats) -> Floats:
    """Angle (rad) between rows of unit vectors, exact for small ones too."""
    chord = np.linalg.norm(one - other, axis=-1)
    return np.asarray(2.0 * np.arcsin(np.minimum(chord / 2.0, 1.0)))


def _put(column: Floats, rows: Ints, values: Floats) -> Floats:
    changed = column.copy()
    changed[rows] = values
    return changed
