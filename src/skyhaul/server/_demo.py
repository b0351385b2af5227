"""A registry for a demonstration: made from a scenario's facts, with people who do not exist and keys for them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from skyhaul.control.facts import Appointment, Fact, Policy, Role, Settings
from skyhaul.control.registry import Actor, PersonKey, Registry, is_registry, key_file, people_with_keys

MARK = "demonstration"
"""A file in a registry's folder that says its people are made up; without it the server signs for nobody."""

OPERATOR = "Olga"
PEOPLE = (
    ("Oskar", Role.OPERATOR, "operator"),
    ("Nora", Role.AUTHORITY, "Northland Office"),
    ("Nils", Role.AUTHORITY, "Northland Office"),
    ("Sol", Role.AUTHORITY, "Southland Office"),
    ("Eva", Role.AUTHORITY, "Exercise Office"),
    ("Emil", Role.AUTHORITY, "Exercise Office"),
    ("Tom", Role.DISTRIBUTOR, "Trader"),
    ("Ari", Role.AUDITOR, "the public"),
)


def demo_registry(folder: Path, facts: Iterable[Fact]) -> Registry:
    """The demonstration's registry in a folder: made there the first time, opened afterwards."""
    if not (is_registry(folder) and (folder / MARK).exists()):
        # Whole or not at all: a start that is killed meanwhile leaves nothing that the next one stumbles over.
        partial = folder.with_name(f"{folder.name}.part")
        shutil.rmtree(partial, ignore_errors=True)
        _make(partial, facts)
        partial.replace(folder)
    return Registry.open(folder)


def _make(folder: Path, facts: Iterable[Fact]) -> None:
    own = PersonKey.generate()
    with Registry.create(folder, OPERATOR, history=facts, key=own, origin="skyhaul/demonstration") as registry:
        own.write(key_file(folder, OPERATOR))
        at = registry.now()
        keys = {person: PersonKey.generate() for person, _, _ in PEOPLE}
        for person, key in keys.items():
            key.write(key_file(folder, person))
        people: list[Fact] = [
            Appointment(
                id=f"appointment-{person.lower()}",
                valid_from=at,
                recorded_at=at,
                source="the making of this demonstration",
                author=OPERATOR,
                person=person,
                role=role,
                body=body,
                public_key=keys[person].public,
            )
            for person, role, body in PEOPLE
        ]
        people.append(_two_sign(at))
        registry.record(people, Actor(OPERATOR, own))
    (folder / MARK).write_text(
        "The people of this registry do not exist, and their keys lie in keys/people: the server signs for them.\n",
        encoding="utf-8",
    )


def _two_sign(at: np.datetime64) -> Policy:
    """Every order here takes two people, so that the second approval can be seen."""
    return Policy(
        id=f"policy-{os.urandom(4).hex()}",
        valid_from=at,
        recorded_at=at,
        source="the making of this demonstration",
        author=OPERATOR,
        settings=Settings(many_terminals=0),
    )


def demo_keys(folder: Path) -> dict[str, PersonKey]:
    """The keys of a demonstration's people; none where the registry is nobody's demonstration."""
    if not (folder / MARK).exists():
        return {}
    return {person: PersonKey.read(key_file(folder, person)) for person in people_with_keys(folder)}


def roles_of(registry: Registry, person: str) -> str:
    """What a person is here, in words."""
    held = registry.known().appointments(person)
    return ", ".join(f"{a.role} of {a.body}" if a.role is not Role.OPERATOR else "operator" for a in held)
