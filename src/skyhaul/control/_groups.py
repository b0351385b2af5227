"""Items by key, that can be added to without copying the millions that are there."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Groups(Generic[K, V]):
    """Immutable: `extended` gives another that shares what has not changed. Items of a key are in the order they came.

    V is no list: a key with one item holds it bare, which spares a million small lists.
    """

    __slots__ = ("_base", "_more")

    def __init__(self, pairs: Iterable[tuple[K, V]] = ()) -> None:
        self._base: dict[K, V | list[V]] = {}
        self._more: dict[K, list[V]] = {}
        base = self._base
        for key, item in pairs:
            held = base.setdefault(key, item)
            if held is not item:
                if isinstance(held, list):
                    held.append(item)
                else:
                    base[key] = [held, item]

    def __contains__(self, key: K) -> bool:
        return key in self._base or key in self._more

    def keys(self) -> Iterable[K]:
        """Every key once."""
        return dict.fromkeys((*self._base, *self._more))

    def of(self, key: K) -> Sequence[V]:
        """The items of a key; empty when it is not there."""
        more = self._more.get(key)
        if more is not None:
            return more
        held = self._base.get(key)
        if held is None:
            return ()
        return held if isinstance(held, list) else (held,)

    def extended(self, pairs: Iterable[tuple[K, V]]) -> Groups[K, V]:
        """These and more items."""
        if not self._base and not self._more:
            return Groups(pairs)
        groups: Groups[K, V] = Groups()
        groups._base = self._base
        groups._more = dict(self._more)
        touched: set[K] = set()
        for key, item in pairs:
            if key not in touched:
                touched.add(key)
                groups._more[key] = list(self.of(key))
            groups._more[key].append(item)
        return groups
