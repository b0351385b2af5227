"""Values of options that several commands read alike."""

from __future__ import annotations

import typer


def parse_numbers(text: str, option: str, count: int, shape: str = "LAT,LON") -> tuple[float, ...]:
    """Numbers with commas between, as an option gives them."""
    try:
        found = tuple(float(part) for part in text.split(","))
    except ValueError:
        found = ()
    if len(found) != count:
        raise typer.BadParameter(f"expected {shape}, got {text[:60]}", param_hint=f"'{option}'")
    return found
