from __future__ import annotations

from hashlib import sha256

import pytest

from skyhaul.control.log import (
    Checkpoint,
    KeyKind,
    Log,
    Note,
    Proof,
    SigningKey,
    VerifierKey,
    cosign,
    leaf_hash,
    node_hash,
    verify_proof,
)
from skyhaul.errors import ProofError

# C2SP tlog-proof, the example at its head; the extra data and the signature, which are cut short there, made whole.
EXAMPLE = b"""\
c2sp.org/tlog-proof@v1
extra YWdlLXYxLjIuMS1kYXJ3aW4tYXJtNjQudGFyLmd6
index 73894
gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=
B95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=
EKNzoDWG8LGC0Yp9o+sv3qllpMP9uHQ9B20KNL+Q1zs=
RoopEkOdqkYqMB4MJXrbt/hMjOxsVn0IrWjpz1ZMMes=
AHCioX9nLjsrse6YhjRRmk1WUEirVOLLRoOQ6vfO5vk=

example.com/fancylog
109482
sFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=

\xe2\x80\x94 example.com/fancylog hI2DJwAAAAA=
"""


def test_the_form_of_the_specification() -> None:
    proof = Proof.parse(EXAMPLE)
    assert proof.index == 73894
    assert len(proof.path) == 5
    assert proof.extra == b"age-v1.2.1-darwin-arm64.tar.gz"
    assert proof.note.startswith(b"example.com/fancylog\n109482\n")
    assert proof.encode() == EXAMPLE


def test_a_proof_verifies_with_the_public_key_alone(log: Log) -> None:
    entries = [b"decision %d" % index for index in range(300)]
    log.append(entries)
    key = VerifierKey.parse(str(log.key))
    for index in (0, 1, 254, 255, 256, 299):
        signed = verify_proof(log.prove(index).encode(), key, entries[index])
        assert signed.checkpoint.size == 300
        with pytest.raises(ProofError):
            verify_proof(log.prove(index), key, entries[index - 1])


def test_the_only_entry_needs_no_hashes(log: Log) -> None:
    log.append([b"one"])
    data = log.prove(0).encode()
    assert data.startswith(b"c2sp.org/tlog-proof@v1\nindex 0\n\nrecord.example/log\n1\n")
    assert verify_proof(data, log.key, b"one").checkpoint.size == 1


def test_every_single_byte_of_a_proof_counts(log: Log, key: VerifierKey) -> None:
    log.append(b"decision %d" % index for index in range(11))
    data = log.prove(6).encode()
    verify_proof(data, key, b"decision 6")
    for at in range(len(data)):
        for change in (0x01, 0x20, 0x80):
            wrong = bytearray(data)
            wrong[at] ^= change
            with pytest.raises(ProofError):
                verify_proof(bytes(wrong), key, b"decision 6")
        with pytest.raises(ProofError):
            verify_proof(data[:at], key, b"decision 6")
        with pytest.raises(ProofError):
            verify_proof(data[:at] + data[at + 1 :], key, b"decision 6")


def test_a_proof_from_ten_million_entries_has_at_most_two_kibibytes(signing_key: SigningKey) -> None:
    size, index, leaf = 10_000_000, 1_234_567, b"decision"
    # A tree of that size with any siblings is as good as one with all its entries.
    hash_, path, place, last = leaf_hash(leaf), [], index, size - 1
    while last:
        sibling = sha256(b"sibling %d" % last).digest()
        if place & 1:
            hash_ = node_hash(sibling, hash_)
            path.append(sibling)
        elif place < last:
            hash_ = node_hash(hash_, sibling)
            path.append(sibling)
        place, last = place >> 1, last >> 1
    note = Checkpoint(signing_key.name, size, hash_).signed(signing_key)
    for witness in range(3):
        by = SigningKey(f"witness{witness}.example.org/witness", KeyKind.WITNESS, bytes([witness]) * 32)
        line = cosign(note, signing_key.verifier, by, 1679315147, None, ())
        note = Note.parse(note).joined([line]).encode()
    data = Proof(index, tuple(path), note).encode()
    assert verify_proof(data, signing_key.verifier, leaf).checkpoint.size == size
    assert len(path) == 24
    assert len(data) <= 2048


def test_a_proof_asks_for_its_witnesses(log: Log, key: VerifierKey) -> None:
    witness = SigningKey("witness.example/w1", KeyKind.WITNESS, b"w" * 32)
    log.append([b"one", b"two"])
    alone = log.prove(1)
    line = cosign(log.note(), key, witness, 1679315147, None, ())
    log.attach(f"{line}\n".encode(), [witness.verifier])
    signed = verify_proof(log.prove(1).encode(), key, b"two", witnesses=[witness.verifier])
    assert signed.cosignatures[0].time_s == 1679315147
    with pytest.raises(ProofError, match="cosigned by 0 of the 1"):
        verify_proof(alone, key, b"two", witnesses=[witness.verifier])


def test_another_logs_proof_proves_nothing(log: Log) -> None:
    log.append([b"one"])
    stranger = SigningKey.generate(log._signer.key.name).verifier
    with pytest.raises(ProofError, match="not signed by"):
        verify_proof(log.prove(0), stranger, b"one")


@pytest.mark.parametrize(
    ("head", "what"),
    [
        (b"c2sp.org/tlog-proof@v2\nindex 0", "not a tlog-proof"),
        (b"", "not a tlog-proof"),
        (b"c2sp.org/tlog-proof@v1", "without the index"),
        (b"c2sp.org/tlog-proof@v1\nindex -5", "without the index"),
        (b"c2sp.org/tlog-proof@v1\nindex 007", "without the index"),
        (b"c2sp.org/tlog-proof@v1\nindex 9" + b"9" * 30, "without the index"),
        (b"c2sp.org/tlog-proof@v1\nextra !!notbase64!!\nindex 0", "extra data is not base64"),
        (b"c2sp.org/tlog-proof@v1\nextra \nindex 0", "extra data is not base64"),
        (b"c2sp.org/tlog-proof@v1\nindex 0\n!!notbase64!!", "not a hash"),
        (b"c2sp.org/tlog-proof@v1\nindex 0\n" + b"A" * 88, "not a hash"),
        (b"c2sp.org/tlog-proof@v1\nindex 0" + b"\n" + b"\n".join([b"A" * 43 + b"="] * 64), "not a hash"),
        (b"c2sp.org/tlog-proof@v1\nindex 0\n\xff", "not ASCII"),
        (b"c2sp.org/tlog-proof@v1\nindex 0\n" + b"A" * 3_000_000, "not a tlog-proof"),
    ],
)
def test_malformed_proofs_are_refused(head: bytes, what: str) -> None:
    with pytest.raises(ProofError, match=what):
        Proof.parse(head + b"\n\norigin\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n")
