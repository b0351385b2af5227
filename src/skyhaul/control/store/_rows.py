"""Facts to rows and back."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sqlalchemy as sa

from skyhaul.control._instants import nanoseconds
from skyhaul.control.facts import Fact, fact_from_document
from skyhaul.control.store._leaves import Leaf, fact_leaf, opened, public_key_of
from skyhaul.control.store._schema import FACTS, LEAVES, OPENINGS
from skyhaul.errors import ControlError, SkyhaulError, StoreError

FETCH = 5_000  # rows held at a time


@dataclass(slots=True)
class Rows:
    """Rows of some records, to be added together."""

    leaves: list[tuple[Any, ...]] = field(default_factory=list)
    facts: list[tuple[Any, ...]] = field(default_factory=list)
    openings: list[tuple[Any, ...]] = field(default_factory=list)
    decisions: list[tuple[Any, ...]] = field(default_factory=list)

    def add_leaf(self, number: int, at: int, record: str, leaf: Leaf) -> None:
        """Add an entry and the openings of what it commits to."""
        self.leaves.append((number, at, record, leaf.body))
        self.openings += [(number, secret.field, secret.value, secret.salt) for secret in leaf.secrets]

    def add_fact(self, number: int, at: int, fact: Fact, by: str) -> None:
        """Add a fact. Raises ControlError for text that cannot be stored and for an entry that grows too long."""
        try:
            leaf = fact_leaf(fact, at, by)
        except ControlError as error:
            raise ControlError(error.what, where=fact.where, mend=error.mend) from None
        private = {secret.field for secret in leaf.secrets}
        row = (
            number,
            fact.id,
            type(fact).__name__,
            public_key_of(fact, private),
            None if "subject" in private else fact.subject,
            nanoseconds(fact.valid_from),
            None if fact.valid_to is None else nanoseconds(fact.valid_to),
            nanoseconds(fact.recorded_at),
            fact.source,
            fact.author,
            by,
            leaf.shape,
        )
        if any("\0" in text for text in (fact.id, fact.key, fact.subject, fact.source, fact.author, by)):
            raise ControlError("its id, key, source or author has a NUL character", where=fact.where, mend="remove it")
        self.add_leaf(number, at, "fact", leaf)
        self.facts.append(row)


def stamped(fact: Fact, recorded_at: int) -> Fact:
    """The same fact, recorded at an instant (ns)."""
    # A copy, not a new one: its fields were checked when it was made, and a million of them take their time.
    other = copy.copy(fact)
    object.__setattr__(other, "recorded_at", np.datetime64(recorded_at, "ns"))
    return other


@dataclass(frozen=True, slots=True)
class StoredLeaf:
    """An entry as the tables have it; `fact` where it is one."""

    number: int
    at: int
    record: str
    fact: Fact | None


def read_leaves(connection: sa.Connection, first: int, where: str) -> Iterator[StoredLeaf]:
    """Every entry from a number on, in order. Raises StoreError at one that cannot be read."""
    times = (FACTS.c.valid_from, FACTS.c.valid_to, FACTS.c.recorded_at)
    columns = (LEAVES.c.number, LEAVES.c.at, LEAVES.c.record, LEAVES.c.body, FACTS.c.shape, *times)
    joined = sa.outerjoin(LEAVES, FACTS, FACTS.c.leaf == LEAVES.c.number)
    query = sa.select(*columns).select_from(joined).where(LEAVES.c.number >= first).order_by(LEAVES.c.number)
    openings = Openings(connection, first)
    expected = first
    for number, at, record, body, shape, valid_from, valid_to, recorded_at in _streamed(connection, query):
        if number != expected:
            raise StoreError(f"has no entry {expected}", where=where, mend="`skyhaul audit verify` says what is wrong")
        expected += 1
        if record != "fact":
            openings.of(number)
            yield StoredLeaf(number, at, record, None)
            continue
        try:
            document = opened(json.loads(body)["fact"], openings.of(number), shape)
            # The columns say the same as the text, and need not be parsed.
            document["valid_from"] = np.datetime64(valid_from, "ns")
            document["valid_to"] = None if valid_to is None else np.datetime64(valid_to, "ns")
            document["recorded_at"] = np.datetime64(recorded_at, "ns")
            yield StoredLeaf(number, at, record, fact_from_document(document, f"entry {number}"))
        except (ValueError, KeyError, TypeError, SkyhaulError) as error:
            what = f"entry {number} cannot be read: {error}"
            raise StoreError(what, where=where, mend="`skyhaul audit verify` says what is wrong") from None


class Openings:
    """Private values by entry, read along with the entries in their order."""

    def __init__(self, connection: sa.Connection, first: int) -> None:
        columns = (OPENINGS.c.leaf, OPENINGS.c.field, OPENINGS.c.value)
        query = sa.select(*columns).where(OPENINGS.c.leaf >= first).order_by(OPENINGS.c.leaf, OPENINGS.c.field)
        self._rows = iter(_streamed(connection, query))
        self._next = next(self._rows, None)

    def of(self, number: int) -> dict[str, str]:
        """The values of an entry; entries are asked for in ascending order."""
        found: dict[str, str] = {}
        while self._next is not None and self._next[0] <= number:
            if self._next[0] == number:
                found[self._next[1]] = self._next[2]
            self._next = next(self._rows, None)
        return found


def _streamed(connection: sa.Connection, query: sa.Select[Any]) -> Iterable[Any]:
    return connection.execution_options(yield_per=FETCH, stream_results=True).execute(query)
