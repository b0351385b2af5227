"""Ground segments from files and from the presets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from importlib import resources
from pathlib import Path

import numpy as np

from skyhaul.earth import Sites, great_circle_m
from skyhaul.errors import GroundError, NotFoundError
from skyhaul.network import GATEWAY_ANTENNAS as DEFAULT_ANTENNAS
from skyhaul.network import ROUTE_FACTOR, FibreLine, Ground, cable_delay_s, find_name, gateway_mask_deg
from skyhaul.sources._ground_tables import Cable, Course, GroundList, Place, parse_ground

# Two rows of one name no farther apart than this are one site: positions in public lists are good to 1 to 10 km.
_SAME_SITE_M = 10_000.0

# An end of a drawn line belongs to the nearest PoP within this distance: a metropolitan area.
_LINE_END_M = 50_000.0


def read_ground(paths: Sequence[Path] | Path, *, planned: bool = False) -> Ground:
    """A ground segment from one file, or from several merged: gateways in one and PoPs in another, say.

    With `planned`, sites and lines that a list calls planned, not built or unknown are in service too.

    **CSV** with a header: `latitude` (or `lat`) and `longitude` (`lon`, `lng`) in degrees, and as far as they are
    there `name` (`code`), `kind` (`type`: `gateway` or `pop`; when there is none, the file's name must hold one of the
    two words), `antennas` (default 8), `min_elevation_deg` (default by latitude: 25, above 62° 5), `status` (only
    `operational`, `live`, `built`, `active` are taken), `city`. Other columns are passed over and lines that start with
    `#` are comments. **JSON**: a list of objects with the same names. **TOML**::

        [[gateway]]
        name = "Lyon"
        latitude = 45.76
        longitude = 4.84
        antennas = 8              # may be left out
        min_elevation_deg = 25    # may be left out

        [[pop]]
        name = "Frankfurt"
        latitude = 50.11
        longitude = 8.68

        [[fibre]]                 # may be left out: gateway to PoP, or PoP to PoP
        from = "Lyon"             # "gateway:Lyon" where a gateway and a PoP share a name
        to = "Frankfurt"
        km = 820                  # length of cable, or ms = 4.0 one way

    The public maps of Starlink's and OneWeb's ground segments load as they are: sites under construction, planned, for
    telemetry only or of a single community are left out, and the map's backbone lines become lines between the PoPs
    that are within 50 km of their ends. A drawn line is as long as its course, and not shorter than 1.3 great circles.

    Rows of one kind and name within 10 km are one site, of which the first row counts; farther apart, the later one
    becomes “name (2)”. `GroundError` names file, line, field and mend.
    """
    files = [paths] if isinstance(paths, Path) else list(paths)
    return _merge([_parse_file(file, planned) for file in files], ", ".join(str(file) for file in files))


def preset_ground(name: str = "cities") -> Ground:
    """A ground segment that comes with the package: `cities` is gateways and PoPs at public cities around the world."""
    folder = resources.files("skyhaul") / "presets" / "ground"
    names = sorted(entry.name.removesuffix(".csv") for entry in folder.iterdir() if entry.name.endswith(".csv"))
    if name not in names:
        raise NotFoundError(f"no ground segment is named “{name}”", mend=f"presets: {', '.join(names)}")
    data = (folder / f"{name}.csv").read_bytes()
    return _merge([parse_ground(data, f"{name}.csv")], name)


def _parse_file(path: Path, planned: bool) -> GroundList:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise GroundError(f"cannot read: {error.strerror}", where=str(path), mend="check the path") from None
    return parse_ground(data, str(path), planned=planned)


def _merge(lists: Sequence[GroundList], source: str) -> Ground:
    places = [place for one in lists for place in one.places]
    gateways = _own_names([place for place in places if place.kind == "gateway"])
    pops = _own_names([place for place in places if place.kind == "pop"])
    for kind, found in (("gateway", gateways), ("PoP", pops)):
        if not found:
            mend = f"add a file with {kind}s; several files are merged"
            raise GroundError(f"no {kind} in service is listed", where=source, mend=mend)
    gateway_sites, pop_sites = _sites(gateways), _sites(pops)
    access: list[FibreLine] = []
    backbone = [line for one in lists for course in one.courses if (line := _course_line(course, pop_sites))]
    for cable in (cable for one in lists for cable in one.cables):
        from_gateway, line = _cable_line(cable, gateway_sites, pop_sites)
        (access if from_gateway else backbone).append(line)
    masks = gateway_mask_deg(gateway_sites.latitude_deg)
    return Ground.of(
        gateway_sites,
        pop_sites,
        antennas=[place.antennas or DEFAULT_ANTENNAS for place in gateways],
        mask_deg=np.array([masks[i] if place.mask_deg is None else place.mask_deg for i, place in enumerate(gateways)]),
        access=access,
        backbone=backbone,
    )


def _own_names(places: Sequence[Place]) -> list[Place]:
    kept: list[Place] = []
    by_name: dict[str, list[Place]] = {}
    for place in places:
        namesakes = by_name.setdefault(place.name, [])
        if any(_distance_m(place, other) <= _SAME_SITE_M for other in namesakes):
            continue
        namesakes.append(place)
        kept.append(place if len(namesakes) == 1 else replace(place, name=f"{place.name} ({len(namesakes)})"))
    return kept


def _distance_m(first: Place, second: Place) -> float:
    return float(great_circle_m(first.latitude_deg, first.longitude_deg, second.latitude_deg, second.longitude_deg))


def _sites(places: Sequence[Place]) -> Sites:
    return Sites.at(
        [place.latitude_deg for place in places],
        [place.longitude_deg for place in places],
        name=[place.name for place in places],
    )


def _course_line(course: Course, pops: Sites) -> FibreLine | None:
    """The line between the PoPs at the ends of a course, or None where it does not join two of them."""
    latitude, longitude = np.array(course.points).T
    ends = []
    for end in (0, -1):
        distance_m = great_circle_m(latitude[end], longitude[end], pops.latitude_deg, pops.longitude_deg)
        ends.append(int(np.argmin(distance_m)))
        if distance_m[ends[-1]] > _LINE_END_M:
            return None
    first, second = ends
    if first == second:
        return None
    course_m = float(great_circle_m(latitude[:-1], longitude[:-1], latitude[1:], longitude[1:]).sum())
    direct_m = float(great_circle_m(latitude[0], longitude[0], latitude[-1], longitude[-1]))
    return FibreLine(first, second, cable_delay_s(max(course_m, ROUTE_FACTOR * direct_m)))


def _cable_line(cable: Cable, gateways: Sites, pops: Sites) -> tuple[bool, FibreLine]:
    """Whether a cable starts at a gateway, and the line it makes."""
    first_kind, first = _cable_end(cable.first, gateways, pops, cable.where)
    second_kind, second = _cable_end(cable.second, gateways, pops, cable.where)
    if first_kind == second_kind == "gateway":
        mend = "join gateway and PoP, or two PoPs"
        raise GroundError(f"“{cable.first}” and “{cable.second}” are both gateways", where=cable.where, mend=mend)
    if second_kind == "gateway":
        first, second = second, first
    return "gateway" in (first_kind, second_kind), FibreLine(first, second, cable.delay_s)


def _cable_end(text: str, gateways: Sites, pops: Sites, where: str) -> tuple[str, int]:
    kind, _, name = text.rpartition(":")
    lists = {"gateway": gateways.name, "pop": pops.name}
    if kind not in lists:
        name = text
        holding = [kind for kind, names in lists.items() if name in names]
        if len(holding) == 2:
            mend = f"write “gateway:{name}” or “pop:{name}”"
            raise GroundError(f"“{name}” is a gateway and a PoP", where=where, mend=mend)
        kind = holding[0] if holding else "pop"
    try:
        return kind, find_name(name, lists[kind], "PoP" if kind == "pop" else "gateway")
    except NotFoundError as error:
        raise GroundError(error.what, where=where, mend=error.mend) from None
