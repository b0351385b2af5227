"""Who was permitted, who was refused and why, from when until when, counted while a run goes on."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from skyhaul.control.decision import Code
from skyhaul.control.grants import ALERTS, CODES, REFUSALS, Ruling
from skyhaul.study._variables import AnyArray, Block

_MICROSECOND = np.timedelta64(1, "us")


@dataclass(frozen=True, slots=True)
class Span:
    """A time [start, end) in which one answer held for a terminal.

    ruling   as decided
    code     that the terminal shows
    rule     that refuses, or on probation refuses a part of the ellipse; empty where none does
    alert    58, 83 or 92 for what a country's authority has not permitted, else 0
    """

    start: np.datetime64
    end: np.datetime64
    ruling: Ruling
    code: Code
    rule: str
    alert: int

    @property
    def permitted(self) -> bool:
        """Whether the terminal may be served."""
        return self.ruling in (Ruling.PERMITTED, Ruling.PROBATION)

    @property
    def seconds(self) -> float:
        """How long it is."""
        return float((self.end - self.start) / np.timedelta64(1, "s"))

    @property
    def words(self) -> str:
        """The answer for people."""
        if self.ruling == Ruling.PERMITTED:
            return "served"
        if self.ruling == Ruling.PROBATION:
            return f"served on probation at a border: {self.rule} beyond it"
        undecided = ", undecided at a border" if self.ruling == Ruling.UNDECIDED else ""
        return f"{self.code.value} {self.code.name}: {self.rule}{f' ({self.alert})' if self.alert else ''}{undecided}"


class ServiceRecord:
    """Counts blocks as they come, in the order of time; a terminal takes memory only where its answer changes."""

    def __init__(self, names: Sequence[str], start: np.datetime64, end: np.datetime64) -> None:
        self.names = tuple(names)
        self._start, self._end = start, end
        self._state: AnyArray = np.full(len(self.names), -1, dtype=np.int64)
        self._begun: list[list[tuple[np.datetime64, int]]] = [[] for _ in self.names]

    def add(self, block: Block) -> None:
        """Count one slot."""
        slots = block.slots
        rule, ruling = slots["refusal_rule"].astype(np.int64), slots["ruling"].astype(np.int64)
        # On a lease that ends inside the slot the rule that ends it counts from there on.
        ends = (slots["disablement_code"] == Code.OKAY) & (slots["lease_end"] < 15.0)
        own = np.where((ruling == Ruling.PERMITTED) | (ends & (ruling != Ruling.PROBATION)), -1, rule)
        self._enter(block.slot, _state(ruling, own), np.ones(len(self.names), dtype=np.bool_))
        for after in np.unique(slots["lease_end"][ends]):
            now = ends & (slots["lease_end"] == after)
            time = block.slot + np.round(after * 1e6) * _MICROSECOND
            self._enter(time, _state(np.full_like(ruling, Ruling.REFUSED), rule), now)

    def spans(self) -> list[list[Span]]:
        """Each terminal's answers, first to last, without a gap from the run's start to its end."""
        return [self._spans(begun) for begun in self._begun]

    def _enter(self, time: np.datetime64, state: AnyArray, rows: AnyArray) -> None:
        for k in np.flatnonzero(rows & (state != self._state)).tolist():
            self._begun[k].append((time, int(state[k])))
        self._state = np.where(rows, state, self._state)

    def _spans(self, begun: list[tuple[np.datetime64, int]]) -> list[Span]:
        found = []
        for number, (begins, state) in enumerate(begun):
            start = max(begins, self._start)
            end = min(begun[number + 1][0] if number + 1 < len(begun) else self._end, self._end)
            if start < end:
                ruling, rule = Ruling(state // _RULES), state % _RULES - 1
                code = Code.OKAY if ruling in (Ruling.PERMITTED, Ruling.PROBATION) else Code(int(CODES[rule]))
                found.append(Span(start, end, ruling, code, REFUSALS[rule] if rule >= 0 else "", int(ALERTS[rule])))
        return found


def refusals(spans: Sequence[Sequence[Span]]) -> list[tuple[str, int, float]]:
    """What refused service: the answer in words, how many terminals it met, and for how many hours together; most
    hours first."""
    hours: defaultdict[str, float] = defaultdict(float)
    met: Counter[str] = Counter()
    for own in spans:
        refused = [span for span in own if not span.permitted]
        for span in refused:
            hours[span.words] += span.seconds / 3600.0
        met.update({span.words for span in refused})
    return sorted(((words, met[words], hours[words]) for words in met), key=lambda row: (-row[2], row[0]))


_RULES = len(REFUSALS) + 1


def _state(ruling: AnyArray, rule: AnyArray) -> AnyArray:
    return np.asarray(ruling * _RULES + rule + 1)
