"""The system at one instant, for whoever asks: it never changes, and asking blocks nobody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from skyhaul.network import Failure, slot_number
from skyhaul.operation._database import FailureRow
from skyhaul.operation._roster import Roster
from skyhaul.operation._slot import SLOT_NS, Draft, PathStates, SlotPlan
from skyhaul.system import World
from skyhaul.types import Bools, Floats

# Enough for what a dish catches up on after a pause, and for "the slot before".
KEPT_SLOTS = 3


@dataclass(frozen=True, slots=True)
class View:
    """All that the engine shows; replaced as a whole, never changed.

    plans        of slots, by number: the last few, the running one and the next
    drafts       plans of slots after that, in order: they stand if nothing changes
    late         slots that started without a plan, since the operation began
    heard_ns     the system's time up to which the facts of the registry are known; None without a registry
    trouble      why the registry does not answer, or planning fails; empty when all is well
    """

    generation: int
    world: World
    roster: Roster
    failures: tuple[FailureRow, ...] = ()
    outside: tuple[Failure, ...] = ()
    plans: Mapping[int, SlotPlan] = field(default_factory=dict)
    drafts: tuple[Draft, ...] = ()
    late: int = 0
    heard_ns: int | None = None
    trouble: str = ""


class Snapshot:
    """The system at an instant.

    time_ns   UTC since 1970
    speed     system seconds a second while it runs; `paused` says that it does not
    """

    def __init__(self, view: View, time_ns: int, speed: float, paused: bool) -> None:
        self.view, self.time_ns, self.speed, self.paused = view, time_ns, speed, paused

    @property
    def time(self) -> np.datetime64:
        return np.datetime64(self.time_ns, "ns")

    @property
    def slot(self) -> int:
        """The number of the slot that runs."""
        return int(slot_number(self.time))

    @cached_property
    def current(self) -> SlotPlan | None:
        """What was decided for the slot that runs; None where its plan is late."""
        return self.view.plans.get(self.slot)

    @property
    def following(self) -> SlotPlan | None:
        """What is decided for the next slot, if that is ready."""
        return self.view.plans.get(self.slot + 1)

    @property
    def roster(self) -> Roster:
        """The terminals of the slot that runs; of a late one those that wait for it."""
        return self.view.roster if self.current is None else self.current.roster

    @property
    def world(self) -> World:
        return self.view.world if self.current is None else self.current.world

    @cached_property
    def states(self) -> PathStates | None:
        """The path states of the roster's terminals, at most 100 ms old; None without a plan."""
        return None if self.current is None else self.current.paths.at(self.time_ns)

    @property
    def age_s(self) -> float:
        """How old the path states are."""
        return float("nan") if self.states is None else (self.time_ns - self.states.time_ns) / 1e9

    @property
    def served(self) -> Bools:
        """(K,) who has a path."""
        if self.states is None:
            return np.zeros(len(self.roster), dtype=np.bool_)
        return self.states.served

    @property
    def knowledge_age_s(self) -> float | None:
        """How old the facts are; None without a registry."""
        return None if self.view.heard_ns is None else max(0, self.time_ns - self.view.heard_ns) / 1e9

    def satellites(self) -> tuple[Floats, Floats]:
        """Earth-fixed positions (3, N) in m and velocities (3, N) in m/s of the satellites; NaN for one that is not
        there."""
        sky = self.world.constellation.at(self.time)
        there = np.isfinite(self.world.position_m(self.time)[0])
        assert sky.velocity_m_s is not None
        return np.where(there, sky.position_m, np.nan), np.where(there, sky.velocity_m_s, np.nan)

    @property
    def slot_start_ns(self) -> int:
        return self.time_ns - (self.time_ns - 12_000_000_000) % SLOT_NS
