"""Every check on what is handed in, before anything is stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TypeVar, cast

import numpy as np

from skyhaul.control.facts import Fact, Facts
from skyhaul.control.registry._known import Index, Known
from skyhaul.control.registry._references import check_references
from skyhaul.control.registry._rights import acting, check_rights, check_role
from skyhaul.control.registry._signing import PersonKey, Signed
from skyhaul.errors import ControlError, RightsError

F = TypeVar("F", bound=Fact)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who hands facts in: a person, and the key that proves it is them."""

    person: str
    key: PersonKey

    def signed(self, fact: F) -> F:
        """The fact under the person's signature where its kind carries one and has none yet, else the fact itself."""
        if isinstance(fact, Signed) and not fact.signature:
            return cast("F", self.key.sign(fact))
        return fact


def examine(
    batch: Sequence[Fact],
    actor: Actor,
    facts: Facts,
    index: Index,
    now: np.datetime64,
    cells: Mapping[str, str] | None = None,
) -> list[ControlError | None]:
    """For each fact of a batch why it may not be recorded, or None.

    Facts may speak of each other, in whatever order they come: what is let in stands together, without what is not.
    Raises RightsError where the actor may record nothing at all.
    """
    index.catch_up(facts)
    with _as_rights():
        acting(actor.person, actor.key.public, Known(facts, index, now))
    refusals: list[ControlError | None] = [None] * len(batch)
    ids: set[str] = set()
    stamped: dict[int, Fact] = {}
    for i, fact in enumerate(batch):
        if facts.with_id(fact.id) or fact.id in ids:
            refusals[i] = ControlError("it is taken", where=f"{fact.where}, id", mend=_NEW_ID)
            continue
        ids.add(fact.id)
        stamped[i] = replace(fact, recorded_at=now + np.timedelta64(i, "ns"))
    public = actor.key.public
    while True:
        known = Known(facts, index, now, stamped.values(), cells)
        refused = {i: error for i, fact in stamped.items() if (error := _refusal(fact, actor.person, public, known))}
        if not refused:
            return refusals
        for i, error in refused.items():
            refusals[i] = error
            del stamped[i]


_NEW_ID = "give it an id of its own, or leave it out if it is recorded"


def _refusal(fact: Fact, person: str, public: bytes, known: Known) -> ControlError | None:
    try:
        with _as_rights():
            check_role(fact, person, public, known)
        check_references(fact, known)
        with _as_rights():
            check_rights(fact, person, public, known)
    except ControlError as error:
        return error
    return None


@contextmanager
def _as_rights() -> Iterator[None]:
    try:
        yield
    except ControlError as error:
        raise RightsError(error.what, where=error.where, mend=error.mend) from None
