"""What is private is in no entry of the log, can be opened, and can be forgotten."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from skyhaul.control.facts import (
    Account,
    Action,
    Application,
    Appointment,
    CustodyEvent,
    Fact,
    HolderKind,
    Listing,
    Party,
    Plan,
    PlanKind,
    Rejection,
    Role,
    Step,
    Target,
    Terminal,
    Withdrawal,
    fact_kinds,
)
from skyhaul.control.facts import Place as Address
from skyhaul.control.log import LogReader, Opening
from skyhaul.control.store import Store
from skyhaul.control.store._leaves import _OF_EVERY_FACT, PRIVATE_WITHIN, PUBLIC
from skyhaul.errors import NotFoundError
from tests.control.store.conftest import Place
from tests.control.worlds import NOW, account, ask, known, order, said, terminal
from tests.docs.pages import code_in, tables_of

PAGE = Path(__file__).parents[3] / "docs" / "store.md"

SECRETS = (
    "Ada Secret",
    "Bo Secret",
    "Clinic Secret",
    "passport 77",
    "48.4477",
    "12.3456",
    "KIT-hidden",
    "liar",
    "Lane 5",
)


def secretive() -> list[Fact]:
    """Facts of every kind that names a party or says something private of one."""
    home = Plan(kind=PlanKind.FIXED, home="N", service_address=Address(48.4477, 12.3456), max_distance_m=100.0)
    listing: dict[str, Any] = {
        "name": "W",
        "terminal": "T",
        "kit_number": "KIT-hidden",
        "account": "A",
        "holder": "Bo Secret",
    }
    return [
        Party(party="Ada Secret", parent="Clinic Secret", **said("p1")),
        Party(party="Bo Secret", parent="Ada Secret", **said("p2")),
        replace(account("A", home), party="Ada Secret"),
        terminal("T", "A", holder="Ada Secret", kit_number="KIT-hidden"),
        CustodyEvent(step=Step.TRANSFER, item="T", giver="Ada Secret", receiver="Bo Secret", **said("c")),
        Listing(kind=HolderKind.PERSON, evidence="passport 77", approved_by="clerk", **listing, **said("l")),
        Application(holder_kind=HolderKind.PERSON, evidence="passport 77", address="Lane 5", **listing, **said("a")),
        Rejection(application="a", rejected_by="clerk", reason="a liar", **said("r")),
        order("o", Action.SUSPEND, Target.PARTY, "Ada Secret"),
        Appointment(person="Dealer", role=Role.DISTRIBUTOR, body="Ada Secret", public_key=bytes(32), **said("d")),
        Withdrawal(kind="Party", subject="Bo Secret", **said("w")),
        Withdrawal(kind="Appointment", subject="Dealer/distributor/Ada Secret", **said("v")),
    ]


def everything(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_nothing_private_is_in_the_log_or_in_a_column(store: Store, place: Place) -> None:
    store.append(secretive(), by="clerk")
    suspended = order("stop", Action.SUSPEND, Target.PARTY, "Ada", recorded_at=NOW)
    refused = ask(known(suspended))
    assert "Ada" in refused.to_json()
    number = store.append_decisions([refused], by="plan").leaves[0]
    log = everything(place.log).decode("utf-8", "replace")
    for secret in (*SECRETS, '"Ada"', "suspended"):
        assert secret not in log, secret
    assert "851" not in store.body(number).decode()  # the cell is private too
    assert json.loads(store.body(number))["decision"]["reasons"][0]["rule"]
    with store._database.reading() as connection:
        rows = str(connection.exec_driver_sql("SELECT * FROM facts").all())
    for secret in SECRETS:
        assert secret not in rows, secret


def test_equal_values_have_commitments_that_do_not_tell_so(store: Store) -> None:
    store.append([Party(party="Ada", parent="", **said(f"p{i}")) for i in range(3)], by="clerk", keep_times=False)
    bodies = [json.loads(body)["fact"] for body in store.bodies()]
    assert len({body[name]["commitment"] for body in bodies for name in ("party", "parent")}) == 6


def test_every_field_of_every_kind_is_public_by_decision_or_private(store: Store) -> None:
    inherited = {field.name for field in fields(Fact)}
    for name, kind in fact_kinds().items():
        renamed = {"Listing": {"kind": "holder_kind"}, "Withdrawal": {"kind": "of_kind"}}.get(name, {})
        own = {renamed.get(field.name, field.name) for field in fields(kind)} - inherited
        assert set(PUBLIC[name]) <= own, name
        assert inherited == {*_OF_EVERY_FACT} - {"kind"}
    assert PUBLIC.keys() == fact_kinds().keys()


def test_the_page_lists_what_is_private() -> None:
    inherited = {field.name for field in fields(Fact)}
    (rows,) = (rows for _, columns, rows in tables_of(PAGE) if columns == ["kind", "fields"])
    listed = {code_in(kind)[0]: set(code_in(names)) for kind, names in rows}
    expected = {}
    for name, kind in fact_kinds().items():
        renamed = {"Listing": {"kind": "holder_kind"}, "Withdrawal": {"kind": "of_kind"}}.get(name, {})
        private = {renamed.get(field.name, field.name) for field in fields(kind)} - inherited - set(PUBLIC[name])
        private |= set(PRIVATE_WITHIN.get(name, ())) | ({"subject"} if name == "Withdrawal" else set())
        if private:
            expected[name] = private
    assert listed == expected


def test_an_opening_opens_what_the_log_commits_to(store: Store, place: Place) -> None:
    store.append(secretive(), by="clerk")
    openings = store.openings(4)
    entry = json.loads(LogReader(place.log).entry(4))["fact"]
    assert openings.keys() == {"giver", "receiver"}
    for field, value in (("giver", "Ada Secret"), ("receiver", "Bo Secret")):
        opening = openings[field]
        assert isinstance(opening, Opening)
        assert json.loads(opening.value) == value
        assert opening.opens(bytes.fromhex(entry[field]["commitment"]))
    assert store.openings(99) == {}


def test_a_party_that_is_forgotten_leaves_its_path_and_not_its_name(place: Place) -> None:
    with place.create() as store, place.open() as other:
        store.append(secretive(), by="clerk")
        other.refresh()
        suspended = order("stop", Action.SUSPEND, Target.PARTY, "Ada", recorded_at=NOW)
        quoted = store.append_decisions([ask(known(suspended))], by="plan").leaves[0]
        before = list(LogReader(place.log).entries())
        receipt = store.erase_party("Ada Secret", by="officer", reason="request 17")
        assert list(LogReader(place.log).entries(0, len(before))) == before
        facts = {fact.id: fact for fact in store.facts()}
        names = {
            facts["p1"].party,  # type: ignore[attr-defined]
            facts["p2"].parent,  # type: ignore[attr-defined]
            facts["account-A"].party,  # type: ignore[attr-defined]
            facts["terminal-T"].holder,  # type: ignore[attr-defined]
            facts["c"].giver,  # type: ignore[attr-defined]
            facts["o"].on,  # type: ignore[attr-defined]
            facts["d"].body,  # type: ignore[attr-defined]
        }
        (name,) = names
        assert facts["v"].subject == f"Dealer/distributor/{name}"
        assert name.startswith("erased-")
        assert facts["c"].receiver == "Bo Secret"  # type: ignore[attr-defined]
        assert facts["l"].evidence == "passport 77"  # type: ignore[attr-defined]
        assert isinstance(facts["account-A"], Account)
        assert facts["account-A"].plan.service_address == Address(-90.0, 0.0)
        assert isinstance(facts["terminal-T"], Terminal)
        assert store.decisions("fixed")[0].document is not None  # it quotes another Ada
        store.erase([(quoted, "document")], by="officer", reason="request 18")
        assert store.decisions("fixed")[0].document is None
        assert other.refresh()
        assert {fact.id: fact for fact in other.facts()} == facts
        said_of_it = json.loads(store.body(receipt.leaves[0]))
        assert (said_of_it["by"], said_of_it["erasure"]["reason"]) == ("officer", "request 17")
        with pytest.raises(NotFoundError, match="nothing private names that party"):
            store.erase_party("Ada Secret", by="officer", reason="again")
        with pytest.raises(NotFoundError, match="has no private field document, or it is erased already"):
            store.erase([(quoted, "document")], by="officer", reason="again")
        with pytest.raises(NotFoundError, match="entry 0 has no private field source"):
            store.erase([(0, "source")], by="officer", reason="no")
        store.append([Party(party="Cy", **said("p3"))], by="clerk")
    result = place.verify()
    assert result.ok, result.findings
    if "://" not in place.database:
        on_disk = everything(place.folder)
        assert b"Bo Secret" in on_disk
        assert b"48.4477" not in on_disk
        assert b"Ada Secret" not in on_disk
