"""The facts that bear on an area through a time, and for which of it nobody is recorded to be in control."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import shapely
from shapely.geometry.base import BaseGeometry

from skyhaul.control._instants import FOREVER, instant_text, nanoseconds
from skyhaul.control.decision import Compiled
from skyhaul.control.decision._orders import TimedOrder
from skyhaul.control.decision._world import Patch
from skyhaul.control.facts import Area, Fact, Layer, Order, Target

_WORDS = {
    Layer.CLAIM: "{holder} claims {name}",
    Layer.CONTROL: "{holder} is in control, {name}",
    Layer.LICENCE: "the licence of {holder} counts in {name}",
    Layer.OCEAN: "{name} is open sea",
}

# A part of an area smaller than this share of it is a sliver between two drawings of one line.
_SLIVER = 1e-6


@dataclass(frozen=True, slots=True)
class Bearing:
    """A fact that bears on the area, for [begin, end) (ns) of the time asked about.

    text   what it says
    late   recorded only after the time asked about
    """

    text: str
    begin: int
    end: int
    fact: Fact
    late: bool

    def document(self) -> dict[str, object]:
        """In JSON's own types."""
        return {
            "says": self.text,
            "from": instant_text(self.begin),
            "to": instant_text(self.end),
            "id": self.fact.id,
            "source": self.fact.source,
            "author": self.fact.author,
            "recorded_at": instant_text(self.fact.recorded_at),
            "recorded_late": self.late,
        }


@dataclass(frozen=True, slots=True)
class Coverage:
    """A period [begin, end) (ns) in which a share of the area has nobody recorded in control, or several."""

    begin: int
    end: int
    unknown_share: float
    disputed_share: float


def patches_there(compiled: Compiled, area: BaseGeometry, begin: int, end: int) -> list[Patch]:
    """Areas and cells of orders that overlap the area at some time of [begin, end), not those that only touch it."""
    return [
        patch
        for patch in compiled.world.patches
        if patch.begin < end and patch.end > begin and patch.shape.intersects(area) and not patch.shape.touches(area)
    ]


def bearings(compiled: Compiled, there: list[Patch], begin: int, end: int) -> list[Bearing]:
    """What was said of the area through [begin, end): layers, licences, orders and lists, in order of time."""
    found: list[tuple[str, int, int, Fact]] = []
    licensed: set[tuple[str, str]] = set()
    refs = {patch.ref for patch in there}
    for patch in there:
        fact = patch.fact
        if isinstance(fact, Area) and fact.layer in _WORDS:
            text = _WORDS[fact.layer].format(holder=fact.holder, name=fact.name)
            found.append((text, patch.begin, patch.end, fact))
            if fact.layer is Layer.LICENCE:
                licensed.add((fact.holder, fact.name))
    for piece in compiled.world.licences:
        licence = piece.fact
        if (licence.authority, licence.territory) in licensed:
            holders = ", ".join(licence.only_controlled_by)
            where = f", only where {holders} is in control" if holders else ""
            waits = ", once activated" if licence.activation_required else ""
            classes = " and ".join(licence.service_classes)
            text = f"{licence.authority} permits {classes} service in {licence.territory}{waits}{where}"
            found.append((text, piece.begin, piece.end, licence))
    for list_ in compiled.world.lists:
        if list_.fact.area in refs:
            text = f"the list “{list_.fact.name}” of {list_.fact.authority} is in force in {list_.fact.area}"
            found.append((text, list_.begin, list_.end, list_.fact))
    over = [timed for timed in compiled.world.orders if _over(timed.order) in refs]
    found += [(order_text(timed), timed.begin, timed.end, timed.order) for timed in over]
    return _cut(found, begin, end)


def order_text(timed: TimedOrder) -> str:
    """An order in a line."""
    order = timed.order
    return f"{order.authority} orders: {order.action} {order.target} {order.on} ({order.reason}; {order.legal_basis})"


def control_gaps(there: list[Patch], area: BaseGeometry, begin: int, end: int) -> list[Coverage]:
    """Periods in which part of the area has nobody recorded in control, or several; empty where it never has."""
    controls = [patch for patch in there if isinstance(patch.fact, Area) and patch.fact.layer is Layer.CONTROL]
    instants = sorted({begin, end, *(i for p in controls for i in (p.begin, p.end) if begin < i < end)})
    found: list[Coverage] = []
    for from_, to in pairwise(instants):
        of_holder: dict[str, list[BaseGeometry]] = {}
        for patch in controls:
            if patch.begin <= from_ < patch.end and isinstance(patch.fact, Area):
                of_holder.setdefault(patch.fact.holder, []).append(patch.shape.intersection(area))
        held = [shapely.union_all(shapes) for shapes in of_holder.values()]
        union = shapely.union_all(held) if held else shapely.Polygon()
        unknown = max(0.0, 1.0 - union.area / area.area)
        disputed = max(0.0, sum(shape.area for shape in held) - union.area) / area.area
        unknown, disputed = (share if share > _SLIVER else 0.0 for share in (unknown, disputed))
        if unknown or disputed:
            found.append(Coverage(from_, to, unknown, disputed))
    return found


def _cut(found: list[tuple[str, int, int, Fact]], begin: int, end: int) -> list[Bearing]:
    return sorted(
        (
            Bearing(text, max(from_, begin), min(to, end), fact, nanoseconds(fact.recorded_at) >= end)
            for text, from_, to, fact in found
            if from_ < end and to > begin and from_ < FOREVER
        ),
        key=lambda bearing: (bearing.begin, bearing.text, bearing.fact.id),
    )


def _over(order: Order) -> str:
    if order.target is Target.AREA:
        return order.on
    return f"cell/{int(order.on, 16):x}" if order.target is Target.CELL else ""
