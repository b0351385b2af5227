"""What an operation knows of service control: the facts of a registry, heard again and again, in the system's time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from skyhaul.control.decision import Decision
from skyhaul.control.facts import Fact, Facts
from skyhaul.control.registry import Registry
from skyhaul.errors import SkyhaulError, StoreError
from skyhaul.operation._database import OperationDatabase

RECORDED_BY = "operation"
_PENDING = 100_000  # decisions that wait for a store that does not answer
_AS_RECORDED = -1  # in place of when a fact was heard: it was there from the start


class KnownFacts:
    """Follows a registry.

    The facts that are there at the operation's very first start were recorded when they say. What comes later is known
    from when it was heard, where it says it was recorded later than that: a system that runs at a past date, or faster
    than time, hears of orders that are stamped by the wall clock. The operation's database keeps when it heard what.

    The registry is asked in a thread of its own, so that one that hangs holds up nothing else.

    facts      what is known, in the system's time; another collection after something was erased from the registry.
               Whoever reads it holds `mutex` meanwhile
    heard_ns   the system's time up to which that is all
    error      why the registry does not answer, or None

    Raises what reading the registry raises.
    """

    def __init__(self, registry: Registry, database: OperationDatabase, now_ns: Callable[[], int]) -> None:
        self.registry = registry
        self.facts = Facts()
        self.mutex = threading.RLock()
        self.error: SkyhaulError | None = None
        self._database = database
        self._now_ns = now_ns
        self._pending: list[Decision] = []
        self._news: list[Fact] = []
        self._asking: Future[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="skyhaul-operation-registry")
        self.heard_ns = now_ns()
        registry.refresh()
        self._source = registry.facts
        self._heard = database.heard()
        if not self._heard:
            self._note({fact.id: _AS_RECORDED for fact in self._source})
        self._take(self.heard_ns)

    def close(self) -> None:
        """Record what waits, and ask no more."""
        self._thread.shutdown(cancel_futures=True)

    def hear(self, wait_s: float) -> None:
        """Ask the registry for what is new, and wait that long for the answer; one that comes later counts later."""
        until = time.monotonic() + wait_s
        try:
            if self._asking is not None:  # an answer to what was asked long ago says nothing of now
                self._asking.result(wait_s)
            self._asking = self._thread.submit(self._refresh)
            self._asking.result(max(0.0, until - time.monotonic()))
        except TimeoutError:
            self.error = StoreError(
                "does not answer", where=self.registry.place, mend="is another process stuck in it?"
            )

    def news(self) -> list[Fact]:
        """What has been heard since this was last asked."""
        with self.mutex:
            news, self._news = self._news, []
            return news

    def record(self, decisions: Sequence[Decision]) -> None:
        """Record decisions that change a terminal's state, as soon as the registry takes them."""
        if self.registry.read_only or not (decisions or self._pending):
            return
        with self.mutex:
            self._pending.extend(decisions)
            del self._pending[:-_PENDING]
        self._thread.submit(self._record)

    def _refresh(self) -> None:
        # Something heard now was recorded after it was last heard: from then on it may count.
        now_ns, before_ns = self._now_ns(), self.heard_ns
        try:
            self.registry.refresh()
            source = self.registry.facts
            with self.mutex:
                if source is not self._source:
                    self._source, self.facts = source, Facts()
                self._news += self._take(before_ns)
        except SkyhaulError as error:
            self.error = error
        else:
            self.error, self.heard_ns = None, now_ns

    def _record(self) -> None:
        with self.mutex:
            waiting = self._pending[:]
        try:
            self.registry.store.append_decisions(waiting, by=RECORDED_BY)
        except SkyhaulError as error:
            self.error = error
        else:
            with self.mutex:
                del self._pending[: len(waiting)]

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
