"""Killed at any moment and started again: the same terminals, failures and sessions, and the gap is a gap."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from itertools import pairwise
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest

from skyhaul.errors import StoreError
from skyhaul.operation import Operation
from tests.operation.conftest import SECOND, SLOT_S, scenario

KILLS = 6
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.operation.test_kills", "skyhaul.operation"])


def live(folder: str, name: str, say: Connection) -> None:
    """Change an operation without end, and say what was acknowledged."""
    with Operation.open(scenario(), folder=folder, paused=True) as operation:
        say.send(("started", operation.now().time_ns))
        for number in range(10_000):
            terminal = f"{name}-{number}"
            operation.add_terminal({"name": terminal, "latitude_deg": 48.0 + number / 1e3, "longitude_deg": 9.0})
            say.send(("added", terminal))
            if number % 3 == 0:
                operation.move_terminal(terminal, -20.0, 30.0)
                say.send(("moved", terminal))
            if number % 4 == 1:
                operation.remove_terminal(terminal)
                say.send(("removed", terminal))
            row = operation.inject_failure("gateway", "Warsaw" if number % 2 else "Kyiv", note=terminal)
            say.send(("failed", row.number))
            if number % 2:
                operation.end_failure(row.number)
                say.send(("mended", row.number))
            operation.set_time(step_s=float(SLOT_S))
            for session in operation.sessions("louvain", 0, 2**62)[-1:]:
                say.send(("session", (session.start_ns, session.satellite)))


def killed(folder: Path, name: str, after: int, wait_s: float) -> list[tuple[str, Any]]:
    """What an operation acknowledged before it was killed: that long after it had said so many things."""
    here, there = _FORKS.Pipe(duplex=False)
    process: BaseProcess = _FORKS.Process(target=live, args=(str(folder), name, there), daemon=True)
    process.start()
    there.close()
    said: list[tuple[str, Any]] = [here.recv() for _ in range(after)]
    time.sleep(wait_s)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    while True:
        try:
            said.append(here.recv())
        except (EOFError, OSError):
            return said


def test_nothing_acknowledged_is_lost_whenever_it_is_killed(folder: Path) -> None:
    chance = random.Random(5)
    there: dict[str, bool] = {"louvain": False, "lincoln": False}  # whether it was moved
    failures: dict[int, bool] = {}  # whether it was mended
    sessions: list[tuple[int, int]] = []
    starts: list[int] = []
    for kill in range(KILLS):
        said = killed(folder, f"k{kill}", 1 + 3 * kill, chance.uniform(0.0, 0.02))
        for what, about in said:
            if what == "started":
                starts.append(about)
            elif what == "added":
                there[about] = False
            elif what == "moved":
                there[about] = True
            elif what == "removed":
                del there[about]
            elif what == "failed":
                failures[about] = False
            elif what == "mended":
                failures[about] = True
            elif what == "session":
                sessions.append(about)
    assert len(there) > KILLS
    assert len(sessions) > KILLS / 2
    with Operation.open(scenario(), folder=folder, paused=True) as operation:
        view = operation.now().view
        unsaid = set(view.roster.row) - set(there)
        # One change of each life may have been done and not said; a removal may have been.
        assert len(unsaid) <= KILLS
        missing = set(there) - set(view.roster.row)
        assert len(missing) <= KILLS
        assert all(int(name.rpartition("-")[2]) % 4 == 1 for name in missing)
        for name, moved in there.items():
            if name in view.roster.row and moved:
                table = view.roster.tables[view.roster.row[name]]
                assert (table.latitude_deg, table.longitude_deg) == (-20.0, 30.0)
        kept = {row.number: row for row in view.failures}
        assert set(failures) <= set(kept)
        assert all(kept[number].end_ns is not None for number, mended in failures.items() if mended)
        recorded = operation.sessions("louvain", 0, 2**62)
        on_record = {(session.start_ns, session.satellite) for session in recorded}
        assert set(sessions) <= on_record
        # Time goes on where it stopped, and what was not lived is nowhere on record.
        assert starts == sorted(starts)
        for one, other in pairwise(recorded):
            assert one.end_ns <= other.start_ns
            assert one.before_gap == (one.end_ns < other.start_ns)
            assert (one.end_ns - one.start_ns) % (SLOT_S * SECOND) == 0


def test_the_time_that_nobody_lived_through_is_a_gap(folder: Path) -> None:
    with Operation.open(scenario(), folder=folder, paused=True) as operation:
        operation.set_time(step_s=2.0 * SLOT_S)
        end_ns = operation.now().time_ns
    resumed = scenario()
    later = operation.now().time + 40
    with Operation.open(resumed, folder=folder, start=later + 600 * SECOND, paused=True) as operation:
        operation.set_time(step_s=2.0 * SLOT_S)
        recorded = operation.sessions("louvain", 0, 2**62)
        (gap,) = [session for session in recorded if session.before_gap]
        after = recorded[recorded.index(gap) + 1]
        assert gap.end_ns <= end_ns + SLOT_S * SECOND
        assert after.start_ns >= end_ns + 570 * SECOND
        assert len(operation.history("louvain").time_ns) == 2 * SLOT_S
        assert recorded[-1].goes_on


def test_a_folder_is_one_operations_at_a_time(folder: Path) -> None:
    operation = Operation.open(scenario(), folder=folder, paused=True)
    with pytest.raises(StoreError, match="an operation uses this folder"):
        Operation.open(scenario(), folder=folder)
    operation.stop()
    Operation.open(scenario(), folder=folder, paused=True).stop()


def test_elements_that_were_swapped_in_are_there_after_a_restart(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "one.2le"
    # One satellite at 550 km, of the day; it is made up.
    file.write_text(
        "1 00005U 58002B   24047.78495062  .00000023  00000-0  28098-4 0  4753\n"
        "2 00005  53.0000 348.7242 0002000 331.7664  19.3264 15.06000000413664\n"
    )
    with Operation.open(scenario(), folder=folder, paused=True) as operation:
        operation.swap_elements(file)
        operation.set_time(step_s=2.0 * SLOT_S)
        assert operation.now().world.elements.catalog_number.tolist() == [5]
    file.unlink()  # the operation keeps a copy
    with Operation.open(scenario(), folder=folder, paused=True) as operation:
        assert operation.now().world.elements.catalog_number.tolist() == [5]
