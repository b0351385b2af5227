"""Who has which address and name in a world."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyhaul.emulation._world import MOST_TERMINALS, WorldMap, pop_prefix, terminals_prefix
from skyhaul.errors import SkyhaulError


def test_addresses_are_those_that_operators_use() -> None:
    world = WorldMap.of([("kyiv", "Warsaw"), ("paris", "London"), ("lviv", "Warsaw")], ["London", "Warsaw"])
    kyiv, paris, lviv = world.terminals
    assert [str(place.address) for place in world.terminals] == ["100.64.128.1", "100.64.0.1", "100.64.128.65"]
    assert [str(place.address) for place in world.pops] == ["10.100.1.1", "10.100.2.1"]
    assert kyiv.link is not None
    assert str(kyiv.link.far) == "100.64.128.2"
    assert str(paris.address6) == "fd53:6b79:6861::6440:1"
    assert lviv.host_name == "lviv.terminal.skyhaul"
    assert world.pops[1].key == "pop:Warsaw"


@given(
    homes=st.lists(st.integers(0, 11), min_size=1, max_size=60),
    servers=st.lists(st.integers(0, 11), max_size=20),
)
def test_every_place_has_an_address_of_its_own_within_its_pops_prefix(homes: list[int], servers: list[int]) -> None:
    pops = [f"p{number}" for number in range(12)]
    world = WorldMap.of(
        [(f"t{number}", pops[home]) for number, home in enumerate(homes)],
        pops,
        [(f"s{number}", pops[home]) for number, home in enumerate(servers)],
    )
    places = list(world.places.values())
    assert len({place.address for place in places}) == len({place.address6 for place in places}) == len(places)
    shared = ipaddress.IPv4Network("100.64.0.0/10")
    taken: list[ipaddress.IPv4Network] = []
    for place in places:
        if place.link is None:
            assert place.address in pop_prefix(place.pop)
            continue
        assert place.address in place.link.prefix
        assert place.link.prefix.subnet_of(terminals_prefix(place.pop))
        assert place.link.prefix.subnet_of(shared)
        assert not any(place.link.prefix.overlaps(other) for other in taken)
        assert place.link.places == 15  # links can be made inside
        taken.append(place.link.prefix)


def test_names_are_what_the_domain_name_system_allows_and_the_first_counts() -> None:
    world = WorldMap.of([("Pot & Pan", "São Paulo"), ("pot pan", "São Paulo")], ["São Paulo"])
    lines = world.hosts().splitlines()
    assert lines[0] == "100.64.0.1 pot-pan.terminal.skyhaul"
    assert sum("pot-pan" in line for line in lines) == 2
    assert "10.100.1.1 sao-paulo.pop.skyhaul" in lines
    assert not any("::" in line for line in world.hosts(six=False).splitlines())


def test_more_than_the_prefixes_hold_is_refused() -> None:
    full = [(f"t{number}", "a") for number in range(MOST_TERMINALS)]
    assert len(WorldMap.of(full, ["a"]).terminals) == MOST_TERMINALS
    with pytest.raises(SkyhaulError, match="513 terminals behind a"):
        WorldMap.of([*full, ("one more", "a")], ["a"])
    with pytest.raises(SkyhaulError, match="129 points of presence"):
        WorldMap.of([], [f"p{number}" for number in range(129)])
