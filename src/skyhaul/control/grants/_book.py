"""The leases that are out, for a network that runs: they end by themselves, whatever becomes of whoever gave them."""

from __future__ import annotations

import numpy as np

from skyhaul.control._instants import SECOND, nanoseconds
from skyhaul.control.grants._leases import Leases
from skyhaul.errors import ControlError
from skyhaul.types import Bools, CellIds, Ints, Times

# The oldest facts that a lease may rest on where the policy says nothing: two slots. What is recorded takes effect
# within two slots while the store answers; so it does when it does not, as no lease outlives the facts behind it.
LIVE_KNOWLEDGE_AGE_S = 30.0

_NEVER = -(2**63) + 1  # an instant before all others; one less is "not a time"


class LeaseBook:
    """K terminals' leases as a state machine: `renew` with the leases of each slot, `served` at any instant.

    It reads no clock. Time only goes on: an instant before the latest one it was told counts as that one, so a clock
    that is set back brings no lease back; one that ran ahead ends leases, and a new book starts over. A new book has no
    leases: after a restart nothing is served until something is decided from fresh facts.

    - Nobody is served without a lease, nor at its end or later, nor in another cell than its own.
    - No lease lasts longer than `max_knowledge_age_s` after the instant up to which its facts were known, so that with
      the store unreachable all run out, and none is given on stale facts.
    - A refusal ends a lease when its slot starts. Leases decided from older facts, or for an earlier slot, than ones
      taken over already are passed over.
    """

    def __init__(self, count: int, *, max_knowledge_age_s: float | None = None) -> None:
        age = LIVE_KNOWLEDGE_AGE_S if max_knowledge_age_s is None else max_knowledge_age_s
        if not 0.0 < age < 1e9:
            raise ControlError(f"leases on facts of {age} s", where="max_knowledge_age_s", mend="more than no seconds")
        self._age = round(age * SECOND)
        self._ends: Ints = np.full(count, _NEVER, dtype=np.int64)
        self._cell: CellIds = np.zeros(count, dtype=np.uint64)
        self._coming: list[tuple[int, Bools, Ints, CellIds]] = []
        self._known = self._start = self._now = _NEVER

    def __len__(self) -> int:
        return len(self._ends)

    @property
    def ends(self) -> Times:
        """(K,) datetime64[ns] end of each lease that runs; NaT where there is none."""
        return np.where(self._ends > self._now, self._ends, _NEVER - 1).view("datetime64[ns]")

    def renew(self, leases: Leases) -> bool:
        """Take over the leases of a slot, which may lie ahead: they count from its start. False: passed over.

        Raises ControlError for leases of another number of terminals, and for ones that nobody decided on.
        """
        if len(leases) != len(self):
            raise ControlError(f"leases of {len(leases)} terminals", where="renew", mend=f"of all {len(self)}")
        if np.isnat(leases.known_at):
            raise ControlError("leases that rest on no facts", where="renew", mend="take those that Grants decided")
        known, start = nanoseconds(leases.known_at), nanoseconds(leases.start)
        if known < self._known or start < self._start:
            return False
        self._known, self._start = known, start
        until = np.where(np.isnat(leases.ends), known + self._age, leases.ends.view(np.int64))
        until = np.minimum(until, known + self._age)
        self._coming.append((start, leases.granted & (until > start), until, leases.cell))
        self._go_on(self._now)
        return True

    def revoke(self, terminal: int, time: np.datetime64) -> None:
        """End a terminal's lease at an instant, if it does not end before, and drop those of slots ahead; leases taken
        over later may give it another."""
        self._ends[terminal] = min(int(self._ends[terminal]), max(nanoseconds(time), self._now))
        for _, given, _, _ in self._coming:
            given[terminal] = False

    def served(self, time: np.datetime64, cell: CellIds | None = None) -> Bools:
        """(K,) who may be served at an instant. `cell` (K,): where each is, if that is to count."""
        self._go_on(max(self._now, nanoseconds(time)))
        served = self._ends > self._now
        return served if cell is None else served & (self._cell == cell)

    def _go_on(self, now: int) -> None:
        """Let time go on, and with it the slots that have started."""
        self._now = now
        while self._coming and self._coming[0][0] <= now:
            start, given, until, cell = self._coming.pop(0)
            self._ends = np.where(given, until, np.minimum(self._ends, start))
            self._cell = np.where(given, cell, self._cell)
