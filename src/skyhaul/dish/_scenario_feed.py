"""Dishes that follow a scenario: plans a slot ahead in a thread, and tells states in real time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import numpy as np

from skyhaul.control.decision import Code
from skyhaul.dish._dish import STEP_NS
from skyhaul.dish._history import SAMPLES
from skyhaul.dish._slot_states import SlotStates
from skyhaul.dish._state import UNNAMED_MODEL, DishState, Hardware, Mobility, hardware_id
from skyhaul.dish._time import SECOND_NS
from skyhaul.network import find_name, slot_number, slot_start
from skyhaul.scenario import Scenario
from skyhaul.system import Engine, SlotRun, System
from skyhaul.system._engine import check_times
from skyhaul.types import Ints

_SLOT_S = 15
_KEPT = SAMPLES // _SLOT_S + 2  # slots: what a dish catches up on after a pause
_CHECKED = np.timedelta64(1, "h")  # elements that are of use at the start are so for this long
_FOR_EVER = np.timedelta64(3653, "D")  # ten years, as long as a scenario may run


class ScenarioFeed:
    """A `DishFeed` over a system: the scenario's time runs from `start` at the clock's pace, times `speed`.

    Use it as a context manager: entering plans the first slot, raises what that raises, and warns of elements that are
    too old; a thread plans each other slot while the one before it runs. Slots that were not ready when they started
    are counted in `late`; what a dish asked for meanwhile had no plan.
    """

    def __init__(
        self,
        system: System,
        start: np.datetime64 | None = None,
        *,
        speed: float = 1.0,
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        begins = system.default_start() if start is None else start
        self._start_ns = _ns(begins) // STEP_NS * STEP_NS
        self._world = system.world
        self._speed = speed
        self._clock = clock
        self._clock_start: int | None = None
        self._row = {name: k for k, name in enumerate(self._world.terminals.sites.name)}
        self._known: dict[int, SlotStates] = {}
        self._failure: BaseException | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.late = 0

    def __enter__(self) -> ScenarioFeed:
        start = np.datetime64(self._start_ns, "ns")
        check_times(self._world, start, _CHECKED)
        runs = Engine(self._world, start).run(_FOR_EVER, np.timedelta64(STEP_NS, "ns"))
        self._keep(next(runs))
        self._clock_start = self._clock()
        self._thread = threading.Thread(target=self._follow, args=(runs,), name="skyhaul-dish-plans", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def now_ns(self) -> int:
        """The scenario's time. Raises what the planning raised, if it did."""
        if self._failure is not None:
            raise self._failure
        if self._clock_start is None:
            return self._start_ns
        return self._start_ns + int((self._clock() - self._clock_start) * self._speed)

    def state(self, terminal: str, time_ns: int) -> DishState:
        """See `DishFeed`."""
        row = self._row.get(terminal)
        if row is None:
            row = find_name(terminal, tuple(self._row), "terminal")
        slot = self._known.get(int(slot_number(np.datetime64(time_ns, "ns"))))
        state = None if slot is None else slot.state(row, time_ns)
        return DishState(time_ns, None, Code.UNKNOWN_STATE) if state is None else state

    def _keep(self, run: SlotRun) -> None:
        states = SlotStates(self._world, run)
        kept = {slot: known for slot, known in self._known.items() if slot > states.slot - _KEPT}
        # Readers look the dictionary up meanwhile: it is replaced, never changed.
        self._known = {**kept, states.slot: states}

    def _follow(self, runs: Iterator[SlotRun]) -> None:
        try:
            planned = max(self._known)
            while not self._stop.is_set():
                if self._wait_until(_ns(slot_start(planned))):
                    return
                run = next(runs)
                self._keep(run)
                planned = run.plan.slot
                self.late += self.now_ns() > _ns(run.start)
        except Exception as error:
            self._failure = error

    def _wait_until(self, time_ns: int) -> bool:
        """Wait for the scenario's time; whether to stop."""
        while (left := time_ns - self.now_ns()) > 0:
            if self._stop.wait(min(left / SECOND_NS / self._speed, 0.5)):
                return True
        return self._stop.is_set()


def scenario_hardware(scenario: Scenario) -> dict[str, Hardware]:
    """The dish of each terminal of a scenario, by its name: the model it names, flat, and mobile where it moves."""
    return {
        table.name: Hardware(
            id=hardware_id(table.name),
            hardware_version=table.model or UNNAMED_MODEL,
            mobility=Mobility.MOBILE if table.track else Mobility.STATIONARY,
        )
        for table in scenario.terminals
    }


def _ns(time: np.datetime64 | Ints) -> int:
    return int(np.asarray(time).astype("datetime64[ns]").astype(np.int64))
