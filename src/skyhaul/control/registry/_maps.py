"""Maps of a layer by one source: from polygons to area facts, each map in place of the one before."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from skyhaul.control._instants import instant_text, utc
from skyhaul.control.facts import Area, AreaRef, Fact, Facts, Layer, Withdrawal
from skyhaul.control.polygons import Outline
from skyhaul.errors import ControlError


@dataclass(frozen=True, slots=True)
class MapSource:
    """What is said of every polygon of a map.

    layer     the layer it is drawn in
    source    whose map it is; maps of one layer and source are versions of each other
    holder    who claims, controls or licenses what the polygons do not say it of
    author    who records it
    """

    layer: Layer
    source: str
    author: str
    holder: str = ""

    @property
    def prefix(self) -> str:
        """How the keys of its areas begin."""
        digest = sha256(f"{self.layer}\n{self.source}".encode()).hexdigest()[:8]
        return f"{self.layer}-{digest}-"


@dataclass(frozen=True, slots=True)
class DatedMap:
    """The polygons of one map: numbers and outlines, and from when on it holds."""

    rows: Sequence[tuple[int, Outline]]
    valid_from: np.datetime64


def areas_of_map(
    drawn: DatedMap, by: MapSource, facts: Facts, more: Iterable[Fact] = (), *, whole: bool
) -> list[tuple[int, Area | Withdrawal | ControlError]]:
    """The facts that a map says, by the number of the polygon; number 0: of names that are no longer drawn.

    A polygon takes the place of those of its name and holder on earlier maps of the same source, from the map's date
    until that of the next map there is; `whole`: names that the map does not draw end there. `more` are facts that
    will be recorded before these. Properties `name`, `holder`, `source`, `valid_from` and `valid_to` of a polygon go
    before what is said for all.
    """
    past = [fact for fact in (*facts.of_kind(Area), *more) if isinstance(fact, Area) and fact.key.startswith(by.prefix)]
    ended = [
        fact
        for fact in (*facts.of_kind(Withdrawal), *more)
        if isinstance(fact, Withdrawal) and fact.kind == "Area" and fact.subject.startswith(by.prefix)
    ]
    next_map = min((f.valid_from for f in (*past, *ended) if f.valid_from > drawn.valid_from), default=None)
    keys = {fact.key for fact in past}
    ids = {fact.id for fact in (*past, *ended)}
    found: list[tuple[int, Area | Withdrawal | ControlError]] = []
    seen: Counter[tuple[str, str]] = Counter()
    here: set[str] = set()
    for number, outline in drawn.rows:
        try:
            area = _area(outline, drawn.valid_from, next_map, by, seen, keys, ids)
        except ControlError as error:
            found.append((number, error))
            continue
        here.add(area.key)
        ids.add(area.id)
        found.append((number, area))
    if whole:
        gone = sorted(_drawn_at(past, ended, drawn.valid_from) - here)
        found += [(0, _end(key, drawn.valid_from, next_map, by, ids)) for key in gone]
    return found


def _area(
    outline: Outline,
    begin: np.datetime64,
    next_map: np.datetime64 | None,
    by: MapSource,
    seen: Counter[tuple[str, str]],
    keys: set[str],
    ids: set[str],
) -> Area:
    get = outline.properties.get
    name, holder = get("name", "").strip(), (get("holder") or by.holder).strip()
    seen[name, holder] += 1
    holder_digest = sha256(holder.encode()).hexdigest()[:6]
    key = f"{by.prefix}{_slug(name)}-{holder_digest}-{seen[name, holder]}"
    own_begin, own_end = get("valid_from"), get("valid_to")
    from_ = utc(own_begin, f"{outline.where}, valid_from") if own_begin else begin
    to = utc(own_end, f"{outline.where}, valid_to") if own_end else next_map
    try:
        return Area(
            id=_new_id(f"{key}@{instant_text(from_)}", ids) if key in keys else key,
            subject=key if key in keys else "",
            valid_from=from_,
            valid_to=to,
            recorded_at=from_,
            source=get("source") or by.source,
            author=by.author,
            layer=by.layer,
            name=name,
            holder=holder,
            shape=outline.shape,
        )
    except ControlError as error:
        raise ControlError(
            error.what, where=f"{outline.where} “{name}”" if name else outline.where, mend=error.mend
        ) from None


def _end(key: str, begin: np.datetime64, to: np.datetime64 | None, by: MapSource, ids: set[str]) -> Withdrawal:
    id_ = _new_id(f"{key}@{instant_text(begin)}.end", ids)
    ids.add(id_)
    return Withdrawal(
        id=id_,
        kind="Area",
        subject=key,
        valid_from=begin,
        valid_to=to,
        recorded_at=begin,
        source=by.source,
        author=by.author,
        reason="the map of that date does not draw it",
    )


def _drawn_at(past: Sequence[Area], ended: Sequence[Withdrawal], time: np.datetime64) -> set[str]:
    """The keys that earlier maps draw at an instant."""
    last: dict[str, Fact] = {}
    for fact in sorted((*past, *ended), key=lambda fact: fact.valid_from):
        if fact.valid_from <= time and (fact.valid_to is None or time < fact.valid_to):
            last[fact.key] = fact
    return {key for key, fact in last.items() if isinstance(fact, Area)}


def _new_id(id_: str, ids: set[str]) -> str:
    number, found = 1, id_
    while found in ids:
        number += 1
        found = f"{id_}.{number}"
    return found


def _slug(name: str) -> str:
    return re.sub(r"[^\w.]+", "-", name).strip("-") or "area"


def swapped(area: Area, facts: Facts) -> ControlError | None:
    """What is wrong with an area that lies nowhere near others of its name, holder or layer as it is drawn, and among
    them with latitude and longitude swapped; None where that is not so, or there is nothing to compare with."""
    others = list(facts.of_kind(Area))
    for same in (
        [other for other in others if other.name == area.name],
        [other for other in others if area.holder and other.holder == area.holder],
        others,
    ):
        if same:
            return _swapped(area.shape, [other.shape for other in same], area)
    return None


def _swapped(shape: BaseGeometry, others: Sequence[BaseGeometry], area: Area) -> ControlError | None:
    box = shapely.box(*shapely.total_bounds(np.array(others, dtype=object)))
    turned = shapely.transform(shape, lambda xy: xy[:, ::-1])
    # Degrees north beyond 90 are no place: what is drawn so cannot be drawn the wrong way round.
    if (
        shape.intersects(box)
        or turned.intersection(box).area < 0.5 * turned.area
        or max(map(abs, turned.bounds[1::2])) > 90.0
    ):
        return None
    west, south, east, north = box.bounds
    return ControlError(
        f"latitude and longitude look swapped: it lies far from {west:.4g}…{east:.4g}° E, {south:.4g}…{north:.4g}° N, "
        f"where {AreaRef(area.layer, area.name)} and what is recorded with it lie, and turned round among them",
        where=area.where,
        mend="positions are longitude, latitude; --as-drawn takes them as they are",
    )
