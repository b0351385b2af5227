"""`skyhaul allowlist`: applications, what is decided about them, and what in them looks double or bought."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skyhaul.cli._options import JsonOption
from skyhaul.cli._output import print_json, print_table
from skyhaul.cli._registry import (
    AllOrNothingOption,
    AsKnownOption,
    AsOption,
    AtOption,
    Desk,
    DryRunOption,
    FileArgument,
    FromOption,
    KeyOption,
    OutputOption,
    ReasonOption,
    RegistryOption,
    SourceOption,
    ToOption,
    disclose,
    export,
    import_file,
    instant,
    made,
    reading,
    record,
    span,
    writing,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from skyhaul.control.facts import AllowList, Fact
    from skyhaul.control.lists import Entry, Finding, ListRegister
    from skyhaul.control.registry import Actor, Registry

app = typer.Typer(help="Allow-lists: apply, approve within quotas, and look over what is double or looks bought.")

ListOption = Annotated[str | None, typer.Option("--list", metavar="LIST", help="One list. Without it: all.")]
EntryArgument = Annotated[
    str, typer.Argument(metavar="ID", help="The id of an application, or of a listing made without one.")
]
What = Annotated[
    str, typer.Option("--what", metavar="KIND", help="lists, applications or listings.", show_default=True)
]


@app.command("list")
def list_(
    name: ListOption = None,
    state: Annotated[
        str | None,
        typer.Option("--state", metavar="STATE", help="applied, approved, rejected, expired or removed."),
    ] = None,
    registry: RegistryOption = None,
    at: AtOption = None,
    as_known: AsKnownOption = None,
    as_json: JsonOption = False,
) -> None:
    """List who applied, and what became of it."""
    with reading(registry, at, as_known) as desk:
        entries = [e for e in _register(desk).entries(desk.at, name or "") if _is(state, e)]
    if as_json:
        print_json([entry.document() for entry in entries])
        return
    rows = [
        [
            entry.id,
            entry.asked.name,
            entry.asked.terminal,
            entry.asked.holder,
            f"{entry.holder_kind}{', shown' if entry.asked.shown else ''}",
            str(entry.state),
            instant(entry.since.astype("datetime64[s]")),
            entry.reason,
        ]
        for entry in entries
    ]
    columns = ("id", "list", "terminal", "holder", "as", "state", "since", "why")
    print_table([(column, "left") for column in columns], rows)
    print(f"{len(rows)} in all")


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A list, or the id of an application or listing.")],
    registry: RegistryOption = None,
    at: AtOption = None,
    as_known: AsKnownOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print one list with its quotas, or one application with what is to be looked at in it."""
    from skyhaul.control.lists import review

    with reading(registry, at, as_known) as desk:
        register = _register(desk)
        found = next((list_ for list_ in register.lists() if list_.name == name), None)
        if found is not None:
            _show_list(found, register.entries(desk.at, name), as_json)
            return
        entry = register.entry(name, desk.at)
        every = review(desk.registry.facts, desk.at, desk.known_at, name=entry.asked.name)
        findings = [finding for finding in every if entry.id in finding.entries]
    if as_json:
        print_json({**entry.document(), "findings": [finding.document() for finding in findings]})
        return
    asked = entry.asked
    print(f"{entry.id}: {entry.state} since {instant(entry.since)}{f': {entry.reason}' if entry.reason else ''}")
    print(f"  {asked.terminal}, kit {asked.kit_number or 'none'}, account {asked.account or 'none'}, on {asked.name}")
    print(f"  for {asked.holder}, a {entry.holder_kind}{', shown' if asked.shown else ''}; {asked.evidence}")
    if asked.sponsor:
        print(f"  sponsor {asked.sponsor}")
    if entry.listing is not None:
        print(f"  listing {entry.listing.id}, {span(entry.listing)}, by {entry.listing.approved_by}")
    for fact in entry.facts:
        print(
            f"  {type(fact).__name__} {fact.id}: recorded {instant(fact.recorded_at)} by {fact.author}; {fact.source}"
        )
    _print_findings(findings)


@app.command()
def add(
    name: Annotated[str, typer.Argument(metavar="LIST", help="Its name.")],
    authority: Annotated[str, typer.Option("--authority", metavar="NAME", help="Whose list it is.")],
    area: Annotated[str, typer.Option("--area", metavar="LAYER/NAME", help="Where it is in force.")],
    quota: Annotated[
        list[str] | None,
        typer.Option(
            "--quota",
            metavar="KIND=N",
            help="Most terminals of a holder: person_unseen, person, firm, critical_firm, state; none: no limit. "
            "Repeatable.",
        ),
    ] = None,
    source: SourceOption = None,
    from_: FromOption = None,
    to: ToOption = None,
    registry: RegistryOption = None,
    person: AsOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put a list in force over an area: from then on nothing else is served there."""
    from skyhaul.control.facts import AllowList, Quotas

    with writing(registry, person, key) as (desk, actor):
        values: dict[str, Any] = {"name": name, "authority": authority, "area": area}
        fact = made(
            AllowList, actor, desk, source=source, from_=from_, to=to, quotas=_quotas(quota or [], Quotas), **values
        )  # fmt: skip
        record(desk, actor, [fact], as_json)


@app.command("apply")
def apply_(
    name: Annotated[str, typer.Argument(metavar="LIST", help="The list.")],
    terminal: Annotated[str, typer.Argument(metavar="TERMINAL", help="The terminal.")],
    holder: Annotated[str, typer.Option("--holder", metavar="PARTY", help="Who asks.")],
    holder_kind: Annotated[str, typer.Option("--as-a", metavar="KIND", help="person, firm, critical firm or state.")],
    evidence: Annotated[
        list[str],
        typer.Option("--evidence", metavar="TEXT", help="What was handed in, such as a document; repeatable."),
    ],
    kit_number: Annotated[
        str | None, typer.Option("--kit", metavar="NUMBER", help="Its kit number. Without it: the registry's.")
    ] = None,
    account: Annotated[
        str | None, typer.Option("--account", metavar="ACCOUNT", help="Its account. Without it: the registry's.")
    ] = None,
    shown: Annotated[bool, typer.Option("--shown", help="The terminal itself was shown.")] = False,
    address: Annotated[
        str | None, typer.Option("--address", metavar="TEXT", help="Where the holder is reached.")
    ] = None,
    sponsor: Annotated[
        str | None, typer.Option("--sponsor", metavar="NAME", help="For a user of the state: who answers for it.")
    ] = None,
    id_: Annotated[
        str | None, typer.Option("--id", metavar="ID", help="Its id. Without it: one made of what it says.")
    ] = None,
    source: SourceOption = None,
    from_: FromOption = None,
    to: ToOption = None,
    registry: RegistryOption = None,
    person: AsOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Record an application; what there is to look at in it is said at once."""
    from skyhaul.control.facts import Application, Terminal

    with writing(registry, person, key) as (desk, actor):
        begin = from_ if from_ is not None else desk.now()
        unit = desk.known().at(Terminal, terminal, int(begin.astype("int64")))
        if kit_number is None:
            kit_number = unit.kit_number if unit else None
        if account is None:
            account = unit.account if unit else None
        fact = made(
            Application, actor, desk, source=source, from_=from_, to=to, name=name, terminal=terminal, holder=holder,
            holder_kind=holder_kind, evidence="; ".join(evidence), kit_number=kit_number, account=account, shown=shown,
            address=address, sponsor=sponsor, id=id_,
        )  # fmt: skip
        record(desk, actor, [fact], as_json)
        if not as_json:
            _print_findings(_findings_of(desk, fact.id))


@app.command()
def approve(
    application: Annotated[str, typer.Argument(metavar="APPLICATION", help="Its id.")],
    to: ToOption,
    despite: Annotated[
        str | None, typer.Option("--despite", metavar="TEXT", help="Why, where the review found something.")
    ] = None,
    source: SourceOption = None,
    from_: FromOption = None,
    registry: RegistryOption = None,
    person: AsOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Grant an application until --to, as another person than who asked; findings need --despite."""
    from skyhaul.control.lists import approve as grant
    from skyhaul.errors import ControlError

    with writing(registry, person, key) as (desk, actor):
        findings = _findings_of(desk, application)
        if findings and not despite:
            shown = "; ".join(f"{finding.matter}: {finding.text}" for finding in findings[:3])
            more = f"; and {len(findings) - 3} more" if len(findings) > 3 else ""
            raise ControlError(
                f"{len(findings)} to look at: {shown}{more}",
                where=application,
                mend="`allowlist show` has all; say why it is granted all the same with --despite, or reject it",
            )
        register, when = _writing_register(desk)
        listing = grant(
            register,
            application,
            id_=_free_id(desk, f"listing-{application}"),
            approver=actor.person,
            valid_from=from_ if from_ is not None else when,
            valid_to=to,
            recorded_at=when,
            source=_source(source, actor),
            despite=despite or "",
        )
        record(desk, actor, [listing], as_json)


@app.command()
def reject(
    application: Annotated[str, typer.Argument(metavar="APPLICATION", help="Its id.")],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why.")],
    source: SourceOption = None,
    from_: FromOption = None,
    registry: RegistryOption = None,
    person: AsOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Answer an application that is not granted, with the reason."""
    from skyhaul.control.lists import reject as refuse

    with writing(registry, person, key) as (desk, actor):
        register, when = _writing_register(desk)
        answer = refuse(
            register,
            application,
            id_=_free_id(desk, f"rejection-{application}"),
            rejected_by=actor.person,
            reason=reason,
            valid_from=from_ if from_ is not None else when,
            recorded_at=when,
            source=_source(source, actor),
        )
        record(desk, actor, [answer], as_json)


@app.command()
def remove(
    entry: EntryArgument,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why.")],
    source: SourceOption = None,
    from_: FromOption = None,
    registry: RegistryOption = None,
    person: AsOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a terminal off a list, or withdraw an open application, with the reason."""
    from skyhaul.control.lists import remove as take_off

    with writing(registry, person, key) as (desk, actor):
        register, when = _writing_register(desk)
        withdrawal = take_off(
            register,
            entry,
            id_=_free_id(desk, f"removal-{entry}"),
            removed_by=actor.person,
            reason=reason,
            valid_from=from_ if from_ is not None else when,
            recorded_at=when,
            source=_source(source, actor),
        )
        record(desk, actor, [withdrawal], as_json)


@app.command()
def review(
    name: ListOption = None,
    matter: Annotated[
        list[str] | None, typer.Option("--matter", metavar="NAME", help="Of one matter, such as custody; repeatable.")
    ] = None,
    registry: RegistryOption = None,
    at: AtOption = None,
    as_known: AsKnownOption = None,
    as_json: JsonOption = False,
) -> None:
    """Report what is double, looks bought or no longer holds: facts to look at, no verdicts."""
    from skyhaul.control.lists import review as look_over

    with reading(registry, at, as_known) as desk:
        found = look_over(desk.registry.facts, desk.at, desk.known_at, name=name or "")
        entries = len(_register(desk).entries(desk.at, name or ""))
    findings = [f for f in found if not matter or any(_within(str(f.matter), wanted) for wanted in matter)]
    if as_json:
        print_json({"entries": entries, "findings": [finding.document() for finding in findings]})
        return
    _print_findings(findings)
    print(f"{len(findings)} to look at in {entries} applications and listings")


@app.command("import")
def import_(
    file: FileArgument,
    what: What = "applications",
    source: SourceOption = None,
    from_: FromOption = None,
    all_or_nothing: AllOrNothingOption = False,
    dry_run: DryRunOption = False,
    registry: RegistryOption = None,
    person: AsOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Record the rows of a table; each row that is rejected is told with its reason."""
    kind, columns = _kind(what)
    with writing(registry, person, key) as (desk, actor):
        import_file(
            desk,
            actor,
            kind,
            file,
            columns=columns,
            source=source,
            from_=from_,
            all_or_nothing=all_or_nothing,
            dry_run=dry_run,
            as_json=as_json,
        )


@app.command("export")
def export_(
    output: OutputOption = None,
    what: What = "applications",
    exact: Annotated[
        bool, typer.Option("--exact", help="With the addresses of those who apply; that goes on record.")
    ] = False,
    reason: ReasonOption = None,
    registry: RegistryOption = None,
    person: AsOption = None,
    key: KeyOption = None,
    at: AtOption = None,
    as_known: AsKnownOption = None,
) -> None:
    """Write applications, listings or lists as `import` reads them; addresses of those who apply only with --exact."""
    from skyhaul.control.facts import Application
    from skyhaul.control.registry import held

    kind, _ = _kind(what)
    if exact:
        with writing(registry, person, key) as (desk_, actor):
            disclose(desk_, actor, (), reason)
    with reading(registry, at, as_known) as desk:
        found = held(desk.registry.facts, kind, desk.at, desk.known_at)
    export([replace(f, address="") if isinstance(f, Application) and not exact else f for f in found], kind, output)


def _register(desk: Desk) -> ListRegister:
    from skyhaul.control.lists import ListRegister

    return ListRegister(desk.registry.facts, desk.known_at)


def _writing_register(registry: Registry) -> tuple[ListRegister, np.datetime64]:
    """All lists as they stand, and now."""
    from skyhaul.control.lists import ListRegister

    return ListRegister(registry.facts, _latest(registry)), registry.now()


def _latest(registry: Registry) -> np.datetime64:
    """The instant as of which everything on record is known."""
    now = registry.now()
    return max(now, max((fact.recorded_at for fact in registry.facts), default=now))


def _findings_of(registry: Registry, entry: str) -> list[Finding]:
    from skyhaul.control.lists import ListRegister
    from skyhaul.control.lists import review as look_over

    known = _latest(registry)
    name = ListRegister(registry.facts, known).application(entry).name
    return [f for f in look_over(registry.facts, registry.now(), known, name=name) if entry in f.entries]


def _show_list(list_: AllowList, entries: Sequence[Entry], as_json: bool) -> None:
    from dataclasses import asdict

    counts = Counter(str(entry.state) for entry in entries)
    quotas = asdict(list_.quotas)
    if as_json:
        from skyhaul.control.facts import fact_document

        print_json({**fact_document(list_), "entries": dict(counts)})
        return
    print(f"{list_.name}: of {list_.authority}, over {list_.area}, {span(list_)}")
    limits = (f"{kind} {'any number' if most is None else most}" for kind, most in quotas.items())
    print(f"  quotas: {', '.join(limits)}")
    print(f"  entries: {', '.join(f'{n} {state}' for state, n in sorted(counts.items())) or 'none'}")
    print(f"  recorded {instant(list_.recorded_at)} by {list_.author}; {list_.source}")


def _print_findings(findings: Sequence[Finding]) -> None:
    for finding in findings:
        print(f"! {finding.matter}: {finding.text}")
        print(f"    {', '.join(finding.entries)}")
        for fact in finding.facts:
            if fact.id not in finding.entries:
                print(f"    {type(fact).__name__} {fact.id}: recorded {instant(fact.recorded_at)}; {fact.source}")


def _quotas(given: Sequence[str], kind: type) -> dict[str, int | None]:
    """Quotas as options give them, the others as they are by default."""
    from dataclasses import asdict

    found: dict[str, int | None] = asdict(kind())
    for text in given:
        name, mark, number = text.partition("=")
        if not mark or name not in found or not (number == "none" or number.isdecimal()):
            names = ", ".join(found)
            raise typer.BadParameter(f"expected KIND=N of {names}, got {text[:60]}", param_hint="'--quota'")
        found[name] = None if number == "none" else int(number)
    return found


def _kind(what: str) -> tuple[type[Fact], tuple[str, ...]]:
    from skyhaul.control.facts import AllowList, Application, Listing

    asked = ("name", "terminal", "holder", "holder_kind", "evidence")
    kinds: dict[str, tuple[type[Fact], tuple[str, ...]]] = {
        "applications": (Application, asked),
        "listings": (Listing, (*asked, "approved_by", "valid_to")),
        "lists": (AllowList, ("name", "authority", "area")),
    }
    if what not in kinds:
        raise typer.BadParameter(f"expected {', '.join(kinds)}, got {what[:40]}", param_hint="'--what'")
    return kinds[what]


def _is(state: str | None, entry: Entry) -> bool:
    from skyhaul.control.lists import State

    if state is not None and state not in tuple(State):
        raise typer.BadParameter(f"expected {', '.join(State)}, got {state[:40]}", param_hint="'--state'")
    return state in (None, str(entry.state))


def _within(matter: str, wanted: str) -> bool:
    return matter == wanted or matter.startswith(f"{wanted}.")


def _free_id(registry: Registry, wanted: str) -> str:
    """An id that no fact has."""
    number, id_ = 1, wanted
    while registry.facts.with_id(id_):
        number += 1
        id_ = f"{wanted}-{number}"
    return id_


def _source(source: str | None, actor: Actor) -> str:
    return source or f"{actor.person}, on the command line"
