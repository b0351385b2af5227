"""`skyhaul custody`: who had each unit, whom units reached, and what the records cannot say."""

from __future__ import annotations

import json
from collections.abc import Iterator
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
    Desk,
    DryRunOption,
    FromOption,
    KeyOption,
    RegistryOption,
    SourceOption,
    export,
    import_file,
    instant,
    made,
    reading,
    record,
    report,
    writing,
)
from skyhaul.errors import ControlError, OutputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from skyhaul.control.custody import CustodyRecord, Way
    from skyhaul.control.facts import CustodyEvent, Fact
    from skyhaul.control.registry import Actor, Registry

app = typer.Typer(help="Custody: the way of a unit through all hands, and which units were ever with a party.")

UnitArgument = Annotated[str, typer.Argument(metavar="UNIT", help="A unit or lot.")]
BaseOption = Annotated[
    str, typer.Option("--base", metavar="URI", help="Names that are no URIs stand below it in EPCIS.")
]
DEFAULT_BASE = "https://skyhaul.example/"
COLUMNS = ("step", "item")


@app.command("list")
def list_(
    unit: Annotated[str | None, typer.Option("--unit", metavar="UNIT", help="Events of a unit or lot.")] = None,
    party: Annotated[str | None, typer.Option("--party", metavar="PARTY", help="Events that name a party.")] = None,
    registry: RegistryOption = None,
    at: AtOption = None,
    as_known: AsKnownOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the events that stand, in the order of time."""
    with reading(registry, at, as_known) as desk:
        found = [
            event
            for event in _events(desk, at)
            if unit in (None, event.item, event.lot) and party in (None, event.giver, event.receiver)
        ]
    found.sort(key=lambda event: (event.valid_from, event.id))
    if as_json:
        from skyhaul.control.facts import fact_document

        print_json([fact_document(event) for event in found])
        return
    rows = [
        [instant(e.valid_from), str(e.step), e.item, e.lot, e.giver, e.receiver, str(e.manner), e.id] for e in found
    ]
    print_table([(name, "left") for name in ("time", "step", "unit", "of lot", "from", "to", "by", "id")], rows)
    print(f"{len(rows)} in all")


@app.command()
def trace(
    unit: UnitArgument,
    registry: RegistryOption = None,
    at: AtOption = None,
    as_known: AsKnownOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the way of a unit or lot through all hands, with every gap in the record."""
    with reading(registry, at, as_known) as desk:
        record_, events = _record(desk, at)
        traced = record_.trace(unit)
    by_id = {event.id: event for event in events}
    if as_json:
        print_json(
            {
                "unit": unit,
                "hands": list(traced.parties),
                "under_way_to": traced.under_way_to,
                "passages": [
                    {
                        "event": p.event,
                        "time": instant(p.time),
                        "step": str(p.step),
                        "item": p.item,
                        "giver": p.giver,
                        "receiver": p.receiver,
                        "holder": p.holder,
                        "manner": str(by_id[p.event].manner),
                        "gap_before": p.gap_before,
                        "source": by_id[p.event].source,
                        "recorded_at": instant(by_id[p.event].recorded_at),
                    }
                    for p in traced.passages
                ],
            }
        )
        return
    first, *rest = str(traced).splitlines()
    print(first)
    passages = iter(traced.passages)
    for line in rest:
        said = ""
        if not line.lstrip().startswith("?"):
            event = by_id[next(passages).event]
            said = f"{f' by {event.manner}' if event.manner else ''}; {event.source}"
        print(f"{line}{said}")


@app.command()
def reaches(
    party: Annotated[str, typer.Argument(metavar="PARTY", help="Who is asked about, with all that belong to it.")],
    alone: Annotated[bool, typer.Option("--alone", help="Without the parties that belong to it.")] = False,
    limit: Annotated[
        int, typer.Option("--limit", min=0, metavar="N", help="Units shown of each kind; with --json all are.")
    ] = 20,
    registry: RegistryOption = None,
    at: AtOption = None,
    as_known: AsKnownOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say which units were ever with a party, directly or through others, by which path, and what is not known."""
    from skyhaul.control.custody import check_party, known_parties, party_and_below, reach_of, ways

    with reading(registry, at, as_known) as desk:
        facts, known_at = desk.registry.facts, desk.known_at
        record_, events = _record(desk, at)
        check_party(party, known_parties(facts, events, known_at))
        parties = (party,) if alone else party_and_below(facts, party, known_at)
        reach = reach_of(record_, parties)
        groups = {"reached": reach.reached, "sent": reach.sent, "unknown": reach.unknown}
        found: dict[str, list[Way]] = {}
        for name, units in groups.items():
            shown = list(units.items())[: None if as_json else limit]
            found[name] = list(ways(record_, shown, frozenset(parties), events))
    if as_json:
        document: dict[str, Any] = {"party": party, "parties": list(parties), "units": record_units(record_)}
        document |= {name: [way.document() for way in group] for name, group in found.items()}
        print_json({**document, "clear": reach.clear})
        return
    print(f"{party}{f', with {len(parties) - 1} that belong to it: {_some(parties[1:])}' if len(parties) > 1 else ''}")
    texts = {
        "reached": ("unit was with it", "units were with it"),
        "sent": (
            "unit was sent to it, without a receipt on record",
            "units were sent to it, without a receipt on record",
        ),
        "unknown": (
            "unit has a time that nobody accounts for: the record cannot say",
            "units have a time that nobody accounts for: the record cannot say",
        ),
    }
    for name, units in groups.items():
        print(f"{len(units)} {texts[name][len(units) != 1]}")
        for way in found[name]:
            for line in str(way).splitlines():
                print(f"  {line}")
        if len(units) > len(found[name]):
            print(f"  … and {len(units) - len(found[name])} more: --limit, or --json")
    one = reach.clear == 1
    print(f"{reach.clear} {'unit is' if one else 'units are'} accounted for at all times, and never with it")


@app.command()
def add(
    step: Annotated[
        str, typer.Argument(metavar="STEP", help="commissioning, shipping, receiving, transfer, split or destroying.")
    ],
    item: UnitArgument,
    giver: Annotated[str | None, typer.Option("--giver", metavar="PARTY", help="Whom it leaves.")] = None,
    receiver: Annotated[str | None, typer.Option("--receiver", metavar="PARTY", help="Whom it comes to.")] = None,
    lot: Annotated[str | None, typer.Option("--lot", metavar="LOT", help="For a split: what it is taken out of.")] = (
        None
    ),
    manner: Annotated[
        str | None, typer.Option("--by", metavar="MANNER", help="sale, gift, loan, return, theft or capture.")
    ] = None,
    corrects: Annotated[
        str | None, typer.Option("--corrects", metavar="ID", help="The event in whose place this is said.")
    ] = None,
    source: SourceOption = None,
    from_: FromOption = None,
    registry: RegistryOption = None,
    person: AsOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Record one event of a unit or lot, at --from."""
    from skyhaul.control.facts import CustodyEvent

    with writing(registry, person, key) as (desk, actor):
        fact = made(
            CustodyEvent, actor, desk, source=source, from_=from_, to=None, step=step, item=item, giver=giver,
            receiver=receiver, lot=lot, manner=manner, subject=corrects,
        )  # fmt: skip
        record(desk, actor, [fact], as_json)


@app.command("import")
def import_(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="EPCIS 2.0 in JSON, or rows as CSV, JSON or JSON lines.")
    ],
    maker: Annotated[
        str | None, typer.Option("--maker", metavar="PARTY", help="Who has what EPCIS says was made, and not by whom.")
    ] = None,
    base: BaseOption = DEFAULT_BASE,
    source: SourceOption = None,
    from_: FromOption = None,
    all_or_nothing: AllOrNothingOption = False,
    dry_run: DryRunOption = False,
    registry: RegistryOption = None,
    person: AsOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Record the events of an EPCIS document, or of a table; each that is rejected is told with its reason."""
    from skyhaul.control.facts import CustodyEvent

    epcis = _epcis_of(file)
    with writing(registry, person, key) as (desk, actor):
        if epcis is None:
            import_file(
                desk, actor, CustodyEvent, file, columns=COLUMNS, source=source, from_=from_,
                all_or_nothing=all_or_nothing, dry_run=dry_run, as_json=as_json,
            )  # fmt: skip
        else:
            _import_epcis(
                desk, actor, file, epcis, base=base, maker=maker or "", all_or_nothing=all_or_nothing,
                dry_run=dry_run, as_json=as_json,
            )  # fmt: skip


@app.command("export")
def export_(
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="EPCIS 2.0 where it ends in .json or .jsonld, rows in .csv or .jsonl. Without it: EPCIS, printed.",
        ),
    ] = None,
    unit: Annotated[str | None, typer.Option("--unit", metavar="UNIT", help="Events of a unit or lot alone.")] = None,
    base: BaseOption = DEFAULT_BASE,
    registry: RegistryOption = None,
    at: AtOption = None,
    as_known: AsKnownOption = None,
) -> None:
    """Write custody as a GS1 EPCIS 2.0 document, with corrections and errors declared, or as rows."""
    from skyhaul.control.epcis import epcis_document
    from skyhaul.control.facts import CustodyEvent, Withdrawal

    with reading(registry, at, as_known) as desk:
        if output is not None and output.suffix not in (".json", ".jsonld"):
            events = _events(desk, at)
            export([e for e in events if unit in (None, e.item, e.lot)], CustodyEvent, output)
            return
        facts, known = desk.registry.facts, desk.known_at
        history: list[Fact] = [e for e in facts.known(CustodyEvent, known) if at is None or e.valid_from <= at]
        history = [e for e in history if isinstance(e, CustodyEvent) and unit in (None, e.item, e.lot)]
        document = epcis_document([*history, *facts.known(Withdrawal, known)], desk.registry.now(), base=base)
    text = json.dumps(document, indent=1, ensure_ascii=False)
    if output is None:
        print(text)
        return
    try:
        output.write_text(f"{text}\n", encoding="utf-8")
    except OSError as error:
        raise OutputError(f"cannot write: {error.strerror}", where=str(output)) from None


def _events(desk: Desk, at: np.datetime64 | None) -> list[CustodyEvent]:
    """The events that stand; up to an instant where one is asked for."""
    from skyhaul.control.custody import standing_events

    found = standing_events(desk.registry.facts, desk.known_at)
    return found if at is None else [event for event in found if event.valid_from <= at]


def _record(desk: Desk, at: np.datetime64 | None) -> tuple[CustodyRecord, list[CustodyEvent]]:
    from skyhaul.control.custody import CustodyRecord

    events = _events(desk, at)
    return CustodyRecord.of(events), events


def record_units(record_: CustodyRecord) -> int:
    """How many units, lots apart, a record has."""
    return int((~record_.is_lot).sum())


def _epcis_of(file: Path) -> bytes | None:
    """The bytes of a file that holds an EPCIS document; None for a table."""
    if file.suffix.lower() == ".jsonld":
        return _bytes(file)
    if file.suffix.lower() != ".json":
        return None
    data = _bytes(file)
    return data if data.lstrip()[:1] == b"{" and b"event" in data.lower() and b'"type"' in data else None


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ControlError(f"cannot read: {error.strerror}", where=str(file), mend="check the path") from None


def _import_epcis(
    registry: Registry,
    actor: Actor,
    file: Path,
    data: bytes,
    *,
    base: str,
    maker: str,
    all_or_nothing: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    import sys

    from skyhaul.control.epcis import read_epcis, to_record

    read = read_epcis(data, file.name, author=actor.person, recorded_at=registry.now(), base=base, maker=maker)
    added = to_record(read, registry.facts, actor.person)

    def candidates() -> Iterator[tuple[int, Fact | ControlError]]:
        yield from added
        for row in read.rejected:
            yield row.number, row.error

    imported = registry.record_rows(candidates(), actor, all_or_nothing=all_or_nothing, dry_run=dry_run)
    for note in read.notes:
        print(f"{file}: {note}", file=sys.stderr)
    report(imported, file, len(added) + len(read.rejected), as_json, dry_run=dry_run)


def _some(names: Sequence[str], most: int = 6) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
