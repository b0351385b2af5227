from __future__ import annotations

import base64
from pathlib import Path

import pytest

from skyhaul.control.log import (
    EMPTY_ROOT,
    Checkpoint,
    KeyKind,
    Log,
    Note,
    SigningKey,
    VerifierKey,
    cosign,
    cosign_folder,
    open_checkpoint,
    verify_log,
)
from skyhaul.errors import ProofError, RecordError, TamperError

# A checkpoint of a public Certificate Transparency log as it was served, signed by the log (Ed25519, beside a signature
# of another type) and cosigned by four public witnesses.
ARCHE = """\
arche2025h1.staging.ct.transparency.dev
1432088532
U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=

— arche2025h1.staging.ct.transparency.dev zTM8sQAAAZ5W0WdjBAMARjBEAiBjW5IQf9pvsYLfQFX6hoGREPMHbdQ3urbllzalApkptQIgIpwtEroeW2BXaHAI4kJXFbon5Ch9MNL5zRNZ55lvGt0=
— arche2025h1.staging.ct.transparency.dev ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhUkzbC3NygNI75MdhL1bfTW9g8Ei59RA23oHP7Ry1k3ZFWwQ=
— transparency.dev/DEV:witness-little-garden 2AQqhwAAAABqEiEgzgFIqqhbUoDwjMWE6UP8nd8/KYTzwZ2rhIgcqoXHAwVkjZr4AscylP3v7sEodkRAErumC2q44vdgJY096st5BQ==
— witness1.smartit.nu/witness1 pIyCDwAAAABqEiEghIp82KWebrw7/oHQwlTAm3g2RKS4+eebl8eO0WH+/iEcxZ75W3u5hNI7TOQtmJbqmNWVuE0tgh0XwzdZsDsUAQ==
— remora.n621.de 2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXTynk5XeU/zZ0WBxtqB0DrAWfBw==
— witness.stagemole.eu Z/euoAAAAABqEiEgw0i+7g2ENfDAWHmtRzCfKTHSDwYDJA2NmKeGi9Y8FtEyOUvVr+AJmIY/2TUFucgKi7lI7cUiOvKFYe/TmN9DAg==
"""  # noqa: E501
ARCHE_KEY = VerifierKey.parse(
    "arche2025h1.staging.ct.transparency.dev+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f"
)
WITNESSES = [
    VerifierKey.parse(text)
    for text in (
        "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
        "witness1.smartit.nu/witness1+a48c820f+BPSFWg9G6KPiO7QPryYO5Xq4oYJJ+kAvLKLSimDhoxMO",
    )
]
WITNESS = SigningKey("witness.example/w1", KeyKind.WITNESS, b"w" * 32)
OTHER = SigningKey("witness.example/w2", KeyKind.WITNESS, b"v" * 32)
TIME_S = 1679315147  # C2SP tlog-cosignature, "Ed25519 signed message"


def test_a_public_logs_checkpoint_and_its_witnesses_verify() -> None:
    signed = open_checkpoint(ARCHE.encode(), ARCHE_KEY, WITNESSES)
    assert signed.checkpoint.size == 1_432_088_532
    assert signed.checkpoint.text() == Note.parse(ARCHE.encode()).text
    assert {one.witness.name: one.time_s for one in signed.cosignatures} == {
        "remora.n621.de": 0x6A122120,
        "witness1.smartit.nu/witness1": 0x6A122120,
    }
    assert signed.unknown == 3


def test_a_cosignature_covers_text_and_time() -> None:
    with pytest.raises(ProofError, match=r"remora\.n621\.de"):
        Note.parse(ARCHE.replace("1432088532", "1432088533").encode()).verify(WITNESSES[:1])
    later = ARCHE.replace("2net5wAAAABqEiEg", "2net5wAAAABqEiEh")
    with pytest.raises(ProofError, match=r"remora\.n621\.de"):
        open_checkpoint(later.encode(), ARCHE_KEY, WITNESSES)


def test_the_cosigned_message_is_the_specifications(signing_key: SigningKey) -> None:
    # C2SP tlog-cosignature: u64 time, then an Ed25519 signature over two header lines and the checkpoint.
    text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    signature = WITNESS.sign(text.encode(), TIME_S)
    assert signature[:8] == TIME_S.to_bytes(8, "big")
    message = b"cosignature/v1\ntime 1679315147\n" + text.encode()
    assert signature[8:] == SigningKey("any", KeyKind.LOG, WITNESS.seed).sign(message)
    line = Note.sign(text, WITNESS, TIME_S).encode().decode().splitlines()[-1]
    assert len(base64.b64decode(line.split()[-1])) == 4 + 8 + 64


@pytest.mark.parametrize(
    "text",
    [
        "origin\n1\n" + "A" * 43 + "=\n",
        "origin\n18446744073709\n" + "A" * 43 + "=\nextension\nanother\n",
        "origin\n0\n" + base64.b64encode(EMPTY_ROOT).decode() + "\n",
    ],
)
def test_checkpoints_read_back(text: str) -> None:
    assert Checkpoint.parse(text).text() == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "origin\n",
        "origin\n1\n",
        "origin\n1\n" + "A" * 43 + "=",
        "\n1\n" + "A" * 43 + "=\n",
        "origin\n01\n" + "A" * 43 + "=\n",
        "origin\n-1\n" + "A" * 43 + "=\n",
        "origin\n١\n" + "A" * 43 + "=\n",
        "origin\n99999999999999999999\n" + "A" * 43 + "=\n",
        "origin\n1\n" + "A" * 42 + "==\n",
        "origin\n1\n" + "A" * 42 + "B=\n",
        "origin\n0\n" + "A" * 43 + "=\n",
        "origin\n1\n" + "A" * 43 + "=\n\nextension\n",
    ],
)
def test_malformed_checkpoints_are_refused(text: str) -> None:
    with pytest.raises(ProofError):
        Checkpoint.parse(text)


def test_a_checkpoint_of_another_log_is_refused(signing_key: SigningKey) -> None:
    note = Checkpoint("another.example/log", 1, b"\x01" * 32).signed(signing_key)
    with pytest.raises(ProofError, match=r"of 'another\.example/log', the key of 'record\.example/log'"):
        open_checkpoint(note, signing_key.verifier)
    with pytest.raises(ProofError, match="not signed by"):
        open_checkpoint(ARCHE.encode(), signing_key.verifier)


def test_a_quorum_of_witnesses(signing_key: SigningKey) -> None:
    log = signing_key.verifier
    note = Checkpoint(log.name, 1, b"\x01" * 32).signed(signing_key)
    line = cosign(note, log, WITNESS, TIME_S, None, ())
    cosigned = Note.parse(note).joined([line, line]).encode()
    both = [WITNESS.verifier, OTHER.verifier]
    assert len(open_checkpoint(cosigned, log, both, quorum=1).cosignatures) == 1
    with pytest.raises(ProofError, match=r"cosigned by 1 of the 2 .*missing: witness\.example/w2"):
        open_checkpoint(cosigned, log, both)
    with pytest.raises(ProofError, match="cosigned by 0 of the 1"):
        open_checkpoint(note, log, both, quorum=1)


def test_two_cosignatures_of_one_witness_count_once(signing_key: SigningKey) -> None:
    log = signing_key.verifier
    note = Checkpoint(log.name, 1, b"\x01" * 32).signed(signing_key)
    lines = [cosign(note, log, WITNESS, TIME_S + later, None, ()) for later in range(2)]
    cosigned = Note.parse(note).joined(lines).encode()
    with pytest.raises(ProofError, match="cosigned by 1 of the 2"):
        open_checkpoint(cosigned, log, [WITNESS.verifier, OTHER.verifier], quorum=2)


def test_a_logs_key_is_no_witness(signing_key: SigningKey) -> None:
    log = signing_key.verifier
    note = Checkpoint(log.name, 1, b"\x01" * 32).signed(signing_key)
    with pytest.raises(ProofError, match="cosigned by 0 of the 1"):
        open_checkpoint(note, log, [log])


def test_a_witness_cosigns_only_what_continues_what_it_saw(log: Log, key: VerifierKey, tmp_path: Path) -> None:
    memory = tmp_path / "seen"
    notes = []
    for size in (0, 5, 5, 300):
        log.append(b"%d" % index for index in range(log.size, size))
        line, signed = cosign_folder(log.folder, key, WITNESS, TIME_S, memory)
        notes.append(signed.note)
        assert signed.checkpoint.size == size
        assert memory.read_bytes() == signed.note
        attached = log.attach(f"{line}\n".encode(), [WITNESS.verifier])
        assert attached.cosignatures[0].time_s == TIME_S
        assert log.signed_checkpoint([WITNESS.verifier]) == attached
    assert verify_log(log.folder, key, witnesses=[WITNESS.verifier], earlier=notes).ok
    seen = Checkpoint.parse(Note.parse(notes[1]).text)
    rewritten = Checkpoint(seen.origin, 300, b"\x07" * 32).signed(SigningKey(seen.origin, KeyKind.LOG, b"k" * 32))
    with pytest.raises(ProofError):
        cosign(rewritten, key, WITNESS, TIME_S, seen, log.prove_consistency(5))
    with pytest.raises(ProofError, match="does not continue"):
        cosign(notes[1], key, WITNESS, TIME_S, Checkpoint(seen.origin, 3, b"\x07" * 32), log.prove_consistency(3, 5))
    with pytest.raises(ProofError, match="seen before of"):
        cosign(notes[1], key, WITNESS, TIME_S, Checkpoint("another", 0, EMPTY_ROOT), ())


def test_a_witness_sees_a_log_that_shrank(log: Log, key: VerifierKey, tmp_path: Path) -> None:
    memory = tmp_path / "seen"
    log.append([b"one"])
    before = log.note()
    log.append([b"two"])
    cosign_folder(log.folder, key, WITNESS, TIME_S, memory)
    (log.folder / "checkpoint").write_bytes(before)
    with pytest.raises(ProofError, match="has 1 entries and had 2"):
        cosign_folder(log.folder, key, WITNESS, TIME_S, memory)
    memory.write_bytes(ARCHE.encode())
    with pytest.raises(TamperError, match="one file for each log"):
        cosign_folder(log.folder, key, WITNESS, TIME_S, memory)


def test_only_cosignatures_that_hold_are_attached(log: Log, key: VerifierKey, tmp_path: Path) -> None:
    log.append([b"one"])
    line, _ = cosign_folder(log.folder, key, WITNESS, TIME_S, tmp_path / "seen")
    before = log.note()
    with pytest.raises(ProofError, match="no cosignature by a known witness"):
        log.attach(f"{line}\n".encode(), [OTHER.verifier])
    with pytest.raises(ProofError, match="malformed"):
        log.attach(b"hello\n", [WITNESS.verifier])
    log.append([b"two"])
    with pytest.raises(ProofError, match="does not verify"):
        log.attach(f"{line}\n".encode(), [WITNESS.verifier])
    log.append([b"three"])
    assert log.size == 3
    assert log.note() != before


def test_a_reader_without_the_key_verifies_no_signature(log: Log) -> None:
    from skyhaul.control.log import LogReader

    with pytest.raises(RecordError, match="public key is needed"):
        LogReader(log.folder).signed_checkpoint()
