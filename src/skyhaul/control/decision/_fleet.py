"""Many terminals as columns: what the decision needs of each apart from its place."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy

import numpy as np

from skyhaul.control.decision._compiled import Compiled
from skyhaul.control.decision._units import Standing, Units
from skyhaul.control.decision._verdict import address_of
from skyhaul.types import Floats, Ints, Ints32


class Fleet:
    """K terminals as the units of one compilation know them, for `decide_many`, which brings the columns up to its
    instant: for one thread at a time.

    terminal       their ids
    profile        (K,) terminals with one profile are alike to every rule apart from place, distance and speed
    address        (K, 3) latitude and longitude (deg) of the service address, and the distance (m) allowed from it
    begin, end     (K,) the interval (ns) in which the columns hold; `at` brings them up to another instant
    representative a standing of each profile
    """

    def __init__(self, compiled: Compiled, terminal: Sequence[str]) -> None:
        self.units: Units = compiled.units
        self.terminal = tuple(terminal)
        count = len(self.terminal)
        self.profile: Ints32 = np.zeros(count, dtype=np.int32)
        self.address: Floats = np.zeros((count, 3))
        self.begin: Ints = np.zeros(count, dtype=np.int64)
        self.end: Ints = np.zeros(count, dtype=np.int64)
        self.representative: list[Standing] = []
        self._profiles: dict[tuple[object, ...], int] = {}
        self._account = [""] * count

    def __len__(self) -> int:
        return len(self.terminal)

    def recompiled(self, compiled: Compiled) -> Fleet:
        """The same terminals under other facts; where these were compiled on from this fleet's, only what they touch is
        worked out again."""
        units = compiled.units
        if units is self.units:
            return self
        if units.touched.before is not self.units.token:
            return Fleet(compiled, self.terminal)
        fleet = self.take(np.arange(len(self)))
        fleet.units = units
        fleet.representative, fleet._profiles = list(self.representative), dict(self._profiles)
        touched = units.touched
        rows = [
            k
            for k, (terminal, account) in enumerate(zip(self.terminal, self._account, strict=True))
            if terminal in touched.terminals or account in touched.accounts
        ]
        fleet.begin[rows] = fleet.end[rows] = 0
        return fleet

    def take(self, rows: Ints) -> Fleet:
        """Some of the terminals, by row."""
        part = copy(self)
        part.terminal = tuple(self.terminal[k] for k in rows.tolist())
        part._account = [self._account[k] for k in rows.tolist()]
        part.profile, part.address = self.profile[rows], self.address[rows]
        part.begin, part.end = self.begin[rows], self.end[rows]
        return part

    def bring_to(self, time: int) -> None:
        """Work out the columns at an instant (ns), of those terminals for which they do not hold."""
        units = self.units
        for k in np.flatnonzero((time < self.begin) | (time >= self.end)).tolist():
            standing = units.work_out(self.terminal[k], time)
            key = profile_key(standing, units.ordered_parties)
            number = self._profiles.setdefault(key, len(self.representative))
            if number == len(self.representative):
                self.representative.append(standing)
            self.profile[k] = number
            self.address[k] = address_of(standing)
            self._account[k] = standing.terminal.account if standing.terminal is not None else ""
            self.begin[k], self.end[k] = standing.begin, standing.end


def profile_key(standing: Standing, ordered_parties: frozenset[str]) -> tuple[object, ...]:
    """Everything that any rule looks at in a standing, apart from the service address and its distance. Rules that come
    to look at more must find it here: `tests/control/test_bulk.py` compares both ways of deciding."""
    terminal, account = standing.terminal, standing.account
    plan = account.plan if account is not None else None
    return (
        None if terminal is None else (terminal.model, terminal.software),
        None if account is None else account.state,
        None
        if plan is None
        else (
            plan.kind,
            plan.home,
            plan.roams_to,
            plan.ocean,
            plan.aviation,
            plan.max_speed_m_s,
            plan.max_distance_m is None,
        ),
        standing.destroyed is None,
        tuple(party for party in standing.parties if party in ordered_parties),
        tuple(timed.order.id for timed in standing.orders),
        tuple((listed.listing.name, listed.matches, listed.within_quota) for listed in standing.listed),
    )
