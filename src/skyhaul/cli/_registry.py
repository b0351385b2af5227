"""What the commands of service control share: the registry they work on, who works on it, and rows in and out."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, TypeVar

import typer

from skyhaul.cli._options import parse_when
from skyhaul.cli._output import print_json, print_table
from skyhaul.errors import InputError, NotFoundError, OutputError, SkyhaulError

if TYPE_CHECKING:
    import numpy as np

    from skyhaul.control.facts import Account, Fact
    from skyhaul.control.registry import Actor, Imported, Registry
    from skyhaul.control.store import Receipt
    from skyhaul.scenario import Scenario

F = TypeVar("F", bound="Fact")

_MOST_ROWS = 500


def parse_instant(text: str | np.datetime64) -> np.datetime64:
    """An instant as service control counts it, to a nanosecond; `now` too."""
    import numpy as np

    if isinstance(text, np.datetime64):
        return text
    if text.strip().lower() == "now":
        return np.datetime64(parse_when("now").replace(tzinfo=None), "ns")
    from skyhaul.control.facts import utc

    try:
        return utc(text)
    except InputError as error:
        raise typer.BadParameter(f"{error.what}: {error.mend}, or now") from None


RegistryOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--registry",
        metavar="PLACE",
        envvar="SKYHAUL_REGISTRY",
        show_envvar=False,
        help="The registry: its folder or a PostgreSQL address; to read also a scenario, or facts in files. Without "
        "it: SKYHAUL_REGISTRY.",
    ),
]
AsOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--as",
        metavar="PERSON",
        envvar="SKYHAUL_PERSON",
        show_envvar=False,
        help="Who you are. Without it: SKYHAUL_PERSON, or the one person whose key is in the registry's folder.",
    ),
]
KeyOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--key",
        metavar="FILE",
        envvar="SKYHAUL_KEY",
        show_envvar=False,
        help="Your private key. Without it: SKYHAUL_KEY, or the one in the registry's folder.",
    ),
]
AtOption: TypeAlias = Annotated[
    Any,
    typer.Option(
        "--at",
        metavar="TIME",
        parser=parse_instant,
        show_default=False,
        help="What holds at an instant, UTC. Without it: now, or a scenario's start.",
    ),
]
AsKnownOption: TypeAlias = Annotated[
    Any,
    typer.Option(
        "--as-known",
        metavar="TIME",
        parser=parse_instant,
        show_default=False,
        help="As it was known at an instant, UTC. Without it: all that is recorded.",
    ),
]
FromOption: TypeAlias = Annotated[
    Any,
    typer.Option(
        "--from", metavar="TIME", parser=parse_instant, show_default=False, help="First instant. Without it: now."
    ),
]
ToOption: TypeAlias = Annotated[
    Any,
    typer.Option(
        "--to",
        metavar="TIME",
        parser=parse_instant,
        show_default=False,
        help="First instant at which it no longer holds. Without it: until further notice.",
    ),
]
SourceOption: TypeAlias = Annotated[
    str | None, typer.Option("--source", metavar="TEXT", help="The document it comes from.", show_default=False)
]
AllOrNothingOption: TypeAlias = Annotated[
    bool, typer.Option("--all-or-nothing", help="Record nothing where any row is rejected.")
]
DryRunOption: TypeAlias = Annotated[bool, typer.Option("--dry-run", help="Check every row, and record nothing.")]
FileArgument: TypeAlias = Annotated[Path, typer.Argument(metavar="FILE", help="CSV, JSON or JSON lines.")]
ExactOption: TypeAlias = Annotated[
    bool, typer.Option("--exact", help="Service addresses themselves and not the cells they lie in; goes on record.")
]
ReasonOption: TypeAlias = Annotated[
    str | None, typer.Option("--reason", metavar="TEXT", help="Why exact addresses are needed.")
]
OutputOption: TypeAlias = Annotated[
    Path | None,
    typer.Option("-o", "--output", metavar="FILE", help="CSV or JSON, by its ending. Without it: JSON, printed."),
]


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

    if place is None:
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


def report(imported: Imported, file: Path, rows: int, as_json: bool, *, dry_run: bool = False) -> None:
    """Say what became of the rows of a file; exit 1 where any is rejected."""
    rejected = imported.rejected
    if as_json:
        receipt = imported.receipt
        print_json(
            {
                "file": str(file),
                "rows": rows,
                "recorded": imported.recorded,
                "leaves": [receipt.leaves.start, receipt.leaves.stop] if receipt else None,
                "rejected": [row.document() for row in rejected],
            }
        )
    else:
        for row in rejected:
            print(f"{file}, {row}", file=sys.stderr)
        good = rows - len(rejected)
        done = f"{good} would be recorded" if dry_run else f"{imported.recorded} recorded"
        print(f"{file}: {rows} rows, {done}, {len(rejected)} rejected")
    if rejected:
        raise typer.Exit(1)


def disclose(registry: Registry, actor: Actor, accounts: Sequence[str], reason: str | None) -> None:
    """Put on record that exact addresses are shown (of all accounts, or some), before they are."""
    from skyhaul.control.facts import Disclosure
    from skyhaul.errors import ControlError

    if not reason:
        raise ControlError("exact addresses without a reason", where="--exact", mend="give --reason TEXT")
    said = {"accounts": list(accounts), "shown_to": actor.person, "reason": reason}
    registry.record([made(Disclosure, actor, registry, source=None, from_=None, to=None, **said)], actor)


def export(facts: Sequence[Fact], kind: type[Fact], output: Path | None, *, exact: bool = False) -> None:
    """Write facts as CSV or JSON that `import` reads back; service addresses as cells unless `exact`."""
    from skyhaul.control.registry import columns_of, row_of_fact

    if output is None or output.suffix == ".json":
        text = json.dumps([shown(fact, exact=exact) for fact in facts], indent=1, ensure_ascii=False)
        _write(output, lambda file: file.write(f"{text}\n"))
    elif output.suffix == ".jsonl":
        lines = (json.dumps(shown(fact, exact=exact), ensure_ascii=False) for fact in facts)
        _write(output, lambda file: file.writelines(f"{line}\n" for line in lines))
    elif output.suffix == ".csv":

        def write(file: Any) -> None:
            columns = [name for name in columns_of(kind) if exact or "service_address" not in name]
            writer = csv.DictWriter(file, columns, restval="", extrasaction="ignore", lineterminator="\n")
            writer.writeheader()
            writer.writerows(row_of_fact(fact) for fact in facts)

        _write(output, write)
    else:
        raise OutputError("what format?", where=str(output), mend="end its name in .csv, .json or .jsonl")


def write_text(output: Path, text: str, *, quiet: bool = False) -> None:
    """Write a file, and say so unless `quiet`. Raises OutputError where it cannot be written."""
    _write(output, lambda file: file.write(text), quiet=quiet)


def _write(output: Path | None, write: Callable[[Any], object], *, quiet: bool = False) -> None:
    if output is None:
        write(sys.stdout)
        return
    try:
        with output.open("w", encoding="utf-8", newline="") as file:
            write(file)
    except OSError as error:
        raise OutputError(f"cannot write: {error.strerror}", where=str(output)) from None
    if not quiet:
        print(f"wrote {output}", file=sys.stderr)


Columns: TypeAlias = Sequence[tuple[str, Callable[[F], str]]]


def print_facts(facts: Iterable[F], columns: Columns[F], as_json: bool) -> None:
    """Facts as a table for people, or as documents for programs."""
    if as_json:
        print_json([shown(fact) for fact in facts])
        return
    found = list(facts)
    rows = [[show(fact) for _, show in columns] for fact in found[:_MOST_ROWS]]
    print_table([(name, "left") for name, _ in columns], rows)
    more = f", the first {_MOST_ROWS} shown (--json lists all)" if len(found) > _MOST_ROWS else ""
    print(f"{len(found):,} in all{more}")


def print_history(desk: Desk, kind: type[Fact], key: str, as_json: bool, *, exact: bool = False) -> None:
    """All that is said of one kind and key, through all of valid time, and what of it holds at the desk's instant;
    service addresses as cells unless `exact`."""
    from skyhaul.control._instants import FOREVER, instant_text, nanoseconds
    from skyhaul.control.registry import history

    time = nanoseconds(desk.at)
    pieces = history(desk.registry.facts, kind, key, desk.known_at)
    if as_json:
        print_json(
            [
                {
                    "from": instant_text(begin),
                    "to": None if end == FOREVER else instant_text(end),
                    "holds": begin <= time < end,
                    "fact": shown(fact, exact=exact),
                }
                for begin, end, fact in pieces
            ]
        )
        return
    print(f"{kind.__name__} {key} at {instant(desk.at)}, as known at {instant(desk.known_at)}")
    if not pieces:
        print("withdrawn: nothing holds of it at any time")
    for begin, end, fact in pieces:
        until = "on" if end == FOREVER else f"to {instant_text(end)}"
        print(f"{'*' if begin <= time < end else ' '} from {instant_text(begin)} {until}: {fact.id}")
        for name, text in _fields(shown(fact, exact=exact)):
            print(f"      {name:<24} {text}")


def _fields(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What a fact says, by field, for people."""
    for name, value in document.items():
        if name in ("kind", "id", "valid_from", "valid_to") or value in (None, "", [], False):
            continue
        if isinstance(value, dict):
            inner = ", ".join(f"{k} {_words(v)}" for k, v in value.items() if v not in (None, "", [], False))
            yield name, inner if name != "shape" else str(value.get("type", ""))
        else:
            yield name, _words(value)


def _words(value: object) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= 96 else f"{text[:93]}…"


def shown(fact: Fact, *, exact: bool = False) -> dict[str, Any]:
    """A fact's document as everybody may see it: unless `exact`, a service address as the cell it lies in."""
    from skyhaul.control.facts import Account, fact_document

    document = fact_document(fact)
    if isinstance(fact, Account) and not exact:
        document["plan"]["service_address"] = address_cell(fact)
    return document


def address_cell(account: Account) -> str | None:
    """The H3 cell of an account's service address in hex, at the resolution of beams."""
    import h3.api.basic_int as h3

    from skyhaul.earth import BEAM_CELL_RESOLUTION

    address = account.plan.service_address
    return None if address is None else f"{h3.latlng_to_cell(*address, BEAM_CELL_RESOLUTION):x}"


def instant(time: np.datetime64) -> str:
    """An instant in ISO 8601, to a nanosecond where it has them."""
    from skyhaul.control._instants import instant_text

    return instant_text(time)


def span(fact: Fact) -> str:
    """From when to when a fact holds."""
    return f"{instant(fact.valid_from)} {f'to {instant(fact.valid_to)}' if fact.valid_to is not None else 'on'}"


def moment(time: datetime) -> np.datetime64:
    """A datetime as service control counts instants."""
    import numpy as np

    return np.datetime64(time.replace(tzinfo=None), "ns")
