from __future__ import annotations

import ipaddress

import pytest

from skyhaul.emulation._addresses import LinkAddresses
from skyhaul.errors import InputError, SkyhaulError


def test_the_outermost_link_is_in_the_shared_address_space() -> None:
    link = LinkAddresses.outermost()
    # RFC 6598: 100.64.0.0/10 is for links between providers and their customers.
    assert str(link.prefix) == "100.64.0.0/10"
    assert (str(link.near), str(link.far)) == ("100.64.0.1", "100.64.0.2")
    assert link.near6 in link.prefix6
    assert link.near6.is_private


def test_links_inside_share_nothing_with_each_other_nor_with_the_ends_of_the_outer() -> None:
    outer = LinkAddresses.outermost()
    for _ in range(5):
        inner = [outer.inner(number) for number in range(1, outer.places + 1)]
        if not inner:
            break
        spaces = [link.prefix for link in inner]
        assert all(space.subnet_of(outer.prefix) for space in spaces)
        assert not any(a.overlaps(b) for i, a in enumerate(spaces) for b in spaces[:i])
        assert not any(end in space for space in spaces for end in (outer.near, outer.far))
        assert all(link.prefix6.subnet_of(outer.prefix6) for link in inner)
        outer = inner[-1]
    assert outer.places == 0
    with pytest.raises(SkyhaulError, match="nested too deep"):
        outer.inner(1)


def test_a_prefix_comes_back_from_its_text() -> None:
    link = LinkAddresses.outermost().inner(3)
    assert LinkAddresses.parse(str(link.prefix)) == link
    assert ipaddress.ip_address("100.76.0.1") == link.near
    with pytest.raises(InputError, match="SKYHAUL_LINK"):
        LinkAddresses.parse("over there")
