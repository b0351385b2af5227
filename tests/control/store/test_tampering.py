"""Whatever is changed, removed or put in another order in the store is found, with what and where."""

from __future__ import annotations

import itertools
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skyhaul.control.facts import Party
from skyhaul.control.log import SigningKey, write_key
from skyhaul.control.store import Store
from skyhaul.errors import SkyhaulError
from tests.control.store.conftest import Place
from tests.control.worlds import ask, known, said, world

TABLES = ("store", "leaves", "facts", "openings", "decisions")
COLUMNS = {
    "leaves": ("number", "at", "record", "body"),
    "facts": (
        *("leaf", "id", "kind", "key", "subject", "valid_from", "valid_to", "recorded_at"),
        *("source", "author", "recorded_by", "shape"),
    ),
    "openings": ("leaf", "field", "value", "salt"),
    "decisions": ("leaf", "terminal", "time", "known_at", "outcome", "code", "rate_bps"),
}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A store with every kind of record in it, one party of it erased."""
    folder = tmp_path_factory.mktemp("filled")
    place = Place(folder, str(folder / "control.db"))
    write_key(place.key, SigningKey.generate("record.example.org/log"))
    with place.create() as store:
        fill(store)
    return place


def fill(store: Store) -> None:
    store.append(world(), by="clerk")
    store.append_decisions([ask(known()), ask(known(), "roaming"), ask(known(), "boat")], by="plan")
    store.erase([(store.leaf_of("terminal-boat"), "kit_number")], by="clerk", reason="asked for")


def copied(place: Place, folder: Path) -> Place:
    shutil.copytree(place.folder, folder)
    return Place(folder, str(folder / "control.db"))


@contextmanager
def unguarded(place: Place) -> Iterator[sqlite3.Connection]:
    """The file as somebody has it who may write it, and takes the guards away for as long as that needs."""
    with closing(sqlite3.connect(place.database)) as connection:
        guards = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in guards:
            connection.execute(f"DROP TRIGGER {name}")
        yield connection
        for _, statement in guards:
            connection.execute(statement)
        connection.commit()


def wheres(place: Place) -> list[str]:
    return [finding.where for finding in place.verify().findings]


def test_an_untouched_store_is_good(filled: Place) -> None:
    result = filled.verify()
    assert result.ok, result.findings
    assert result.checkpoint is not None
    assert result.checkpoint.size == 28


VALUES: dict[str, st.SearchStrategy[Any]] = {
    "number": st.integers(-3, 60),
    "leaf": st.integers(-3, 60),
    "salt": st.binary(min_size=32, max_size=32) | st.none() | st.just(2**40),
    "code": st.integers(0, 16),
    "rate_bps": st.none() | st.floats(0, 1e9),
}
INTEGERS = st.integers(-(2**63), 2**63 - 1)
ANYTHING = st.none() | INTEGERS | st.text() | st.binary(max_size=40)


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_value_of_any_row_that_is_changed_is_found(
    filled: Place, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    place = copied(filled, tmp_path_factory.mktemp("changed") / "place")
    table = data.draw(st.sampled_from(sorted(COLUMNS)))
    column = data.draw(st.sampled_from(COLUMNS[table]))
    value = data.draw(VALUES.get(column, ANYTHING) | ANYTHING)
    try:
        with unguarded(place) as connection:
            rows = connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()
            row = data.draw(st.integers(0, len(rows) - 1))
            keys = ("leaf", "field") if table == "openings" else (COLUMNS[table][0],)
            chosen = rows[row][: len(keys)]
            where = " AND ".join(f"{key} IS ?" for key in keys)
            connection.execute(f"UPDATE {table} SET {column} = ? WHERE {where}", (value, *chosen))
            changed = connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall() != rows
    except (sqlite3.IntegrityError, UnicodeEncodeError):
        return  # two of one number, no value where one must be, or half a character: SQLite itself refuses
    found = wheres(place)
    assert bool(found) == changed
    if changed and column not in ("number", "leaf", "field", "at"):
        assert set(found) & {f"store, entry {chosen[0]}", "store"}, found


@pytest.mark.parametrize("table", sorted(COLUMNS))
def test_every_row_that_is_removed_is_found(filled: Place, tmp_path: Path, table: str) -> None:
    with closing(sqlite3.connect(filled.database)) as connection:
        rows = connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()
    for number, row in enumerate(rows[:: max(1, len(rows) // 12)]):
        place = copied(filled, tmp_path / f"{table}{number}")
        with unguarded(place) as connection:
            second = " AND field = ?" if table == "openings" else ""
            connection.execute(f"DELETE FROM {table} WHERE {COLUMNS[table][0]} = ?{second}", row[: 1 + bool(second)])
        assert any(where.startswith(f"store, entry {row[0]}") or where == "store" for where in wheres(place)), row


@pytest.mark.parametrize("table", ["leaves", "facts", "decisions"])
def test_rows_that_change_places_are_found(filled: Place, tmp_path: Path, table: str) -> None:
    place = copied(filled, tmp_path / "swapped")
    key = COLUMNS[table][0]
    with unguarded(place) as connection:
        first, second = (row[0] for row in connection.execute(f"SELECT {key} FROM {table} ORDER BY 1 LIMIT 2"))
        for old, new in ((first, -1), (second, first), (-1, second)):
            connection.execute(f"UPDATE {table} SET {key} = {new} WHERE {key} = {old}")
    found = place.verify().findings
    assert {f"store, entry {first}", f"store, entry {second}"} <= {finding.where for finding in found}


def test_an_entry_forged_in_table_and_tiles_alike_is_found(filled: Place, tmp_path: Path) -> None:
    place = copied(filled, tmp_path / "forged")
    with unguarded(place) as connection:
        (body,) = connection.execute("SELECT body FROM leaves WHERE number = 3").fetchone()
        forged = body.replace("Southland", "Northland", 1)
        assert forged != body
        connection.execute("UPDATE leaves SET body = ? WHERE number = 3", (forged,))
    for bundle in (place.log / "tile/entries").rglob("*"):
        if bundle.is_file():
            data = bundle.read_bytes()
            bundle.write_bytes(data.replace(body.encode(), forged.encode()))
    assert any(where.startswith("tile/entries/") for where in wheres(place))


def test_rows_that_were_never_logged_are_found(filled: Place, tmp_path: Path) -> None:
    place = copied(filled, tmp_path / "added")
    with unguarded(place) as connection:
        connection.execute(
            "INSERT INTO leaves SELECT 28, at + 999999999999, record, body FROM leaves WHERE number = 27"
        )
        connection.execute("INSERT INTO openings VALUES (4, 'holder', '\"Eve\"', NULL)")
    told = [str(finding) for finding in place.verify().findings]
    assert any("1 entries from 28 on are not in the log" in line for line in told), told
    assert any("entry 4: has an opening of 'holder', which it does not commit to" in line for line in told), told
    place = copied(filled, tmp_path / "stray")
    with unguarded(place) as connection:
        connection.execute(
            "INSERT INTO facts SELECT 99, 'x', kind, key, subject, valid_from, valid_to, recorded_at, "
            "source, author, recorded_by, shape FROM facts WHERE leaf = 0"
        )
    assert [str(finding) for finding in place.verify().findings] == [
        "store, table facts: has a row of an entry 99, not there"
    ]


def test_a_value_that_only_pretends_to_be_erased_is_found(filled: Place, tmp_path: Path) -> None:
    place = copied(filled, tmp_path / "pretended")
    with unguarded(place) as connection:
        connection.execute("UPDATE openings SET salt = NULL, value = '\"Bo\"' WHERE leaf = 13 AND field = 'party'")
    (finding,) = place.verify().findings
    assert str(finding).startswith("store, entry 13: party has no salt, and no erasure says so")
    place = copied(filled, tmp_path / "another")
    with unguarded(place) as connection:
        changed = connection.execute("UPDATE openings SET value = '\"K\"' WHERE salt IS NULL").rowcount
        assert changed == 1
    (finding,) = place.verify().findings
    assert "no erasure says so" in finding.what


def test_a_store_that_is_written_to_meanwhile_is_good(place: Place) -> None:
    with place.create() as store:
        store.append(world(), by="clerk")
        stop = threading.Event()

        def write() -> None:
            for number in itertools.count():
                store.append([Party(party=f"P{number}-{i}", **said(f"p{number}-{i}")) for i in range(20)], by="clerk")
                if number == 4:
                    store.erase([(store.leaf_of("p0-0"), "party")], by="clerk", reason="asked for")
                if stop.is_set():
                    return

        writer = threading.Thread(target=write)
        writer.start()
        try:
            sizes = []
            for _ in range(12):
                result = place.verify()
                assert result.ok, result.findings
                assert result.checkpoint is not None
                sizes.append(result.checkpoint.size)
        finally:
            stop.set()
            writer.join()
    assert sizes[-1] > sizes[0]


def test_a_guard_that_is_gone_or_another_is_found(filled: Place, tmp_path: Path) -> None:
    place = copied(filled, tmp_path / "unguarded")
    with closing(sqlite3.connect(place.database)) as connection:
        connection.execute("DROP TRIGGER facts_no_update")
        connection.execute("DROP TRIGGER leaves_no_delete")
        connection.execute("CREATE TRIGGER leaves_no_delete BEFORE DELETE ON leaves BEGIN SELECT 1; END")
    assert [finding.what for finding in place.verify().findings] == [
        "the guard facts_no_update against changes is missing or another",
        "the guard leaves_no_delete against changes is missing or another",
    ]


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(at=st.floats(0, 1, exclude_max=True), bits=st.integers(1, 255))
def test_a_flipped_byte_of_the_file_is_found_or_changes_nothing(
    filled: Place, tmp_path_factory: pytest.TempPathFactory, at: float, bits: int
) -> None:
    place = copied(filled, tmp_path_factory.mktemp("flipped") / "place")
    with closing(sqlite3.connect(place.database)) as connection:
        before = dump(connection)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    file = Path(place.database)
    data = bytearray(file.read_bytes())
    data[int(at * len(data))] ^= bits
    file.write_bytes(data)
    try:
        found = place.verify().findings
    except SkyhaulError as error:
        said = str(error)
    else:
        said = ""
    if said:
        assert said.startswith(place.database)
        assert "\n" not in said
        return
    if not found:
        with closing(sqlite3.connect(place.database)) as connection:
            assert dump(connection) == before


def dump(connection: sqlite3.Connection) -> list[Any]:
    return [connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall() for table in TABLES]


def test_changes_in_postgresql_are_found_too(new_place: Callable[[str], Place]) -> None:
    place = new_place("postgresql")
    with place.create() as store:
        fill(store)
    assert place.verify().ok
    for statement, where in (
        ("UPDATE facts SET source = 'x' WHERE leaf = 5", "store, entry 5"),
        ("UPDATE openings SET value = '\"Eve\"' WHERE leaf = 13 AND field = 'party'", "store, entry 13"),
        ("DELETE FROM decisions WHERE leaf = 25", "store, entry 25"),
        ("UPDATE leaves SET body = replace(body, 'clerk', 'clark') WHERE number = 7", "store, entry 7"),
    ):
        with psycopg.connect(place.database, autocommit=True) as connection:
            connection.execute("SET session_replication_role = replica")  # a superuser's way past every guard
            connection.execute(statement)
        assert where in wheres(place)
    with psycopg.connect(place.database, autocommit=True) as connection:
        connection.execute("ALTER TABLE facts DISABLE TRIGGER facts_append_only")
    assert any("guard facts_append_only" in finding.what for finding in place.verify().findings)
