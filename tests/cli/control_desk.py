"""A registry on disk with an operator and two clerks of an authority, for tests of commands."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from skyhaul.control.facts import AllowList, CustodyEvent, Fact, Party, Step, utc
from skyhaul.control.registry import Registry, key_file
from tests.control.registry.offices import key_of, offices, said, terminal

RECORDED = utc("2024-02-01")
PEOPLE = ("Olga", "Nora", "Nils", "Sven", "Dina", "Audi")
WHITE = AllowList(name="white", authority="Northland Office", area="licence/Northland", **said("list-white", "Nora"))


def custody(unit: str, *hands: str) -> list[Fact]:
    """A unit made by the first of some hands and passed on from each to the next, a day apart."""
    found: list[Fact] = [
        CustodyEvent(step=Step.COMMISSIONING, item=unit, receiver=hands[0], **said(f"made-{unit}", "Olga"))
    ]
    for number, (giver, receiver) in enumerate(pairwise(hands), 2):
        passed = said(f"passed-{unit}-{number}", "Olga", valid_from=utc(f"2024-01-{number:02}"))
        found.append(CustodyEvent(step=Step.TRANSFER, item=unit, giver=giver, receiver=receiver, **passed))
    return found


def history() -> list[Fact]:
    """The offices of Northland, a white list over it, and five units with their custody."""
    units = [terminal(f"U{i}", "A-1", kit_number=f"KIT-{i}") for i in range(1, 6)]
    ways = [
        custody("U1", "Maker", "Ada"),
        custody("U2", "Maker", "Dealer", "Ada"),
        custody("U3", "Maker", "Dealer", "Company"),
        custody("U4", "Maker", "Dealer", "Ada"),
    ]
    below = [
        Party(party="Brigade", **said("party-Brigade", "Olga")),
        Party(party="Company", parent="Brigade", **said("party-Company", "Olga")),
    ]
    return [*offices(), WHITE, *below, *units, *(fact for way in ways for fact in way)]


def registry_at(folder: Path, more: Sequence[Fact] = ()) -> Path:
    """A registry in a new folder, with the keys of all its people in it."""
    ticks = iter(range(10**9))

    def clock() -> np.datetime64:
        return RECORDED + np.timedelta64(next(ticks), "ms")

    with Registry.create(folder, "Root", history=[*history(), *more], clock=clock):
        pass
    for person in PEOPLE:
        key_of(person).write(key_file(folder, person))
    return folder
