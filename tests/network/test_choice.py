"""The `observed` choice: a logit draw that depends on seed, slot, cell and satellites only."""

from __future__ import annotations

import gzip
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyhaul.network import ChoiceModel, choice_score, choice_utility, is_large


def scores(number: np.ndarray, *, cell: int = 1, slot: int = 114_000_000, seed: int = 0) -> np.ndarray:
    count = len(number)
    return choice_score(
        elevation_deg=np.full(count, 50.0),
        gso_separation_deg=np.full(count, 40.0),
        held=np.zeros(count, dtype=np.bool_),
        catalog_number=number,
        cell=np.full(count, cell, dtype=np.uint64),
        slot=slot,
        seed=seed,
    )


def test_generations_by_catalogue_number() -> None:
    # The first Starlink in the set, one of 2022, the first and last of group 6-1, an older kind after it, two of today.
    number = [44713, 54820, 55695, 55713, 55741, 57663, 59397]
    assert is_large(number).tolist() == [False, False, True, True, False, True, True]


@pytest.mark.data
def test_generations_agree_with_the_names(data_folder: Path) -> None:
    lines = gzip.decompress((data_folder / "tle/starlink_2024-07-16.tle.gz").read_bytes()).decode().split("\n")
    named = [(line.strip(), int(after[2:7])) for line, after in pairwise(lines) if after[:2] == "1 "]
    number = np.array([n for name, n in named if name[9:].isdigit()])
    second = np.array([int(name[9:]) >= 30000 for name, _ in named if name[9:].isdigit()])
    assert len(number) > 6000
    np.testing.assert_array_equal(is_large(number), second)


def test_frequencies_follow_the_odds() -> None:
    slots = 20_000
    number = np.array([44713, 44714, 57663])
    elevation, gso = np.array([45.0, 65.0, 65.0]), np.array([30.0, 30.0, 60.0])
    held = np.array([False, True, False])
    utility = choice_utility(elevation_deg=elevation, gso_separation_deg=gso, held=held, catalog_number=number)
    share = np.exp(utility) / np.exp(utility).sum()
    wins = np.zeros(3)
    for slot in range(slots):
        score = choice_score(
            elevation_deg=elevation,
            gso_separation_deg=gso,
            held=held,
            catalog_number=number,
            cell=np.full(3, 7),
            slot=slot,
            seed=5,
        )
        wins[np.argmax(score)] += 1
    assert np.all(np.abs(wins / slots - share) < 5 * np.sqrt(share * (1 - share) / slots))


@given(st.permutations(list(range(12))), st.integers(0, 2**63 - 1), st.integers(0, 2**31 - 1), st.integers(0, 2**63))
def test_order_of_candidates_does_not_matter(order: list[int], seed: int, slot: int, cell: int) -> None:
    number = np.arange(44713, 44725)
    np.testing.assert_array_equal(
        scores(number[order], seed=seed, slot=slot, cell=cell), scores(number, seed=seed, slot=slot, cell=cell)[order]
    )


def test_every_part_of_the_name_changes_the_draw() -> None:
    number = np.arange(44713, 44725)
    base = scores(number)
    for other in (
        scores(number, cell=2),
        scores(number, slot=114_000_001),
        scores(number, seed=1),
        scores(number + 100),
    ):
        assert not np.any(base == other)


def test_the_arc_is_disliked_and_a_held_satellite_liked() -> None:
    sixty, number, no = np.full(2, 60.0), np.array([44713, 44713]), np.zeros(2, dtype=np.bool_)
    near_arc = choice_utility(
        elevation_deg=sixty, gso_separation_deg=np.array([10.0, 50.0]), held=no, catalog_number=number
    )
    assert near_arc[0] < near_arc[1]
    held = choice_utility(
        elevation_deg=sixty, gso_separation_deg=np.full(2, 40.0), held=np.array([True, False]), catalog_number=number
    )
    assert held[0] - held[1] == pytest.approx(ChoiceModel().held_weight)


def test_slot_numbers_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="slot number"):
        scores(np.array([44713]), slot=2**31)
