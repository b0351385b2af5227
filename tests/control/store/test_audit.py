"""`skyhaul audit` of a registry: its store and its log together, entries by fact and decision, and what opens them."""

from __future__ import annotations

import json
import re
import shlex
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from skyhaul.cli import run
from skyhaul.control.facts import Appointment, Plan, PlanKind, Role
from skyhaul.control.facts import Place as Address
from skyhaul.control.log import VerifierKey, commit, verify_proof
from skyhaul.control.registry import PersonKey, Registry
from tests.control.store.conftest import Place
from tests.control.worlds import NOW, account, ask, known, said, terminal

PAGE = Path(__file__).parents[3] / "docs" / "audit-log.md"


class Audit:
    """Runs the command; what it printed, and what it refused."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.error = ""

    def __call__(self, *arguments: object, status: int = 0) -> str:
        self._capsys.readouterr()
        found = run(["audit", *map(str, arguments)])
        told = self._capsys.readouterr()
        self.error = told.err
        assert found == status, told
        return told.out

    def json(self, *arguments: object) -> Any:
        return json.loads(self(*arguments, "--json"))


@pytest.fixture
def audit(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Audit:
    for name in ("SKYHAUL_REGISTRY", "SKYHAUL_PERSON", "SKYHAUL_KEY"):
        monkeypatch.delenv(name, raising=False)
    return Audit(capsys)


@pytest.fixture
def registry(engine: str, tmp_path: Path, new_place: Callable[[str], Place]) -> Path:
    """A registry's folder with a few facts and a decision."""
    url = new_place(engine).database if engine == "postgresql" else None
    folder = tmp_path / "registry"
    home = Plan(kind=PlanKind.FIXED, home="N", service_address=Address(48.4477, 12.3456), max_distance_m=100.0)
    history = [account("A", home), terminal("T", "A", holder="Ada")]
    with Registry.create(folder, "Olga", url, history=history) as registry:
        registry.store.append_decisions([ask(known())], by="plan")
    return folder


def test_a_registry_is_verified_with_its_store(registry: Path, audit: Audit, engine: str) -> None:
    out = audit("verify", registry)
    assert "good: 4 entries of skyhaul/" in out
    assert "in store and log" in out
    key = audit.json("verify", registry)["key"]
    assert f"by the registry's own key; hold it against the one you were given: {key}" in out
    assert "own key" not in audit("verify", registry, "--key", key)
    assert audit("verify", registry / "log", "--key", key).startswith(f"{registry / 'log'}: good: 4 entries")
    place = (registry / "store.url").read_text().strip() if engine == "postgresql" else registry
    assert "in store and log" in audit("verify", registry / "log", "--registry", place)


def test_the_environment_names_the_registry(registry: Path, audit: Audit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKYHAUL_REGISTRY", str(registry))
    assert "in store and log" in audit("verify")
    key = audit.json("verify")["key"]
    assert "in store and log" not in audit("verify", registry / "log", "--key", key)
    assert audit.json("show", 0)["entry"]["fact"]["kind"] == "Account"


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_changed_store_is_told_with_entry_and_column(registry: Path, audit: Audit, engine: str) -> None:
    with closing(sqlite3.connect(registry / "control.db")) as connection:
        connection.execute("DROP TRIGGER facts_no_update")
        connection.execute("UPDATE facts SET author = 'Eve' WHERE id = 'terminal-T'")
        connection.commit()
    audit("verify", registry, status=1)
    assert audit.error.splitlines() == [
        f"{registry}: store: the guard facts_no_update against changes is missing or another",
        f"{registry}: store, entry 1: the table's author is 'Eve', its entry's 'clerk'",
    ]


@pytest.mark.parametrize(
    ("named", "holds"),
    [
        (("1",), '"id":"terminal-T"'),
        (("--fact", "account-A"), '"id":"account-A"'),
        (("--decision", "fixed", str(NOW)), '"outcome":"permitted"'),
    ],
)
def test_an_entry_is_proved_by_number_fact_and_decision(
    registry: Path, audit: Audit, tmp_path: Path, named: tuple[str, ...], holds: str
) -> None:
    proof, entry = tmp_path / "proof", tmp_path / "entry"
    key = audit.json("verify", registry)["key"]
    for place in ((registry,), ("--registry", registry)):
        audit("prove", *place, *named, "-o", proof, "--key", key)
        audit("entry", *place, *named, "-o", entry)
        assert proof.stat().st_size <= 2048
        assert holds in entry.read_text()
        verify_proof(proof.read_bytes(), VerifierKey.parse(key), entry.read_bytes())
        assert "good" in audit("check-proof", proof, "--leaf", entry, "--key", key)


def test_an_entry_is_opened_for_those_who_may_see_it(registry: Path, audit: Audit, tmp_path: Path) -> None:
    shown = audit.json("show", registry, "--fact", "terminal-T")
    assert shown["openings"] == {}
    opened = audit.json("show", registry, "--fact", "terminal-T", "--open")["openings"]
    assert json.loads(opened["holder"]["value"]) == "Ada"
    commitment = commit(opened["holder"]["value"].encode(), bytes.fromhex(opened["holder"]["salt"])).hex()
    assert shown["entry"]["fact"]["holder"] == {"commitment": commitment}
    assert "holder value: " in audit("show", registry, 1, "--open")
    dealer = PersonKey.generate()
    dealer.write(tmp_path / "dealer.pem")
    appointed = Appointment(
        person="Dan", role=Role.DISTRIBUTOR, body="Ada", public_key=dealer.public, **said("d", author="Olga")
    )
    with Registry.open(registry) as door:
        door.store.append([appointed], by="Olga")
    audit("show", registry, 1, "--open", "--as", "Dan", "--key", tmp_path / "dealer.pem", status=1)
    assert audit.error.startswith("skyhaul: Dan: a distributor may not open entries")
    audit("show", registry, 1, "--open", "--as", "Eve", "--key", tmp_path / "dealer.pem", status=1)
    assert "Eve holds no appointment" in audit.error
    log = registry / "log"
    audit("show", log, 1, "--open", status=1)
    assert audit.error == f"skyhaul: {log}: is a log alone: it holds no openings (give --registry PLACE)\n"


def test_an_address_is_opened_only_on_record(registry: Path, audit: Audit) -> None:
    said_before = audit.json("show", registry, "--fact", "account-A", "--open")
    assert said_before["openings"].keys() == {"party"}
    audit("show", registry, "--fact", "account-A", "--exact", status=1)
    assert "exact addresses without a reason" in audit.error
    opened = audit.json("show", registry, "--fact", "account-A", "--exact", "--reason", "court order 9")["openings"]
    assert json.loads(opened["plan.service_address"]["value"]) == [48.4477, 12.3456]
    disclosure = audit.json("show", registry, 4)["entry"]["fact"]
    assert (disclosure["kind"], disclosure["accounts"], disclosure["reason"]) == ("Disclosure", ["A"], "court order 9")


def test_what_goes_wrong_is_said_in_one_line(registry: Path, audit: Audit, tmp_path: Path) -> None:
    for arguments, message in (
        (("verify",), "which log?"),
        (("verify", "--registry", tmp_path / "none"), "there is no registry"),
        (("verify", tmp_path / "none"), "no such folder (give that of a log, or a registry's)"),
        (("verify", registry, "--key", tmp_path / "none"), "no such file, and no public key"),
        (("verify", "--registry", "postgresql://x@/y"), "an address has no log"),
        (("show", registry, "--fact", "none"), "there is no fact none"),
        (("show", registry, 99), "no entries 99 to 100"),
        (("show", registry, "--decision", "stranger", "2024-01-01"), "no decision about stranger"),
        (("show", registry, "--decision", "fixed", "soon"), "“soon” is no instant"),
        (("prove", registry / "log", "--fact", "x", "-o", tmp_path / "p"), "is a log alone"),
    ):
        audit(*arguments, status=1)
        assert message in audit.error, arguments
        assert audit.error.count("\n") == 1
    for usage in (("show", registry), ("show", registry, 1, "--fact", "x"), ("verify", registry / "log")):
        audit(*usage, status=2)


def test_the_commands_of_the_page_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, audit: Audit, capsys: pytest.CaptureFixture[str]
) -> None:
    (block,) = re.findall(r"```sh\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    monkeypatch.chdir(tmp_path)
    for line in block.splitlines():
        assert run(shlex.split(line, comments=True)[1:]) == 0, capsys.readouterr().err
    assert "Clinic 4" in capsys.readouterr().out
