"""Who is there: the terminals of a system in operation, as one unchanging list that is replaced when it changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import numpy as np
from pydantic import ValidationError

from skyhaul.errors import InputError, ScenarioError, SkyhaulError
from skyhaul.network import find_name
from skyhaul.scenario import TerminalTable, as_numpy
from skyhaul.types import Ints


@dataclass(frozen=True, slots=True)
class Roster:
    """K terminals, in the order of a plan's rows.

    tables   what each is, by the fields of a scenario's `[[terminals]]`; times of tracks are instants
    number   (K,) that stays with a name for ever, also when it is removed and comes back
    """

    tables: tuple[TerminalTable, ...]
    number: Ints
    row: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, tables: Iterable[TerminalTable], numbers: Mapping[str, int]) -> Roster:
        """A roster of terminals, each with the number that its name has."""
        listed = tuple(tables)
        return cls(
            listed,
            np.array([numbers[table.name] for table in listed], dtype=np.int64),
            {table.name: row for row, table in enumerate(listed)},
        )

    def __len__(self) -> int:
        return len(self.tables)

    def find(self, name: str) -> int:
        """The row of a terminal; NotFoundError lists near names."""
        found = self.row.get(name)
        return find_name(name, tuple(self.row), "terminal") if found is None else found

    def document(self, row: int) -> dict[str, Any]:
        """A terminal in JSON's types, as `terminal_of` takes it."""
        return self.tables[row].model_dump(mode="json", exclude_defaults=True)


def terminal_of(document: Mapping[str, Any], now: np.datetime64) -> TerminalTable:
    """A terminal from the fields of a scenario's `[[terminals]]`; times of its track after the start (`"+10m"`) are
    after `now`. Raises ScenarioError naming the field."""
    try:
        return anchored(TerminalTable.model_validate(dict(document)), now)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "terminal"
        what = first["msg"].removeprefix("Value error, ")
        raise ScenarioError(what, where=where, mend="see the terminals of a scenario") from None


def anchored(table: TerminalTable, start: np.datetime64) -> TerminalTable:
    """The same terminal with the instants of its track in place of times after a start."""
    if not table.track or all(isinstance(point.time, datetime) for point in table.track):
        return table
    track = [point._replace(time=_utc(as_numpy(point.time, start))) for point in table.track]
    return table.model_copy(update={"track": tuple(track)})


def moving_from(
    place: tuple[float, float], waypoints: Sequence[tuple[float, float]], speed_m_s: float, start: np.datetime64
) -> list[list[Any]]:
    """A track from a place over waypoints (latitude and longitude, deg) at a constant speed, as `terminal_of` takes it.

    Raises InputError for a speed that is not more than nothing, or for no way to go.
    """
    from skyhaul.earth import great_circle_m

    if not 0.0 < speed_m_s < 1e4:
        raise InputError(f"a speed of {speed_m_s:g} m/s", where="speed", mend="more than 0, less than 10 km/s")
    points, time = [place, *waypoints], start
    track: list[list[Any]] = [[_utc(start).isoformat(), *place]]
    for one, other in pairwise(points):
        length = float(great_circle_m(one[0], one[1], other[0], other[1]))
        if length > 0.0:
            time = time + np.timedelta64(max(1_000, round(length / speed_m_s * 1e9)), "ns")
            track.append([_utc(time).isoformat(timespec="microseconds"), *other])
    if len(track) < 2:
        raise InputError("a track of one place", where="track", mend="name where it goes")
    return track


def stands_at(table: TerminalTable, latitude_deg: float, longitude_deg: float, height_m: float | None) -> TerminalTable:
    """The same terminal at another place, and on no track. Raises ScenarioError."""
    document = table.model_dump(mode="json", exclude_defaults=True, exclude={"track"})
    document |= {"latitude_deg": latitude_deg, "longitude_deg": longitude_deg}
    if height_m is not None:
        document["height_m"] = height_m
    return terminal_of(document, np.datetime64(0, "ns"))


def names_once(names: Iterable[str], name: str) -> None:
    """Raise SkyhaulError where a name is there already."""
    if name in names:
        raise SkyhaulError(f"there is a terminal {name!r} already", where="name", mend="give another name, or move it")


def _utc(time: np.datetime64) -> datetime:
    return datetime.fromtimestamp(int(time.astype("datetime64[us]").astype(np.int64)) / 1e6, UTC)
