"""Killed at any moment of a write: nothing acknowledged is lost, nothing is there by half, and the log verifies."""

from __future__ import annotations

import multiprocessing
import random
import time
from collections import Counter
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

import pytest
import sqlalchemy as sa

from skyhaul.control.store._schema import DECISIONS, FACTS
from skyhaul.errors import StoreError
from tests.control.log.test_crashes import dies_at
from tests.control.store.conftest import Place
from tests.control.store.postgresql import Server
from tests.control.store.writer import batch_of, write

ROUNDS = 10
KILLS = 20  # of a round: 200 for each engine
OPENING_S = 0.05  # about as long as a writer takes to open the store
WRITING_S = 0.08  # some ten batches

# Forks processes that have imported everything already.
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.control.store.writer"])


def started(place: Place, name: str) -> tuple[BaseProcess, Connection]:
    here, there = _FORKS.Pipe(duplex=False)
    arguments = (place.database, str(place.log), str(place.key), name, there)
    process = _FORKS.Process(target=write, args=arguments, daemon=True)
    process.start()
    there.close()
    return process, here


def acknowledged(said: Connection) -> list[tuple[str, int, int]]:
    """What a dead writer had said to its end."""
    found = []
    while True:
        try:
            found.append(said.recv())
        except (EOFError, OSError):
            return found


def check(place: Place, said: list[tuple[str, int, int]]) -> None:
    with place.open() as store:
        facts = store.facts()
        with store._database.reading() as connection:
            of_fact = dict(connection.execute(sa.select(FACTS.c.id, FACTS.c.leaf)).all())
            of_decision = dict(connection.execute(sa.select(DECISIONS.c.leaf, DECISIONS.c.terminal)).all())
        assert {fact.id for fact in facts} == set(of_fact)
        sizes = Counter(tuple(id_.rsplit("/", 2)[::2]) for id_ in of_fact)
        assert all(count == int(size) for (_, size), count in sizes.items()), "a batch is there by half"
        for batch, start, stop in said:
            if int(batch.rpartition("-")[2]) % 4 == 3:
                assert of_decision[start] == batch.rpartition("-")[0]
            else:
                assert [of_fact[fact.id] for fact in batch_of(batch)] == list(range(start, stop))
    result = place.verify()
    assert result.ok, result.findings
    assert result.checkpoint is not None
    assert result.checkpoint.size == len(of_fact) + len(of_decision)


@pytest.mark.slow
@pytest.mark.parametrize("turn", range(ROUNDS))
def test_nothing_acknowledged_is_lost_to_a_kill(engine: str, new_place: Callable[[str], Place], turn: int) -> None:
    """Every other round two processes write at once, and both are killed."""
    place = new_place(engine)
    place.create().close()
    draw = random.Random(f"{engine} {turn}")
    said: list[tuple[str, int, int]] = []
    kills = 0
    while kills < KILLS:
        writers = [started(place, f"{turn}.{kills}.{which}") for which in range(1 + turn % 2)]
        for process, heard in writers:
            if draw.random() < 0.2:
                time.sleep(draw.uniform(0, OPENING_S))
            else:
                said.append(heard.recv())
                time.sleep(draw.uniform(0, WRITING_S))
            process.kill()
            process.join()
            assert process.exitcode == -9, "it died before it was killed"
            said += acknowledged(heard)
            heard.close()
            kills += 1
        check(place, said)
    assert len(said) > KILLS // 4, "writers were killed before they wrote"


def test_nothing_acknowledged_is_lost_when_the_server_dies(server: Server, new_place: Callable[[str], Place]) -> None:
    place = new_place("postgresql")
    place.create().close()
    said: list[tuple[str, int, int]] = []
    draw = random.Random(3)
    for turn in range(3):
        process, heard = started(place, f"server {turn}")
        said.append(heard.recv())
        time.sleep(draw.uniform(0, 0.05))
        server.stop()
        process.join()
        assert process.exitcode == 1  # with an error in one line, not by a signal
        said += acknowledged(heard)
        heard.close()
        server.start()
        check(place, said)


def test_a_store_goes_on_after_its_server_came_back(server: Server, new_place: Callable[[str], Place]) -> None:
    place = new_place("postgresql")
    with place.create() as store:
        store.append(batch_of("before"), by="clerk")
        server.stop()
        known_at, facts = store.known_at, store.facts()
        for attempt in (store.refresh, lambda: store.append(batch_of("meanwhile"), by="clerk")):
            with pytest.raises(StoreError, match="cannot be reached"):
                attempt()
        assert (store.known_at, store.facts()) == (known_at, facts)
        server.start()
        store.append(batch_of("after"), by="clerk")
        assert len(store.facts()) == len(batch_of("before")) + len(batch_of("after"))
    assert place.verify().ok


def there(place: Place) -> bool:
    try:
        place.read().close()
    except StoreError:
        return False
    return True


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_store_whose_making_is_killed_can_be_made_again(engine: str, new_place: Callable[[str], Place]) -> None:
    """Dead at each change of the disk in turn: the store is there whole, or is not there."""
    step, died = 0, True
    while died:
        step += 1
        place = new_place(engine)
        died = dies_at(step, lambda place=place: place.create().close())  # type: ignore[misc]
        with place.open() if there(place) else place.create() as store:
            store.append(batch_of("first"), by="clerk")
        assert place.verify().ok
    assert step > 5
