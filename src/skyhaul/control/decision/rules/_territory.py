"""Notes about the layers: who claims and who controls the place, as somebody says. Alone they decide nothing."""

from __future__ import annotations

from collections.abc import Iterable

from skyhaul.control._rule_names import Note
from skyhaul.control.decision._case import Case
from skyhaul.control.decision._reasons import Reason, note


def claims_and_control(case: Case) -> Iterable[Reason]:
    """`territory.claim`, `territory.control`: cited for people; only a licence's own condition makes control decide."""
    face = case.face
    if not face.claims and not face.controls:
        return ()
    return (
        *(note(Note.TERRITORY_CLAIM, f"{area.holder} claims {area.name}", area) for area in face.claims),
        *(note(Note.TERRITORY_CONTROL, f"{area.holder} controls {area.name}", area) for area in face.controls),
    )
