"""What cannot be opened, reached or written is said in one line with the mend, and leaves nothing half-stored."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from skyhaul.control.facts import Party
from skyhaul.control.log import LogReader, SigningKey, write_key
from skyhaul.control.store import Store
from skyhaul.errors import RecordError, SkyhaulError, StoreError
from tests.control.store.conftest import Place
from tests.control.store.postgresql import Server
from tests.control.worlds import said, world

NOBODY = 65534


@pytest.mark.parametrize(
    ("database", "message"),
    [
        ("postgresql://skyhaul@/x?host=/nowhere", "cannot be reached: "),
        ("postgresql://skyhaul:secret@127.0.0.1:1/x", "cannot be reached: "),
        ("postgresql://skyhaul@nowhere.invalid/x", "cannot be reached: "),
        ("postgresql://127.0.0.1", "names no database"),
        ("mysql://root@/x", "mysql is no database of a store"),
        ("://", "is no address of a database"),
    ],
)
def test_an_address_that_leads_nowhere(database: str, message: str) -> None:
    with pytest.raises(StoreError) as caught:
        Store.open(database)
    assert message in str(caught.value)
    assert str(caught.value).endswith(")"), "it says no mend"
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("junk", [b"", b"no database at all", b"SQLite format 3\0" + bytes(84), os.urandom(1_000_000)])
def test_a_file_that_is_no_store(tmp_path: Path, junk: bytes) -> None:
    file = tmp_path / "control.db"
    file.write_bytes(junk)
    key = tmp_path / "log.key"
    write_key(key, SigningKey.generate("record.example.org/log"))
    for arguments in ((), (tmp_path / "log", key)):
        with pytest.raises(StoreError, match=r"control\.db: (is damaged, or no store|holds no store)") as caught:
            Store.open(file, *arguments)
        assert "\n" not in str(caught.value)
    assert not (tmp_path / "log").exists()


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    key = tmp_path / "log.key"
    write_key(key, SigningKey.generate("record.example.org/log"))
    with pytest.raises(StoreError, match=r"cannot be opened \(check that the folder is there"):
        Store.create(tmp_path / "away" / "control.db", tmp_path / "log", key)
    with pytest.raises(RecordError, match="cannot read the key"):
        Store.create(tmp_path / "control.db", tmp_path / "log", tmp_path / "no.key")
    with pytest.raises(StoreError, match="no such file"):
        Store.open(tmp_path / "control.db")


def test_a_full_disk_records_nothing_and_is_told(new_place: Callable[[str], Place]) -> None:
    place = new_place("sqlite")
    with place.create() as store:
        store.append(world()[:5], by="clerk")
        with store._database._engine.connect() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(StoreError, match=r"the disk is full: nothing was recorded \(make room and do it again\)"):
            store.append(world()[5:], by="clerk")
        assert len(store.facts()) == 5
        assert LogReader(place.log).size == 5
        with store._database._engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 1000000")
        store.append(world()[5:], by="clerk")
    assert place.verify().ok


def test_a_log_that_cannot_be_written_is_told_and_caught_up_with(store: Store, place: Place) -> None:
    store.append(world()[:5], by="clerk")
    blocked = place.log / "tile" / "entries" / "000.p" / "7"
    (blocked / "in the way").mkdir(parents=True)
    with pytest.raises(RecordError, match="cannot write the log"):
        store.append(world()[5:7], by="clerk")
    assert LogReader(place.log).size == 5
    shutil.rmtree(blocked)
    assert store.append(world()[7:], by="clerk").leaves.start == 7
    assert LogReader(place.log).size == len(world())
    assert place.verify().ok


@pytest.fixture
def reachable() -> Iterator[Path]:
    """A folder that other users can reach, which those of pytest are not."""
    folder = Path(tempfile.mkdtemp(prefix="skyhaul-store-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def said_by_another_user(work: Callable[[], object]) -> str:
    """What comes of work that is done by a user without rights, in a child of this process."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(NOBODY)
                os.setuid(NOBODY)
            try:
                told = repr(work())
            except SkyhaulError as error:
                told = f"{type(error).__name__} {error}"
            os.write(writing, told.encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        told = pipe.read().decode()
    os.waitpid(child, 0)
    return told


def test_a_folder_in_which_nothing_may_be_written_can_still_be_read(reachable: Path) -> None:
    place = Place(reachable, str(reachable / "control.db"))
    write_key(place.key, SigningKey.generate("record.example.org/log"))
    with place.create() as store:
        store.append(world(), by="clerk")
    place.verify()
    for path in (reachable, *reachable.rglob("*")):
        path.chmod(path.stat().st_mode & ~0o222)

    def read() -> int:
        with place.read() as store:
            return len(store.facts())

    def write() -> object:
        with Store.open(place.database, place.log, place.key) as store:
            return store.append(world(), by="eve")

    assert said_by_another_user(read) == str(len(world()))
    assert said_by_another_user(write).startswith(("StoreError", "RecordError"))
    reachable.chmod(0o755)


def test_a_store_that_is_locked_too_long_says_who_is_in_the_way(
    new_place: Callable[[str], Place], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("skyhaul.control.store._database.WAIT_S", 0.2)
    place = new_place("sqlite")
    with place.create() as store, closing(sqlite3.connect(place.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="another process has been writing for"):
            store.append(world(), by="clerk")
        other.execute("ROLLBACK")
        store.append(world(), by="clerk")


def test_postgresql_that_is_locked_too_long_says_so(
    server: Server, new_place: Callable[[str], Place], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("skyhaul.control.store._database.WAIT_S", 1)
    place = new_place("postgresql")
    with place.create() as store, place.open() as other:
        with other._database.writing(), pytest.raises(StoreError, match="another process has been writing for"):
            store.append(world(), by="clerk")
        store.append(world(), by="clerk")


def test_postgresql_without_rights_says_so(server: Server, new_place: Callable[[str], Place]) -> None:
    place = new_place("postgresql")
    with place.create() as store:
        store.append(world(), by="clerk")
        with store._database.writing() as connection:
            connection.exec_driver_sql("CREATE ROLE reader LOGIN")
            schema = connection.exec_driver_sql("SELECT current_schema()").scalar()
            connection.exec_driver_sql(f"GRANT USAGE ON SCHEMA {schema} TO reader")
            connection.exec_driver_sql(f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO reader")
    url = place.database.replace("//skyhaul@", "//reader@")
    with Store.open(url) as store:
        assert len(store.facts()) == len(world())
    more = Party(party="Eve", **said("party-Eve"))
    with Store.open(url, place.log, place.key) as store:
        with pytest.raises(StoreError, match="may not be written: permission denied"):
            store.append([more], by="eve")
        assert len(store.facts()) == len(world())
