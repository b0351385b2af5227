"""What happened, in the order in which it did: a bounded ring that readers resume by number."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

EventKind: TypeAlias = Literal["slot", "handover", "terminal", "order", "decision", "failure", "late", "time", "store"]

KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened.

    number    counts from 1, without gaps, over the life of a process
    time_ns   the system's, UTC since 1970
    detail    JSON types
    """

    number: int
    kind: EventKind
    time_ns: int
    detail: Mapping[str, Any] = field(default_factory=dict)


class Events:
    """The last events. Any thread may add; any may wait for more."""

    def __init__(self, kept: int = KEPT) -> None:
        self._ring: deque[Event] = deque(maxlen=kept)
        self._news = threading.Condition()
        self._next = 1

    @property
    def last(self) -> int:
        """The number of the newest event; 0 before the first."""
        return self._next - 1

    def add(self, kind: EventKind, time_ns: int, /, **detail: Any) -> None:
        with self._news:
            self._ring.append(Event(self._next, kind, time_ns, detail))
            self._next += 1
            self._news.notify_all()

    def since(self, number: int, limit: int = KEPT) -> list[Event]:
        """The events after a number, oldest first: all that are kept where the number is of a past or other process.

        A first event whose number is not the next one says that some were dropped.
        """
        with self._news:
            if number >= self._next:
                number = 0
            skip = max(0, len(self._ring) - (self._next - 1 - number))
            return [self._ring[k] for k in range(skip, min(len(self._ring), skip + limit))]

    def wait(self, number: int, timeout_s: float) -> list[Event]:
        """As `since`, after waiting for one where there is none."""
        with self._news:
            if number == self._next - 1:
                self._news.wait(timeout_s)
        return self.since(number) if number != self.last else []
