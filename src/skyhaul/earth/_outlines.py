"""Coastlines for pictures: land and water, no borders."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

import numpy as np

from skyhaul.types import Floats


@cache
def land_outlines() -> tuple[Floats, ...]:
    """Closed rings (P, 2) of longitude and latitude (deg) around the land of the Earth, largest first.

    Land lies to the left of a ring, so that lakes run the other way and a compound path of all rings fills correctly.
    Rings are cut at ±180°, whose edges they follow, and the one around Antarctica follows −90°.
    Source: Natural Earth 1:110m land (public domain), see `presets/maps/README.md`.
    """
    text = (files("skyhaul") / "presets" / "maps" / "land_110m.json").read_text(encoding="utf-8")
    rings = tuple(np.array(ring, dtype=np.float64) for ring in json.loads(text)["rings"])
    for ring in rings:
        ring.setflags(write=False)
    return rings
