"""Holding the tables against their entries, and the entries against the log: what was changed, and where."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from skyhaul.control._instants import instant_text, nanoseconds, utc
from skyhaul.control.facts import fact_from_document
from skyhaul.control.log import Finding, LogReader, Verification, VerifierKey, commit, verify_log
from skyhaul.control.store._database import Database
from skyhaul.control.store._leaves import commitments, opened, private_fields, public_key_of
from skyhaul.control.store._schema import DECISIONS, FACTS, LEAVES, METADATA, OPENINGS, missing_guards
from skyhaul.errors import SkyhaulError, StoreError

FINDINGS_MAX = 1000  # a store that is wrong everywhere is not worth a longer list
WRITER_S = 1.0  # how long entries may be in the table and not in the log before that is a finding
_FETCH = 2_000


def verify_tables(
    database: Database,
    log: Path,
    key: VerifierKey,
    log_key: str,
    *,
    witnesses: Sequence[VerifierKey] = (),
    quorum: int | None = None,
    earlier: Sequence[bytes] = (),
) -> Verification:
    """What `verify_store` says."""
    findings: list[Finding] = []
    if log_key != str(key):
        findings.append(Finding("store", f"belongs to the log of {log_key[:200]!r}"))
    check = _Tables(database, findings)
    try:
        result = verify_log(log, key, check.entries(), witnesses=witnesses, quorum=quorum, earlier=earlier)
        check.finish()
    except StoreError as error:
        found = (*findings, Finding("store", str(error)))
        return replace(verify_log(log, key, witnesses=witnesses, quorum=quorum, earlier=earlier), findings=found)
    more = [finding for finding in result.findings if finding.where == "store" and "has more than" in finding.what]
    of_log = [finding for finding in result.findings if finding not in more]
    if result.checkpoint is not None and check.count > result.checkpoint.size:
        waiting = check.count - result.checkpoint.size
        if not _reaches(LogReader(log, key), check.count):
            what = f"{waiting} entries from {result.checkpoint.size} on are not in the log"
            findings.append(Finding("store", f"{what} (a crash leaves such; opening the store for writing adds them)"))
    return replace(result, findings=(*of_log, *findings)[:FINDINGS_MAX])


def _reaches(log: LogReader, size: int) -> bool:
    """Whether a log comes to have that many entries: a living writer brings them there in a moment."""
    deadline = time.monotonic() + WRITER_S
    while log.size < size:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


class _Tables:
    """One pass over the tables in the order of the entries."""

    def __init__(self, database: Database, findings: list[Finding]) -> None:
        self._database = database
        self._findings = findings
        self.count = 0
        # Places of values that are erased, with what stands in for them; and what erasures say.
        self._erased: dict[tuple[int, str], str] = {}
        self._erasures: dict[tuple[int, str], str] = {}
        self._rest: Iterator[bytes] | None = None

    def entries(self) -> Iterator[bytes]:
        """The bytes of every entry, in order, each held against the rows of its record on the way."""
        self._rest = self._read()
        return self._rest

    def finish(self) -> None:
        """Read what was not asked for, and judge what only the whole tells."""
        for _ in self._rest or ():
            pass
        for place, value in self._erased.items():
            if self._erasures.get(place) != value:
                self._add(place[0], f"{place[1]} has no salt, and no erasure says so: what it reads may be false")
        for place in self._erasures.keys() - self._erased.keys():
            self._add(place[0], f"{place[1]} is there, and an erasure says that it is not")

    def _read(self) -> Iterator[bytes]:
        with self._database.reading() as connection:
            self._check_file(connection)
            facts = _ByLeaf(connection, FACTS)
            decisions = _ByLeaf(connection, DECISIONS)
            openings = _ByLeaf(connection, OPENINGS)
            query = sa.select(LEAVES).order_by(LEAVES.c.number)
            before = 0
            for number, at, record, body in _streamed(connection, query):
                if not isinstance(number, int):
                    self._add(self.count, f"is numbered {str(number)[:40]!r}")
                    continue
                if number != self.count:
                    self._add(
                        self.count, f"is missing, up to {number - 1}" if number > self.count else "is there twice"
                    )
                    self.count = number
                if not isinstance(body, str):
                    self._add(number, "is no text")
                    body = ""
                rows = facts.of(number), decisions.of(number), openings.of(number)
                if not (isinstance(at, int) and at > before):
                    self._add(number, f"is stamped {at}, and the one before {before}: entries are in another order")
                before = at if isinstance(at, int) else before
                try:
                    what = list(self._checked(number, at, record, body, *rows))
                except (ValueError, KeyError, TypeError, AttributeError, IndexError, SkyhaulError) as error:
                    what = [f"cannot be read: {type(error).__name__}: {str(error)[:200]}"]
                for one in what:
                    self._add(number, one)
                self.count += 1
                yield body.encode("utf-8", "surrogatepass")
            for table, rows_left in ((FACTS, facts), (DECISIONS, decisions), (OPENINGS, openings)):
                for leaf in rows_left.rest():
                    self._findings.append(
                        Finding(f"store, table {table.name}", f"has a row of an entry {leaf}, not there")
                    )

    def _check_file(self, connection: sa.Connection) -> None:
        names = set(sa.inspect(connection).get_table_names())
        for name in sorted(METADATA.tables.keys() - names):
            raise StoreError(f"the table {name} is missing", where=self._database.where)
        for name in missing_guards(connection):
            self._findings.append(Finding("store", f"the guard {name} against changes is missing or another"))
        if connection.dialect.name == "sqlite":
            for (line,) in connection.exec_driver_sql("PRAGMA integrity_check(20)"):
                if line != "ok":
                    self._findings.append(Finding("store, file", str(line)))

    def _checked(
        self, number: int, at: int, record: str, body: str, facts: Rows, decisions: Rows, openings: Rows
    ) -> Iterator[str]:
        said = json.loads(body)
        if said["record"] != record:
            yield f"is of a {said['record']}, the table says {record!r}"
        if said["at"] != instant_text(at):
            yield f"was written at {said['at']}, the table says {instant_text(at)}"
        document = said[said["record"]]
        values = yield from self._opened(number, document, openings)
        if said["record"] == "fact":
            if decisions:
                yield "is of a fact, and has a row among the decisions"
            yield from _fact_findings(number, said, document, facts, values)
        elif said["record"] == "decision":
            if facts:
                yield "is of a decision, and has a row among the facts"
            yield from _decision_findings(number, document, decisions, values)
        elif said["record"] == "erasure":
            for leaf, field in document["fields"]:
                self._erasures[leaf, field] = document["stand_in"]
        else:
            yield f"is of something unknown: {str(said['record'])[:40]!r}"

    def _opened(self, number: int, document: dict[str, Any], openings: Rows) -> Any:
        """The private values by field, once they open what was committed to."""
        promised = dict(commitments(document))
        values: dict[str, str] = {}
        for _, field, value, salt in openings:
            if field not in promised:
                yield f"has an opening of {field!r}, which it does not commit to"
                continue
            commitment = promised.pop(field)
            values[field] = value
            if salt is None:
                self._erased[number, field] = value
            elif not isinstance(salt, bytes) or commit(value.encode(), salt) != commitment:
                yield f"{field} is not what was committed to"
        for field in promised:
            yield f"{field} has lost its opening"
        return values

    def _add(self, number: object, what: str) -> None:
        if len(self._findings) < FINDINGS_MAX:
            self._findings.append(Finding(f"store, entry {number}", what))


Rows = list[tuple[Any, ...]]


def _fact_findings(
    number: int, said: dict[str, Any], document: dict[str, Any], rows: Rows, values: dict[str, str]
) -> Iterator[str]:
    """How the row of a fact differs from its entry."""
    if len(rows) != 1:
        yield f"has {len(rows)} rows among the facts"
        return
    row = dict(zip(FACTS.c.keys(), rows[0], strict=True))
    promised = document.get("shape")
    if promised is not None and (
        not isinstance(row["shape"], str) or sha256(row["shape"].encode()).hexdigest() != promised["sha256"]
    ):
        yield "shape is not the one that was hashed"
        return
    fact = fact_from_document(opened(document, values, row["shape"] if promised is not None else None))
    private = set(private_fields(fact, document))
    expected = {
        "leaf": number,
        "id": fact.id,
        "kind": type(fact).__name__,
        "key": public_key_of(fact, private),
        "subject": None if "subject" in private else fact.subject,
        "valid_from": nanoseconds(fact.valid_from),
        "valid_to": None if fact.valid_to is None else nanoseconds(fact.valid_to),
        "recorded_at": nanoseconds(fact.recorded_at),
        "source": fact.source,
        "author": fact.author,
        "recorded_by": said["by"],
        "shape": row["shape"] if promised is not None else None,
    }
    for name, value in expected.items():
        if row[name] != value:
            yield f"the table's {name} is {str(row[name])[:80]!r}, its entry's {str(value)[:80]!r}"


def _decision_findings(number: int, document: dict[str, Any], rows: Rows, values: dict[str, str]) -> Iterator[str]:
    if len(rows) != 1:
        yield f"has {len(rows)} rows among the decisions"
        return
    row = dict(zip(DECISIONS.c.keys(), rows[0], strict=True))
    expected = {
        "leaf": number,
        "terminal": document["terminal"],
        "time": nanoseconds(utc(document["time"])),
        "known_at": nanoseconds(utc(document["known_at"])),
        "outcome": document["outcome"],
        "code": document["code"],
        "rate_bps": document["rate_bps"],
    }
    for name, value in expected.items():
        if row[name] != value:
            yield f"the table's {name} is {str(row[name])[:80]!r}, its entry's {str(value)[:80]!r}"
    if (whole := json.loads(values.get("document", "null"))) is not None:
        for name in ("terminal", "time", "known_at", "outcome", "code"):
            if whole[name] != document[name]:
                yield f"its {name} is not that of its document"


class _ByLeaf:
    """Rows of a table by entry, read along with the entries in their order."""

    def __init__(self, connection: sa.Connection, table: sa.Table) -> None:
        self._name = table.name
        key = list(table.primary_key.columns)
        self._rows = iter(_streamed(connection, sa.select(table).order_by(*key)))
        self._next: Any = next(self._rows, None)
        self._strays: list[object] = []

    def of(self, number: int) -> Rows:
        """The rows of an entry; entries are asked for in ascending order."""
        found: Rows = []
        while self._next is not None and (not isinstance(self._next[0], int) or self._next[0] <= number):
            if self._next[0] == number:
                found.append(tuple(self._next))
            else:
                self._strays.append(self._next[0])
            self._next = next(self._rows, None)
        return found

    def rest(self) -> Iterator[object]:
        """Entries named by rows that belong to none."""
        yield from self._strays
        while self._next is not None:
            yield self._next[0]
            self._next = next(self._rows, None)


def _streamed(connection: sa.Connection, query: sa.Select[Any]) -> Iterable[Any]:
    return connection.execution_options(yield_per=_FETCH, stream_results=True).execute(query)
