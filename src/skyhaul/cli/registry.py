"""`skyhaul registry`: make a registry, appoint people, set its policy, and carry facts in and out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skyhaul.cli._options import JsonOption
from skyhaul.cli._output import print_json, print_table
from skyhaul.cli._registry import (
    AllOrNothingOption,
    AsKnownOption,
    AsOption,
    AtOption,
    DryRunOption,
    ExactOption,
    FromOption,
    KeyOption,
    ReasonOption,
    RegistryOption,
    SourceOption,
    ToOption,
    disclose,
    instant,
    made,
    open_registry,
    print_facts,
    public_key_of,
    reading,
    record,
    report,
    span,
    this_second,
    write_text,
    writing,
)
from skyhaul.errors import ControlError, SkyhaulError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skyhaul.control.facts import Appointment, Fact

app = typer.Typer(help="The registry of service control: make one, appoint people, set its policy.")


@app.command()
def new(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")],
    operator: Annotated[
        str, typer.Option("--operator", metavar="PERSON", help="The first person, who appoints others.")
    ],
    url: Annotated[
        str | None,
        typer.Option("--url", metavar="URL", help="An empty PostgreSQL database, in place of a file in the folder."),
    ] = None,
    from_: Annotated[
        str | None,
        typer.Option("--from", metavar="PLACE", help="Begin with the history of another place, its times kept."),
    ] = None,
    key: Annotated[
        Path | None,
        typer.Option("--key", metavar="FILE", help="The operator's private key. Without it: a new one, in the folder."),
    ] = None,
    origin: Annotated[
        str, typer.Option("--origin", metavar="NAME", help="The log's name, such as example.org/control.")
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Make a registry: database, log, keys, and the operator's appointment."""
    from skyhaul.control.registry import PersonKey, Registry

    history: list[Fact] = []
    if from_ is not None:
        source, _ = open_registry(from_, read_only=True)
        with source:
            history = list(source.facts)
    own = PersonKey.read(key) if key is not None else None
    with Registry.create(folder, operator, url, history=history, key=own, origin=origin) as registry:
        facts, log_key = len(registry.facts), registry.store.log_key
    if as_json:
        print_json({"registry": str(folder), "operator": operator, "facts": facts, "log_key": log_key})
        return
    print(f"{folder}: a registry, operator {operator}, {facts} fact{'s' if facts != 1 else ''} on record")
    print(f"the log's public key, for those who verify it: {log_key}")


@app.command()
def show(
    registry: RegistryOption = None,
    at: AtOption = None,
    as_known: AsKnownOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print what a registry holds: facts by kind, people, policy."""
    from skyhaul.control.facts import Appointment, Policy, Settings, fact_kinds
    from skyhaul.control.registry import held

    with reading(registry, at, as_known) as desk:
        facts = desk.registry.facts
        counts = {name: len(facts.known(kind, desk.known_at)) for name, kind in sorted(fact_kinds().items())}
        counts = {name: count for name, count in counts.items() if count}
        people = held(facts, Appointment, desk.at, desk.known_at)
        policies = held(facts, Policy, desk.at, desk.known_at)
        settings = policies[0].settings if policies else Settings()
    chosen = {name: getattr(settings, name) for name in Settings.__dataclass_fields__}
    if as_json:
        print_json(
            {
                "registry": desk.registry.place,
                "at": instant(desk.at),
                "known_at": instant(desk.known_at),
                "facts": counts,
                "people": [_person(appointment) for appointment in people],
                "policy": chosen,
            }
        )
        return
    print(f"{desk.registry.place} at {instant(desk.at)}, as known at {instant(desk.known_at)}")
    print(f"facts   {', '.join(f'{count:,} {name}' for name, count in counts.items()) or 'none'}")
    print(f"policy  {', '.join(f'{name} {_word(value)}' for name, value in chosen.items())}")
    print(f"people  {', '.join(f'{a.person} ({a.role}, {a.body})' for a in people) or 'none appointed'}")


@app.command()
def people(
    registry: RegistryOption = None,
    at: AtOption = None,
    as_known: AsKnownOption = None,
    as_json: JsonOption = False,
) -> None:
    """List who is appointed to what."""
    from skyhaul.control.facts import Appointment
    from skyhaul.control.registry import held

    with reading(registry, at, as_known) as desk:
        print_facts(
            held(desk.registry.facts, Appointment, desk.at, desk.known_at),
            [
                ("person", lambda a: a.person),
                ("role", lambda a: str(a.role)),
                ("body", lambda a: a.body),
                ("territories", lambda a: ", ".join(a.territories)),
                ("public key", lambda a: a.public_key.hex()),
                ("valid", span),
            ],
            as_json,
        )


@app.command()
def appoint(
    person: Annotated[str, typer.Argument(metavar="PERSON", help="Whom.")],
    role: Annotated[str, typer.Option("--role", metavar="ROLE", help="operator, authority, distributor or auditor.")],
    body: Annotated[
        str, typer.Option("--body", metavar="NAME", help="For whom they act: the authority, the distributor's party.")
    ],
    public_key: Annotated[
        str, typer.Option("--public-key", metavar="HEX|FILE", help="Their public key, or a file that holds it.")
    ],
    territory: Annotated[
        list[str] | None,
        typer.Option("--territory", metavar="NAME", help="For an authority, only in it; repeatable."),
    ] = None,
    source: SourceOption = None,
    from_: FromOption = None,
    to: ToOption = None,
    registry: RegistryOption = None,
    actor_name: AsOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Appoint a person to a role, or give one who is appointed a new key."""
    from skyhaul.control.facts import Appointment

    with writing(registry, actor_name, key) as (desk, actor):
        fact = made(
            Appointment,
            actor,
            desk,
            source=source,
            from_=from_,
            to=to,
            person=person,
            role=role,
            body=body,
            territories=territory,
            public_key=public_key_of(public_key),
        )
        record(desk, actor, [fact], as_json)


@app.command()
def dismiss(
    person: Annotated[str, typer.Argument(metavar="PERSON", help="Whom.")],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why.")],
    role: Annotated[str | None, typer.Option("--role", metavar="ROLE", help="Only from this role.")] = None,
    source: SourceOption = None,
    from_: FromOption = None,
    registry: RegistryOption = None,
    actor_name: AsOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """End a person's appointments from an instant on."""
    from skyhaul.control.facts import Withdrawal
    from skyhaul.errors import NotFoundError

    with writing(registry, actor_name, key) as (desk, actor):
        held = [a for a in desk.known().appointments(person) if role in (None, a.role)]
        if not held:
            raise NotFoundError(f"{person} holds no such appointment", mend="`skyhaul registry people` names all")
        facts = [
            made(
                Withdrawal,
                actor,
                desk,
                source=source,
                from_=from_,
                to=None,
                of_kind="Appointment",
                subject=appointment.key,
                reason=reason,
            )
            for appointment in held
        ]
        record(desk, actor, facts, as_json)


@app.command()
def policy(
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Set it, such as many_terminals=50; repeatable."),
    ] = None,
    source: SourceOption = None,
    from_: FromOption = None,
    registry: RegistryOption = None,
    person: AsOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the policy in force, or record one that differs from it in what --set says."""
    from skyhaul.control.facts import Policy

    if not set_:
        with reading(registry) as asked:
            chosen = asked.registry.known().settings(asked.registry.known().now_ns)
        document = {name: getattr(chosen, name) for name in type(chosen).__dataclass_fields__}
        if as_json:
            print_json(document)
        else:
            print_table([("setting", "left"), ("value", "left")], [[n, _word(v)] for n, v in document.items()])
        return
    with writing(registry, person, key) as (desk, actor):
        begin = from_ if from_ is not None else this_second(desk)
        current = desk.known().settings(int(begin.astype("int64")))
        values: dict[str, Any] = {name: getattr(current, name) for name in type(current).__dataclass_fields__}
        values["everywhere"] = list(values["everywhere"])
        for text in set_:
            name, _, value = text.partition("=")
            if name not in values:
                raise ControlError(f"no setting is named “{name[:40]}”", where="--set", mend=", ".join(values))
            values[name] = _setting(name, value)
        fact = made(Policy, actor, desk, source=source, from_=begin, to=None, settings=values)
        record(desk, actor, [fact], as_json)


def _setting(name: str, text: str) -> Any:
    if name == "operator":
        return text
    if name == "everywhere":
        return [part.strip() for part in text.split(";") if part.strip()]
    try:
        return json.loads(text)
    except ValueError:
        raise ControlError(
            f"“{text[:40]}” is no value", where=f"--set {name}", mend="a number, true or false"
        ) from None


@app.command()
def key(
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="Where the private key goes.")],
    as_json: JsonOption = False,
) -> None:
    """Make a person's key in a new file that only its owner may read; the public key is printed, and goes into a file
    beside it that ends in .pub."""
    from skyhaul.control.registry import PersonKey

    made_ = PersonKey.generate()
    made_.write(output)
    write_text(Path(f"{output}.pub"), f"{made_.public.hex()}\n", quiet=True)
    if as_json:
        print_json({"file": str(output), "public_key": made_.public.hex()})
    else:
        print(made_.public.hex())


@app.command("import")
def import_(
    place: Annotated[Path, typer.Argument(metavar="FILE|DIR", help="Facts as JSON, of any kinds.")],
    all_or_nothing: AllOrNothingOption = False,
    dry_run: DryRunOption = False,
    source: SourceOption = None,
    from_: FromOption = None,
    registry: RegistryOption = None,
    person: AsOption = None,
    key_file: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Record facts of any kinds now, as their author; each that is rejected is told with its reason."""
    from skyhaul.control.facts import fact_kinds
    from skyhaul.control.registry import Given, fact_of_row
    from skyhaul.sources import read_table

    table = read_table(place)
    with writing(registry, person, key_file) as (desk, actor):
        begin = from_ if from_ is not None else this_second(desk)
        given = Given(actor.person, source or place.name, begin, actor.key.seed)
        kinds = fact_kinds()

        def candidates() -> Iterator[tuple[int, Fact | SkyhaulError]]:
            for row in table.rows:
                found: Fact | SkyhaulError
                kind = kinds.get(str(row.values.get("kind")))
                if row.error is not None:
                    found = row.error
                elif kind is None:
                    mend = f"one of {', '.join(kinds)}"
                    found = ControlError(f"no kind of fact: {_word(row.values.get('kind'))}", where="kind", mend=mend)
                else:
                    try:
                        found = fact_of_row(kind, row.values, given, typed=table.typed)
                    except SkyhaulError as error:
                        found = error
                yield row.number, found

        imported = desk.record_rows(candidates(), actor, all_or_nothing=all_or_nothing, dry_run=dry_run)
    report(imported, place, len(table.rows), as_json, dry_run=dry_run)


@app.command("export")
def export_(
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE.jsonl", help="Where the facts go.")],
    exact: ExactOption = False,
    reason: ReasonOption = None,
    registry: RegistryOption = None,
    person: AsOption = None,
    key_file: KeyOption = None,
    as_known: AsKnownOption = None,
) -> None:
    """Write all facts with their times, as `new --from` reads them; without --exact, none of accounts that have a
    service address."""
    from skyhaul.control.facts import Account, canonical_json, fact_document

    if exact:
        with writing(registry, person, key_file) as (desk, actor):
            disclose(desk, actor, (), reason)
    with reading(registry, None, as_known) as asked:
        facts = [fact for fact in asked.registry.facts if fact.recorded_at <= asked.known_at]
    facts.sort(key=lambda fact: (fact.recorded_at, fact.id))
    kept = [f for f in facts if exact or not isinstance(f, Account) or f.plan.service_address is None]
    write_text(output, "".join(f"{canonical_json(fact_document(fact))}\n" for fact in kept))
    if len(kept) < len(facts):
        print(f"left out {len(facts) - len(kept)} facts of accounts with service addresses (--exact writes them)")


def _person(appointment: Appointment) -> dict[str, Any]:
    return {
        "person": appointment.person,
        "role": str(appointment.role),
        "body": appointment.body,
        "territories": list(appointment.territories),
        "public_key": appointment.public_key.hex(),
    }


def _word(value: object) -> str:
    return ";".join(map(str, value)) if isinstance(value, tuple) else str(value)[:60]
