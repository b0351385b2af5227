"""The constellations that ship with Skyhaul."""

from __future__ import annotations

import difflib
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from skyhaul.errors import NotFoundError
from skyhaul.orbits import Elements, Walker, parse_walker, walker_elements

_PRESETS = Path(__file__).parents[1] / "presets" / "constellations"


def constellation_presets() -> dict[str, str]:
    """Names of the constellations that ship with Skyhaul, and what each is."""
    return {path.stem: str(_table(path)["description"]) for path in sorted(_PRESETS.glob("*.toml"))}


def preset_shells(name: str) -> tuple[Walker, ...]:
    """The shells of a preset. `NotFoundError` lists the presets there are."""
    return tuple(shell for code in _preset(name)["shells"] for shell in parse_walker(code))


def preset_elements(name: str, epoch: np.datetime64 | None = None) -> Elements:
    """The elements of a preset, at the preset's own epoch or at another. `NotFoundError` lists the presets."""
    if epoch is None:
        written: datetime = _preset(name)["epoch"]
        epoch = np.datetime64(written.astimezone(UTC).replace(tzinfo=None).isoformat(), "ns")
    return walker_elements(preset_shells(name), epoch)


def _preset(name: str) -> dict[str, Any]:
    path = _PRESETS / f"{name}.toml"
    if name not in constellation_presets():
        near = difflib.get_close_matches(name, constellation_presets(), n=1)
        known = f"did you mean {near[0]}?" if near else f"presets: {', '.join(constellation_presets())}"
        raise NotFoundError(f"no constellation preset named {name!r}", mend=known)
    return _table(path)


def _table(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))
