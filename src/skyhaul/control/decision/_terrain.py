"""The world's patches on the ground: from a shape, a tile class or a point to the patches of a period."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from skyhaul.control.decision._world import View, World
from skyhaul.types import Bools

if TYPE_CHECKING:
    from skyhaul.control.polygons._ground import Ground


class Terrain:
    """Patches that share a shape share it here; a daily map that moves one line draws the others once."""

    def __init__(self, world: World, previous: Terrain | None = None) -> None:
        index: dict[bytes, int] = {}
        self._shapes: list[BaseGeometry] = []
        self._patches: list[list[int]] = []
        for i, patch in enumerate(world.patches):
            s = index.setdefault(shapely.to_wkb(patch.shape), len(self._shapes))
            if s == len(self._shapes):
                self._shapes.append(patch.shape)
                self._patches.append([])
            self._patches[s].append(i)
        self._ground: Ground | None = None
        self._previous = previous._ground if previous is not None else None

    @property
    def ground(self) -> Ground:
        """The tiles of all shapes, drawn when first asked for; shapes of the terrain before are not drawn again."""
        if self._ground is None:
            from skyhaul.control.polygons._ground import Ground  # Numba takes 0.2 s to import

            self._ground = Ground(self._shapes, self._previous)
            self._previous = None
        return self._ground

    def patches_of(self, view: View, shapes: Iterable[int]) -> tuple[int, ...]:
        """Patches of the period that have one of these shapes, ascending."""
        return tuple(sorted(i for s in shapes for i in self._patches[s] if view.valid[i]))

    def there(self, view: View) -> Bools:
        """(S,) which shapes any patch of the period has."""
        if view.there is None:
            view.there = np.array([any(view.valid[i] for i in group) for group in self._patches], dtype=np.bool_)
        return view.there

    def of_class(self, view: View, class_: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """For a tile class the patches of the period that hold such a tile wholly, and the shapes of the period with a
        border in it; both ascending."""
        found = view.classes.get(class_)
        if found is None:
            inside, border = self.ground.sets(class_)
            there = self.there(view)
            found = self.patches_of(view, inside), tuple(s for s in border if there[s])
            view.classes[class_] = found
        return found
