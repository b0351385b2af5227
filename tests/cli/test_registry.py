"""A registry at the command line: who may do what, and what is wrong said in one line with nothing half-stored."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from skyhaul.control.facts import Fact
from skyhaul.control.registry import Registry, key_file
from tests.cli.conftest import Command, Said
from tests.control.registry.offices import actor, key_of, offices, unit_key

ROOT = Path(__file__).parents[2]
SINCE = ("--from", "2024-01-01")


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SKYHAUL_REGISTRY", "SKYHAUL_PERSON", "SKYHAUL_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry with the offices of Northland and Southland, made once and copied for each test."""
    folder = tmp_path_factory.mktemp("offices") / "registry"
    with Registry.create(folder, "Olga", key=key_of("Olga")) as registry:
        own = [fact for fact in offices() if fact.id != "appointment-Olga"]
        for person in ("Olga", "Nora"):
            registry.record([fact for fact in own if fact.author == person], actor(person))
    for person in ("Olga", "Otto", "Nora", "Nils", "Nick", "Sven", "Dina", "Audi"):
        key_of(person).write(key_file(folder, person))
    return folder


Runs = Callable[..., Said]


@pytest.fixture
def place(made: Path, tmp_path: Path) -> Path:
    import shutil

    copy = tmp_path / "registry"
    shutil.copytree(made, copy)
    return copy


@pytest.fixture
def by(skyhaul: Command, place: Path) -> Runs:
    """Runs a command on the registry as a person."""

    def run(person: str, *arguments: str | Path) -> Said:
        return skyhaul(*arguments, "--registry", place, "--as", person)

    return run


@pytest.fixture
def ask(skyhaul: Command, place: Path) -> Callable[..., Any]:
    """What a reading command says in JSON."""

    def run(*arguments: str | Path) -> Any:
        said = skyhaul(*arguments, "--registry", place, "--json")
        assert said.status == 0, said.err
        return json.loads(said.out)

    return run


def on_record(place: Path) -> list[str]:
    with Registry.open(place, read_only=True) as registry:
        return sorted(fact.id for fact in registry.facts)


def facts_of(place: Path, kind: type[Fact]) -> list[Any]:
    with Registry.open(place, read_only=True) as registry:
        return list(registry.facts.of_kind(kind))


def square(west: float, south: float, side: float = 1.0) -> list[list[float]]:
    east, north = west + side, south + side
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


def geojson(path: Path, *features: tuple[str, Any], **properties: str) -> Path:
    written = [
        {
            "type": "Feature",
            "properties": {"name": name, **properties},
            "geometry": {"type": "Polygon", "coordinates": [ring]},
        }
        for name, ring in features
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": written}))
    return path


def test_a_registry_is_made_and_says_who_is_its_operator(skyhaul: Command, tmp_path: Path) -> None:
    folder = tmp_path / "new"
    said = skyhaul("registry", "new", folder, "--operator", "Ada Lovelace")
    assert said.status == 0, said.err
    assert "operator Ada Lovelace, 1 fact on record" in said.out
    people = json.loads(skyhaul("registry", "people", "--registry", folder, "--json").out)
    assert [(p["person"], p["role"], p["body"]) for p in people] == [("Ada Lovelace", "operator", "operator")]
    key = key_file(folder, "Ada Lovelace")
    assert key.stat().st_mode & 0o077 == 0
    assert (folder / "keys").stat().st_mode & 0o077 == 0
    assert (folder / "control.db").stat().st_mode & 0o077 == 0
    again = skyhaul("registry", "new", folder, "--operator", "Ada")
    assert "the folder is not empty" in again.one_error()


def test_a_registry_that_cannot_be_made_leaves_nothing(skyhaul: Command, tmp_path: Path) -> None:
    for bad in (
        ("--operator", "a/b"),
        ("--operator", ""),
        ("--operator", "Ada", "--url", "postgresql://x@127.0.0.1:1/x"),
    ):
        assert skyhaul("registry", "new", tmp_path / "deep" / "new", *bad).one_error()
        assert not list(tmp_path.iterdir())
    assert skyhaul("registry", "new", tmp_path / "new", "--operator", "Ada").status == 0


def test_a_registry_that_is_not_whole_says_what_it_lacks(skyhaul: Command, place: Path) -> None:
    store = place / "control.db"
    assert f"give its folder: {place}" in skyhaul("registry", "show", "--registry", store).one_error()
    assert "names no registry" in skyhaul("registry", "show", "--registry", "").err
    assert "names no registry" in skyhaul("check", "UT", "--registry", "").err
    store.unlink()
    for command in (
        ("registry", "show", "--registry", place),
        ("party", "add", "Bo", "--registry", place, "--as", "Olga"),
        ("check", "UT", "--registry", place),
        ("audit", "verify", place),
        ("audit", "verify", "--registry", place),
    ):
        line = skyhaul(*command).one_error()
        assert "the registry's store control.db is missing (put it back from a backup" in line, command


def test_a_swapped_service_address_is_refused(by: Runs, place: Path) -> None:
    assert by("Olga", "party", "add", "Bo", *SINCE).status == 0
    account = ("account", "add", "A-1", "--party", "Bo", "--plan", "fixed", "--home", "Northland")
    limits = ("--max-distance", "1000", *SINCE)
    line = by("Olga", *account, "--address", "12.0,49.0", *limits).one_error()
    assert "plan.service_address: latitude and longitude look swapped: it lies outside Northland" in line
    assert by("Olga", *account, "--address", "12.0,12.0", *limits).status == 0  # elsewhere is another matter
    assert by("Olga", *account, "--address", "49.0,12.0", *limits).status == 0


def test_a_file_that_is_no_private_key_is_called_so(by: Runs, tmp_path: Path) -> None:
    for name, text in (("ada.pem.pub", "00" * 32), ("table.csv", "party,parent\n")):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o644)
        line = by("Olga", "party", "add", "X", "--key", tmp_path / name).one_error()
        assert "is not a private key" in line


def test_a_terminal_from_nothing_to_its_decision(by: Runs, ask: Callable[..., Any], place: Path) -> None:
    assert by("Olga", "party", "add", "Bo", *SINCE).status == 0
    plan = ("--plan", "fixed", "--home", "Northland", "--address", "49.5,13.0", "--max-distance", "20000")
    assert by("Olga", "account", "add", "A-9", "--party", "Bo", *plan, *SINCE).status == 0
    unit = ("--public-key", unit_key("UT-9").hex(), "--model", "dish mark 2", "--account", "A-9", "--holder", "Bo")
    assert by("Olga", "terminal", "add", "UT-9", *unit, *SINCE).status == 0
    found = ask("check", "UT-9")
    assert (found["outcome"], found["code"], found["next_change"]) == ("permitted", 1, None)
    assert found["position"] == "its service address, as if the network had measured it there"
    assert ask("check", "UT-9", "--at", "47.0,12.0")["code_name"] == "BLOCKED_COUNTRY"
    assert ask("check", "UT-9", "--at", "49.0,12.0")["code_name"] == "TOO_FAR_FROM_SERVICE_ADDRESS"
    assert ask("check", "UT-9", "--at", "49.5,13.2766", "--ellipse", "2000,1000,90")["outcome"] == "undecided"
    assert ask("check", "UT-9", "--time", "2023-12-31")["code_name"] == "UNKNOWN_STATE"
    assert ask("check", "UT-9", "--as-known", "2024-06-01")["code_name"] == "UNKNOWN_STATE"
    assert by("Olga", "account", "set-state", "A-9", "disabled", *SINCE).status == 0
    assert ask("check", "UT-9")["code_name"] == "ACCOUNT_DISABLED"


def test_check_says_what_changes_next(skyhaul: Command, by: Runs, place: Path) -> None:
    order = ("suspend", "unit", "UT-1", "--reason", "stolen", "--legal-basis", "act 7", "--from", "2030-01-01")
    assert by("Nora", "order", "draft", *order).status == 0
    said = skyhaul("check", "UT-1", "--registry", place)
    assert said.status == 0
    assert "PERMITTED: code 1 OKAY" in said.out
    assert "this changes by itself at 2030-01-01T00:00:00Z to REFUSED, code 12 ACCOUNT_DISABLED" in said.out
    assert "49" not in said.out.partition("cell")[0]


def test_an_order_from_draft_to_end(
    by: Runs, ask: Callable[..., Any], place: Path, tmp_path: Path, skyhaul: Command
) -> None:
    assert by("Olga", "registry", "policy", "--set", "many_terminals=1", "--set", "many_approvals=2").status == 0
    draft = ("suspend", "area", "licence/Northland", "--reason", "exercise", "--legal-basis", "act 7")
    said = by("Nora", "order", "draft", *draft, "--from", "2024-02-01", "-o", tmp_path / "draft.json")
    assert "touches 2 terminals; counts once 2 others approved it" in said.out
    (shown,) = ask("order", "show", tmp_path / "draft.json")
    assert (shown["state"], shown["signature"]) == ("draft", "the signature verifies")
    assert ask("order", "list") == []
    assert by("Olga", "order", "import", tmp_path / "draft.json").status == 0  # signed by Nora, handed in by another
    (listed,) = ask("order", "list")
    order = listed["order"]["id"]
    assert listed["order"]["author"] == "Nora"
    assert listed["words"] == "pending approval 0 of 2"
    assert ask("check", "UT-1")["code"] == 1
    assert "Nora gave it" in by("Nora", "order", "approve", order).one_error()
    assert "acts for Southland Office" in by("Sven", "order", "approve", order).one_error()
    assert by("Nils", "order", "approve", order, "--from", "2024-02-02").status == 0
    assert ask("order", "show", order)["words"] == "pending approval 1 of 2"
    assert by("Nick", "order", "approve", order, "--from", "2024-02-03").status == 0
    assert ask("order", "show", order)["words"] == "in force"
    assert ask("order", "show", order, "--at", "2024-02-02T12:00:00Z")["words"] == "pending approval 1 of 2"
    assert ask("order", "show", order, "--at", "2024-01-15")["words"] == "to come"
    assert ask("check", "UT-1")["code_name"] == "BLOCKED_AREA"
    said = by("Nora", "order", "end", order, "--reason", "over")
    assert "counts once 2 others approved it: skyhaul order approve" in said.out
    assert ask("order", "show", order)["words"] == "in force"
    end = ask("order", "show", order)["ends"][0]["id"]
    assert f"the end {end}: approved by 0 of 2" in skyhaul("order", "show", order, "--registry", place).out
    for person in ("Nils", "Nick"):
        assert by(person, "order", "approve", end).status == 0
    shown = ask("order", "show", order)
    assert shown["words"] == "ended"
    assert {line["signature"] for line in shown["signatures"]} == {"the signature verifies"}
    assert ask("check", "UT-1")["code"] == 1
    assert ask("check", "UT-1", "--time", "2024-02-04")["code_name"] == "BLOCKED_AREA"


def test_only_the_appointed_key_opens_the_door(by: Runs, skyhaul: Command, place: Path, tmp_path: Path) -> None:
    before = on_record(place)
    assert (
        "who are you? the folder keeps the keys of Audi, Dina"
        in skyhaul("party", "add", "X", "--registry", place).one_error()
    )
    assert "no key of Mallory" in by("Mallory", "party", "add", "X").one_error()
    key_of("Mallory").write(tmp_path / "mallory.pem")
    said = by("Olga", "party", "add", "X", "--key", tmp_path / "mallory.pem")
    assert "the key is not that of Olga" in said.one_error()
    (tmp_path / "mallory.pem").chmod(0o644)
    assert "others may read this key" in by("Olga", "party", "add", "X", "--key", tmp_path / "mallory.pem").one_error()
    assert "an auditor may not record" in by("Audi", "party", "add", "X").one_error()
    assert on_record(place) == before


def test_a_person_is_appointed_and_dismissed(by: Runs, skyhaul: Command, place: Path, tmp_path: Path) -> None:
    public = skyhaul("registry", "key", "-o", tmp_path / "new.pem").out.strip()
    (tmp_path / "new.pub").write_text(f"{public}\n")
    appoint = ("--role", "authority", "--body", "Northland Office", "--public-key", tmp_path / "new.pub")
    assert by("Olga", "registry", "appoint", "Nele", *appoint).status == 0
    licence = ("licence", "add", "Northland", "--class", "maritime", "--key", tmp_path / "new.pem")
    assert by("Nele", *licence).status == 0
    assert by("Olga", "registry", "dismiss", "Nele", "--reason", "left").status == 0
    assert "Nele holds no appointment" in by("Nele", *licence).one_error()


def test_a_self_crossing_polygon_is_refused_with_the_place(by: Runs, place: Path, tmp_path: Path) -> None:
    before = on_record(place)
    bow = [[12, 48.2], [13, 49.2], [13, 48.2], [12, 49.2], [12, 48.2]]
    path = geojson(tmp_path / "bow.geojson", ("Bow", bow))
    said = by("Olga", "territory", "import", path, "--layer", "zone", "--source", "map")
    assert said.status == 1
    assert said.err.count(str(path)) == 1
    assert f"{path}, row 1: feature 1" in said.err
    assert "1 row, 0 recorded" in said.out
    assert "self-intersection near longitude, latitude 12.5, 48.7 (draw rings that touch" in said.err
    assert "0 recorded, 1 rejected" in said.out
    assert on_record(place) == before


@pytest.mark.parametrize(
    ("ring", "why"),
    [
        ([[48.2, 112.0], [48.2, 113.0], [49.0, 113.0], [48.2, 112.0]], "latitude and longitude are swapped"),
        ([[48.2, 12.0], [48.2, 13.0], [49.0, 13.0], [48.2, 12.0]], "latitude and longitude look swapped"),
        ([[12.0, 48.2], [13.0, 48.2], [13.0, 49.0], [12.0, 49.0]], "the ring is not closed"),
        ([[12.0, 48.2], [13.0, 48.2], [12.0, 48.2]], "a ring of 3 positions"),
    ],
)
def test_swapped_and_unclosed_rings_are_refused(
    ring: list[list[float]], why: str, by: Runs, place: Path, tmp_path: Path
) -> None:
    before = on_record(place)
    path = geojson(tmp_path / "map.geojson", ("Good", square(12.0, 48.5, 0.2)), ("Zone", ring))
    arguments = ("territory", "import", path, "--layer", "zone", "--source", "map")
    said = by("Olga", *arguments, "--all-or-nothing")
    assert said.status == 1
    (line,) = said.err.splitlines()
    assert why in line
    assert "row 2" in line
    assert on_record(place) == before
    assert by("Olga", *arguments).status == 1
    assert len(on_record(place)) == len(before) + 1  # the good one


def test_what_looks_swapped_may_be_taken_as_drawn(by: Runs, place: Path, tmp_path: Path) -> None:
    path = geojson(tmp_path / "map.geojson", ("Zone", square(48.2, 12.0)))
    said = by("Olga", "territory", "import", path, "--layer", "zone", "--source", "map", "--as-drawn")
    assert said.status == 0, said.err


def test_a_signature_that_does_not_verify_is_refused(by: Runs, place: Path, tmp_path: Path) -> None:
    before = on_record(place)
    file = tmp_path / "order.json"
    draft = ("suspend", "unit", "UT-1", "--reason", "stolen", "--legal-basis", "act 7", "-o", file)
    assert by("Nora", "order", "draft", *draft).status == 0
    (document,) = json.loads(file.read_text())
    document["on"] = "UT-2"
    file.write_text(json.dumps([document]))
    said = by("Olga", "order", "import", file)
    assert said.status == 1
    (line,) = said.err.splitlines()
    assert line == (
        f"{file}, row 1: Order {document['id']}, signature: it does not verify with the key of Nora "
        "(sign the fact as it stands, with the appointed key)"
    )
    assert on_record(place) == before


def test_an_order_without_jurisdiction_is_refused(by: Runs, place: Path) -> None:
    before = on_record(place)
    reasons = ("--reason", "exercise", "--legal-basis", "act 7")
    said = by("Sven", "order", "draft", "suspend", "area", "licence/Northland", *reasons)
    assert "Southland Office has no jurisdiction: licence/Northland lies outside" in said.one_error()
    said = by("Sven", "order", "draft", "suspend", "area", "zone/Marches", *reasons)
    assert "lies to 50% outside" in said.one_error()
    assert on_record(place) == before


def test_a_custody_event_for_an_unknown_unit_is_refused(by: Runs, place: Path, tmp_path: Path) -> None:
    before = on_record(place)
    file = tmp_path / "events.json"
    events = [{"kind": "CustodyEvent", "step": "receiving", "item": "UT-77", "receiver": "Dealer"}]
    file.write_text(json.dumps(events))
    said = by("Dina", "registry", "import", file)
    assert said.status == 1
    (line,) = said.err.splitlines()
    assert "item: there is no unit or lot UT-77 (record its commissioning first, or the terminal)" in line
    assert on_record(place) == before


def test_a_party_made_its_own_parent_is_refused(by: Runs, place: Path) -> None:
    before = on_record(place)
    assert "Ada is its own parent" in by("Olga", "party", "add", "Ada", "--parent", "Ada").one_error()
    said = by("Olga", "party", "add", "Dealer", "--parent", "Shop")
    assert "parent: Dealer belongs to Shop belongs to Dealer" in said.one_error()
    assert on_record(place) == before


def junk(kind: str) -> bytes:
    size = 10_000_000
    match kind:
        case "bytes":
            return os.urandom(size)
        case "text":
            return (b"lorem ipsum " * (size // 12))[:size]
        case "brackets":
            return b"[" * size
        case "digits":
            return b"[" + b"9" * size + b"]"
        case "quotes":
            return b'"' * size
        case _:
            return bytes(size)


@pytest.mark.parametrize("kind", ["bytes", "text", "brackets", "digits", "quotes", "zeros"])
@pytest.mark.parametrize(
    "command",
    [
        ("party", "import", "junk.csv"),
        ("terminal", "import", "junk.json"),
        ("account", "import", "junk.jsonl"),
        ("order", "import", "junk.json"),
        ("registry", "import", "junk.json"),
        ("territory", "import", "junk.geojson", "--layer", "zone", "--source", "map"),
        ("territory", "import", "junk.kml", "--layer", "zone", "--source", "map"),
    ],
    ids=lambda command: "-".join(command[:3]),
)
def test_junk_is_one_clear_line(
    command: tuple[str, ...], kind: str, skyhaul: Command, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = len(on_record(made))
    Path(command[2]).write_bytes(junk(kind))
    line = skyhaul(*command, "--registry", made, "--as", "Olga").one_error()
    assert "junk" in line
    assert len(line) < 400
    assert len(on_record(made)) == before


def test_each_rejected_row_is_told(by: Runs, ask: Callable[..., Any], place: Path, tmp_path: Path) -> None:
    file = tmp_path / "terminals.csv"
    rows = [
        "terminal,public_key,model,account,holder",
        f"UT-11,{unit_key('UT-11').hex()},mark 2,A-1,Ada",
        "UT-12,zz,mark 2,A-1,Ada",
        f"UT-13,{unit_key('UT-13').hex()},mark 2,A-404,Ada",
        f"UT-14,{unit_key('UT-11').hex()},mark 2,A-1,Ada",
        f"UT-15,{unit_key('UT-15').hex()},mark 2,A-1",
        f"UT-16,{unit_key('UT-16').hex()},,A-1,Ada",
    ]
    file.write_text("\n".join(rows))
    said = by("Olga", "terminal", "import", file, "--json")
    assert said.status == 1
    report = json.loads(said.out)
    assert report["rows"] == 6
    rejected = [(row["row"], row["field"], row["why"]) for row in report["rejected"]]
    assert rejected == [
        (2, "public_key", "it is the key of UT-14"),
        (3, "public_key", "“zz” is no hexadecimal text"),
        (4, "account", "there is no account A-404"),
        (5, "public_key", "it is the key of UT-11"),
        (6, "", "4 cells for 5 columns"),
        (7, "", "has no model"),
    ]
    assert all(row["mend"] for row in report["rejected"])
    assert report["recorded"] == 0
    file.write_text("\n".join([*rows[:2], *rows[3:4]]))
    before = on_record(place)
    assert by("Olga", "terminal", "import", file, "--all-or-nothing").status == 1
    assert by("Olga", "terminal", "import", file, "--dry-run").status == 1
    assert on_record(place) == before
    said = by("Olga", "terminal", "import", file)
    assert said.status == 1
    assert "2 rows, 1 recorded, 1 rejected" in said.out
    assert "UT-11" in {terminal["terminal"] for terminal in ask("terminal", "list")}
    again = by("Olga", "terminal", "import", file, *SINCE)
    assert again.status == 1


@pytest.mark.parametrize("ending", ["csv", "json", "jsonl"])
@pytest.mark.parametrize("kind", ["party", "terminal", "licence", "account"])
def test_what_is_exported_is_imported_again(
    kind: str, ending: str, by: Runs, skyhaul: Command, ask: Callable[..., Any], place: Path, tmp_path: Path
) -> None:
    """Into another registry, where the rest is the same and nothing of that kind is there yet."""
    file = tmp_path / f"out.{ending}"
    exact = ("--exact", "--reason", "moving house", "--as", "Olga") if kind == "account" else ()
    assert skyhaul(kind, "export", "-o", file, "--registry", place, *exact).status == 0
    person = "Nora" if kind == "licence" else "Olga"
    names = {"party": "Party", "terminal": "Terminal", "licence": "Licence", "account": "Account"}
    other = tmp_path / "other"
    without = {"party": ("Party", "Account", "Terminal"), "account": ("Account", "Terminal")}.get(kind, (names[kind],))
    kept = [fact for fact in offices() if type(fact).__name__ not in (*without, "Appointment")]
    people = [fact for fact in offices() if type(fact).__name__ == "Appointment" and fact.id != "appointment-Olga"]
    people = [fact for fact in people if fact.id != "appointment-Dina"]
    with Registry.create(other, "Olga", key=key_of("Olga")) as registry:
        registry.record([fact for fact in (*people, *kept) if fact.author == "Olga"], actor("Olga"))
        registry.record([fact for fact in kept if fact.author == "Nora"], actor("Nora"))
    for who in ("Olga", "Nora"):
        if not key_file(other, who).exists():
            key_of(who).write(key_file(other, who))
    said = skyhaul(kind, "import", file, "--registry", other, "--as", person)
    assert said.status == 0, said.err

    def told(folder: Path) -> list[dict[str, Any]]:
        with Registry.open(folder, read_only=True) as registry:
            from skyhaul.control.facts import fact_document

            documents = [fact_document(fact) for fact in registry.facts if type(fact).__name__ == names[kind]]
        return sorted(({**d, "recorded_at": ""} for d in documents), key=lambda d: d["id"])

    assert told(other) == told(place)
    assert told(other)


def test_addresses_are_shown_as_cells_unless_a_reason_goes_on_record(
    by: Runs, skyhaul: Command, ask: Callable[..., Any], place: Path, tmp_path: Path
) -> None:
    from skyhaul.control.facts import Disclosure

    said = skyhaul("account", "show", "A-1", "--registry", place)
    assert "851e364bfffffff" in said.out
    assert "49.0" not in said.out
    assert ask("account", "list")[0]["plan"]["service_address"] == "851e364bfffffff"
    assert skyhaul("account", "export", "-o", tmp_path / "a.csv", "--registry", place).status == 0
    assert "49.0" not in (tmp_path / "a.csv").read_text()
    assert "without a reason" in by("Olga", "account", "show", "A-1", "--exact").one_error()
    assert "may not record" in by("Dina", "account", "show", "A-1", "--exact", "--reason", "x").one_error()
    assert facts_of(place, Disclosure) == []
    said = by("Olga", "account", "show", "A-1", "--exact", "--reason", "court order 5")
    assert "49.0, 12.0" in said.out
    (disclosure,) = facts_of(place, Disclosure)
    assert (disclosure.shown_to, disclosure.accounts, disclosure.reason) == ("Olga", ("A-1",), "court order 5")


def test_a_registry_begins_with_the_history_of_another_place(skyhaul: Command, place: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    said = skyhaul("registry", "new", folder, "--operator", "Olga", "--from", place)
    assert said.status == 0, said.err
    with Registry.open(place, read_only=True) as before, Registry.open(folder, read_only=True) as after:
        old = {fact.id: fact for fact in before.facts}
        new = {fact.id: fact for fact in after.facts}
    assert {id_: fact for id_, fact in new.items() if id_ in old} == old
    assert len(new) == len(old) + 1


def test_files_and_scenarios_are_read_and_not_written(skyhaul: Command, tmp_path: Path) -> None:
    from skyhaul.control.facts import canonical_json, fact_document

    facts = tmp_path / "facts"
    facts.mkdir()
    (facts / "all.jsonl").write_text("\n".join(canonical_json(fact_document(fact)) for fact in offices()))
    said = skyhaul("check", "UT-1", "--registry", facts, "--json")
    assert json.loads(said.out)["outcome"] == "permitted"
    error = skyhaul("party", "add", "X", "--registry", facts, "--as", "Olga").one_error()
    assert error == f"{facts}: is read only (`skyhaul registry new DIR --from PLACE` makes a registry of it)"
    assert "is not there" in skyhaul("party", "list", "--registry", tmp_path / "none").one_error()
    assert "which registry?" in skyhaul("party", "list").one_error()


@pytest.mark.parametrize(
    "folder", [ROOT / "scenarios" / "contested-territory", "two-countries"], ids=["folder", "preset"]
)
def test_a_scenario_says_where_its_terminals_are(folder: Path | str, skyhaul: Command) -> None:
    said = skyhaul("terminal", "list", "--registry", folder, "--json")
    name = json.loads(said.out)[0]["terminal"]
    found = json.loads(skyhaul("check", name, "--registry", folder, "--json").out)
    assert found["position"] == "its place in the scenario"
    assert found["cell"]


def test_a_series_of_maps_moves_a_line_day_by_day(
    by: Runs, ask: Callable[..., Any], place: Path, tmp_path: Path
) -> None:
    maps = tmp_path / "maps"
    maps.mkdir()
    geojson(maps / "control-2024-02-01.geojson", ("West", square(10, 48)), ("East", square(11, 48)), holder="N")
    geojson(maps / "control-2024-02-03.geojson", ("West", square(10, 48, 1.5)), holder="N")
    arguments = ("territory", "import", "--series", maps, "--layer", "control", "--source", "atlas")
    said = by("Olga", *arguments)
    assert said.status == 0, said.err

    def drawn(day: str) -> dict[str, float]:
        return {
            area["name"]: area["shape"]["coordinates"][0][1][0] if area["shape"]["type"] == "Polygon" else 0.0
            for area in ask("territory", "list", "--layer", "control", "--at", day)
        }

    assert drawn("2024-01-31") == {}
    assert drawn("2024-02-01") == drawn("2024-02-02T23:59:59Z") == {"West": 11.0, "East": 12.0}
    assert drawn("2024-02-03") == {"West": 11.5}
    # A day that comes late changes the days up to the next map, and no more.
    late = tmp_path / "late"
    late.mkdir()
    geojson(late / "20240202.geojson", ("East", square(11, 48, 0.5)), ("New", square(13, 48)), holder="N")
    said = by("Olga", *arguments[:3], late, *arguments[4:])
    assert said.status == 0, said.err
    assert drawn("2024-02-01") == {"West": 11.0, "East": 12.0}
    assert drawn("2024-02-02") == {"East": 11.5, "New": 14.0}
    assert drawn("2024-02-03") == {"West": 11.5}
    # The same day drawn anew is a correction; what was known before stays known.
    geojson(late / "20240202.geojson", ("East", square(11, 48, 0.25)), holder="N")
    assert by("Olga", *arguments[:3], late, *arguments[4:]).status == 0
    assert drawn("2024-02-02") == {"East": 11.25}
    said = by("Olga", "territory", "import", "--series", tmp_path, "--layer", "control", "--source", "atlas")
    assert "the folder holds no maps" in said.one_error()


def test_kml_with_a_hole_and_one_bad_placemark(by: Runs, ask: Callable[..., Any], tmp_path: Path) -> None:
    def ring(kind: str, positions: list[list[float]]) -> str:
        text = " ".join(f"{lon},{lat},0" for lon, lat in positions)
        return f"<{kind}><LinearRing><coordinates>{text}</coordinates></LinearRing></{kind}>"

    outer, inner = square(11, 48.2), square(11.2, 48.4, 0.2)
    bow = [[12, 48.2], [13, 49.2], [13, 48.2], [12, 49.2], [12, 48.2]]
    text = (
        '<kml xmlns="http://www.opengis.net/kml/2.2"><Document>'
        f"<Placemark><name>Ring</name><Polygon>{ring('outerBoundaryIs', outer)}{ring('innerBoundaryIs', inner)}"
        "</Polygon></Placemark>"
        f"<Placemark><name>Bow</name><Polygon>{ring('outerBoundaryIs', bow)}</Polygon></Placemark>"
        "</Document></kml>"
    )
    (tmp_path / "zones.kml").write_text(text)
    said = by("Olga", "territory", "import", tmp_path / "zones.kml", "--layer", "zone", "--source", "map", *SINCE)
    assert said.status == 1
    (line,) = said.err.splitlines()
    assert "placemark 2 “Bow”" in line
    assert "self-intersection near longitude, latitude 12.5, 48.7" in line
    (zone,) = (area for area in ask("territory", "list", "--layer", "zone") if area["name"] == "Ring")
    assert len(zone["shape"]["coordinates"]) == 2


def test_areas_go_out_as_geojson_and_come_back(by: Runs, skyhaul: Command, place: Path, tmp_path: Path) -> None:
    from skyhaul.control.facts import Area

    across = [[170.0, -80.0], [190.0, -80.0], [190.0, -75.0], [170.0, -75.0], [170.0, -80.0]]
    geojson(tmp_path / "far.geojson", ("Across", across))
    cap = [[-180.0, 85.0], [0.0, 85.0], [180.0, 85.0], [180.0, 90.0], [-180.0, 90.0], [-180.0, 85.0]]
    geojson(tmp_path / "cap.geojson", ("Cap", cap))
    for name in ("far", "cap"):
        said = by(
            "Olga", "territory", "import", tmp_path / f"{name}.geojson", "--layer", "zone", "--source", name, *SINCE
        )
        assert said.status == 0, said.err
    out = tmp_path / "out.geojson"
    assert skyhaul("territory", "export", "--layer", "zone", "-o", out, "--registry", place).status == 0
    other = tmp_path / "other"
    assert skyhaul("registry", "new", other, "--operator", "Olga").status == 0
    back = ("territory", "import", out, "--layer", "zone", "--source", "copy", "--registry", other)
    said = skyhaul(*back)
    assert said.status == 0, said.err

    def told(folder: Path) -> list[tuple[Any, ...]]:
        areas = [area for area in facts_of(folder, Area) if area.layer == "zone"]
        return sorted((a.name, a.holder, a.source, str(a.valid_from), a.shape.normalize().wkt) for a in areas)

    assert [row[0] for row in told(other)] == ["Across", "Cap", "Marches"]
    assert told(other) == told(place)
