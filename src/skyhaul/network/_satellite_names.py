"""Satellites by name or catalogue number."""

from __future__ import annotations

from skyhaul.errors import NotFoundError
from skyhaul.network._names import find_name
from skyhaul.orbits import Elements


class SatelliteNames:
    """Looks up many satellites of one set of elements."""

    def __init__(self, elements: Elements) -> None:
        self._names = elements.name
        self._by_name = {name: i for i, name in reversed(list(enumerate(elements.name)))}
        self._by_number: dict[int, int] = {
            number: i for i, number in reversed(list(enumerate(elements.catalog_number.tolist())))
        }

    def find(self, text: str) -> int:
        """The index of a satellite by its name, else by its catalogue number; `NotFoundError` lists near names."""
        found = self._by_name.get(text)
        if found is not None:
            return found
        if text.isdecimal():
            found = self._by_number.get(int(text))
            if found is None:
                mend = f"there are {len(self._names)} satellites; `skyhaul elements inspect` lists their shells"
                raise NotFoundError(f"no satellite has the catalogue number {text}", mend=mend)
            return found
        return find_name(text, self._names, "satellite")
