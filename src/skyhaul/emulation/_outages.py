"""When a link is out: by the clock, or at random."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from typing import Protocol

from skyhaul.emulation._quantities import duration_ns
from skyhaul.errors import InputError


class Outages(Protocol):
    """A schedule of outages, from the start of a run."""

    def between(self, start_ns: int, stop_ns: int) -> list[tuple[int, int]]:
        """The outages that touch the time from `start_ns` to `stop_ns`, as (start, end), in order."""


@dataclass(frozen=True, slots=True)
class TimedOutages:
    """An outage of `length_ns` at `first_ns`, and again every `every_ns` (0: once)."""

    first_ns: int
    length_ns: int
    every_ns: int = 0

    @classmethod
    def parse(cls, text: str, where: str = "") -> TimedOutages:
        """From `12s+400ms` (once) or `12s+400ms/15s` (every 15 s)."""
        match = re.fullmatch(r"([^+/]+)\+([^+/]+)(?:/([^+/]+))?", text.strip())
        if match is None:
            raise InputError(f"'{text}' is no outage", where=where, mend="write START+LENGTH or START+LENGTH/EVERY")
        first, length = duration_ns(match[1], where), duration_ns(match[2], where)
        every = duration_ns(match[3], where) if match[3] else 0
        if length <= 0 or (every and every <= length):
            raise InputError(
                f"'{text}' leaves no time between outages, or none in them",
                where=where,
                mend="LENGTH above 0 and below EVERY",
            )
        return cls(first, length, every)

    def between(self, start_ns: int, stop_ns: int) -> list[tuple[int, int]]:
        if not self.every_ns:
            number = range(1)
        else:
            low = max(0, (start_ns - self.first_ns - self.length_ns) // self.every_ns)
            number = range(low, max(low, (stop_ns - self.first_ns) // self.every_ns + 1))
        spans = [
            (self.first_ns + n * self.every_ns, self.first_ns + n * self.every_ns + self.length_ns) for n in number
        ]
        return [span for span in spans if span[1] > start_ns and span[0] < stop_ns]


@dataclass(slots=True)
class RandomOutages:
    """On and off in turn for exponentially distributed times of the given means, beginning on (as mm-onoff does)."""

    mean_on_ns: int
    mean_off_ns: int
    seed: int = 0
    _spans: list[tuple[int, int]] = field(default_factory=list)
    _random: random.Random = field(init=False)

    def __post_init__(self) -> None:
        if self.mean_on_ns <= 0 or self.mean_off_ns <= 0:
            raise InputError("times on and off are above 0")
        self._random = random.Random(self.seed)

    def between(self, start_ns: int, stop_ns: int) -> list[tuple[int, int]]:
        while not self._spans or self._spans[-1][1] < stop_ns:
            begin = self._spans[-1][1] if self._spans else 0
            begin += max(1, round(self._random.expovariate(1 / self.mean_on_ns)))
            self._spans.append((begin, begin + max(1, round(self._random.expovariate(1 / self.mean_off_ns)))))
        return [span for span in self._spans if span[1] > start_ns and span[0] < stop_ns]
