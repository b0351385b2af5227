"""What a world of links is to be, without NumPy: the words of `skyhaul exec`, `skyhaul net up`, `skyhaul.emulate`."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from skyhaul.emulation._options import check_mtu
from skyhaul.live._status import Mode


@dataclass(frozen=True, slots=True)
class WorldOptions:
    """A world and what runs in it.

    scenario   what it follows, as people call it
    command    behind `terminal`, the first of the source; the world ends with it. None: it stays until it is ended
    pops       points of presence to have, besides those of the terminals
    servers    (name, PoP) of each server that has a place of its own behind a PoP
    engine     auto, compiled or python
    isolated   no way out to the host's network, even if there could be one
    status     of a command's terminal: a live line (`auto` where there is a terminal to show it, `always`, `never`); of
               a world that stays, whether each terminal has a path is said whenever it changes, but for `never`
    """

    scenario: str
    command: tuple[str, ...] = ()
    terminal: str = ""
    pops: tuple[str, ...] = ()
    servers: tuple[tuple[str, str], ...] = ()
    mtu: int = 1500
    offload: bool = True
    seed: int = 0
    engine: str = "auto"
    precise: bool = False
    isolated: bool = False
    pcap: Path | None = None
    report: Path | None = None
    json: bool = False
    quiet: bool = False
    status: Mode = "never"

    def __post_init__(self) -> None:
        check_mtu(self.mtu)


def find_name(wanted: str, known: Iterable[str]) -> str | None:
    """The name that is meant, written in any case; none where none or several are."""
    names = list(known)
    if wanted in names:
        return wanted
    alike = [name for name in names if name.casefold() == wanted.casefold()]
    return alike[0] if len(alike) == 1 else None


def near_names(wanted: str, known: Iterable[str]) -> str:
    """A mend for a name that is not there: the nearest ones, or all where there are few."""
    names = sorted(known)
    near = difflib.get_close_matches(wanted, names, n=3, cutoff=0.6)
    if near:
        return f"did you mean {' or '.join(near)}?"
    return f"there is {', '.join(names[:12])}{', …' if len(names) > 12 else ''}" if names else ""
