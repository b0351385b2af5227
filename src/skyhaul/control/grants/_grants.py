"""From facts to the leases of each slot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from skyhaul.control.decision import Compiled, Fleet, Positions, Verdicts, compile_facts, decide_many
from skyhaul.control.facts import Facts
from skyhaul.control.grants._leases import Leases, Question, Ruling
from skyhaul.types import Bools, CellIds, Floats, Ints, Times

# A slot's plan is made while the slot before it runs, so it knows what was recorded before that one began. What is
# recorded at any instant is then in force at most two slots later.
KNOWN_BEFORE = np.timedelta64(15, "s")


class Grants:
    """Decides on named terminals slot after slot.

    facts   all that is known now or comes to be known; it may grow. Fastest when facts were added in the order in which
            they were recorded.
    units   (K,) ids of the terminals in the registry; empty for one that nobody decides on, which is always granted

    Slots come in any order; in the order of time only what new facts touch is worked out again.
    """

    def __init__(self, facts: Facts, units: Sequence[str]) -> None:
        self.facts = facts
        self.units = tuple(units)
        self._rows: Ints = np.flatnonzero(np.array([bool(unit) for unit in units], dtype=np.bool_))
        self._recorded: Times = np.empty(0, dtype="datetime64[ns]")
        self._known = -1
        self._compiled: Compiled | None = None
        self._fleet: Fleet | None = None

    def leases(
        self,
        start: np.datetime64,
        end: np.datetime64,
        positions: Positions,
        speed_m_s: Floats,
        cell: CellIds,
        known_at: np.datetime64,
        *,
        stale_after_s: float | None = None,
    ) -> Leases:
        """The leases of the slot [start, end), from facts recorded up to `known_at`.

        positions, speed_m_s, cell   (K,) of the slot: an ellipse covers all places where a terminal is during it
        stale_after_s                how long after `known_at` a lease may last where the policy says nothing; None: for
                                     ever, as in a simulation, whose facts are all there

        A lease is decided on when the slot starts. One that would end inside the slot, because a fact begins or ends
        there, is decided on again at that instant, and goes on where the answer is still yes; one on probation is not.
        """
        compiled, fleet = self._brought_to(known_at)
        own = positions if len(self._rows) == len(self.units) else _rows(positions, self._rows)
        speed = speed_m_s[self._rows]
        first = decide_many(compiled, fleet, own, start, speed_m_s=speed)
        ends, rate, rule = first.lease_ends.copy(), first.rate_bps.copy(), first.refused_by.copy()
        probation = first.served & first.undecided
        running = first.served & ~probation
        while len(rows := np.flatnonzero(running & (ends < end))):
            at = ends[rows].min()
            rows = rows[ends[rows] == at]
            again = decide_many(compiled, fleet.take(rows), _rows(own, rows), at, speed_m_s=speed[rows])
            goes_on = again.served & ~again.undecided
            ends[rows[goes_on]] = again.lease_ends[goes_on]
            rate[rows[goes_on]] = np.minimum(rate[rows[goes_on]], again.rate_bps[goes_on])
            rule[rows] = again.refused_by
            running[rows[~goes_on]] = False
        question = Question(compiled, self.units, positions, speed_m_s)
        leases = self._all(start, end, known_at, cell, first, ends, rate, rule, probation, question)
        if stale_after_s is None or compiled.at(start).settings.max_knowledge_age_s is not None:
            return leases
        return leases.until(known_at + np.timedelta64(round(stale_after_s * 1e9), "ns"))

    def _all(
        self,
        start: np.datetime64,
        end: np.datetime64,
        known_at: np.datetime64,
        cell: CellIds,
        first: Verdicts,
        ends: Times,
        rate: Floats,
        rule: np.ndarray[tuple[int], np.dtype[np.int8]],
        probation: Bools,
        question: Question,
    ) -> Leases:
        """Rows of the terminals that are decided on, put among those of the others."""
        ruling = np.where(first.served, Ruling.PERMITTED, Ruling.REFUSED)
        ruling[first.undecided] = Ruling.UNDECIDED
        ruling[probation] = Ruling.PROBATION
        free = Leases.unlimited(start, end, cell)
        for column, values in (
            (free.granted, first.served),
            (free.ends, ends),
            (free.ruling, ruling),
            (free.code, first.code),
            (free.rule, rule),
            (free.rate_bps, rate),
        ):
            column[self._rows] = values
        return replace(free, known_at=known_at, question=question)

    def _brought_to(self, known_at: np.datetime64) -> tuple[Compiled, Fleet]:
        """What is known at an instant, compiled on from what was known before."""
        if len(self.facts) != len(self._recorded):
            recorded = [fact.recorded_at for fact in self.facts]
            self._recorded = np.sort(np.array(recorded, dtype="datetime64[ns]"))
        known = int(np.searchsorted(self._recorded, known_at, side="right"))
        compiled = self._compiled
        if compiled is not None and known == self._known:
            compiled = compiled if compiled.known_at == known_at else compiled.still_known(known_at)
        else:
            compiled = compile_facts(self.facts, known_at, compiled if known > self._known else None)
        if self._fleet is None:
            self._fleet = Fleet(compiled, [self.units[k] for k in self._rows])
        self._fleet = self._fleet.recompiled(compiled)
        self._compiled, self._known = compiled, known
        return compiled, self._fleet


def _rows(positions: Positions, rows: Ints) -> Positions:
    return Positions(
        positions.latitude_deg[rows],
        positions.longitude_deg[rows],
        positions.semi_major_m[rows],
        positions.semi_minor_m[rows],
        positions.azimuth_deg[rows],
        None if positions.measured_at is None else positions.measured_at[rows],
        positions.evidence[rows],
    )
