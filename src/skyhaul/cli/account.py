"""`skyhaul account`: accounts, their state and plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from skyhaul.cli._kinds import add_import
from skyhaul.cli._options import JsonOption
from skyhaul.cli._registry import (
    AsKnownOption,
    AsOption,
    AtOption,
    ExactOption,
    FromOption,
    KeyOption,
    OutputOption,
    ReasonOption,
    RegistryOption,
    SourceOption,
    ToOption,
    address_cell,
    disclose,
    export,
    instant,
    made,
    print_facts,
    print_history,
    reading,
    record,
    span,
    this_second,
    writing,
)
from skyhaul.cli._values import parse_numbers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skyhaul.control.facts import Account, Fact

app = typer.Typer(help="Accounts: whose, in what state, on what plan.")

Name = Annotated[str, typer.Argument(metavar="ACCOUNT", help="Its name.")]


@app.command("list")
def list_(
    party: Annotated[str | None, typer.Option("--party", metavar="PARTY", help="Those of it.")] = None,
    state: Annotated[
        str | None, typer.Option("--state", metavar="STATE", help="active, disabled, sandbox or closed.")
    ] = None,
    registry: RegistryOption = None,
    at: AtOption = None,
    as_known: AsKnownOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the accounts."""
    from skyhaul.control.facts import Account
    from skyhaul.control.registry import held

    with reading(registry, at, as_known) as desk:
        found = held(desk.registry.facts, Account, desk.at, desk.known_at)
        print_facts(
            [a for a in found if party in (None, a.party) and state in (None, a.state)],
            [
                ("account", lambda account: account.account),
                ("party", lambda account: account.party),
                ("state", lambda account: str(account.state)),
                ("plan", lambda account: str(account.plan.kind)),
                ("home", lambda account: account.plan.home),
                ("address in cell", lambda account: address_cell(account) or ""),
                ("valid", span),
            ],
            as_json,
        )


@app.command()
def show(
    account: Name,
    exact: ExactOption = False,
    reason: ReasonOption = None,
    registry: RegistryOption = None,
    person: AsOption = None,
    key: KeyOption = None,
    at: AtOption = None,
    as_known: AsKnownOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print all that is on record of one account, over time."""
    from skyhaul.control.facts import Account

    if exact:
        with writing(registry, person, key) as (desk, actor):
            disclose(desk, actor, [account], reason)
    with reading(registry, at, as_known) as asked:
        print_history(asked, Account, account, as_json, exact=exact)


@app.command()
def add(
    account: Name,
    party: Annotated[str, typer.Option("--party", metavar="PARTY", help="Whose it is.")],
    plan: Annotated[str, typer.Option("--plan", metavar="KIND", help="fixed, roaming or mobile.")],
    home: Annotated[str, typer.Option("--home", metavar="TERRITORY", help="A name of the licence layer.")],
    address: Annotated[
        str | None, typer.Option("--address", metavar="LAT,LON", help="Where a fixed terminal stands.")
    ] = None,
    max_distance: Annotated[
        float | None, typer.Option("--max-distance", metavar="M", help="How far from there it may be used, in metres.")
    ] = None,
    roams_to: Annotated[
        list[str] | None, typer.Option("--roams-to", metavar="TERRITORY", help="Also there, * anywhere; repeatable.")
    ] = None,
    ocean: Annotated[bool, typer.Option("--ocean", help="Also at sea.")] = False,
    aviation: Annotated[bool, typer.Option("--aviation", help="For aircraft.")] = False,
    max_speed: Annotated[
        float | None, typer.Option("--max-speed", metavar="M/S", help="The highest speed in use.")
    ] = None,
    state: Annotated[
        str | None, typer.Option("--state", metavar="STATE", help="active, disabled, sandbox or closed.")
    ] = None,
    source: SourceOption = None,
    from_: FromOption = None,
    to: ToOption = None,
    registry: RegistryOption = None,
    person: AsOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Record an account, or what changed about one."""
    from skyhaul.control.facts import Account

    bought: dict[str, Any] = {
        "kind": plan,
        "home": home,
        "service_address": list(parse_numbers(address, "--address", 2)) if address is not None else None,
        "max_distance_m": max_distance,
        "roams_to": roams_to or [],
        "ocean": ocean,
        "aviation": aviation,
        "max_speed_m_s": max_speed,
    }
    with writing(registry, person, key) as (desk, actor):
        fact = made(
            Account,
            actor,
            desk,
            source=source,
            from_=from_,
            to=to,
            account=account,
            party=party,
            plan=bought,
            state=state,
        )
        record(desk, actor, [fact], as_json)


@app.command("set-state")
def set_state(
    account: Name,
    state: Annotated[str, typer.Argument(metavar="STATE", help="active, disabled, sandbox or closed.")],
    source: SourceOption = None,
    from_: FromOption = None,
    to: ToOption = None,
    registry: RegistryOption = None,
    person: AsOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Record that an account is in another state; party and plan stay what they are."""
    from skyhaul.control.facts import Account, fact_document
    from skyhaul.errors import NotFoundError

    with writing(registry, person, key) as (desk, actor):
        begin = from_ if from_ is not None else this_second(desk)
        known = desk.known()
        now = known.at(Account, account, int(begin.astype("int64")))
        if now is None:
            raise NotFoundError(f"there is no account “{account}” at {instant(begin)}", mend="`list` names all")
        document = fact_document(now)
        fact = made(
            Account,
            actor,
            desk,
            source=source,
            from_=begin,
            to=to,
            account=account,
            party=now.party,
            plan=document["plan"],
            state=state,
        )
        record(desk, actor, [fact], as_json)


@app.command("export")
def export_(
    output: OutputOption = None,
    exact: ExactOption = False,
    reason: ReasonOption = None,
    registry: RegistryOption = None,
    person: AsOption = None,
    key: KeyOption = None,
    at: AtOption = None,
    as_known: AsKnownOption = None,
) -> None:
    """Write the accounts; with --exact as `import` reads them."""
    from skyhaul.control.facts import Account
    from skyhaul.control.registry import held

    if exact:
        with writing(registry, person, key) as (desk, actor):
            disclose(desk, actor, (), reason)
    with reading(registry, at, as_known) as asked:
        found: Sequence[Account] = held(asked.registry.facts, Account, asked.at, asked.known_at)
        export(found, Account, output, exact=exact)


def _kind() -> type[Fact]:
    from skyhaul.control.facts import Account

    return Account


add_import(app, _kind, "accounts", ("account", "party"))
