"""Sessions: who was served by what, from when to when, and why not; recorded slot by slot."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import sqlalchemy as sa

from skyhaul.control.grants import REFUSALS
from skyhaul.network import Reason, slot_number, slot_start
from skyhaul.operation._database import BLOCKS, HOURS, META, SLOTS, OperationDatabase, put
from skyhaul.operation._packing import (
    HOUR,
    NEIGHBOURS,
    SlotColumns,
    joined,
    packed_hour,
    packed_slot,
    unpacked_block,
    unpacked_slot,
)
from skyhaul.operation._slot import SLOT_NS, SlotPlan


@dataclass(frozen=True, slots=True)
class Session:
    """A stay of a terminal in one state: served by the same satellite, gateway and PoP in the same cell, or without
    service for the same reason.

    start_ns, end_ns   UTC since 1970; the end of one that goes on is that of the last slot that is on record
    satellite          catalogue number, -1 without
    gateway, pop       names, empty without
    reason, rule       why there is no service; `rule` of service control, empty where none refuses
    received_bytes, sent_bytes   None: nobody counted them
    goes_on            whether it had not ended when the record was read
    before_gap         whether nobody knows what came after it: the operation did not run
    """

    terminal: str
    cell: int
    start_ns: int
    end_ns: int
    reason: Reason
    rule: str
    satellite: int
    gateway: str
    pop: str
    received_bytes: int | None = None
    sent_bytes: int | None = None
    goes_on: bool = False
    before_gap: bool = False

    @property
    def duration_s(self) -> float:
        return (self.end_ns - self.start_ns) / 1e9


_LAST = "last_slot"  # the one that was lived through last, which after a jump need not be the latest


class SessionLog:
    """Keeps what every slot was, and tells sessions from it."""

    def __init__(self, database: OperationDatabase) -> None:
        self._database = database
        self._mutex = threading.Lock()
        found = database.meta(_LAST)
        self.last: int | None = None if found is None else int(found)

    def record(self, slot: SlotPlan, *, anew: bool = True) -> None:
        """Keep a slot as it starts; it is on the disk once this returns. One that is on record already is kept as it
        is, unless it was lived through `anew`."""
        columns = self._columns_of(slot)
        with self._mutex, self._database.writing() as connection:
            row = {"slot": slot.slot, "columns": packed_slot(columns)}
            connection.execute(sa.insert(SLOTS).prefix_with("OR REPLACE" if anew else "OR IGNORE"), [row])
            put(connection, META, {"key": _LAST, "value": str(slot.slot)})
            self.last = slot.slot

    def of(self, terminal: str, start_ns: int, end_ns: int) -> list[Session]:
        """The sessions of a terminal that lie in any part of [start, end), by time; whole, as far as on record."""
        numbers = self._database.numbers("terminal", ())
        if terminal not in numbers:
            return []
        gateways = {number: name for name, number in self._database.numbers("gateway", ()).items()}
        pops = {number: name for name, number in self._database.numbers("pop", ()).items()}
        found: list[Session] = []
        for slot, columns in self._slots(numbers[terminal], start_ns, end_ns):
            row = columns.row_of(numbers[terminal])
            if row is None:
                continue
            begin = int(slot_start(slot).astype(np.int64))
            for part in _parts(columns, row, begin, terminal, gateways, pops):
                _join(found, part)
        if found and self.last is not None and found[-1].end_ns > int(slot_start(self.last).astype(np.int64)):
            found[-1] = _with(found[-1], goes_on=True)
        return found

    def pack(self, before: int) -> int:
        """Pack the hours that are over before a slot; how many there were."""
        packed = 0
        while (first := self._oldest_hour()) is not None and first + HOUR <= before:
            with self._database.reading() as connection:
                query = sa.select(SLOTS).where(SLOTS.c.slot.between(first, first + HOUR - 1)).order_by(SLOTS.c.slot)
                rows = [(number, data) for number, data in connection.execute(query)]
            with self._database.reading() as connection:
                again = connection.execute(sa.select(HOURS.c.first).where(HOURS.c.first == first)).scalar()
            slots = dict(self._hour(first)) if again is not None else {}
            slots |= {number: unpacked_slot(data) for number, data in rows}
            numbers, blocks = packed_hour(first, sorted(slots.items()))
            kept = zlib.compress(numbers.astype("<i4").tobytes())
            with self._mutex, self._database.writing() as connection:
                connection.execute(sa.delete(HOURS).where(HOURS.c.first == first))
                connection.execute(sa.delete(BLOCKS).where(BLOCKS.c.first == first))
                connection.execute(sa.insert(HOURS), [{"first": first, "numbers": kept}])
                values = [{"first": first, "part": part, "columns": data} for part, data in enumerate(blocks)]
                connection.execute(sa.insert(BLOCKS), values)
                connection.execute(sa.delete(SLOTS).where(SLOTS.c.slot.in_([number for number, _ in rows])))
            packed += 1
        return packed

    def _oldest_hour(self) -> int | None:
        with self._database.reading() as connection:
            found = connection.execute(sa.select(sa.func.min(SLOTS.c.slot))).scalar()
        return None if found is None else int(found) // HOUR * HOUR

    def _hour(self, first: int) -> Iterator[tuple[int, SlotColumns]]:
        """The slots of an hour that is packed, whole."""
        with self._database.reading() as connection:
            query = sa.select(BLOCKS.c.columns).where(BLOCKS.c.first == first).order_by(BLOCKS.c.part)
            blocks = [data for (data,) in connection.execute(query)]
        parts: dict[int, list[SlotColumns]] = {}
        for data in blocks:
            for slot, columns in unpacked_block(first, data):
                parts.setdefault(slot, []).append(columns)
        for slot, found in parts.items():
            yield slot, joined(found)

    def _slots(self, number: int, start_ns: int, end_ns: int) -> Iterator[tuple[int, SlotColumns]]:
        """The slots of a time in which a terminal, by its number, may be found."""
        first = int(slot_number(np.datetime64(start_ns, "ns")))
        last = int(slot_number(np.datetime64(max(start_ns, end_ns - 1), "ns")))
        with self._database.reading() as connection:
            span = HOURS.c.first.between(first - HOUR + 1, last)
            hours = connection.execute(sa.select(HOURS).where(span).order_by(HOURS.c.first)).all()
            single = connection.execute(
                sa.select(SLOTS).where(SLOTS.c.slot.between(first, last)).order_by(SLOTS.c.slot)
            ).all()
            blocks = []
            for hour, kept in hours:
                place = np.flatnonzero(np.frombuffer(zlib.decompress(kept), "<i4") == number)
                if len(place):
                    part = int(place[0]) // NEIGHBOURS
                    query = sa.select(BLOCKS.c.columns).where(BLOCKS.c.first == hour, BLOCKS.c.part == part)
                    blocks.append((int(hour), connection.execute(query).scalar_one()))
        # A slot that is there both ways was lived through again after its hour had been packed.
        anew = {slot for slot, _ in single}
        found = [(s, c) for hour, data in blocks for s, c in unpacked_block(hour, data) if first <= s <= last]
        found = [(slot, columns) for slot, columns in found if slot not in anew]
        found += [(slot, unpacked_slot(data)) for slot, data in single]
        yield from sorted(found, key=lambda entry: entry[0])

    def _columns_of(self, slot: SlotPlan) -> SlotColumns:
        ground = slot.world.ground
        gateways = self._database.numbers("gateway", ground.gateways.name)
        pops = self._database.numbers("pop", ground.pops.name)
        gateway_number = np.array([*(gateways[name] for name in ground.gateways.name), -1])
        pop_number = np.array([*(pops[name] for name in ground.pops.name), -1])
        catalog = np.append(slot.world.elements.catalog_number, -1)
        paths, leases = slot.paths, slot.leases
        cut = np.flatnonzero(leases.cut)
        return SlotColumns(
            number=slot.roster.number,
            satellite=catalog[paths.satellite],
            gateway=gateway_number[paths.gateway],
            pop=pop_number[paths.pop],
            reason=slot.plan.reason.astype(np.int64),
            rule=leases.rule.astype(np.int64),
            cell=leases.cell.astype(np.int64),
            cut=cut,
            cut_ms=(leases.ends[cut].view(np.int64) - slot.start_ns) // 1_000_000,
        )


def _parts(
    columns: SlotColumns, row: int, begin: int, terminal: str, gateways: dict[int, str], pops: dict[int, str]
) -> Iterator[Session]:
    """What a slot was for a terminal: one stay, or two where its lease ended inside."""
    rule, reason = int(columns.rule[row]), Reason(int(columns.reason[row]))
    cut = np.flatnonzero(columns.cut == row)
    cut_ns = begin + int(columns.cut_ms[cut[0]]) * 1_000_000 if len(cut) and reason == Reason.SERVED else None
    common: dict[str, Any] = {"terminal": terminal, "cell": int(columns.cell[row])}
    refused = "" if rule < 0 else REFUSALS[rule]
    end = begin + SLOT_NS if cut_ns is None else cut_ns
    yield Session(
        **common,
        start_ns=begin,
        end_ns=end,
        reason=reason,
        rule=refused if reason == Reason.NO_GRANT else "",
        satellite=int(columns.satellite[row]),
        gateway=gateways.get(int(columns.gateway[row]), ""),
        pop=pops.get(int(columns.pop[row]), ""),
    )
    if cut_ns is not None:
        yield Session(
            **common,
            start_ns=end,
            end_ns=begin + SLOT_NS,
            reason=Reason.NO_GRANT,
            rule=refused,
            satellite=-1,
            gateway="",
            pop="",
        )


def _join(found: list[Session], part: Session) -> None:
    """Put a part behind those found: it prolongs the last one, or is a new one."""
    if found and found[-1].end_ns == part.start_ns and _state(found[-1]) == _state(part):
        found[-1] = _with(found[-1], end_ns=part.end_ns)
        return
    if found and found[-1].end_ns < part.start_ns:
        found[-1] = _with(found[-1], before_gap=True)
    found.append(part)


def _state(session: Session) -> tuple[object, ...]:
    return session.cell, session.reason, session.rule, session.satellite, session.gateway, session.pop


def _with(session: Session, **changes: Any) -> Session:
    return replace(session, **changes)
