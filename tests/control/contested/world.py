"""The world of `scenarios/contested-territory`, read once."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from skyhaul.control.decision import Decision, Position, compile_facts, decide
from skyhaul.control.facts import Fact, Facts
from skyhaul.sources import read_facts

WORLD = Path(__file__).parents[3] / "scenarios" / "contested-territory"

# Latitude and longitude of the units that stay where they are.
PLACES = {
    "kyiv-clinic": (50.45, 30.52),
    "kramatorsk-press": (48.738, 37.584),
    "chasiv-yar-shelter": (48.588, 37.835),
    "klishchiivka-aid": (48.530, 37.957),
    "andriivka-aid": (48.498, 37.970),
    "siversk-school": (48.867, 38.100),
    "luhansk-library": (48.574, 39.307),
    "sevastopol-cafe": (44.610, 33.520),
    "rostov-workshop": (47.220, 39.720),
    "captured-1": (48.525, 38.060),
    "resold-1": (48.515, 38.050),
    "resold-2": (48.490, 37.960),
}


@cache
def recorded() -> tuple[Fact, ...]:
    """Every fact of the scenario."""
    return tuple(read_facts(WORLD / "facts"))


def answer(unit: str, time: str, known_at: str | None = None, without: str = "–") -> Decision:
    """What the decision says of a unit at its place, within 100 m, leaving out facts whose id begins with `without`."""
    compiled = compile_facts(Facts(fact for fact in recorded() if not fact.id.startswith(without)), known_at or time)
    latitude, longitude = PLACES[unit]
    position = Position(latitude, longitude, semi_major_m=100.0, semi_minor_m=100.0)
    return decide(compiled, unit, position, time, speed_m_s=0.0)


def demo_key(name: str, of: str = "contested-territory") -> Ed25519PrivateKey:
    """The private key of a unit or person of the exercise: its seed is public, so that anybody can sign as they."""
    seed = hashlib.sha256(f"skyhaul {of} demo key: {name}".encode()).digest()
    return Ed25519PrivateKey.from_private_bytes(seed)
