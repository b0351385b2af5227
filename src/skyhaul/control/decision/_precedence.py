"""Which authority comes before which, where that has been stated."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations

from skyhaul.control.facts import Piece, Precedence

Pairs = frozenset[tuple[str, str]]


def stated_pairs(precedences: Iterable[Piece[Precedence]], time: int) -> Pairs:
    """All (first, second) such that a fact in force at `time` (ns) states it and none states the reverse."""
    pairs = {
        pair
        for piece in precedences
        if piece.begin <= time < piece.end
        for pair in combinations(piece.fact.authorities, 2)
    }
    return frozenset((first, second) for first, second in pairs if (second, first) not in pairs)
