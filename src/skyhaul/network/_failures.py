"""What is out of service, and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from skyhaul.errors import InputError
from skyhaul.network._ground import Ground
from skyhaul.network._satellite_names import SatelliteNames
from skyhaul.orbits import Elements
from skyhaul.types import Bools, Ints, Times

_BETWEEN = " / "

FailureKind = Literal["satellite", "laser", "gateway", "pop"]


@dataclass(frozen=True, slots=True)
class Failure:
    """One thing out of service from `start` (UTC) until before `end`, or for good.

    target  a satellite's name or catalogue number, a gateway's or PoP's name; for a laser both satellites, as a pair
            or as one text, `one / other`
    """

    kind: FailureKind
    target: str | tuple[str, str]
    start: np.datetime64
    end: np.datetime64 | None = None


@dataclass(frozen=True, slots=True)
class Outages:
    """What is out at an instant or in an interval.

    satellite  (N,) bool
    gateway    (G,) bool
    pop        (P,) bool
    laser      (M, 2) satellites whose link is out, the lower number first
    """

    satellite: Bools
    gateway: Bools
    pop: Bools
    laser: Ints

    @classmethod
    def none(cls, satellites: int, gateways: int, pops: int) -> Outages:
        """Nothing is out."""
        return cls(
            satellite=np.zeros(satellites, dtype=np.bool_),
            gateway=np.zeros(gateways, dtype=np.bool_),
            pop=np.zeros(pops, dtype=np.bool_),
            laser=np.zeros((0, 2), dtype=np.int64),
        )


class Failures:
    """A list of failures, each looked up once by name.

    `NotFoundError` for a name or number that is not there, `InputError` for one that ends before it starts.
    """

    def __init__(self, failures: Sequence[Failure], elements: Elements, ground: Ground) -> None:
        self._sizes = len(elements), len(ground.gateways), len(ground.pops)
        self._kind = np.array([failure.kind for failure in failures], dtype=np.str_)
        self._target = np.zeros((len(failures), 2), dtype=np.int64)
        self._start: Times = np.array([failure.start for failure in failures], dtype="datetime64[ns]")
        forever = np.datetime64(np.iinfo(np.int64).max, "ns")
        ends = [forever if failure.end is None else failure.end for failure in failures]
        self._end: Times = np.array(ends, dtype="datetime64[ns]")
        names = SatelliteNames(elements)
        for i, failure in enumerate(failures):
            self._target[i] = _target(failure, names, ground)
            if not self._start[i] < self._end[i]:
                what = (
                    f"the failure of {failure.kind} “{_words(failure.target)}” ends at {failure.end}, before it starts"
                )
                raise InputError(what, mend="give an end after the start")

    def __len__(self) -> int:
        return len(self._kind)

    def at(self, time: np.datetime64) -> Outages:
        """What is out at an instant."""
        return self._outages((self._start <= time) & (time < self._end))

    def during(self, start: np.datetime64, end: np.datetime64) -> Outages:
        """What is out in any part of the time from `start` to before `end`."""
        return self._outages((self._start < end) & (start < self._end))

    def _outages(self, now: Bools) -> Outages:
        outages = Outages.none(*self._sizes)
        outages.satellite[self._target[now & (self._kind == "satellite"), 0]] = True
        outages.gateway[self._target[now & (self._kind == "gateway"), 0]] = True
        outages.pop[self._target[now & (self._kind == "pop"), 0]] = True
        laser = np.unique(np.sort(self._target[now & (self._kind == "laser")], axis=1), axis=0)
        return Outages(outages.satellite, outages.gateway, outages.pop, laser)


def _target(failure: Failure, names: SatelliteNames, ground: Ground) -> tuple[int, int]:
    if failure.kind == "laser":
        ends = failure.target.split(_BETWEEN) if isinstance(failure.target, str) else failure.target
        if len(ends) != 2:
            mend = f"name both ends: one{_BETWEEN}other"
            raise InputError(f"laser “{_words(failure.target)}” is not between two satellites", mend=mend)
        first, second = (names.find(end.strip()) for end in ends)
        if first == second:
            raise InputError(f"laser “{_words(failure.target)}” joins a satellite to itself", mend="name both ends")
        return first, second
    if not isinstance(failure.target, str):
        raise InputError(
            f"{failure.kind} “{_words(failure.target)}” is more than one", mend="give each its own failure"
        )
    if failure.kind == "gateway":
        return ground.gateway(failure.target), 0
    if failure.kind == "pop":
        return ground.pop(failure.target), 0
    return names.find(failure.target), 0


def _words(target: str | tuple[str, str]) -> str:
    return target if isinstance(target, str) else _BETWEEN.join(target)
