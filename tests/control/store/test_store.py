"""What is recorded stays, in order and in time, for every process, on both engines."""

from __future__ import annotations

import itertools
import json
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skyhaul.control.decision import Outcome, compile_facts
from skyhaul.control.facts import Action, Fact, Facts, Party, Target, Terminal, utc
from skyhaul.control.log import LogReader, VerifierKey, verify_log, verify_proof
from skyhaul.control.store import Receipt, Store
from skyhaul.errors import ControlError, NotFoundError, RecordError, StoreError, TamperError
from tests.control.histories import histories
from tests.control.store.conftest import Place
from tests.control.worlds import NOW, START, ask, known, order, said, world


def party(name: str, parent: str = "") -> Party:
    return Party(party=name, parent=parent, **said(f"party-{name}"))


def parties(prefix: str, count: int) -> list[Fact]:
    return [party(f"{prefix}{i}") for i in range(count)]


def times(facts: Facts) -> list[np.datetime64]:
    return [fact.recorded_at for fact in facts]


def test_what_is_recorded_is_there_again_after_closing(place: Place) -> None:
    with place.create() as store:
        receipt = store.append(world(), by="clerk")
        assert receipt.leaves == range(len(world()))
        assert list(store.facts()) == list(Facts(receipt.facts))
    with place.open() as store:
        assert list(store.facts()) == list(Facts(receipt.facts))
        assert [replace(fact, recorded_at=START) for fact in receipt.facts] == world()
    with place.read() as store:
        assert set(store.facts()) == set(receipt.facts)
    assert place.verify().ok


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories(), keep=st.booleans())
def test_any_history_comes_back_as_it_was(new_place: Callable[[str], Place], history: list[Fact], keep: bool) -> None:
    place = new_place("sqlite")
    place.clock.now = utc("2025-01-01")
    with place.create() as store:
        receipt = store.append(history, by="clerk", keep_times=keep)
        assert (receipt.facts == tuple(history)) == keep
    with place.open() as store:
        found = {fact.id: fact for fact in store.facts()}
        assert found == {fact.id: fact for fact in receipt.facts}
    assert place.verify().ok


def test_stamps_rise_with_the_entries_even_when_the_clock_goes_back(store: Store, place: Place) -> None:
    stamps: list[np.datetime64] = []
    for turn in range(6):
        receipt = store.append(parties(f"{turn}-", 3), by="clerk")
        stamps += [fact.recorded_at for fact in receipt.facts]
        assert receipt.recorded_at == stamps[-1]
        place.clock.now += np.timedelta64(-7 if turn % 2 else 5, "D")
    assert all(before < after for before, after in itertools.pairwise(stamps))


def test_a_stamp_is_later_than_any_instant_up_to_which_facts_were_said_to_be_known(store: Store, place: Place) -> None:
    store.append(parties("A", 1), by="clerk")
    store.refresh()
    known_at = store.known_at
    place.clock.now -= np.timedelta64(1, "D")
    assert store.append(parties("B", 1), by="clerk").facts[0].recorded_at > known_at


def test_kept_times_stay_and_may_not_lie_ahead(store: Store, place: Place) -> None:
    (kept,) = store.append([party("A")], by="clerk", keep_times=True).facts
    assert kept.recorded_at == START
    said_at = json.loads(store.body(0))["at"]
    assert utc(said_at) > utc("2024-02-29")
    ahead = replace(party("B"), recorded_at=utc("2024-03-02"))
    with pytest.raises(ControlError, match="Party party-B: was recorded in the future"):
        store.append([party("C"), ahead], by="clerk", keep_times=True)
    assert len(store.facts()) == 1


def test_a_batch_is_recorded_whole_or_not_at_all(store: Store, place: Place) -> None:
    store.append([party("A")], by="clerk")
    with pytest.raises(ControlError, match="there is a fact party-A already"):
        store.append([*parties("B", 5), party("A")], by="clerk")
    with pytest.raises(ControlError, match="has a NUL character"):
        store.append([*parties("C", 5), replace(party("D"), author="nul\0")], by="clerk")
    with pytest.raises(ControlError, match=r"its entry in the log has .*at most 65,535"):
        store.append([*parties("C", 5), replace(party("D"), source="x" * 70_000)], by="clerk")
    with pytest.raises(ControlError, match="half a character"):
        store.append([*parties("C", 5), replace(party("D"), source="\ud800")], by="clerk")
    with pytest.raises(ControlError, match="Party party-D: its text has half a character"):
        store.append([*parties("C", 5), replace(party("D"), parent="\udfff")], by="clerk")
    with pytest.raises(ControlError, match="recorded by nobody"):
        store.append(parties("C", 5), by=" ")

    def refuse(facts: Facts, batch: object) -> None:
        assert len(facts) == 1
        raise ControlError("not so", where="here")

    with pytest.raises(ControlError, match="not so"):
        store.append(parties("C", 5), by="clerk", check=refuse)
    assert [fact.id for fact in store.facts()] == ["party-A"]
    with place.read() as other:
        assert [fact.id for fact in other.facts()] == ["party-A"]
        assert len(list(other.bodies())) == 1
    assert store.append([], by="clerk").leaves == range(1, 1)
    assert place.verify().ok


def test_another_process_sees_what_was_recorded_once_it_looks(place: Place) -> None:
    with place.create() as first, place.open() as second:
        first.append(parties("A", 2), by="one")
        assert len(second.facts()) == 2
        first.append(parties("B", 2), by="one")
        assert len(second.facts()) == 2
        assert second.refresh()
        assert not second.refresh()
        facts = second.facts()
        assert len(facts) == 4
        assert second.append(parties("C", 2), by="two").leaves == range(4, 6)
        assert first.append(parties("D", 1), by="one").leaves == range(6, 7)
        assert len(first.facts()) == 7
        second.refresh()
        assert second.facts() is facts
        assert len(facts) == 7
        assert times(facts) == sorted(times(facts))
    assert place.verify().ok


def test_compiled_facts_go_on_from_what_came_before(store: Store) -> None:
    store.append(world(), by="clerk")
    facts = store.facts()
    before = compile_facts(facts, store.known_at)
    terminal = next(fact for fact in facts if isinstance(fact, Terminal))
    store.append([replace(terminal, id="again", software="6")], by="clerk")
    assert store.facts() is facts
    after = compile_facts(facts, store.known_at, before)
    assert after.world is before.world
    assert compile_facts(facts, before.known_at).known_ns < after.known_ns


def test_it_says_how_old_its_knowledge_is(place: Place) -> None:
    with place.create() as store, place.open() as other:
        store.append(parties("A", 1), by="clerk")
        known_at = store.known_at
        other.refresh()
        assert other.known_at > known_at
        place.clock.now += np.timedelta64(90, "s")
        assert 90 < other.age_s() < 91
        other.refresh()
        assert other.age_s() < 0.1


def test_what_is_known_can_be_asked_while_the_database_keeps_another_waiting(place: Place) -> None:
    with place.create() as store, place.open() as other:
        store.append(parties("A", 1), by="clerk")
        with other._database.writing():
            waiting = threading.Thread(target=store.refresh)
            waiting.start()
            waiting.join(0.1)
            assert waiting.is_alive()
            assert len(store.facts()) == 1
            assert store.age_s() >= 0
            assert waiting.is_alive()
        waiting.join()


WRITER = """
import sys, time
from skyhaul.control.facts import Party
from skyhaul.control.store import Store
database, log, key, name = sys.argv[1:]
said = {"valid_from": "2024-01-01", "recorded_at": "2024-01-01", "source": "s", "author": "a"}
with Store.open(database, log, key) as store:
    for batch in range(12):
        facts = [Party(party=f"{name}{batch}-{i}", id=f"{name}{batch}-{i}", **said) for i in range(1 + batch % 4)]
        receipt = store.append(facts, by=name)
        print(receipt.leaves.start, receipt.leaves.stop, flush=True)
"""


def test_processes_that_write_at_once_do_not_meet(place: Place) -> None:
    place.create().close()
    arguments = [place.database, str(place.log), str(place.key)]
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, *arguments, name], stdout=subprocess.PIPE, text=True)
        for name in ("ant", "bee", "cat")
    ]
    taken: list[int] = []
    for writer in writers:
        said, _ = writer.communicate(timeout=60)
        assert writer.returncode == 0
        for line in said.splitlines():
            taken += range(*map(int, line.split()))
    count = 3 * sum(1 + batch % 4 for batch in range(12))
    assert sorted(taken) == list(range(count))
    with place.open() as store:
        facts = store.facts()
        assert len(facts) == count
        assert times(facts) == sorted(set(times(facts)))
    assert place.verify().ok


def test_threads_may_share_a_store(store: Store, place: Place) -> None:
    receipts: list[Receipt] = []

    def write(name: str) -> None:
        receipts.extend(store.append(parties(f"{name}{turn}-", 3), by=name) for turn in range(5))

    threads = [threading.Thread(target=write, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(number for receipt in receipts for number in receipt.leaves) == list(range(45))
    assert len(store.facts()) == 45
    assert place.verify().ok


def test_the_log_catches_up_with_what_a_dead_process_left(place: Place) -> None:
    with place.create() as store:
        store.append(parties("A", 300), by="clerk")
        size_before = LogReader(place.log).size

        def dies(bodies: object, first: int) -> None:
            raise KeyboardInterrupt

        assert store._outbox is not None
        store._outbox.publish = dies  # type: ignore[method-assign]
        with pytest.raises(KeyboardInterrupt):
            store.append(parties("B", 10), by="clerk")
    assert LogReader(place.log).size == size_before == 300
    assert [finding.what.partition(" (")[0] for finding in place.verify().findings] == [
        "10 entries from 300 on are not in the log"
    ]
    with place.open() as store:
        assert LogReader(place.log).size == 310
        assert len(store.facts()) == 310
    assert place.verify().ok


def test_whoever_writes_next_brings_along_what_another_left(place: Place) -> None:
    with place.create() as first, place.open() as second:
        first.append(parties("A", 1), by="clerk")
        outbox = first._outbox
        assert outbox is not None
        publish, outbox.publish = outbox.publish, lambda bodies, first: None  # type: ignore[method-assign]
        first.append(parties("B", 2), by="clerk")
        second.append(parties("C", 2), by="clerk")
        assert LogReader(place.log).size == 5
        outbox.publish = publish  # type: ignore[method-assign]
        first.append(parties("D", 2), by="clerk")
    assert place.verify().ok


def test_a_log_that_is_ahead_or_of_another_store_is_refused(
    place: Place, engine: str, new_place: Callable[[str], Place]
) -> None:
    with place.create() as store:
        store.append(parties("A", 3), by="clerk")
    other = new_place(engine)
    with other.create() as store:
        store.append(parties("A", 2), by="clerk")
    with pytest.raises(StoreError, match=r"belongs to the log record\.example\.org/log by another key"):
        Store.open(other.database, place.log, place.key)
    with pytest.raises(RecordError):
        Store.open(place.database, other.log, place.key)
    if engine == "sqlite":
        copy = other.folder / "copy.db"
        with closing(sqlite3.connect(place.database)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
        with place.open() as store:
            store.append(parties("B", 3), by="clerk")
        with pytest.raises(TamperError, match="has 3 entries, its log 6: it was put back to an older state"):
            Store.open(copy, place.log, place.key)


def test_a_store_is_made_once(place: Place) -> None:
    with pytest.raises(StoreError, match=r"no such file|holds no store"):
        place.read()
    with pytest.raises(StoreError, match="holds no store"):
        place.open()
    place.create().close()
    with pytest.raises(StoreError, match="there is a store already"):
        place.create()


def test_a_store_whose_making_was_cut_off_can_be_opened(place: Place) -> None:
    with place.create() as store:
        pass
    for path in sorted(place.log.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    with place.open() as store:
        store.append(parties("A", 1), by="clerk")
    assert place.verify().ok


def test_reading_alone_changes_nothing_and_records_nothing(place: Place) -> None:
    with place.create() as store:
        store.append(parties("A", 1), by="clerk")
    with place.read() as store:
        assert store.read_only
        with pytest.raises(StoreError, match=r"is open for reading only \(open it with its log and key\)"):
            store.append(parties("B", 1), by="clerk")
        with pytest.raises(StoreError):
            store._database.writing().__enter__()


def test_decisions_are_recorded_when_they_change_what_a_terminal_may_do(store: Store, place: Place) -> None:
    served = ask(known())
    still = ask(known(), time=NOW + np.timedelta64(15, "s"))
    suspended = order("stop", Action.SUSPEND, Target.UNIT, "fixed", valid_from=NOW, recorded_at=NOW)
    later = NOW + np.timedelta64(30, "s")
    refused = ask(known(suspended, at=later), time=later)
    limited = order("slow", Action.LIMIT, Target.UNIT, "fixed", rate_bps=1e6, recorded_at=NOW)
    slow = ask(known(limited, at=later), time=later + np.timedelta64(15, "s"))
    assert store.append_decisions([served, still], by="plan").leaves == range(1)
    assert store.append_decisions([still], by="plan").leaves == range(1, 1)
    assert store.append_decisions([refused, refused, slow, ask(known(), "roaming")], by="plan").leaves == range(1, 4)
    with place.open() as other:
        assert other.append_decisions([slow], by="plan").leaves == range(4, 4)
        assert other.append_decisions([served], by="plan").leaves == range(4, 5)
    assert store.append_decisions([served], by="plan").leaves == range(5, 5)
    records = store.decisions("fixed")
    assert [(record.outcome, record.code, record.rate_bps) for record in records] == [
        (served.outcome, served.code, None),
        (served.outcome, served.code, None),
        (Outcome.REFUSED, refused.code, None),
        (Outcome.PERMITTED, slow.code, 1e6),
    ]
    assert records[2].document == json.loads(refused.to_json())
    assert [record.time for record in store.decisions("fixed", later)] == [later, later + np.timedelta64(15, "s")]
    assert [record.time for record in store.decisions("fixed", NOW, later)] == [NOW, NOW]
    assert store.decision_at("fixed", later).outcome is Outcome.REFUSED
    assert store.decision_at("fixed", "2025-01-01").rate_bps == 1e6
    with pytest.raises(NotFoundError, match="no decision about fixed up to 2024-01-01T00:00:00Z"):
        store.decision_at("fixed", "2024-01-01")
    assert store.decisions("stranger") == []
    assert place.verify().ok


def test_an_entry_is_proved_with_the_public_key_alone(store: Store, place: Place) -> None:
    store.append(world(), by="clerk")
    number = store.leaf_of("licence-N")
    proof = LogReader(place.log).prove(number).encode()
    assert len(proof) <= 2048
    key = VerifierKey.parse(store.log_key)
    assert verify_proof(proof, key, store.body(number)).checkpoint.size == len(world())
    assert json.loads(store.body(number))["fact"]["id"] == "licence-N"
    with pytest.raises(NotFoundError, match="there is no fact nothing"):
        store.leaf_of("nothing")
    with pytest.raises(NotFoundError, match="there is no entry 99"):
        store.body(99)
    assert verify_log(place.log, key, store.bodies()).ok


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE leaves SET body = body",
        "DELETE FROM leaves",
        "UPDATE facts SET source = 'x'",
        "DELETE FROM facts",
        "UPDATE decisions SET code = 1",
        "DELETE FROM decisions",
        "UPDATE store SET log_key = 'x'",
        "DELETE FROM store",
        "DELETE FROM openings",
        "UPDATE openings SET value = '1'",
        "UPDATE openings SET salt = NULL, field = 'x'",
        "UPDATE openings SET salt = NULL, leaf = leaf + 1",
    ],
)
def test_the_database_refuses_to_change_what_is_recorded(store: Store, place: Place, statement: str) -> None:
    store.append(world(), by="clerk")
    store.append_decisions([ask(known())], by="plan")
    with pytest.raises(StoreError, match="is append-only"), store._database.writing() as connection:
        connection.execute(sa.text(statement))
    assert place.verify().ok


def test_sqlite_refuses_to_replace_what_is_recorded(new_place: Callable[[str], Place]) -> None:
    place = new_place("sqlite")
    with place.create() as store:
        store.append(world(), by="clerk")
        store.append_decisions([ask(known())], by="plan")
        for table in ("store", "leaves", "facts", "openings", "decisions"):
            statement = f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}"
            with pytest.raises(StoreError, match="has that row already"), store._database.writing() as connection:
                connection.execute(sa.text(statement))


def test_columns_answer_questions_in_sql(store: Store) -> None:
    store.append(world(), by="clerk")
    with store._database.reading() as connection:
        found = connection.execute(
            sa.text(
                "SELECT id FROM facts WHERE kind = 'Licence' AND valid_from <= :at AND valid_to IS NULL ORDER BY leaf"
            ),
            {"at": int(START.astype(np.int64))},
        )
        assert [row[0] for row in found] == ["licence-N", "licence-S"]
