"""The custody of all units as columns, and the two questions put to it: the way of one unit, and whom units reached."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter
from typing import Any

import numpy as np

from skyhaul.control.custody import _kernels as kernels
from skyhaul.control.custody._trace import Passage, Trace, gap_words
from skyhaul.control.facts import CustodyEvent, Step
from skyhaul.errors import ControlError, NotFoundError
from skyhaul.types import Bools, Bytes, Ints, Ints32

STEPS: tuple[Step, ...] = tuple(Step)


@dataclass(frozen=True, slots=True)
class Reach:
    """Which units were ever with some parties, directly or through others, as far as the record goes.

    parties   whom the question is about
    reached   units with an event that has them with one of the parties, and when first
    sent      units sent to one of them of which no receipt is recorded, nor any reaching
    unknown   other units with a time that nobody accounts for: the record cannot say that they were not with them
    clear     how many units are accounted for at all times and were never with them
    """

    parties: tuple[str, ...]
    reached: dict[str, np.datetime64]
    sent: dict[str, np.datetime64]
    unknown: dict[str, np.datetime64]
    clear: int


class CustodyRecord:
    """E custody events of I items and P parties, by item and within an item in order of time.

    items, parties   their names
    events           ids of the events
    offset           (I + 1,) events of item i are offset[i] to offset[i + 1]
    time             (E,) ns
    step             (E,) index into STEPS
    giver, receiver  (E,) parties, -1: not known
    lot              (E,) for splits the item that the part is taken from, else -1

    Events of one item at one time come in the order of STEPS, then of their ids, whatever order they are given in.
    """

    def __init__(
        self,
        items: Sequence[str],
        parties: Sequence[str],
        item: Ints32,
        time: Ints,
        step: Bytes,
        giver: Ints32,
        receiver: Ints32,
        lot: Ints32,
        events: Sequence[str] | None = None,
    ) -> None:
        self.items, self.parties = tuple(items), tuple(parties)
        for name, column, low, high in (
            ("item", item, 0, len(items)),
            ("lot", lot, -1, len(items)),
            ("step", step, 0, len(STEPS)),
            ("giver", giver, -1, len(parties)),
            ("receiver", receiver, -1, len(parties)),
        ):
            _check_column(name, column, low, high, len(time))
        names = events if events is not None else range(len(item))
        order = _ordered(item, time, step, names)
        self.offset: Ints = np.searchsorted(item[order], np.arange(len(self.items) + 1))
        self.time, self.step = time[order], step[order]
        self.giver, self.receiver, self.lot = giver[order], receiver[order], lot[order]
        self._names, self._order = names, order
        self._item_index = {name: i for i, name in enumerate(self.items)}
        self._party_index = {name: p for p, name in enumerate(self.parties)}

    @classmethod
    def of(cls, events: Iterable[CustodyEvent]) -> CustodyRecord:
        """The record of custody facts, in any order."""
        given = list(events)
        item, giver, receiver, lot, step, time = (
            list(map(attrgetter(name), given)) for name in ("item", "giver", "receiver", "lot", "step", "valid_from")
        )
        # Names are numbered in their own order: nothing depends on the order of events.
        items, parties = sorted({*item, *lot} - {""}), sorted({*giver, *receiver} - {""})
        of_item = {"": -1} | {name: number for number, name in enumerate(items)}
        of_party = {"": -1} | {name: number for number, name in enumerate(parties)}
        of_step = {step: number for number, step in enumerate(STEPS)}

        def column(numbers: Mapping[Any, int], values: Sequence[Any], kind: type[np.generic] = np.int32) -> Any:
            return np.fromiter(map(numbers.__getitem__, values), dtype=kind, count=len(values))

        return cls(
            items,
            parties,
            column(of_item, item),
            np.array(time, dtype="datetime64[ns]").astype(np.int64),
            column(of_step, step, np.int8),
            column(of_party, giver),
            column(of_party, receiver),
            column(of_item, lot),
            [event.id for event in given],
        )

    def __len__(self) -> int:
        return len(self.time)

    @cached_property
    def is_lot(self) -> Bools:
        """(I,) items that others were split from."""
        lots = np.zeros(len(self.items), dtype=np.bool_)
        lots[self.lot[self.lot >= 0]] = True
        return lots

    @cached_property
    def _splits(self) -> tuple[Ints32, Ints]:
        """(I,) the lot that each item was first split from, or -1, and the event."""
        taken_from = np.full(len(self.items), -1, dtype=np.int32)
        event = np.full(len(self.items), -1, dtype=np.int64)
        splits = np.flatnonzero(self.lot >= 0)[::-1]  # the earliest split is written last, and stays
        item = np.searchsorted(self.offset, splits, side="right") - 1
        taken_from[item], event[item] = self.lot[splits], splits
        return taken_from, event

    @cached_property
    def _lots_first(self) -> tuple[Ints32, Bools]:
        return kernels.lots_first(self._splits[0])

    @cached_property
    def _walked(self) -> tuple[Ints32, Ints32, Bytes]:
        """(E,) who holds after each event, whom the item is under way to, and the gap before it."""
        holder, under_way = np.empty_like(self.giver), np.empty_like(self.giver)
        gap = np.empty_like(self.step)
        kernels.walk(
            *self._lots_first,
            self.offset,
            self.time,
            self.step,
            self.giver,
            self.receiver,
            self.lot,
            self._splits[0],
            holder,
            under_way,
            gap,
        )
        return holder, under_way, gap

    def reaches(self, *parties: str) -> Reach:
        """Which units were ever with any of these parties. Raises NotFoundError for a party that no event names."""
        sought = np.zeros(len(self.parties), dtype=np.bool_)
        for party in parties:
            sought[self._find(party, self._party_index, "party")] = True
        _, under_way, gap = self._walked
        touched, sent, hole = (np.empty(len(self.items), dtype=np.int64) for _ in range(3))
        kernels.touch(
            *self._lots_first,
            self.offset,
            self.time,
            self.step,
            self.giver,
            self.receiver,
            self.lot,
            self._splits[1],
            under_way,
            gap,
            sought,
            touched,
            sent,
            hole,
        )
        unit = ~self.is_lot
        with_ = unit & (touched != kernels.NEVER)
        to = unit & ~with_ & (sent != kernels.NEVER)
        lost = unit & ~with_ & ~to & (hole != kernels.NEVER)
        return Reach(
            parties,
            self._dated(with_, touched),
            self._dated(to, sent),
            self._dated(lost, hole),
            int(np.count_nonzero(unit & ~with_ & ~to & ~lost)),
        )

    def trace(self, unit: str) -> Trace:
        """The way of one unit or lot through all hands, that of the lots it was split from before it.

        Raises NotFoundError for an item that no event names.
        """
        holder, under_way, gap = self._walked
        passages: list[Passage] = []
        events = self._way(self._find(unit, self._item_index, "unit"))
        for e in events:
            item = int(np.searchsorted(self.offset, e, side="right")) - 1
            passages.append(
                Passage(
                    event=str(self._names[self._order[e]]),
                    time=np.datetime64(int(self.time[e]), "ns"),
                    step=STEPS[self.step[e]],
                    item=self.items[item],
                    giver=self._party(self.giver[e]),
                    receiver=self._party(self.receiver[e]),
                    holder=self._party(holder[e]),
                    gap_before=gap_words(int(gap[e])),
                )
            )
        # A lot that is only named by its parts has no events of its own.
        destination = int(under_way[events[-1]]) if events else kernels.AT_REST
        return Trace(
            unit=unit,
            passages=tuple(passages),
            under_way_to=None if destination == kernels.AT_REST else self._party(destination) or "nobody recorded",
        )

    def _way(self, item: int) -> list[int]:
        """The events of an item after those of its lots, each up to the split, in order."""
        _, circular = self._lots_first
        taken_from, split = self._splits
        ways: list[list[int]] = []
        until = kernels.NEVER
        at = item
        while at >= 0:
            events = range(self.offset[at], self.offset[at + 1])
            ways.append([e for e in events if self.time[e] <= until])
            if circular[at]:
                break
            until = min(until, int(self.time[split[at]]))
            at = int(taken_from[at])
        return [e for way in reversed(ways) for e in way]

    def _dated(self, which: Bools, when: Ints) -> dict[str, np.datetime64]:
        rows = np.flatnonzero(which)
        rows = rows[np.argsort(when[rows], kind="stable")]
        times = when[rows].view("datetime64[ns]")
        return dict(zip([self.items[i] for i in rows.tolist()], times, strict=True))

    def _party(self, index: int | np.int32) -> str:
        return self.parties[index] if index >= 0 else ""

    @staticmethod
    def _find(name: str, index: dict[str, int], kind: str) -> int:
        found = index.get(name)
        if found is None:
            raise NotFoundError(f"custody knows no {kind} “{name}”", mend=f"{len(index)} are recorded")
        return found


def _check_column(name: str, column: Ints32 | Bytes, low: int, high: int, rows: int) -> None:
    if len(column) != rows:
        raise ControlError(f"{len(column)} rows for {rows} times", where=name, mend="give a row for every event")
    bad = np.flatnonzero((column < low) | (column >= high))
    if len(bad):
        raise ControlError(f"{column[bad[0]]} names nothing", where=f"{name} of event {bad[0]}", mend=f"below {high}")


def _ordered(item: Ints32, time: Ints, step: Bytes, names: Sequence[str] | range) -> Ints:
    """Rows by item, time, step and name; names are compared only where the rest is equal, which is rare."""
    order = np.lexsort((step, time, item))
    differs = np.zeros(len(order), dtype=np.bool_)
    for column in (item[order], time[order], step[order]):
        differs[1:] |= column[1:] != column[:-1]
    begins = np.flatnonzero(differs)
    runs = np.append(begins, len(order)) - np.append(0, begins)
    for end, length in zip(np.cumsum(runs)[runs > 1].tolist(), runs[runs > 1].tolist(), strict=True):
        run = order[end - length : end]
        order[end - length : end] = sorted(run.tolist(), key=lambda e: names[e])
    return order
