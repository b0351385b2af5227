"""The system in operation: a scenario that runs, slot after slot, and changes while it does."""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import shutil
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from skyhaul.control.decision import Compiled, Decision, Positions, compile_facts, decide
from skyhaul.control.facts import Approval, Facts, Order, OrderEnd
from skyhaul.control.grants import LeaseBook, Leases, changes
from skyhaul.control.registry import Registry, is_registry
from skyhaul.errors import InputError, NotFoundError, SkyhaulError, StoreError
from skyhaul.network import Failure, FailureKind, Failures, Reason, slot_number, slot_start
from skyhaul.operation._clock import SECOND_NS, Clock, Wall, never_back
from skyhaul.operation._database import FailureRow, OperationDatabase
from skyhaul.operation._events import Events
from skyhaul.operation._history import SECONDS, History, HistoryColumns
from skyhaul.operation._known import KnownFacts
from skyhaul.operation._planner import Inputs, Planner
from skyhaul.operation._roster import Roster, anchored, names_once, stands_at, terminal_of
from skyhaul.operation._sessions import Session, SessionLog
from skyhaul.operation._slot import SLOT_NS, TICK_NS, Draft, SlotPlan
from skyhaul.operation._snapshot import KEPT_SLOTS, Snapshot, View
from skyhaul.operation._terminal_views import (
    Candidate,
    NextHandover,
    PathView,
    TerminalView,
    WhySatellite,
    candidates,
    next_handover,
    path_of,
    terminal_views,
    why_satellite,
)
from skyhaul.scenario import ConstellationTable, Scenario, as_numpy, load_scenario
from skyhaul.system import World, load_world, with_constellation, with_terminals
from skyhaul.system._engine import WARM_UP_SLOTS, check_times

_log = logging.getLogger(__name__)

AHEAD = 8
"""Slots that are drafted ahead: two minutes, in which nearly every terminal changes its satellite."""
_CHECKED = np.timedelta64(1, "h")  # a run has no end: the elements' age is judged over its first hour
_FRESH_DAYS = 10.0  # elements farther from their epochs than that are of another day: time starts at theirs
_EACH = 200  # handovers and decisions of a slot that are told one by one; beyond, how many there were
_STEP_MOST_S = 24 * 3600.0
_CONTROL = "give the scenario a [control] table, or a registry"
_HEAR_S = 2.0  # how long a plan waits for the registry: of 15 s, 10 shall be left
# Whoever asks does so in some forty short steps, after each of which it would wait 5 ms for a plan that is being made.
_TURN_S = 0.001
_PACK_S = 5.0  # how often somebody looks whether an hour is over
_TICK_S = 0.25  # of the wall clock: how often the engine looks at the time


class Operation:
    """A system that runs. `Operation.open`, then `start` and `stop`, or as a context manager.

    Any thread may ask and change; what asks never waits for what plans. A change that has returned is on the disk (in
    `folder`), acts with the next slot whose plan is not made yet, or, where there is time, with the next slot.

    clock      the system's time
    events     what happened
    registry   the registry whose facts decide who may be served; None where the scenario's own do, or nobody decides
    """

    def __init__(
        self,
        world: World,
        database: OperationDatabase,
        clock: Clock,
        run_start: np.datetime64,
        registry: Registry | None,
        lock: int | None,
        owns_registry: bool,
        folder: Path | None,
        live_time: bool,
    ) -> None:
        self.clock = clock
        self._live_time = live_time
        self.events = Events()
        self.registry = registry
        self.run_start = run_start
        self.database = database
        self._folder = folder
        self._lock_file, self._owns_registry = lock, owns_registry
        self._history = History()
        self._sessions = SessionLog(database)
        self._mutex = threading.RLock()  # what changes: the view, the inputs
        self._planning = threading.RLock()  # who plans
        self._living = threading.Lock()  # who lives through the seconds
        self._wake = threading.Condition()
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._watched: set[str] = set()
        self._troubles: dict[str, str] = {}
        self._replan = False
        self._plan_s = 1.0  # of the wall clock: how long a plan takes
        self._seen_ns = clock.now_ns()
        self._recorded_slot: int | None = None
        self._answers = True  # whether the registry did when it was last asked
        self._lived = False  # whether a slot of this life is on record
        self._leases_before: tuple[Roster, Leases] | None = None
        self._shown: Snapshot | None = None
        self._books: dict[int, tuple[Roster, LeaseBook]] = {}  # by slot; slots of one roster share theirs
        self._leasing = threading.Lock()  # who asks or renews the book
        self._compiled: tuple[Facts, int, Compiled] | None = None
        self._known = None if registry is None else KnownFacts(registry, database, clock.now_ns)
        roster = self._roster_of(world)
        rows = tuple(database.failures())
        self._scenario_failures = world.failures(run_start)
        self._inputs = Inputs(1, with_terminals(world, roster.tables), roster, self._all_failures(rows))
        self._planner = Planner(run_start, clock.now_ns, nullcontext() if self._known is None else self._known.mutex)
        self._view = View(
            generation=1,
            world=self._inputs.world,
            roster=roster,
            failures=rows,
            outside=self._scenario_failures,
            heard_ns=None if self._known is None else self._known.heard_ns,
        )

    @classmethod
    def open(
        cls,
        scenario: Scenario | str | Path,
        *,
        folder: str | Path | None = None,
        registry: Registry | str | Path | None = None,
        start: np.datetime64 | None = None,
        speed: float = 1.0,
        paused: bool = False,
        as_known: np.datetime64 | None = None,
        wall: Wall = time.monotonic_ns,
        utc: Wall = time.time_ns,
    ) -> Operation:
        """Load a scenario and what an operation in the same folder left, and stand ready to start.

        folder     where everything lasts that is not in the scenario; None: nothing does
        registry   whose facts decide, in place of the scenario's; its place, or one that is open, which stays open
        start      the system's time when it starts, UTC. Without it: where an operation at another time than now left
                   off, else the scenario's, else now, else (for elements that are not of these days) that of the
                   elements
        as_known   decide from facts recorded up to this instant only, whatever the system's time
        wall, utc  clocks in ns: one that only goes on, and one that knows the date

        Raises the errors of what the scenario names, StoreError for a folder that is in use or cannot be used.
        """
        loaded = scenario if isinstance(scenario, Scenario) else load_scenario(scenario)
        world = load_world(loaded, as_known=as_known)
        place = None if folder is None else Path(folder)
        database = OperationDatabase(place)
        lock: int | None = None
        opened: Registry | None = None
        try:
            lock = None if place is None else _locked(place)
            swapped = database.meta("elements")
            if swapped is not None:
                world = with_constellation(world, _elements_of(swapped))
            now = np.datetime64(utc(), "ns")
            begins, live = _start_of(world, database, start, now)
            live = live and speed == 1.0 and not paused
            database.set_meta(live="yes" if live else "no")
            if registry is None:
                registry = _registry_of(loaded)
            if not (registry is None or isinstance(registry, Registry)):
                registry = opened = Registry.open(registry)
            check_times(world, begins, _CHECKED)
            first = database.meta("run_start")
            if first is None:
                first = str(int(begins.astype("datetime64[ns]").astype(np.int64)))
                database.set_meta(run_start=first)
            if live and wall is time.monotonic_ns:  # which nobody sets right, and which stands while a machine sleeps
                wall = never_back(utc)
            clock = Clock(int(begins.astype("datetime64[ns]").astype(np.int64)), speed=speed, paused=paused, wall=wall)
            run_start = np.datetime64(int(first), "ns")
            return cls(world, database, clock, run_start, registry, lock, opened is not None, place, live)
        except BaseException:
            if opened is not None:
                opened.close()
            database.close()
            if lock is not None:
                os.close(lock)
            raise

    def start(self) -> None:
        """Plan the slot that runs and the next, and go on in threads of its own. Raises what planning raises.

        Threads of the process take turns every millisecond from then on.
        """
        sys.setswitchinterval(min(_TURN_S, sys.getswitchinterval()))
        if self._live_time:
            self._plan_first()
        else:  # time stands until there is something to see
            paused = self.clock.paused
            self.clock.pause()
            self._plan_first()
            if not paused:
                self.clock.resume()
        for name, work in (("engine", self._follow), ("plans", self._plan_on), ("packing", self._pack_on)):
            thread = threading.Thread(target=work, name=f"skyhaul-operation-{name}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """Stop the threads and let go of the files. Nothing can be asked of it afterwards but what is in memory."""
        self._stop.set()
        self._poke()
        for thread in self._threads:
            thread.join()
        self._threads.clear()
        if self._known is not None:
            self._known.close()
        self.database.close()
        if self._owns_registry and self.registry is not None:
            self.registry.close()
        if self._lock_file is not None:
            os.close(self._lock_file)
            self._lock_file = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # What is asked

    def now(self) -> Snapshot:
        """The system at this instant: the same object for whoever asks within 100 ms of the system's time."""
        now, view, shown = self.clock.now_ns(), self._view, self._shown
        if (
            shown is not None
            and shown.view is view
            and now // TICK_NS == shown.time_ns // TICK_NS
            and shown.speed == self.clock.speed
            and shown.paused == self.clock.paused
        ):
            return shown
        fresh = Snapshot(view, now, self.clock.speed, self.clock.paused)
        self._shown = fresh
        return fresh

    @property
    def facts(self) -> Facts | None:
        """What is known of service control, in the system's time; None where nobody decides."""
        return self._view.world.facts if self._known is None else self._known.facts

    def history(self, terminal: str, seconds: int = SECONDS) -> HistoryColumns:
        """The last seconds of a terminal, up to 900. Raises NotFoundError."""
        roster = self.now().roster
        return self._history.of(int(roster.number[roster.find(terminal)]), self.clock.now_ns(), seconds)

    def sessions(self, terminal: str, start_ns: int, end_ns: int) -> list[Session]:
        """The sessions of a terminal, of one that is no more too, in any part of [start, end)."""
        return self._sessions.of(terminal, start_ns, end_ns)

    def terminals(self, rows: Sequence[int] | None = None) -> list[TerminalView]:
        """The terminals of these rows of the roster, or all."""
        snapshot = self.now()
        return list(terminal_views(snapshot, range(len(snapshot.roster)) if rows is None else rows))

    def terminal(self, name: str) -> TerminalView:
        """A terminal as it is now. Raises NotFoundError."""
        snapshot = self.now()
        return next(terminal_views(snapshot, [snapshot.roster.find(name)]))

    def next_handover(self, terminal: str) -> NextHandover:
        """The next change of a terminal's satellite, as far as is planned. Raises NotFoundError."""
        return next_handover(self.now(), terminal)

    def candidates(self, terminal: str, slot: int | None = None) -> list[Candidate]:
        """The satellites above a terminal in a slot that is planned, and why each serves or does not."""
        return candidates(self.now(), terminal, slot)

    def why_satellite(self, terminal: str, satellite: str, slot: int | None = None) -> WhySatellite:
        """Why a satellite, by name or number, serves a terminal in a slot that is planned, or does not."""
        return why_satellite(self.now(), terminal, satellite, slot)

    def path(self, terminal: str) -> PathView:
        """The path of a terminal now, station by station. Raises NotFoundError."""
        return path_of(self.now(), terminal)

    def decision(
        self, terminal: str, time: np.datetime64 | None = None, as_known: np.datetime64 | None = None
    ) -> Decision:
        """The decision on a terminal with every reason: now and as known now, or at and as known at other instants,
        where it is now. Raises NotFoundError for a terminal that is not there, and where nobody decides."""
        snapshot, facts = self.now(), self.facts
        row = snapshot.roster.find(terminal)
        if facts is None:
            raise NotFoundError("nobody decides who may be served", where=snapshot.world.scenario.name, mend=_CONTROL)
        table, at = snapshot.roster.tables[row], snapshot.time if time is None else time
        plan = snapshot.current
        if plan is not None and row < len(plan.roster):
            position, speed = plan.places.positions[row], float(plan.places.speed_m_s[row])
        else:
            position, speed = Positions.at([table.latitude_deg], [table.longitude_deg])[0], 0.0
        if time is not None and position is not None:  # a question about another time takes it to have been here then
            position = replace(position, measured_at=None)
        known = as_known if as_known is not None else snapshot.time
        with nullcontext() if self._known is None else self._known.mutex:
            compiled = self._compiled_at(facts, known)
        return decide(compiled, table.unit or table.name, position, at, speed_m_s=speed)

    def _compiled_at(self, facts: Facts, known_at: np.datetime64) -> Compiled:
        kept = self._compiled
        if kept is None or kept[0] is not facts or kept[1] != len(facts) or kept[2].known_at != known_at:
            same = kept is not None and kept[0] is facts and kept[1] == len(facts) and kept[2].known_at <= known_at
            compiled = compile_facts(facts, known_at, kept[2] if same and kept is not None else None)
            kept = self._compiled = facts, len(facts), compiled
        return kept[2]

    def may_be_served(self, terminal: str) -> bool:
        """Whether the leases that are out permit it now; without service control always."""
        snapshot = self.now()
        snapshot.view.roster.find(terminal)
        if self._known is None:
            return True
        with self._leasing:
            roster, book = self._books.get(snapshot.slot, (None, None))
            row = None if roster is None else roster.row.get(terminal)
            return book is not None and row is not None and bool(book.served(snapshot.time)[row])

    # What is changed

    def set_time(
        self,
        *,
        speed: float | None = None,
        paused: bool | None = None,
        step_s: float | None = None,
        at: np.datetime64 | None = None,
    ) -> Snapshot:
        """Run faster or slower, pause or go on, step on while paused, or jump to another time.

        A step plans and lives through every slot on its way. A jump is a gap: nothing is known of the time between.
        Raises InputError.
        """
        if speed is not None:
            self.clock.set_speed(speed)
        if at is not None:
            self._jump(at)
        if paused is not None:
            (self.clock.pause if paused else self.clock.resume)()
        if step_s is not None:
            self._step(step_s)
        if speed is not None or paused is not None or at is not None:
            if self._live_time:
                self._live_time = False
                self.database.set_meta(live="no")
            self.events.add("time", self.clock.now_ns(), speed=self.clock.speed, paused=self.clock.paused)
        self._poke()
        return self.now()

    def add_terminal(self, document: Mapping[str, Any]) -> str:
        """Add a terminal, given by the fields of a scenario's `[[terminals]]`; its name. Raises as `add_terminals`."""
        return self.add_terminals([document])[0]

    def add_terminals(self, documents: Sequence[Mapping[str, Any]]) -> list[str]:
        """Add terminals, all or none; their names. Raises ScenarioError for fields, SkyhaulError for a name that is
        there already, NotFoundError for a PoP that is not."""
        now = np.datetime64(self.clock.now_ns(), "ns")
        tables = [terminal_of(document, now) for document in documents]
        with self._mutex:
            roster = self._inputs.roster
            names = set(roster.row)
            for table in tables:
                names_once(names, table.name)
                names.add(table.name)
            self._change_roster((*roster.tables, *tables), {table.name: _document(table) for table in tables})
        for table in tables:
            self.events.add("terminal", self.clock.now_ns(), terminal=table.name, change="added")
        return [table.name for table in tables]

    def move_terminal(
        self,
        name: str,
        latitude_deg: float | None = None,
        longitude_deg: float | None = None,
        height_m: float | None = None,
        *,
        track: Sequence[Sequence[Any]] | None = None,
    ) -> None:
        """Move a terminal to a place, or along a track of waypoints [time, latitude, longitude, height].

        Raises NotFoundError for a name that is not there, ScenarioError for a place or track.
        """
        with self._mutex:
            roster = self._inputs.roster
            row = roster.find(name)
            table, now = roster.tables[row], np.datetime64(self.clock.now_ns(), "ns")
            if track is not None:
                document = _document(table)
                document = {
                    key: value for key, value in document.items() if key not in ("latitude_deg", "longitude_deg")
                }
                moved = terminal_of(document | {"track": [list(point) for point in track]}, now)
            elif latitude_deg is None or longitude_deg is None:
                raise InputError("no place and no track", where=name, mend="give latitude and longitude, or a track")
            else:
                moved = stands_at(table, latitude_deg, longitude_deg, height_m)
            tables = (*roster.tables[:row], moved, *roster.tables[row + 1 :])
            self._change_roster(tables, {table.name: _document(moved)})
        self.events.add("terminal", self.clock.now_ns(), terminal=table.name, change="moved")

    def remove_terminal(self, name: str) -> None:
        """Take a terminal away; what is on record of it stays. Raises NotFoundError, and SkyhaulError for the last."""
        with self._mutex:
            roster = self._inputs.roster
            row = roster.find(name)
            removed = roster.tables[row].name
            if len(roster) == 1:
                raise SkyhaulError(f"{removed} is the last terminal", where="terminals", mend="add another one first")
            self._change_roster((*roster.tables[:row], *roster.tables[row + 1 :]), {removed: None})
        self.events.add("terminal", self.clock.now_ns(), terminal=removed, change="removed")

    def inject_failure(
        self,
        kind: FailureKind,
        target: str,
        start: np.datetime64 | None = None,
        end: np.datetime64 | None = None,
        note: str = "",
    ) -> FailureRow:
        """Let something fail from `start` (now) until `end` (for good). Raises NotFoundError, InputError."""
        now = self.clock.now_ns()
        begins = np.datetime64(now, "ns") if start is None else start.astype("datetime64[ns]")
        failure = Failure(kind, target, begins, end)
        with self._mutex:
            Failures((failure,), self._inputs.world.elements, self._inputs.world.ground)
            begins_ns = int(begins.astype(np.int64))
            ends_ns = None if end is None else int(end.astype("datetime64[ns]").astype(np.int64))
            number = self.database.add_failure(kind, target, begins_ns, ends_ns, note)
            row = FailureRow(number, kind, target, begins_ns, ends_ns, note)
            self._change_failures((*self._view.failures, row))
        self.events.add("failure", now, number=number, kind=kind, target=target, change="injected")
        return row

    def end_failure(self, number: int) -> FailureRow:
        """Mend a failure now. Raises NotFoundError for one that is not there, SkyhaulError for one that is over."""
        now = self.clock.now_ns()
        with self._mutex:
            found = [row for row in self._view.failures if row.number == number]
            if not found:
                raise NotFoundError(f"no failure has the number {number}", mend="the list of failures has them")
            if found[0].end_ns is not None and found[0].end_ns <= now:
                raise SkyhaulError(f"failure {number} is over", where="failure", mend="it ended already")
            ended = found[0]._replace(end_ns=max(now, found[0].start_ns + 1))
            assert ended.end_ns is not None
            self.database.end_failure(number, ended.end_ns)
            self._change_failures(tuple(ended if row.number == number else row for row in self._view.failures))
        self.events.add("failure", now, number=number, kind=ended.kind, target=ended.target, change="ended")
        return ended

    def swap_elements(self, elements: str | Path | ConstellationTable, *, skip_bad: bool = True) -> World:
        """Take other elements from the next slot that is not planned on; service goes on meanwhile.

        Raises ElementsError and what else reading them raises, TimeRangeError where they say nothing of now.
        """
        if not isinstance(elements, ConstellationTable):
            elements = _elements_table(self._kept_file(Path(elements)), skip_bad)
        table = elements
        world = with_constellation(self._inputs.world, table)
        check_times(world, np.datetime64(self.clock.now_ns(), "ns"), _CHECKED)
        with self._mutex:
            world = with_terminals(world, self._inputs.roster.tables)
            self.database.set_meta(elements=_elements_text(table))
            self._change(world=world)
        self.events.add("time", self.clock.now_ns(), elements=world.elements_name, count=len(world.elements))
        return world

    def watch(self, terminal: str) -> None:
        """Tell every handover of a terminal as an event of its own, however many terminals there are."""
        self._watched.add(terminal)

    # The engine

    def _kept_file(self, path: Path) -> Path:
        """A copy of a file of elements in the operation's folder, where there is one."""
        if self._folder is None or not path.is_file():
            return path
        name = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        copy = self._folder / f"elements-{name}{''.join(path.suffixes[-2:])}"
        if not copy.exists():
            part = copy.with_name(f"{copy.name}.part")
            shutil.copyfile(path, part)
            part.rename(copy)
        return copy

    def _roster_of(self, world: World) -> Roster:
        """The scenario's terminals and, over them, what was added, moved and removed."""
        start = self.run_start
        tables = {table.name: anchored(table, start) for table in world.scenario.terminals}
        for name, document in self.database.terminals():
            if document is None:
                tables.pop(name, None)
            else:
                tables[name] = terminal_of(document, start)
        return Roster.of(tables.values(), self.database.numbers("terminal", list(tables)))

    def _all_failures(self, rows: Sequence[FailureRow]) -> tuple[Failure, ...]:
        return (
            *self._scenario_failures,
            *(
                Failure(
                    row.kind,  # type: ignore[arg-type]
                    row.target,
                    np.datetime64(row.start_ns, "ns"),
                    None if row.end_ns is None else np.datetime64(row.end_ns, "ns"),
                )
                for row in rows
            ),
        )

    def _change_roster(self, tables: Sequence[Any], kept: Mapping[str, Mapping[str, Any] | None]) -> None:
        listed = tuple(tables)
        world = with_terminals(self._inputs.world, listed)  # raises for a PoP that is not there
        numbers = self.database.numbers("terminal", [table.name for table in listed])
        self.database.put_terminals(kept)
        self._change(world=world, roster=Roster.of(listed, numbers))

    def _change_failures(self, rows: tuple[FailureRow, ...]) -> None:
        self._change(failures=self._all_failures(rows), rows=rows)

    def _change(
        self,
        world: World | None = None,
        roster: Roster | None = None,
        failures: tuple[Failure, ...] | None = None,
        rows: tuple[FailureRow, ...] | None = None,
    ) -> None:
        """Plan with other inputs from here on."""
        with self._mutex:
            old = self._inputs
            self._inputs = Inputs(
                old.generation + 1,
                world or old.world,
                roster or old.roster,
                old.failures if failures is None else failures,
            )
            self._show(
                generation=self._inputs.generation,
                world=self._inputs.world,
                roster=self._inputs.roster,
                failures=self._view.failures if rows is None else rows,
                drafts=(),
            )
            self._replan = True
        self._poke()

    def _show(self, **changed: Any) -> None:
        with self._mutex:
            self._view = replace(self._view, **changed)

    def _trouble(self, source: str, text: str) -> None:
        """Show what is wrong with a part of the operation; nothing, once it goes on."""
        with self._mutex:
            if self._troubles.get(source, "") == text:
                return
            self._troubles[source] = text
            self._show(trouble="; ".join(filter(None, self._troubles.values())))

    def _poke(self) -> None:
        with self._wake:
            self._wake.notify_all()

    def _plan_first(self) -> None:
        """The plan of the slot that runs, from nothing; of the next, where that has begun meanwhile."""
        with self._planning:
            slot = int(slot_number(np.datetime64(self.clock.now_ns(), "ns")))
            facts, heard = self._heard()
            self._take(self._planner.first(slot, self._inputs, facts, heard))
            while slot < (now := int(slot_number(np.datetime64(self.clock.now_ns(), "ns")))):
                slot = now
                self._make(slot)
            with self._living:
                self._seen_ns = self.clock.now_ns()
            self._live()

    def _heard(self) -> tuple[Facts | None, int | None]:
        """The facts as the registry has them now, and up to when they are known."""
        if self._known is None:
            return None, None
        self._known.hear(_HEAR_S)
        for fact in self._known.news():
            if isinstance(fact, Order | OrderEnd | Approval):
                order = fact.id if isinstance(fact, Order) else fact.order
                self.events.add("order", self.clock.now_ns(), fact=fact.id, change=type(fact).__name__, order=order)
        error = self._known.error
        if (error is None) != self._answers:
            self._answers = error is None
            self.events.add(
                "store", self.clock.now_ns(), answers=error is None, error="" if error is None else str(error)
            )
        self._trouble("registry", "" if error is None else str(error))
        self._show(heard_ns=self._known.heard_ns)
        return self._known.facts, self._known.heard_ns

    def _take(self, plan: SlotPlan) -> None:
        """Show a plan, and record what it decided."""
        with self._mutex:
            kept = {slot: old for slot, old in self._view.plans.items() if slot > plan.slot - KEPT_SLOTS}
            drafts = tuple(draft for draft in self._view.drafts if draft.slot > plan.slot)
            self._show(plans={**kept, plan.slot: plan}, drafts=drafts)
        if self._known is not None:
            self._renew(plan)
        before = self._leases_before
        decisions = changes(None if before is None else _aligned(*before, plan.roster), plan.leases)
        self._leases_before = plan.roster, plan.leases
        self._tell_decisions(plan, decisions)
        if self._known is not None:
            self._known.record(decisions)

    def _renew(self, plan: SlotPlan) -> None:
        with self._leasing:
            kept = {slot: known for slot, known in self._books.items() if slot > plan.slot - KEPT_SLOTS}
            known = kept.get(plan.slot, kept.get(plan.slot - 1))
            if known is None or known[0] is not plan.roster:
                known = plan.roster, LeaseBook(len(plan.roster))
            known[1].renew(plan.leases)
            self._books = {**kept, plan.slot: known}

    def _tell_decisions(self, plan: SlotPlan, decisions: Sequence[Decision]) -> None:
        for decision in decisions[:_EACH]:
            self.events.add(
                "decision",
                self.clock.now_ns(),
                terminal=decision.terminal,
                code=decision.code.name,
                at_ns=int(decision.time.astype("datetime64[ns]").astype(np.int64)),
                slot=plan.slot,
            )
        if len(decisions) > _EACH:
            self.events.add("decision", self.clock.now_ns(), more=len(decisions) - _EACH, slot=plan.slot)

    def _plan_on(self) -> None:
        """The thread that plans."""
        while not self._stop.is_set():
            busy = False
            try:
                busy = self._plan_some()
                self._trouble("plans", "")
            except Exception as error:  # the next try may do better, and until then nobody is served
                _log.exception("planning failed")
                self._trouble("plans", _said(error))
                self._stop.wait(1.0)
            if not busy:
                with self._wake:
                    self._wake.wait(self._idle_s())

    def _idle_s(self) -> float:
        """Seconds until the next slot starts, at most."""
        now = self.clock.now_ns()
        start = now - (now - 12 * SECOND_NS) % SLOT_NS + SLOT_NS
        return min(1.0, max(0.005, self.clock.wall_s_until(start)))

    def _plan_some(self) -> bool:
        """Do what is most urgent of what there is to plan; whether there was anything."""
        with self._planning:
            view, slot = self._view, int(slot_number(np.datetime64(self.clock.now_ns(), "ns")))
            current, following = view.plans.get(slot), view.plans.get(slot + 1)
            if current is None:
                # One that would come when its slot is over helps nobody: the next one can be in time.
                left = self.clock.wall_s_until(int(slot_start(slot + 1).astype(np.int64)))
                self._make(slot if left > self._plan_s or following is not None else slot + 1)
            elif following is None:
                self._make(slot + 1)
            elif self._replan and following.generation != self._inputs.generation:
                self._replan = False
                left = self.clock.wall_s_until(following.start_ns)
                if left < 2.0 * self._plan_s + 0.2:
                    return True
                self._make(slot + 1)
            elif len(view.drafts) < AHEAD - 1:
                last_planned: SlotPlan | Draft = view.drafts[-1] if view.drafts else following
                if last_planned.generation != self._inputs.generation and view.drafts:
                    self._show(drafts=())
                    return True
                inputs = self._inputs
                if last_planned.generation != inputs.generation:
                    return False
                draft = self._planner.draft(last_planned, inputs, None if self._known is None else self._known.facts)
                with self._mutex:
                    if inputs is self._inputs and self._view.drafts is view.drafts:
                        self._show(drafts=(*view.drafts, draft))
            else:
                return False
            return True

    def _make(self, slot: int) -> None:
        """Plan a slot for sure; it follows from the last one before it that has a plan."""
        began = time.monotonic()
        inputs = self._inputs
        facts, heard = self._heard()
        view = self._view
        before = max((old for old in view.plans if slot - WARM_UP_SLOTS <= old < slot), default=None)
        if before is None:
            plan = self._planner.first(slot, inputs, facts, heard)
        else:
            draft = next((draft for draft in view.drafts if draft.slot == slot), None)
            plan = self._planner.next(slot, view.plans[before], inputs, facts, heard, draft)
        self._plan_s = 0.7 * self._plan_s + 0.3 * (time.monotonic() - began)
        self._take(plan)

    def _follow(self) -> None:
        """The thread that lives through every second."""
        while not self._stop.is_set():
            try:
                self._live()
                self._trouble("engine", "")
            except Exception as error:  # a second that could not be kept is a gap
                _log.exception("a second was not lived through")
                self._trouble("engine", _said(error))
            now = self.clock.now_ns()
            due = self.clock.wall_s_until(now // SECOND_NS * SECOND_NS + SECOND_NS)
            self._stop.wait(min(_TICK_S, max(0.001, due)))

    def _pack_on(self) -> None:
        """The thread that packs the hours that are over."""
        while not self._stop.is_set():
            try:
                self._sessions.pack(int(slot_number(np.datetime64(self.clock.now_ns(), "ns"))))
                self._trouble("packing", "")
            except Exception as error:  # what is not packed takes more room, no more
                _log.exception("an hour was not packed")
                self._trouble("packing", _said(error))
            self._stop.wait(_PACK_S)

    def _live(self) -> None:
        """Live through the time since it was last done: slots begin, seconds are kept."""
        with self._living:
            self._live_on()

    def _live_on(self) -> None:
        now = self.clock.now_ns()
        if now < self._seen_ns:
            self._seen_ns = now
        first = max(self._seen_ns // SECOND_NS + 1, now // SECOND_NS - SECONDS)
        for second in range(first, now // SECOND_NS + 1):
            at = second * SECOND_NS
            slot = int(slot_number(np.datetime64(at, "ns")))
            view = self._view
            plan = view.plans.get(slot)
            if plan is not None:
                self._begin(plan)
                elements = plan.world.elements
                self._history.add(plan.paths.at(at), plan.roster.number, elements.catalog_number)
            elif (at - 12 * SECOND_NS) % SLOT_NS == 0:
                self._show(late=view.late + 1)
                self.events.add("late", now, slot=slot)
        self._seen_ns = now
        plan = self._view.plans.get(int(slot_number(np.datetime64(now, "ns"))))
        if plan is not None:
            self._begin(plan)

    def _begin(self, plan: SlotPlan) -> None:
        """A slot starts: keep it, tell it."""
        if self._recorded_slot == plan.slot:
            return
        before = self._view.plans.get(plan.slot - 1)
        self._recorded_slot = plan.slot
        try:
            self._sessions.record(plan, anew=self._lived)
            self._lived = True
            self._trouble("sessions", "")
        except StoreError as error:
            self._trouble("sessions", str(error))
        served = int(np.count_nonzero(plan.plan.reason == Reason.SERVED))
        refused = int(np.count_nonzero(plan.plan.reason == Reason.NO_GRANT))
        self.events.add(
            "slot",
            plan.start_ns,
            slot=plan.slot,
            served=served,
            refused=refused,
            terminals=len(plan.roster),
            ready_before_s=plan.ready_before_s,
        )
        if before is not None:
            self._tell_handovers(before, plan)

    def _tell_handovers(self, before: SlotPlan, plan: SlotPlan) -> None:
        rows = np.array([before.roster.row.get(table.name, -1) for table in plan.roster.tables], dtype=np.int64)
        if before.roster is plan.roster:
            rows = np.arange(len(plan.roster))
        old_catalog = np.append(before.world.elements.catalog_number, -1)
        new_catalog = np.append(plan.world.elements.catalog_number, -1)
        old = np.where(rows >= 0, old_catalog[before.paths.satellite[rows]], -1)
        new = new_catalog[plan.paths.satellite]
        changed = np.flatnonzero((old != new) & (rows >= 0))
        each = len(plan.roster) <= _EACH
        for row in changed.tolist():
            name = plan.roster.tables[row].name
            if each or name in self._watched:
                self.events.add(
                    "handover",
                    plan.start_ns,
                    terminal=name,
                    slot=plan.slot,
                    from_satellite=int(old[row]),
                    to_satellite=int(new[row]),
                )
        if not each:
            self.events.add("handover", plan.start_ns, slot=plan.slot, count=len(changed))

    def _step(self, step_s: float) -> None:
        if not self.clock.paused:
            raise InputError("a step while time runs", where="step_s", mend="pause first")
        if not 0.0 < step_s <= _STEP_MOST_S:
            raise InputError(f"a step of {step_s:g} s", where="step_s", mend=f"more than 0, up to {_STEP_MOST_S:g} s")
        target = self.clock.now_ns() + round(step_s * SECOND_NS)
        with self._planning:
            while (now := self.clock.now_ns()) < target:
                slot = int(slot_number(np.datetime64(now, "ns")))
                self._sure_of(slot)
                end = int(slot_start(slot + 1).astype(np.int64))
                if end <= target:
                    self._sure_of(slot + 1)
                self.clock.go_on_to(min(end, target))
                self._live()

    def _sure_of(self, slot: int) -> None:
        if self._view.plans.get(slot) is None:
            self._make(slot)

    def _jump(self, at: np.datetime64) -> None:
        time_ns = int(at.astype("datetime64[ns]").astype(np.int64))
        check_times(self._inputs.world, at, _CHECKED)
        with self._planning:
            with self._living:
                self.clock.jump(time_ns)
                self._seen_ns = time_ns
                self._history.forget()
                self._books = {}
                self._show(plans={}, drafts=())
                self._recorded_slot, self._lived = None, True
            self._plan_first()


def _aligned(known: Roster, leases: Leases, roster: Roster) -> Leases:
    """The leases of a roster in the rows of another one; who was not in it is in no state yet."""
    if roster is known:
        return leases
    rows = np.array([known.row.get(table.name, -1) for table in roster.tables], dtype=np.int64)
    columns = {name: getattr(leases, name)[rows] for name in ("granted", "ends", "code", "rule", "rate_bps", "cell")}
    ruling = np.where(rows < 0, np.int8(-1), leases.ruling[rows])
    return replace(leases, ruling=ruling, question=None, **columns)


def _said(error: Exception) -> str:
    return str(error) if isinstance(error, SkyhaulError) else f"{type(error).__name__}: {error}"


def _document(table: Any) -> dict[str, Any]:
    document: dict[str, Any] = table.model_dump(mode="json", exclude_defaults=True)
    return document


def _start_of(
    world: World, database: OperationDatabase, start: np.datetime64 | None, now: np.datetime64
) -> tuple[np.datetime64, bool]:
    """When to start, and whether the system's time is that of the wall; see `Operation.open`."""
    if start is not None:
        return start.astype("datetime64[ns]"), False
    last = SessionLog(database).last
    if last is not None and database.meta("live") == "no":
        return slot_start(last + 1), False
    if world.scenario.time.start is not None:
        return as_numpy(world.scenario.time.start, now), False
    if not world.synthetic and abs(np.median((world.elements.epoch - now) / np.timedelta64(1, "D"))) > _FRESH_DAYS:
        return world.default_start(), False
    return now, True


def _elements_table(path: Path, skip_bad: bool) -> ConstellationTable:
    if not path.is_file():
        raise NotFoundError("there is no such file of elements", where=str(path), mend="give a file of OMM or TLE")
    return ConstellationTable(elements=path, skip_bad=skip_bad)


def _elements_text(table: ConstellationTable) -> str:
    document = table.model_dump(mode="json")
    if table.elements is not None:  # which is written by its name alone
        document["elements"] = str(table.elements.resolve())
    return json.dumps(document)


def _elements_of(text: str) -> ConstellationTable:
    document = json.loads(text)
    if document["elements"] is not None:
        _elements_table(Path(document["elements"]), True)
    return ConstellationTable.model_validate(document)


def _registry_of(scenario: Scenario) -> str | None:
    """The registry that a scenario's facts lie in, if they lie in one and nowhere else."""
    control = scenario.control
    if control is None or len(control.facts) != 1:
        return None
    place = control.facts[0]
    return place if "://" in place or is_registry(place) else None


def _locked(folder: Path) -> int:
    """A folder is one operation's at a time."""
    descriptor = os.open(folder / "operation.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise StoreError(
            "an operation uses this folder", where=str(folder), mend="stop that one, or give another folder"
        ) from None
    return descriptor
