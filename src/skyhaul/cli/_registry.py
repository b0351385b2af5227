"""What the commands of service control share: the registry they work on, who works on it, and rows in and out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from skyhaul.cli._facts_out import (
    Columns,
    address_cell,
    export,
    instant,
    print_facts,
    print_history,
    report,
    shown,
    span,
    write_text,
)
from skyhaul.cli._output import print_json
from skyhaul.cli._registry_options import (
    AllOrNothingOption,
    AsKnownOption,
    AsOption,
    AtOption,
    DryRunOption,
    ExactOption,
    FileArgument,
    FromOption,
    KeyOption,
    OutputOption,
    ReasonOption,
    RegistryOption,
    SourceOption,
    ToOption,
    parse_instant,
)
from skyhaul.errors import NotFoundError, SkyhaulError

if TYPE_CHECKING:
    import numpy as np

    from skyhaul.control.facts import Fact
    from skyhaul.control.registry import Actor, Registry
    from skyhaul.control.store import Receipt
    from skyhaul.scenario import Scenario

__all__ = [
    "AllOrNothingOption",
    "AsKnownOption",
    "AsOption",
    "AtOption",
    "Columns",
    "Desk",
    "DryRunOption",
    "ExactOption",
    "FileArgument",
    "FromOption",
    "KeyOption",
    "OutputOption",
    "ReasonOption",
    "RegistryOption",
    "SourceOption",
    "ToOption",
    "actor_of",
    "address_cell",
    "body_of",
    "disclose",
    "export",
    "import_file",
    "instant",
    "made",
    "moment",
    "open_registry",
    "parse_instant",
    "print_facts",
    "print_history",
    "public_key_of",
    "reading",
    "record",
    "report",
    "shown",
    "span",
    "this_second",
    "write_text",
    "writing",
]

F = TypeVar("F", bound="Fact")


@dataclass(frozen=True, slots=True)
class Desk:
    """A registry that is open, and the instants a question is about.

    at, known_at   valid and known time
    scenario       whose facts these are, or None
    """

    registry: Registry
    at: np.datetime64
    known_at: np.datetime64
    scenario: Scenario | None = None


@contextmanager
def reading(
    place: str | None, at: np.datetime64 | None = None, known_at: np.datetime64 | None = None
) -> Iterator[Desk]:
    """The registry of a place to read, asked at `at` (None: now, or a scenario's start) as known at `known_at` (None:
    all that is recorded)."""
    registry, scenario = open_registry(place, read_only=True)
    with registry:
        latest = registry.known_at  # brings all that is recorded
        now = _next_second(registry.now())
        if at is None:
            start = scenario.time.start if scenario is not None else None
            at = moment(start) if start is not None else now
        yield Desk(registry, at, known_at if known_at is not None else max(now, latest), scenario)


def _next_second(time: np.datetime64) -> np.datetime64:
    """The second that is about to begin: what was recorded a moment ago holds by then."""
    import numpy as np

    return np.datetime64((time + np.timedelta64(999_999_999, "ns")).astype("datetime64[s]"), "ns")


def this_second(registry: Registry) -> np.datetime64:
    """From when on a fact holds where nobody says: the second that has begun."""
    import numpy as np

    return np.datetime64(registry.now().astype("datetime64[s]"), "ns")


@contextmanager
def writing(place: str | None, person: str | None, key: Path | None) -> Iterator[tuple[Registry, Actor]]:
    """The registry of a place to record in, and who does."""
    registry, _ = open_registry(place, read_only=False)
    with registry:
        registry.check_writable()
        yield registry, actor_of(registry, person, key)


def open_registry(place: str | None, *, read_only: bool) -> tuple[Registry, Scenario | None]:
    """The registry of a place, and its scenario where it is one.

    A place is a registry's folder, the address of a PostgreSQL database, a scenario (file, folder or preset) with a
    [control] table, or a file or folder of facts; the last two can only be read. Raises NotFoundError for others.
    """
    from skyhaul.control.registry import Registry, is_registry

    if not place:
        raise NotFoundError("which registry?", mend="give --registry PLACE, or set SKYHAUL_REGISTRY")
    path = Path(place)
    if "://" in place or is_registry(path):
        return Registry.open(place, read_only=read_only), None
    from skyhaul.scenario import load_scenario, scenario_presets

    preset = not path.exists() and place in scenario_presets()
    if not path.exists() and not preset:
        raise NotFoundError("is not there", where=place, mend="`skyhaul registry new DIR` makes a registry")
    scenario = None
    if preset or path.suffix == ".toml" or (path / "scenario.toml").is_file():
        scenario = load_scenario(str(path / "scenario.toml" if path.is_dir() else place))
        if scenario.control is None:
            raise NotFoundError("the scenario has no [control]", where=place, mend="facts = “facts” under [control]")
        registry = Registry.of(scenario.control.known_facts(), place)
    else:
        from skyhaul.sources import read_facts

        registry = Registry.of(read_facts(path), place)
    return registry, scenario


def actor_of(registry: Registry, person: str | None, key: Path | None) -> Actor:
    """Who works on a registry: the person named, or the one whose key its folder keeps."""
    from skyhaul.control.registry import Actor, PersonKey, key_file, people_with_keys
    from skyhaul.errors import RecordError

    if person is None:
        people = people_with_keys(registry.place)
        if len(people) != 1:
            kept = f"the folder keeps the keys of {', '.join(people)}" if people else "the folder keeps no key"
            raise RecordError(f"who are you? {kept}", where=registry.place, mend="give --as PERSON")
        (person,) = people
    file = key
    if file is None:
        file = key_file(registry.place, person)
        if not file.exists():
            raise RecordError(f"no key of {person}", where=registry.place, mend="give its file with --key")
    return Actor(person, PersonKey.read(file))


def body_of(registry: Registry, actor: Actor) -> str:
    """The authority that a person is appointed to. Raises ControlError where there is none, or more than one."""
    from skyhaul.control.facts import Role
    from skyhaul.errors import ControlError

    held = registry.known().appointments(actor.person)
    if not held:
        mend = "the operator appoints people, with `skyhaul registry appoint`"
        raise ControlError(f"{actor.person} holds no appointment", where=registry.place, mend=mend)
    bodies = sorted({appointment.body for appointment in held if appointment.role is Role.AUTHORITY})
    if len(bodies) != 1:
        what = f"acts for {' and '.join(bodies)}" if bodies else "acts for no authority"
        mend = "say which with --authority" if bodies else "the operator appoints, with `skyhaul registry appoint`"
        raise ControlError(what, where=actor.person, mend=mend)
    return bodies[0]


def public_key_of(text: str) -> str:
    """An Ed25519 public key in hex: given so, or in a file as hex, or in one as PEM (RFC 8410)."""
    path = Path(text)
    if len(text) < 256 and path.is_file():
        from skyhaul.control.registry import read_public_key

        return read_public_key(path).hex()
    return text


def record(registry: Registry, actor: Actor, facts: Sequence[Fact], as_json: bool) -> Receipt:
    """Record facts and say so."""
    receipt = registry.record(facts, actor)
    if as_json:
        print_json({"recorded": [shown(fact) for fact in receipt.facts], "leaves": list(receipt.leaves)})
    else:
        for fact, leaf in zip(receipt.facts, receipt.leaves, strict=True):
            print(f"recorded {type(fact).__name__} {fact.id} at {instant(fact.recorded_at)}, entry {leaf} of the log")
    return receipt


def made(
    kind: type[F],
    actor: Actor,
    registry: Registry,
    *,
    source: str | None,
    from_: np.datetime64 | None,
    to: np.datetime64 | None,
    **values: Any,
) -> F:
    """A fact of a kind from the values that options give; None and empty ones are left out."""
    from skyhaul.control.registry import Given, fact_of_row

    if to is not None:
        values["valid_to"] = instant(to)
    kept = {name: value for name, value in values.items() if value not in (None, "", (), [])}
    given = Given(
        actor.person, source or f"{actor.person}, on the command line", from_ or registry.now(), actor.key.seed
    )
    return fact_of_row(kind, kept, given, typed=True)


def import_file(
    registry: Registry,
    actor: Actor,
    kind: type[Fact],
    file: Path,
    *,
    columns: Sequence[str],
    source: str | None,
    from_: np.datetime64 | None,
    all_or_nothing: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Record the rows of a file; say of each row that is rejected why, and exit 1 where any is."""
    from skyhaul.control.registry import Given, fact_of_row
    from skyhaul.sources import read_table

    table = read_table(file, columns)
    begin = from_ if from_ is not None else this_second(registry)
    given = Given(actor.person, source or file.name, begin, actor.key.seed)

    def candidates() -> Iterator[tuple[int, Fact | SkyhaulError]]:
        for row in table.rows:
            try:
                found: Fact | SkyhaulError = row.error or fact_of_row(kind, row.values, given, typed=table.typed)
            except SkyhaulError as error:
                found = error
            yield row.number, found

    imported = registry.record_rows(candidates(), actor, all_or_nothing=all_or_nothing, dry_run=dry_run)
    report(imported, file, len(table.rows), as_json, dry_run=dry_run)


def disclose(registry: Registry, actor: Actor, accounts: Sequence[str], reason: str | None) -> None:
    """Put on record that exact addresses are shown (of all accounts, or some), before they are."""
    from skyhaul.control.facts import Disclosure
    from skyhaul.errors import ControlError

    if not reason:
        raise ControlError("exact addresses without a reason", where="--exact", mend="give --reason TEXT")
    said = {"accounts": list(accounts), "shown_to": actor.person, "reason": reason}
    registry.record([made(Disclosure, actor, registry, source=None, from_=None, to=None, **said)], actor)


def moment(time: datetime) -> np.datetime64:
    """A datetime as service control counts instants."""
    import numpy as np

    return np.datetime64(time.replace(tzinfo=None), "ns")
