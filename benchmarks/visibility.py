"""All satellite–site pairs above 25°, against k-d trees and a dense array."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

from benchmarks._timing import Goal, Result, Row, in_turns, rows_of
from skyhaul.earth import Sites
from skyhaul.orbits import Constellation, parse_walker, walker_elements
from skyhaul.radio import SiteIndex
from skyhaul.types import Floats

_MASK_DEG = 25.0
_MARGIN = math.radians(0.45)  # of the tree's search: the ellipsoid is not a sphere


def sites_of(count: int) -> Sites:
    """Places spread evenly over the sphere between 57° south and north, where a 53° shell is seen."""
    random = np.random.default_rng(1)
    edge = math.sin(math.radians(57.0))
    latitude = np.degrees(np.arcsin(random.uniform(-edge, edge, count)))
    return Sites.at(latitude, random.uniform(-180.0, 180.0, count))


def exact(sites: Sites, position: Floats, site: np.ndarray, satellite: np.ndarray) -> np.ndarray:
    """Which of the pairs are above the mask."""
    line = position.T[satellite] - sites.position_m[site]
    height = np.einsum("ij,ij->i", line, sites.up[site])
    above = height >= math.sin(math.radians(_MASK_DEG)) * np.sqrt(np.einsum("ij,ij->i", line, line))
    return np.asarray(np.count_nonzero(above))


def tree_of_satellites(sites: Sites, position: Floats) -> np.ndarray:
    radius = np.linalg.norm(position, axis=0)
    found = cKDTree((position / radius).T).query_ball_point(
        sites.position_m / np.linalg.norm(sites.position_m, axis=1)[:, None],
        _chord(radius.max()),
        return_sorted=False,
    )
    count = np.fromiter(map(len, found), np.int64, len(found))
    return exact(sites, position, np.repeat(np.arange(len(sites)), count), np.concatenate(found).astype(np.int64))


def tree_of_sites(sites: Sites, position: Floats, tree: cKDTree) -> np.ndarray:
    """The sites do not move, so their tree is built once and not timed."""
    radius = np.linalg.norm(position, axis=0)
    found = tree.query_ball_point((position / radius).T, _chord(radius.max()), return_sorted=False)
    count = np.fromiter(map(len, found), np.int64, len(found))
    return exact(sites, position, np.concatenate(found).astype(np.int64), np.repeat(np.arange(len(radius)), count))


def dense(sites: Sites, position: Floats, rows: int) -> int:
    """Every pair, in blocks of about a million."""
    found = 0
    block = max(1, 1_000_000 // position.shape[1])
    for low in range(0, rows, block):
        line = position[None] - sites.position_m[low : low + block, :, None]
        height = np.einsum("gks,gk->gs", line, sites.up[low : low + block])
        squared = np.einsum("gks,gks->gs", line, line)
        found += int(np.count_nonzero(height >= math.sin(math.radians(_MASK_DEG)) * np.sqrt(squared)))
    return found


def _chord(radius_m: float) -> float:
    mask = math.radians(_MASK_DEG - 0.25)
    cap = math.acos(6_356_752.0 * math.cos(mask) / radius_m) - mask + _MARGIN
    return 2.0 * math.sin(cap / 2.0)


def run(data: Path) -> Result:
    del data
    epoch = np.datetime64("2026-01-01T00:00:12", "ns")
    elements = walker_elements(parse_walker("D:550:53.0:10000/100/17"), epoch)
    position = Constellation(elements).at(epoch, velocity=False).position_m
    rows: list[Row] = []
    goals: list[Goal] = []
    for count, rounds in ((1_000, 15), (100_000, 5)):
        sites = sites_of(count)
        index = SiteIndex(sites, _MASK_DEG)
        tree = cKDTree(sites.position_m / np.linalg.norm(sites.position_m, axis=1)[:, None])
        pairs = len(index.visible(position).satellite)
        part = min(count, 5_000)
        timings = in_turns(
            {
                "Skyhaul SiteIndex": lambda: index.visible(position),  # noqa: B023
                "scipy cKDTree of the sites, built once": lambda: tree_of_sites(sites, position, tree),  # noqa: B023
                "scipy cKDTree of the satellites": lambda: tree_of_satellites(sites, position),  # noqa: B023
                "numpy, every pair": lambda: dense(sites, position, part),  # noqa: B023
            },
            rounds=rounds,
        )
        scaled = timings["numpy, every pair"]
        timings["numpy, every pair"] = type(scaled)(scaled.median_s * count / part, scaled.least_s * count / part)
        note = {"numpy, every pair": f"from {part:,} sites"} if part < count else {}
        rows += rows_of(f"10,000 x {count:,}: {pairs:,} pairs", timings, note)
        if count == 100_000:
            own = timings["Skyhaul SiteIndex"].median_s
            best = min(timing.median_s for name, timing in timings.items() if "cKDTree" in name)
            goals = [
                Goal("10,000 x 100,000, milliseconds", own * 1e3, 40.0, at_least=False),
                Goal("10,000 x 100,000 against the best cKDTree, times as fast", best / own, 25.0, at_least=True),
            ]
    return Result(
        "Visibility: all pairs above 25° and their ranges",
        "a Walker shell of 10,000 satellites at 550 km, sites between 57° south and north, one thread",
        tuple(rows),
        tuple(goals),
    )
