from __future__ import annotations

import gzip
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sgp4.api import Satrec

from skyhaul.earth import Sites, geodetic_to_ecef
from skyhaul.errors import InputError
from skyhaul.radio import SiteIndex, Visibility, look_angles_of_pairs
from skyhaul.types import Bools, Floats
from tests.radio.skies import elevation_deg, random_satellites, random_sites


def _table(visibility: Visibility, satellites: int) -> Bools:
    table = np.zeros((len(visibility.offset) - 1, satellites), dtype=np.bool_)
    table[visibility.pairs()] = True
    return table


def _expect(sites: Sites, mask_deg: float | Floats, position: Floats) -> Visibility:
    """Hold an index against the elevations of a plain table, except for pairs within 0.0001° of the mask."""
    found = SiteIndex(sites, mask_deg).visible(position)
    elevation = elevation_deg(sites, position)
    mask = np.broadcast_to(mask_deg, (len(sites),))[:, None]
    # In the zenith an elevation is known only to the square root of the rounding error, near 1e-6 degrees.
    clear = ~(np.abs(elevation - mask) < 1e-4)
    assert_array_equal(_table(found, position.shape[1])[clear], (elevation >= mask)[clear])
    assert found.offset[0] == 0
    assert found.offset[-1] == len(found) == len(found.slant_range_m)
    site, satellite = found.pairs()
    ascending = (np.diff(site) > 0) | (np.diff(satellite) > 0)
    assert ascending.all()
    assert_allclose(
        found.slant_range_m, look_angles_of_pairs(sites, site, position, satellite).slant_range_m, rtol=1e-6
    )
    return found


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    sites=st.integers(1, 60),
    satellites=st.integers(0, 300),
    mask=st.one_of(st.floats(0.0, 90.0), st.sampled_from([0.0, 5.0, 25.0, 89.9, 90.0])),
    each_its_own=st.booleans(),
)
def test_the_pairs_are_those_of_a_plain_table(
    seed: int, sites: int, satellites: int, mask: float, each_its_own: bool
) -> None:
    rng = np.random.default_rng(seed)
    masks = rng.uniform(0.0, 90.0, sites) if each_its_own else mask
    _expect(random_sites(rng, sites), masks, random_satellites(rng, satellites))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), mask=st.sampled_from([0.0, 10.0, 25.0, 40.0, 85.0]), near_pole=st.booleans())
def test_crowded_sites_and_low_satellites(seed: int, mask: float, near_pole: bool) -> None:
    """Many sites a cell and many satellites a box, across the date line or around a pole."""
    rng = np.random.default_rng(seed)
    latitude = rng.uniform(85.0, 90.0, 300) if near_pole else rng.uniform(-5.0, 5.0, 300)
    longitude = rng.uniform(-180.0, 180.0, 300) if near_pole else 180.0 + rng.uniform(-5.0, 5.0, 300)
    sites = Sites.at(latitude, longitude, rng.uniform(0.0, 8000.0, 300))
    above = rng.uniform(70.0, 90.0, 500) if near_pole else rng.uniform(-20.0, 20.0, 500)
    around = rng.uniform(-180.0, 180.0, 500) if near_pole else 180.0 + rng.uniform(-20.0, 20.0, 500)
    position = np.ascontiguousarray(geodetic_to_ecef(above, around, rng.uniform(1e5, 1.4e6, 500)).T)
    assert len(_expect(sites, mask, position)) > 0


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), mask=st.floats(1.0, 89.0), side=st.sampled_from([-1.0, 1.0]))
def test_the_mask_is_sharp(seed: int, mask: float, side: float) -> None:
    """Satellites set a hundred-thousandth of a degree above or below the mask, where 32 bits could not tell."""
    rng = np.random.default_rng(seed)
    sites = random_sites(rng, 50)
    elevation, azimuth = np.radians(mask + side * 1e-5), rng.uniform(0.0, 2.0 * np.pi, 50)
    level = np.sin(azimuth)[:, None] * sites.east + np.cos(azimuth)[:, None] * sites.north
    way = np.cos(elevation) * level + np.sin(elevation) * sites.up
    position = np.ascontiguousarray((sites.position_m + rng.uniform(4e5, 4e7, 50)[:, None] * way).T)
    table = _table(SiteIndex(sites, mask).visible(position), 50)
    assert_array_equal(np.diag(table), side > 0.0)


def test_the_starlinks_of_2024_07_16(data_folder: Path) -> None:
    """All of that day over 1,000 places: the same pairs as a plain table, and a plausible number."""
    lines = gzip.decompress((data_folder / "tle" / "starlink_2024-07-16.tle.gz").read_bytes()).decode().splitlines()
    first = [line for line in lines if line.startswith("1 ")]
    second = [line for line in lines if line.startswith("2 ")]
    teme = [Satrec.twoline2rv(a, b).sgp4(2460507.5, 0.5) for a, b in zip(first, second, strict=True)]
    position = np.ascontiguousarray(np.array([r if error == 0 else (np.nan,) * 3 for error, r, _ in teme]).T * 1e3)
    rng = np.random.default_rng(9)
    found = _expect(random_sites(rng, 1000), 25.0, position)
    assert 15 < found.count.mean() < 30


def test_one_scratch_after_another_gives_the_same_answer() -> None:
    rng = np.random.default_rng(2)
    sites = random_sites(rng, 500)
    index = SiteIndex(sites, 20.0)
    few, many = random_satellites(rng, 50, 4e5, 6e5), random_satellites(rng, 5000, 4e5, 6e5)
    alone = [SiteIndex(sites, 20.0).visible(position) for position in (few, many, few)]
    result = None
    for position, expected in zip((few, many, few), alone, strict=True):
        result = index.visible(position, into=result)
        assert_array_equal(result.offset, expected.offset)
        assert_array_equal(result.satellite, expected.satellite)
        assert_array_equal(result.slant_range_m, expected.slant_range_m)


def test_results_stay_as_they_are_unless_given_back() -> None:
    rng = np.random.default_rng(3)
    index = SiteIndex(random_sites(rng, 200), 20.0)
    first = index.visible(random_satellites(rng, 3000, 4e5, 6e5))
    kept = first.satellite.copy()
    second = index.visible(random_satellites(rng, 3000, 4e5, 6e5))
    assert_array_equal(first.satellite, kept)
    third = index.visible(random_satellites(rng, 100, 4e5, 6e5), into=second)
    assert np.shares_memory(third.satellite, second.satellite)


def test_threads_share_an_index() -> None:
    rng = np.random.default_rng(4)
    index = SiteIndex(random_sites(rng, 2000), 15.0)
    skies = [random_satellites(rng, 2000, 4e5, 8e5) for _ in range(8)]
    alone = [index.visible(sky).satellite for sky in skies]
    with ThreadPoolExecutor(2) as pool:
        for expected, found in zip(alone, pool.map(index.visible, skies), strict=True):
            assert_array_equal(found.satellite, expected)


def test_the_order_of_satellites_names_them() -> None:
    rng = np.random.default_rng(8)
    index = SiteIndex(random_sites(rng, 100), 25.0)
    position = random_satellites(rng, 1000, 4e5, 6e5)
    shuffle = rng.permutation(1000)
    plain, shuffled = index.visible(position), index.visible(position[:, shuffle])
    assert_array_equal(plain.offset, shuffled.offset)
    for site in range(100):
        assert_array_equal(np.sort(shuffle[shuffled.of(site)]), plain.of(site))
    assert_array_equal(plain.count, [len(plain.of(site)) for site in range(100)])


@pytest.mark.parametrize(("sites", "satellites"), [(0, 10), (3, 0), (0, 0)])
def test_nothing_sees_nothing(sites: int, satellites: int) -> None:
    rng = np.random.default_rng(1)
    found = SiteIndex(random_sites(rng, sites), 25.0).visible(random_satellites(rng, satellites))
    assert len(found) == 0
    assert_array_equal(found.offset, np.zeros(sites + 1))


def test_a_sky_in_error_is_empty() -> None:
    index = SiteIndex(Sites.at([50.0], [4.0]), 0.0)
    for wrong in (np.nan, np.inf, 0.0):
        assert len(index.visible(np.full((3, 70), wrong))) == 0


@pytest.mark.parametrize("mask", [-0.1, 90.1, np.nan])
def test_a_mask_out_of_range_names_its_site(mask: float) -> None:
    sites = Sites.at([1.0, 2.0], [3.0, 4.0], name=["Kyiv", "Lviv"])
    with pytest.raises(InputError, match="site Lviv: elevation mask of"):
        SiteIndex(sites, np.array([25.0, mask]))


def test_positions_have_an_axis_a_row() -> None:
    with pytest.raises(ValueError, match=r"\(3, N\), not \(10, 3\)"):
        SiteIndex(Sites.at([1.0], [3.0]), 25.0).visible(np.zeros((10, 3)))
