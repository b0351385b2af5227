"""What an operation knows of service control: the facts of a registry, heard again and again, in the system's time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from skyhaul.control.decision import Decision
from skyhaul.control.facts import Fact, Facts
from skyhaul.control.registry import Registry
from skyhaul.errors import SkyhaulError
from skyhaul.operation._database import OperationDatabase

RECORDED_BY = "operation"
_PENDING = 100_000  # decisions that wait for a store that does not answer
_AS_RECORDED = -1  # in place of when a fact was heard: it was there from the start


class KnownFacts:
    """Follows a registry.

    The facts that are there at the operation's very first start were recorded when they say. What comes later is known
    from when it was heard, where it says it was recorded later than that: a system that runs at a past date, or faster
    than time, hears of orders that are stamped by the wall clock. The operation's database keeps when it heard what.

    facts      what is known, in the system's time; another collection after something was erased from the registry
    heard_ns   the system's time up to which that is all
    error      why the registry does not answer, or None

    Raises what reading the registry raises.
    """

    def __init__(self, registry: Registry, database: OperationDatabase, now_ns: int) -> None:
        self.registry = registry
        self.facts = Facts()
        self.heard_ns = now_ns
        self.error: SkyhaulError | None = None
        self._database = database
        self._pending: list[Decision] = []
        registry.refresh()
        self._source = registry.facts
        self._heard = database.heard()
        if not self._heard:
            self._note({fact.id: _AS_RECORDED for fact in self._source})
        self._take(now_ns)

    def refresh(self, now_ns: int) -> tuple[Fact, ...]:
        """Hear the registry again: what is new. Where it does not answer, `error` says why and all stays as it was."""
        try:
            self.registry.refresh()
            if self.registry.facts is not self._source:
                self._source, self.facts = self.registry.facts, Facts()
            # What is new was recorded after it was last heard: from then on it may count.
            new = self._take(self.heard_ns)
        except SkyhaulError as error:
            self.error = error
            return ()
        self.error, self.heard_ns = None, now_ns
        return new

    def record(self, decisions: Sequence[Decision]) -> None:
        """Record decisions that change a terminal's state, or keep them until the store answers."""
        if self.registry.read_only:
            return
        self._pending.extend(decisions)
        del self._pending[:-_PENDING]
        if not self._pending:
            return
        try:
            self.registry.store.append_decisions(self._pending, by=RECORDED_BY)
        except SkyhaulError as error:
            self.error = error
        else:
            self._pending.clear()

    def _take(self, heard_ns: int) -> tuple[Fact, ...]:
        if len(self._source) <= len(self.facts):
            return ()
        come = [fact for fact in self._source if not self.facts.with_id(fact.id)]
        come.sort(key=lambda fact: (fact.recorded_at, fact.id))
        unheard = [fact.id for fact in come if fact.id not in self._heard]
        if unheard:  # versions of one thing keep their order by being a nanosecond apart
            self._note({id: heard_ns + k for k, id in enumerate(unheard)})
        known = tuple(self._in_our_time(fact) for fact in come)
        self.facts.add(*known)
        return known

    def _in_our_time(self, fact: Fact) -> Fact:
        heard = self._heard[fact.id]
        if heard == _AS_RECORDED or fact.recorded_at <= (at := np.datetime64(heard, "ns")):
            return fact
        return replace(fact, recorded_at=at)

    def _note(self, heard: dict[str, int]) -> None:
        self._heard |= heard
        if heard:
            self._database.put_heard(heard)
