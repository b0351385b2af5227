"""What is packed in what, while the events of a document are read in order of time."""

from __future__ import annotations

from collections.abc import Iterable


class Contents:
    """Containers and what is in them now."""

    def __init__(self) -> None:
        self._inside: dict[str, dict[str, None]] = {}

    def pack(self, action: str, container: str, items: Iterable[str]) -> None:
        """`ADD` items to a container, or `DELETE` all of them."""
        if action == "ADD":
            self._inside.setdefault(container, {}).update(dict.fromkeys(items))
        else:
            self._inside.pop(container, None)

    def unpack(self, container: str, item: str) -> bool:
        """Take an item out; whether it was in there."""
        inside = self._inside.get(container, {})
        if item not in inside:
            return False
        del inside[item]
        return True

    def with_contents(self, items: Iterable[str]) -> tuple[str, ...]:
        """Items, and all that is in them, in them, and so on; containers that hold each other end where they close."""
        found: dict[str, None] = {}
        ahead = list(items)[::-1]
        while ahead:
            item = ahead.pop()
            if item not in found:
                found[item] = None
                ahead += list(self._inside.get(item, ()))[::-1]
        return tuple(found)
