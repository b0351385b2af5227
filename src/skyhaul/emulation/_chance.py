"""Chance by name: the nth draw of a seed is a function of both, so no order of evaluation can change it."""

from __future__ import annotations

# SplitMix64: the nth output of a seed can be had without the ones before it.
# Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014; the constants are those of
# Vigna's splitmix64.c.
GOLDEN = 0x9E3779B97F4A7C15
MIX_1 = 0xBF58476D1CE4E5B9
MIX_2 = 0x94D049BB133111EB
_MASK = (1 << 64) - 1


def uniform(seed: int, draw: int) -> float:
    """A number in [0, 1) with 53 random bits: draw number `draw` (from 0) of the seed's SplitMix64 sequence."""
    z = (seed + (draw + 1) * GOLDEN) & _MASK
    z = ((z ^ (z >> 30)) * MIX_1) & _MASK
    z = ((z ^ (z >> 27)) * MIX_2) & _MASK
    return float((z ^ (z >> 31)) >> 11) * 2.0**-53
