from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.csgraph import connected_components

from skyhaul.errors import ElementsError
from skyhaul.network import Links, Outages, found_links, grid_links, usable_links
from skyhaul.network._planes import MeanOrbits, find_planes
from skyhaul.orbits import Constellation, Elements, Walker, parse_elements, parse_walker, walker_elements
from skyhaul.types import Floats, Ints

EPOCH = np.datetime64("2026-06-13T12:00:00", "ns")
HOUR = np.timedelta64(1, "h")


def pairs_of(links: Links) -> set[tuple[int, int]]:
    return set(zip(links.first.tolist(), links.second.tolist(), strict=True))


def degree(links: Links, satellites: int) -> Ints:
    ends = np.concatenate([links.first, links.second])
    counts: Ints = np.bincount(ends, minlength=satellites)
    return counts


def parts(links: Links, satellites: int) -> Ints:
    """The connected part of each satellite."""
    edges: Any = sparse.coo_matrix((np.ones(len(links)), (links.first, links.second)), shape=(satellites, satellites))
    return np.asarray(connected_components(edges, directed=False)[1], dtype=np.int64)


def as_found(elements: Elements) -> Elements:
    """The same satellites as a file has them: in no order and without places in planes."""
    order = np.random.default_rng(4).permutation(len(elements))
    shuffled = elements.select(order)
    for column in (shuffled.shell, shuffled.plane, shuffled.index_in_plane):
        column[:] = -1
    return shuffled


def positions(elements: Elements, time: np.datetime64) -> Floats:
    return Constellation(elements).at(time, velocity=False).position_m


def test_links_are_pairs_in_order_and_once() -> None:
    links = Links.of([(3, 1), (1, 3), (0, 2), (2, 1)])
    assert list(zip(links.first, links.second, strict=True)) == [(0, 2), (1, 2), (1, 3)]
    assert len(Links.of([])) == 0
    for pairs in ([(1, 1)], [(-1, 2)]):
        with pytest.raises(ValueError, match="joins two satellites"):
            Links.of(pairs)


class TestGrid:
    def test_a_delta_shell_gives_four_links_to_each(self) -> None:
        elements = walker_elements(parse_walker("D:550:53.0:1584/72/17"), EPOCH)
        links = grid_links(elements)
        assert (degree(links, 1584) == 4).all()
        pairs = pairs_of(links)
        assert {(0, 1), (0, 21), (0, 22), (21, 43), (1561, 1583)} <= pairs

    def test_a_star_shell_has_none_across_its_seam(self) -> None:
        # Iridium NEXT: 6 planes of 11.
        links = grid_links(walker_elements(parse_walker("S:780:86.4:66/6/1"), EPOCH))
        count = degree(links, 66)
        assert (count[:11] == 3).all()
        assert (count[11:55] == 4).all()
        assert (count[55:] == 3).all()

    @pytest.mark.parametrize("phasing", [0, 1, 8, 17, 35, 36, 37, 71])
    def test_the_last_plane_joins_the_satellites_of_the_first_that_are_nearest_along_the_orbit(
        self, phasing: int
    ) -> None:
        elements = walker_elements([Walker("delta", 550.0, 53.0, 1584, 72, phasing)], EPOCH)
        for first, second in pairs_of(grid_links(elements)):
            if {int(elements.plane[first]), int(elements.plane[second])} == {0, 71}:
                lag = elements.mean_anomaly_deg[first] - elements.mean_anomaly_deg[second]
                assert abs((lag + 180.0) % 360.0 - 180.0) <= 360.0 / 22 / 2 + 1e-9

    def test_planes_shifted_by_half_a_place_keep_their_places_round_the_globe(self) -> None:
        elements = walker_elements([Walker("delta", 550.0, 53.0, 1584, 72, stagger=0.5)], EPOCH)
        pairs = pairs_of(grid_links(elements))
        assert {(place, 71 * 22 + place) for place in range(22)} <= pairs

    def test_each_shell_has_a_grid_of_its_own(self) -> None:
        elements = walker_elements(parse_walker("D:550:53.0:20/4/1+D:570:70.0:9/3/1"), EPOCH)
        links = grid_links(elements)
        assert not ((links.first < 20) & (links.second >= 20)).any()
        assert (degree(links, 29)[:20] == 4).all()

    def test_small_shells_have_no_link_twice(self) -> None:
        for code, count in (
            ("D:550:53.0:4/2/0", 4),
            ("D:550:53.0:2/2/0", 1),
            ("D:550:53.0:2/1/0", 1),
            ("D:550:53.0:1/1/0", 0),
        ):
            assert len(grid_links(walker_elements(parse_walker(code), EPOCH))) == count

    def test_lost_satellites_leave_gaps(self) -> None:
        whole = walker_elements(parse_walker("D:550:53.0:20/4/1"), EPOCH)
        kept = np.flatnonzero(np.arange(20) != 7)
        inside = {(a, b) for a, b in pairs_of(grid_links(whole)) if 7 not in (a, b)}
        assert {(int(kept[a]), int(kept[b])) for a, b in pairs_of(grid_links(whole.select(kept)))} == inside

    def test_real_elements_have_no_grid(self) -> None:
        with pytest.raises(ElementsError, match="has no place in a plane"):
            grid_links(as_found(walker_elements(parse_walker("D:550:53.0:20/4/1"), EPOCH)))


class TestUsable:
    def test_length_range_and_line_of_sight(self) -> None:
        # On a circle of 7,000 km the line between two satellites comes as low as 7,000 cos(half their angle) km.
        angle = np.radians([0.0, 40.0, 44.0, 90.0])
        position = 7e6 * np.stack([np.cos(angle), np.sin(angle), np.zeros(4)])
        links = Links.of([(0, 1), (0, 2), (0, 3)])
        near, length_m = usable_links(links, position)
        assert pairs_of(near) == {(0, 1), (0, 2)}
        np.testing.assert_allclose(length_m, 14e6 * np.sin(np.radians([20.0, 22.0])), rtol=1e-12)
        assert pairs_of(usable_links(links, position, max_range_m=5e6)[0]) == {(0, 1)}
        # 7,000 cos 22° = 6,490 km: 112 km above the equatorial radius.
        assert pairs_of(usable_links(links, position, clearance_m=111e3)[0]) == {(0, 1), (0, 2)}
        assert pairs_of(usable_links(links, position, clearance_m=113e3)[0]) == {(0, 1)}

    def test_a_link_straight_up_is_as_low_as_its_lower_end(self) -> None:
        position = np.array([[6.9e6, 7.5e6], [0.0, 0.0], [0.0, 0.0]])
        assert len(usable_links(Links.of([(0, 1)]), position, clearance_m=5e5)[0]) == 1

    def test_what_is_out_has_no_links(self) -> None:
        elements = walker_elements(parse_walker("D:550:53.0:1584/72/17"), EPOCH)
        links, position = grid_links(elements), positions(elements, EPOCH)
        outages = Outages.none(1584, 1, 1)
        assert len(usable_links(links, position, outages=outages)[0]) == len(links)
        outages.satellite[5] = True
        broken = Outages(outages.satellite, outages.gateway, outages.pop, np.array([[23, 22], [0, 700]]))
        left = pairs_of(usable_links(links, position, outages=broken)[0])
        assert len(left) == len(links) - 5
        assert (22, 23) not in left
        assert not any(5 in pair for pair in left)

    def test_a_satellite_without_a_position_has_no_links(self) -> None:
        position = np.array([[7e6, np.nan, 7e6], [0.0, 0.0, 1e5], [0.0, 0.0, 0.0]])
        assert pairs_of(usable_links(Links.of([(0, 1), (0, 2), (1, 2)]), position)[0]) == {(0, 2)}


class TestFound:
    @pytest.mark.parametrize("code", ["D:550:53.0:1584/72/17", "D:630:51.9:1156/34/11", "S:780:86.4:66/6/1"])
    def test_generated_shells_get_back_the_grid_they_were_made_with(self, code: str) -> None:
        elements = walker_elements(parse_walker(code), EPOCH)
        found = found_links(as_found(elements), EPOCH)
        whole = degree(grid_links(elements), len(elements))
        assert len(found) == whole.sum() // 2
        assert sorted(degree(found, len(elements))) == sorted(whole)

    def test_planes_are_found_after_weeks_of_drift(self) -> None:
        elements = walker_elements(parse_walker("D:550:53.0:1584/72/17"), EPOCH)
        planes = find_planes(MeanOrbits.at(as_found(elements), EPOCH + np.timedelta64(20, "D")))
        assert np.array_equal(np.diff(planes.offset), np.full(72, 22))

    def test_mean_orbits_are_where_sgp4_puts_the_satellites(self) -> None:
        elements = walker_elements(parse_walker("D:550:53.0:40/4/1+S:1200:87.9:30/5/2"), EPOCH)
        for time in (EPOCH, EPOCH + np.timedelta64(10, "D")):
            teme_m = Constellation(elements).teme(np.atleast_1d(time))[0][0] * 1e3
            mean_m = MeanOrbits.at(elements, time).position_m
            assert np.linalg.norm(teme_m - mean_m, axis=0).max() < 60e3  # half a degree

    @pytest.mark.parametrize(("terminals", "most"), [(2, 2), (3, 3), (4, 4), (6, 6)])
    def test_no_satellite_has_more_links_than_terminals(self, terminals: int, most: int) -> None:
        elements = as_found(walker_elements(parse_walker("D:550:53.0:1584/72/17+D:570:70.0:720/36/11"), EPOCH))
        links = found_links(elements, EPOCH, links_per_satellite=terminals)
        assert degree(links, len(elements)).max() == most
        if terminals > 2:
            assert len(set(parts(links, len(elements)))) == 1

    @pytest.mark.parametrize("lost", [0.0, 0.03, 0.2])
    def test_shells_join_with_gaps_and_without(self, lost: float) -> None:
        whole = walker_elements(parse_walker("D:550:53.0:1584/72/17+D:570:70.0:720/36/11"), EPOCH)
        elements = as_found(whole.select(np.random.default_rng(9).random(len(whole)) >= lost))
        links = found_links(elements, EPOCH)
        assert np.bincount(parts(links, len(elements))).max() >= 0.999 * len(elements)
        assert (degree(links, len(elements)) >= 3).mean() > 0.99

    def test_shells_too_far_apart_keep_their_links(self) -> None:
        elements = walker_elements(parse_walker("D:550:53.0:396/18/5+D:1800:88.0:396/18/5"), EPOCH)
        links = found_links(elements, EPOCH, max_range_m=2.6e6)
        assert len(set(parts(links, len(elements)))) > 1
        assert not ((links.first < 396) & (links.second >= 396)).any()
        assert (degree(links, 792)[:396] == 4).all()

    def test_satellites_on_their_way_up_are_left_out(self) -> None:
        station = walker_elements(parse_walker("D:550:53.0:1584/72/17"), EPOCH)
        climbing = walker_elements([Walker("delta", 350.0 + 7.0 * step, 53.0, 2, 1) for step in range(20)], EPOCH)
        links = found_links(Elements.concatenate([climbing, station]), EPOCH)
        count = degree(links, 1624)
        assert not count[:40].any()
        assert (count[40:] == 4).all()

    @settings(max_examples=15, deadline=None)
    @given(st.integers(0, 2**32 - 1), st.floats(0.0, 0.6))
    def test_losses_break_no_rule(self, seed: int, lost: float) -> None:
        whole = as_found(walker_elements(parse_walker("D:550:53.0:396/18/5+S:1200:87.9:180/12/2"), EPOCH))
        elements = whole.select(np.random.default_rng(seed).random(len(whole)) >= lost)
        links = found_links(elements, EPOCH)
        assert degree(links, len(elements)).max(initial=0) <= 4
        assert (links.first < links.second).all()
        if len(links):
            assert len(usable_links(links, positions(elements, EPOCH), max_range_m=5.5e6, clearance_m=60e3)[0]) == len(
                links
            )

    def test_few_satellites_have_no_planes(self) -> None:
        assert len(found_links(walker_elements(parse_walker("D:550:53.0:10/2/1"), EPOCH), EPOCH)) == 0

    def test_a_satellite_without_two_terminals_has_no_plane(self) -> None:
        with pytest.raises(ValueError, match="at least 2"):
            found_links(walker_elements(parse_walker("D:550:53.0:10/2/1"), EPOCH), EPOCH, links_per_satellite=1)


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "on_station"), [("starlink_2024-02-17.2le.gz", 0.93), ("starlink_2026-06-13.tle.gz", 0.93)]
)
class TestRealConstellations:
    @pytest.fixture
    def elements(self, data_folder: Path, name: str) -> Elements:
        return parse_elements((data_folder / "tle" / name).read_bytes(), name).elements

    def test_nearly_all_satellites_on_station_are_one_network_for_hours(
        self, elements: Elements, on_station: float
    ) -> None:
        time = elements.epoch.max()
        links = found_links(elements, time)
        member = find_planes(MeanOrbits.at(elements, time)).member
        assert len(member) >= on_station * len(elements)
        assert degree(links, len(elements)).max() == 4
        for hours, usable_share in ((0, 0.999), (1, 0.999), (3, 0.99)):
            usable, _ = usable_links(links, positions(elements, time + hours * HOUR))
            assert len(usable) >= usable_share * len(links)
            together = np.bincount(parts(usable, len(elements))[member]).max()
            assert together >= 0.99 * len(member)

    def test_links_do_not_depend_on_the_order_of_satellites(self, elements: Elements, on_station: float) -> None:
        del on_station
        time = elements.epoch.max()
        order = np.random.default_rng(6).permutation(len(elements))
        links, again = found_links(elements, time), found_links(elements.select(order), time)
        back = Links.of(np.stack([order[again.first], order[again.second]], axis=1))
        same = len(pairs_of(links) & pairs_of(back))
        assert same >= 0.999 * len(links)
        assert pairs_of(found_links(elements, time)) == pairs_of(links)
