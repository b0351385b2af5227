"""What the public lists of gateways and PoPs say in words, icons and colours: which sites are in service, and how
large they are."""

from __future__ import annotations

import re
from collections.abc import Mapping

# Icons of the Starlink community's map of gateways and PoPs, exported 2023-10-10 and 2025-10 (`#icon-SHAPE-COLOUR`).
# Colours read from the map's own status words: green is built or live; blue are sites that the same map calls presumed
# live and later lists operational, and its PoPs in service, in three shades; yellow is under construction, red is not
# built, purple is unknown.
_LIVE_COLOURS = frozenset({"558B2F", "0288D1", "01579B", "0097A7"})
_PLANNED_LINE_COLOURS = frozenset({"F9A825", "673AB7"})
_TRACKING_SHAPE = "1603"
_ICON = re.compile(r"#icon-(\d+)-([0-9A-F]{6})")
_LINE = re.compile(r"#line-([0-9A-F]{6})")

_LIVE_STATUS = frozenset({"operational", "live", "presumed live", "built", "active", "in service"})

# Places in a list of PoPs where no traffic enters the internet at large: a community's own gateway, a test site; and
# names kept for later.
_NOT_A_POP = re.compile(r"community gateway|staging|testing site", re.IGNORECASE)
_PLANNED_POP = re.compile(r"planned|not yet operational", re.IGNORECASE)

# Sites that only feed another operator's network, as the map of 2023-10-10 writes it.
_NOT_A_GATEWAY = re.compile(r"TT&C|backhaul only", re.IGNORECASE)

# A site called “Mega” has 32 to 40 antennas (legend of the same map).
_MEGA_ANTENNAS = 32
_MEGA = re.compile(r"\bmega\b", re.IGNORECASE)


def description_field(description: str, field: str) -> str:
    """One field of a description written as `Field: value | Field: value`, or an empty text."""
    found = re.search(rf"(?:^|\|)\s*{re.escape(field)}:([^|]*)", description)
    return found.group(1).strip() if found else ""


def gateway_in_service(row: Mapping[str, str], planned: bool = False) -> bool:
    """Whether a row lists a gateway that carries traffic, or with `planned` one that may some day.

    The community's map has it in three places that do not always agree. A site carries traffic when its icon is green
    or blue and its Ka or E band is marked operational; so does one of another colour that is marked operational and
    either built or, in the notes, an existing site being enlarged. Sites for telemetry only, or that feed somebody
    else's network, do not. Other lists have a status column, or list only what is in service.
    """
    if not _listed(row, planned) or _NOT_A_GATEWAY.search(row.get("name", "")):
        return False
    icon = _ICON.search(row.get("style", ""))
    if not icon:
        return True
    shape, colour = icon.groups()
    if shape == _TRACKING_SHAPE or planned:
        return shape != _TRACKING_SHAPE
    description = row.get("description", "")
    operational = [description_field(description, f"{band} Operational") for band in ("Ka", "E")]
    if any(operational) and "TRUE" not in operational:
        return False
    if colour in _LIVE_COLOURS:
        return True
    built = description_field(description, "Status").casefold() in _LIVE_STATUS
    return "TRUE" in operational and (built or "xpanding" in description_field(description, "Notes"))


def pop_in_service(row: Mapping[str, str], planned: bool = False) -> bool:
    """Whether a row lists a PoP where traffic enters the internet, by its status, its icon's colour and its note."""
    note = row.get("note", "").replace("\xa0", " ")
    if not _listed(row, planned) or _NOT_A_POP.search(note) or (_PLANNED_POP.search(note) and not planned):
        return False
    icon = _ICON.search(row.get("style", ""))
    return planned or icon is None or icon.group(2) in _LIVE_COLOURS


def line_in_service(row: Mapping[str, str], planned: bool = False) -> bool:
    """Whether a backbone line is neither suspected nor under construction: the map draws those purple and yellow."""
    line = _LINE.search(row.get("style", ""))
    return _listed(row, planned) and (planned or line is None or line.group(1) not in _PLANNED_LINE_COLOURS)


def _listed(row: Mapping[str, str], planned: bool) -> bool:
    status = row.get("status", "").casefold()
    shown = row.get("shown", "").casefold() not in {"false", "0", "no"}
    return shown and (planned or not status or status in _LIVE_STATUS)


def antennas_in_words(row: Mapping[str, str]) -> str:
    """The number of antennas that a description or a name gives, or an empty text."""
    count = description_field(row.get("description", ""), "Ka Antenna Count")
    return count or (str(_MEGA_ANTENNAS) if _MEGA.search(row.get("name", "")) else "")


def elevation_in_words(row: Mapping[str, str]) -> str:
    """The lowest elevation in degrees that a description gives, or an empty text."""
    return description_field(row.get("description", ""), "Ka Min Elevation")
