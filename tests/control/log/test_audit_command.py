from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from skyhaul.cli._audit import app
from skyhaul.control.log import LogReader, Note, VerifierKey
from skyhaul.errors import InputError, OutputError, ProofError, RecordError, SkyhaulError

Written = Callable[[Iterable[Iterable[bytes]]], Path]


def audit(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def document(result: Result) -> Any:
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return json.loads(result.stdout)


@pytest.fixture
def folder(written: Written) -> Path:
    return written([b"decision %d" % index for index in range(20)] for _ in range(1))


def test_a_good_log_is_said_to_be_good(folder: Path, key: VerifierKey) -> None:
    result = audit("verify", folder, "--key", key)
    assert result.exit_code == 0
    root = LogReader(folder).root().hex()
    assert result.stdout == f"{folder}: good: 20 entries of record.example/log, root {root}\n"
    said = document(audit("verify", folder, "--key", key, "--json"))
    assert (said["good"], said["size"], said["root"], said["findings"]) == (True, 20, root, [])


def test_a_changed_log_says_where_and_exits_1(folder: Path, key: VerifierKey) -> None:
    bundle = folder / "tile/entries/000.p/20"
    bundle.write_bytes(bundle.read_bytes().replace(b"decision 7", b"decision 8"))
    result = audit("verify", folder, "--key", key)
    assert result.exit_code == 1
    assert result.stderr == f"{folder}/tile/entries/000.p/20: does not hold the entries that were signed: entry 7\n"
    said = document(audit("verify", folder, "--key", key, "--json"))
    assert said["good"] is False
    assert said["findings"][0]["where"] == "tile/entries/000.p/20"


def test_a_checkpoint_kept_from_before_is_held_against_the_log(folder: Path, key: VerifierKey, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.write_bytes((folder / "checkpoint").read_bytes())
    assert audit("verify", folder, "--key", key, "--earlier", kept).exit_code == 0
    kept.write_bytes(b"nothing")
    assert audit("verify", folder, "--key", key, "--earlier", kept).exit_code == 1


def test_the_way_of_a_proof(folder: Path, key: VerifierKey, tmp_path: Path) -> None:
    proof, leaf, public = tmp_path / "7.tlog-proof", tmp_path / "7.entry", tmp_path / "public"
    public.write_text(f"{key}\n")
    result = audit("prove", folder, 7, "-o", proof, "--key", public)
    size = proof.stat().st_size
    assert result.stdout == f"{proof}: entry 7 of 20 in record.example/log, {size} bytes\n"
    assert size < 2048
    assert audit("entry", folder, 7, "-o", leaf).stdout == f"{leaf}: entry 7, 10 bytes\n"
    assert leaf.read_bytes() == b"decision 7"
    result = audit("check-proof", proof, "--key", public, "--leaf", leaf)
    assert result.stdout == f"{proof}: good: {leaf} is entry 7 of 20 in record.example/log\n"
    assert document(audit("check-proof", proof, "--key", key, "--leaf", leaf, "--json"))["good"] is True
    said = document(audit("prove", folder, 8, "-o", proof, "--json"))
    assert (said["index"], said["size"], said["bytes"]) == (8, 20, proof.stat().st_size)
    assert document(audit("entry", folder, 8, "-o", leaf, "--json"))["bytes"] == 10


def test_a_proof_of_something_else_proves_nothing(folder: Path, key: VerifierKey, tmp_path: Path) -> None:
    proof, leaf = tmp_path / "proof", tmp_path / "leaf"
    audit("prove", folder, 7, "-o", proof)
    leaf.write_bytes(b"decision 8")
    result = audit("check-proof", proof, "--key", key, "--leaf", leaf)
    assert isinstance(result.exception, ProofError)
    assert str(result.exception).startswith(f"{proof}: the proof does not lead from leaf 7")
    result = audit("check-proof", proof, "--key", key, "--leaf", leaf, "--json")
    assert result.exit_code == 1
    assert document(result)["good"] is False


def test_keys_are_made_and_shown(tmp_path: Path) -> None:
    path = tmp_path / "log.key"
    made = audit("key", "new", "example.org/log", "-o", path)
    assert re.fullmatch(r"example\.org/log\+[0-9a-f]{8}\+A\S{43}\n", made.stdout)
    assert path.stat().st_mode & 0o777 == 0o600
    assert audit("key", "show", path).stdout == made.stdout
    said = document(audit("key", "show", path, "--json"))
    assert (said["kind"], said["key"]) == ("log", made.stdout.strip())
    assert isinstance(audit("key", "new", "example.org/log", "-o", path).exception, RecordError)
    assert isinstance(audit("key", "new", "two words", "-o", tmp_path / "other").exception, RecordError)
    assert not (tmp_path / "other").exists()


def test_a_witness_cosigns_and_is_asked_for(folder: Path, key: VerifierKey, tmp_path: Path) -> None:
    file = tmp_path / "witness.key"
    witness = audit("key", "new", "witness.example/w1", "--witness", "-o", file).stdout.strip()
    assert audit("verify", folder, "--key", key, "--witness", witness).exit_code == 1
    line = audit("cosign", folder, "--key", key, "--with", file).stdout
    assert line.startswith("— witness.example/w1 ")
    checkpoint = folder / "checkpoint"
    assert (tmp_path / "witness.key.seen").read_bytes() == checkpoint.read_bytes()
    checkpoint.write_bytes(checkpoint.read_bytes() + line.encode())
    result = audit("verify", folder, "--key", key, "--witness", witness)
    assert result.exit_code == 0
    assert f"cosigned by {witness} at 20" in result.stdout
    assert "not checked: 1 signatures" in audit("verify", folder, "--key", key).stdout
    said = document(audit("verify", folder, "--key", key, "--witness", witness, "--json"))
    assert [one["witness"] for one in said["cosignatures"]] == [witness]
    said = document(audit("cosign", folder, "--key", key, "--with", file, "--json"))
    assert (said["origin"], said["size"]) == ("record.example/log", 20)
    proof, leaf = tmp_path / "proof", tmp_path / "leaf"
    leaf.write_bytes(b"decision 3")
    audit("prove", folder, 3, "-o", proof)
    assert audit("check-proof", proof, "--key", key, "--leaf", leaf, "--witness", witness).exit_code == 0
    checkpoint.write_bytes(Note.parse(checkpoint.read_bytes()).encode().replace(b"\n20\n", b"\n21\n"))
    assert isinstance(audit("cosign", folder, "--key", key, "--with", file).exception, ProofError)


def test_what_goes_wrong_is_said_in_one_line(folder: Path, key: VerifierKey, tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(bytes(2_000_001))
    (tmp_path / "binary").write_bytes(b"\xff")
    public = ("--key", str(key))
    for arguments, kind in (
        (("verify", folder, "--key", "nonsense"), RecordError),
        (("verify", folder, "--key", tmp_path / "binary"), RecordError),
        (("verify", tmp_path / "none", *public), RecordError),
        (("verify", folder, *public, "--earlier", tmp_path / "none"), InputError),
        (("prove", folder, 20, "-o", tmp_path / "proof"), RecordError),
        (("prove", tmp_path / "none", 0, "-o", tmp_path / "proof"), RecordError),
        (("prove", folder, 0, "-o", tmp_path / "none" / "proof"), OutputError),
        (("entry", folder, 20, "-o", tmp_path / "entry"), RecordError),
        (("check-proof", tmp_path / "none", *public, "--leaf", tmp_path / "binary"), InputError),
        (("check-proof", tmp_path / "large", *public, "--leaf", tmp_path / "binary"), InputError),
        (("check-proof", tmp_path / "binary", *public, "--leaf", tmp_path / "binary"), ProofError),
        (("cosign", folder, *public, "--with", tmp_path / "none"), RecordError),
        (("key", "show", tmp_path / "none"), RecordError),
        (("key", "new", "a", "-o", tmp_path / "none" / "key"), RecordError),
    ):
        result = audit(*arguments)
        assert isinstance(result.exception, kind), (arguments, result.exception)
        assert isinstance(result.exception, SkyhaulError)
        assert "\n" not in str(result.exception)
    for usage in (("prove", folder, -1, "-o", "x"), ("prove", folder, 1), ("verify", folder)):
        assert audit(*usage).exit_code == 2
