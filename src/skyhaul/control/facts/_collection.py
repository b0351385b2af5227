"""The facts themselves: append-only, and what holds of them at a time as known at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import compress
from operator import attrgetter
from typing import Generic, NamedTuple, TypeVar, cast

import numpy as np

from skyhaul.control._groups import Groups
from skyhaul.control._instants import FOREVER, instant_text, nanoseconds
from skyhaul.control.facts._fact import Fact, Withdrawal
from skyhaul.control.facts._orders import Approval, Order, OrderEnd
from skyhaul.errors import ControlError

F = TypeVar("F", bound=Fact)

_RECORDED_AT = attrgetter("recorded_at")


class Piece(NamedTuple, Generic[F]):
    """A fact and a part [begin, end) of valid time, in nanoseconds, that it speaks for."""

    begin: int
    end: int
    fact: F


class Facts:
    """All facts ever recorded. Facts come in any order, and are never changed or removed."""

    def __init__(self, facts: Iterable[Fact] = ()) -> None:
        self._ids: set[str] = set()
        self._versions: dict[tuple[str, str], list[Fact]] = {}
        self._of_kind: dict[type[Fact], list[Fact]] = {}
        self.add(*facts)

    def __len__(self) -> int:
        return len(self._ids)

    def __iter__(self) -> Iterator[Fact]:
        for facts in self._of_kind.values():
            yield from facts

    def add(self, *facts: Fact) -> None:
        """Record facts, all or none.

        Raises ControlError for an id that is taken, for two facts of one kind and key that were recorded at the same
        instant for overlapping times, and for an order that is to be withdrawn.
        """
        added = self._checked(facts)
        self._ids.update(fact.id for fact in facts)
        for slot, group in added.items():
            self._versions.setdefault(slot, []).extend(group)
        for fact in facts:
            self._of_kind.setdefault(type(fact), []).append(fact)

    def check(self, *facts: Fact) -> None:
        """Raise what `add` would raise, and add nothing."""
        self._checked(facts)

    def _checked(self, facts: Sequence[Fact]) -> dict[tuple[str, str], list[Fact]]:
        """Facts by what they are about, once nothing speaks against adding them."""
        new_ids: set[str] = set()
        added: dict[tuple[str, str], list[Fact]] = {}
        for fact in facts:
            if fact.id in self._ids or fact.id in new_ids:
                raise ControlError(f"there is a fact {fact.id} already", where=fact.where, mend="give it its own id")
            kind = type(fact).__name__
            if isinstance(fact, Withdrawal):
                kind = fact.kind
                if kind in _FINAL:
                    fact.refuse(
                        "orders, their ends and approvals cannot be withdrawn", "end the order with an OrderEnd"
                    )
            slot = (kind, fact.key)
            for versions in (self._versions.get(slot), added.get(slot)):
                if versions:
                    _check_against(fact, versions)
            new_ids.add(fact.id)
            added.setdefault(slot, []).append(fact)
        return added

    def about(self, kind: type[F], key: str) -> list[F | Withdrawal]:
        """The versions of one kind and key, and their withdrawals, in the order they were added."""
        return cast("list[F | Withdrawal]", list(self._versions.get((kind.__name__, key), ())))

    def of_kind(self, kind: type[F]) -> Sequence[F]:
        """Every fact of a kind, in the order they were added; not to be changed."""
        return cast("list[F]", self._of_kind.get(kind, []))

    def with_id(self, id: str) -> bool:
        """Whether a fact has this id."""
        return id in self._ids

    def known(self, kind: type[F], known_at: np.datetime64) -> list[F]:
        """The facts of a kind recorded at or before an instant, in the order they were added."""
        facts = cast("list[F]", self._of_kind.get(kind, []))
        # As one array: of a million facts this takes a sixth of the time of comparing one by one.
        recorded = np.array(list(map(_RECORDED_AT, facts)), dtype="datetime64[ns]")
        return list(compress(facts, (recorded <= known_at).tolist()))


class Versions(Generic[F]):
    """Facts of one kind by key, each cut when it is asked for to the times that it speaks for.

    Of two versions that cover an instant the later recorded speaks, whatever the order they came in.
    """

    def __init__(self, facts: Iterable[F] = (), withdrawals: Iterable[Withdrawal] = ()) -> None:
        self._groups: Groups[str, Fact] = Groups(_by_key((*facts, *withdrawals)))

    def __contains__(self, key: str) -> bool:
        return key in self._groups

    def of(self, key: str) -> list[Piece[F]]:
        """Pieces of one key in the order of time; they do not overlap."""
        return _cut(self._groups.of(key))

    def all(self) -> list[Piece[F]]:
        """Pieces of all keys, by key."""
        return [piece for key in sorted(self._groups.keys()) for piece in self.of(key)]

    def extended(self, facts: Iterable[F], withdrawals: Iterable[Withdrawal]) -> Versions[F]:
        """These and more versions; what has not changed is shared."""
        versions: Versions[F] = Versions()
        versions._groups = self._groups.extended(_by_key((*facts, *withdrawals)))
        return versions


def interval(fact: Fact) -> tuple[int, int]:
    """Valid time [begin, end) in nanoseconds."""
    return nanoseconds(fact.valid_from), FOREVER if fact.valid_to is None else nanoseconds(fact.valid_to)


def _by_key(facts: Iterable[Fact]) -> Iterable[tuple[str, Fact]]:
    return ((fact.key, fact) for fact in facts)


def _cut(group: Sequence[Fact]) -> list[Piece[F]]:
    if len(group) == 1 and not isinstance(group[0], Withdrawal):
        return [Piece(*interval(group[0]), cast("F", group[0]))]
    spoken: list[Piece[Fact]] = []
    for fact in sorted(group, key=attrgetter("recorded_at", "id")):
        begin, end = interval(fact)
        kept: list[Piece[Fact]] = [Piece(begin, end, fact)]
        for piece in spoken:
            if piece.begin < begin:
                kept.append(Piece(piece.begin, min(piece.end, begin), piece.fact))
            if piece.end > end:
                kept.append(Piece(max(piece.begin, end), piece.end, piece.fact))
        spoken = kept
    spoken.sort(key=lambda piece: piece.begin)
    return [cast("Piece[F]", piece) for piece in spoken if not isinstance(piece.fact, Withdrawal)]


def _check_against(fact: Fact, versions: list[Fact]) -> None:
    for other in versions:
        if other.recorded_at == fact.recorded_at and _overlap(other, fact):
            raise ControlError(
                f"contradicts {other.id}, recorded at the same instant {instant_text(fact.recorded_at)}",
                where=fact.where,
                mend="record the right one later",
            )


def _overlap(first: Fact, second: Fact) -> bool:
    first_begin, first_end = interval(first)
    second_begin, second_end = interval(second)
    return first_begin < second_end and second_begin < first_end


_FINAL = frozenset(kind.__name__ for kind in (Order, OrderEnd, Approval))
