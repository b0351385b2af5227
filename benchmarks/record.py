"""The record: facts into the store and its log, checkpoints, and proofs."""

from __future__ import annotations

import itertools
import os
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from benchmarks._timing import Goal, Result, Row
from skyhaul.control.facts import CustodyEvent, Fact, Step, utc
from skyhaul.control.log import Log, LogReader, SigningKey, VerifierKey, verify_proof, write_key
from skyhaul.control.store import Store, verify_store

_TIME = utc("2024-01-01")
_BATCHES = (1, 10, 100, 1000)
_SECONDS = 3.0  # of appending, for each size of a batch
_BULK = 100_000  # entries, for what depends on how many there are
_NUMBERS = itertools.count()


def _events(count: int) -> list[Fact]:
    return [
        CustodyEvent(
            id=f"event {number}",
            valid_from=_TIME,
            recorded_at=_TIME,
            source="benchmark",
            author="benchmark",
            step=Step.TRANSFER,
            item=f"unit {number}",
            giver=f"party {number % 1000}",
            receiver=f"party {number % 1001}",
        )
        for number in itertools.islice(_NUMBERS, count)
    ]


def _rate(append: Callable[[int], object], batch: int) -> float:
    """Entries a second in batches of one size, each acknowledged before the next."""
    append(batch)
    done, start = 0, time.perf_counter()
    while (taken := time.perf_counter() - start) < _SECONDS:
        append(batch)
        done += batch
    return done / taken


@contextmanager
def _stores(folder: Path) -> Iterator[dict[str, Store]]:
    """A new store on each engine that is there."""
    places = {"SQLite": str(folder / "control.db")}
    server = None
    from tests.control.store.postgresql import Server, find_server

    if programs := find_server():
        server = Server(programs)
        places["PostgreSQL"] = server.database()
    stores = {}
    try:
        for name, place in places.items():
            write_key(folder / f"{name}.key", SigningKey.generate("bench.example/log"))
            stores[name] = Store.create(place, folder / name, folder / f"{name}.key")
        yield stores
    finally:
        for store in stores.values():
            store.close()
        if server:
            server.remove()


def _commits(folder: Path, seconds: float) -> float:
    """Durable transactions a second of SQLite alone: one row, one wait for the disk."""
    with closing(sqlite3.connect(folder / "plain.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("CREATE TABLE plain (body TEXT)")
        done, start = 0, time.perf_counter()
        while (taken := time.perf_counter() - start) < seconds:
            connection.execute("INSERT INTO plain VALUES (?)", ("x" * 500,))
            done += 1
    return done / taken


def _log_rates(folder: Path) -> dict[int, float]:
    write_key(folder / "alone.key", SigningKey.generate("bench.example/log"))
    with Log.create(folder / "alone", folder / "alone.key") as log:
        return {
            batch: _rate(lambda size: log.append(os.urandom(500) for _ in range(size)), batch) for batch in _BATCHES
        }


def run(data: Path) -> Result:
    del data
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(dir=os.environ.get("SKYHAUL_BENCH_FOLDER")) as temporary:
        folder = Path(temporary)
        commits = _commits(folder, _SECONDS)
        rows.append(Row("durable transactions of one row, per second", "SQLite alone", commits, None))
        for batch, rate in _log_rates(folder).items():
            rows.append(Row(f"entries of 500 bytes per second, batches of {batch}", "log alone", rate, None))
        sustained = {}
        with _stores(folder) as stores:
            for name, store in stores.items():
                for batch in _BATCHES:
                    rate = _rate(lambda size, store=store: store.append(_events(size), by="benchmark"), batch)  # type: ignore[misc]
                    rows.append(Row(f"facts per second, batches of {batch}", f"store, {name}", rate, None))
                    if batch == 100:
                        sustained[name] = rate
                    if batch == 1:
                        rows.append(Row("one fact to its acknowledgement, ms", f"store, {name}", 1e3 / rate, None))
                bulk = _events(_BULK)
                start = time.perf_counter()
                store.append(bulk, by="benchmark")
                note = f"{_BULK:,} in one batch"
                rows.append(Row("facts per second, in bulk", f"store, {name}", _BULK / _since(start), None, note))
            rows += _on_many(folder / "SQLite", folder / "control.db", stores["SQLite"])
            proof_bytes = len(LogReader(folder / "SQLite").prove(7).encode())
    goals = [
        Goal(f"facts per second in batches of 100, {name}", rate, 1500, at_least=True)
        for name, rate in sustained.items()
    ]
    goals.append(Goal("a proof, bytes", proof_bytes, 2048, at_least=False))
    return Result(
        "The record: store and log",
        "custody events with two private fields, every batch acknowledged on the disk, in the database and in the log",
        tuple(rows),
        tuple(goals),
        units="",
    )


def _on_many(log: Path, database: Path, store: Store) -> list[Row]:
    """What is done with a record that has grown."""
    reader = LogReader(log, VerifierKey.parse(store.log_key))
    size = reader.size
    note = f"of {size:,} entries"
    rows = []
    start = time.perf_counter()
    rounds = 200
    for index in range(rounds):
        proof = reader.prove(index * size // rounds)
    rows.append(Row("a proof, ms", "made", _since(start) / rounds * 1e3, None, f"{note}, {len(proof.encode())} bytes"))
    leaf = store.body(proof.index)
    start = time.perf_counter()
    for _ in range(rounds):
        verify_proof(proof, VerifierKey.parse(store.log_key), leaf)
    rows.append(Row("a proof, ms", "checked", _since(start) / rounds * 1e3, None))
    start = time.perf_counter()
    for _ in range(rounds):
        reader.signed_checkpoint()
    rows.append(Row("a checkpoint, ms", "read and verified", _since(start) / rounds * 1e3, None))
    start = time.perf_counter()
    for _ in range(rounds):
        store.refresh()
    rows.append(Row("looking for what others recorded, ms", "nothing new", _since(start) / rounds * 1e3, None))
    with Store.open(database) as other:
        start = time.perf_counter()
        other.facts()
        rows.append(Row("facts into memory, µs each", "store, SQLite", _since(start) / size * 1e6, None, note))
        start = time.perf_counter()
        assert verify_store(other, log, VerifierKey.parse(store.log_key)).ok
        rows.append(Row("store and log verified, µs each", "store, SQLite", _since(start) / size * 1e6, None, note))
    return rows


def _since(start: float) -> float:
    return time.perf_counter() - start
