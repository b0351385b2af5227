"""From the table of entries into the log: in order, each once, whoever put them there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from skyhaul.control.log import Log, LogReader
from skyhaul.control.store._database import Database
from skyhaul.control.store._schema import LEAVES
from skyhaul.errors import StoreError, TamperError

BATCH = 10_000  # entries of one checkpoint, where many wait
TAIL = 256  # entries that are compared when a store is opened: one bundle


class Outbox:
    """The log of a store, and what of the store is not in it yet.

    An entry is in the table, on the disk, before it goes into the log; so the log is never ahead, and one that lags
    behind after a crash is caught up with. Processes take turns at writing the log.
    """

    def __init__(self, database: Database, log: Log) -> None:
        self._database = database
        self._log = log
        self._size: int = log.size

    @classmethod
    def open(cls, database: Database, folder: Path, key_file: Path, log_key: str) -> Outbox:
        """Open the log of a store and let it catch up with the table.

        Raises StoreError where the key is not the store's, TamperError where the log has entries that the table has
        not, or others.
        """
        log = Log.open(folder, key_file, wait=True)
        try:
            if str(log.key) != log_key:
                what = f"belongs to the log {log_key.partition('+')[0]} by another key"
                raise StoreError(
                    what, where=database.where, mend=f"{key_file} is of {log.key.name}: give the right one"
                )
            outbox = cls(database, log)
            with database.reading() as connection:
                check_tail(connection, log, database.where)
            outbox.publish((), 0)
        except BaseException:
            log.close()
            raise
        return outbox

    @property
    def key(self) -> str:
        """The log's public key."""
        return str(self._log.key)

    def publish(self, bodies: Sequence[str], first: int) -> None:
        """Bring every entry of the table into the log; `bodies` are the last ones, from number `first` on.

        Returns once they are on the disk with a signed checkpoint.
        """
        log = self._log
        log.resume()
        try:
            if bodies and log.size == first:
                for at in range(0, len(bodies), BATCH):
                    some = [body.encode() for body in bodies[at : at + BATCH]]
                    self._size = log.append(some, start=first + at).stop
                return
            self._size = log.size
            while waiting := self._waiting():
                self._size = log.append(waiting, start=self._size).stop
        finally:
            log.pause()

    def close(self) -> None:
        """Let others write."""
        self._log.close()

    def _waiting(self) -> list[bytes]:
        with self._database.reading() as connection:
            query = sa.select(LEAVES.c.body).where(LEAVES.c.number >= self._size).order_by(LEAVES.c.number).limit(BATCH)
            return [body.encode() for (body,) in connection.execute(query)]


def check_tail(connection: sa.Connection, log: LogReader, where: str) -> None:
    """Raise TamperError unless the table goes on from the log's last entries."""
    size = log.size
    count = count_of(connection)
    if count < size:
        what = f"has {count} entries, its log {size}: it was put back to an older state"
        raise TamperError(what, where=where, mend="put back the newest copy of the store")
    first = max(0, size - TAIL)
    query = sa.select(LEAVES.c.body).where(LEAVES.c.number >= first, LEAVES.c.number < size).order_by(LEAVES.c.number)
    bodies: list[Any] = [body for (body,) in connection.execute(query)]
    if len(bodies) != size - first:
        raise TamperError(f"entries are missing from {first} on", where=where, mend="`skyhaul audit verify`")
    for number, (body, entry) in enumerate(zip(bodies, log.entries(first, size), strict=True), first):
        if not isinstance(body, str) or body.encode() != entry:
            raise TamperError(f"entry {number} is not the one in the log", where=where, mend="`skyhaul audit verify`")


def count_of(connection: sa.Connection) -> int:
    """Number of entries in the table."""
    last: int | None = connection.execute(sa.select(sa.func.max(LEAVES.c.number))).scalar()
    return 0 if last is None else last + 1
