"""Where the facts of service control lie: files, folders, and the registries that keep them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from skyhaul.errors import NotFoundError

if TYPE_CHECKING:
    from skyhaul.control.facts import Fact, Facts


def is_url(place: str) -> bool:
    """Whether a place is the address of a database and not a path."""
    return "://" in place


def read_control_facts(places: Sequence[str | Path]) -> Facts:
    """The facts of all places together, in the order in which they were recorded.

    A place is a registry's folder, the address of a PostgreSQL database that holds one, a scenario with facts of its
    own, or a file or folder of facts (`skyhaul.sources.read_facts`). Raises ControlError naming file, item and mend,
    also for facts that contradict each other, and what opening a registry raises.
    """
    from skyhaul.control.facts import Facts

    facts = [fact for place in places for fact in _facts_of(str(place))]
    return Facts(sorted(facts, key=lambda fact: (fact.recorded_at, fact.id)))


def facts_sha256(facts: Iterable[Fact]) -> str:
    """Hash of facts, whatever their order and the files they came in."""
    from skyhaul.control.facts import canonical_json, fact_document

    whole = hashlib.sha256()
    for text in sorted(canonical_json(fact_document(fact)) for fact in facts):
        whole.update(text.encode() + b"\n")
    return whole.hexdigest()


def _facts_of(place: str) -> Iterable[Fact]:
    from skyhaul.control.registry import Registry, is_registry
    from skyhaul.sources import read_facts

    path = Path(place)
    if is_url(place) or is_registry(path):
        with Registry.open(place, read_only=True) as registry:
            return list(registry.facts)
    if path.suffix == ".toml" or (path / "scenario.toml").is_file():
        from skyhaul.scenario._read import load_scenario

        control = load_scenario(path).control
        if control is None:
            raise NotFoundError("the scenario has no facts", where=place, mend="give it a [control] table")
        return control.known_facts()
    return read_facts(path)
