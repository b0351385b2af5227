"""Random numbers that depend on their name only, against published vectors and fixed statistical bounds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyhaul._kernel import kernel
from skyhaul.network._random import (
    Stream,
    exponential,
    gumbel,
    normal,
    philox4x32,
    stream_key,
    uniform_pair,
)

# Random123 1.09, tests/kat_vectors, "philox4x32 10": counter, key, answer.
KNOWN_ANSWERS = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
]

# The first outputs of splitmix64.c (Vigna) started at 1234567.
SPLITMIX_1234567 = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431]


def words(text: str) -> list[np.uint64]:
    return [np.uint64(int(word, 16)) for word in text.split()]


@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN_ANSWERS)
def test_philox_gives_the_published_answers(counter: str, key: str, answer: str) -> None:
    assert list(philox4x32(*words(counter), *words(key))) == words(answer)


@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN_ANSWERS)
def test_philox_gives_the_same_inside_a_kernel(counter: str, key: str, answer: str) -> None:
    compiled = kernel(cache=False)(philox4x32)
    assert list(compiled(*words(counter), *words(key))) == words(answer)


def test_keys_are_the_outputs_of_splitmix64() -> None:
    keys = [stream_key(1234567, stream) for stream in range(4)]
    assert [int(low) | int(high) << 32 for low, high in keys] == SPLITMIX_1234567


def test_seeds_are_taken_modulo_two_to_the_64() -> None:
    assert stream_key(-1, Stream.CHOICE) == stream_key(2**64 - 1, Stream.CHOICE)


@given(
    st.integers(0, 2**63 - 1),
    st.lists(st.tuples(st.integers(-(2**63), 2**63 - 1), st.integers(-(2**63), 2**63 - 1)), min_size=1, max_size=20),
    st.randoms(use_true_random=False),
)
def test_a_draw_depends_on_its_name_only(seed: int, names: list[tuple[int, int]], shuffle: object) -> None:
    first, second = (np.array(column, dtype=np.int64) for column in zip(*names, strict=True))
    together = np.stack(uniform_pair(seed, Stream.CHOICE, first, second))
    order = np.argsort(together[0], kind="stable")
    np.testing.assert_array_equal(
        np.stack(uniform_pair(seed, Stream.CHOICE, first[order], second[order])), together[:, order]
    )
    alone = uniform_pair(seed, Stream.CHOICE, int(first[0]), int(second[0]))
    assert (float(alone[0]), float(alone[1])) == (together[0, 0], together[1, 0])


def test_blocks_do_not_show() -> None:
    second = np.arange(20_000)
    whole = uniform_pair(3, Stream.PACKET_DELAY, 7, second)
    for at in (0, 8191, 8192, 19_999):
        piece = uniform_pair(3, Stream.PACKET_DELAY, 7, second[at : at + 1])
        assert (whole[0][at], whole[1][at]) == (piece[0][0], piece[1][0])


def test_shapes_broadcast() -> None:
    u, v = uniform_pair(0, Stream.CHOICE, np.arange(3)[:, None], np.arange(5))
    assert u.shape == v.shape == (3, 5)
    assert len(np.unique(np.concatenate((u, v)))) == 30


def test_unsigned_cell_ids_and_floats() -> None:
    cell = np.array([0x851FB467FFFFFFF], dtype=np.uint64)
    assert 0.0 < uniform_pair(0, Stream.CHOICE, cell, 1)[0][0] < 1.0
    with pytest.raises(TypeError, match="integers"):
        uniform_pair(0, Stream.CHOICE, np.array([1.5]), 1)


# Bounds below are five standard errors of the statistic for independent draws: a sound generator fails one in 10^6.
COUNT = 200_000


@pytest.fixture(scope="module")
def draws() -> tuple[np.ndarray, np.ndarray]:
    """Neighbouring names in both numbers, as slots and terminals are."""
    u, v = uniform_pair(2024, Stream.SLOT_DELAY, np.arange(200)[:, None], np.arange(1000) + 114_000_000)
    return u, v


def test_draws_are_uniform(draws: tuple[np.ndarray, np.ndarray]) -> None:
    for u in draws:
        assert u.min() > 0.0
        assert u.max() < 1.0
        share = np.histogram(u, bins=100, range=(0.0, 1.0))[0] / COUNT
        chi_square = COUNT * np.sum((share - 0.01) ** 2) / 0.01
        assert abs(chi_square - 99) < 5 * np.sqrt(2 * 99)
        assert abs(u.mean() - 0.5) < 5 * np.sqrt(1 / 12 / COUNT)


def test_neighbouring_names_are_independent(draws: tuple[np.ndarray, np.ndarray]) -> None:
    u, v = (x - 0.5 for x in draws)
    pairs = [(u, v), (u[1:], u[:-1]), (u[:, 1:], u[:, :-1]), (u[1:, 1:], v[:-1, :-1])]
    for a, b in pairs:
        assert abs(np.mean(a * b) * 12) < 5 / np.sqrt(a.size)


def test_seeds_and_streams_are_independent() -> None:
    name = np.arange(COUNT)
    base = uniform_pair(0, Stream.CHOICE, 0, name)[0] - 0.5
    for seed, stream in ((1, Stream.CHOICE), (0, Stream.PACKET_DELAY), (2**40, Stream.CHOICE)):
        other = uniform_pair(seed, stream, 0, name)[0] - 0.5
        assert abs(np.mean(base * other) * 12) < 5 / np.sqrt(COUNT)


def test_shapes_of_the_distributions(draws: tuple[np.ndarray, np.ndarray]) -> None:
    u, v = draws
    error = 5 / np.sqrt(COUNT)
    assert abs(gumbel(u).mean() - np.euler_gamma) < error * np.pi / np.sqrt(6)
    assert abs(gumbel(u).std() - np.pi / np.sqrt(6)) < 2 * error * np.pi / np.sqrt(6)
    assert abs(exponential(u).mean() - 1.0) < error
    assert abs(normal(u, v).mean()) < error
    assert abs(normal(u, v).std() - 1.0) < error
    assert abs(np.mean(np.abs(normal(u, v)) < 1.959964) - 0.95) < error * np.sqrt(0.95 * 0.05)
